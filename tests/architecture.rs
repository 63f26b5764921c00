//! Who may know whom (ARCHITECTURE.md): reads the sources, follows every path to the module it
//! names and holds it against the rules below. Files only; nothing is compiled or run.
//!
//! Code under `#[cfg(test)]` may know anything. So may `lib.rs` and `main.rs`, which put the
//! program together.

#[path = "architecture/paths.rs"]
mod paths;

use std::path::{Path, PathBuf};

use paths::paths;

/// What one module may name.
struct Rule {
    /// The module, by its path in the crate.
    module: &'static str,
    /// Modules of this crate it may name, besides itself and its own parts.
    may_know: &'static [&'static str],
    /// Of those (`crate::…`) and of other crates, what it may not.
    but_not: &'static [&'static str],
}

const THREADS: &str = "std::thread";
const FILES: &str = "std::fs";
const NET: &str = "std::net";
/// Networks run on devices; what moves sound, shows it or keeps it knows none.
const GPU: &str = "autovoice_kernels::gpu";

/// Every module at the top of the crate has a rule; a new one needs its own. The modules of the
/// design that are not written yet have theirs already.
const RULES: [Rule; 18] = [
    Rule {
        module: "units",
        may_know: &[],
        but_not: &[GPU, THREADS, FILES, NET, "candle"],
    },
    Rule {
        module: "dsp",
        may_know: &["units"],
        but_not: &[GPU, THREADS, FILES, NET, "candle"],
    },
    Rule {
        module: "pitch",
        may_know: &["units", "dsp", "nn", "model"],
        but_not: &[GPU, THREADS, FILES, NET],
    },
    Rule {
        module: "io",
        may_know: &["units", "dsp"],
        but_not: &[GPU, NET, "candle"],
    },
    Rule {
        module: "nn",
        may_know: &["units", "dsp"],
        but_not: &[THREADS, FILES, NET],
    },
    Rule {
        module: "model",
        may_know: &["units", "dsp", "nn"],
        but_not: &[THREADS, FILES, NET],
    },
    Rule {
        module: "engine",
        may_know: &["units", "dsp", "pitch", "nn", "model"],
        but_not: &[THREADS, FILES, NET],
    },
    // Which device, and who keeps a voice on it. What a voice is made of it does not know.
    Rule {
        module: "compute",
        may_know: &["io", "engine"],
        but_not: &[
            "crate::engine::shift",
            "crate::engine::ddsp",
            FILES,
            NET,
            "candle",
        ],
    },
    Rule {
        module: "voice",
        may_know: &[
            "units", "io", "nn", "pitch", "model", "engine", "bridge", "preset", "compute",
        ],
        but_not: &[
            "crate::bridge::Processor",
            "crate::bridge::Worker",
            "crate::bridge::Voices",
            NET,
        ],
    },
    // Engines as a trait only.
    Rule {
        module: "bridge",
        may_know: &["units", "dsp", "pitch", "engine"],
        but_not: &[
            GPU,
            "crate::engine::shift",
            "crate::engine::rvc",
            "crate::engine::ddsp",
            FILES,
            NET,
            "candle",
        ],
    },
    // What every front end shares of presets: the table of parameters, and what it means.
    Rule {
        module: "preset",
        may_know: &["units", "pitch", "io", "engine", "bridge"],
        but_not: &[
            GPU,
            "crate::engine::shift",
            "crate::bridge::Processor",
            "crate::bridge::Worker",
            "crate::bridge::Voices",
            THREADS,
            NET,
            "candle",
        ],
    },
    Rule {
        module: "plugin",
        may_know: &[
            "units", "pitch", "io", "voice", "engine", "bridge", "preset", "compute", "editor",
        ],
        but_not: &[GPU, NET, "candle"],
    },
    // Parameters and meters, never engines; the device that is chosen, never what it is.
    Rule {
        module: "editor",
        may_know: &[
            "units", "pitch", "io", "preset", "bridge", "compute", "plugin",
        ],
        but_not: &[
            GPU,
            FILES,
            NET,
            "candle",
            "crate::bridge::Processor",
            "crate::bridge::Worker",
            "crate::bridge::Voices",
        ],
    },
    Rule {
        module: "train",
        may_know: &[
            "units", "dsp", "pitch", "io", "nn", "model", "voice", "quality",
        ],
        but_not: &[NET],
    },
    Rule {
        module: "quality",
        may_know: &["units", "dsp", "pitch", "io", "nn", "model"],
        but_not: &[THREADS, NET],
    },
    Rule {
        module: "server",
        may_know: &[
            "units", "dsp", "pitch", "io", "voice", "engine", "bridge", "preset",
        ],
        but_not: &[],
    },
    // Networks by themselves only to measure them (`bench`).
    Rule {
        module: "cli",
        may_know: &[
            "units", "dsp", "pitch", "nn", "model", "io", "voice", "engine", "bridge", "preset",
            "compute", "train", "quality", "server",
        ],
        but_not: &[],
    },
    // A host around plugin and editor. Nobody may know it: no other rule names it.
    Rule {
        module: "app",
        may_know: &[
            "units", "dsp", "pitch", "preset", "io", "voice", "engine", "bridge", "plugin",
            "editor", "train",
        ],
        // Of training it knows that of voices, which says nothing of candle.
        but_not: &[
            GPU,
            NET,
            "candle",
            "crate::train::pitch",
            "crate::train::ops",
            "crate::train::optimizer",
        ],
    },
];

/// The files outside kernels/ that may say `unsafe`: traits they implement declare methods so, the
/// framework's for hosts and JACK's for the end of its server; a mapped file is one that the
/// compiler cannot know nobody changes; and an OpenGL context is the whole thread's.
const MAY_BE_UNSAFE: [&[&str]; 4] = [
    &["app", "host"],
    &["app", "backend", "jack"],
    &["io", "mapped"],
    &["editor", "screen", "gl"],
];

/// What in one file breaks the rules. `module` is the file's path in the crate.
fn violations(module: &[&str], source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Some(top) = module.first() else {
        return found; // lib.rs, main.rs
    };
    let Some(rule) = RULES.iter().find(|rule| rule.module == *top) else {
        return vec![format!(
            "the module `{top}` has no rule in tests/architecture.rs"
        )];
    };
    let known = |name: &str| RULES.iter().any(|rule| rule.module == name);
    for path in paths(module, source) {
        let inside = path.strip_prefix("crate::");
        let other = inside.and_then(|inside| inside.split("::").next());
        if let Some(other) = other
            && other != *top
            && known(other)
            && !rule.may_know.contains(&other)
        {
            found.push(format!("`{top}` may not know `{other}`: {path}"));
        }
        if let Some(denied) = rule.but_not.iter().find(|denied| names(&path, denied)) {
            found.push(format!("`{top}` may not know `{denied}`: {path}"));
        }
    }
    if !MAY_BE_UNSAFE.contains(&module) && paths::words(source).any(|word| word == "unsafe") {
        found.push("`unsafe` belongs in kernels/".to_owned());
    }
    found
}

/// Whether a path names `denied` or something in it, or takes everything from a module above it.
fn names(path: &str, denied: &str) -> bool {
    if let Some(above) = path.strip_suffix("::*") {
        return denied == above
            || denied.starts_with(&format!("{above}::"))
            || above.starts_with(&format!("{denied}::"));
    }
    // candle is a family of crates: candle_core, candle_nn.
    let family = denied == "candle" && path.starts_with("candle_");
    family || path == denied || path.starts_with(&format!("{denied}::"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`; `src/lib.rs` is the root.
fn module_of(file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(root().join("src")).unwrap_or(file);
    let mut parts: Vec<String> = relative
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}

#[test]
fn nobody_knows_whom_they_may_not() {
    let files = rust_files(&root().join("src"));
    assert!(files.len() > 20, "found only {} files", files.len());
    let mut found = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let module = module_of(&file);
        let module: Vec<&str> = module.iter().map(String::as_str).collect();
        let broken = violations(&module, &source);
        found.extend(
            broken
                .into_iter()
                .map(|what| format!("{}: {what}", file.display())),
        );
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let mut silent = Vec::new();
    for folder in [
        "src",
        "corpus/src",
        "emulator/src",
        "kernels/src",
        "xtask/src",
        "xtask/tests",
        "tests",
        "benches",
    ] {
        for file in rust_files(&root().join(folder)) {
            if !std::fs::read_to_string(&file).unwrap().starts_with("//! ") {
                silent.push(file);
            }
        }
    }
    assert!(
        silent.is_empty(),
        "these do not start with `//! `: {silent:#?}"
    );
}

/// The checker itself, on planted sources: what it must find and what it must let pass.
#[test]
fn the_checker_finds_what_is_planted() {
    let table: [(&[&str], &str, &str); 29] = [
        (&["dsp", "gate"], "use candle_core::Tensor;", "candle"),
        (
            &["dsp", "gate"],
            "use std::{fmt, thread::{self, Thread}};",
            "std::thread",
        ),
        (&["dsp"], "fn f() { std::fs::read(\"x\"); }", "std::fs"),
        (&["dsp", "gate"], "use crate::bridge::Settings;", "bridge"),
        (
            &["dsp", "gate"],
            "use super::super::engine::Engine;",
            "engine",
        ),
        (&["nn", "conv"], "use std::thread::spawn;", "std::thread"),
        (
            &["bridge", "worker"],
            "use autovoice_kernels::gpu::Device;",
            "kernels::gpu",
        ),
        (
            &["dsp"],
            "use autovoice_kernels::{cpu, gpu::Array};",
            "kernels::gpu",
        ),
        (
            &["bridge", "worker"],
            "use crate::engine::shift::ShiftEngine;",
            "crate::engine::shift",
        ),
        (
            &["bridge", "worker"],
            "use crate::{engine::{Engine, shift}, units};",
            "crate::engine::shift",
        ),
        (
            &["bridge"],
            "use crate::engine; fn f() { engine::shift::ShiftEngine::new(); }",
            "crate::engine::shift",
        ),
        (
            &["bridge"],
            "use crate::engine as e; fn f() { e::rvc::load(); }",
            "crate::engine::rvc",
        ),
        (&["bridge"], "use crate::engine::*;", "engine::shift"),
        (
            &["editor", "panels"],
            "fn f(x: &dyn crate::engine::Engine) {}",
            "engine",
        ),
        (
            &["editor"],
            "use crate::bridge::{Meters, Processor};",
            "bridge::Processor",
        ),
        (
            &["cli", "convert"],
            "use crate::plugin::AutoVoiceParams;",
            "plugin",
        ),
        (
            &["cli"],
            "mod live { pub use crate::editor::Window; }",
            "editor",
        ),
        (&["server"], "use crate::plugin;", "plugin"),
        (&["io"], "fn f() { unsafe { g() } }", "unsafe"),
        (&["voice", "index"], "fn f() { unsafe { g() } }", "unsafe"),
        (&["app", "engine"], "fn f() { unsafe { g() } }", "unsafe"),
        (
            &["editor", "screen", "handler"],
            "fn f() { unsafe { g() } }",
            "unsafe",
        ),
        (&["cli"], "use crate::app::run;", "app"),
        (&["plugin"], "use crate::app::host::Host;", "app"),
        (&["app"], "use crate::train::pitch;", "train"),
        (&["novelty"], "", "no rule"),
        (&["dsp"], "/* \" */ use std::fs; // \"", "std::fs"),
        (
            &["dsp"],
            "const A: char = '\"'; use std::fs; const B: char = '\"';",
            "std::fs",
        ),
        (
            &["dsp"],
            "fn f<'a>(x: &'a str) { std::fs::read(x); }",
            "std::fs",
        ),
    ];
    for (module, source, expected) in table {
        let found = violations(module, source);
        assert!(
            found.iter().any(|what| what.contains(expected)),
            "{source}: {found:?}"
        );
    }
    let allowed: [(&[&str], &str); 12] = [
        (&["io", "mapped"], "fn f() { unsafe { g() } }"),
        (
            &["dsp"],
            "// use std::fs;\n/* use std::thread; /* unsafe */ */",
        ),
        (
            &["dsp"],
            "const A: &str = \"use std::fs; unsafe\"; const B: &str = r#\"use \"std::fs\"#;",
        ),
        (
            &["dsp"],
            "#[cfg(test)] mod tests { use std::fs; use crate::bridge::Settings; }",
        ),
        (
            &["dsp"],
            "#[cfg(test)] use std::fs; use crate::units::Frames;",
        ),
        (
            &["dsp", "gate"],
            "use super::delay::Delay; use crate::dsp::ramp::Ramp;",
        ),
        (
            &["bridge"],
            "use crate::engine::{Controls, Engine, EngineSpec};",
        ),
        (
            &["bridge"],
            "use crate::dsp::gate; fn f() { std::thread::spawn(|| ()); }",
        ),
        (
            &["editor"],
            "use crate::bridge::{Latency, Meters}; use crate::plugin::Feed;",
        ),
        (&["nn", "device"], "use autovoice_kernels::gpu::Device;"),
        (&["cli"], "mod plugin; use self::plugin::x; fn editor() {}"),
        (
            &["app", "host"],
            "use crate::plugin::state; unsafe fn f() {}",
        ),
    ];
    for (module, source) in allowed {
        assert_eq!(violations(module, source), Vec::<String>::new(), "{source}");
    }
}

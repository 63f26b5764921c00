//! `cargo xtask judge`: what voices make of people whom nobody trained with. Converts recordings
//! with the command line and prints, for every voice and every recording, how like the voice it is,
//! what is understood of it, how bright it is and how far its pitch is off. `measure.py` says how.
//! Main thread.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use xtask::paths;

use crate::corpus::{LISTENED_TO, say_held_out};
use crate::{packages, python, step};

const REQUIREMENTS: &str = "xtask/src/judge/requirements.txt";
const USAGE: &str = "\
Usage: cargo xtask judge [VOICE..] [--program FILE] [--no-words]

Measures voices that ship, all of them if none is named, with recordings in ../shared/audio. A voice
of the user's own by the same name is measured instead of the one that ships; AUTOVOICE_HOME says
where those are. --program names a command line with the feature train; otherwise one is built. --no-words leaves out
what takes the most time, recognising words.";

/// What a voice is compared with: recordings of it that it has not learnt from.
enum Reference {
    /// Files among those that are listened to.
    Recordings(&'static [&'static str]),
    /// What this synthesizer says of the sentences that are kept for tests.
    Synthesizer(&'static str),
}

const VOICES: [(&str, Reference); 4] = [
    (
        "Clara",
        Reference::Recordings(&["lj_0001.wav", "lj_0005.wav", "lj_0007.wav"]),
    ),
    ("Selma", Reference::Synthesizer("slthts")),
    ("Rolf", Reference::Synthesizer("rms")),
    ("Kuno", Reference::Synthesizer("kal")),
];

/// Recordings of 12 people, and whether they sing.
const SOURCES: [(&str, bool); 12] = [
    ("ls_1919.wav", false),
    ("ls_2086.wav", false),
    ("ls_2902.wav", false),
    ("ls_652.wav", false),
    ("ls_8842.wav", false),
    ("vctk_p225_003.wav", false),
    ("vctk_p226_003.wav", false),
    ("jfk_44k.flac", false),
    ("arctic_a0007.wav", false),
    ("arctic_a0009.wav", false),
    ("sms_singing_female_44k.wav", true),
    ("vocadito_1_44k.wav", true),
];

pub fn run(options: &[&str]) -> Result<()> {
    let Some(plan) = Plan::parse(options)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let mut steps = step::Steps::new(3);
    steps.next("Looking for what measures");
    packages::ensure(packages::LABELS)?;
    let listened_to = Path::new(LISTENED_TO);
    ensure!(
        listened_to.is_dir(),
        "expected recordings to listen to in {LISTENED_TO}, found no such folder"
    );
    let target = paths::target()?;
    let python = python::environment(&target.join("venv-judge"), REQUIREMENTS)?;

    steps.next("Building the command line");
    let program = match plan.program {
        Some(program) => program,
        None => {
            let build = "cargo build --release --package autovoice --features train";
            step::run(&mut step::command(build))?;
            target.join("release/autovoice")
        }
    };

    steps.next("Listening");
    let folder = target.join("judged");
    std::fs::create_dir_all(&folder)?;
    let voices: Vec<Value> = VOICES
        .iter()
        .filter(|(name, _)| {
            plan.voices.is_empty() || plan.voices.iter().any(|wanted| wanted == name)
        })
        .map(|(name, reference)| {
            let references = match reference {
                Reference::Recordings(files) => files.iter().map(|f| listened_to.join(f)).collect(),
                Reference::Synthesizer(voice) => say_held_out(voice, &folder)?,
            };
            Ok(json!({ "name": name, "references": references }))
        })
        .collect::<Result<_>>()?;
    let sources: Vec<Value> = SOURCES
        .iter()
        .map(|(file, sings)| json!({ "path": listened_to.join(file), "sings": sings }))
        .collect();
    let task = json!({
        "program": program,
        "folder": folder,
        "sources": sources,
        "voices": voices,
        "words": plan.words,
    });
    let mut measure = Command::new(python)
        .arg("xtask/src/judge/measure.py")
        .stdin(Stdio::piped())
        .spawn()?;
    let mut input = measure.stdin.take().context("a pipe to Python")?;
    input.write_all(task.to_string().as_bytes())?;
    drop(input);
    ensure!(measure.wait()?.success(), "measuring failed, see above");
    steps.done();
    println!("\nsounds        {}", folder.display());
    Ok(())
}

/// What is asked for.
struct Plan {
    /// Voices by name; all if there is none.
    voices: Vec<String>,
    /// A command line with the feature `train`.
    program: Option<PathBuf>,
    /// Whether words are recognised.
    words: bool,
}

impl Plan {
    /// Reads the options; `None` where help is asked for.
    fn parse(options: &[&str]) -> Result<Option<Self>> {
        let mut plan = Self {
            voices: Vec::new(),
            program: None,
            words: true,
        };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match *option {
                "--help" | "-h" | "help" => return Ok(None),
                "--no-words" => plan.words = false,
                "--program" => {
                    let file = options.next();
                    let file = file
                        .with_context(|| format!("expected a file after `{option}`\n\n{USAGE}"))?;
                    plan.program = Some(PathBuf::from(file));
                }
                name if VOICES.iter().any(|(known, _)| *known == name) => {
                    plan.voices.push(name.to_owned());
                }
                other => bail!("expected a voice that ships, got `{other}`\n\n{USAGE}"),
            }
        }
        Ok(Some(plan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_known_and_programs_named() {
        let parse = |options: &[&str]| Plan::parse(options);
        let plan = parse(&["Rolf", "--program", "a/b", "Clara"])
            .unwrap()
            .unwrap();
        assert_eq!(plan.voices, ["Rolf", "Clara"]);
        assert_eq!(plan.program, Some(PathBuf::from("a/b")));
        assert!(plan.words && !parse(&["--no-words"]).unwrap().unwrap().words);
        assert!(parse(&["--help"]).unwrap().is_none());
        for wrong in [&["Nobody"][..], &["--program"], &["--else"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_voice_that_ships_is_judged() {
        let manifest = std::fs::read_to_string(paths::root().join("models/manifest.toml")).unwrap();
        let shipped = manifest.matches("voices/").count();
        assert_eq!(shipped, VOICES.len());
        for (name, _) in VOICES {
            let entry = format!("what = \"the voice {name}\"");
            assert!(manifest.contains(&entry), "{name}");
        }
    }
}

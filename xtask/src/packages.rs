//! System packages: what a chore needs beyond Rust, whether it is there, and getting it.
//! Looks for the thing itself (a program, a library), so any distribution that has it will do;
//! only installing is Debian's and Ubuntu's way.

use std::process::Command;

use anyhow::{Result, bail};

use crate::step;

/// How to see that a package's content is there.
#[derive(Clone, Copy, Debug)]
pub enum Probe {
    /// A program in the path.
    Program(&'static str),
    /// A library the compiler finds through pkg-config.
    PkgConfig(&'static str),
    /// A library the dynamic linker finds.
    Library(&'static str),
    /// A Python module.
    PythonModule(&'static str),
    /// A file in one of these places.
    AnyFile(&'static [&'static str]),
}

/// One need and the Debian package that meets it.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Debian package.
    pub package: &'static str,
    /// Its presence.
    pub probe: Probe,
    /// Why, as the user is told.
    pub why: &'static str,
}

const fn need(package: &'static str, probe: Probe, why: &'static str) -> Need {
    Need {
        package,
        probe,
        why,
    }
}

/// For building the plugin and the command line. Whoever runs this has compiled it with a C
/// linker, so this says what was needed more often than it installs anything.
pub const BUILD: &[Need] = &[need(
    "build-essential",
    Probe::Program("cc"),
    "linking Rust programs",
)];

/// For `test`: the app is built and opened, and the editor in a host; Python runs another host.
pub const TEST: &[Need] = &[
    need(
        "pkg-config",
        Probe::Program("pkg-config"),
        "building the app",
    ),
    need(
        "libasound2-dev",
        Probe::PkgConfig("alsa"),
        "building the app",
    ),
    need(
        "libjack-jackd2-dev",
        Probe::PkgConfig("jack"),
        "building the app",
    ),
    need("jackd2", Probe::Program("jackd"), "the app's sound"),
    need("xdotool", Probe::Program("xdotool"), "a hand for the app"),
    need("procps", Probe::Program("kill"), "ending the app"),
    need(
        "xvfb",
        Probe::Program("Xvfb"),
        "opening the editor without a screen",
    ),
    need(
        "libx11-xcb1",
        Probe::Library("libX11-xcb.so.1"),
        "opening the editor",
    ),
    need(
        "libxcursor1",
        Probe::Library("libXcursor.so.1"),
        "opening the editor",
    ),
    need("libgl1", Probe::Library("libGL.so.1"), "opening the editor"),
    need(
        "libgl1-mesa-dri",
        Probe::AnyFile(SOFTWARE_GL),
        "opening the editor",
    ),
    need("python3", Probe::Program("python3"), "the VST3 host"),
    need(
        "python3-venv",
        Probe::PythonModule("ensurepip"),
        "the VST3 host",
    ),
];

/// For labels of recordings in `corpus`: a package of Python does it.
pub const LABELS: &[Need] = &[
    need("python3", Probe::Program("python3"), "labels of recordings"),
    need(
        "python3-venv",
        Probe::PythonModule("ensurepip"),
        "labels of recordings",
    ),
];

const SOFTWARE_GL: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/dri/swrast_dri.so",
    "/usr/lib/aarch64-linux-gnu/dri/swrast_dri.so",
    "/usr/lib64/dri/swrast_dri.so",
    "/usr/lib/dri/swrast_dri.so",
];

/// Makes sure of every need: installs what is missing when this may, otherwise says what to run.
///
/// # Errors
/// When something is missing and cannot be installed from here.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        println!("    nothing is missing");
        return Ok(());
    }
    for need in &missing {
        println!("    missing: {} ({})", need.package, need.why);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let packages = packages.join(" ");
    let install = format!("apt-get install --yes --no-install-recommends -qq {packages}");
    let Some(prefix) = installer() else {
        bail!(
            "these system packages are missing and cannot be installed from here; run\n\n    \
             sudo apt-get update && sudo {install}\n\nor install what holds the same on your \
             distribution, then start this again"
        );
    };
    // Package lists may be missing or stale on a fresh machine; old ones may still do.
    if let Err(error) = step::run(&mut apt(prefix, "apt-get update -qq")) {
        println!("    {error}; trying with the lists there are");
    }
    step::run(&mut apt(prefix, &install))?;
    let still: Vec<&str> = self::missing(needs)
        .iter()
        .map(|need| need.package)
        .collect();
    if !still.is_empty() {
        bail!("installed, but still not found: {}", still.join(" "));
    }
    Ok(())
}

/// Whether something is missing.
#[cfg(test)]
pub fn lacking(needs: &[Need]) -> bool {
    !missing(needs).is_empty()
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs
        .iter()
        .copied()
        .filter(|need| !present(need.probe))
        .collect()
}

fn present(probe: Probe) -> bool {
    match probe {
        Probe::Program(name) => in_path(name),
        Probe::PkgConfig(name) => step::succeeds(&format!("pkg-config --exists {name}")),
        Probe::Library(name) => linker_cache().contains(name),
        Probe::PythonModule(name) => Command::new("python3")
            .args(["-c", &format!("import {name}")])
            .output()
            .is_ok_and(|output| output.status.success()),
        Probe::AnyFile(paths) => paths.iter().any(|path| std::path::Path::new(path).exists()),
    }
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn linker_cache() -> String {
    // `ldconfig` is not in a user's path on Debian.
    let listed = ["ldconfig", "/sbin/ldconfig"]
        .iter()
        .find_map(|program| Command::new(program).arg("-p").output().ok());
    listed.map_or_else(String::new, |output| {
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
}

/// What goes before `apt-get`: nothing for root, `sudo` where it asks no password, `None` where
/// this may not install.
fn installer() -> Option<&'static str> {
    if !in_path("apt-get") {
        return None;
    }
    let root = Command::new("id").arg("-u").output();
    if root.is_ok_and(|output| output.stdout.trim_ascii() == b"0") {
        return Some("");
    }
    step::succeeds("sudo --non-interactive true").then_some("sudo --non-interactive")
}

fn apt(prefix: &str, line: &str) -> Command {
    let mut command = step::command(&format!("{prefix} {line}"));
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_tell_present_from_missing() {
        let table = [
            (Probe::Program("cargo"), true),
            (Probe::Program("no-such-program"), false),
            (Probe::PkgConfig("no-such-library"), false),
            (Probe::Library("libc.so.6"), true),
            (Probe::Library("libno-such.so.1"), false),
            (Probe::PythonModule("no_such_module"), false),
            (Probe::AnyFile(&["/no/such/file", "/"]), true),
            (Probe::AnyFile(&["/no/such/file"]), false),
        ];
        for (probe, expected) in table {
            assert_eq!(present(probe), expected, "{probe:?}");
        }
    }

    #[test]
    fn missing_needs_are_named_in_order() {
        let needs = [
            need("a", Probe::Program("no-such-program"), ""),
            need("b", Probe::Program("cargo"), ""),
            need("c", Probe::Library("libno-such.so.1"), ""),
        ];
        let names: Vec<&str> = missing(&needs).iter().map(|need| need.package).collect();
        assert_eq!(names, ["a", "c"]);
    }
}

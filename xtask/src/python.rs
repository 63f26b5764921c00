//! Virtual environments of Python with pinned packages, in the target directory. Main thread.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::step;

/// The interpreter of an environment that holds the packages of a file, which is made where it is
/// missing or holds others.
///
/// # Errors
/// When Python, or the network, is missing.
pub fn environment(home: &Path, requirements: &str) -> Result<PathBuf> {
    let python = home.join("bin/python");
    let wanted = std::fs::read_to_string(requirements).context(requirements.to_owned())?;
    let stamp = home.join("installed-requirements.txt");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        println!("    the packages of {requirements} are installed");
        return Ok(python);
    }
    println!("    installing the packages of {requirements}");
    step::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(home),
    )?;
    step::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--requirement", requirements]),
    )?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}

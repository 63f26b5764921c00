//! `cargo xtask fixtures`: the user's folder that the tests in hosts use, with voices in it. A test
//! of the plugin's package writes it, through the import that users have.

use std::path::PathBuf;

use anyhow::Result;
use xtask::paths;

use crate::step;

/// Where the folder is.
pub fn home() -> Result<PathBuf> {
    Ok(paths::target()?.join("test-home"))
}

pub fn run() -> Result<()> {
    let mut steps = step::Steps::new(1);
    steps.next("Writing voices for the tests in hosts");
    write("")?;
    steps.done();
    println!("\nAUTOVOICE_HOME  {}", home()?.display());
    Ok(())
}

/// Writes it anew; `features` are those of a build that is there already.
pub fn write(features: &str) -> Result<()> {
    // Beside a voice of an earlier run, one of the same name would get another.
    let home = home()?;
    if home.exists() {
        std::fs::remove_dir_all(&home)?;
    }
    // The packages of the other tests: fewer would be built anew with fewer features.
    let line = format!(
        "cargo test --package autovoice --package autovoice-corpus --package autovoice-kernels \
         {features} --test host_home -- --ignored"
    );
    step::run(step::command(&line).env("AUTOVOICE_FIXTURES", home))
}

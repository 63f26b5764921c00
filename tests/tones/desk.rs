//! The built `autovoice` command and a folder to run it in.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]
#![allow(dead_code, reason = "each test binary uses its own part")]

use super::{names_in, signal, write_float_wav};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder to work in and the command that runs there.
pub struct Desk(pub tempfile::TempDir);

pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "stdout: {stdout}\nstderr: {stderr}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect(&self.stdout)
    }
}

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_autovoice"));
        command
            .current_dir(self.0.path())
            .env("AUTOVOICE_HOME", self.path("home"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments).output().unwrap())
    }

    /// `convert` with these words, parted by blanks.
    pub fn convert(&self, words: &str) -> Run {
        let words: Vec<&str> = words.split_whitespace().collect();
        self.run(&[&["convert"], words.as_slice()].concat())
    }

    pub fn float(&self, name: &str, rate_hz: u32, channels: usize, frames: usize) -> Vec<Vec<f32>> {
        let audio = signal(channels, frames, 24, frames as u64);
        write_float_wav(&self.path(name), rate_hz, &audio);
        audio
    }

    pub fn names(&self, folder: &str) -> Vec<String> {
        names_in(&self.path(folder))
    }
}

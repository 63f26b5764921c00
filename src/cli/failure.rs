//! How the command line ends and what it says when it fails: what was expected, what was found,
//! what to do.

use crate::io::{ReadError, WriteError};
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// How a command ended; the numbers are documented in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A message, its remedy and the exit code it asks for.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) remedy: String,
    pub(super) exit: Exit,
}

impl Failure {
    /// The command line makes no sense.
    pub(super) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: remedy.into(),
            exit: Exit::Usage,
        }
    }

    /// The work could not be done.
    pub(super) fn work(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: remedy.into(),
            exit: Exit::Failed,
        }
    }

    /// What people are told of a file that failed.
    pub(super) fn of_file(&self, file: &Path) -> String {
        format!(
            "error: {}: {}\n  try: {}",
            file.display(),
            self.message,
            self.remedy
        )
    }

    /// What programs are told of a file that failed.
    pub(super) fn json(&self) -> Value {
        json!({
            "ok": false,
            "error": { "message": self.message, "remedy": self.remedy },
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n  try: {}", self.message, self.remedy)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::work(error.to_string(), error.remedy())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::work(error.to_string(), error.remedy())
    }
}

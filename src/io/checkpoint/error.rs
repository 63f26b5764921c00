//! Why a checkpoint could not be read or written: what was expected, what was found, what to do.

use super::foreign::Foreign;
use std::io;

/// A checkpoint that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The disk or the folder refused.
    #[error("expected a readable file, found: {0}")]
    Io(#[from] io::Error),
    /// Another kind of file, whatever its name says.
    #[error("expected a torch or safetensors checkpoint, found {}", .0.name())]
    Foreign(Foreign),
    /// The file ends too early.
    #[error("expected {expected}, found the end of the file")]
    Truncated {
        /// What should have come.
        expected: String,
    },
    /// The file contradicts itself or its format.
    #[error("expected {expected}, found {found}")]
    Damaged {
        /// What the format asks for.
        expected: String,
        /// What is there instead, and where.
        found: String,
    },
    /// The file uses a part of its format that is not read here.
    #[error("expected {expected}, found {found}")]
    Unsupported {
        /// What is read.
        expected: &'static str,
        /// What the file has.
        found: String,
    },
    /// The file asks for more than [`super::Limits`] allow.
    #[error("expected at most {limit} {what}, found {found}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What was asked for; at least so much.
        found: u64,
    },
    /// The file names a class or function that the caller does not accept.
    #[error("expected tensors and plain values only, found the class `{class}`")]
    UnknownClass {
        /// Its dotted name.
        class: String,
    },
    /// The machine has not the memory for a tensor.
    #[error("expected {bytes} bytes of free memory for a tensor, found less")]
    OutOfMemory {
        /// What the tensor takes.
        bytes: u64,
    },
    /// A file could not be written.
    #[error("expected a writable place for {path}, found: {error}")]
    NotWritten {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// What is to be written makes no safetensors file.
    #[error(
        "expected tensors with different names and with as many values as their shape says, got {found}"
    )]
    Unwritable {
        /// What was given.
        found: String,
    },
}

impl CheckpointError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "check the path of the file"
            }
            Self::Io(_) => "check that the file exists and may be read",
            Self::Foreign(foreign) => foreign.remedy(),
            Self::Truncated { .. } => {
                "the download was cut short: fetch the file again and compare its size"
            }
            Self::Damaged { .. } => "the file is damaged: fetch it again, or ask who made it",
            Self::Unsupported { .. } => {
                "load it in PyTorch and save it again with torch.save, or as safetensors"
            }
            Self::Limit { .. } => {
                "no checkpoint AutoVoice can use is like that: do not trust the file"
            }
            Self::UnknownClass { .. } => {
                "export the weights alone (a state dict, or better safetensors) and use that file"
            }
            Self::OutOfMemory { .. } => "close other programs, or use a smaller model",
            Self::NotWritten { .. } => {
                "check that the folder exists, may be written to and is not full"
            }
            Self::Unwritable { .. } => {
                "this is a fault in AutoVoice: please report it with the file"
            }
        }
    }

    /// [`Self::Damaged`].
    pub(super) fn damaged(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Damaged {
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// [`Self::Truncated`] where reading met the end, [`Self::Io`] otherwise.
    pub(super) fn reading(error: io::Error, expected: &str) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated {
                expected: expected.to_owned(),
            },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                Self::damaged(expected, error.to_string())
            }
            _ => Self::Io(error),
        }
    }
}

/// Refuses what is above a limit.
pub(super) fn within(what: &'static str, found: u64, limit: u64) -> Result<(), CheckpointError> {
    match found <= limit {
        true => Ok(()),
        false => Err(CheckpointError::Limit { what, limit, found }),
    }
}

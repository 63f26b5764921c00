//! Why an index could not be read, converted or opened: what was expected, what was found, what to
//! do.

use crate::model::rvc::Version;
use std::io;

/// An index that could not be read, converted or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The disk or the folder refused.
    #[error("expected a readable file, found: {0}")]
    Io(#[from] io::Error),
    /// No faiss index, whatever its name says.
    #[error("expected a faiss index, found {found}")]
    Foreign {
        /// What it seems to be.
        found: &'static str,
    },
    /// A faiss index, or a part of one, of a type that RVC does not use.
    #[error("expected {expected}, found {found} (`{code}`)")]
    OtherType {
        /// What an RVC voice has there.
        expected: &'static str,
        /// What it is.
        found: &'static str,
        /// The four letters faiss writes for it.
        code: String,
    },
    /// An index before vectors were added: the `trained_` twin of the right one.
    #[error("expected an index with vectors, found one without any (a trained_*.index)")]
    Empty,
    /// An index of other features than the voice's.
    #[error(
        "expected vectors of {} values for a {} voice, found {found}",
        .version.features(),
        .version.name()
    )]
    Dimension {
        /// The voice's.
        version: Version,
        /// Values of the index' vectors.
        found: u64,
    },
    /// An index that measures distances in another way.
    #[error("expected squared Euclidean distances (metric 1), found {found}")]
    Metric {
        /// Which one.
        found: String,
    },
    /// The file ends too early.
    #[error("expected {expected}, found the end of the file at byte {end}")]
    Truncated {
        /// What should have come.
        expected: String,
        /// How long the file is.
        end: u64,
    },
    /// The file contradicts itself or its format.
    #[error("expected {expected}, found {found}")]
    Damaged {
        /// What the format asks for.
        expected: String,
        /// What is there instead.
        found: String,
    },
    /// A file of our own that cannot be used.
    #[error("expected an index of AutoVoice's own, found {found}")]
    NotOurs {
        /// What is wrong with it.
        found: String,
    },
    /// The machine has not the memory for the tables of an index.
    #[error("expected {bytes} bytes of free memory for an index, found less")]
    OutOfMemory {
        /// What they take.
        bytes: u64,
    },
    /// The converted index could not be written.
    #[error("expected a writable place for {path}, found: {error}")]
    NotWritten {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
}

impl IndexError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "check the path of the file"
            }
            Self::Io(_) => "check that the file exists and may be read",
            Self::Foreign { .. } => {
                "choose the added_*.index that came with the voice; unpack an archive first, and \
                 download again what is a web page, a pointer or empty"
            }
            Self::OtherType { .. } | Self::Metric { .. } => {
                "choose the added_IVF*_Flat_*.index that RVC made for this voice"
            }
            Self::Empty => "choose the added_*.index beside it",
            Self::Dimension { found: 256, .. } => {
                "this index belongs to a v1 voice: choose the one that came with this voice"
            }
            Self::Dimension { found: 768, .. } => {
                "this index belongs to a v2 voice: choose the one that came with this voice"
            }
            Self::Dimension { .. } => {
                "this index belongs to something else: choose the added_*.index that came with \
                 this voice"
            }
            Self::Truncated { .. } => {
                "the download was cut short: fetch the file again and compare its size"
            }
            Self::Damaged { .. } => "the file is damaged: fetch it again, or ask who made it",
            Self::NotOurs { .. } => "import the voice's index again",
            Self::OutOfMemory { .. } => "close other programs",
            Self::NotWritten { .. } => {
                "check that the folder exists, may be written to and is not full"
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
}

//! Why a voice could not be imported, found, loaded or given away: what was expected, what was
//! found, what to do.

use super::ddsp::DdspError;
use super::index::IndexError;
use super::metadata::{FORMAT, MOST_BYTES};
use super::rvc::RvcError;
use super::tensors::TensorsError;
use crate::io::checkpoint::CheckpointError;
use crate::io::folders::{HOME_VARIABLE, NoHome};
use crate::io::{DocumentError, WriteError};
use std::io;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VoiceError {
    /// The file is no voice that can be used.
    #[error(transparent)]
    Rvc(#[from] RvcError),
    /// The file is of ours, but no voice that can be used.
    #[error(transparent)]
    Ddsp(#[from] DdspError),
    /// Voices of our own have no index.
    #[error("expected no index for a voice of AutoVoice's own, found {file}")]
    NeedlessIndex {
        /// Its name.
        file: String,
    },
    /// A voice that came with the program cannot go.
    #[error("expected a voice that was imported, found \"{name}\", which is built in")]
    BuiltIn {
        /// The name.
        name: String,
    },
    /// A folder or an archive has no voice in it.
    #[error("expected a voice (.pth) in it, found none")]
    NoVoice,
    /// A folder or an archive has more than one.
    #[error("expected one voice in it, found {}", .names.join(", "))]
    Several {
        /// The first of them.
        names: Vec<String>,
    },
    /// More than is looked through.
    #[error("expected a folder or an archive of at most {most} files, found more")]
    TooMany {
        /// The most that are looked at.
        most: usize,
    },
    /// The index cannot be used.
    #[error("index {file}: {error}")]
    Index {
        /// Its name.
        file: String,
        /// What is wrong with it.
        error: IndexError,
    },
    /// The picture is none.
    #[error("expected a picture in PNG, JPEG or WebP, found {found}")]
    NoImage {
        /// What it is.
        found: String,
    },
    /// The picture is too large.
    #[error("expected a picture of at most {most} bytes, found {found}")]
    LargeImage {
        /// The most that is kept.
        most: u64,
        /// Its size.
        found: u64,
    },
    /// A voice must be called something.
    #[error("expected a name, found none")]
    NoName,
    /// There is one of this name.
    #[error("expected a new name, found a voice called \"{name}\"")]
    Exists {
        /// The name.
        name: String,
    },
    /// There is none of this name.
    #[error("expected the name of a voice, found none called \"{name}\"")]
    Unknown {
        /// The name.
        name: String,
        /// One that is almost called so.
        near: Option<String>,
    },
    /// The folder holds more voices than are read.
    #[error("expected at most {most} voices in the folder, found more")]
    Full {
        /// The most that are read.
        most: usize,
    },
    /// The description of a voice is not TOML.
    #[error("expected voice.toml to be TOML, found in line {line}: {reason}")]
    NotToml {
        /// Where it ceases to be, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The description is of another kind.
    #[error("expected {expected} in voice.toml, found {found}")]
    Description {
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The description is of a later version.
    #[error("expected a voice of format {FORMAT}, found one of a newer AutoVoice, format {found}")]
    Newer {
        /// Its format.
        found: i64,
    },
    /// A file of the voice cannot be read.
    #[error("{file}: {error}")]
    Document {
        /// Its name.
        file: &'static str,
        /// What is wrong with it.
        error: DocumentError,
    },
    /// The weights of a voice in the library cannot be used.
    #[error("voice.safetensors: {0}")]
    Weights(TensorsError),
    /// An archive would become too large.
    #[error("expected less than 4 GiB to export, found {bytes} bytes")]
    LargeExport {
        /// The size of the voice.
        bytes: u64,
    },
    /// A file or a folder cannot be read.
    #[error("expected a readable file, found: {0}")]
    Read(io::Error),
    /// The library cannot be written to.
    #[error("expected a writable folder for voices, found: {0}")]
    Folder(io::Error),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// There is no place for voices.
    #[error(transparent)]
    NoHome(#[from] NoHome),
}

impl From<CheckpointError> for VoiceError {
    fn from(error: CheckpointError) -> Self {
        Self::Rvc(error.into())
    }
}

impl VoiceError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Rvc(error) => return error.remedy(),
            Self::Ddsp(error) => error.remedy(),
            Self::NeedlessIndex { .. } => "leave the index out",
            Self::BuiltIn { .. } => "it is part of AutoVoice and stays; it need not be used",
            Self::NoVoice => "choose the folder or the archive that holds the voice's .pth",
            Self::Several { .. } => "choose one of them instead of the whole",
            Self::TooMany { .. } => "choose the .pth itself",
            Self::Index { error, .. } => error.remedy(),
            Self::NoImage { .. } => "save the picture as PNG and pass that",
            Self::LargeImage { .. } => "make the picture smaller; 512 by 512 pixels are plenty",
            Self::NoName => "give it a name",
            Self::Exists { .. } => "choose another name, or replace it",
            Self::Unknown { near, .. } => {
                return match near {
                    Some(near) => {
                        format!("did you mean \"{near}\"? autovoice voices list shows all")
                    }
                    None => "autovoice voices list shows all".to_owned(),
                };
            }
            Self::Full { .. } => "remove voices you no longer use",
            Self::NotToml { .. } | Self::Description { .. } | Self::Weights(_) => {
                "import the voice again with --force, or remove its folder"
            }
            Self::Document {
                error: DocumentError::TooLong { .. } | DocumentError::NotText,
                ..
            } => "import the voice again with --force, or remove its folder",
            Self::Newer { .. } => "update AutoVoice",
            Self::LargeExport { .. } => "copy the folder of the voice instead",
            Self::Document { .. } | Self::Read(_) => {
                "check the path, and that the file may be read"
            }
            Self::Folder(_) => "check that the folder may be written to and is not full",
            Self::Write(error) => error.remedy(),
            Self::NoHome(_) => return format!("set {HOME_VARIABLE} to a folder"),
        }
        .to_owned()
    }

    /// [`VoiceError::Document`] of the description.
    pub(super) fn of_description(error: DocumentError) -> Self {
        match error {
            DocumentError::TooLong { .. } => Self::Description {
                expected: format!("at most {MOST_BYTES} bytes"),
                found: "more".to_owned(),
            },
            error => Self::Document {
                file: "voice.toml",
                error,
            },
        }
    }
}

//! Why a preset could not be read, found or written. Nothing was changed then.

use super::file::MOST_BYTES;
use crate::io::folders::{HOME_VARIABLE, NoHome};
use crate::io::{DocumentError, WriteError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// Longer than any preset.
    #[error("expected a preset of at most {MOST_BYTES} bytes, found a longer one")]
    TooLong,
    /// Not TOML.
    #[error("expected a preset in TOML, found in line {line}: {reason}")]
    NotToml {
        /// Where it ceases to be, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// TOML of another kind.
    #[error("expected an AutoVoice preset with `format = 1`, found {found}")]
    NoFormat {
        /// What stands in its place.
        found: String,
    },
    /// A preset must be called something.
    #[error("expected a name, found none")]
    NoName,
    /// Something else than a code.
    #[error("expected a code that begins with AV1:, found \"{found}\"")]
    NoCode {
        /// How it begins.
        found: String,
    },
    /// A code of a later kind.
    #[error("expected a code that begins with AV1:, found one of a newer AutoVoice, {found}")]
    NewerCode {
        /// How it begins.
        found: String,
    },
    /// Characters of the code are missing or were changed.
    #[error("expected a whole code, found one that is incomplete or was changed")]
    Incomplete,
    /// There is no preset of this name.
    #[error("expected the name of a preset, found none called \"{name}\"")]
    Unknown {
        /// The name.
        name: String,
        /// One that is almost called so.
        near: Option<String>,
    },
    /// Factory presets stay.
    #[error("expected a preset of yours, \"{name}\" came with AutoVoice")]
    Factory {
        /// The name.
        name: String,
    },
    /// There is one of this name.
    #[error("expected a new name, found a preset of yours called \"{name}\"")]
    Exists {
        /// The name.
        name: String,
    },
    /// The folder holds more presets than are read.
    #[error("expected at most {most} presets in the folder, found more")]
    Full {
        /// The most that are read.
        most: usize,
    },
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] DocumentError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file could not be removed.
    #[error("expected a file that may be removed, found: {0}")]
    Remove(std::io::Error),
    /// There is no place for presets.
    #[error(transparent)]
    NoHome(#[from] NoHome),
}

impl PresetError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::TooLong | Self::NotToml { .. } | Self::NoFormat { .. } => {
                "choose a file that AutoVoice saved, or ask for it again".to_owned()
            }
            Self::NoName => "give it a name: name = \"My sound\"".to_owned(),
            Self::NoCode { .. } => "copy the code from AV1: to its end".to_owned(),
            Self::NewerCode { .. } => "update AutoVoice".to_owned(),
            Self::Incomplete => "copy the whole code again, to its last character".to_owned(),
            Self::Unknown { near, .. } => match near {
                Some(near) => format!("did you mean \"{near}\"? autovoice presets list shows all"),
                None => "autovoice presets list shows all".to_owned(),
            },
            Self::Factory { .. } => "save it under another name to change it".to_owned(),
            Self::Exists { .. } => "choose another name, or replace it".to_owned(),
            Self::Full { .. } => "remove presets you no longer use".to_owned(),
            Self::Read(_) => "check the name, and that the file may be read".to_owned(),
            Self::Write(error) => error.remedy().to_owned(),
            Self::Remove(_) => "check that the folder may be written to".to_owned(),
            Self::NoHome(_) => format!("set {HOME_VARIABLE} to a folder"),
        }
    }
}

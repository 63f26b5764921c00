//! The preset that somebody means: by a code, a name or a file. Command line and the start of the
//! app.

use super::{
    Entry, Library, Notice, Origin, Preset, PresetError, from_code, looks_like_code, read_file,
};
use std::path::Path;

/// Where a preset was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the text itself.
    Code,
    /// Among those that came with AutoVoice.
    Factory,
    /// Among the user's own.
    User,
    /// In a file anywhere.
    File,
}

impl Source {
    /// In one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Factory => "factory",
            Self::User => "user",
            Self::File => "file",
        }
    }
}

impl From<&Origin> for Source {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Factory => Self::Factory,
            Origin::User(_) => Self::User,
        }
    }
}

impl Library {
    /// The preset that is meant: a code by how it begins, then a name, then a file; and what of it
    /// is not taken as it is written.
    ///
    /// # Errors
    /// [`PresetError`] of the code, of the file, or where there is none of these.
    pub fn choose(&self, wanted: &str) -> Result<(Preset, Vec<Notice>, Source), PresetError> {
        if looks_like_code(wanted) {
            let (preset, notices) = from_code(wanted)?;
            return Ok((preset, notices, Source::Code));
        }
        match self.find(wanted) {
            Ok(Entry {
                preset,
                origin,
                notices,
            }) => Ok((preset.clone(), notices.clone(), origin.into())),
            Err(_) if Path::new(wanted).exists() => {
                let (preset, notices) = read_file(Path::new(wanted))?;
                Ok((preset, notices, Source::File))
            }
            Err(error) => Err(error),
        }
    }
}

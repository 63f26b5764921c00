//! What a musician should know of a preset that was read, though it can be used.

use std::fmt;

/// Something in a preset that is not taken as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A newer AutoVoice wrote it; what this one knows of it is used.
    Newer {
        /// The format of the file.
        format: i64,
    },
    /// Values beyond their range, by id.
    Clamped(Vec<&'static str>),
    /// Values and texts of the wrong kind, by id; they are taken as not written.
    Unreadable(Vec<&'static str>),
    /// Names that mean nothing here.
    Unknown {
        /// The first of them.
        names: Vec<String>,
        /// How many there are besides.
        more: usize,
    },
    /// Texts that were longer than they may be, by name.
    Shortened(Vec<&'static str>),
    /// The voice it was made with is not here.
    VoiceMissing(String),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { format } => write!(
                f,
                "written by a newer AutoVoice (format {format}), used as far as it is known"
            ),
            Self::Clamped(ids) => write!(f, "clamped to its range: {}", ids.join(", ")),
            Self::Unreadable(ids) => write!(f, "unreadable and ignored: {}", ids.join(", ")),
            Self::Unknown { names, more } => {
                write!(f, "unknown and ignored: {}", names.join(", "))?;
                match more {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Self::Shortened(names) => write!(f, "shortened: {}", names.join(", ")),
            Self::VoiceMissing(name) => {
                write!(f, "the voice \"{name}\" is not here; the rest is applied")
            }
        }
    }
}

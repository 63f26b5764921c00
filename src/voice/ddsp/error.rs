//! Why a file is no voice of ours that can be used: what was expected, what was found, what to do.

use super::Unfit;
use crate::io::checkpoint::CheckpointError;
use crate::voice::tensors::TensorsError;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DdspError {
    /// The file is no checkpoint, is damaged, asks for too much, or could not be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Another file of ours.
    #[error("expected a voice, found AutoVoice's {kind}")]
    Other {
        /// What it says it is.
        kind: &'static str,
    },
    /// The tensors of a voice alone.
    #[error("expected a voice, found weights of AutoVoice without what is known of them")]
    NoDescription,
    /// A file of a later version.
    #[error("expected a voice of version 1, found one of a newer AutoVoice, version {found}")]
    Newer {
        /// Its version.
        found: String,
    },
    /// What the file says of itself cannot be read.
    #[error("expected {expected} in the voice's file, found {found}")]
    Text {
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// What the file says makes no voice.
    #[error("{0} in the voice's file")]
    Unfit(#[from] Unfit),
    /// The tensors are not those of the sizes.
    #[error(transparent)]
    Tensors(TensorsError),
}

impl From<TensorsError> for DdspError {
    fn from(error: TensorsError) -> Self {
        match error {
            TensorsError::Checkpoint(error) => Self::Checkpoint(error),
            error => Self::Tensors(error),
        }
    }
}

impl DdspError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Checkpoint(error) => error.remedy(),
            Self::Other { .. } | Self::NoDescription => {
                "choose the file that autovoice train voice wrote when it was done"
            }
            Self::Newer { .. } => "update AutoVoice",
            Self::Tensors(TensorsError::NotFinite { .. }) => {
                "its training went wrong: train it again"
            }
            Self::Text { .. } | Self::Unfit(_) | Self::Tensors(_) => {
                "the file was changed or damaged: fetch it again, or train the voice again"
            }
        }
    }
}

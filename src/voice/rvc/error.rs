//! Why a file is no RVC voice that can be used: what was expected, what was found, what to do.

use crate::io::checkpoint::{CheckpointError, Foreign};
use crate::model::rvc::ConfigError;
use crate::voice::models::ModelKind;
use crate::voice::tensors::TensorsError;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RvcError {
    /// The file is no checkpoint, is damaged, or asks for too much.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What RVC saves while it trains.
    #[error("expected a voice, found a training checkpoint of RVC: the {part}")]
    Training {
        /// Generator or discriminator.
        part: &'static str,
    },
    /// The tensors of a voice alone.
    #[error("expected a voice, found its weights without the list of their sizes")]
    NoConfig,
    /// A voice of another project.
    #[error("expected an RVC voice, found one of so-vits-svc")]
    SoVits,
    /// A network that voices need, not a voice.
    #[error("expected a voice, found the model {}", .kind.name())]
    Model {
        /// Which.
        kind: ModelKind,
    },
    /// Something else.
    #[error("expected a voice, found {found}")]
    Other {
        /// What it is, as well as it can be told.
        found: String,
    },
    /// A generator of another kind.
    #[error("expected a voice with the vocoder HiFi-GAN, found {found}")]
    Vocoder {
        /// Its name in the file.
        found: String,
    },
    /// Trained on the features of another content encoder.
    #[error("expected a voice for the content encoder ContentVec, found one for {found}")]
    Embedder {
        /// Its name in the file.
        found: String,
    },
    /// Trained on another layer of the content encoder.
    #[error("expected features of layer {expected} for {features} channels, found layer {found}")]
    EmbedderLayer {
        /// Channels of the features.
        features: usize,
        /// The layer RVC takes for them.
        expected: i64,
        /// The layer in the file.
        found: i64,
    },
    /// A version that is not known.
    #[error("expected a voice of version v1 or v2, found {found}")]
    Version {
        /// As the file has it.
        found: String,
    },
    /// The version says one width of features, the weights another.
    #[error(
        "expected weights for {expected} feature channels in a voice of {version}, found {found}"
    )]
    Width {
        /// The version.
        version: &'static str,
        /// Its features.
        expected: usize,
        /// Those of the weights.
        found: usize,
    },
    /// The list of sizes cannot be read.
    #[error("expected {expected} in the voice's config, found {found}")]
    Sizes {
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The sizes make no network.
    #[error("{0} in the voice's config")]
    Config(#[from] ConfigError),
    /// The tensors are not those of the sizes.
    #[error(transparent)]
    Tensors(TensorsError),
}

impl From<TensorsError> for RvcError {
    fn from(error: TensorsError) -> Self {
        match error {
            TensorsError::Checkpoint(error) => Self::Checkpoint(error),
            error => Self::Tensors(error),
        }
    }
}

impl RvcError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Checkpoint(CheckpointError::Foreign(Foreign::Onnx)) => {
                "choose the .pth the ONNX file was made from; ONNX voices are for a later version"
            }
            Self::Checkpoint(CheckpointError::Foreign(Foreign::Faiss)) => {
                "this is the index of a voice: choose its .pth, and pass this one with --index"
            }
            Self::Checkpoint(error) => error.remedy(),
            Self::Training { .. } => {
                "choose the small file of about 55 MB that RVC exports, in its folder \
                 assets/weights; without one, extract it in RVC's tab ckpt Processing"
            }
            Self::NoConfig => {
                "choose the .pth that RVC exported, which holds weights and config together"
            }
            Self::SoVits => "only voices of RVC can be used: look for an RVC version of this one",
            Self::Model { kind } => {
                return format!(
                    "choose the voice's .pth; what this is goes with: autovoice models import {} \
                     FILE",
                    kind.name()
                );
            }
            Self::Other { .. } => "choose the .pth that RVC exported, of about 55 MB",
            Self::Vocoder { .. } => {
                "train or download it with the vocoder HiFi-GAN; no other is played here yet"
            }
            Self::Embedder { .. } | Self::EmbedderLayer { .. } => {
                "train or download it for ContentVec (hubert_base), which RVC uses by default"
            }
            Self::Version { .. } => "choose a voice of RVC v1 or v2",
            Self::Width { .. } => {
                "the file contradicts itself: ask who made it, or export it from RVC again"
            }
            Self::Tensors(TensorsError::NotFinite { .. }) => {
                "its training went wrong: choose an earlier epoch, or ask who made it"
            }
            Self::Sizes { .. } | Self::Config(_) | Self::Tensors(_) => {
                "the network is not RVC's, or the file is damaged: fetch it again or ask who made it"
            }
        }
        .to_owned()
    }
}

//! A voice of the library in memory, and engines made of it: they share its weights, and all voices
//! of a kind share one content encoder. Loader threads and the command line: it allocates, waits for
//! disks and takes seconds.

pub(super) mod away;
pub(super) mod card;
mod ddsp;
pub(super) mod kinds;
mod rvc;
pub(super) mod tracker;

use std::path::{Path, PathBuf};

use super::ddsp::EncoderError;
use super::index::IndexError;
use super::models::{self, ModelError};
use super::{Voice, VoiceError, VoiceModel};
use crate::engine::ddsp::{Company, Speaker};
use crate::engine::rvc::{Reach, Search};
use crate::engine::{Engine, EngineError, EngineSpec};
use crate::io::folders;
use crate::model::retrieval::IndexShapeError;
use crate::nn::WeightsError;

/// What an engine is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSetup {
    /// How far a voice of RVC looks. One of our own looks as far as it was trained to.
    pub reach: Reach,
    /// Of its noise.
    pub seed: u64,
    /// How the index of a voice of RVC is searched.
    pub search: Search,
}

/// Why a voice cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum WarmError {
    /// The voice cannot be read.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The content encoder cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// There is not the content encoder that a voice of ours was trained with.
    #[error(transparent)]
    Content(#[from] EncoderError),
    /// Weights that fit no network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The index cannot be read.
    #[error("index: {0}")]
    Index(#[from] IndexError),
    /// The index is damaged.
    #[error("index: expected {}, found {}", .0.expected, .0.found)]
    IndexShape(#[from] IndexShapeError),
    /// The encoder gives what the voice does not take.
    #[error("expected a content encoder with {expected} values per frame, found {found}")]
    Encoder {
        /// Values of a frame that the voice takes.
        expected: usize,
        /// Values of a frame that the encoder gives.
        found: usize,
    },
    /// The engine cannot be built.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system gives no second thread.
    #[error("expected a second thread, found: {0}")]
    Thread(#[from] std::io::Error),
}

impl WarmError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Voice(error) => error.remedy(),
            Self::Model(error) => error.remedy(),
            Self::Content(error) => error.remedy(),
            Self::Index(error) => error.remedy().to_owned(),
            Self::Weights(_) | Self::IndexShape(_) => "import the voice again".to_owned(),
            Self::Encoder { .. } => models::ModelKind::ContentVec.command().to_owned(),
            Self::Thread(_) => "close other programs".to_owned(),
            Self::Engine(_) => "choose another voice or quality".to_owned(),
        }
    }
}

impl Voice {
    /// What an engine of this voice is, from what is known of it alone. Reads nothing.
    #[must_use]
    pub fn spec(&self, reach: Reach) -> EngineSpec {
        match &self.metadata.model {
            VoiceModel::Rvc(config) => reach.spec(config),
            VoiceModel::Ddsp(voice) => ddsp::spec(voice),
        }
    }
}

/// See the module.
pub struct WarmVoice(Kind);

enum Kind {
    Rvc(Box<rvc::WarmRvc>),
    Ddsp(Box<ddsp::WarmDdsp>),
}

impl WarmVoice {
    /// Reads a voice, its index and the content encoder that it takes: the user's for a voice of
    /// RVC.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn load(voice: &Voice) -> Result<Self, WarmError> {
        Self::load_from(voice, &|| Ok(folders::models().map_err(ModelError::from)?))
    }

    /// The same with the content encoders of another folder of models.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn load_with(voice: &Voice, models: &Path) -> Result<Self, WarmError> {
        Self::load_from(voice, &|| Ok(models.to_owned()))
    }

    fn load_from(
        voice: &Voice,
        models: &dyn Fn() -> Result<PathBuf, WarmError>,
    ) -> Result<Self, WarmError> {
        Ok(Self(match &voice.metadata.model {
            VoiceModel::Rvc(config) => {
                Kind::Rvc(Box::new(rvc::WarmRvc::load(voice, config, &models()?)?))
            }
            // Its encoder is in the program; who has no home can use it all the same.
            VoiceModel::Ddsp(of) => Kind::Ddsp(Box::new(ddsp::WarmDdsp::load(
                voice,
                of,
                models().ok().as_deref(),
            )?)),
        }))
    }

    /// An engine of this voice. Reads weights of a voice of RVC unless one that reaches as far was
    /// made before.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn engine(&self, setup: &EngineSetup) -> Result<Box<dyn Engine>, WarmError> {
        match &self.0 {
            Kind::Rvc(voice) => voice.engine(setup),
            Kind::Ddsp(voice) => voice.engine(setup.seed, Company::default()),
        }
    }

    /// The hash of the content encoder that a voice of our own hears with: those of the same can be
    /// morphed. Others cannot.
    #[must_use]
    pub fn encoder(&self) -> Option<&str> {
        match &self.0 {
            Kind::Rvc(_) => None,
            Kind::Ddsp(voice) => Some(voice.encoder()),
        }
    }

    /// What the engine of another voice of the same encoder needs to be morphed with this one.
    #[must_use]
    pub fn speaker(&self) -> Option<Speaker> {
        match &self.0 {
            Kind::Rvc(_) => None,
            Kind::Ddsp(voice) => Some(voice.speaker()),
        }
    }

    /// As [`Self::engine`], of a voice that can be morphed with its company. A voice of RVC has
    /// none.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn engine_among(
        &self,
        setup: &EngineSetup,
        company: Company,
    ) -> Result<Box<dyn Engine>, WarmError> {
        match &self.0 {
            Kind::Rvc(voice) => voice.engine(setup),
            Kind::Ddsp(voice) => voice.engine(setup.seed, company),
        }
    }
}

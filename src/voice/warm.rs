//! A voice of the library in memory, and engines made of it: they share its weights, and all voices
//! share one content encoder. Loader threads and the command line: it allocates, waits for disks
//! and takes seconds.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::index::{IndexError, VoiceIndex};
use super::models::{self, ModelError};
use super::{Library, Voice, VoiceError};
use crate::bridge::Second;
use crate::engine::beside::Beside;
use crate::engine::rvc::{Ingredients, Part, Reach, RvcEngine};
use crate::engine::{Engine, EngineError};
use crate::io::folders;
use crate::model::content::Encoder;
use crate::model::retrieval::{IndexShapeError, Retrieval, Search};
use crate::model::rvc::{Spans, Synthesizer};
use crate::nn::WeightsError;
use crate::pitch::TrackerKind;

/// The lowest pitch that trackers follow, in Hz: that of the coarse pitch of voices.
const LOWEST_HZ: f32 = 50.0;

/// What an engine is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSetup {
    /// How far it looks.
    pub reach: Reach,
    /// Of its noise.
    pub seed: u64,
    /// How the index is searched.
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
            Self::Index(error) => error.remedy().to_owned(),
            Self::Weights(_) | Self::IndexShape(_) => "import the voice again".to_owned(),
            Self::Encoder { .. } => models::ModelKind::ContentVec.command().to_owned(),
            Self::Thread(_) => "close other programs".to_owned(),
            Self::Engine(_) => "choose another voice or quality".to_owned(),
        }
    }
}

/// See the module.
pub struct WarmVoice {
    voice: Voice,
    encoder: Arc<Encoder>,
    index: Option<Arc<VoiceIndex>>,
    /// Its networks, for the reach that was last asked for, on however many threads.
    networks: Mutex<Option<(Spans, Synthesizer)>>,
}

impl WarmVoice {
    /// Reads a voice, its index and the user's content encoder.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn load(voice: &Voice) -> Result<Self, WarmError> {
        Self::load_with(voice, &folders::models().map_err(ModelError::from)?)
    }

    /// The same with the content encoder of another folder of models.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn load_with(voice: &Voice, models: &Path) -> Result<Self, WarmError> {
        let encoder = encoder(models)?;
        let version = voice.metadata.config.version;
        let index = match &voice.index {
            None => None,
            Some(path) => {
                let index = VoiceIndex::open(path, version)?;
                index.read_ahead();
                Some(Arc::new(index))
            }
        };
        Ok(Self {
            voice: voice.clone(),
            encoder,
            index,
            networks: Mutex::new(None),
        })
    }

    /// An engine of this voice. Reads the voice's weights unless one that reaches as far was made
    /// before.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn engine(&self, setup: &EngineSetup) -> Result<Box<dyn Engine>, WarmError> {
        let voice = self.networks(setup.reach)?;
        let tracker = TrackerKind::Neural
            .embedded(crate::model::content::RATE_HZ, LOWEST_HZ)
            .expect("it needs nothing but this program");
        let retrieval = match &self.index {
            None => None,
            Some(index) => Some(Retrieval::new(Arc::clone(index) as _, setup.search)?),
        };
        let beside: Option<Box<dyn Beside<Box<Part>>>> = match setup.reach.threads {
            1 => None,
            _ if setup.reach == Reach::OFFLINE => Some(Box::new(Second::spawn_offline()?)),
            _ => Some(Box::new(Second::spawn()?)),
        };
        let engine = RvcEngine::new(Ingredients {
            reach: setup.reach,
            encoder: &self.encoder,
            voice,
            tracker,
            retrieval,
            seed: setup.seed,
            beside,
        })?;
        Ok(Box::new(engine))
    }

    fn networks(&self, reach: Reach) -> Result<Synthesizer, WarmError> {
        let mut kept = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = reach.spans();
        if let Some((_, networks)) = kept.as_ref().filter(|(built_for, _)| *built_for == spans) {
            return Ok(networks.clone());
        }
        // The old ones go first: there may not be room for both.
        *kept = None;
        let (config, weights) = Library::load(&self.voice)?;
        let networks = Synthesizer::new(&config, spans, &weights.root())?;
        *kept = Some((spans, networks.clone()));
        Ok(networks)
    }
}

/// The content encoder of a folder of models, read once for as long as anybody has it.
fn encoder(models: &Path) -> Result<Arc<Encoder>, WarmError> {
    static KEPT: Mutex<Option<(PathBuf, Weak<Encoder>)>> = Mutex::new(None);
    // Held while it is read, so that it is read once.
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let known = kept.as_ref().filter(|(folder, _)| folder == models);
    if let Some(encoder) = known.and_then(|(_, encoder)| encoder.upgrade()) {
        return Ok(encoder);
    }
    let (config, weights) = models::load_content_encoder(models)?;
    let encoder = Arc::new(Encoder::new(&config, &weights.root())?);
    *kept = Some((models.to_owned(), Arc::downgrade(&encoder)));
    Ok(encoder)
}

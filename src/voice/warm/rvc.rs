//! A voice of RVC in memory: its weights, its index, and the user's content encoder, which all such
//! voices share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::card::OnCard;
use super::{EngineSetup, WarmError};
use crate::bridge::Second;
use crate::engine::Engine;
use crate::engine::beside::Beside;
use crate::engine::rvc::{Ingredients, Part, Reach, RvcEngine};
use crate::model::content::Encoder;
use crate::model::retrieval::Retrieval;
use crate::model::rvc::{RvcConfig, Spans, Synthesizer};
use crate::pitch::TrackerKind;
use crate::voice::index::VoiceIndex;
use crate::voice::{Library, Voice, models};

/// The lowest pitch that trackers follow, in Hz: that of the coarse pitch of voices.
const LOWEST_HZ: f32 = 50.0;

/// See the module.
pub(super) struct WarmRvc {
    voice: Voice,
    config: RvcConfig,
    encoder: Arc<Encoder>,
    index: Option<Arc<VoiceIndex>>,
    /// Its networks, for the reach that was last asked for, on however many threads.
    networks: Mutex<Option<(Spans, Synthesizer)>>,
    /// The same on a card.
    card: OnCard,
}

impl WarmRvc {
    /// Reads a voice, its index and the content encoder of this folder of models.
    pub(super) fn load(
        voice: &Voice,
        config: &RvcConfig,
        models: &Path,
    ) -> Result<Self, WarmError> {
        let encoder = encoder(models)?;
        let index = match &voice.index {
            None => None,
            Some(path) => {
                let index = VoiceIndex::open(path, config.version)?;
                index.read_ahead();
                Some(Arc::new(index))
            }
        };
        Ok(Self {
            voice: voice.clone(),
            config: config.clone(),
            encoder,
            index,
            networks: Mutex::new(None),
            card: {
                let voice = voice.clone();
                let load = move || match Library::load(&voice) {
                    Ok(weights) => Ok(Arc::new(weights)),
                    Err(error) => Err(error.to_string()),
                };
                OnCard::new(config, Box::new(load))
            },
        })
    }

    /// An engine of this voice. Reads the voice's weights unless one that reaches as far was made
    /// before.
    pub(super) fn engine(&self, setup: &EngineSetup) -> Result<Box<dyn Engine>, WarmError> {
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
            supplies: self.card.supplies(setup.reach)?,
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
        let weights = Library::load(&self.voice)?;
        let networks = Synthesizer::new(&self.config, spans, &weights.root())?;
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

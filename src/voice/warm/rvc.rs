//! A voice of RVC in memory: its weights, its index, and the user's content encoder, which all such
//! voices share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::card::{ContentOnCard, OnCard};
use super::{EngineSetup, WarmError};
use crate::bridge::Second;
use crate::engine::Engine;
use crate::engine::beside::Beside;
use crate::engine::rvc::{Ingredients, Part, Reach, RvcEngine};
use crate::model::content::{Encoder, Output};
use crate::model::retrieval::Retrieval;
use crate::model::rvc::{RvcConfig, Spans, Synthesizer, Version};
use crate::voice::index::VoiceIndex;
use crate::voice::{Library, Voice, models};

/// See the module.
pub(super) struct WarmRvc {
    voice: Voice,
    config: RvcConfig,
    content: Arc<Content>,
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
        let content = Content::of(models)?;
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
            index,
            networks: Mutex::new(None),
            card: {
                let voice = voice.clone();
                let load = move || match Library::load(&voice) {
                    Ok(weights) => Ok(Arc::new(weights)),
                    Err(error) => Err(error.to_string()),
                };
                OnCard::new(config, Box::new(load), content.on_card(config.version))
            },
            content,
        })
    }

    /// An engine of this voice. Reads the voice's weights unless one that reaches as far was made
    /// before.
    pub(super) fn engine(&self, setup: &EngineSetup) -> Result<Box<dyn Engine>, WarmError> {
        let voice = self.networks(setup.reach)?;
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
            encoder: &self.content.encoder,
            voice,
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

/// The content encoder of a folder of models, in memory once for as long as anybody has it.
struct Content {
    encoder: Encoder,
    /// On a card: what voices of version 1 take from it, and those of version 2.
    cards: [Arc<ContentOnCard>; 2],
}

impl Content {
    fn of(models: &Path) -> Result<Arc<Self>, WarmError> {
        static KEPT: Mutex<Option<(PathBuf, Weak<Content>)>> = Mutex::new(None);
        // Held while it is read, so that it is read once.
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.as_ref().filter(|(folder, _)| folder == models);
        if let Some(content) = known.and_then(|(_, content)| content.upgrade()) {
            return Ok(content);
        }
        let (config, weights) = models::load_content_encoder(models)?;
        let cards = [Output::V1, Output::V2].map(|output| {
            let folder = models.to_owned();
            let load = move || match models::load_content_encoder(&folder) {
                Ok((_, weights)) => Ok(Arc::new(weights)),
                Err(error) => Err(error.to_string()),
            };
            Arc::new(ContentOnCard::new(&config, output, Box::new(load)))
        });
        let content = Arc::new(Self {
            encoder: Encoder::new(&config, &weights.root())?,
            cards,
        });
        *kept = Some((models.to_owned(), Arc::downgrade(&content)));
        Ok(content)
    }

    fn on_card(&self, version: Version) -> Arc<ContentOnCard> {
        let [of_v1, of_v2] = &self.cards;
        match version {
            Version::V1 => of_v1.clone(),
            Version::V2 => of_v2.clone(),
        }
    }
}

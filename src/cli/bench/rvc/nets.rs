//! The networks that are measured: full-size ones of a seed, or those of the user.

use crate::bridge::Second;
use crate::cli::failure::Failure;
use crate::engine::beside::Beside;
use crate::engine::rvc::{Ingredients, Part, Reach, RvcEngine, Search};
use crate::io::folders;
use crate::model::content::{ContentConfig, Encoder, Output};
use crate::model::retrieval::Retrieval;
use crate::model::rvc::{RvcConfig, Spans, Synthesizer, Version};
use crate::nn::{Weights, WeightsError};
use crate::quality::seeded;
use crate::voice::index::VoiceIndex;
use crate::voice::models::{ModelError, content_tensors, load_content_encoder};
use crate::voice::rvc::tensors;
use crate::voice::{ContentOnCard, Library, Load, OnCard};
use std::sync::Arc;

/// Of all weights and noise.
pub(super) const SEED: u64 = 1;
/// Relative positions of a text encoder.
const POSITIONS: usize = 21;

/// A voice and a content encoder.
pub(super) struct Nets {
    /// What it is, for the report.
    pub(super) name: String,
    /// Whether they have learnt nothing.
    pub(super) is_seeded: bool,
    pub(super) encoder: Encoder,
    pub(super) config: RvcConfig,
    weights: Arc<Weights>,
    pub(super) content: Arc<ContentOnCard>,
    card: OnCard,
    index: Option<Arc<VoiceIndex>>,
}

impl Nets {
    /// Full-size networks of no meaning.
    pub(super) fn seeded(version: Version, rate_hz: u32) -> Result<Self, Failure> {
        let config = RvcConfig::original(version, rate_hz).ok_or_else(|| {
            Failure::usage(
                format!("expected a rate that voices have, found {rate_hz} Hz"),
                "--rate 32000, 40000 or 48000",
            )
        })?;
        let content = seeded::halves(content_tensors(&ContentConfig::BASE), SEED).map_err(fault)?;
        let encoder = Encoder::new(&ContentConfig::BASE, &content.root()).map_err(fault)?;
        drop(content);
        let load = || {
            let content = seeded::halves(content_tensors(&ContentConfig::BASE), SEED);
            content.map(Arc::new).map_err(|error| error.to_string())
        };
        let card = content_on_card(&ContentConfig::BASE, config.version, Box::new(load));
        Self::with((encoder, card), config)
    }

    /// A seeded voice of these sizes for this encoder.
    pub(super) fn with(
        (encoder, content): (Encoder, Arc<ContentOnCard>),
        config: RvcConfig,
    ) -> Result<Self, Failure> {
        let weights = seeded::halves(tensors(&config, POSITIONS), SEED).map_err(fault)?;
        let weights = Arc::new(weights);
        Ok(Self {
            card: on_card(&config, &weights, &content),
            content,
            name: "full-size networks of a seed".to_owned(),
            is_seeded: true,
            encoder,
            config,
            weights,
            index: None,
        })
    }

    /// A voice of the user's library with their content encoder.
    pub(super) fn of_user(name: &str) -> Result<Self, Failure> {
        let voice = Library::of_user()?.named(name)?;
        let Some(config) = voice.metadata.model.rvc() else {
            return Err(Failure::usage(
                format!("expected a voice of RVC, found \"{name}\", one of AutoVoice's own"),
                "choose one that autovoice voices list shows as rvc",
            ));
        };
        let folder = folders::models().map_err(ModelError::from)?;
        let (content, weights) = load_content_encoder(&folder)?;
        let encoder = Encoder::new(&content, &weights.root()).map_err(fault)?;
        drop(weights);
        let load = move || match load_content_encoder(&folder) {
            Ok((_, weights)) => Ok(Arc::new(weights)),
            Err(error) => Err(error.to_string()),
        };
        let card = content_on_card(&content, config.version, Box::new(load));
        let weights = Arc::new(Library::load(&voice)?);
        let index = Library::open_index(&voice)?;
        if let Some(index) = &index {
            index.read_ahead();
        }
        Ok(Self {
            name: voice.metadata.name.clone(),
            is_seeded: false,
            encoder,
            config: config.clone(),
            card: on_card(config, &weights, &card),
            content: card,
            weights,
            index: index.map(Arc::new),
        })
    }

    /// Vectors of the index, where there is one.
    pub(super) fn vectors(&self) -> Option<usize> {
        self.index.as_ref().map(|index| index.vectors())
    }

    /// An engine of them.
    pub(super) fn engine(&self, reach: Reach) -> Result<RvcEngine, Failure> {
        let voice = self.voice(reach.spans())?;
        let beside: Option<Box<dyn Beside<Box<Part>>>> = match reach.threads {
            1 => None,
            _ => Some(Box::new(Second::spawn().map_err(|error| {
                Failure::work(
                    format!("expected a second thread, found: {error}"),
                    "close other programs",
                )
            })?)),
        };
        let retrieval = match &self.index {
            None => None,
            Some(index) => {
                let made = Retrieval::new(Arc::clone(index) as _, Search::default());
                Some(made.map_err(|error| {
                    Failure::work(
                        format!("expected {}, found {}", error.expected, error.found),
                        "import the voice again",
                    )
                })?)
            }
        };
        let supplies = self.card.supplies(reach).map_err(|error| {
            Failure::work(
                format!("expected a thread for the device, found: {error}"),
                "close other programs",
            )
        })?;
        RvcEngine::new(Ingredients {
            reach,
            encoder: &self.encoder,
            voice,
            retrieval,
            seed: SEED,
            beside,
            supplies,
        })
        .map_err(|error| Failure::work(error.to_string(), "choose another voice"))
    }

    /// The voice's networks by themselves.
    pub(super) fn voice(&self, spans: Spans) -> Result<Synthesizer, Failure> {
        Synthesizer::new(&self.config, spans, &self.weights.root()).map_err(fault)
    }
}

/// A content encoder on a card, as voices of a version take from it.
fn content_on_card(
    config: &ContentConfig,
    version: Version,
    load: Box<Load>,
) -> Arc<ContentOnCard> {
    let output = match version {
        Version::V1 => Output::V1,
        Version::V2 => Output::V2,
    };
    Arc::new(ContentOnCard::new(config, output, load))
}

fn on_card(config: &RvcConfig, weights: &Arc<Weights>, content: &Arc<ContentOnCard>) -> OnCard {
    let weights = weights.clone();
    let load = move || Ok(weights.clone());
    OnCard::new(config, Box::new(load), content.clone())
}

fn fault(error: WeightsError) -> Failure {
    Failure::work(error.to_string(), "import the voice or the encoder again")
}

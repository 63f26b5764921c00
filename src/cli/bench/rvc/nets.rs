//! The networks that are measured: full-size ones of a seed, or those of the user.

use crate::cli::failure::Failure;
use crate::bridge::Second;
use crate::engine::beside::Beside;
use crate::engine::rvc::{Ingredients, Part, Reach, RvcEngine};
use crate::model::content::{ContentConfig, Encoder};
use crate::model::rvc::{RvcConfig, Synthesizer, Version};
use crate::nn::{Weights, WeightsError};
use crate::pitch::TrackerKind;
use crate::quality::seeded;
use crate::voice::models::content_tensors;
use crate::voice::rvc::tensors;

/// Of all weights and noise.
pub(super) const SEED: u64 = 1;
/// Relative positions of a text encoder.
const POSITIONS: usize = 21;
/// The lowest pitch followed, in Hz, as with real voices.
const LOWEST_HZ: f32 = 50.0;

/// A voice and a content encoder.
pub(super) struct Nets {
    pub(super) encoder: Encoder,
    pub(super) config: RvcConfig,
    weights: Weights,
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
        Self::with(encoder, config)
    }

    /// A seeded voice of these sizes for this encoder.
    pub(super) fn with(encoder: Encoder, config: RvcConfig) -> Result<Self, Failure> {
        let weights = seeded::halves(tensors(&config, POSITIONS), SEED).map_err(fault)?;
        Ok(Self {
            encoder,
            config,
            weights,
        })
    }

    /// An engine of them.
    pub(super) fn engine(&self, reach: Reach) -> Result<RvcEngine, Failure> {
        let root = self.weights.root();
        let voice = Synthesizer::new(&self.config, reach.spans(), &root).map_err(fault)?;
        let tracker = TrackerKind::Neural
            .embedded(crate::model::content::RATE_HZ, LOWEST_HZ)
            .expect("it needs nothing but this program");
        let beside: Option<Box<dyn Beside<Box<Part>>>> = match reach.threads {
            1 => None,
            _ => Some(Box::new(Second::spawn().map_err(|error| {
                Failure::work(
                    format!("expected a second thread, found: {error}"),
                    "close other programs",
                )
            })?)),
        };
        RvcEngine::new(Ingredients {
            reach,
            encoder: &self.encoder,
            voice,
            tracker,
            retrieval: None,
            seed: SEED,
            beside,
        })
        .map_err(|error| Failure::work(error.to_string(), "choose another voice"))
    }

    /// The voice's networks by themselves.
    pub(super) fn voice(&self, spans: crate::model::rvc::Spans) -> Result<Synthesizer, Failure> {
        Synthesizer::new(&self.config, spans, &self.weights.root()).map_err(fault)
    }
}

fn fault(error: WeightsError) -> Failure {
    Failure::work(
        error.to_string(),
        "this is a fault in AutoVoice: please report it",
    )
}

//! A voice of our own in memory: its weights and the content encoder that it was trained with.

use super::WarmError;
use crate::engine::{Engine, EngineError, EngineSpec};
use crate::nn::Weights;
use crate::voice::ddsp::{ContentEncoder, DdspVoice, EncoderError, RATE_HZ};
use crate::voice::{Library, Voice};
use std::path::Path;

/// What the engine of a voice is. Reads nothing.
pub(super) fn spec(voice: &DdspVoice) -> EngineSpec {
    EngineSpec {
        name: "ddsp",
        rate_hz: RATE_HZ,
        channels: 1,
        hop: 480,
        lookahead: 480 * (2 + voice.ahead / 2) + 96,
        budget: 240,
        realtime_safe: false,
    }
}

/// See the module.
pub(super) struct WarmDdsp {
    voice: DdspVoice,
    weights: Weights,
}

impl WarmDdsp {
    /// Reads a voice, and its content encoder from the program or this folder of models.
    pub(super) fn load(
        voice: &Voice,
        of: &DdspVoice,
        models: Option<&Path>,
    ) -> Result<Self, WarmError> {
        let encoder = ContentEncoder::find(&of.encoder_sha256, models)?;
        let config = &encoder.config;
        if (config.content, config.ahead) != (of.decoder.content, of.ahead) {
            let shown = |content, ahead| format!("{content} values, {ahead} frames ahead");
            return Err(WarmError::Content(EncoderError::Unfit {
                expected: shown(of.decoder.content, of.ahead),
                found: shown(config.content, config.ahead),
            }));
        }
        Ok(Self {
            voice: of.clone(),
            weights: encoder.beside(&Library::load(voice)?),
        })
    }

    /// An engine of this voice.
    pub(super) fn engine(&self, _seed: u64) -> Result<Box<dyn Engine>, WarmError> {
        let _ = (&self.voice, &self.weights);
        Err(WarmError::Engine(EngineError::Step {
            engine: "ddsp",
            reason: "it is not there yet",
        }))
    }
}

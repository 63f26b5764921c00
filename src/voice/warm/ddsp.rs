//! A voice of our own in memory: its decoder, and the content encoder that it was trained with.

use super::WarmError;
use crate::engine::ddsp::{Company, DdspEngine, Ingredients, Speaker};
use crate::engine::{Engine, EngineSpec};
use crate::model::ddsp::Decoder;
use crate::voice::ddsp::{ContentEncoder, DdspVoice, EncoderError};
use crate::voice::{Library, Voice};
use std::path::Path;
use std::sync::Arc;

/// What the engine of a voice is. Reads nothing.
pub(super) fn spec(voice: &DdspVoice) -> EngineSpec {
    DdspEngine::spec_of(voice.ahead)
}

/// See the module.
pub(super) struct WarmDdsp {
    voice: DdspVoice,
    encoder: Arc<ContentEncoder>,
    decoder: Decoder,
    embedding: Vec<f32>,
}

impl WarmDdsp {
    /// Reads a voice, and its content encoder from the program or this folder of models.
    pub(super) fn load(
        voice: &Voice,
        of: &DdspVoice,
        models: Option<&Path>,
    ) -> Result<Self, WarmError> {
        let encoder = ContentEncoder::find(&of.encoder_sha256, models)?;
        let gives = encoder.network.config();
        if (gives.content, gives.ahead) != (of.decoder.content, of.ahead) {
            let shown = |content, ahead| format!("{content} values, {ahead} frames ahead");
            return Err(WarmError::Content(EncoderError::Unfit {
                expected: shown(of.decoder.content, of.ahead),
                found: shown(gives.content, gives.ahead),
            }));
        }
        let weights = Library::load(voice)?;
        let (embedding, shape) = of.decoder.embedding_shape();
        Ok(Self {
            voice: of.clone(),
            encoder,
            decoder: Decoder::new(&of.decoder, &weights.root())?,
            embedding: weights.root().get(&embedding, &shape)?.to_vec(),
        })
    }

    /// The hash of its content encoder.
    pub(super) fn encoder(&self) -> &str {
        &self.encoder.sha256
    }

    /// The voice as it speaks in the engine of another of the same encoder.
    pub(super) fn speaker(&self) -> Speaker {
        Speaker {
            decoder: self.decoder.clone(),
            embedding: self.embedding.clone(),
            bandwidth_hz: self.voice.bandwidth_hz,
        }
    }

    /// An engine of this voice, which shares its weights, and those of its company.
    pub(super) fn engine(&self, seed: u64, company: Company) -> Result<Box<dyn Engine>, WarmError> {
        let engine = DdspEngine::new(Ingredients {
            encoder: self.encoder.network.clone(),
            decoder: self.decoder.clone(),
            embedding: self.embedding.clone(),
            statistics: self.voice.statistics(),
            seed,
            company,
        })?;
        Ok(Box::new(engine))
    }
}

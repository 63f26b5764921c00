//! Voices of our own as files: a decoder, who speaks, and what is known of both, in one safetensors
//! file that says itself what it is. Reads one, or says exactly what the file is instead, and
//! writes one. Worker threads and the command line only: it allocates and waits for disks.

mod encoder;
mod error;
mod texts;

pub use encoder::{ContentEncoder, EncoderError, FILE as ENCODER_FILE};
pub use error::DdspError;
pub use texts::{Described, write};

use super::tensors::Named;
use crate::io::checkpoint::{Checkpoint, Layout, TensorRef};
use crate::model::ddsp::{ConfigError, DecoderConfig, MOST_AHEAD, Shapes, Statistics};
use crate::preset::about::is_sha256;
use std::collections::HashMap;

/// The lowest and the highest bandwidth of a voice, in Hz.
const BANDWIDTHS_HZ: (f32, f32) = (1_000.0, 24_000.0);
/// The lowest and the highest mean pitch, in Hz.
const PITCHES_HZ: (f32, f32) = (20.0, 2_000.0);

/// Tensors by which our networks are known where nothing is said of them.
const BLOCKS: [&str; 2] = [
    "encoder.blocks.0.conv.weight",
    "decoder.blocks.0.speaker.weight",
];

/// What of a voice is not in its tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct DdspVoice {
    /// The sizes of its decoder.
    pub decoder: DecoderConfig,
    /// Frames of 10 ms that its content encoder hears ahead, which sets the delay.
    pub ahead: usize,
    /// The SHA-256 of the file of the content encoder that it was trained with: 64 hexadecimal
    /// digits in lower case.
    pub encoder_sha256: String,
    /// Where the recordings that it was made of end, in Hz; above it nothing is put out.
    pub bandwidth_hz: f32,
    /// Their mean pitch in Hz, that of the mean of logarithms.
    pub mean_pitch_hz: f32,
}

/// Something of a voice that none of ours has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct Unfit {
    /// What voices have.
    pub expected: &'static str,
    /// What is there.
    pub found: String,
}

impl From<ConfigError> for Unfit {
    fn from(error: ConfigError) -> Self {
        Self {
            expected: error.expected,
            found: error.found,
        }
    }
}

impl DdspVoice {
    /// Whether an engine can be made of it.
    ///
    /// # Errors
    /// If a size or a number is beyond what voices have.
    pub fn check(&self) -> Result<(), Unfit> {
        self.decoder.check()?;
        if MOST_AHEAD < self.ahead {
            return Err(Unfit {
                expected: "0, 1 or 2 frames ahead",
                found: self.ahead.to_string(),
            });
        }
        if !is_sha256(&self.encoder_sha256) {
            return Err(Unfit {
                expected: "the SHA-256 of a content encoder, 64 hexadecimal digits",
                found: format!("\"{}\"", self.encoder_sha256),
            });
        }
        for (expected, found, (low, high)) in [
            (
                "a bandwidth of 1000 to 24000 Hz",
                self.bandwidth_hz,
                BANDWIDTHS_HZ,
            ),
            (
                "a mean pitch of 20 to 2000 Hz",
                self.mean_pitch_hz,
                PITCHES_HZ,
            ),
        ] {
            // No number is in no range.
            if !(low..=high).contains(&found) {
                let found = found.to_string();
                return Err(Unfit { expected, found });
            }
        }
        Ok(())
    }

    /// What its engine has to know of the recordings.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            log2_f0: self.mean_pitch_hz.log2(),
            bandwidth_hz: self.bandwidth_hz,
        }
    }

    /// Every tensor that its file has.
    #[must_use]
    pub fn tensors(&self) -> Vec<Named> {
        tensors(&self.decoder)
    }
}

fn tensors(decoder: &DecoderConfig) -> Shapes {
    let mut shapes = decoder.shapes();
    shapes.push(decoder.embedding_shape());
    shapes
}

/// A voice in a file. Its tensors are still there.
#[derive(Clone, Debug, PartialEq)]
pub struct DdspFile {
    /// What it says of itself.
    pub described: Described,
    /// The tensors of its network.
    pub tensors: Vec<(String, TensorRef)>,
}

/// Whether a checkpoint is of ours, a voice or not: [`read`] then says which.
#[must_use]
pub fn is_ours(checkpoint: &Checkpoint) -> bool {
    let Layout::Safetensors(texts) = checkpoint.layout() else {
        return false;
    };
    let is_block = |(name, _): (String, TensorRef)| BLOCKS.contains(&name.as_str());
    texts::kind(texts).is_some() || checkpoint.tensors("").any(is_block)
}

/// Reads a voice: what it says of itself, names and shapes, but no elements.
///
/// # Errors
/// [`DdspError`] with what the file is instead, or what of it cannot be used.
pub fn read(checkpoint: &Checkpoint) -> Result<DdspFile, DdspError> {
    let Layout::Safetensors(texts) = checkpoint.layout() else {
        return Err(DdspError::NoDescription);
    };
    match texts::kind(texts) {
        Some(texts::Kind::Voice) => {}
        Some(texts::Kind::Other(kind)) => return Err(DdspError::Other { kind }),
        None => return Err(DdspError::NoDescription),
    }
    let found: HashMap<String, TensorRef> = checkpoint.tensors("").collect();
    let described = texts::read(texts, &found)?;
    let tensors = super::tensors::pick(described.voice.tensors(), found)?;
    Ok(DdspFile { described, tensors })
}

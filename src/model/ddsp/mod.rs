//! Our own voices: a content encoder that hears what is said, a decoder that makes a voice's spectrum
//! of it, and harmonics and noise that sound like that spectrum (Engel, Hantrakul, Gu & Roberts,
//! "DDSP: Differentiable digital signal processing", 2020). Any thread; `step` is real-time safe.
//!
//! A frame is 10 ms. Frame `k` belongs to the instant `160 k` of the sound at 16 kHz that is heard,
//! and to `480 k` of that at 48 kHz that is put out.

mod block;
mod centre;
mod config;
mod decoder;
mod device;
mod encoder;
pub mod features;
pub mod grid;
pub mod synthesis;
#[cfg(test)]
mod tests;

pub use centre::Centre;
pub use config::{ConfigError, DdspConfig, DecoderConfig, EncoderConfig, MOST_AHEAD, Shapes};
pub use decoder::{Decoder, OUTS, SUNG, Sung};
pub use device::{Decoder as DeviceDecoder, Encoder as DeviceEncoder};
pub use encoder::Encoder;
pub use synthesis::{Synthesis, Tone};

/// What is known of a voice besides its weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// The mean pitch, as the logarithm to the base of 2 of Hz: for whoever suggests a
    /// transposition.
    pub log2_f0: f32,
    /// Up to where its recordings reach, in Hz.
    pub bandwidth_hz: f32,
}

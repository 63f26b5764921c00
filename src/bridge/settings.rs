//! What the front ends tell the audio path: the host's configuration, once per activation, and
//! the musician's settings, once per block.

use crate::engine::Controls;
use crate::units::Frames;

/// How the host runs us. Fixed between two activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// Sample rate in Hz, 8,000..=192,000.
    pub rate_hz: u32,
    /// Channels processed, 1 or 2.
    pub channels: usize,
    /// The longest block the host will ask for; longer ones are processed in pieces.
    pub max_block: Frames,
    /// Whether the host renders faster or slower than real time and waits for us.
    pub offline: bool,
}

/// What is heard while a worker engine is late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DropoutMode {
    /// The dry voice, aligned.
    #[default]
    Dry,
    /// Nothing.
    Silence,
    /// The `shift` engine with the same controls.
    Shift,
}

impl DropoutMode {
    /// Every mode in the order shown; positions are frozen, they are saved in projects.
    pub const ALL: [Self; 3] = [Self::Dry, Self::Silence, Self::Shift];

    /// The name shown and parsed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dry => "Dry",
            Self::Silence => "Silence",
            Self::Shift => "Shift",
        }
    }
}

/// A musician's settings for one block. Levels are smoothed by the processor, so a front end
/// passes plain parameter values; values out of range are clamped and NaN becomes the default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Dry signal with unchanged latency.
    pub bypass: bool,
    /// Share of the converted voice, 0..=1; the rest is the dry voice, aligned.
    pub mix: f32,
    /// Gain before everything in dB, -60..=24; -60 is silence.
    pub input_db: f32,
    /// Threshold below which the input is gated in dBFS, -100..=0; -100 is off.
    pub gate_db: f32,
    /// Gain after everything but the limiter in dB, -60..=24; -60 is silence.
    pub output_db: f32,
    /// Keeps the output below 0 dBFS.
    pub limiter: bool,
    /// Voice slot, 0..=4; 0 is the engine on the audio thread.
    pub slot: usize,
    /// What is heard while a worker engine is late.
    pub dropout: DropoutMode,
    /// What the engines are told.
    pub controls: Controls,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bypass: false,
            mix: 1.0,
            input_db: 0.0,
            gate_db: -100.0,
            output_db: 0.0,
            limiter: false,
            slot: 0,
            dropout: DropoutMode::default(),
            controls: Controls::default(),
        }
    }
}

//! What the front ends tell the audio path: the host's configuration, once per activation, and
//! the musician's settings, once per block.

use crate::dsp::cut::{HIGH_CUT_MIN_HZ, HIGH_CUT_OFF_HZ, LOW_CUT_MAX_HZ, LOW_CUT_OFF_HZ};
use crate::dsp::gate::GATE_OFF_DB;
use crate::engine::{Controls, VoiceControls};
use crate::pitch::Correction;
use crate::units::{Frames, db_to_gain};

/// Levels at or below this are silence.
pub const SILENCE_DB: f32 = -60.0;

/// How the host runs us. Fixed between two activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// Sample rate in Hz, at least 1; see [`Self::RATES_HZ`].
    pub rate_hz: u32,
    /// Channels processed, 1 or 2.
    pub channels: usize,
    /// The longest block the host will ask for; longer ones are processed in pieces.
    pub max_block: Frames,
    /// Whether the host renders faster or slower than real time and waits for us.
    pub offline: bool,
}

impl HostConfig {
    /// Lowest and highest rate in Hz at which a voice can be converted.
    pub const RATES_HZ: (u32, u32) = (8_000, 192_000);

    /// Whether a voice can be converted at this rate.
    #[must_use]
    pub fn converts_at(rate_hz: u32) -> bool {
        let (lowest, highest) = Self::RATES_HZ;
        (lowest..=highest).contains(&rate_hz)
    }
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
    pub const fn name(self) -> &'static str {
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
    /// Removes what lies below it from the converted voice, in Hz, 20..=1000; 20 is off.
    pub low_cut_hz: f32,
    /// Removes what lies above it from the converted voice, in Hz, 1000..=20000; 20000 is off.
    pub high_cut_hz: f32,
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
            low_cut_hz: LOW_CUT_OFF_HZ,
            high_cut_hz: HIGH_CUT_OFF_HZ,
        }
    }
}

impl Settings {
    /// Where the low cut is off, and its highest, in Hz.
    pub const LOW_CUT_HZ: (f32, f32) = (LOW_CUT_OFF_HZ, LOW_CUT_MAX_HZ);
    /// The lowest high cut, and where it is off, in Hz.
    pub const HIGH_CUT_HZ: (f32, f32) = (HIGH_CUT_MIN_HZ, HIGH_CUT_OFF_HZ);

    /// The same with every value in its range. Real-time safe.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        let default = Self::default();
        self.mix = clamp(self.mix, 0.0, 1.0, default.mix);
        self.input_db = clamp(self.input_db, SILENCE_DB, 24.0, default.input_db);
        self.gate_db = clamp(self.gate_db, GATE_OFF_DB, 0.0, default.gate_db);
        self.output_db = clamp(self.output_db, SILENCE_DB, 24.0, default.output_db);
        let (lowest, highest) = Self::LOW_CUT_HZ;
        self.low_cut_hz = clamp(self.low_cut_hz, lowest, highest, default.low_cut_hz);
        let (lowest, highest) = Self::HIGH_CUT_HZ;
        self.high_cut_hz = clamp(self.high_cut_hz, lowest, highest, default.high_cut_hz);
        let Controls {
            pitch_semitones,
            formant_semitones,
            correction,
            voice,
            ..
        } = &mut self.controls;
        *pitch_semitones = clamp(*pitch_semitones, -24.0, 24.0, 0.0);
        *formant_semitones = clamp(*formant_semitones, -12.0, 12.0, 0.0);
        let plain = Correction::default();
        correction.tuning_hz = clamp(correction.tuning_hz, 400.0, 480.0, plain.tuning_hz);
        correction.retune_ms = clamp(correction.retune_ms, 0.0, 400.0, plain.retune_ms);
        correction.amount = clamp(correction.amount, 0.0, 1.0, plain.amount);
        correction.humanize = clamp(correction.humanize, 0.0, 1.0, plain.humanize);
        let plain = VoiceControls::default();
        voice.index_rate = clamp(voice.index_rate, 0.0, 1.0, plain.index_rate);
        voice.protect = clamp(voice.protect, 0.0, 0.5, plain.protect);
        voice.rms_mix = clamp(voice.rms_mix, 0.0, 1.0, plain.rms_mix);
        voice.morph.x = clamp(voice.morph.x, 0.0, 1.0, plain.morph.x);
        voice.morph.y = clamp(voice.morph.y, 0.0, 1.0, plain.morph.y);
        self
    }
}

/// A level as linear gain, 0 at or below [`SILENCE_DB`].
pub(super) fn level(db: f32) -> f32 {
    if db <= SILENCE_DB {
        0.0
    } else {
        db_to_gain(db)
    }
}

fn clamp(value: f32, low: f32, high: f32, default: f32) -> f32 {
    if value.is_nan() {
        default
    } else {
        value.clamp(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_clamped_and_nan_becomes_the_default() {
        let mut settings = Settings {
            mix: 7.0,
            input_db: f32::NEG_INFINITY,
            gate_db: f32::NAN,
            output_db: 99.0,
            low_cut_hz: f32::NAN,
            high_cut_hz: 0.0,
            ..Settings::default()
        };
        settings.controls.pitch_semitones = f32::NAN;
        settings.controls.formant_semitones = -99.0;
        settings.controls.correction.tuning_hz = 1e9;
        settings.controls.voice.protect = f32::INFINITY;
        settings.controls.voice.morph.x = f32::NAN;
        settings.controls.voice.morph.y = -1.0;
        let got = settings.clamped();
        assert_eq!(
            (got.mix, got.input_db, got.gate_db, got.output_db),
            (1.0, -60.0, -100.0, 24.0)
        );
        assert_eq!((got.low_cut_hz, got.high_cut_hz), (20.0, 1_000.0));
        assert_eq!(got.controls.pitch_semitones, 0.0);
        assert_eq!(got.controls.formant_semitones, -12.0);
        assert_eq!(got.controls.correction.tuning_hz, 480.0);
        assert_eq!(got.controls.voice.protect, 0.5);
        let morph = got.controls.voice.morph;
        assert_eq!((morph.x, morph.y), (0.5, 0.0));
        assert_eq!(Settings::default().clamped(), Settings::default());
    }

    #[test]
    fn the_lowest_level_is_silence() {
        assert_eq!(level(-60.0), 0.0);
        assert_eq!(level(0.0), 1.0);
    }
}

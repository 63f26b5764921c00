//! Options that say what to do with a voice, as the audio path takes them.

use super::failure::Failure;
use super::tracker::{self, Wish};
use crate::bridge::Settings;
use crate::engine::shift::ShiftEngine;
use crate::engine::{Controls, Engine, EngineError};
use crate::pitch::text::{self, TextError};
use crate::pitch::{Correction, Key, Scale, ScaleMask, TrackerChoice, TrackerKind, VoiceRange};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

/// Options of the voice, shared by the commands that run the audio path.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Voice")]
pub(super) struct VoiceArgs {
    /// Transpose, -24 to 24 semitones: 4, -5, "+3 st 20 ct"
    #[arg(long, value_name = "SEMITONES", default_value = "0",
          allow_hyphen_values = true, value_parser = parse_pitch)]
    pitch: f32,
    /// Shift the formants, -12 to 12 semitones: -2, "+1 st 50 ct"
    #[arg(long, value_name = "SEMITONES", default_value = "0",
          allow_hyphen_values = true, value_parser = parse_formant)]
    formant: f32,
    /// Lowest note expected; it sets the latency: a higher one is faster
    #[arg(long, value_name = "RANGE", default_value = "low", ignore_case = true,
          value_parser = range_parser())]
    range: VoiceRange,
    /// What follows the pitch; auto takes the best that costs no delay in the plugin
    #[arg(long, value_name = "TRACKER", default_value = "auto", ignore_case = true,
          value_parser = tracker::wish_parser())]
    tracker: Wish,
    /// What converts
    #[arg(long, value_enum, default_value_t = EngineChoice::Shift)]
    engine: EngineChoice,
    /// Correct the tuning to this key and scale: "C# minor", Bb, F#m, "A blues", chromatic
    #[arg(long, value_name = "KEY", value_parser = text::parse_key_scale, group = "target")]
    key: Option<(Key, Scale)>,
    /// Correct the tuning to these notes: C,D,E or 101010000000 (from C to B)
    #[arg(long, value_name = "NOTES", value_parser = text::parse_notes, group = "target")]
    scale_notes: Option<ScaleMask>,
    /// Time the correction takes in milliseconds, 0 to 400
    #[arg(long, value_name = "MS", requires = "target", value_parser = within(0.0, 400.0))]
    retune: Option<f32>,
    /// Share of the error that is corrected, 0 to 1
    #[arg(long, value_name = "SHARE", requires = "target", value_parser = within(0.0, 1.0))]
    amount: Option<f32>,
    /// How far sustained notes keep their vibrato, 0 to 1
    #[arg(long, value_name = "SHARE", requires = "target", value_parser = within(0.0, 1.0))]
    humanize: Option<f32>,
    /// Frequency of A4 in Hz, 400 to 480
    #[arg(long, value_name = "HZ", requires = "target", value_parser = within(400.0, 480.0))]
    tuning: Option<f32>,
    /// Share of the converted voice, 0 to 1; the rest is the dry voice
    #[arg(long, value_name = "SHARE", default_value = "1", value_parser = within(0.0, 1.0))]
    mix: f32,
    /// Gain before the conversion, -60 (silence) to 24 dB
    #[arg(long, value_name = "DB", default_value = "0",
          allow_hyphen_values = true, value_parser = parse_gain)]
    input_db: f32,
    /// Silence the input below this level, -100 (never) to 0 dBFS
    #[arg(long, value_name = "DB", default_value = "-100",
          allow_hyphen_values = true, value_parser = parse_gate)]
    gate_db: f32,
    /// Gain after the conversion, -60 (silence) to 24 dB
    #[arg(long, value_name = "DB", default_value = "0",
          allow_hyphen_values = true, value_parser = parse_gain)]
    output_db: f32,
    /// Keep the output below 0 dBFS
    #[arg(long)]
    limiter: bool,
    /// Remove what lies below this frequency from the converted voice, 20 (nothing) to 1000 Hz
    #[arg(long, value_name = "HZ", default_value = "20", value_parser = within(20.0, 1_000.0))]
    low_cut: f32,
    /// Remove what lies above this frequency from the converted voice, 1000 to 20000 Hz (nothing)
    #[arg(long, value_name = "HZ", default_value = "20000",
          value_parser = within(1_000.0, 20_000.0))]
    high_cut: f32,
}

/// The engines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineChoice {
    /// Pitch and formant shifting in the time domain; needs no voice file
    Shift,
}

impl EngineChoice {
    /// The name typed and shown.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Shift => "shift",
        }
    }

    /// An engine of this kind.
    pub(super) fn build(
        self,
        rate_hz: u32,
        channels: usize,
        range: VoiceRange,
        tracker: TrackerChoice,
    ) -> Result<Box<dyn Engine>, EngineError> {
        match self {
            Self::Shift => {
                let engine = ShiftEngine::choose(rate_hz, channels, range, tracker)?;
                Ok(Box::new(engine))
            }
        }
    }
}

/// What to do with a voice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    pub(super) engine: EngineChoice,
    pub(super) range: VoiceRange,
    pub(super) tracker: Wish,
    pub(super) settings: Settings,
}

impl Voice {
    /// The engine that makes it.
    pub(super) fn build(&self, rate_hz: u32, channels: usize) -> Result<Box<dyn Engine>, Failure> {
        let choice = match self.tracker {
            Wish::Auto => TrackerChoice::Auto,
            Wish::Kind(TrackerKind::Yin) => TrackerChoice::Yin,
            Wish::Kind(kind) => {
                let tracker = tracker::build(kind, rate_hz, self.range.lowest_hz())?;
                let engine = match self.engine {
                    EngineChoice::Shift => {
                        ShiftEngine::with_tracker(rate_hz, channels, self.range, tracker)
                    }
                };
                return Ok(Box::new(engine.map_err(unsuitable)?));
            }
        };
        let engine = self.engine.build(rate_hz, channels, self.range, choice);
        engine.map_err(unsuitable)
    }
}

fn unsuitable(error: EngineError) -> Failure {
    Failure::work(
        format!("expected audio that the engine takes, but {error}"),
        "convert the file to 48 kHz first",
    )
}

impl VoiceArgs {
    pub(super) fn voice(&self) -> Voice {
        let target = self
            .key
            .map(|(key, scale)| scale.mask(key, ScaleMask::CHROMATIC))
            .or(self.scale_notes);
        let default = Correction::default();
        let correction = Correction {
            enabled: target.is_some(),
            scale: target.unwrap_or(default.scale),
            tuning_hz: self.tuning.unwrap_or(default.tuning_hz),
            retune_ms: self.retune.unwrap_or(default.retune_ms),
            amount: self.amount.unwrap_or(default.amount),
            humanize: self.humanize.unwrap_or(default.humanize),
            midi: default.midi,
        };
        Voice {
            engine: self.engine,
            range: self.range,
            tracker: self.tracker,
            settings: Settings {
                mix: self.mix,
                input_db: self.input_db,
                gate_db: self.gate_db,
                output_db: self.output_db,
                limiter: self.limiter,
                low_cut_hz: self.low_cut,
                high_cut_hz: self.high_cut,
                controls: Controls {
                    pitch_semitones: self.pitch,
                    formant_semitones: self.formant,
                    correction,
                    ..Controls::default()
                },
                ..Settings::default()
            },
        }
    }
}

pub(super) fn range_parser() -> impl clap::builder::TypedValueParser<Value = VoiceRange> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(["bass", "low", "mid", "high", "soprano"])
        .try_map(|name| VoiceRange::from_name(&name).ok_or("no such range"))
}

fn check(value: f32, low: f32, high: f32) -> Result<f32, String> {
    match (low..=high).contains(&value) {
        true => Ok(value),
        false => Err(format!("expected {low} to {high}, got {value}")),
    }
}

fn parse_pitch(text: &str) -> Result<f32, String> {
    check(semitones(text)?, -24.0, 24.0)
}

fn parse_formant(text: &str) -> Result<f32, String> {
    check(semitones(text)?, -12.0, 12.0)
}

fn semitones(text: &str) -> Result<f32, String> {
    text::parse_semitones(text).map_err(|error: TextError| error.to_string())
}

fn parse_gain(text: &str) -> Result<f32, String> {
    check(decibels(text, -60.0)?, -60.0, 24.0)
}

fn parse_gate(text: &str) -> Result<f32, String> {
    check(decibels(text, -100.0)?, -100.0, 0.0)
}

/// Reads a level; minus infinity is the level that stands for silence.
fn decibels(text: &str, silence_db: f32) -> Result<f32, String> {
    let db = text::parse_db(text).map_err(|error| error.to_string())?;
    Ok(if db == f32::NEG_INFINITY {
        silence_db
    } else {
        db
    })
}

pub(super) fn within(low: f32, high: f32) -> impl Fn(&str) -> Result<f32, String> + Clone {
    move |text| {
        let value: f32 = text
            .trim()
            .parse()
            .map_err(|_| format!("expected a number from {low} to {high}, got \"{text}\""))?;
        check(value, low, high)
    }
}

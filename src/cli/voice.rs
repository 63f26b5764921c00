//! Options that say what to do with a voice, as the audio path takes them.

use super::failure::Failure;
use super::preset::{self, Chosen};
use super::tracker::{self, Source, Wish};
use crate::bridge::Settings;
use crate::engine::shift::ShiftEngine;
use crate::engine::{Engine, EngineError, Place, THREADS, VoiceControls};
use crate::pitch::text::{self, TextError};
use crate::pitch::{HeldNotes, Key, Scale, ScaleMask, TrackerChoice, TrackerKind, VoiceRange};
use crate::preset::{Id, Value};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

/// Options of the voice, shared by the commands that run the audio path. What is left out is as
/// the preset has it, and without one at its default.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Voice")]
pub(super) struct VoiceArgs {
    /// Start from a preset: its name, its file or its code; the options below change it
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Transpose, -24 to 24 semitones: 4, -5, "+3 st 20 ct" [default: 0]
    #[arg(long, value_name = "SEMITONES", allow_hyphen_values = true, value_parser = parse_pitch)]
    pitch: Option<f32>,
    /// Shift the formants, -12 to 12 semitones: -2, "+1 st 50 ct" [default: 0]
    #[arg(long, value_name = "SEMITONES", allow_hyphen_values = true, value_parser = parse_formant)]
    formant: Option<f32>,
    /// Lowest note expected; it sets the latency: a higher one is faster [default: low]
    #[arg(long, value_name = "RANGE", ignore_case = true, value_parser = range_parser())]
    range: Option<VoiceRange>,
    /// What follows the pitch; auto takes the best that costs no delay in the plugin
    /// [default: auto]
    #[arg(long, value_name = "TRACKER", ignore_case = true, value_parser = tracker::wish_parser())]
    tracker: Option<Wish>,
    /// What converts
    #[arg(long, value_enum, default_value_t = EngineChoice::Shift)]
    engine: EngineChoice,
    /// Correct the tuning to this key and scale: "C# minor", Bb, F#m, "A blues", chromatic
    #[arg(long, value_name = "KEY", value_parser = text::parse_key_scale, group = "target")]
    key: Option<(Key, Scale)>,
    /// Correct the tuning to these notes: C,D,E or 101010000000 (from C to B)
    #[arg(long, value_name = "NOTES", value_parser = text::parse_notes, group = "target")]
    scale_notes: Option<ScaleMask>,
    /// Time the correction takes in milliseconds, 0 to 400 [default: 30]
    #[arg(long, value_name = "MS", value_parser = within(0.0, 400.0))]
    retune: Option<f32>,
    /// Share of the error that is corrected, 0 to 1 [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = within(0.0, 1.0))]
    amount: Option<f32>,
    /// How far sustained notes keep their vibrato, 0 to 1 [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = within(0.0, 1.0))]
    humanize: Option<f32>,
    /// Frequency of A4 in Hz, 400 to 480 [default: 440]
    #[arg(long, value_name = "HZ", value_parser = within(400.0, 480.0))]
    tuning: Option<f32>,
    /// Share of the converted voice, 0 to 1; the rest is the dry voice [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = within(0.0, 1.0))]
    mix: Option<f32>,
    /// Gain before the conversion, -60 (silence) to 24 dB [default: 0]
    #[arg(long, value_name = "DB", allow_hyphen_values = true, value_parser = parse_gain)]
    input_db: Option<f32>,
    /// Silence the input below this level, -100 (never) to 0 dBFS [default: -100]
    #[arg(long, value_name = "DB", allow_hyphen_values = true, value_parser = parse_gate)]
    gate_db: Option<f32>,
    /// Gain after the conversion, -60 (silence) to 24 dB [default: 0]
    #[arg(long, value_name = "DB", allow_hyphen_values = true, value_parser = parse_gain)]
    output_db: Option<f32>,
    /// Keep the output below 0 dBFS; --limiter=off takes a preset's away [default: off]
    #[arg(long, value_name = "ON", num_args = 0..=1, require_equals = true,
          default_missing_value = "on", value_parser = parse_switch)]
    limiter: Option<bool>,
    /// Remove what lies below this frequency from the converted voice, 20 (nothing) to 1000 Hz
    /// [default: 20]
    #[arg(long, value_name = "HZ", value_parser = within(20.0, 1_000.0))]
    low_cut: Option<f32>,
    /// Remove what lies above this frequency from the converted voice, 1000 to 20000 Hz (nothing)
    /// [default: 20000]
    #[arg(long, value_name = "HZ", value_parser = within(1_000.0, 20_000.0))]
    high_cut: Option<f32>,
    /// Share of the voice's index in what is sung, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "SHARE", value_parser = within(0.0, 1.0))]
    index_rate: Option<f32>,
    /// How far breath and consonants are converted, 0 (least) to 0.5 [default: 0.33]
    #[arg(long, value_name = "SHARE", value_parser = within(0.0, 0.5))]
    protect: Option<f32>,
    /// Share of the voice's own loudness, 0 (that of the input) to 1 [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = within(0.0, 1.0))]
    rms_mix: Option<f32>,
    /// Which of the voice's speakers, 0 to 108 [default: 0]
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u16).range(0..=i64::from(VoiceControls::LAST_SPEAKER)))]
    speaker: Option<u16>,
    /// Keep the last pitch through unvoiced sounds [default: off]
    #[arg(long, value_name = "ON", num_args = 0..=1, require_equals = true,
          default_missing_value = "on", value_parser = parse_switch)]
    hold_pitch: Option<bool>,
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
pub(super) struct Voice {
    pub(super) engine: EngineChoice,
    pub(super) range: VoiceRange,
    pub(super) tracker: Wish,
    /// What makes the tracker, where the engine does not.
    pub(super) source: Option<Source>,
    pub(super) settings: Settings,
}

impl Voice {
    /// The engine that makes it.
    pub(super) fn build(&self, rate_hz: u32, channels: usize) -> Result<Box<dyn Engine>, Failure> {
        if let Some(source) = &self.source {
            let tracker = source.build(rate_hz, self.range.lowest_hz())?;
            let engine = match self.engine {
                EngineChoice::Shift => {
                    ShiftEngine::with_tracker(rate_hz, channels, self.range, tracker)
                }
            };
            return Ok(Box::new(engine.map_err(unsuitable)?));
        }
        let choice = match self.tracker {
            Wish::Kind(TrackerKind::Yin) => TrackerChoice::Yin,
            _ => TrackerChoice::Auto,
        };
        let engine = self.engine.build(rate_hz, channels, self.range, choice);
        engine.map_err(unsuitable)
    }

    /// Where the network of its tracker runs, or ran last, and what happened to the device.
    pub(super) fn place(&self) -> Place {
        let source = self.source.as_ref();
        source.map(Source::place).unwrap_or_default()
    }
}

fn unsuitable(error: EngineError) -> Failure {
    Failure::work(
        format!("expected audio that the engine takes, but {error}"),
        "convert the file to 48 kHz first",
    )
}

impl VoiceArgs {
    /// The preset asked for.
    ///
    /// # Errors
    /// Where there is no such preset.
    pub(super) fn preset(&self) -> Result<Option<Chosen>, Failure> {
        self.preset.as_deref().map(preset::choose).transpose()
    }

    /// The preset, changed by what was said besides.
    ///
    /// # Errors
    /// Where the tuning is set up but nothing is tuned.
    pub(super) fn voice(&self, preset: Option<&Chosen>) -> Result<Voice, Failure> {
        let mut values = preset.map(|chosen| chosen.values).unwrap_or_default();
        for (id, given) in [
            (Id::Pitch, self.pitch),
            (Id::Formant, self.formant),
            (Id::RetuneMs, self.retune),
            (Id::Amount, self.amount),
            (Id::Humanize, self.humanize),
            (Id::TuningHz, self.tuning),
            (Id::Mix, self.mix),
            (Id::InputDb, self.input_db),
            (Id::GateDb, self.gate_db),
            (Id::OutputDb, self.output_db),
            (Id::LowCutHz, self.low_cut),
            (Id::HighCutHz, self.high_cut),
            (Id::IndexRate, self.index_rate),
            (Id::Protect, self.protect),
            (Id::RmsMix, self.rms_mix),
        ] {
            if let Some(number) = given {
                values.set(id, Value::Number(number));
            }
        }
        for (id, given) in [
            (Id::Limiter, self.limiter),
            (Id::HoldPitch, self.hold_pitch),
        ] {
            if let Some(on) = given {
                values.set(id, Value::Switch(on));
            }
        }
        if let Some(speaker) = self.speaker {
            values.set(Id::Speaker, Value::Choice(speaker.into()));
        }
        let notes = self.scale_notes.map(|_| (Key::default(), Scale::Custom));
        if let Some((key, scale)) = self.key.or(notes) {
            let position = Scale::ALL.iter().position(|known| *known == scale);
            values.set(Id::Correct, Value::Switch(true));
            values.set(Id::Key, Value::Choice(key.pitch_class().into()));
            values.set(Id::Scale, Value::Choice(position.unwrap_or(0)));
        }
        if let Some(mask) = self.scale_notes {
            values.set(Id::CustomScale, Value::Notes(mask));
        }
        let settings = values.settings(HeldNotes::default());
        if !settings.controls.correction.enabled {
            self.refuse_tuning()?;
        }
        let tracker = self.tracker.unwrap_or(match values.tracker() {
            TrackerChoice::Auto => Wish::Auto,
            TrackerChoice::Neural => Wish::Kind(TrackerKind::Neural),
            TrackerChoice::Yin => Wish::Kind(TrackerKind::Yin),
        });
        Ok(Voice {
            engine: self.engine,
            range: self.range.unwrap_or_else(|| values.range()),
            tracker,
            source: match tracker {
                Wish::Auto | Wish::Kind(TrackerKind::Yin) => None,
                Wish::Kind(kind) => Some(Source::new(kind)),
            },
            settings,
        })
    }

    /// Where a voice sings, its own tracker follows the pitch.
    ///
    /// # Errors
    /// Where another was asked for.
    pub(super) fn refuse_tracker(&self) -> Result<(), Failure> {
        match self.tracker {
            None | Some(Wish::Auto | Wish::Kind(TrackerKind::Neural)) => Ok(()),
            Some(Wish::Kind(_)) => Err(Failure::usage(
                "expected --tracker auto or neural where another voice sings",
                "leave out --tracker",
            )),
        }
    }

    fn refuse_tuning(&self) -> Result<(), Failure> {
        for (option, given) in [
            ("--retune", self.retune),
            ("--amount", self.amount),
            ("--humanize", self.humanize),
            ("--tuning", self.tuning),
        ] {
            if given.is_some() {
                return Err(Failure::usage(
                    format!(
                        "expected a key, notes or a preset that corrects, required by {option}"
                    ),
                    "name a key: --key \"C# minor\"",
                ));
            }
        }
        Ok(())
    }
}

pub(super) fn range_parser() -> impl clap::builder::TypedValueParser<Value = VoiceRange> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(["bass", "low", "mid", "high", "soprano"])
        .try_map(|name| VoiceRange::from_name(&name).ok_or("no such range"))
}

/// How many threads work on a converted voice.
pub(super) fn threads_parser() -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser as _;
    let (fewest, most) = THREADS;
    clap::value_parser!(u8)
        .range(fewest as i64..=most as i64)
        .map(usize::from)
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

fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("expected on or off, got \"{text}\"")),
    }
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

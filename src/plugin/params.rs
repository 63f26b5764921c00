//! The parameters and what they mean for the audio path. Values are atomics: hosts write them
//! from any thread, the audio thread reads them once per block. Ids are frozen, they are saved in
//! projects and automation; labels and groups may change.

use super::state::LoadReport;
use super::text::{self, Text};
use crate::bridge::{DropoutMode, Settings};
use crate::engine::Controls;
use crate::pitch::{Correction, HeldNotes, MidiMode, Scale, TrackerChoice, VoiceRange};
use nice_plug::prelude::*;

const PITCH_ST: f32 = 24.0;
const FORMANT_ST: f32 = 12.0;
const GAIN_DB: (f32, f32) = (-60.0, 24.0);
const GATE_DB: (f32, f32) = (-100.0, 0.0);
const TUNING_HZ: (f32, f32) = (400.0, 480.0);
const RETUNE_MS: f32 = 400.0;
const RANGES: [&str; 5] = ["Bass", "Low", "Mid", "High", "Soprano"];
const SLOTS: [&str; 5] = ["Shift", "Voice 1", "Voice 2", "Voice 3", "Voice 4"];
const MIDI_MODES: [MidiMode; 3] = [MidiMode::Off, MidiMode::Last, MidiMode::Nearest];
const MIDI_NAMES: [&str; 3] = ["Off", "Last note", "Nearest note"];
const DROPOUTS: [&str; 3] = ["Dry", "Silence", "Shift"];
const TRACKERS: [&str; 3] = ["Auto", "Neural", "Yin"];

/// Every parameter of the plugin.
#[derive(Params)]
pub struct AutoVoiceParams {
    /// The host's bypass: the dry voice with unchanged latency.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// What the voice becomes.
    #[nested(group = "Voice")]
    pub voice: VoiceParams,
    /// Which notes it is drawn to.
    #[nested(group = "Correction")]
    pub correction: CorrectionParams,
    /// Levels around the engine.
    #[nested(group = "Levels")]
    pub levels: LevelParams,
    /// How the plugin runs.
    #[nested(group = "System")]
    pub system: SystemParams,
    /// What of its spectrum is left.
    #[nested(group = "Tone")]
    pub tone: ToneParams,
    /// The version written into saved states, and what the last load had to say.
    #[persist = "state_version"]
    pub load_report: LoadReport,
}

/// What the voice becomes.
#[derive(Params)]
pub struct VoiceParams {
    /// Transposition in semitones, a cent fine.
    #[id = "pitch"]
    pub pitch: FloatParam,
    /// Formant shift in semitones.
    #[id = "formant"]
    pub formant: FloatParam,
    /// Position in [`VoiceRange::ALL`]. Sets the latency, so it takes effect with a restart.
    #[id = "range"]
    pub range: IntParam,
    /// 0 for the shift engine, 1..=4 for a loaded voice.
    #[id = "slot"]
    pub slot: IntParam,
}

/// Which notes the voice is drawn to.
#[derive(Params)]
pub struct CorrectionParams {
    /// Whether the pitch is corrected at all.
    #[id = "correct"]
    pub correct: BoolParam,
    /// Pitch class of the tonic, 0 for C.
    #[id = "key"]
    pub key: IntParam,
    /// Position in [`Scale::ALL`].
    #[id = "scale"]
    pub scale: IntParam,
    /// Twelve bits, C lowest, used by the custom scale alone.
    #[id = "custom_scale"]
    pub custom_scale: IntParam,
    /// Frequency of A4 in Hz.
    #[id = "tuning_hz"]
    pub tuning_hz: FloatParam,
    /// Time constant of the way to the target in milliseconds.
    #[id = "retune_ms"]
    pub retune_ms: FloatParam,
    /// Share of the error that is removed.
    #[id = "amount"]
    pub amount: FloatParam,
    /// How far sustained notes keep their vibrato.
    #[id = "humanize"]
    pub humanize: FloatParam,
    /// How a keyboard steers the target.
    #[id = "midi_mode"]
    pub midi_mode: IntParam,
}

/// Levels around the engine.
#[derive(Params)]
pub struct LevelParams {
    /// Gain before everything.
    #[id = "input_db"]
    pub input_db: FloatParam,
    /// Threshold of the gate; at its lowest the gate is off.
    #[id = "gate_db"]
    pub gate_db: FloatParam,
    /// Share of the converted voice.
    #[id = "mix"]
    pub mix: FloatParam,
    /// Gain after everything but the limiter.
    #[id = "output_db"]
    pub output_db: FloatParam,
    /// Keeps the output below full scale.
    #[id = "limiter"]
    pub limiter: BoolParam,
}

/// How the plugin runs.
#[derive(Params)]
pub struct SystemParams {
    /// Position in [`DropoutMode::ALL`].
    #[id = "dropout_mode"]
    pub dropout_mode: IntParam,
    /// Whether the host is told the delay; takes effect with a restart.
    #[id = "report_latency"]
    pub report_latency: BoolParam,
    /// Position in [`TrackerChoice::ALL`]. May set the latency, so it takes effect with a
    /// restart.
    #[id = "tracker"]
    pub tracker: IntParam,
}

/// What is left of the converted voice's spectrum.
#[derive(Params)]
pub struct ToneParams {
    /// Removes what lies below it; at its lowest it is off.
    #[id = "low_cut_hz"]
    pub low_cut_hz: FloatParam,
    /// Removes what lies above it; at its highest it is off.
    #[id = "high_cut_hz"]
    pub high_cut_hz: FloatParam,
}

/// What only a restart can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The lowest note expected.
    pub range: VoiceRange,
    /// Whether the host is told the delay.
    pub report_latency: bool,
    /// What follows the pitch.
    pub tracker: TrackerChoice,
}

/// A parameter of any kind.
#[derive(Clone, Copy)]
pub enum ParamRef<'a> {
    /// Continuous.
    Float(&'a FloatParam),
    /// Stepped.
    Int(&'a IntParam),
    /// On or off.
    Bool(&'a BoolParam),
}

impl Default for AutoVoiceParams {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            bypass: switch("Bypass", settings.bypass).make_bypass(),
            voice: VoiceParams::new(&settings),
            correction: CorrectionParams::new(&settings.controls.correction),
            levels: LevelParams::new(&settings),
            system: SystemParams {
                dropout_mode: words("Dropouts", 0, &DROPOUTS),
                report_latency: switch("Report latency", true).non_automatable(),
                tracker: words("Pitch tracker", 0, &TRACKERS).non_automatable(),
            },
            tone: ToneParams::new(&settings),
            load_report: LoadReport::default(),
        }
    }
}

impl VoiceParams {
    fn new(settings: &Settings) -> Self {
        let semitones = |name, default, reach: f32| {
            let range = FloatRange::Linear {
                min: -reach,
                max: reach,
            };
            float(name, default, range, 0.01, text::semitones())
        };
        let default_range = VoiceRange::ALL
            .iter()
            .position(|range| *range == VoiceRange::default());
        Self {
            pitch: semitones("Pitch", settings.controls.pitch_semitones, PITCH_ST),
            formant: semitones("Formant", settings.controls.formant_semitones, FORMANT_ST),
            range: words("Voice range", default_range.unwrap_or(0) as i32, &RANGES)
                .non_automatable(),
            slot: words("Voice", settings.slot as i32, &SLOTS),
        }
    }
}

impl CorrectionParams {
    fn new(correction: &Correction) -> Self {
        let (tuning_low, tuning_high) = TUNING_HZ;
        let tuning = FloatRange::Linear {
            min: tuning_low,
            max: tuning_high,
        };
        // Half of the way covers the first quarter: short times are where the ear tells.
        let retune = FloatRange::Skewed {
            min: 0.0,
            max: RETUNE_MS,
            factor: 0.5,
        };
        let key = IntRange::Linear { min: 0, max: 11 };
        let scale = IntRange::Linear {
            min: 0,
            max: Scale::ALL.len() as i32 - 1,
        };
        let custom = IntRange::Linear { min: 1, max: 0xfff };
        let every_note = i32::from(correction.scale.bits());
        Self {
            correct: switch("Correction", correction.enabled),
            key: int("Key", 0, key, text::key()),
            scale: int("Scale", 0, scale, text::scale()),
            custom_scale: int("Custom scale", every_note, custom, text::notes()),
            tuning_hz: float(
                "Tuning",
                correction.tuning_hz,
                tuning,
                0.1,
                text::number(1.0, &["hz"]),
            )
            .with_unit(" Hz"),
            retune_ms: float(
                "Retune",
                correction.retune_ms,
                retune,
                0.1,
                text::number(1.0, &["ms"]),
            )
            .with_unit(" ms"),
            amount: share("Amount", correction.amount),
            humanize: share("Humanize", correction.humanize),
            midi_mode: words("MIDI", 0, &MIDI_NAMES),
        }
    }
}

impl LevelParams {
    fn new(settings: &Settings) -> Self {
        let decibels = |name, default, (min, max), word| {
            let range = FloatRange::Linear { min, max };
            float(name, default, range, 0.1, text::decibels(min, word))
        };
        Self {
            input_db: decibels("Input", settings.input_db, GAIN_DB, "-inf dB"),
            gate_db: decibels("Gate", settings.gate_db, GATE_DB, "off"),
            mix: share("Mix", settings.mix),
            output_db: decibels("Output", settings.output_db, GAIN_DB, "-inf dB"),
            limiter: switch("Limiter", settings.limiter),
        }
    }
}

impl ToneParams {
    fn new(settings: &Settings) -> Self {
        // The factors put the geometric mean into the middle, for the ear counts octaves.
        let octaves = |(min, max), factor| FloatRange::Skewed { min, max, factor };
        let (low, high) = (
            octaves(Settings::LOW_CUT_HZ, 0.33),
            octaves(Settings::HIGH_CUT_HZ, 0.41),
        );
        let low_off = text::hertz(Settings::LOW_CUT_HZ.0);
        let high_off = text::hertz(Settings::HIGH_CUT_HZ.1);
        Self {
            low_cut_hz: float("Low cut", settings.low_cut_hz, low, 1.0, low_off),
            high_cut_hz: float("High cut", settings.high_cut_hz, high, 10.0, high_off),
        }
    }
}

impl AutoVoiceParams {
    /// Every parameter with its frozen id.
    #[must_use]
    pub fn all(&self) -> [(&'static str, ParamRef<'_>); 24] {
        use ParamRef::{Bool, Float, Int};
        let (voice, correction) = (&self.voice, &self.correction);
        let (levels, system, tone) = (&self.levels, &self.system, &self.tone);
        [
            ("bypass", Bool(&self.bypass)),
            ("mix", Float(&levels.mix)),
            ("input_db", Float(&levels.input_db)),
            ("gate_db", Float(&levels.gate_db)),
            ("output_db", Float(&levels.output_db)),
            ("limiter", Bool(&levels.limiter)),
            ("pitch", Float(&voice.pitch)),
            ("formant", Float(&voice.formant)),
            ("range", Int(&voice.range)),
            ("correct", Bool(&correction.correct)),
            ("key", Int(&correction.key)),
            ("scale", Int(&correction.scale)),
            ("custom_scale", Int(&correction.custom_scale)),
            ("tuning_hz", Float(&correction.tuning_hz)),
            ("retune_ms", Float(&correction.retune_ms)),
            ("amount", Float(&correction.amount)),
            ("humanize", Float(&correction.humanize)),
            ("midi_mode", Int(&correction.midi_mode)),
            ("slot", Int(&voice.slot)),
            ("dropout_mode", Int(&system.dropout_mode)),
            ("report_latency", Bool(&system.report_latency)),
            ("tracker", Int(&system.tracker)),
            ("low_cut_hz", Float(&tone.low_cut_hz)),
            ("high_cut_hz", Float(&tone.high_cut_hz)),
        ]
    }

    /// What the audio path is told now. Real-time safe.
    #[must_use]
    pub fn settings(&self, notes: HeldNotes) -> Settings {
        let (voice, levels, correction) = (&self.voice, &self.levels, &self.correction);
        let key = text::key_of(correction.key.value());
        let custom = text::mask_of(correction.custom_scale.value());
        Settings {
            bypass: self.bypass.value(),
            mix: levels.mix.value(),
            input_db: levels.input_db.value(),
            gate_db: levels.gate_db.value(),
            output_db: levels.output_db.value(),
            limiter: levels.limiter.value(),
            slot: usize::try_from(voice.slot.value()).unwrap_or(0),
            dropout: text::pick(&DropoutMode::ALL, self.system.dropout_mode.value()),
            controls: Controls {
                pitch_semitones: voice.pitch.value(),
                formant_semitones: voice.formant.value(),
                correction: Correction {
                    enabled: correction.correct.value(),
                    scale: text::scale_of(correction.scale.value()).mask(key, custom),
                    tuning_hz: correction.tuning_hz.value(),
                    retune_ms: correction.retune_ms.value(),
                    amount: correction.amount.value(),
                    humanize: correction.humanize.value(),
                    midi: text::pick(&MIDI_MODES, correction.midi_mode.value()),
                },
                notes,
            },
            low_cut_hz: self.tone.low_cut_hz.value(),
            high_cut_hz: self.tone.high_cut_hz.value(),
        }
    }

    /// What only a restart can change, as it is set now. Real-time safe.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            range: text::pick(&VoiceRange::ALL, self.voice.range.value()),
            report_latency: self.system.report_latency.value(),
            tracker: text::pick(&TrackerChoice::ALL, self.system.tracker.value()),
        }
    }
}

fn float(
    name: &str,
    default: f32,
    range: FloatRange,
    step: f32,
    (write, read): Text<f32>,
) -> FloatParam {
    FloatParam::new(name, default, range)
        .with_step_size(step)
        .with_value_to_string(write)
        .with_string_to_value(read)
}

fn share(name: &str, default: f32) -> FloatParam {
    let range = FloatRange::Linear { min: 0.0, max: 1.0 };
    float(name, default, range, 0.001, text::number(100.0, &["%"])).with_unit(" %")
}

fn int(name: &str, default: i32, range: IntRange, (write, read): Text<i32>) -> IntParam {
    IntParam::new(name, default, range)
        .with_value_to_string(write)
        .with_string_to_value(read)
}

fn words(name: &str, default: i32, all: &'static [&'static str]) -> IntParam {
    let range = IntRange::Linear {
        min: 0,
        max: all.len() as i32 - 1,
    };
    int(name, default, range, text::words(all))
}

fn switch(name: &str, default: bool) -> BoolParam {
    let (write, read) = text::switch();
    BoolParam::new(name, default)
        .with_value_to_string(write)
        .with_string_to_value(read)
}

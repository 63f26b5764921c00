//! The parameters and what they mean for the audio path. Values are atomics: hosts write them
//! from any thread, the audio thread reads them once per block. Ids are frozen, they are saved in
//! projects and automation; labels and groups may change.

use super::state::LoadReport;
use super::text::{self, Text};
use super::voices::{self, Rack, Stock};
use crate::bridge::Settings;
use crate::engine::{Morph, Quality};
use crate::pitch::{HeldNotes, TrackerChoice, VoiceRange};
use crate::preset::parameter::COUNT;
use crate::preset::{Id, Kind, PARAMETERS, Value, Values};
use nice_plug::prelude::*;
use std::sync::Arc;

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
    /// What belongs to converted voices alone.
    #[nested(group = "Converted voice")]
    pub converted: ConvertedParams,
    /// The point between voices of our own.
    #[nested(group = "Morph")]
    pub morph: MorphParams,
    /// Which voice is in which slot.
    #[persist = "voices"]
    pub rack: Rack,
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
    /// Position in [`crate::pitch::Scale::ALL`].
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
    /// Position in [`crate::bridge::DropoutMode::ALL`].
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

/// What belongs to converted voices alone; the shift engine ignores it.
#[derive(Params)]
pub struct ConvertedParams {
    /// Share of retrieved features.
    #[id = "index_rate"]
    pub index_rate: FloatParam,
    /// How much of the conversion unvoiced sounds take.
    #[id = "protect"]
    pub protect: FloatParam,
    /// Share of the voice's own loudness.
    #[id = "rms_mix"]
    pub rms_mix: FloatParam,
    /// Which of the voice's speakers.
    #[id = "speaker"]
    pub speaker: IntParam,
    /// Whether the pitch is held through unvoiced sounds.
    #[id = "hold_pitch"]
    pub hold_pitch: BoolParam,
    /// Position in [`Quality::ALL`]. Sets the latency of voices, so it takes effect with a
    /// restart.
    #[id = "quality"]
    pub quality: IntParam,
    /// How many threads work on a voice. Sets the latency of voices, so it takes effect with a
    /// restart.
    #[id = "threads"]
    pub threads: IntParam,
}

/// The point between voices of our own; nobody else heeds it.
#[derive(Params)]
pub struct MorphParams {
    /// Whether a voice at a corner of the pad becomes what is at the point.
    #[id = "morph"]
    pub on: BoolParam,
    /// The point from left to right.
    #[id = "morph_x"]
    pub x: FloatParam,
    /// The point from below to above.
    #[id = "morph_y"]
    pub y: FloatParam,
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
    /// How much a voice hears before it decides.
    pub quality: Quality,
    /// How many threads work on it.
    pub threads: usize,
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

impl ParamRef<'_> {
    /// The name shown.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Float(param) => param.name(),
            Self::Int(param) => param.name(),
            Self::Bool(param) => param.name(),
        }
    }

    /// What hosts know it by.
    #[must_use]
    pub fn pointer(&self) -> ParamPtr {
        match self {
            Self::Float(param) => param.as_ptr(),
            Self::Int(param) => param.as_ptr(),
            Self::Bool(param) => param.as_ptr(),
        }
    }

    /// Where it is set, 0..=1, without what a host adds by modulation.
    #[must_use]
    pub fn normalized(&self) -> f32 {
        match self {
            Self::Float(param) => param.unmodulated_normalized_value(),
            Self::Int(param) => param.unmodulated_normalized_value(),
            Self::Bool(param) => param.unmodulated_normalized_value(),
        }
    }
}

impl Default for AutoVoiceParams {
    fn default() -> Self {
        Self::with_voices(voices::of_user())
    }
}

impl AutoVoiceParams {
    /// Everything at its default, the slots empty, for voices of this stock.
    #[must_use]
    pub fn with_voices(stock: Arc<Stock>) -> Self {
        Self {
            bypass: switch(Id::Bypass).make_bypass(),
            voice: VoiceParams {
                pitch: float(Id::Pitch, LINEAR, 0.01, text::semitones()),
                formant: float(Id::Formant, LINEAR, 0.01, text::semitones()),
                range: words(Id::Range).non_automatable(),
                slot: words(Id::Slot),
            },
            correction: CorrectionParams {
                correct: switch(Id::Correct),
                key: int(Id::Key, text::key()),
                scale: int(Id::Scale, text::scale()),
                custom_scale: int(Id::CustomScale, text::notes()),
                tuning_hz: number(Id::TuningHz, LINEAR),
                // Half of the way covers the first quarter: short times are where the ear tells.
                retune_ms: number(Id::RetuneMs, 0.5),
                amount: share(Id::Amount),
                humanize: share(Id::Humanize),
                midi_mode: words(Id::MidiMode),
            },
            levels: LevelParams {
                input_db: decibels(Id::InputDb, "-inf dB"),
                gate_db: decibels(Id::GateDb, "off"),
                mix: share(Id::Mix),
                output_db: decibels(Id::OutputDb, "-inf dB"),
                limiter: switch(Id::Limiter),
            },
            system: SystemParams {
                dropout_mode: words(Id::DropoutMode),
                report_latency: switch(Id::ReportLatency).non_automatable(),
                tracker: words(Id::Tracker).non_automatable(),
            },
            // The factors put the geometric mean into the middle, for the ear counts octaves.
            tone: ToneParams {
                low_cut_hz: float(Id::LowCutHz, 0.33, 1.0, text::hertz(Settings::LOW_CUT_HZ.0)),
                high_cut_hz: float(
                    Id::HighCutHz,
                    0.41,
                    10.0,
                    text::hertz(Settings::HIGH_CUT_HZ.1),
                ),
            },
            converted: ConvertedParams {
                index_rate: share(Id::IndexRate),
                protect: share(Id::Protect),
                rms_mix: share(Id::RmsMix),
                speaker: int(Id::Speaker, text::count()),
                hold_pitch: switch(Id::HoldPitch),
                quality: words(Id::Quality).non_automatable(),
                threads: int(Id::Threads, text::count()).non_automatable(),
            },
            morph: MorphParams {
                on: switch(Id::Morph),
                x: share(Id::MorphX),
                y: share(Id::MorphY),
            },
            rack: Rack::new(stock),
            load_report: LoadReport::default(),
        }
    }

    /// Every parameter with its frozen id, in the order of [`PARAMETERS`].
    #[must_use]
    pub fn all(&self) -> [(&'static str, ParamRef<'_>); COUNT] {
        use ParamRef::{Bool, Float, Int};
        let (voice, correction) = (&self.voice, &self.correction);
        let (levels, system, tone) = (&self.levels, &self.system, &self.tone);
        let (converted, morph) = (&self.converted, &self.morph);
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
            ("index_rate", Float(&converted.index_rate)),
            ("protect", Float(&converted.protect)),
            ("rms_mix", Float(&converted.rms_mix)),
            ("speaker", Int(&converted.speaker)),
            ("hold_pitch", Bool(&converted.hold_pitch)),
            ("quality", Int(&converted.quality)),
            ("threads", Int(&converted.threads)),
            ("morph", Bool(&morph.on)),
            ("morph_x", Float(&morph.x)),
            ("morph_y", Float(&morph.y)),
        ]
    }

    /// The values the audio path gets, automation and modulation included. Real-time safe.
    #[must_use]
    pub fn values(&self) -> Values {
        self.read(Reading {
            float: FloatParam::value,
            int: IntParam::value,
            bool: BoolParam::value,
        })
    }

    /// The values as they are set, whatever modulates them. Real-time safe.
    #[must_use]
    pub fn set_values(&self) -> Values {
        self.read(Reading {
            float: FloatParam::unmodulated_plain_value,
            int: IntParam::unmodulated_plain_value,
            bool: BoolParam::unmodulated_plain_value,
        })
    }

    fn read(&self, reading: Reading) -> Values {
        let mut values = Values::default();
        for ((_, param), parameter) in self.all().into_iter().zip(&PARAMETERS) {
            let value = match (param, &parameter.kind) {
                (ParamRef::Float(param), _) => Value::Number((reading.float)(param)),
                (ParamRef::Bool(param), _) => Value::Switch((reading.bool)(param)),
                (ParamRef::Int(param), Kind::Notes) => {
                    Value::Notes(text::mask_of((reading.int)(param)))
                }
                (ParamRef::Int(param), _) => {
                    let position = usize::try_from((reading.int)(param));
                    Value::Choice(position.unwrap_or(0))
                }
            };
            values.set(parameter.at, value);
        }
        values
    }

    /// What the audio path is told now. Real-time safe.
    #[must_use]
    pub fn settings(&self, notes: HeldNotes) -> Settings {
        self.values().settings(notes)
    }

    /// The point of the morph pad, automation and modulation included. Real-time safe.
    #[must_use]
    pub fn point(&self) -> Morph {
        Morph {
            on: self.morph.on.value(),
            x: self.morph.x.value(),
            y: self.morph.y.value(),
        }
    }

    /// What only a restart can change, as it is set now. Real-time safe.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let values = self.values();
        Wanted {
            range: values.range(),
            report_latency: values.report_latency(),
            tracker: values.tracker(),
            quality: values.quality(),
            threads: values.threads(),
        }
    }
}

/// How parameters are read.
struct Reading {
    float: fn(&FloatParam) -> f32,
    int: fn(&IntParam) -> i32,
    bool: fn(&BoolParam) -> bool,
}

// Names, ranges and defaults are those of the table that presets share.

/// The factor of a range that is not bent.
const LINEAR: f32 = 1.0;

fn float(id: Id, factor: f32, step: f32, (write, read): Text<f32>) -> FloatParam {
    let parameter = id.parameter();
    let Kind::Number {
        min, max, default, ..
    } = parameter.kind
    else {
        unreachable!("{} is a number", parameter.id);
    };
    let range = match factor == LINEAR {
        true => FloatRange::Linear { min, max },
        false => FloatRange::Skewed { min, max, factor },
    };
    FloatParam::new(parameter.name, default, range)
        .with_step_size(step)
        .with_value_to_string(write)
        .with_string_to_value(read)
}

/// A number shown with one decimal and its unit.
fn number(id: Id, factor: f32) -> FloatParam {
    let (units, shown): (&[&str], &str) = match id.parameter().kind {
        Kind::Number { unit: "Hz", .. } => (&["hz"], " Hz"),
        Kind::Number { unit: "ms", .. } => (&["ms"], " ms"),
        _ => (&[], ""),
    };
    float(id, factor, 0.1, text::number(1.0, units)).with_unit(shown)
}

fn share(id: Id) -> FloatParam {
    float(id, LINEAR, 0.001, text::number(100.0, &["%"])).with_unit(" %")
}

/// A level; at its lowest it is shown as this word.
fn decibels(id: Id, lowest: &'static str) -> FloatParam {
    let min = match id.parameter().kind {
        Kind::Number { min, .. } => min,
        _ => f32::NEG_INFINITY,
    };
    float(id, LINEAR, 0.1, text::decibels(min, lowest))
}

fn int(id: Id, (write, read): Text<i32>) -> IntParam {
    let parameter = id.parameter();
    let (min, max, default) = match parameter.kind {
        Kind::Choice { words, default } => (0, words.len() as i32 - 1, default as i32),
        Kind::Count { min, max, default } => (min as i32, max as i32, default as i32),
        _ => (1, 0xfff, 0xfff),
    };
    IntParam::new(parameter.name, default, IntRange::Linear { min, max })
        .with_value_to_string(write)
        .with_string_to_value(read)
}

fn words(id: Id) -> IntParam {
    let Kind::Choice { words, .. } = id.parameter().kind else {
        unreachable!("{} is a choice", id.parameter().id);
    };
    int(id, text::words(words))
}

fn switch(id: Id) -> BoolParam {
    let parameter = id.parameter();
    let default = parameter.kind == Kind::Switch { default: true };
    let (write, read) = text::switch();
    BoolParam::new(parameter.name, default)
        .with_value_to_string(write)
        .with_string_to_value(read)
}

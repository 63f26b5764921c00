//! Every parameter there is, apart from the framework that shows it to hosts: ids, names, ranges,
//! defaults and words. The plugin takes its parameters from this table; presets and the command
//! line mean the same by them. Constants only.

use crate::bridge::{DropoutMode, SILENCE_DB, Settings};
use crate::engine::{Quality, THREADS, VoiceControls};
use crate::pitch::{Key, MidiMode, Scale, TrackerChoice, VoiceRange};

/// What a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The sound: a preset is about it.
    Sound,
    /// The singer, the room, the stage: a preset leaves it alone unless it was saved with it.
    /// Changing some of it moves the latency.
    Setup,
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// On or off.
    Switch {
        /// Where it starts.
        default: bool,
    },
    /// A number from `min` to `max`.
    Number {
        /// The lowest.
        min: f32,
        /// The highest.
        max: f32,
        /// Where it starts.
        default: f32,
        /// The unit, empty for a share of 1.
        unit: &'static str,
    },
    /// One of some words.
    Choice {
        /// The words; positions are frozen, they are saved in projects.
        words: &'static [&'static str],
        /// The position of the one it starts with.
        default: usize,
    },
    /// A set of pitch classes; it starts with all twelve.
    Notes,
    /// A whole number from `min` to `max`.
    Count {
        /// The lowest.
        min: usize,
        /// The highest.
        max: usize,
        /// Where it starts.
        default: usize,
    },
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its place in [`PARAMETERS`].
    pub at: Id,
    /// Its frozen name in projects, automation and presets.
    pub id: &'static str,
    /// The name shown.
    pub name: &'static str,
    /// What it belongs to.
    pub scope: Scope,
    /// What values it takes.
    pub kind: Kind,
}

/// The parameters by name, in the frozen order of [`PARAMETERS`]: new ones go last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each is")]
pub enum Id {
    Bypass,
    Mix,
    InputDb,
    GateDb,
    OutputDb,
    Limiter,
    Pitch,
    Formant,
    Range,
    Correct,
    Key,
    Scale,
    CustomScale,
    TuningHz,
    RetuneMs,
    Amount,
    Humanize,
    MidiMode,
    Slot,
    DropoutMode,
    ReportLatency,
    Tracker,
    LowCutHz,
    HighCutHz,
    IndexRate,
    Protect,
    RmsMix,
    Speaker,
    HoldPitch,
    Quality,
    Threads,
    Morph,
    MorphX,
    MorphY,
}

/// How many parameters there are.
pub const COUNT: usize = Id::MorphY as usize + 1;

impl Id {
    /// What the table says of it. Real-time safe.
    #[must_use]
    pub const fn parameter(self) -> &'static Parameter {
        &PARAMETERS[self as usize]
    }

    /// The parameter with this frozen name.
    #[must_use]
    pub fn from_name(id: &str) -> Option<Self> {
        let found = PARAMETERS.iter().find(|parameter| parameter.id == id);
        found.map(|parameter| parameter.at)
    }
}

/// The names of everything in `ALL`, in its order.
macro_rules! names {
    ($type:ty) => {{
        const NAMES: [&str; <$type>::ALL.len()] = {
            let mut names = [""; <$type>::ALL.len()];
            let mut at = 0;
            while at < names.len() {
                names[at] = <$type>::ALL[at].name();
                at += 1;
            }
            names
        };
        &NAMES
    }};
}

const SLOTS: [&str; 5] = ["Shift", "Voice 1", "Voice 2", "Voice 3", "Voice 4"];

const fn switch(default: bool) -> Kind {
    Kind::Switch { default }
}

const fn number((min, max): (f32, f32), default: f32, unit: &'static str) -> Kind {
    Kind::Number {
        min,
        max,
        default,
        unit,
    }
}

const fn share(default: f32) -> Kind {
    number((0.0, 1.0), default, "")
}

const fn count((min, max): (usize, usize), default: usize) -> Kind {
    Kind::Count { min, max, default }
}

const fn choice(words: &'static [&'static str], default: usize) -> Kind {
    Kind::Choice { words, default }
}

const fn sound(at: Id, id: &'static str, name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        at,
        id,
        name,
        scope: Scope::Sound,
        kind,
    }
}

const fn setup(at: Id, id: &'static str, name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        scope: Scope::Setup,
        ..sound(at, id, name, kind)
    }
}

const GAIN_DB: (f32, f32) = (SILENCE_DB, 24.0);
const GATE_DB: (f32, f32) = (-100.0, 0.0);
const CUT_NOTHING_BELOW_HZ: f32 = Settings::LOW_CUT_HZ.0;
const CUT_NOTHING_ABOVE_HZ: f32 = Settings::HIGH_CUT_HZ.1;
const VOICE: VoiceControls = VoiceControls::DEFAULT;

/// Every parameter, in the order hosts know them by.
#[rustfmt::skip] // a table
pub const PARAMETERS: [Parameter; COUNT] = [
    setup(Id::Bypass, "bypass", "Bypass", switch(false)),
    sound(Id::Mix, "mix", "Mix", share(1.0)),
    setup(Id::InputDb, "input_db", "Input", number(GAIN_DB, 0.0, "dB")),
    setup(Id::GateDb, "gate_db", "Gate", number(GATE_DB, -100.0, "dB")),
    sound(Id::OutputDb, "output_db", "Output", number(GAIN_DB, 0.0, "dB")),
    sound(Id::Limiter, "limiter", "Limiter", switch(false)),
    sound(Id::Pitch, "pitch", "Pitch", number((-24.0, 24.0), 0.0, "st")),
    sound(Id::Formant, "formant", "Formant", number((-12.0, 12.0), 0.0, "st")),
    setup(Id::Range, "range", "Voice range", choice(names!(VoiceRange), 1)),
    sound(Id::Correct, "correct", "Correction", switch(false)),
    sound(Id::Key, "key", "Key", choice(&Key::NAMES, 0)),
    sound(Id::Scale, "scale", "Scale", choice(names!(Scale), 0)),
    sound(Id::CustomScale, "custom_scale", "Custom scale", Kind::Notes),
    setup(Id::TuningHz, "tuning_hz", "Tuning", number((400.0, 480.0), 440.0, "Hz")),
    sound(Id::RetuneMs, "retune_ms", "Retune", number((0.0, 400.0), 30.0, "ms")),
    sound(Id::Amount, "amount", "Amount", share(1.0)),
    sound(Id::Humanize, "humanize", "Humanize", share(0.0)),
    setup(Id::MidiMode, "midi_mode", "MIDI", choice(names!(MidiMode), 0)),
    sound(Id::Slot, "slot", "Voice", choice(&SLOTS, 0)),
    setup(Id::DropoutMode, "dropout_mode", "Dropouts", choice(names!(DropoutMode), 0)),
    setup(Id::ReportLatency, "report_latency", "Report latency", switch(true)),
    setup(Id::Tracker, "tracker", "Pitch tracker", choice(names!(TrackerChoice), 0)),
    sound(Id::LowCutHz, "low_cut_hz", "Low cut",
        number(Settings::LOW_CUT_HZ, CUT_NOTHING_BELOW_HZ, "Hz")),
    sound(Id::HighCutHz, "high_cut_hz", "High cut",
        number(Settings::HIGH_CUT_HZ, CUT_NOTHING_ABOVE_HZ, "Hz")),
    sound(Id::IndexRate, "index_rate", "Index", share(VOICE.index_rate)),
    sound(Id::Protect, "protect", "Protect", number((0.0, 0.5), VOICE.protect, "")),
    sound(Id::RmsMix, "rms_mix", "Loudness", share(VOICE.rms_mix)),
    sound(Id::Speaker, "speaker", "Speaker",
        count((0, VoiceControls::LAST_SPEAKER as usize), VOICE.speaker as usize)),
    sound(Id::HoldPitch, "hold_pitch", "Hold pitch", switch(VOICE.hold_pitch)),
    setup(Id::Quality, "quality", "Quality", choice(names!(Quality), 0)),
    setup(Id::Threads, "threads", "Threads", count(THREADS, THREADS.1)),
    sound(Id::Morph, "morph", "Morph", switch(VOICE.morph.on)),
    sound(Id::MorphX, "morph_x", "Morph X", share(VOICE.morph.x)),
    sound(Id::MorphY, "morph_y", "Morph Y", share(VOICE.morph.y)),
];

const _: () = {
    let mut at = 0;
    while at < COUNT {
        assert!(PARAMETERS[at].at as usize == at, "each at its place");
        at += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Settings;
    use crate::engine::rvc::Reach;
    use crate::pitch::HeldNotes;
    use crate::preset::{Value, Values};

    #[test]
    fn defaults_are_those_of_the_audio_path() {
        for values in [Values::default(), Values::defaults()] {
            let settings = values.settings(HeldNotes::default());
            assert_eq!(settings, Settings::default());
            assert_eq!(values.range(), VoiceRange::default());
            assert_eq!(values.tracker(), TrackerChoice::default());
            assert!(values.report_latency());
            assert_eq!(values.quality(), Quality::default());
            assert_eq!(values.threads(), Reach::of(Quality::default()).threads);
        }
    }

    #[test]
    fn ranges_are_those_of_the_audio_path() {
        for parameter in &PARAMETERS {
            let Kind::Number { min, max, .. } = parameter.kind else {
                continue;
            };
            let settings = |value| {
                let mut values = Values::default();
                values.set(parameter.at, Value::Number(value));
                values.settings(HeldNotes::default())
            };
            for value in [min, max] {
                let inside = settings(value);
                assert_eq!(inside.clamped(), inside, "{}: {value}", parameter.id);
                assert_ne!(settings(min), settings(max), "{}", parameter.id);
            }
        }
        // The other way round: what the audio path clamps to is not beyond the table.
        for wild in [f32::NEG_INFINITY, f32::INFINITY] {
            let mut settings = Settings {
                mix: wild,
                input_db: wild,
                gate_db: wild,
                output_db: wild,
                low_cut_hz: wild,
                high_cut_hz: wild,
                ..Settings::default()
            };
            settings.controls.pitch_semitones = wild;
            settings.controls.formant_semitones = wild;
            let correction = &mut settings.controls.correction;
            correction.tuning_hz = wild;
            correction.retune_ms = wild;
            correction.amount = wild;
            correction.humanize = wild;
            let voice = &mut settings.controls.voice;
            voice.index_rate = wild;
            voice.protect = wild;
            voice.rms_mix = wild;
            (voice.morph.x, voice.morph.y) = (wild, wild);
            let mut values = Values::default();
            for parameter in &PARAMETERS {
                if let Kind::Number { min, max, .. } = parameter.kind {
                    let end = if wild < 0.0 { min } else { max };
                    values.set(parameter.at, Value::Number(end));
                }
            }
            assert_eq!(values.settings(HeldNotes::default()), settings.clamped());
        }
    }

    #[test]
    fn ids_are_found_by_name_and_are_unlike() {
        for parameter in &PARAMETERS {
            assert_eq!(Id::from_name(parameter.id), Some(parameter.at));
        }
        assert_eq!(Id::from_name("Pitch"), None);
    }
}

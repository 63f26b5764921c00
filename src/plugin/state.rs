//! Saved states: their version, the way from older versions to this one, and the check that lets
//! in only what the parameters can hold. Runs wherever a host or the editor loads a state; it
//! allocates. It never panics and never touches a parameter itself.

use super::params::{AutoVoiceParams, ParamRef};
use super::voices::Saved;
use crate::bridge::Settings;
use crate::engine::{THREADS, VoiceControls};
use nice_plug::params::persist::{PersistentField, deserialize_field, serialize_field};
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{FloatParam, FloatRange, IntParam, IntRange, PluginState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The version of the states written now.
pub const CURRENT: u32 = 6;

/// The field that carries the version.
pub const VERSION_KEY: &str = "state_version";

/// The field that says which voice is in which slot.
pub const VOICES_KEY: &str = "voices";

/// Turns the parameters of one version into those of the next.
pub type Step = fn(&mut BTreeMap<String, ParamValue>);

/// Step `n` leads from version `n + 1` to `n + 2`; there is exactly one per version left behind.
const STEPS: [Step; CURRENT as usize - 1] = [
    // Version 1 knew no choice of trackers and used the one that `Auto` would.
    |params| {
        if params.contains_key("range") {
            let tracker = params.entry("tracker".to_owned());
            tracker.or_insert(ParamValue::I32(0));
        }
    },
    // Version 2 cut nothing.
    |params| {
        if params.contains_key("range") {
            for (id, off_hz) in [
                ("low_cut_hz", Settings::LOW_CUT_HZ.0),
                ("high_cut_hz", Settings::HIGH_CUT_HZ.1),
            ] {
                let cut = params.entry(id.to_owned());
                cut.or_insert(ParamValue::F32(off_hz));
            }
        }
    },
    // Version 3 knew no voices, and nothing of what is set of them.
    |params| {
        if params.contains_key("range") {
            let plain = VoiceControls::DEFAULT;
            for (id, value) in [
                ("index_rate", ParamValue::F32(plain.index_rate)),
                ("protect", ParamValue::F32(plain.protect)),
                ("rms_mix", ParamValue::F32(plain.rms_mix)),
                ("speaker", ParamValue::I32(i32::from(plain.speaker))),
                ("hold_pitch", ParamValue::Bool(plain.hold_pitch)),
                ("quality", ParamValue::I32(0)),
            ] {
                params.entry(id.to_owned()).or_insert(value);
            }
        }
    },
    // Version 4 worked on voices with as many threads as there may be.
    |params| {
        if params.contains_key("range") {
            let threads = params.entry("threads".to_owned());
            threads.or_insert(ParamValue::I32(THREADS.1 as i32));
        }
    },
    // Version 5 had every voice alone.
    |params| {
        if params.contains_key("range") {
            let plain = VoiceControls::DEFAULT.morph;
            for (id, value) in [
                ("morph", ParamValue::Bool(plain.on)),
                ("morph_x", ParamValue::F32(plain.x)),
                ("morph_y", ParamValue::F32(plain.y)),
            ] {
                params.entry(id.to_owned()).or_insert(value);
            }
        }
    },
];

/// Why a state was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The version field is missing or unreadable.
    #[error("expected an AutoVoice state with a {VERSION_KEY}, got {got}; nothing was changed")]
    NoVersion {
        /// What stands in its place.
        got: String,
    },
    /// Not one parameter is ours.
    #[error("expected AutoVoice settings, got none of them; nothing was changed")]
    NoParameters,
}

/// The version as it is saved, or, on its way from the check to the plugin, with what the check
/// had to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stamp {
    /// As saved.
    Version(u32),
    /// As handed over by [`filter`].
    Checked {
        /// The version, [`CURRENT`].
        version: u32,
        /// What was refused or mended, empty if nothing.
        notice: String,
    },
}

/// What the last load of a state had to say, for the editor.
#[derive(Debug, Default)]
pub struct LoadReport(Mutex<String>);

impl LoadReport {
    /// What was refused or mended in the last state loaded, empty if nothing.
    #[must_use]
    pub fn notice(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl<'a> PersistentField<'a, Stamp> for LoadReport {
    fn set(&self, stamp: Stamp) {
        let notice = match stamp {
            Stamp::Version(_) => String::new(),
            Stamp::Checked { notice, .. } => notice,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = notice;
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Stamp) -> R,
    {
        f(&Stamp::Version(CURRENT))
    }
}

/// Checks a state before it is loaded: brings it to [`CURRENT`], clamps what is out of range,
/// gives what is missing or unreadable its default, drops what is unknown. A state that is not
/// ours is emptied, so that loading it changes nothing; the reason reaches [`LoadReport`].
pub fn filter(state: &mut PluginState) {
    let checked = check(state, &STEPS);
    let voices = state.fields.remove(VOICES_KEY);
    state.fields.clear();
    let notice = match checked {
        Ok(mut mended) => {
            let saved = voices.map(|json| Saved::read(&json));
            mended.lost_voices = saved == Some(None);
            let voices = saved.flatten().unwrap_or_default();
            if let Ok(json) = serialize_field(&voices) {
                state.fields.insert(VOICES_KEY.to_owned(), json);
            }
            mended.to_string()
        }
        Err(refusal) => {
            state.params.clear();
            refusal.to_string()
        }
    };
    let stamp = Stamp::Checked {
        version: CURRENT,
        notice,
    };
    if let Ok(json) = serialize_field(&stamp) {
        state.fields.insert(VERSION_KEY.to_owned(), json);
    }
}

fn check(state: &mut PluginState, steps: &[Step]) -> Result<Mended, StateError> {
    let newest = steps.len() as u32 + 1;
    let version = version_of(state)?;
    for step in steps.iter().skip(version as usize - 1) {
        step(&mut state.params);
    }
    let mut mended = Mended {
        newer: (newest < version).then_some(version),
        ..Mended::default()
    };
    let mut found = std::mem::take(&mut state.params);
    let ours = AutoVoiceParams::default();
    let mut known = 0;
    for (id, param) in ours.all() {
        let value = found.remove(id);
        known += usize::from(value.is_some());
        let (value, fit) = fit(param, value.as_ref());
        state.params.insert(id.to_owned(), value);
        match fit {
            Fit::Good => {}
            Fit::Clamped => mended.clamped.push(id),
            Fit::Unreadable => mended.unreadable.push(id),
            Fit::Missing => mended.missing.push(id),
        }
    }
    if known == 0 {
        return Err(StateError::NoParameters);
    }
    mended.unknown = found.len();
    Ok(mended)
}

fn version_of(state: &PluginState) -> Result<u32, StateError> {
    let field = state.fields.get(VERSION_KEY);
    let version = match field.and_then(|json| deserialize_field(json).ok()) {
        Some(Stamp::Version(version) | Stamp::Checked { version, .. }) => version,
        None => 0,
    };
    if version == 0 {
        let got = field.map_or_else(
            || "none".to_owned(),
            |json| format!("\"{}\"", json.chars().take(40).collect::<String>()),
        );
        return Err(StateError::NoVersion { got });
    }
    Ok(version)
}

/// What had to be changed in a state to load it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mended {
    newer: Option<u32>,
    clamped: Vec<&'static str>,
    unreadable: Vec<&'static str>,
    missing: Vec<&'static str>,
    unknown: usize,
    lost_voices: bool,
}

impl std::fmt::Display for Mended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if let Some(version) = self.newer {
            parts.push(format!(
                "state {version} of a newer AutoVoice, this one knows {CURRENT}"
            ));
        }
        for (what, ids) in [
            ("clamped to its range", &self.clamped),
            ("unreadable, default used", &self.unreadable),
            ("missing, default used", &self.missing),
        ] {
            if !ids.is_empty() {
                parts.push(format!("{what}: {}", ids.join(", ")));
            }
        }
        if self.unknown > 0 {
            parts.push(format!("unknown and ignored: {} settings", self.unknown));
        }
        if self.lost_voices {
            parts.push("voices unreadable, the slots are empty".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Good,
    Clamped,
    Unreadable,
    Missing,
}

/// The value a parameter can hold that is nearest to the one saved.
fn fit(param: ParamRef<'_>, saved: Option<&ParamValue>) -> (ParamValue, Fit) {
    let usable = match (param, saved) {
        (_, None) => return (default_of(param), Fit::Missing),
        (ParamRef::Float(p), Some(ParamValue::F32(v))) => clamp_float(p, *v),
        (ParamRef::Float(p), Some(ParamValue::I32(v))) => clamp_float(p, *v as f32),
        (ParamRef::Int(p), Some(ParamValue::I32(v))) => Some(clamp_int(p, *v)),
        // The cast saturates, so the clamp still sees which end was passed.
        (ParamRef::Int(p), Some(ParamValue::F32(v))) if v.is_finite() => {
            Some(clamp_int(p, v.round() as i32))
        }
        (ParamRef::Bool(_), Some(ParamValue::Bool(v))) => Some((ParamValue::Bool(*v), Fit::Good)),
        _ => None,
    };
    usable.unwrap_or_else(|| (default_of(param), Fit::Unreadable))
}

fn default_of(param: ParamRef<'_>) -> ParamValue {
    use nice_plug::prelude::Param;
    match param {
        ParamRef::Float(p) => ParamValue::F32(p.default_plain_value()),
        ParamRef::Int(p) => ParamValue::I32(p.default_plain_value()),
        ParamRef::Bool(p) => ParamValue::Bool(p.default_plain_value()),
    }
}

/// `None` for NaN, which lies nowhere.
fn clamp_float(param: &FloatParam, value: f32) -> Option<(ParamValue, Fit)> {
    let (min, max) = float_bounds(&param.range());
    let clamped = value.clamp(min, max);
    let fit = match clamped == value {
        true => Fit::Good,
        false => Fit::Clamped,
    };
    (!value.is_nan()).then_some((ParamValue::F32(clamped), fit))
}

fn clamp_int(param: &IntParam, value: i32) -> (ParamValue, Fit) {
    let (min, max) = int_bounds(&param.range());
    let clamped = value.clamp(min, max);
    let fit = match clamped == value {
        true => Fit::Good,
        false => Fit::Clamped,
    };
    (ParamValue::I32(clamped), fit)
}

fn float_bounds(range: &FloatRange) -> (f32, f32) {
    match range {
        FloatRange::Linear { min, max }
        | FloatRange::Skewed { min, max, .. }
        | FloatRange::SymmetricalSkewed { min, max, .. } => (*min, *max),
        FloatRange::Reversed(range) => float_bounds(range),
    }
}

fn int_bounds(range: &IntRange) -> (i32, i32) {
    match range {
        IntRange::Linear { min, max } => (*min, *max),
        IntRange::Reversed(range) => int_bounds(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pretends that version 1 saved the pitch in cents, and version 2 called it `shift`.
    const STEPS: [Step; 2] = [
        |params| {
            if let Some(ParamValue::F32(cents)) = params.get("shift") {
                let semitones = ParamValue::F32(cents / 100.0);
                params.insert("shift".to_owned(), semitones);
            }
        },
        |params| {
            if let Some(value) = params.remove("shift") {
                params.insert("pitch".to_owned(), value);
            }
        },
    ];

    #[test]
    fn old_states_take_every_step_from_their_version_on() {
        for (version, id, value, expected, newer) in [
            (1, "shift", 350.0, 3.5, None),
            (2, "shift", 3.5, 3.5, None),
            (3, "pitch", 3.5, 3.5, None),
            // Of a version that does not exist yet, what is known is taken as it is.
            (4, "pitch", 3.5, 3.5, Some(4)),
            (u32::MAX, "pitch", 3.5, 3.5, Some(u32::MAX)),
        ] {
            let mut state = PluginState {
                version: String::new(),
                params: [(id.to_owned(), ParamValue::F32(value))].into(),
                fields: [(VERSION_KEY.to_owned(), version.to_string())].into(),
            };
            let mended = check(&mut state, &STEPS).expect("a state of ours");
            let pitch = &state.params["pitch"];
            assert!(
                matches!(pitch, ParamValue::F32(v) if *v == expected),
                "{pitch:?}"
            );
            assert_eq!((mended.newer, mended.unknown), (newer, 0), "{version}");
        }
    }
}

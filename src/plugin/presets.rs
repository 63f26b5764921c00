//! Between presets and the plugin's parameters. Main and editor threads. Touches no parameter
//! itself: that is the host's, through the gestures of whoever applies a [`Change`].

use super::params::{AutoVoiceParams, ParamRef};
use super::voices::Rack;
use crate::preset::{Notice, PARAMETERS, Preset, Resolved, Value, Values};
use nice_plug::prelude::{BoolParam, FloatParam, IntParam, Param};

/// Finer than any parameter's step: what a product of steps has beyond it is rounding.
const STEPS_OF_ONE: f64 = 1e4;

/// Every parameter as it is set, in round numbers: 1.2, not the 1.1999999 that 120 steps make.
#[must_use]
pub fn capture(params: &AutoVoiceParams) -> Values {
    let mut values = params.set_values();
    for parameter in &PARAMETERS {
        if let Some(Value::Number(number)) = values.get(parameter.at) {
            let round = (f64::from(number) * STEPS_OF_ONE).round() / STEPS_OF_ONE;
            values.set(parameter.at, Value::Number(round as f32));
        }
    }
    values
}

/// Puts the voices of a preset into their slots while this one, 0..=4, is selected; what it sets
/// then. Reads small files.
pub fn take_in(preset: &Preset, rack: &Rack, selected: usize) -> Resolved {
    let missing = match preset.corners.iter().any(Option::is_some) {
        true => rack.take_corners(&preset.corners),
        false => Vec::new(),
    };
    let mut resolved = preset.resolve(&|voice| rack.take_in(voice, selected));
    for voice in missing {
        let notice = Notice::VoiceMissing(voice.name);
        // It may be the one selected, too.
        if !resolved.notices.contains(&notice) {
            resolved.notices.push(notice);
        }
    }
    resolved
}

/// A parameter and the plain value it is to get.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// A continuous one.
    Float(&'a FloatParam, f32),
    /// A stepped one.
    Int(&'a IntParam, i32),
    /// A switch.
    Bool(&'a BoolParam, bool),
}

/// What has to change for these values to be set; parameters that have them already, and those
/// without a value, are left out.
pub fn changes<'a>(
    params: &'a AutoVoiceParams,
    values: &Values,
) -> impl Iterator<Item = Change<'a>> {
    let wanted = *values;
    let known = params.all().into_iter().zip(&PARAMETERS);
    known
        .filter_map(move |((_, param), parameter)| change(param, wanted.get(parameter.at)?))
        .filter(|change| !change.is_done())
}

impl Change<'_> {
    /// Whether the parameter is there already, to the nearest step that it takes.
    fn is_done(&self) -> bool {
        match *self {
            Self::Float(param, value) => {
                let reached = param.preview_plain(param.preview_normalized(value));
                param.unmodulated_plain_value() == reached
            }
            Self::Int(param, value) => param.unmodulated_plain_value() == value,
            Self::Bool(param, value) => param.unmodulated_plain_value() == value,
        }
    }
}

/// `None` where the kinds differ, which a test excludes.
fn change(param: ParamRef<'_>, value: Value) -> Option<Change<'_>> {
    match (param, value) {
        (ParamRef::Float(param), Value::Number(number)) => Some(Change::Float(param, number)),
        (ParamRef::Bool(param), Value::Switch(on)) => Some(Change::Bool(param, on)),
        (ParamRef::Int(param), Value::Notes(mask)) => {
            Some(Change::Int(param, i32::from(mask.bits())))
        }
        (ParamRef::Int(param), Value::Choice(position)) => {
            Some(Change::Int(param, i32::try_from(position).ok()?))
        }
        _ => None,
    }
}

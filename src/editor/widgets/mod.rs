//! Widgets for parameters. GUI thread. A widget reads its parameter anew each frame and writes it
//! through the host's setter alone, between a begin and an end, so that hosts record it.

pub mod choice;
pub mod keys;
pub mod knob;
pub mod meter;
pub mod toggle;

use nice_plug::context::gui::ParamSetter;
use nice_plug::params::Param;

/// Sets a parameter in one gesture.
pub fn set_once<P: Param>(setter: &ParamSetter<'_>, param: &P, value: P::Plain) {
    setter.begin_set_parameter(param);
    setter.set_parameter(param, value);
    setter.end_set_parameter(param);
}

/// The value as shown, with its unit.
pub fn shown<P: Param>(param: &P) -> String {
    param.normalized_value_to_string(param.modulated_normalized_value(), true)
}

//! Values of parameters, each within its range. Fixed memory: reading and setting are real-time
//! safe.

use super::parameter::{COUNT, Id, Kind, PARAMETERS, Parameter, Scope};
use crate::pitch::ScaleMask;

/// A value in the parameter's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(f32),
    /// The position of a word, or a whole number.
    Choice(usize),
    /// A set of pitch classes.
    Notes(ScaleMask),
}

/// What became of a value that was to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It was set.
    Good,
    /// It was out of range; the end of the range was set.
    Clamped,
    /// It is no value of this parameter; nothing was set.
    Refused,
}

/// Which parameters are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Those of the sound that are not at their defaults.
    Sound,
    /// Those, and the whole setup.
    Everything,
}

/// A value for some of the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values([Option<Value>; COUNT]);

impl Default for Values {
    fn default() -> Self {
        Self([None; COUNT])
    }
}

impl Kind {
    /// The value a parameter starts with.
    #[must_use]
    pub fn default_value(&self) -> Value {
        match *self {
            Self::Switch { default } => Value::Switch(default),
            Self::Number { default, .. } => Value::Number(default),
            Self::Choice { default, .. } | Self::Count { default, .. } => Value::Choice(default),
            Self::Notes => Value::Notes(ScaleMask::CHROMATIC),
        }
    }

    /// The nearest value there is; `None` for one of another kind and for what is no number.
    #[must_use]
    pub fn nearest(&self, value: Value) -> Option<Value> {
        match (*self, value) {
            (Self::Switch { .. }, Value::Switch(_)) | (Self::Notes, Value::Notes(_)) => Some(value),
            (Self::Number { min, max, .. }, Value::Number(number)) => {
                (!number.is_nan()).then(|| Value::Number(number.clamp(min, max)))
            }
            (Self::Choice { words, .. }, Value::Choice(at)) => {
                Some(Value::Choice(at.min(words.len() - 1)))
            }
            (Self::Count { min, max, .. }, Value::Choice(count)) => {
                Some(Value::Choice(count.clamp(min, max)))
            }
            _ => None,
        }
    }
}

impl Values {
    /// Every parameter at its default.
    #[must_use]
    pub fn defaults() -> Self {
        Self(PARAMETERS.map(|parameter| Some(parameter.kind.default_value())))
    }

    /// Every parameter of the sound at its default.
    #[must_use]
    pub fn sound() -> Self {
        Self::defaults().only(|parameter, _| parameter.scope == Scope::Sound)
    }

    /// The value of a parameter, if it has one here.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<Value> {
        self.0[id as usize]
    }

    /// The value of a parameter, its default where it has none here.
    #[must_use]
    pub fn or_default(&self, id: Id) -> Value {
        let default = || id.parameter().kind.default_value();
        self.get(id).unwrap_or_else(default)
    }

    /// Sets a parameter to the nearest value it takes.
    pub fn set(&mut self, id: Id, value: Value) -> Fit {
        let Some(nearest) = id.parameter().kind.nearest(value) else {
            return Fit::Refused;
        };
        self.0[id as usize] = Some(nearest);
        match nearest == value {
            true => Fit::Good,
            false => Fit::Clamped,
        }
    }

    /// These values, and those of `base` where there are none.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].or(base.0[at])))
    }

    /// What of these values is saved.
    #[must_use]
    pub fn to_save(&self, extent: Extent) -> Self {
        self.only(|parameter, value| match parameter.scope {
            Scope::Sound => value != parameter.kind.default_value(),
            Scope::Setup => extent == Extent::Everything,
        })
    }

    /// Every parameter that has a value here.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Parameter, Value)> {
        let values = PARAMETERS.iter().zip(self.0);
        values.filter_map(|(parameter, value)| Some((parameter, value?)))
    }

    fn only(&self, keep: impl Fn(&Parameter, Value) -> bool) -> Self {
        let mut kept = Self::default();
        for (parameter, value) in self.iter() {
            if keep(parameter, value) {
                kept.0[parameter.at as usize] = Some(value);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_set_within_their_ranges() {
        let mask = ScaleMask::from_bits(5);
        for (id, value, fit, expected) in [
            (Id::Pitch, Value::Number(3.2), Fit::Good, Value::Number(3.2)),
            (
                Id::Pitch,
                Value::Number(99.0),
                Fit::Clamped,
                Value::Number(24.0),
            ),
            (
                Id::Pitch,
                Value::Number(f32::NEG_INFINITY),
                Fit::Clamped,
                Value::Number(-24.0),
            ),
            (
                Id::Pitch,
                Value::Number(f32::NAN),
                Fit::Refused,
                Value::Number(0.0),
            ),
            (
                Id::Pitch,
                Value::Choice(3),
                Fit::Refused,
                Value::Number(0.0),
            ),
            (
                Id::Speaker,
                Value::Choice(400),
                Fit::Clamped,
                Value::Choice(108),
            ),
            (
                Id::Threads,
                Value::Choice(0),
                Fit::Clamped,
                Value::Choice(1),
            ),
            (Id::Key, Value::Choice(11), Fit::Good, Value::Choice(11)),
            (Id::Key, Value::Choice(12), Fit::Clamped, Value::Choice(11)),
            (
                Id::Limiter,
                Value::Switch(true),
                Fit::Good,
                Value::Switch(true),
            ),
            (
                Id::CustomScale,
                Value::Notes(mask),
                Fit::Good,
                Value::Notes(mask),
            ),
            (
                Id::CustomScale,
                Value::Number(5.0),
                Fit::Refused,
                Value::Notes(ScaleMask::CHROMATIC),
            ),
        ] {
            let mut values = Values::default();
            assert_eq!(values.set(id, value), fit, "{id:?} {value:?}");
            assert_eq!(values.or_default(id), expected, "{id:?} {value:?}");
        }
    }

    #[test]
    fn what_is_saved_is_what_was_changed_and_the_setup_if_asked_for() {
        let mut values = Values::defaults();
        values.set(Id::Pitch, Value::Number(-12.0));
        values.set(Id::InputDb, Value::Number(6.0));
        let ids = |extent| -> Vec<&str> {
            let saved = values.to_save(extent);
            saved.iter().map(|(parameter, _)| parameter.id).collect()
        };
        assert_eq!(ids(Extent::Sound), ["pitch"]);
        let setup = [
            "bypass",
            "input_db",
            "gate_db",
            "pitch",
            "range",
            "tuning_hz",
            "midi_mode",
            "dropout_mode",
            "report_latency",
            "tracker",
            "quality",
            "threads",
        ];
        assert_eq!(ids(Extent::Everything), setup);
    }
}

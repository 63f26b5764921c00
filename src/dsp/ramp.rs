//! Linear ramps: how a level gets from one value to another without a click.

use crate::units::Frames;

/// A value that moves to its target in a fixed number of frames.
///
/// Real-time safe.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    value: f32,
    target: f32,
    step: f32,
    remaining: Frames,
    length: Frames,
}

impl Ramp {
    /// At rest on `value`; every later move takes `length` frames, at least 1.
    #[must_use]
    pub fn new(value: f32, length: Frames) -> Self {
        Self {
            value,
            target: value,
            step: 0.0,
            remaining: 0,
            length: length.max(1),
        }
    }

    /// Starts towards a target; a call with the current target changes nothing.
    pub fn set(&mut self, target: f32) {
        if target.to_bits() != self.target.to_bits() {
            self.target = target;
            self.step = (target - self.value) / self.length as f32;
            self.remaining = self.length;
        }
    }

    /// Takes a value at once.
    pub fn jump(&mut self, value: f32) {
        *self = Self::new(value, self.length);
    }

    /// The value for the next frame. It reaches the target exactly, without rounding.
    #[expect(
        clippy::should_implement_trait,
        reason = "an endless source of values needs no Option"
    )]
    pub fn next(&mut self) -> f32 {
        if self.remaining > 0 {
            self.remaining -= 1;
            self.value = match self.remaining {
                0 => self.target,
                _ => self.value + self.step,
            };
        }
        self.value
    }

    /// The value of the last frame.
    #[must_use]
    pub fn value(&self) -> f32 {
        self.value
    }

    /// Where it is going.
    #[must_use]
    pub fn target(&self) -> f32 {
        self.target
    }

    /// The value if it has come to rest, for a caller that has a cheaper way then.
    #[must_use]
    pub fn settled(&self) -> Option<f32> {
        (self.remaining == 0).then_some(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrives_exactly_and_rests() {
        let mut ramp = Ramp::new(0.0, 3);
        ramp.set(1.0);
        let values: Vec<f32> = (0..5).map(|_| ramp.next()).collect();
        assert!((values[0] - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(&values[2..], [1.0, 1.0, 1.0]);
        assert_eq!(ramp.settled(), Some(1.0));
    }

    #[test]
    fn a_new_target_on_the_way_starts_from_where_it_is() {
        let mut ramp = Ramp::new(0.0, 4);
        ramp.set(1.0);
        ramp.next();
        ramp.next();
        ramp.set(0.0);
        assert!(ramp.settled().is_none());
        let values: Vec<f32> = (0..4).map(|_| ramp.next()).collect();
        assert!(values.windows(2).all(|w| w[1] < w[0]), "{values:?}");
        assert_eq!(values[3], 0.0);
    }

    #[test]
    fn setting_the_same_target_again_does_not_restart() {
        let mut ramp = Ramp::new(0.0, 4);
        for _ in 0..4 {
            ramp.set(1.0);
            ramp.next();
        }
        assert_eq!(ramp.settled(), Some(1.0));
    }
}

//! A noise gate: silences what lies below a threshold.

use crate::units::{db_to_gain, ms_to_frames};

/// A gate with hysteresis and hold, one gain for all channels. Real-time safe.
///
/// It opens within 1 ms when the level passes the threshold, and closes over 80 ms once the level
/// has stayed 6 dB below it for 60 ms, so that word endings and breaths are not chopped.
#[derive(Clone, Debug)]
pub struct Gate {
    gain: f32,
    open: bool,
    quiet_frames: usize,
    hold_frames: usize,
    attack: f32,
    release: f32,
}

/// Thresholds at or below this are off.
pub const GATE_OFF_DB: f32 = -100.0;

/// How far below the threshold the level must fall before the gate thinks of closing.
const HYSTERESIS_DB: f32 = 6.0;

impl Gate {
    /// An open gate for a rate in Hz.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        let per_frame = |ms: f32| 1.0 / (ms * 1e-3 * rate_hz as f32).max(1.0);
        Self {
            gain: 1.0,
            open: true,
            quiet_frames: 0,
            hold_frames: ms_to_frames(60.0, rate_hz),
            attack: per_frame(1.0),
            release: per_frame(80.0),
        }
    }

    /// Open again, as new.
    pub fn reset(&mut self) {
        self.gain = 1.0;
        self.open = true;
        self.quiet_frames = 0;
    }

    /// Gates `channels`, slices of the same length, in place. With the threshold at
    /// [`GATE_OFF_DB`] and the gate fully open, samples are untouched.
    pub fn process(&mut self, channels: &mut [&mut [f32]], threshold_db: f32) {
        let off = threshold_db <= GATE_OFF_DB;
        if off && self.gain >= 1.0 {
            return self.reset();
        }
        let (upper, lower) = (
            db_to_gain(threshold_db),
            db_to_gain(threshold_db - HYSTERESIS_DB),
        );
        let frames = channels.first().map_or(0, |channel| channel.len());
        for i in 0..frames {
            let level = channels.iter().fold(0f32, |max, c| max.max(c[i].abs()));
            self.follow(off, level, upper, lower);
            for channel in channels.iter_mut() {
                channel[i] *= self.gain;
            }
        }
    }

    fn follow(&mut self, off: bool, level: f32, upper: f32, lower: f32) {
        if off || level >= upper {
            self.open = true;
        }
        if level >= lower {
            self.quiet_frames = 0;
        } else {
            self.quiet_frames = self.quiet_frames.saturating_add(1);
            if !off && self.quiet_frames > self.hold_frames {
                self.open = false;
            }
        }
        self.gain = match self.open {
            true => (self.gain + self.attack).min(1.0),
            false => (self.gain - self.release).max(0.0),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(gate: &mut Gate, level: f32, frames: usize, threshold_db: f32) -> f32 {
        let mut x = vec![level; frames];
        gate.process(&mut [&mut x], threshold_db);
        x[frames - 1]
    }

    #[test]
    fn off_is_untouched() {
        let mut gate = Gate::new(48_000);
        assert_eq!(run(&mut gate, 1e-6, 48_000, GATE_OFF_DB), 1e-6);
    }

    #[test]
    fn closes_on_quiet_after_the_hold_and_opens_on_loud() {
        let mut gate = Gate::new(48_000);
        assert_eq!(run(&mut gate, 0.001, 48 * 50, -40.0), 0.001, "held");
        assert_eq!(run(&mut gate, 0.001, 48 * 100, -40.0), 0.0, "closed");
        assert_eq!(run(&mut gate, 0.008, 48, -40.0), 0.0, "below the threshold");
        assert_eq!(run(&mut gate, 0.5, 50, -40.0), 0.5, "open after 1 ms");
    }

    #[test]
    fn switching_off_opens() {
        let mut gate = Gate::new(48_000);
        run(&mut gate, 0.0, 48_000, -20.0);
        assert_eq!(run(&mut gate, 0.01, 100, GATE_OFF_DB), 0.01);
    }
}

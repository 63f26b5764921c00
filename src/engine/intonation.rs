//! How a singer intones, as the engines of voices hear it at 16 kHz: the pitch that is sung, and what
//! it is to become. Inference thread; real-time safe after construction.

use autovoice_kernels::cpu::dot;

use super::{Controls, Observation};
use crate::dsp::history::History;
use crate::pitch::track::refine::Refine;
use crate::pitch::{PitchControl, PitchFrame, PitchTracker, TargetFrame};

/// The rate of the sound that is heard, in Hz.
const RATE_HZ: u32 = 16_000;
/// Samples that the pitch of an instant may be measured before it: half as many as from one
/// measurement to the next, and more than a stream begins with before the first.
pub(super) const NEAR: f64 = 16.0;
/// Samples over which loudness is measured, 20 ms.
const LOUDNESS: usize = 320;

/// See the module.
pub(super) struct Intonation {
    tracker: Refine,
    control: PitchControl,
    wave: History,
    observation: Observation,
}

impl Intonation {
    /// Of a stream that begins. Allocates.
    pub fn new() -> Self {
        Self {
            tracker: Refine::neural(RATE_HZ),
            control: PitchControl::new(RATE_HZ),
            wave: History::new(RATE_HZ as usize),
            observation: Observation::default(),
        }
    }

    /// What was heard last.
    pub fn observation(&self) -> Observation {
        self.observation
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.tracker.reset();
        self.control.reset();
        self.wave.reset();
        self.observation = Observation::default();
    }

    /// Takes a sample; every 2 ms gives what was sung 20 ms ago. `voiced` decides on what the tracker
    /// says, with the mean square around it.
    pub fn push(
        &mut self,
        sample: f32,
        controls: &Controls,
        voiced: impl FnOnce(&PitchFrame, f32) -> bool,
    ) -> Option<TargetFrame> {
        self.wave.push(sample);
        let mut frame = self.tracker.push(sample)?;
        let newest = self.wave.written() - LOUDNESS as i64;
        let around = (frame.at as i64 - LOUDNESS as i64 / 2).min(newest);
        let around = self.wave.range(around, LOUDNESS);
        let mean_square = dot(around, around) / LOUDNESS as f32;
        frame.voiced = voiced(&frame, mean_square);
        let target = self.control.update(&frame, mean_square, &controls.pitch());
        self.observation = Observation::of(&target, &self.control);
        Some(target)
    }
}

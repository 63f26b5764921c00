//! What is sung, frame by frame, and what its pitch should become. Inference thread; real-time safe after
//! construction.

use super::reach::PER_CONTENT;
use crate::engine::intonation::{Intonation, NEAR};
use crate::engine::{Controls, Observation};
use crate::model::content::HOP;
use crate::pitch::{PitchFrame, TargetFrame};
use crate::units::Frames;

/// Samples of 16 kHz from one frame of a voice to the next.
const STEP: usize = HOP / PER_CONTENT;

/// The pitch of the frames in the text encoder's window.
pub(super) struct Heard {
    intonation: Intonation,
    /// Of the first `known` frames of the window.
    targets: Vec<TargetFrame>,
    known: usize,
    /// Number of the window's first frame, counted from the beginning.
    first: i64,
    past: Frames,
}

impl Heard {
    /// A window of frames, of which the first `past` are behind those to decide on.
    pub fn new(window: Frames, past: Frames) -> Self {
        Self {
            intonation: Intonation::new(),
            targets: vec![TargetFrame::default(); window],
            known: past,
            first: -(past as i64),
            past,
        }
    }

    pub fn observation(&self) -> Observation {
        self.intonation.observation()
    }

    pub fn reset(&mut self) {
        self.intonation.reset();
        self.targets.fill(TargetFrame::default());
        self.known = self.past;
        self.first = -(self.past as i64);
    }

    pub fn push(&mut self, sample: f32, controls: &Controls) {
        let voiced = |frame: &PitchFrame, _| frame.voiced;
        let Some(target) = self.intonation.push(sample, controls, voiced) else {
            return;
        };
        // A tracker may be faster than the frames of a voice, never slower.
        while self.known < self.targets.len() {
            let instant = (self.first + self.known as i64) * STEP as i64;
            if target.at + NEAR <= instant as f64 {
                break;
            }
            self.targets[self.known] = target;
            self.known += 1;
        }
    }

    /// In Hz, of every frame of the window, 0 where unvoiced; `hold` keeps the last pitch there.
    /// What the tracker has not come to is guessed to be like the last it has.
    pub fn pitch(&self, hold: bool) -> impl Iterator<Item = f32> {
        let last = self.known.saturating_sub(1);
        (0..self.targets.len()).map(move |n| {
            let target = &self.targets[n.min(last)];
            match target.voiced || hold {
                true => target.target_hz,
                false => 0.0,
            }
        })
    }

    pub fn advance(&mut self, frames: Frames) {
        self.targets.copy_within(frames.., 0);
        self.known = self.known.saturating_sub(frames);
        self.first += frames as i64;
    }
}

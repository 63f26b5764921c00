//! The pitch of each frame of 10 ms and on the way to it: tracked, and what it is to become. Inference
//! thread; real-time safe after construction.

use crate::engine::intonation::{Intonation, NEAR};
use crate::engine::{Controls, Observation};
use crate::model::ddsp::features::HOP;
use crate::model::ddsp::synthesis::STEPS;
use crate::pitch::{PitchFrame, TargetFrame};
use crate::units::Frames;

use super::voicing::Voicing;

/// Samples that a tracker is given before the first: trackers need the one after what they look
/// ahead to, and would be a hop late without it.
const LEAD: usize = 1;

/// Samples from one step on the way to a frame to the next: 2 ms.
const STEP: usize = HOP / STEPS;

/// Follows the pitch of a stream at 16 kHz.
pub(super) struct Follow {
    intonation: Intonation,
    voicing: Voicing,
    /// At each step on the way to the frames that are not taken yet, as far as they are known.
    targets: Vec<TargetFrame>,
    known: Frames,
    /// Number of the next frame that is taken.
    next: i64,
    last: TargetFrame,
}

impl Follow {
    /// Of which frames are taken `delay` hops after the one that they belong to came. Allocates.
    pub fn new(delay: Frames) -> Self {
        let mut made = Self {
            intonation: Intonation::new(),
            voicing: Voicing::default(),
            targets: vec![TargetFrame::default(); (delay + 1) * STEPS],
            known: 0,
            next: 0,
            last: TargetFrame::default(),
        };
        made.reset();
        made
    }

    pub fn observation(&self) -> Observation {
        self.intonation.observation()
    }

    pub fn reset(&mut self) {
        self.intonation.reset();
        self.voicing.reset();
        self.known = 0;
        self.next = 0;
        self.last = TargetFrame::default();
        self.push(&[0.0; LEAD], &Controls::default(), 0.0);
    }

    /// Takes the next samples of a singer who has lately been at a level, in dB of full scale.
    pub fn push(&mut self, wave: &[f32], controls: &Controls, singer_db: f32) {
        for sample in wave {
            let voicing = &mut self.voicing;
            let voiced = |frame: &PitchFrame, mean_square: f32| {
                voicing.decide(frame, mean_square, singer_db)
            };
            if let Some(target) = self.intonation.push(*sample, controls, voiced) {
                self.know(target);
            }
        }
    }

    fn know(&mut self, target: TargetFrame) {
        self.last = target;
        // A tracker may be faster than steps are: each takes the first that is not before it.
        let at = target.at - LEAD as f64;
        let first = (self.next * STEPS as i64 - STEPS as i64 + 1) * STEP as i64;
        while self.known < self.targets.len() {
            let instant = first + (self.known * STEP) as i64;
            if at + NEAR <= instant as f64 {
                break;
            }
            self.targets[self.known] = target;
            self.known += 1;
        }
    }

    /// The pitch in Hz that is to be at each step on the way to the next frame, the last its own, 0
    /// where unvoiced. What the tracker has not come to is guessed to be like the last it has.
    pub fn take(&mut self) -> [f32; STEPS] {
        let taken = std::array::from_fn(|step| match step < self.known {
            true => self.targets[step],
            false => self.last,
        });
        self.targets.rotate_left(STEPS);
        self.known = self.known.saturating_sub(STEPS);
        self.next += 1;
        let pitch = |target: TargetFrame| if target.voiced { target.target_hz } else { 0.0 };
        taken.map(pitch)
    }
}

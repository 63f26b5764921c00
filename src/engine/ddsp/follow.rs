//! The pitch of each frame of 10 ms and on the way to it: tracked, and what it is to become. Inference
//! thread; real-time safe after construction.

use autovoice_kernels::cpu::dot;

use crate::dsp::history::History;
use crate::engine::{Controls, Observation};
use crate::model::ddsp::features::{HOP, RATE_HZ};
use crate::model::ddsp::synthesis::STEPS;
use crate::pitch::track::refine::Refine;
use crate::pitch::{PitchControl, PitchTracker, TargetFrame};
use crate::units::{Frames, midi_to_hz};

use super::voicing::Voicing;

/// Samples over which loudness is measured, 20 ms.
const LOUDNESS: usize = 320;

/// Samples that a tracker is given before the first: trackers need the one after what they look
/// ahead to, and would be a hop late without it.
const LEAD: usize = 1;

/// Samples from one step on the way to a frame to the next: 2 ms.
const STEP: usize = HOP / STEPS;

/// Samples that the pitch of a step may be measured before its instant: less than trackers' steps,
/// and more than the lead.
const NEAR: f64 = 16.0;

/// Follows the pitch of a stream at 16 kHz.
pub(super) struct Follow {
    tracker: Refine,
    voicing: Voicing,
    control: PitchControl,
    wave: History,
    /// At each step on the way to the frames that are not taken yet, as far as they are known.
    targets: Vec<TargetFrame>,
    known: Frames,
    /// Number of the next frame that is taken.
    next: i64,
    last: TargetFrame,
    observation: Observation,
}

impl Follow {
    /// Of which frames are taken `delay` hops after the one that they belong to came. Allocates.
    pub fn new(delay: Frames) -> Self {
        let mut made = Self {
            tracker: Refine::neural(RATE_HZ),
            voicing: Voicing::default(),
            control: PitchControl::new(RATE_HZ),
            wave: History::new(RATE_HZ as usize),
            targets: vec![TargetFrame::default(); (delay + 1) * STEPS],
            known: 0,
            next: 0,
            last: TargetFrame::default(),
            observation: Observation::default(),
        };
        made.reset();
        made
    }

    pub fn observation(&self) -> Observation {
        self.observation
    }

    pub fn reset(&mut self) {
        self.tracker.reset();
        self.voicing.reset();
        self.control.reset();
        self.wave.reset();
        self.known = 0;
        self.next = 0;
        self.last = TargetFrame::default();
        self.observation = Observation::default();
        self.push(&[0.0; LEAD], &Controls::default(), 0.0);
    }

    /// Takes the next samples of a singer who has lately been at a level, in dB of full scale.
    pub fn push(&mut self, wave: &[f32], controls: &Controls, singer_db: f32) {
        for sample in wave {
            self.wave.push(*sample);
            if let Some(mut frame) = self.tracker.push(*sample) {
                let newest = self.wave.written() - LOUDNESS as i64;
                let around = (frame.at as i64 - LOUDNESS as i64 / 2).min(newest);
                let around = self.wave.range(around, LOUDNESS);
                let mean_square = dot(around, around) / LOUDNESS as f32;
                frame.voiced = self.voicing.decide(&frame, mean_square, singer_db);
                let target = self.control.update(&frame, mean_square, &controls.pitch());
                self.know(target);
            }
        }
    }

    fn know(&mut self, target: TargetFrame) {
        let voice = |hz: f32| if target.voiced { hz } else { 0.0 };
        let note = self.control.notes().current();
        self.observation = Observation {
            sung_hz: voice(target.sung_hz),
            target_hz: voice(target.target_hz),
            note_hz: note.map_or(0.0, |note| midi_to_hz(note.pitch, 440.0)),
            voicing: target.confidence,
        };
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

//! What is sung, frame by frame, and what its pitch should become. Inference thread; real-time safe after
//! construction.

use autovoice_kernels::cpu::dot;

use super::reach::PER_CONTENT;
use crate::dsp::history::History;
use crate::engine::{Controls, Observation};
use crate::model::content::{HOP, RATE_HZ};
use crate::pitch::track::refine::Refine;
use crate::pitch::{PitchControl, PitchTracker, TargetFrame};
use crate::units::{Frames, midi_to_hz};

/// Samples of 16 kHz from one frame of a voice to the next.
const STEP: usize = HOP / PER_CONTENT;
/// Samples that the pitch of a frame may be measured before its instant: less than trackers' steps.
const NEAR: f64 = 16.0;
/// Samples of 16 kHz over which loudness is measured, 20 ms.
const LOUDNESS: usize = 320;

/// The pitch of the frames in the text encoder's window.
pub(super) struct Heard {
    tracker: Refine,
    control: PitchControl,
    wave: History,
    /// Of the first `known` frames of the window.
    targets: Vec<TargetFrame>,
    known: usize,
    /// Number of the window's first frame, counted from the beginning.
    first: i64,
    past: Frames,
    pub observation: Observation,
}

impl Heard {
    /// A window of frames, of which the first `past` are behind those to decide on.
    pub fn new(window: Frames, past: Frames) -> Self {
        Self {
            tracker: Refine::neural(RATE_HZ),
            control: PitchControl::new(RATE_HZ),
            wave: History::new(RATE_HZ as usize),
            targets: vec![TargetFrame::default(); window],
            known: past,
            first: -(past as i64),
            past,
            observation: Observation::default(),
        }
    }

    pub fn reset(&mut self) {
        self.tracker.reset();
        self.control.reset();
        self.wave.reset();
        self.targets.fill(TargetFrame::default());
        self.known = self.past;
        self.first = -(self.past as i64);
        self.observation = Observation::default();
    }

    pub fn push(&mut self, sample: f32, controls: &Controls) {
        self.wave.push(sample);
        let Some(frame) = self.tracker.push(sample) else {
            return;
        };
        let newest = self.wave.written() - LOUDNESS as i64;
        let around = (frame.at as i64 - LOUDNESS as i64 / 2).min(newest);
        let around = self.wave.range(around, LOUDNESS);
        let mean_square = dot(around, around) / LOUDNESS as f32;
        let target = self.control.update(&frame, mean_square, &controls.pitch());
        let voice = |hz: f32| if frame.voiced { hz } else { 0.0 };
        let note = self.control.notes().current();
        self.observation = Observation {
            sung_hz: voice(target.sung_hz),
            target_hz: voice(target.target_hz),
            note_hz: note.map_or(0.0, |note| midi_to_hz(note.pitch, 440.0)),
            voicing: frame.confidence,
        };
        // A tracker may be faster than the frames of a voice, never slower.
        while self.known < self.targets.len() {
            let instant = (self.first + self.known as i64) * STEP as i64;
            if frame.at + NEAR <= instant as f64 {
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

//! `shift`: pitch and formant shifting of one voice in the time domain. Runs on the audio thread:
//! [`ShiftEngine::step`] never allocates, locks, blocks or panics.
//!
//! Pitch-synchronous overlap-add (Moulines and Charpentier, 1990). The tracker finds the period,
//! [`marks`] fixes one point per period of the waveform, [`plan`] lays grains of two periods
//! around those points out at the wanted distance, and [`crate::dsp::psola`] sounds them. A grain
//! is read while it sounds, so it may begin before its end has come in; this is what keeps the
//! delay at one and a half periods. Where no voice is heard, the delayed input is put out.

mod choose;
mod marks;
mod plan;
mod track;

use autovoice_kernels::cpu::dot;

use super::{Controls, Engine, EngineError, EngineSpec, MAX_CHANNELS, Observation};
use crate::dsp::history::History;
use crate::dsp::psola::GrainBank;
use crate::pitch::track::refine::Refine;
use crate::pitch::track::yin::Yin;
use crate::pitch::{PitchControl, PitchFrame, PitchTracker, VoiceRange};
use crate::units::Frames;
use marks::Marks;
use plan::{Plan, Shift};
use track::Track;

/// Grains at a time: formants an octave down over a pitch three octaves up.
const MOST_GRAINS: usize = 48;

/// Frames between two looks at the plan, as a share of a second.
const PLANS_PER_S: u32 = 3_000;

/// Seconds that the loudness of an instant is taken over.
const LOUDNESS_S: f64 = 0.008;

/// The longest block that is put out at once.
const MAX_CHUNK: usize = 64;

/// The engine. See [`ShiftEngine::new`].
pub struct ShiftEngine {
    spec: EngineSpec,
    inputs: Vec<History>,
    tracker: Box<dyn PitchTracker>,
    control: PitchControl,
    track: Track,
    marks: Marks,
    plan: Plan,
    grains: GrainBank,
    /// Frames that loudness is taken over.
    loudness_frames: usize,
    /// Frames between two looks at the plan, and until the next.
    tick: usize,
    until_tick: usize,
    observation: Observation,
}

impl ShiftEngine {
    /// Lowest and highest supported rate in Hz.
    pub const RATES_HZ: (u32, u32) = (8_000, 192_000);

    /// The delay for a rate and range: one and a half periods of the lowest pitch and 1 ms.
    #[must_use]
    pub fn delay(rate_hz: u32, range: VoiceRange) -> Frames {
        let seconds = 1.5 / f64::from(range.lowest_hz()) + 0.001;
        (seconds * f64::from(rate_hz)).floor() as Frames
    }

    /// An engine for this rate, channel count and voice range, with the tracker `yin`. Its delay
    /// is [`Self::delay`]. Allocates.
    ///
    /// # Errors
    /// [`EngineError::Rate`] outside [`Self::RATES_HZ`], [`EngineError::Channels`] outside 1..=2.
    pub fn new(rate_hz: u32, channels: usize, range: VoiceRange) -> Result<Self, EngineError> {
        let lookahead = Self::delay(rate_hz, range);
        Self::build(rate_hz, channels, range, lookahead, |lowest_hz| {
            Box::new(Yin::new(rate_hz, lowest_hz))
        })
    }

    /// An engine that takes octave and voicing from a tracker of this rate, and waits for it: its
    /// delay is [`Self::delay`], or the tracker's lookahead and half the longest period where
    /// that is more. It is real-time safe if the tracker is. Allocates.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_tracker(
        rate_hz: u32,
        channels: usize,
        range: VoiceRange,
        tracker: Box<dyn PitchTracker>,
    ) -> Result<Self, EngineError> {
        let half_period = (0.5 * f64::from(rate_hz) / f64::from(range.lowest_hz())).ceil();
        let waiting = tracker.lookahead() + half_period as Frames;
        let lookahead = Self::delay(rate_hz, range).max(waiting);
        Self::build(rate_hz, channels, range, lookahead, |lowest_hz| {
            Box::new(Refine::new(rate_hz, lowest_hz, tracker))
        })
    }

    fn build(
        rate_hz: u32,
        channels: usize,
        range: VoiceRange,
        lookahead: Frames,
        tracker: impl FnOnce(f32) -> Box<dyn PitchTracker>,
    ) -> Result<Self, EngineError> {
        let (lowest, highest) = Self::RATES_HZ;
        if !(lowest..=highest).contains(&rate_hz) {
            return Err(EngineError::Rate {
                engine: "shift",
                lowest,
                highest,
                got: rate_hz,
            });
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(EngineError::Channels {
                engine: "shift",
                got: channels,
            });
        }
        let longest = f64::from(rate_hz) / f64::from(range.lowest_hz());
        let tick = (rate_hz / PLANS_PER_S).max(1) as usize;
        let kept = lookahead + (6.0 * longest).ceil() as usize + 4 * GrainBank::MARGIN + MAX_CHUNK;
        let lead = lookahead.saturating_sub(GrainBank::MARGIN) as f64 - 1.0;
        Ok(Self {
            spec: EngineSpec {
                name: "shift",
                rate_hz,
                channels,
                hop: 1,
                lookahead,
                budget: 1,
                realtime_safe: true,
            },
            inputs: vec![History::new(kept); channels],
            tracker: tracker(range.lowest_hz()),
            control: PitchControl::new(rate_hz),
            track: Track::new(rate_hz, longest),
            marks: Marks::new(rate_hz, longest, lookahead),
            plan: Plan::new(lead),
            grains: GrainBank::new(MOST_GRAINS),
            loudness_frames: (LOUDNESS_S * f64::from(rate_hz)).ceil() as usize,
            tick,
            until_tick: 0,
            observation: Observation::default(),
        })
    }

    /// Takes up to one tick's frames in.
    fn listen(&mut self, input: &[&[f32]], from: usize, frames: usize, controls: &Controls) {
        for i in from..from + frames {
            let mut sum = 0.0;
            for (history, channel) in self.inputs.iter_mut().zip(input) {
                let x = if channel[i].is_finite() {
                    channel[i]
                } else {
                    0.0
                };
                history.push(x);
                sum += x;
            }
            let middle = sum / self.spec.channels as f32;
            self.marks.push(middle);
            if let Some(frame) = self.tracker.push(middle) {
                self.hear(&frame, controls);
            }
        }
    }

    /// Takes in what the tracker heard.
    fn hear(&mut self, frame: &PitchFrame, controls: &Controls) {
        let mean_square = self.mean_square(frame.at);
        let target = self.control.update(frame, mean_square, &controls.pitch());
        let sung = PitchFrame {
            f0_hz: target.sung_hz,
            ..*frame
        };
        self.track.push(&sung, target.correction);
        self.observation = Observation::of(&target, &self.control);
    }

    /// Mean square of the input around one of its frames.
    fn mean_square(&self, frame: f64) -> f32 {
        let length = self.loudness_frames;
        let newest = self.inputs[0].written() - length as i64;
        let start = (frame as i64 - length as i64 / 2).min(newest);
        let squares = self.inputs.iter().map(|history| {
            let around = history.range(start, length);
            dot(around, around)
        });
        squares.sum::<f32>() / (length * self.spec.channels) as f32
    }

    /// Looks at the plan: grains that begin before the next look.
    fn plan(&mut self, from: i64, controls: &Controls) {
        let formant = match controls.formant_semitones {
            semitones if semitones.is_nan() => 0.0,
            semitones => semitones.clamp(-12.0, 12.0),
        };
        let pitch = controls.pitch();
        let shift = Shift {
            semitones: pitch.transposition(),
            formant: (f64::from(formant) / 12.0).exp2(),
            neutral: formant == 0.0 && pitch.is_neutral(),
        };
        self.marks.extend(&self.track);
        let Self {
            plan,
            track,
            marks,
            grains,
            ..
        } = self;
        let span = (from as f64, (from + self.tick as i64) as f64);
        plan.advance(span, track, marks, &shift, &mut |grain| grains.start(grain));
    }

    /// Puts out frames whose input has been taken in.
    fn sound(&mut self, from: i64, output: &mut [&mut [f32]]) {
        for (history, channel) in self.inputs.iter().zip(output.iter_mut()) {
            let dry = history.range(from, channel.len());
            channel.copy_from_slice(dry);
            if self.plan.is_dry(from as f64) {
                continue;
            }
            for (i, y) in channel.iter_mut().enumerate() {
                *y *= self.plan.dry_level((from + i as i64) as f64);
            }
        }
        if !self.grains.is_empty() {
            self.grains.render(&self.inputs, from, output);
        }
    }
}

impl Engine for ShiftEngine {
    fn spec(&self) -> EngineSpec {
        self.spec
    }

    fn reset(&mut self) {
        self.inputs.iter_mut().for_each(History::reset);
        self.tracker.reset();
        self.control.reset();
        self.track.reset();
        self.marks.reset();
        self.plan.reset();
        self.grains.reset();
        self.until_tick = 0;
        self.observation = Observation::default();
    }

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        controls: &Controls,
    ) -> Result<(), EngineError> {
        let channels = self.spec.channels;
        let frames = input.first().map_or(0, |channel| channel.len());
        let mut done = 0;
        while done < frames {
            let from = self.inputs[0].written() - self.spec.lookahead as i64;
            if self.until_tick == 0 {
                self.plan(from, controls);
                self.until_tick = self.tick;
            }
            let count = self.until_tick.min(frames - done).min(MAX_CHUNK);
            self.listen(&input[..channels], done, count, controls);
            let mut out = output.iter_mut().map(|c| &mut c[done..done + count]);
            match (out.next(), out.next()) {
                (Some(left), Some(right)) => self.sound(from, &mut [left, right]),
                (Some(only), None) => self.sound(from, &mut [only]),
                _ => {}
            }
            self.until_tick -= count;
            done += count;
        }
        Ok(())
    }

    fn observe(&self) -> Observation {
        self.observation
    }
}

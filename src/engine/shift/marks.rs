//! Pitch marks: one per period of a voice, always at the same point of the waveform, so that
//! grains cut around them fit each other. Audio thread: never allocates after construction.

use super::track::Track;
use crate::dsp::decimate::Decimator;
use crate::dsp::history::History;

/// Marks kept.
const KEPT: usize = 32;

/// The shortest stretch two neighbouring periods are compared over, in seconds.
const SHORTEST_MATCH_S: f64 = 0.004;

/// How far a period may differ from the followed one, as a ratio.
const REACH: f64 = 0.06;

/// Share of a period by which marks may drift towards the energy of the period each time. More
/// would be heard as a change of pitch.
const DRIFT: f64 = 0.002;

/// The marks of one voice.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    decimator: Decimator,
    signal: History,
    factor: f64,
    shortest_match: f64,
    /// Newest first, in input frames.
    marks: [f64; KEPT],
    count: usize,
    /// Whether the newest mark belongs to a voice that goes on.
    open: bool,
}

impl Marks {
    /// Marks for voices down to `longest_period` input frames. Allocates.
    pub(super) fn new(rate_hz: u32, longest_period: f64) -> Self {
        let factor = (rate_hz / 22_050).max(1) as usize;
        let frames = 6.0 * longest_period / factor as f64 + 64.0;
        Self {
            decimator: Decimator::new(factor),
            signal: History::new(frames.ceil() as usize),
            factor: factor as f64,
            shortest_match: SHORTEST_MATCH_S * f64::from(rate_hz) / factor as f64,
            marks: [0.0; KEPT],
            count: 0,
            open: false,
        }
    }

    pub(super) fn reset(&mut self) {
        self.decimator.reset();
        self.signal.reset();
        self.marks = [0.0; KEPT];
        self.count = 0;
        self.open = false;
    }

    /// Takes one input frame.
    pub(super) fn push(&mut self, sample: f32) {
        if let Some(kept) = self.decimator.push(sample) {
            self.signal.push(kept);
        }
    }

    /// Sets marks as far as the signal goes.
    pub(super) fn extend(&mut self, track: &Track) {
        if !self.open && !self.begin(track) {
            return;
        }
        while let Some(pitch) = track.at(self.marks[0]) {
            let period = pitch.period;
            let length = (1.2 * period / self.factor).max(self.shortest_match);
            let needed = self.marks[0] + (1.0 + REACH) * period + 0.5 * length * self.factor;
            if needed + 2.0 * self.factor > self.newest() {
                return;
            }
            let next = self.marks[0] + self.matching_lag(self.marks[0], period, length);
            let drift =
                (self.energy_offset(next, period) / 8.0).clamp(-DRIFT * period, DRIFT * period);
            self.put(next + drift);
        }
        self.open = false;
    }

    /// The mark nearest to an input frame, on the lattice of `period` where no mark is set.
    pub(super) fn nearest(&self, frame: f64, period: f64) -> Option<f64> {
        let nearest = self.marks[..self.count]
            .iter()
            .copied()
            .min_by(|a, b| (a - frame).abs().total_cmp(&(b - frame).abs()))?;
        Some(nearest + ((frame - nearest) / period).round() * period)
    }

    /// Input frame of the newest frame of the signal.
    fn newest(&self) -> f64 {
        (self.signal.written() - 1) as f64 * self.factor - self.decimator.delay() as f64
    }

    fn put(&mut self, mark: f64) {
        self.marks.rotate_right(1);
        self.marks[0] = mark;
        self.count = (self.count + 1).min(KEPT);
    }

    /// Sets the first mark of a voice, if one begins.
    fn begin(&mut self, track: &Track) -> bool {
        let Some((at, pitch)) =
            track.voice_after(self.marks[0].max(self.newest() - 3.0 * track.longest()))
        else {
            return false;
        };
        let around = at.min(self.newest() - pitch.period - 2.0 * self.factor);
        let offset = self.energy_offset(around, pitch.period);
        let mark = around + offset;
        self.put(mark);
        self.open = true;
        true
    }

    /// Frame of the decimated signal at an input frame.
    fn local(&self, frame: f64) -> f64 {
        (frame + self.decimator.delay() as f64) / self.factor
    }

    /// The lag near `period` at which the signal after a mark is most like that before it.
    fn matching_lag(&self, mark: f64, period: f64, length: f64) -> f64 {
        let guess = period / self.factor;
        let reach = (REACH * guess).ceil().max(2.0) as i64;
        let middle = guess.round() as i64;
        let length = length as usize;
        let start = (self.local(mark) - 0.5 * length as f64).round() as i64;
        let own = self.signal.range(start, length);
        let score = |lag: i64| {
            let other = self.signal.range(start + lag, length);
            let (mut cross, mut energy) = (0.0f32, 1e-12f32);
            for (a, b) in own.iter().zip(other) {
                cross += a * b;
                energy += b * b;
            }
            cross / energy.sqrt()
        };
        let (mut best, mut best_score) = (middle, f32::NEG_INFINITY);
        for lag in middle - reach..=middle + reach {
            let found = score(lag);
            if found > best_score {
                (best, best_score) = (lag, found);
            }
        }
        let (before, after) = (score(best - 1), score(best + 1));
        let bend = before - 2.0 * best_score + after;
        if before > best_score || after > best_score || bend > -1e-12 {
            return period;
        }
        let offset = (0.5 * (before - after) / bend).clamp(-0.5, 0.5);
        (best as f64 + f64::from(offset)) * self.factor
    }

    /// From a frame to the nearest centre of the energy of a period, in input frames: the phase
    /// of the fundamental of the squared signal.
    fn energy_offset(&self, frame: f64, period: f64) -> f64 {
        let period = period / self.factor;
        let centre = self.local(frame);
        let first = (centre - period).ceil() as i64;
        let length = (2.0 * period) as usize;
        let (mut re, mut im) = (0.0f32, 0.0f32);
        for (i, x) in self.signal.range(first, length).iter().enumerate() {
            let turns = ((first + i as i64) as f64 - centre) / period;
            let angle = std::f32::consts::TAU * turns as f32;
            let (sin, cos) = angle.sin_cos();
            let weight = x * x * (1.0 + (0.5 * angle).cos());
            re += weight * cos;
            im += weight * sin;
        }
        if re == 0.0 && im == 0.0 {
            return 0.0;
        }
        f64::from(im.atan2(re)) / std::f64::consts::TAU * period * self.factor
    }
}

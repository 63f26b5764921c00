//! Pitch marks: one per period of a voice, always at the same point of the waveform, so that
//! grains cut around them fit each other. Audio thread: never allocates after construction.

use autovoice_kernels::cpu::dot;

use super::track::Track;
use crate::dsp::decimate::Decimator;
use crate::dsp::history::History;
use crate::units::Frames;

/// Marks kept.
const KEPT: usize = 96;

/// The shortest stretch two neighbouring periods are compared over, in seconds.
const SHORTEST_MATCH_S: f64 = 0.004;

/// How far a period may differ from the followed one, as a ratio.
const REACH: f64 = 0.06;

/// Share of the way to the centre of energy that a mark's offset goes per period.
const OFFSET_SHARE: f64 = 0.15;

/// Offset in periods beyond which the energy of the neighbouring period is taken. More than half
/// a period, so that it does not go to and fro.
const FAR: f64 = 0.6;

/// Neighbours on either side that a grain overlaps with, at most, plus one.
const MOST_OVERLAPS: u32 = 17;

/// Power of a stationary noise against that of a Hann-windowed grain of two periods of it, per
/// period: the grains of an evenly filled spectrum sound as loud as the source.
const EVEN: f64 = 4.0 / 3.0;

/// One point of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Mark {
    /// The input frame; the same point of the waveform in every period.
    pub at: f64,
    /// From there to the centre of the period's energy, where a grain is best cut.
    pub energy: f64,
}

/// The marks of one voice.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    decimator: Decimator,
    signal: History,
    factor: f64,
    shortest_match: f64,
    /// Input frames from the newest one to the earliest at which a voice may begin.
    reach: f64,
    /// Newest first, in input frames.
    marks: [Mark; KEPT],
    count: usize,
    /// Whether the newest mark belongs to a voice that goes on.
    open: bool,
    /// The newest complete grain, windowed.
    grain: Vec<f32>,
    grain_frames: usize,
}

impl Marks {
    /// Marks for voices down to `longest_period` input frames that are told `lookahead` frames
    /// late at most. Allocates.
    pub(super) fn new(rate_hz: u32, longest_period: f64, lookahead: Frames) -> Self {
        let factor = (rate_hz / 22_050).max(1) as usize;
        let reach = (3.0 * longest_period).max(lookahead as f64);
        let frames = (reach + 3.0 * longest_period) / factor as f64 + 64.0;
        Self {
            decimator: Decimator::new(factor),
            signal: History::new(frames.ceil() as usize),
            factor: factor as f64,
            shortest_match: SHORTEST_MATCH_S * f64::from(rate_hz) / factor as f64,
            reach,
            marks: [Mark::default(); KEPT],
            count: 0,
            open: false,
            grain: vec![0.0; (2.2 * longest_period / factor as f64) as usize + 8],
            grain_frames: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.decimator.reset();
        self.signal.reset();
        self.marks = [Mark::default(); KEPT];
        self.count = 0;
        self.open = false;
        self.grain_frames = 0;
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
        while let Some(pitch) = track.at(self.marks[0].at) {
            let (last, period) = (self.marks[0], pitch.period);
            let length = (1.2 * period / self.factor).max(self.shortest_match);
            let needed = last.at + (1.0 + REACH) * period + 0.5 * length * self.factor;
            if needed + 5.0 * self.factor > self.newest() {
                return;
            }
            let at = last.at + self.matching_lag(last.at, period, length);
            self.put(self.balanced(at, last, period));
            self.keep_grain(last, period);
        }
        self.open = false;
    }

    /// The mark after `last`, its offset moved towards the energy around the last, beyond which
    /// the signal need not have come in.
    fn balanced(&self, at: f64, last: Mark, period: f64) -> Mark {
        let around = last.at + last.energy;
        let within = self.surrounded(around, period);
        let found = within - around + self.energy_offset(within, period);
        let mut energy = last.energy + OFFSET_SHARE * found;
        if energy.abs() > FAR * period {
            energy -= period.copysign(energy);
        }
        Mark { at, energy }
    }

    /// The mark nearest to an input frame, on the lattice of `period` where no mark is set.
    pub(super) fn nearest(&self, frame: f64, period: f64) -> Option<Mark> {
        let distance = |mark: &Mark| (mark.at - frame).abs();
        let nearest = self.marks[..self.count]
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        let periods = ((frame - nearest.at) / period).round();
        Some(Mark {
            at: nearest.at + periods * period,
            ..*nearest
        })
    }

    /// Gain beside that for evenly filled spectra, `sqrt(step / period)`, that keeps the level of
    /// the source when grains like the newest are laid out every `step` frames of their own time.
    ///
    /// The power of overlapping grains is the sum of their autocorrelation at all multiples of
    /// the step, per step. It differs from even filling where one harmonic rules the sound.
    pub(super) fn level_gain(&self, step: f64) -> f64 {
        let step = (step / self.factor).max(1.0);
        let grain = &self.grain[..self.grain_frames];
        let mut power = f64::from(dot(grain, grain));
        let even = power;
        for multiple in 1..MOST_OVERLAPS {
            let lag = f64::from(multiple) * step;
            let whole = lag as usize;
            if grain.len() <= whole + 1 {
                break;
            }
            let near = f64::from(dot(&grain[whole..], grain));
            let far = f64::from(dot(&grain[whole + 1..], grain));
            power += 2.0 * (near + (lag - whole as f64) * (far - near));
        }
        if even <= 0.0 {
            return 1.0;
        }
        (EVEN * even / power.max(1e-3 * even))
            .sqrt()
            .clamp(0.5, 2.0)
    }

    /// The greatest amplitude of the newest grain.
    pub(super) fn peak(&self) -> f64 {
        let grain = &self.grain[..self.grain_frames];
        f64::from(grain.iter().fold(0.0f32, |peak, x| peak.max(x.abs())))
    }

    /// Keeps the windowed grain around a mark for [`Self::level_gain`].
    fn keep_grain(&mut self, mark: Mark, period: f64) {
        let centre = self.local(self.surrounded(mark.at + mark.energy, period));
        let period = (period / self.factor).min(0.5 * self.grain.len() as f64 - 1.0);
        let first = (centre - period).ceil() as i64;
        let frames = (2.0 * period) as usize;
        let signal = self.signal.range(first, frames);
        for (i, (kept, x)) in self.grain.iter_mut().zip(signal).enumerate() {
            let turns = ((first + i as i64) as f64 - centre) / period;
            let window = 0.5 + 0.5 * (std::f32::consts::PI * turns as f32).cos();
            *kept = window * x;
        }
        self.grain_frames = frames;
    }

    /// Input frame of the newest frame of the signal.
    fn newest(&self) -> f64 {
        (self.signal.written() - 1) as f64 * self.factor - self.decimator.delay() as f64
    }

    /// An input frame, or the latest before it after which a whole period has come in.
    fn surrounded(&self, frame: f64, period: f64) -> f64 {
        frame.min(self.newest() - period - 2.0 * self.factor)
    }

    fn put(&mut self, mark: Mark) {
        self.marks.rotate_right(1);
        self.marks[0] = mark;
        self.count = (self.count + 1).min(KEPT);
    }

    /// Sets the first mark of a voice, if one begins.
    fn begin(&mut self, track: &Track) -> bool {
        let earliest = self.marks[0].at.max(self.newest() - self.reach);
        let Some((at, pitch)) = track.voice_after(earliest) else {
            return false;
        };
        let around = self.surrounded(at, pitch.period);
        self.put(Mark {
            at: around + self.energy_offset(around, pitch.period),
            energy: 0.0,
        });
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

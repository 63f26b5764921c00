//! Measuring a period whose length is roughly known. Audio thread: never allocates after
//! construction.

use autovoice_kernels::cpu::dot;

use crate::dsp::decimate::Decimator;
use crate::dsp::history::History;
use crate::units::Frames;

/// The rate measured at is about this one or the next whole fraction of the input's above it.
const RATE_HZ: u32 = 22_050;

/// The window a period is measured over, in periods and at least in seconds.
const PERIODS: f64 = 1.25;
const SHORTEST_S: f64 = 0.005;

/// The shortest window where the voice is weak: it drowns out noise.
const SHORTEST_WEAK_S: f64 = 0.015;

/// How far a period may differ from the guess, as a ratio and at least in frames; at most
/// [`MOST_REACH`] frames.
const REACH: f64 = 0.06;
const LEAST_REACH: usize = 2;
const MOST_REACH: usize = 6;

/// The recent past of a signal, at a rate that is low enough to be cheap and high enough to
/// measure periods well.
#[derive(Clone, Debug)]
pub(super) struct PeriodMeter {
    decimator: Decimator,
    history: History,
    factor: usize,
    rate_hz: f64,
    lowest_hz: f32,
}

impl PeriodMeter {
    /// A meter for periods down to `lowest_hz`, which remembers `past` input frames. Allocates.
    pub(super) fn new(rate_hz: u32, lowest_hz: f32, past: Frames) -> Self {
        let factor = (rate_hz / RATE_HZ).max(1) as usize;
        let fine_hz = f64::from(rate_hz) / factor as f64;
        let window = (fine_hz * SHORTEST_WEAK_S).max(PERIODS * fine_hz / f64::from(lowest_hz));
        let pair = window + fine_hz / f64::from(lowest_hz) + 4.0 * MOST_REACH as f64;
        Self {
            decimator: Decimator::new(factor),
            history: History::new(past / factor + pair.ceil() as usize),
            factor,
            rate_hz: f64::from(rate_hz),
            lowest_hz,
        }
    }

    pub(super) fn reset(&mut self) {
        self.decimator.reset();
        self.history.reset();
    }

    /// Takes one input frame; now and then gives one of the decimated signal. That with number
    /// `k` belongs to input frame `k * factor() - delay()`.
    pub(super) fn push(&mut self, sample: f32) -> Option<f32> {
        let kept = self.decimator.push(sample)?;
        self.history.push(kept);
        Some(kept)
    }

    /// Input frames per decimated one.
    pub(super) fn factor(&self) -> usize {
        self.factor
    }

    /// Input frames by which the decimated signal lags.
    pub(super) fn delay(&self) -> Frames {
        self.decimator.delay()
    }

    /// Whether periods of this frequency are kept whole.
    pub(super) fn reaches(&self, hz: f32) -> bool {
        self.lowest_hz <= hz
    }

    /// The frequency near `guess_hz` at an input frame, which need not be the newest. `weakness`
    /// is 0 for a clear voice, 1 for one in noise.
    pub(super) fn at(&self, frame: f64, guess_hz: f32, weakness: f32) -> f32 {
        let more = f64::from(weakness) * (SHORTEST_WEAK_S - SHORTEST_S);
        let (window, period) = self.sizes(guess_hz, SHORTEST_S + more);
        let latest = self.latest(window, period);
        let centre = (frame + self.delay() as f64) / self.factor as f64;
        self.hz(self.refine(centre.min(latest), window, period))
    }

    /// Window and period in frames of the history.
    fn sizes(&self, guess_hz: f32, shortest_s: f64) -> (usize, f64) {
        let fine_hz = self.rate_hz / self.factor as f64;
        let period = fine_hz / f64::from(guess_hz);
        let window = (PERIODS * period).max(fine_hz * shortest_s);
        ((window as usize).max(8), period)
    }

    fn latest(&self, window: usize, period: f64) -> f64 {
        self.history.written() as f64 - 0.5 * (window as f64 + period) - MOST_REACH as f64
    }

    fn hz(&self, period: f64) -> f32 {
        (self.rate_hz / (period * self.factor as f64)) as f32
    }

    /// The lag near `guess` at which the signal around `centre` matches itself best, in frames
    /// of the history and fractions of them.
    fn refine(&self, centre: f64, window: usize, guess: f64) -> f64 {
        let reach = ((REACH * guess).ceil() as usize).clamp(LEAST_REACH, MOST_REACH);
        let first = (guess.round() as i64 - reach as i64).max(1);
        let mut values = [0.0f32; 2 * MOST_REACH + 1];
        let values = &mut values[..=2 * reach];
        for (value, lag) in values.iter_mut().zip(first..) {
            let start = (centre - 0.5 * (window as f64 + lag as f64)).round() as i64;
            let a = self.history.range(start, window);
            let b = self.history.range(start + lag, window);
            *value = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12);
        }
        let best = (1..2 * reach)
            .max_by(|&a, &b| values[a].total_cmp(&values[b]))
            .unwrap_or(reach);
        let [before, here, after] = [values[best - 1], values[best], values[best + 1]];
        if here < before || here < after {
            return guess;
        }
        let (offset, _) = parabola(before, here, after);
        (first + best as i64) as f64 + f64::from(offset)
    }
}

/// Place, within half a step of the middle, and height of the parabola through three values of
/// which the middle one is greatest.
pub(super) fn parabola(before: f32, here: f32, after: f32) -> (f32, f32) {
    let bend = before - 2.0 * here + after;
    if bend > -1e-9 {
        return (0.0, here);
    }
    let offset = (0.5 * (before - after) / bend).clamp(-0.5, 0.5);
    (offset, here - 0.25 * (before - after) * offset)
}

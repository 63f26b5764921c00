//! Measuring a period whose length is roughly known. Audio thread: never allocates after
//! construction.

use std::ops::Range;

use autovoice_kernels::cpu::dot;

use crate::dsp::decimate::Decimator;
use crate::dsp::history::History;
use crate::units::Frames;

/// The rate measured at is about this one or the next whole fraction of the input's above it.
const RATE_HZ: u32 = 22_050;

/// The window a period is measured over, in periods and at least in seconds.
const PERIODS: f64 = 1.25;
const SHORTEST_S: f64 = 0.005;

/// The most and fewest periods that a smooth window has. Pulses come into it and leave it so softly
/// that what is measured belongs to its middle, wherever they are.
const SMOOTH_PERIODS: (f64, f64) = (2.5, 2.0);

/// The shortest window where the voice is weak: it drowns out noise.
const SHORTEST_WEAK_S: f64 = 0.015;

/// How far a period may differ from the guess, as a ratio and at least in frames; at most
/// [`MOST_REACH`] frames.
const REACH: f64 = 0.06;
const LEAST_REACH: usize = 2;
const MOST_REACH: usize = 6;
const MOST_LAGS: usize = 2 * MOST_REACH + 1;

/// The recent past of a signal, at a rate that is low enough to be cheap and high enough to
/// measure periods well.
#[derive(Clone, Debug)]
pub(super) struct PeriodMeter {
    decimator: Decimator,
    history: History,
    factor: usize,
    rate_hz: f64,
    lowest_hz: f32,
    smooth: Smooth,
}

/// Two stretches of a signal as they are heard through a window, and the window: a sine, which is
/// that of Hann where both are multiplied.
#[derive(Clone, Debug)]
struct Smooth {
    window: Vec<f32>,
    stretches: [Vec<f32>; 2],
}

impl PeriodMeter {
    /// A meter for periods down to `lowest_hz`, which remembers `past` input frames. Allocates.
    pub(super) fn new(rate_hz: u32, lowest_hz: f32, past: Frames) -> Self {
        let factor = (rate_hz / RATE_HZ).max(1) as usize;
        let fine_hz = f64::from(rate_hz) / factor as f64;
        let most = SMOOTH_PERIODS.0.max(PERIODS) * fine_hz / f64::from(lowest_hz);
        let window = (fine_hz * SHORTEST_WEAK_S).max(most);
        let pair = window + fine_hz / f64::from(lowest_hz) + 4.0 * MOST_REACH as f64;
        Self {
            decimator: Decimator::new(factor),
            history: History::new(past / factor + pair.ceil() as usize),
            factor,
            rate_hz: f64::from(rate_hz),
            lowest_hz,
            smooth: Smooth::new(window.ceil() as usize + 1),
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
        let centre = centre.min(latest);
        let lags = lags(period);
        let mut values = [0.0; MOST_LAGS];
        let values = &mut values[..lags.len()];
        for (value, lag) in values.iter_mut().zip(lags.clone()) {
            let [a, b] = pair(&self.history, centre, window, lag);
            *value = likeness(a, b);
        }
        self.hz(peak(values, &lags).unwrap_or(period))
    }

    /// The same through a smooth window: that of the instant itself, however fast it changes, where
    /// the signal goes on for one and a half periods after it; and the input frame that it is of.
    pub(super) fn around(&mut self, frame: f64, guess_hz: f32) -> (f64, f32) {
        let fine_hz = self.rate_hz / self.factor as f64;
        let period = fine_hz / f64::from(guess_hz);
        let centre = (frame + self.delay() as f64) / self.factor as f64;
        let newest = self.history.written() as f64 - MOST_REACH as f64;
        let (most, fewest) = SMOOTH_PERIODS;
        let fits = 2.0 * (newest - centre) - period;
        let window = fits.min(most * period).max(fewest * period);
        let window = window.max(fine_hz * SHORTEST_S) as usize;
        let centre = centre.min(self.latest(window, period));
        self.smooth.open(window);
        let lags = lags(period);
        let mut values = [0.0; MOST_LAGS + 2];
        let values = &mut values[..lags.len() + 2];
        for (value, lag) in values.iter_mut().zip(lags.start - 1..) {
            let [a, b] = pair(&self.history, centre, window, lag);
            *value = self.smooth.likeness(a, b);
        }
        // Averaged over three lags: a parabola fits best where there is little treble.
        for at in 0..lags.len() {
            values[at] = 0.25 * (values[at] + values[at + 2]) + 0.5 * values[at + 1];
        }
        let period = peak(&values[..lags.len()], &lags).unwrap_or(period);
        let frame = centre * self.factor as f64 - self.delay() as f64;
        (frame, self.hz(period))
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
}

impl Smooth {
    /// Of windows up to so many frames. Allocates.
    fn new(most: usize) -> Self {
        let empty = || Vec::with_capacity(most);
        Self {
            window: empty(),
            stretches: [empty(), empty()],
        }
    }

    /// Makes the window, unless it is as long as the last.
    fn open(&mut self, frames: usize) {
        if self.window.len() == frames {
            return;
        }
        let step = std::f64::consts::PI / frames as f64;
        self.window.clear();
        let angles = (0..frames).map(|n| (n as f64 + 0.5) * step);
        self.window.extend(angles.map(|angle| angle.sin() as f32));
    }

    /// How like each other two stretches are that are as long as the window: 1 where they are the
    /// same but for their size.
    fn likeness(&mut self, a: &[f32], b: &[f32]) -> f32 {
        for (weighed, stretch) in self.stretches.iter_mut().zip([a, b]) {
            weighed.clear();
            weighed.extend(stretch.iter().zip(&self.window).map(|(x, w)| x * w));
        }
        let [a, b] = &self.stretches;
        likeness(a, b)
    }
}

/// How like each other two stretches are.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
}

/// The two stretches of a signal that are `lag` apart and have `centre` in the middle.
fn pair(history: &History, centre: f64, window: usize, lag: usize) -> [&[f32]; 2] {
    let start = (centre - 0.5 * (window as f64 + lag as f64)).round() as i64;
    [start, start + lag as i64].map(|start| history.range(start, window))
}

/// The lags around a guess, in frames.
fn lags(guess: f64) -> Range<usize> {
    let reach = ((REACH * guess).ceil() as usize).clamp(LEAST_REACH, MOST_REACH);
    let first = (guess.round() as usize).saturating_sub(reach).max(2);
    first..first + 2 * reach + 1
}

/// The lag at which a signal is most like itself, in frames and fractions of them, of how like it is
/// at some; none if it were still more so beyond them.
fn peak(values: &[f32], lags: &Range<usize>) -> Option<f64> {
    let best = (1..values.len() - 1).max_by(|&a, &b| values[a].total_cmp(&values[b]))?;
    let [before, here, after] = [values[best - 1], values[best], values[best + 1]];
    if here < before || here < after {
        return None;
    }
    let (offset, _) = parabola(before, here, after);
    Some((lags.start + best) as f64 + f64::from(offset))
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

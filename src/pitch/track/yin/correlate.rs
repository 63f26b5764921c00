//! How well a signal matches itself one lag later: the normalised cross-correlation and its
//! peaks. Audio thread: never allocates after construction.

use autovoice_kernels::cpu::dot;

use super::path::{Candidate, MAX_CANDIDATES};
use crate::dsp::history::History;

/// How far the correlation has to fall at shorter lags for a peak to count.
const DIP: f32 = 0.2;

/// Two equally long windows, a lag apart and around one centre, for every lag.
#[derive(Clone, Debug)]
pub(super) struct Correlator {
    window: usize,
    shortest: usize,
    longest: usize,
    region: Vec<f32>,
    /// Running sums of squares of the region, one longer than it.
    squares: Vec<f64>,
    /// One value per lag from `shortest - 1` to `longest + 1`.
    values: Vec<f32>,
}

/// What a scan found beside the candidates.
pub(super) struct Scan {
    /// How many candidates were written.
    pub count: usize,
    /// The greatest correlation.
    pub strength: f32,
    /// Mean square of the region, without its mean.
    pub mean_square: f32,
}

impl Correlator {
    pub(super) fn new(window: usize, shortest: usize, longest: usize) -> Self {
        let shortest = shortest.max(3);
        let longest = longest.max(shortest + 2);
        let span = window + longest + 1;
        Self {
            window,
            shortest,
            longest,
            region: vec![0.0; span],
            squares: vec![0.0; span + 1],
            values: vec![0.0; longest - shortest + 3],
        }
    }

    /// Frames of a region.
    pub(super) fn span(&self) -> usize {
        self.region.len()
    }

    /// Finds the strongest peaks in a region of `span()` frames, strongest first.
    pub(super) fn scan(
        &mut self,
        region: &[f32],
        candidates: &mut [Candidate; MAX_CANDIDATES],
    ) -> Scan {
        let mean = region.iter().sum::<f32>() / region.len() as f32;
        for (own, x) in self.region.iter_mut().zip(region) {
            *own = x - mean;
        }
        let mut sum = 0.0;
        for (total, x) in self.squares[1..].iter_mut().zip(&self.region) {
            sum += f64::from(*x) * f64::from(*x);
            *total = sum;
        }
        for index in 0..self.values.len() {
            self.values[index] = self.correlation(self.shortest - 1 + index);
        }
        let (count, strength) = self.pick(candidates);
        Scan {
            count,
            strength,
            mean_square: (sum / self.region.len() as f64) as f32,
        }
    }

    fn correlation(&self, lag: usize) -> f32 {
        let start = (self.span() - self.window - lag) / 2;
        let a = &self.region[start..start + self.window];
        let b = &self.region[start + lag..start + lag + self.window];
        let energy = |from: usize| self.squares[from + self.window] - self.squares[from];
        let (ea, eb) = (energy(start), energy(start + lag));
        // The greater of the two energies and their mean in one: onsets score low.
        let scale = (ea * eb).sqrt().max(1e-12);
        dot(a, b) / scale as f32
    }

    fn pick(&self, candidates: &mut [Candidate; MAX_CANDIDATES]) -> (usize, f32) {
        let (mut count, mut strength) = (0, 0.0f32);
        let mut lowest = self.values[0];
        for i in 1..self.values.len() - 1 {
            let [before, here, after] = [self.values[i - 1], self.values[i], self.values[i + 1]];
            lowest = lowest.min(before);
            // Slow wandering resembles itself at every short lag: a period has a dip before it.
            if here <= before || here < after || here < 0.3 || here < lowest + DIP {
                continue;
            }
            let (offset, height) = parabola(before, here, after);
            let found = Candidate {
                lag: (self.shortest - 1 + i) as f32 + offset,
                strength: height.min(1.0),
                relative: (self.shortest - 1 + i) as f32 / self.longest as f32,
                doubt: 0.0,
            };
            strength = strength.max(found.strength);
            // Short lags come first and win ties, so multiples of the period drop out first.
            let place = candidates[..count]
                .iter()
                .position(|c| c.score() < found.score())
                .unwrap_or(count);
            if place < MAX_CANDIDATES {
                count = (count + 1).min(MAX_CANDIDATES);
                candidates[place..count].rotate_right(1);
                candidates[place] = found;
            }
        }
        (count, strength)
    }
}

/// Lags on either side of a guess that are tried.
pub(super) const REACH: usize = 4;

/// The lag near `guess` at which the signal around `centre` matches itself best, in frames of
/// the history and fractions of them.
pub(super) fn refine(history: &History, centre: f64, window: usize, guess: f32) -> f32 {
    let middle = (guess.round() as i64).max(REACH as i64 + 1);
    let window = window.max(8);
    let mut values = [0.0f32; 2 * REACH + 1];
    for (value, lag) in values.iter_mut().zip(middle - REACH as i64..) {
        let start = (centre - 0.5 * (window as f64 + lag as f64)).round() as i64;
        let a = history.range(start, window);
        let b = history.range(start + lag, window);
        *value = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12);
    }
    let best = (1..2 * REACH)
        .max_by(|&a, &b| values[a].total_cmp(&values[b]))
        .unwrap_or(REACH);
    let [before, here, after] = [values[best - 1], values[best], values[best + 1]];
    if here < before || here < after {
        return guess;
    }
    let (offset, _) = parabola(before, here, after);
    (middle - REACH as i64 + best as i64) as f32 + offset
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

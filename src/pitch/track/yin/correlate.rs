//! How well a signal matches itself one lag later: the normalised cross-correlation over a short
//! and a long window, and its peaks. Audio thread: never allocates after construction.

use super::super::period::parabola;
use super::path::{Candidate, MAX_CANDIDATES};

/// How far the correlation has to fall at shorter lags for a peak to count.
const DIP: f32 = 0.2;

/// Peaks lower than this are no candidates.
const LOWEST_PEAK: f32 = 0.2;

/// Seconds of the long window, which reaches back from the end of the short one.
const LONG_WINDOW_S: f64 = 0.048;

/// The long window has no say where the short one correlates like the first of these, and all of
/// it where like the second. Clean voices move too fast for it; weak ones need it to stand out.
const CLEAR_AND_WEAK: (f32, f32) = (0.9, 0.6);

/// Correlations of one signal with itself, advanced by one hop at a time.
///
/// Products of frames a lag apart lie around the same centre for every lag. They are summed up
/// once per hop; windows are sums of hops, so that long ones cost little.
#[derive(Clone, Debug)]
pub(super) struct Correlator {
    hop: usize,
    shortest: usize,
    longest: usize,
    /// Hops of the short and of the long window.
    short: usize,
    long: usize,
    /// The newest frames, as long as the long window and the longest lag need.
    region: Vec<f32>,
    /// Its end, backwards.
    reversed: Vec<f32>,
    /// Running sums of squares of the region, one longer than it.
    squares: Vec<f64>,
    /// Per hop, the sums of products for even lags and after them for odd ones. A ring.
    hops: Vec<f32>,
    newest: usize,
    /// Sums over a window, laid out like a hop.
    sums: Vec<f32>,
    /// One value per lag from `shortest - 1` to `longest + 1`.
    values: Vec<f32>,
    long_values: Vec<f32>,
}

/// What a scan found beside the candidates.
pub(super) struct Scan {
    /// How many candidates were written.
    pub count: usize,
    /// The greatest correlation.
    pub strength: f32,
    /// Mean square around the short window.
    pub mean_square: f32,
}

impl Correlator {
    /// `hop` and `window` in frames, `shortest` and `longest` lag, too. Allocates.
    pub(super) fn new(
        rate_hz: f64,
        hop: usize,
        window: usize,
        (shortest, longest): (usize, usize),
    ) -> Self {
        let shortest = shortest.max(3);
        let longest = longest.max(shortest + 2);
        let short = window.div_ceil(hop);
        let long = ((LONG_WINDOW_S * rate_hz / hop as f64).ceil() as usize).max(short);
        let halves = longest / 2 + 2;
        Self {
            hop,
            shortest,
            longest,
            short,
            long,
            region: vec![0.0; long * hop + 2 * halves],
            reversed: vec![0.0; hop + halves],
            squares: vec![0.0; long * hop + 2 * halves + 1],
            hops: vec![0.0; long * 2 * halves],
            newest: 0,
            sums: vec![0.0; 2 * halves],
            values: vec![0.0; longest - shortest + 3],
            long_values: vec![0.0; longest - shortest + 3],
        }
    }

    /// Half the longest lag, rounded up, and one for its neighbour.
    fn halves(&self) -> usize {
        self.longest / 2 + 2
    }

    /// Frames of a region.
    pub(super) fn span(&self) -> usize {
        self.region.len()
    }

    /// Frames from the centre of the short window to the end of the region.
    pub(super) fn centre(&self) -> f64 {
        self.halves() as f64 + 0.5 * (self.short * self.hop) as f64
    }

    pub(super) fn reset(&mut self) {
        self.hops.fill(0.0);
    }

    /// Takes the region of `span()` frames that ends one hop after the last; finds the strongest
    /// peaks, strongest first.
    pub(super) fn scan(
        &mut self,
        region: &[f32],
        candidates: &mut [Candidate; MAX_CANDIDATES],
    ) -> Scan {
        self.region.copy_from_slice(region);
        let mut sum = 0.0;
        for (total, x) in self.squares[1..].iter_mut().zip(&self.region) {
            sum += f64::from(*x) * f64::from(*x);
            *total = sum;
        }
        self.multiply();
        self.window(self.short);
        std::mem::swap(&mut self.values, &mut self.long_values);
        self.window(self.long);
        std::mem::swap(&mut self.values, &mut self.long_values);
        let strength = self.values.iter().fold(0.0f32, |most, v| most.max(*v));
        let (clear, weak) = CLEAR_AND_WEAK;
        let share = ((clear - strength) / (clear - weak)).clamp(0.0, 1.0);
        for (value, long) in self.values.iter_mut().zip(&self.long_values) {
            *value += share * (long - *value);
        }
        let (count, strength) = self.pick(candidates);
        let recent = (self.short * self.hop + 2 * self.halves()).min(self.span());
        Scan {
            count,
            strength,
            mean_square: ((sum - self.squares[self.span() - recent]) / recent as f64) as f32,
        }
    }

    /// Sums up the products of the newest hop.
    fn multiply(&mut self) {
        let halves = self.halves();
        let end = self.region.len() - halves;
        let first = end - self.hop;
        for (back, x) in self.reversed.iter_mut().zip(self.region[..end].iter().rev()) {
            *back = *x;
        }
        self.newest = (self.newest + 1) % self.long;
        let products = &mut self.hops[self.newest * 2 * halves..][..2 * halves];
        products.fill(0.0);
        let (even, odd) = products.split_at_mut(halves);
        for n in first..end {
            let left = &self.reversed[end - 1 - n..][..halves];
            let right = &self.region[n..n + halves];
            for ((sum, a), b) in even.iter_mut().zip(left).zip(right) {
                *sum += a * b;
            }
            for ((sum, a), b) in odd.iter_mut().zip(left).zip(&right[1..]) {
                *sum += a * b;
            }
        }
    }

    /// Normalised correlations over the newest `count` hops, into `values`.
    fn window(&mut self, count: usize) {
        let halves = self.halves();
        self.sums.fill(0.0);
        for age in 0..count {
            let slot = (self.newest + self.long - age) % self.long;
            let products = &self.hops[slot * 2 * halves..][..2 * halves];
            for (sum, x) in self.sums.iter_mut().zip(products) {
                *sum += x;
            }
        }
        let end = self.region.len() - halves;
        let start = end - count * self.hop;
        let energy = |from: usize, to: usize| self.squares[to] - self.squares[from];
        for (value, lag) in self.values.iter_mut().zip(self.shortest - 1..) {
            let (left, right) = (lag / 2, lag.div_ceil(2));
            let sum = self.sums[left + if lag % 2 == 0 { 0 } else { halves }];
            let a = energy(start - left, end - left);
            let b = energy(start + right, end + right);
            *value = sum / ((a * b) as f32).sqrt().max(1e-12);
        }
    }

    fn pick(&self, candidates: &mut [Candidate; MAX_CANDIDATES]) -> (usize, f32) {
        let (mut count, mut strength) = (0, 0.0f32);
        let mut lowest = self.values[0];
        for i in 1..self.values.len() - 1 {
            let [before, here, after] = [self.values[i - 1], self.values[i], self.values[i + 1]];
            lowest = lowest.min(before);
            // Slow wandering resembles itself at every short lag: a period has a dip before it.
            if here <= before || here < after || here < LOWEST_PEAK || here < lowest + DIP {
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

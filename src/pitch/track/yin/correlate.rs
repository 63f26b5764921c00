//! How well a signal matches itself one lag later: the normalised cross-correlation over a short
//! and a long window, and its peaks. Audio thread: never allocates after construction.

use super::super::period::parabola;
use super::path::{Candidate, MAX_CANDIDATES};

/// How far the correlation has to fall at shorter lags for a peak to count.
const DIP: f32 = 0.15;

/// Peaks lower than this are no candidates.
const LOWEST_PEAK: f32 = 0.2;

/// Seconds of the long window, which reaches back from the end of the short one.
const LONG_WINDOW_S: f64 = 0.048;

/// Seconds up to which multiples of a lag are looked at.
const LASTING_TO_S: f64 = 0.012;

/// The long window has no say where the short one correlates like the first of these, and its
/// full share where like the second. Clean voices move too fast for it; chance is what fills the
/// short one where a voice is weak.
const CLEAR_AND_WEAK: (f32, f32) = (0.9, 0.6);
const LONG_SHARE: f32 = 0.4;

/// Energy of a window below which nothing correlates: what rounding leaves is less.
const LEAST_ENERGY: f32 = 1e-9;

/// Correlations of one signal with itself, advanced by one hop at a time.
///
/// Frames a lag apart are multiplied around the same centre for every lag. The products are
/// summed up once per hop; windows are sums over hops, so that long ones cost nothing.
#[derive(Clone, Debug)]
pub(super) struct Correlator {
    hop: usize,
    shortest: usize,
    longest: usize,
    /// Half the longest lag, rounded up, and one for its neighbour.
    halves: usize,
    /// The newest frames but those after the last centre, backwards.
    reversed: Vec<f32>,
    /// Running sums of squares of the region, one longer than it.
    squares: Vec<f64>,
    /// Per hop, the sums of products for even lags and after them for odd ones. A ring.
    hops: Vec<f32>,
    newest: usize,
    /// Multiples of a lag that are looked at.
    lasting_to: f32,
    short: Window,
    long: Window,
    /// One value per lag from `shortest - 1` to `longest + 1`.
    values: Vec<f32>,
}

/// The correlation over the newest hops.
#[derive(Clone, Debug)]
struct Window {
    hops: usize,
    /// Sums of products, laid out like a hop. In this precision, taking out what was put in
    /// leaves nothing that counts.
    sums: Vec<f64>,
    /// The sums relative to the energy of what was multiplied.
    values: Vec<f32>,
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

/// From 0 for a correlation that speaks for itself to 1 for one that may be chance.
pub(super) fn weakness(strength: f32) -> f32 {
    let (clear, weak) = CLEAR_AND_WEAK;
    ((clear - strength) / (clear - weak)).clamp(0.0, 1.0)
}

impl Window {
    fn new(hops: usize, halves: usize) -> Self {
        Self {
            hops,
            sums: vec![0.0; 2 * halves],
            values: vec![0.0; 2 * halves],
        }
    }

    fn turn(&mut self, comes: &[f32], goes: &[f32]) {
        for ((sum, new), old) in self.sums.iter_mut().zip(comes).zip(goes) {
            *sum += f64::from(*new) - f64::from(*old);
        }
    }

    /// Works the values out. `squares` are running sums of which `end` closes the window.
    fn normalise(&mut self, squares: &[f64], end: usize, frames: usize, halves: usize) {
        let start = end - frames;
        let left = (
            &squares[start + 1 - halves..=start],
            &squares[end + 1 - halves..=end],
        );
        let left = left.0.iter().rev().zip(left.1.iter().rev());
        let (even, odd) = self.values.split_at_mut(halves);
        let (even_sums, odd_sums) = self.sums.split_at(halves);
        // An odd lag reaches one frame further to the right than to the left.
        for (values, sums, more) in [(even, even_sums, 0), (odd, odd_sums, 1)] {
            let right = squares[start + more..].iter().zip(&squares[end + more..]);
            let energies = left.clone().zip(right);
            for ((value, sum), ((a, b), (c, d))) in values.iter_mut().zip(sums).zip(energies) {
                let scale = ((b - a).max(0.0) * (d - c).max(0.0)) as f32;
                *value = *sum as f32 / scale.sqrt().max(LEAST_ENERGY);
            }
        }
    }

    fn strongest(&self) -> f32 {
        self.values.iter().fold(0.0f32, |most, v| most.max(*v))
    }
}

impl Correlator {
    /// A correlator that advances by `hop` frames, with a short window of at least `window`
    /// frames, for lags in frames. Allocates.
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
            halves,
            reversed: vec![0.0; hop + halves],
            squares: vec![0.0; long * hop + 2 * halves + 1],
            hops: vec![0.0; (long + 1) * 2 * halves],
            newest: 0,
            lasting_to: (longest as f32).min((rate_hz * LASTING_TO_S) as f32),
            short: Window::new(short, halves),
            long: Window::new(long, halves),
            values: vec![0.0; longest - shortest + 3],
        }
    }

    /// Frames of a region.
    pub(super) fn span(&self) -> usize {
        self.squares.len() - 1
    }

    /// Frames from the centre of the short window to the end of the region.
    pub(super) fn centre(&self) -> f64 {
        self.halves as f64 + 0.5 * (self.short.hops * self.hop) as f64
    }

    pub(super) fn reset(&mut self) {
        self.squares.fill(0.0);
        self.hops.fill(0.0);
        self.short.sums.fill(0.0);
        self.long.sums.fill(0.0);
    }

    /// Takes the region of `span()` frames that ends one hop after the last; finds the strongest
    /// peaks, strongest first.
    pub(super) fn scan(
        &mut self,
        region: &[f32],
        candidates: &mut [Candidate; MAX_CANDIDATES],
    ) -> Scan {
        self.add_squares(region);
        self.multiply(region);
        let end = region.len() - self.halves;
        for window in [&mut self.short, &mut self.long] {
            let frames = window.hops * self.hop;
            window.normalise(&self.squares, end, frames, self.halves);
        }
        let share = LONG_SHARE * weakness(self.short.strongest());
        for (value, lag) in self.values.iter_mut().zip(self.shortest - 1..) {
            let place = lag / 2 + if lag % 2 == 0 { 0 } else { self.halves };
            let (short, long) = (self.short.values[place], self.long.values[place]);
            *value = short + share * (long - short);
        }
        let count = self.pick(candidates);
        let best = &candidates[0];
        let strength = match count {
            0 => 0.0,
            _ => best.strength.min(self.lasting(best)),
        };
        let frames = self.short.hops * self.hop + 2 * self.halves;
        let energy = self.squares[region.len()] - self.squares[region.len() - frames];
        Scan {
            count,
            strength,
            mean_square: (energy / frames as f64) as f32,
        }
    }

    /// Moves the running sums on by one hop.
    fn add_squares(&mut self, region: &[f32]) {
        let first = self.squares[self.hop];
        self.squares.copy_within(self.hop.., 0);
        let kept = self.squares.len() - self.hop;
        self.squares[..kept].iter_mut().for_each(|s| *s -= first);
        let mut sum = self.squares[kept - 1];
        let newest = &region[region.len() - self.hop..];
        for (total, x) in self.squares[kept..].iter_mut().zip(newest) {
            sum += f64::from(*x) * f64::from(*x);
            *total = sum;
        }
    }

    /// Sums up the products of the newest hop and moves the windows on.
    fn multiply(&mut self, region: &[f32]) {
        let halves = self.halves;
        let end = region.len() - halves;
        let first = end - self.hop;
        for (back, x) in self.reversed.iter_mut().zip(region[..end].iter().rev()) {
            *back = *x;
        }
        let slots = self.long.hops + 1;
        self.newest = (self.newest + 1) % slots;
        let slot = |age: usize| (self.newest + slots - age) % slots * 2 * halves;
        let products = &mut self.hops[slot(0)..][..2 * halves];
        products.fill(0.0);
        let (even, odd) = products.split_at_mut(halves);
        for n in first..end {
            let left = &self.reversed[end - 1 - n..][..halves];
            let right = &region[n..n + halves];
            for ((sum, a), b) in even.iter_mut().zip(left).zip(right) {
                *sum += a * b;
            }
            for ((sum, a), b) in odd.iter_mut().zip(left).zip(&right[1..]) {
                *sum += a * b;
            }
        }
        let comes = slot(0);
        for window in [&mut self.short, &mut self.long] {
            let goes = (self.newest + slots - window.hops) % slots * 2 * halves;
            window.turn(
                &self.hops[comes..][..2 * halves],
                &self.hops[goes..][..2 * halves],
            );
        }
    }

    fn pick(&self, candidates: &mut [Candidate; MAX_CANDIDATES]) -> usize {
        let mut count = 0;
        let mut lowest = self.values[0];
        for i in 1..self.values.len() - 1 {
            let [before, here, after] = [self.values[i - 1], self.values[i], self.values[i + 1]];
            lowest = lowest.min(before);
            // Slow wandering resembles itself at every short lag: a period has a dip before it.
            if here <= before || here < after || here < LOWEST_PEAK || here < lowest + DIP {
                continue;
            }
            let (offset, height) = parabola(before, here, after);
            let lag = (self.shortest - 1 + i) as f32 + offset;
            let found = Candidate::new(lag, height.min(1.0), self.longest);
            // Short lags come first and win ties, so multiples of the period drop out first.
            let place = candidates[..count]
                .iter()
                .position(|c| c.score < found.score)
                .unwrap_or(count);
            if place < MAX_CANDIDATES {
                count = (count + 1).min(MAX_CANDIDATES);
                candidates[place..count].rotate_right(1);
                candidates[place] = found;
            }
        }
        count
    }

    /// The mean height of a peak at `lag` and of those at its multiples. A voice goes on like
    /// itself; what rings, such as breath in a mouth, dies away.
    fn lasting(&self, &Candidate { lag, strength, .. }: &Candidate) -> f32 {
        let (mut sum, mut count) = (strength, 1.0);
        let mut multiple = 2.0 * lag;
        while multiple < self.lasting_to {
            let place = multiple.round() as usize + 1 - self.shortest;
            let near = &self.values[place - 1..=place + 1];
            sum += near.iter().fold(f32::NEG_INFINITY, |most, v| most.max(*v));
            count += 1.0;
            multiple += lag;
        }
        sum / count
    }
}

//! The most probable path of a pitch through its bins (Viterbi, 1967), over a whole signal or as
//! a stream that decides a fixed number of instants late. Any thread; real-time safe after
//! construction.

/// What an impossible transition or observation has for probability, so that it has a logarithm:
/// the smallest normal `f32`, as in librosa.
const TINY: f64 = f32::MIN_POSITIVE as f64;

/// Bins, transitions between them, and the paths so far.
///
/// From one instant to the next, a bin `d` bins away has probability `width - d` over the sum of
/// its row, and none from `width` on; all bins are as probable at the start.
#[derive(Clone, Debug)]
pub struct Viterbi {
    bins: usize,
    width: usize,
    /// Log probability of coming from bin `j + d - (width - 1)` to bin `j`, `[d][j]`.
    transitions: Vec<f64>,
    /// Log probability of the best path to each bin, with `width - 1` bins of nothing on either
    /// side, relative to the best of all; and room for the next.
    value: Vec<f64>,
    next: Vec<f64>,
    /// Where those paths come from: a ring of `lag + 1` instants of `bins`.
    from: Vec<u16>,
    lag: usize,
    taken: usize,
}

impl Viterbi {
    /// Decides `lag` instants late. Allocates.
    ///
    /// # Panics
    /// If there are no bins or more than fit 16 bits, or `width` is 0.
    #[must_use]
    pub fn new(bins: usize, width: usize, lag: usize) -> Self {
        assert!(bins > 0 && width > 0, "there is something to choose from");
        assert!(u16::try_from(bins).is_ok(), "bins fit 16 bits");
        let weight = |a: usize, b: usize| width.saturating_sub(a.abs_diff(b)) as f64;
        let row_sum = |a: usize| (0..bins).map(|b| weight(a, b)).sum::<f64>();
        let sums: Vec<f64> = (0..bins).map(row_sum).collect();
        let side = width - 1;
        let transitions = (0..(2 * side + 1) * bins).map(|n| {
            let (d, to) = (n / bins, n % bins);
            match (to + d).checked_sub(side).filter(|from| *from < bins) {
                Some(from) => (weight(from, to) / sums[from] + TINY).ln(),
                None => f64::NEG_INFINITY,
            }
        });
        Self {
            bins,
            width,
            transitions: transitions.collect(),
            value: vec![f64::NEG_INFINITY; bins + 2 * side],
            next: vec![f64::NEG_INFINITY; bins],
            from: vec![0; (lag + 1) * bins],
            lag,
            taken: 0,
        }
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.taken = 0;
    }

    /// Takes the probabilities of all bins at the next instant. Real-time safe.
    ///
    /// # Panics
    /// If there is not one per bin.
    pub fn push(&mut self, probabilities: &[f32]) {
        assert_eq!(probabilities.len(), self.bins, "one probability per bin");
        let side = self.width - 1;
        if self.taken == 0 {
            self.next.fill(0.0);
        } else {
            self.connect();
        }
        let mut best = f64::NEG_INFINITY;
        for (next, probability) in self.next.iter_mut().zip(probabilities) {
            // In f32, where the reference takes it.
            *next += f64::from((probability + TINY as f32).ln());
            best = best.max(*next);
        }
        // Only differences matter; without this they would drown in time.
        let values = &mut self.value[side..][..self.bins];
        for (value, next) in values.iter_mut().zip(&self.next) {
            *value = next - best;
        }
        self.taken += 1;
    }

    /// The best way to each bin, into `next` and the ring.
    fn connect(&mut self) {
        let (bins, side) = (self.bins, self.width - 1);
        let slot = self.taken % (self.lag + 1) * bins;
        let from = &mut self.from[slot..][..bins];
        // From anywhere, at the price of the impossible. Within reach that is never best.
        let first = argmax(&self.value[side..][..bins]);
        let leap = self.value[side + first] + TINY.ln();
        self.next.fill(leap);
        from.fill(first as u16);
        for d in 0..=2 * side {
            let values = &self.value[d..][..bins];
            let transitions = &self.transitions[d * bins..][..bins];
            for to in 0..bins {
                let value = values[to] + transitions[to];
                let better = value > self.next[to];
                self.next[to] = if better { value } else { self.next[to] };
                let came = (to + d).wrapping_sub(side) as u16;
                from[to] = if better { came } else { from[to] };
            }
        }
    }

    /// The bin decided for the instant `lag` before the newest, once there is one. Real-time
    /// safe.
    #[must_use]
    pub fn decided(&self) -> Option<usize> {
        (self.taken > self.lag).then(|| self.back(self.lag, |_| ()))
    }

    /// Follows the best path back from the newest instant, telling each bin on the way, newest
    /// first; returns the last.
    fn back(&self, steps: usize, mut tell: impl FnMut(usize)) -> usize {
        let side = self.width - 1;
        let mut bin = argmax(&self.value[side..][..self.bins]);
        tell(bin);
        for step in 0..steps {
            let slot = (self.taken - 1 - step) % (self.lag + 1) * self.bins;
            bin = usize::from(self.from[slot + bin]);
            tell(bin);
        }
        bin
    }

    /// The best path through a whole signal of probabilities, `[instants, bins]`. Allocates.
    #[must_use]
    pub fn path(bins: usize, width: usize, probabilities: &[f32]) -> Vec<usize> {
        let instants = probabilities.len() / bins;
        let Some(lag) = instants.checked_sub(1) else {
            return Vec::new();
        };
        let mut viterbi = Self::new(bins, width, lag);
        for probabilities in probabilities.chunks_exact(bins) {
            viterbi.push(probabilities);
        }
        let mut path = Vec::with_capacity(instants);
        viterbi.back(lag, |bin| path.push(bin));
        path.reverse();
        path
    }
}

/// The first of the greatest values.
fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities of seeded noise, some of them 0.
    fn noise(instants: usize, bins: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let values = (0..instants * bins).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 24) as f32 - 0.2).max(0.0)
        });
        values.collect()
    }

    /// Every path of few instants through few bins.
    fn by_hand(bins: usize, width: usize, probabilities: &[f32]) -> Vec<usize> {
        let instants = probabilities.len() / bins;
        let weight = |a: usize, b: usize| width.saturating_sub(a.abs_diff(b)) as f64;
        let transition = |a: usize, b: usize| {
            (weight(a, b) / (0..bins).map(|b| weight(a, b)).sum::<f64>() + TINY).ln()
        };
        let paths = (0..bins.pow(instants as u32)).map(|n| -> Vec<usize> {
            (0..instants)
                .map(|t| n / bins.pow(t as u32) % bins)
                .collect()
        });
        let score = |path: &Vec<usize>| -> f64 {
            let seen = (path.iter().enumerate())
                .map(|(t, b)| (f64::from(probabilities[t * bins + b]) + TINY).ln());
            let moved = path.windows(2).map(|w| transition(w[0], w[1]));
            seen.sum::<f64>() + moved.sum::<f64>()
        };
        paths.max_by(|a, b| score(a).total_cmp(&score(b))).unwrap()
    }

    #[test]
    fn the_path_is_the_best_of_all_paths() {
        for seed in 0..40 {
            for width in [1, 2, 3, 9] {
                let probabilities = noise(5, 6, seed);
                let path = Viterbi::path(6, width, &probabilities);
                assert_eq!(
                    path,
                    by_hand(6, width, &probabilities),
                    "seed {seed}, width {width}"
                );
            }
        }
        assert!(Viterbi::path(6, 2, &[]).is_empty());
    }

    #[test]
    fn a_stream_decides_what_the_signal_up_to_then_says() {
        let probabilities = noise(30, 50, 4);
        for lag in [0, 1, 7] {
            let mut stream = Viterbi::new(50, 4, lag);
            for _round in 0..2 {
                for t in 0..30 {
                    stream.push(&probabilities[t * 50..][..50]);
                    let whole = Viterbi::path(50, 4, &probabilities[..(t + 1) * 50]);
                    let want = t.checked_sub(lag).map(|t| whole[t]);
                    assert_eq!(stream.decided(), want, "lag {lag}, instant {t}");
                }
                stream.reset();
            }
        }
    }
}

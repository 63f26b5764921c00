//! Seeded random numbers, the same on every machine: SplitMix64 (Steele, Lea and Flood, 2014).

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of this seed. Streams of different seeds are unrelated.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut stream = Self(seed ^ 0x5851_f42d_4c95_7f2d);
        stream.bits();
        stream
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Evenly between two values.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Evenly between two values by their logarithm.
    pub fn log_range(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.unit())
    }

    /// True in this share of cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Normally distributed, mean 0, variance 1 (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A cheap white sample, variance 1: evenly distributed.
    pub fn white(&mut self) -> f32 {
        3f32.sqrt() * ((self.bits() >> 40) as f32 / (1u32 << 23) as f32 - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(1);
        let count = 100_000;
        let (mut mean, mut square, mut white) = (0.0, 0.0, 0.0);
        for _ in 0..count {
            let x = random.normal();
            mean += x / f64::from(count);
            square += x * x / f64::from(count);
            white += f64::from(random.white()).powi(2) / f64::from(count);
        }
        assert!(mean.abs() < 0.02 && (square - 1.0).abs() < 0.02 && (white - 1.0).abs() < 0.02);
    }

    #[test]
    fn a_seed_gives_the_same_stream() {
        let take = |seed| {
            let mut random = Random::new(seed);
            [random.bits(), random.bits()]
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
    }
}

//! The sizes of an RVC voice, as the list in its file gives them. Constants and checks only.

/// Taps of the generator's first and last convolution.
pub(super) const OUTER_TAPS: usize = 7;

/// Which content features a voice was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 256 values: layer 9 of the content encoder, projected.
    V1,
    /// 768 values: layer 12 of the content encoder.
    V2,
}

impl Version {
    /// Values of one frame of content features.
    #[must_use]
    pub const fn features(self) -> usize {
        match self {
            Self::V1 => 256,
            Self::V2 => 768,
        }
    }

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// The sizes of a voice's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RvcConfig {
    /// Which content features it takes.
    pub version: Version,
    /// Whether it sings at a pitch given to it.
    pub has_pitch: bool,
    /// Rate of its sound in Hz.
    pub rate_hz: u32,
    /// Channels of the latent.
    pub inter: usize,
    /// Channels of the text encoder and the flow.
    pub hidden: usize,
    /// Channels inside the text encoder's feed-forward layers.
    pub filter: usize,
    /// Attention heads of the text encoder.
    pub heads: usize,
    /// Layers of the text encoder.
    pub layers: usize,
    /// Taps of the text encoder's feed-forward layers.
    pub kernel: usize,
    /// Taps of the generator's residual blocks.
    pub resblock_kernels: Vec<usize>,
    /// Dilations of each of them.
    pub resblock_dilations: Vec<Vec<usize>>,
    /// By how much each stage of the generator multiplies the rate.
    pub upsample_rates: Vec<usize>,
    /// Channels before the first stage; each halves them.
    pub upsample_initial: usize,
    /// Taps of each stage's transposed convolution.
    pub upsample_kernels: Vec<usize>,
    /// Speakers, at least 1.
    pub speakers: usize,
    /// Channels of a speaker's embedding.
    pub gin: usize,
}

/// Sizes that no voice has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct ConfigError {
    /// What a voice has.
    pub expected: &'static str,
    /// What the file says.
    pub found: String,
}

impl RvcConfig {
    /// Frames of the latent per second.
    pub const FRAMES_PER_S: u32 = 100;

    /// The sizes that the original trains a voice with a pitch with; none at a rate it does not
    /// train at. Allocates.
    #[must_use]
    pub fn original(version: Version, rate_hz: u32) -> Option<Self> {
        let (rates, kernels): (&[usize], &[usize]) = match (version, rate_hz) {
            (Version::V1, 32_000) => (&[10, 4, 2, 2, 2], &[16, 16, 4, 4, 4]),
            (Version::V1, 48_000) => (&[10, 6, 2, 2, 2], &[16, 16, 4, 4, 4]),
            (_, 40_000) => (&[10, 10, 2, 2], &[16, 16, 4, 4]),
            (Version::V2, 32_000) => (&[10, 8, 2, 2], &[20, 16, 4, 4]),
            (Version::V2, 48_000) => (&[12, 10, 2, 2], &[24, 20, 4, 4]),
            _ => return None,
        };
        Some(Self {
            version,
            has_pitch: true,
            rate_hz,
            inter: 192,
            hidden: 192,
            filter: 768,
            heads: 2,
            layers: 6,
            kernel: 3,
            resblock_kernels: vec![3, 7, 11],
            resblock_dilations: vec![vec![1, 3, 5]; 3],
            upsample_rates: rates.to_vec(),
            upsample_initial: 512,
            upsample_kernels: kernels.to_vec(),
            speakers: 109,
            gin: 256,
        })
    }

    /// Samples of sound for one frame of the latent.
    #[must_use]
    pub fn hop(&self) -> usize {
        self.upsample_rates.iter().product()
    }

    /// Samples of sound by which the generator lags: half of what its convolutions see.
    #[must_use]
    pub fn generator_lag(&self) -> usize {
        // Of the slowest kind of blocks: two convolutions for each dilation.
        let blocks = self.resblock_kernels.iter().zip(&self.resblock_dilations);
        let slowest = blocks
            .map(|(kernel, dilations)| {
                let spans = dilations.iter().map(|d| d + 1).sum::<usize>();
                kernel / 2 * spans
            })
            .max()
            .unwrap_or(0);
        let mut samples = self.hop();
        let mut lag = OUTER_TAPS / 2 * samples + OUTER_TAPS / 2;
        for (rate, kernel) in self.upsample_rates.iter().zip(&self.upsample_kernels) {
            samples /= rate;
            lag += ((kernel - rate) / 2 + slowest) * samples;
        }
        lag
    }

    /// Whether these are sizes a network can be built with, none of them beyond what any voice has
    /// by an order of magnitude: a file must not ask for all memory.
    ///
    /// # Errors
    /// The first size that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let stages = self.upsample_rates.len();
        let bounded = |sizes: &[usize], most: usize| sizes.iter().all(|n| (1..=most).contains(n));
        let dilations = self.resblock_dilations.iter().flatten();
        let dilations: Vec<usize> = dilations.copied().collect();
        let table: [(bool, &'static str, String); 9] = [
            (
                matches!(self.rate_hz, 32_000 | 40_000 | 48_000),
                "a rate of 32000, 40000 or 48000 Hz",
                format!("{}", self.rate_hz),
            ),
            (
                bounded(&[self.inter, self.hidden, self.gin], 1024)
                    && self.inter.is_multiple_of(2)
                    && bounded(&[self.filter], 8192),
                "1 to 1024 channels, an even number of the latent's",
                format!(
                    "inter {}, hidden {}, filter {}, gin {}",
                    self.inter, self.hidden, self.filter, self.gin
                ),
            ),
            (
                bounded(&[self.heads], 64) && self.hidden.is_multiple_of(self.heads.max(1)),
                "heads that divide the hidden channels",
                format!("{} heads, {} channels", self.heads, self.hidden),
            ),
            (
                bounded(&[self.layers], 48) && bounded(&[self.kernel], 31),
                "1 to 48 layers with 1 to 31 taps",
                format!("{} layers, {} taps", self.layers, self.kernel),
            ),
            (
                (1..=8).contains(&stages)
                    && self.upsample_kernels.len() == stages
                    && bounded(&self.upsample_rates, 64)
                    && (self.upsample_rates.iter().zip(&self.upsample_kernels)).all(
                        |(rate, kernel)| {
                            rate <= kernel && *kernel <= 256 && (kernel - rate).is_multiple_of(2)
                        },
                    ),
                "1 to 8 stages, each with at least as many taps as its rate",
                format!("{:?}, {:?}", self.upsample_rates, self.upsample_kernels),
            ),
            (
                self.hop() * Self::FRAMES_PER_S as usize == self.rate_hz as usize,
                "stages that multiply 100 Hz to the rate",
                format!("{:?}, {} Hz", self.upsample_rates, self.rate_hz),
            ),
            (
                bounded(&[self.upsample_initial], 4096)
                    && self.upsample_initial.is_multiple_of(1 << stages.min(16)),
                "channels that can be halved at each stage",
                format!("{}, {stages} stages", self.upsample_initial),
            ),
            (
                !self.resblock_kernels.is_empty()
                    && self.resblock_kernels.len() <= 8
                    && self.resblock_kernels.len() == self.resblock_dilations.len()
                    && self.resblock_kernels.iter().all(|k| k % 2 == 1 && *k <= 63)
                    && self
                        .resblock_dilations
                        .iter()
                        .all(|d| (1..=8).contains(&d.len()))
                    && bounded(&dilations, 64),
                "residual blocks with odd kernels and dilations",
                format!("{:?}, {:?}", self.resblock_kernels, self.resblock_dilations),
            ),
            (
                bounded(&[self.speakers], 65_536),
                "1 to 65536 speakers",
                format!("{}", self.speakers),
            ),
        ];
        match table.into_iter().find(|(is_good, ..)| !is_good) {
            None => Ok(()),
            Some((_, expected, found)) => Err(ConfigError { expected, found }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> RvcConfig {
        RvcConfig::original(Version::V2, 48_000).expect("the original has it")
    }

    #[test]
    fn what_the_original_trains_passes() {
        for version in [Version::V1, Version::V2] {
            for rate_hz in [32_000, 40_000, 48_000] {
                let config = RvcConfig::original(version, rate_hz).expect("the original has it");
                assert_eq!(config.check(), Ok(()), "{version:?} {rate_hz}");
            }
        }
        assert_eq!(RvcConfig::original(Version::V2, 44_100), None);
    }

    #[test]
    fn a_voice_passes_and_nonsense_does_not() {
        let voice = full();
        assert_eq!(voice.hop(), 480);
        assert_eq!(voice.check(), Ok(()));
        let wrong: [fn(&mut RvcConfig); 12] = [
            |c| c.rate_hz = 44_100,
            |c| c.inter = 191,
            |c| c.filter = 1 << 40,
            |c| c.heads = 5,
            |c| c.heads = 0,
            |c| c.layers = 0,
            |c| c.upsample_rates = vec![],
            |c| c.upsample_rates = vec![12, 10, 2, 4],
            |c| c.upsample_kernels = vec![24, 20, 4, 1],
            |c| c.upsample_initial = 500,
            |c| c.resblock_kernels = vec![3, 7, 12],
            |c| c.speakers = 0,
        ];
        for (at, wrong) in wrong.into_iter().enumerate() {
            let mut config = full();
            wrong(&mut config);
            assert!(config.check().is_err(), "{at}: {config:?}");
        }
    }
}

//! Voices of seeded weights, what is sung to them, and how far two sounds differ.

use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice::voice::rvc::tensors;

/// The most frames of a step.
pub const MOST: usize = 4;

/// As small as can be, with all that a voice has: rates and kernels that divide nothing evenly, blocks
/// that lag differently.
pub fn tiny(has_pitch: bool) -> RvcConfig {
    RvcConfig {
        has_pitch,
        inter: 4,
        resblock_kernels: vec![3, 5],
        resblock_dilations: vec![vec![1, 2], vec![2]],
        upsample_rates: vec![5, 2],
        upsample_kernels: vec![9, 4],
        upsample_initial: 12,
        speakers: 2,
        gin: 3,
        ..RvcConfig::original(Version::V2, 48_000).unwrap()
    }
}

/// Wide enough for every form of product, and three blocks.
pub fn wide() -> RvcConfig {
    RvcConfig {
        inter: 9,
        resblock_kernels: vec![3, 5, 3],
        resblock_dilations: vec![vec![1], vec![2], vec![3, 1]],
        upsample_rates: vec![8, 2],
        upsample_kernels: vec![12, 4],
        upsample_initial: 48,
        ..tiny(true)
    }
}

pub fn weights(config: &RvcConfig) -> Weights {
    seeded::weights(tensors(config, 21), 3).unwrap()
}

/// Seeded noise in -1..1.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// What is sung: latent and source of so many frames.
pub fn score(config: &RvcConfig, frames: usize) -> (Vec<f32>, Vec<f32>) {
    let samples = if config.has_pitch {
        frames * config.hop()
    } else {
        0
    };
    (noise(frames * config.inter, 7), noise(samples, 8))
}

/// A stretch of a score.
pub fn part<'a>(
    config: &RvcConfig,
    (z, source): &'a (Vec<f32>, Vec<f32>),
    from: usize,
    frames: usize,
) -> (&'a [f32], &'a [f32]) {
    let source = match config.has_pitch {
        true => &source[from * config.hop()..][..frames * config.hop()],
        false => &[],
    };
    (&z[from * config.inter..][..frames * config.inter], source)
}

/// The greatest difference, by the root mean square of what is wanted.
pub fn difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let power = want.iter().map(|x| x * x).sum::<f32>() / want.len() as f32;
    // A sound, that moves and is not clipped throughout.
    let moves = want
        .windows(2)
        .filter(|w| 0.01 < (w[1] - w[0]).abs())
        .count();
    assert!(want.len() < 4 * moves, "{moves} moves of {}", want.len());
    let worst = got.iter().zip(want).fold(0.0, |worst: f32, (got, want)| {
        assert!(got.is_finite(), "{got} for {want}");
        worst.max((got - want).abs())
    });
    worst / power.sqrt()
}

//! Encoders of seeded weights, what they hear, and how far two results differ.

use autovoice::model::content::ContentConfig;
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice::voice::models;

/// As small as can be, with all that an encoder has.
pub const TINY: ContentConfig = ContentConfig {
    conv: 6,
    hidden: 32,
    filter: 24,
    heads: 2,
    layers: 2,
    projected: 5,
};

/// Wide enough for every form of product.
pub const WIDE: ContentConfig = ContentConfig {
    conv: 12,
    hidden: 48,
    filter: 40,
    heads: 4,
    layers: 2,
    projected: 9,
};

pub fn weights(config: &ContentConfig) -> Weights {
    seeded::weights(models::content_tensors(config), 3).unwrap()
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

/// Sound of 16 kHz: silence, then noise that swells and fades.
pub fn wave(samples: usize) -> Vec<f32> {
    let mut wave = noise(samples, 9);
    for (n, x) in wave.iter_mut().enumerate() {
        let loud = match n {
            0..200 => 0.0,
            _ => 0.05 + 0.3 * (n as f32 / 700.0).sin().abs(),
        };
        *x *= loud;
    }
    wave
}

/// The greatest difference, by the root mean square of what is wanted.
pub fn difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let power = want.iter().map(|x| x * x).sum::<f32>() / want.len() as f32;
    assert!(1e-3 < power, "{power}: something was heard");
    let worst = got.iter().zip(want).fold(0.0, |worst: f32, (got, want)| {
        assert!(got.is_finite(), "{got} for {want}");
        worst.max((got - want).abs())
    });
    worst / power.sqrt()
}

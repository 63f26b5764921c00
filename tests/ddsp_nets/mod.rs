//! Small voices of our own: of seeded weights, and one made by hand that is as loud as its singer.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::f64::consts::TAU;

use autovoice::engine::ddsp::{DdspEngine, Ingredients};
use autovoice::model::ddsp::features::level;
use autovoice::model::ddsp::grid::BANDS;
use autovoice::model::ddsp::{DdspConfig, DecoderConfig, EncoderConfig, Statistics};
use autovoice::nn::Weights;
use autovoice::quality::seeded;

/// Of a voice that was recorded at -20 dB of full scale.
pub const STATISTICS: Statistics = Statistics {
    level: 0.464_943,
    log2_f0: 7.6,
    bandwidth_hz: 20_000.0,
};

/// Small networks.
pub fn small(ahead: usize) -> DdspConfig {
    DdspConfig {
        encoder: EncoderConfig {
            ahead,
            width: 32,
            dilations: vec![1, 2, 4],
            content: 16,
        },
        decoder: DecoderConfig {
            content: 16,
            embedding: 8,
            width: 32,
            dilations: vec![1, 2],
        },
    }
}

/// An engine of seeded weights.
pub fn engine(config: &DdspConfig, seed: u64) -> DdspEngine {
    let weights = seeded::weights(config.shapes(), seed).unwrap();
    made(config, &weights)
}

fn made(config: &DdspConfig, weights: &Weights) -> DdspEngine {
    assert!((level(0.01) - STATISTICS.level).abs() < 1e-5);
    let all = weights.root();
    let ingredients = Ingredients::of(config, &all, &all, STATISTICS).unwrap();
    DdspEngine::new(ingredients).unwrap()
}

/// What the voice made by hand says of every band.
#[derive(Clone, Copy)]
pub struct Says {
    /// Natural logarithm of the power per Hz, for a singer at full scale.
    pub ln_power: fn(usize) -> f32,
    /// Logit of the share of noise.
    pub noise: f32,
    /// Whether it is louder and softer with the singer.
    pub follows: bool,
}

/// As loud as the singer, evenly up to 20 kHz, all of it harmonics where voiced.
pub const ECHO: Says = Says {
    ln_power: |_| -9.9,
    noise: -30.0,
    follows: true,
};

/// An engine of a decoder that says so, whatever is said.
pub fn by_hand(ahead: usize, says: Says) -> DdspEngine {
    let config = DdspConfig {
        decoder: DecoderConfig {
            width: 4,
            dilations: vec![1],
            ..small(ahead).decoder
        },
        ..small(ahead)
    };
    // The level in the first channel beside two great constants, so that normalising by the
    // channels' deviation leaves it as it is but for a factor.
    const GREAT: f32 = 1_000.0;
    let deviation = (2.0 * GREAT * GREAT / 4.0f32).sqrt();
    let ins = config.decoder.content + 3;
    let plain = seeded::weights(config.shapes(), 1).unwrap();
    let tensors = config.shapes().into_iter().map(|(name, shape)| {
        let mut values = vec![0.0; shape.iter().product()];
        match name.as_str() {
            name if name.starts_with("encoder") => {
                values = plain.root().get(name, &shape).unwrap().to_vec();
            }
            "decoder.input.weight" => values[ins - 1] = 1.0,
            "decoder.input.bias" => values[1..3].copy_from_slice(&[GREAT, -GREAT]),
            "decoder.norm.weight" => values.fill(1.0),
            "decoder.head.weight" if says.follows => {
                // The mean of the channels, a quarter of the level, is taken out.
                let by = 3.0 * deviation / 0.75;
                (0..BANDS).for_each(|band| values[band * 4] = by);
            }
            "decoder.head.bias" => {
                let of_level = if says.follows { -6.0 } else { 0.0 };
                for band in 0..BANDS {
                    values[band] = (says.ln_power)(band) + of_level;
                    values[BANDS + band] = says.noise;
                }
            }
            _ => {}
        }
        (name, shape, values)
    });
    made(&config, &Weights::new(tensors.collect::<Vec<_>>()).unwrap())
}

/// A voice of `seconds`: harmonics of `pitch_hz` at an instant, 0 for silence, at about -20 dB.
pub fn sung(seconds: f64, pitch_hz: impl Fn(f64) -> f64) -> Vec<f32> {
    let mut phase = 0.0;
    (0..(seconds * 48_000.0) as usize)
        .map(|n| {
            let hz = pitch_hz(n as f64 / 48_000.0);
            phase += hz / 48_000.0;
            let waves = (1..=12).map(|k| (TAU * f64::from(k) * phase).sin() / f64::from(k));
            (if hz > 0.0 {
                0.11 * waves.sum::<f64>()
            } else {
                0.0
            }) as f32
        })
        .collect()
}

//! Small voices of our own: of seeded weights, and one made by hand that is as loud as its singer.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::f64::consts::TAU;

use autovoice::engine::ddsp::{Company, DdspEngine, Ingredients, Speaker};
use autovoice::engine::morph::CORNERS;
use autovoice::model::ddsp::features::BANDS as MELS;
use autovoice::model::ddsp::grid::BANDS;
use autovoice::model::ddsp::{DdspConfig, Decoder, DecoderConfig, EncoderConfig, Statistics};
use autovoice::nn::Weights;
use autovoice::quality::seeded;

/// Of a voice that ends at 20 kHz.
pub const STATISTICS: Statistics = Statistics {
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
    let all = weights.root();
    let ingredients = Ingredients::of(config, &all, &all, STATISTICS).unwrap();
    DdspEngine::new(ingredients).unwrap()
}

/// A voice at a corner of the morph pad: its sizes, its weights, and where it ends in Hz.
pub struct AtCorner {
    pub config: DdspConfig,
    pub weights: Weights,
    pub bandwidth_hz: f32,
}

impl AtCorner {
    /// Of seeded weights, with blocks of these dilations.
    pub fn seeded(seed: u64, dilations: &[usize], bandwidth_hz: f32) -> Self {
        let mut config = small(1);
        config.decoder.dilations = dilations.to_vec();
        Self {
            weights: seeded::weights(config.shapes(), seed).unwrap(),
            config,
            bandwidth_hz,
        }
    }

    /// One that says so, made by hand.
    pub fn by_hand(says: Says) -> Self {
        let (config, weights) = hand_made(1, says);
        Self {
            config,
            weights,
            bandwidth_hz: STATISTICS.bandwidth_hz,
        }
    }

    /// What an engine of it alone is made of.
    pub fn ingredients(&self) -> Ingredients {
        let all = self.weights.root();
        Ingredients::of(&self.config, &all, &all, STATISTICS).unwrap()
    }

    /// It as it speaks in the engine of another.
    pub fn speaker(&self) -> Speaker {
        let voice = self.weights.root();
        let (embedding, shape) = self.config.decoder.embedding_shape();
        Speaker {
            decoder: Decoder::new(&self.config.decoder, &voice).unwrap(),
            embedding: voice.get(&embedding, &shape).unwrap().to_vec(),
            bandwidth_hz: self.bandwidth_hz,
        }
    }
}

/// The engine of the voice at the corner `own`, which hears as the first does, in the company of the
/// others.
pub fn among(own: usize, corners: &[Option<AtCorner>; CORNERS]) -> DdspEngine {
    let present = |at: usize| corners[at].as_ref().unwrap();
    let (ear, voice) = (present(0), present(own));
    let config = DdspConfig {
        encoder: ear.config.encoder.clone(),
        decoder: voice.config.decoder.clone(),
    };
    let statistics = Statistics {
        bandwidth_hz: voice.bandwidth_hz,
        ..STATISTICS
    };
    let (ear, voice) = (ear.weights.root(), voice.weights.root());
    let mut ingredients = Ingredients::of(&config, &ear, &voice, statistics).unwrap();
    ingredients.company = Company {
        corner: Some(own),
        others: std::array::from_fn(|at| {
            let other = corners[at].as_ref().filter(|_| at != own);
            other.map(AtCorner::speaker)
        }),
    };
    DdspEngine::new(ingredients).unwrap()
}

/// What the voice made by hand says of every band.
#[derive(Clone, Copy)]
pub struct Says {
    /// Natural logarithm of the power per Hz.
    pub ln_power: fn(usize) -> f32,
    /// Logit of the share of noise.
    pub noise: f32,
    /// Whether it is louder and softer with the singer.
    pub follows: bool,
}

/// Louder and softer with the singer, evenly up to 20 kHz, all of it harmonics where voiced.
pub const ECHO: Says = Says {
    ln_power: |_| -14.0,
    noise: -30.0,
    follows: true,
};

/// Bands up to 1.8 kHz, as far as what is sung here reaches: above there is nothing but the floor of
/// what encoders hear, which no level moves.
const SUNG: usize = 40;

/// An engine of a decoder that says so, whatever is said: the content has the mean of what the
/// encoder hears of [`SUNG`] bands, which is a quarter of the logarithm of its power, and nothing
/// else.
pub fn by_hand(ahead: usize, says: Says) -> DdspEngine {
    let (config, weights) = hand_made(ahead, says);
    made(&config, &weights)
}

fn hand_made(ahead: usize, says: Says) -> (DdspConfig, Weights) {
    let plain = small(ahead);
    let config = DdspConfig {
        encoder: EncoderConfig {
            width: 4,
            dilations: vec![1],
            ..plain.encoder
        },
        decoder: DecoderConfig {
            width: 4,
            dilations: vec![1],
            ..plain.decoder
        },
    };
    // It goes through the first channel beside two great constants, so that normalising by the
    // channels' deviation leaves it as it is but for a factor; the mean of the channels, a quarter
    // of it, is taken out.
    const GREAT: f32 = 1_000.0;
    let whole = (2.0 * GREAT * GREAT / 4.0f32).sqrt() / 0.75;
    let tensors = config.shapes().into_iter().map(|(name, shape)| {
        let mut values = vec![0.0; shape.iter().product()];
        match name.as_str() {
            "encoder.input.weight" => {
                let taps = 2 * ahead + 1;
                let now = values[..MELS * taps].iter_mut().skip(ahead).step_by(taps);
                now.take(SUNG).for_each(|x| *x = 1.0 / SUNG as f32);
            }
            "encoder.content.weight" => values[0] = whole,
            "decoder.input.weight" => values[0] = 1.0,
            "encoder.input.bias" | "decoder.input.bias" => {
                values[1..3].copy_from_slice(&[GREAT, -GREAT]);
            }
            "encoder.norm.weight" | "decoder.norm.weight" => values.fill(1.0),
            "decoder.head.weight" if says.follows => {
                (0..BANDS).for_each(|band| values[band * 4] = 4.0 * whole);
            }
            "decoder.head.bias" => {
                for band in 0..BANDS {
                    values[band] = (says.ln_power)(band);
                    values[BANDS + band] = says.noise;
                }
            }
            _ => {}
        }
        (name, shape, values)
    });
    let weights = Weights::new(tensors.collect::<Vec<_>>()).unwrap();
    (config, weights)
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

/// The level of the sine of `hz` in a window at 48 kHz, in dB of full scale.
pub fn tone_db(window: &[f32], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, x) in window.iter().enumerate() {
        let turn = TAU * hz * n as f64 / 48_000.0;
        // Hann.
        let x = f64::from(*x) * (1.0 - (TAU * n as f64 / window.len() as f64).cos());
        re += x * turn.cos();
        im += x * turn.sin();
    }
    10.0 * (2.0 * (re * re + im * im) / (window.len() as f64).powi(2) + 1e-20).log10()
}

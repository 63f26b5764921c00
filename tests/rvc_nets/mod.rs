//! Small RVC voices and content encoders of seeded weights, and what is sung to them.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use autovoice::bridge::Second;
use autovoice::engine::beside::Beside;
use autovoice::engine::rvc::{Ingredients, Part, Reach, RvcEngine, Supplies};
use autovoice::model::content::{ContentConfig, Encoder};
use autovoice::model::rvc::{RvcConfig, Synthesizer, Version};
use autovoice::quality::seeded;
use autovoice::voice::models::content_tensors;
use autovoice::voice::rvc::tensors;
use std::f64::consts::TAU;

/// As wide as voices ask for, and as small as can be otherwise.
pub const ENCODER: ContentConfig = ContentConfig {
    conv: 32,
    hidden: 768,
    filter: 64,
    heads: 12,
    layers: 2,
    projected: 256,
};

/// A small voice of one of the rates.
pub fn small(version: Version, rate_hz: u32, has_pitch: bool) -> RvcConfig {
    RvcConfig {
        has_pitch,
        inter: 16,
        hidden: 16,
        filter: 32,
        layers: 2,
        upsample_initial: 32,
        speakers: 3,
        gin: 8,
        ..RvcConfig::original(version, rate_hz).expect("it is trained at")
    }
}

pub fn encoder() -> Encoder {
    let weights = seeded::weights(content_tensors(&ENCODER), 1).unwrap();
    Encoder::new(&ENCODER, &weights.root()).unwrap()
}

/// A voice, built for how far it looks.
pub fn voice(reach: Reach, config: &RvcConfig) -> Synthesizer {
    let weights = seeded::weights(tensors(config, 21), 2).unwrap();
    Synthesizer::new(config, reach.spans(), &weights.root()).unwrap()
}

pub fn engine(reach: Reach, config: &RvcConfig) -> RvcEngine {
    engine_with(reach, config, Supplies::default())
}

/// An engine that may do things on a device.
pub fn engine_with(reach: Reach, config: &RvcConfig, supplies: Supplies) -> RvcEngine {
    let voice = voice(reach, config);
    let beside: Option<Box<dyn Beside<Box<Part>>>> = match reach.threads {
        1 => None,
        _ => Some(Box::new(Second::spawn().unwrap())),
    };
    RvcEngine::new(Ingredients {
        reach,
        encoder: &encoder(),
        voice,
        retrieval: None,
        seed: 1,
        beside,
        supplies,
    })
    .unwrap()
}

/// A voice of `seconds`: silence, then harmonics of `pitch_hz` at an instant, 0 for silence.
pub fn sung(rate_hz: u32, seconds: f64, pitch_hz: impl Fn(f64) -> f64) -> Vec<f32> {
    let mut phase = 0.0;
    (0..(seconds * f64::from(rate_hz)) as usize)
        .map(|n| {
            let hz = pitch_hz(n as f64 / f64::from(rate_hz));
            phase += hz / f64::from(rate_hz);
            let waves = (1..=12).map(|k| (TAU * f64::from(k) * phase).sin() / f64::from(k));
            (if hz > 0.0 {
                0.2 * waves.sum::<f64>()
            } else {
                0.0
            }) as f32
        })
        .collect()
}

/// How many decibels the harmonics of `hz` up to 1 kHz lie above those of `other`, those of both
/// left out, in the mean over 50 ms from `from` on.
pub fn more_of(signal: &[f32], rate_hz: u32, from: usize, hz: f64, other: f64) -> f64 {
    let window = &signal[from..from + rate_hz as usize / 20];
    let level = |hz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in window.iter().enumerate() {
            let turn = TAU * hz * n as f64 / f64::from(rate_hz);
            // Hann.
            let x = f64::from(*x) * (1.0 - (TAU * n as f64 / window.len() as f64).cos());
            re += x * turn.cos();
            im += x * turn.sin();
        }
        10.0 * (re * re + im * im + 1e-12).log10()
    };
    let mean = |hz: f64, other: f64| {
        let harmonics = (1..)
            .map(|k| hz * f64::from(k))
            .take_while(|hz| *hz < 1_000.0);
        let apart = |hz: &f64| ((hz / other).round() * other - hz).abs() > 40.0;
        let levels: Vec<f64> = harmonics.filter(apart).map(level).collect();
        levels.iter().sum::<f64>() / levels.len() as f64
    };
    mean(hz, other) - mean(other, hz)
}

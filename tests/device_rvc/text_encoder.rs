//! The text encoder.

use autovoice::model::rvc::{DeviceTextEncoder, RvcConfig, TextEncoder};
use autovoice_emulator::{Emulator, twins};
use autovoice_kernels::gpu::{Device, Precision};

use crate::nets::{difference, noise, tiny, weights};

const LONGEST: usize = 12;

twins! {
    a_text_encoder_gives_what_that_of_the_cpu_does
    with_weights_of_half_precision_a_text_encoder_is_near_it
}

/// Small, with features of the usual width and attention that reaches beyond a window.
fn small(has_pitch: bool) -> RvcConfig {
    RvcConfig {
        hidden: 12,
        filter: 20,
        layers: 2,
        ..tiny(has_pitch)
    }
}

/// Windows one after the other, a shorter one after a longer.
fn windows<D: Device>(
    device: &D,
    config: &RvcConfig,
    precision: Precision,
) -> (Vec<f32>, Vec<f32>) {
    let weights = weights(config);
    let part_of = weights.root().part("enc_p");
    let mut cpu = TextEncoder::new(config, LONGEST, &part_of).unwrap();
    let sizes = (LONGEST, precision);
    let mut there = DeviceTextEncoder::new(device, config, sizes, &part_of).unwrap();
    let values = config.version.features();
    let features = noise(LONGEST * values, 5);
    let pitch: Vec<u8> = (0..LONGEST).map(|n| (1 + 23 * n) as u8).collect();
    let (mut got, mut want) = (Vec::new(), Vec::new());
    for (frames, from) in [(7, 2), (12, 0), (3, 2)] {
        let heard = (&features[..frames * values], &pitch[..frames]);
        want.extend_from_slice(cpu.forward(heard.0, heard.1, from));
        let mut y = vec![f32::NAN; (frames - from) * 2 * config.inter];
        there.forward(device, heard, from, &mut y).unwrap();
        got.extend_from_slice(&y);
    }
    (got, want)
}

fn a_text_encoder_gives_what_that_of_the_cpu_does<D: Device>(device: &D) {
    for has_pitch in [true, false] {
        let (got, want) = windows(device, &small(has_pitch), Precision::Full);
        let found = difference(&got, &want);
        assert!(found < 1e-5, "{found}");
    }
}

fn with_weights_of_half_precision_a_text_encoder_is_near_it<D: Device>(device: &D) {
    let (got, want) = windows(device, &small(true), Precision::Half);
    let found = difference(&got, &want);
    assert!(found < 1e-2, "{found}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let config = small(true);
    let weights = weights(&config);
    let part_of = weights.root().part("enc_p");
    let sizes = (LONGEST, Precision::Full);
    let mut there = DeviceTextEncoder::new(&device, &config, sizes, &part_of).unwrap();
    let values = config.version.features();
    let (features, pitch) = (vec![0.0; 13 * values], [1; 13]);
    let mut y = vec![0.0; 13 * 2 * config.inter];
    for (frames, heard, from, gives, expected) in [
        (13, 13, 0, 13, "frames of a window"),
        (2, 2, 3, 0, "frames of a window"),
        (2, 1, 0, 2, "values of features"),
        (2, 2, 1, 2, "values of the prior"),
    ] {
        let given = (&features[..heard * values], &pitch[..frames]);
        let y = &mut y[..gives * 2 * config.inter];
        let found = there.forward(&device, given, from, y).unwrap_err();
        assert!(found.to_string().contains(expected), "{expected}: {found}");
    }
}

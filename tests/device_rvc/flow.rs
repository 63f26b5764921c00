//! The flow.

use autovoice::model::rvc::{DeviceFlow, Flow, RvcConfig};
use autovoice::nn::Bounds;
use autovoice_emulator::{Emulator, twins};
use autovoice_kernels::gpu::{Device, Precision};

use crate::nets::{difference, part, score, tiny, weights};

/// Frames of a step, of which some are only looked at.
const STEPS: [(usize, usize); 6] = [(2, 3), (1, 0), (3, 2), (1, 4), (2, 1), (3, 0)];
const MOST: usize = 5;

twins! {
    a_flow_is_the_stream_of_the_cpu
    with_weights_of_half_precision_a_flow_is_near_it
}

/// Both streams by steps, with a reset in the middle, and an end before the last.
fn streams<D: Device>(
    device: &D,
    config: &RvcConfig,
    precision: Precision,
) -> (Vec<f32>, Vec<f32>) {
    let weights = weights(config);
    let part_of = weights.root().part("flow");
    let mut cpu = Flow::new(config, MOST, &part_of).unwrap();
    let mut there = DeviceFlow::new(device, config, (MOST, precision), &part_of).unwrap();
    let embedding = [0.7, -1.1, 0.4];
    cpu.set_speaker(&embedding);
    there.set_speaker(device, &embedding).unwrap();
    let total: usize = STEPS.iter().map(|(decided, _)| decided).sum();
    let score = score(config, total + MOST);
    let (mut got, mut want) = (Vec::new(), Vec::new());
    let ended = Bounds {
        end: total as i64 - 1,
    };
    for (bounds, count) in [(Bounds::OPEN, 2), (ended, STEPS.len())] {
        cpu.reset();
        there.reset(device).unwrap();
        let mut at = 0;
        for (decided, ahead) in &STEPS[..count] {
            let (z, _) = part(config, &score, at, decided + ahead);
            want.extend_from_slice(cpu.step(z, *decided, bounds));
            let mut y = vec![f32::NAN; z.len()];
            there.step(device, (z, *decided), bounds, &mut y).unwrap();
            got.extend_from_slice(&y);
            at += decided;
        }
    }
    (got, want)
}

/// Few channels, and enough of them for every form of product.
fn sizes() -> [RvcConfig; 2] {
    let tiny = tiny(false);
    let wide = RvcConfig {
        inter: 10,
        hidden: 36,
        ..tiny.clone()
    };
    let tiny = RvcConfig { hidden: 3, ..tiny };
    [tiny, wide]
}

fn a_flow_is_the_stream_of_the_cpu<D: Device>(device: &D) {
    for config in sizes() {
        let (got, want) = streams(device, &config, Precision::Full);
        let found = difference(&got, &want);
        assert!(found < 1e-5, "{found}, {config:?}");
    }
}

fn with_weights_of_half_precision_a_flow_is_near_it<D: Device>(device: &D) {
    let [_, wide] = sizes();
    let (got, want) = streams(device, &wide, Precision::Half);
    let found = difference(&got, &want);
    assert!(found < 3e-3, "{found}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let [config, _] = sizes();
    let weights = weights(&config);
    let part_of = weights.root().part("flow");
    let sizes = (MOST, Precision::Full);
    let mut stream = DeviceFlow::new(&device, &config, sizes, &part_of).unwrap();
    let z = vec![0.0; (MOST + 1) * config.inter];
    let mut y = z.clone();
    for (count, decided, gives, expected) in [
        (
            (MOST + 1) * config.inter,
            1,
            (MOST + 1) * config.inter,
            "frames of a step",
        ),
        (config.inter, 2, config.inter, "frames of a step"),
        (config.inter + 1, 1, config.inter + 1, "values of the prior"),
        (config.inter, 1, config.inter - 1, "values of the latent"),
    ] {
        let given = (&z[..count], decided);
        let found = stream.step(&device, given, Bounds::OPEN, &mut y[..gives]);
        assert!(
            found.unwrap_err().to_string().contains(expected),
            "{expected}"
        );
    }
}

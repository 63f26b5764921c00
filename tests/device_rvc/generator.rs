//! The generator.

use autovoice::model::rvc::{DeviceGenerator, Generator, RvcConfig};
use autovoice::nn::Bounds;
use autovoice_emulator::{Emulator, twins};
use autovoice_kernels::gpu::{Device, Precision};

use crate::nets::{MOST, difference, part, score, tiny, weights, wide};

twins! {
    a_generator_is_the_stream_of_the_cpu
    with_weights_of_half_precision_a_generator_is_near_it
    what_would_follow_is_what_the_cpu_says_and_leaves_the_stream_alone
}

/// Both streams by steps of these frames, with a reset in the middle, and an end before the last.
fn streams<D: Device>(
    device: &D,
    config: &RvcConfig,
    precision: Precision,
    steps: &[usize],
) -> (Vec<f32>, Vec<f32>) {
    let weights = weights(config);
    let part_of = weights.root().part("dec");
    let mut cpu = Generator::new(config, MOST, &part_of).unwrap();
    let mut there = DeviceGenerator::new(device, config, (MOST, precision), &part_of).unwrap();
    assert_eq!(there.lag(), cpu.lag());
    let embedding = [0.7, -1.1, 0.4];
    cpu.set_speaker(&embedding);
    there.set_speaker(device, &embedding).unwrap();
    let total: usize = steps.iter().sum();
    let score = score(config, total);
    let (mut got, mut want) = (Vec::new(), Vec::new());
    for bounds in [
        Bounds::OPEN,
        Bounds {
            end: total as i64 - 2,
        },
    ] {
        cpu.reset();
        there.reset(device).unwrap();
        let mut at = 0;
        // The first time it is left in the middle of the signal.
        let count = if bounds == Bounds::OPEN {
            steps.len() / 2
        } else {
            steps.len()
        };
        for frames in &steps[..count] {
            let (z, source) = part(config, &score, at, *frames);
            let mut y = vec![f32::NAN; frames * config.hop()];
            cpu.step(z, source, bounds, &mut y);
            want.extend_from_slice(&y);
            y.fill(f32::NAN);
            there.step(device, (z, source), bounds, &mut y).unwrap();
            got.extend_from_slice(&y);
            at += frames;
        }
    }
    (got, want)
}

fn a_generator_is_the_stream_of_the_cpu<D: Device>(device: &D) {
    for (config, steps) in [
        (tiny(true), &[1, 3, 4, 2, 1, 3, 4][..]),
        (tiny(false), &[4, 1, 3, 4]),
        (wide(), &[3, 1, 2, 4]),
    ] {
        let (got, want) = streams(device, &config, Precision::Full, steps);
        let found = difference(&got, &want);
        assert!(found < 1e-5, "{found}, {config:?}");
    }
}

fn with_weights_of_half_precision_a_generator_is_near_it<D: Device>(device: &D) {
    let (got, want) = streams(device, &wide(), Precision::Half, &[3, 1, 2, 4]);
    let found = difference(&got, &want);
    assert!(found < 1e-2, "{found}");
}

fn what_would_follow_is_what_the_cpu_says_and_leaves_the_stream_alone<D: Device>(device: &D) {
    let config = tiny(true);
    let weights = weights(&config);
    let part_of = weights.root().part("dec");
    let Generator {
        mut opening,
        mut closing,
        ..
    } = Generator::new(&config, MOST, &part_of).unwrap();
    let (mut opening_copy, mut closing_copy) = (opening.clone(), closing.clone());
    let sizes = (MOST, Precision::Full);
    let mut there = DeviceGenerator::new(device, &config, sizes, &part_of).unwrap();
    let embedding = [0.7, -1.1, 0.4];
    opening.set_speaker(&embedding);
    there.set_speaker(device, &embedding).unwrap();
    let mut copy = there.another(device).unwrap();
    let score = score(&config, 13);
    let silence = vec![0.0; MOST * config.hop().max(config.inter)];
    let (mut got, mut want) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (frames, beyond) in [(4, 3), (2, 4), (3, 2), (4, 4)] {
        let (z, source) = part(&config, &score, at, frames);
        for (frames, is_beyond) in [(frames, false), (beyond, true)] {
            let mut begun = vec![f32::NAN; frames * opening.outs()];
            let mut y = vec![f32::NAN; frames * config.hop()];
            if is_beyond {
                opening.beyond(&mut opening_copy, &silence, &mut begun);
                closing.beyond(&mut closing_copy, &begun, &silence, &mut y);
            } else {
                opening.step(z, source, Bounds::OPEN, &mut begun);
                closing.step(&begun, source, Bounds::OPEN, &mut y);
            }
            want.extend_from_slice(&y);
            y.fill(f32::NAN);
            match is_beyond {
                true => there.beyond(device, &mut copy, &mut y).unwrap(),
                false => {
                    let heard = (z, source);
                    there.step(device, heard, Bounds::OPEN, &mut y).unwrap();
                }
            }
            got.extend_from_slice(&y);
        }
        at += frames;
    }
    let found = difference(&got, &want);
    assert!(found < 1e-5, "{found}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let config = tiny(true);
    let weights = weights(&config);
    let part_of = weights.root().part("dec");
    let sizes = (MOST, Precision::Full);
    let mut stream = DeviceGenerator::new(&device, &config, sizes, &part_of).unwrap();
    let score = score(&config, MOST + 1);
    let (z, source) = part(&config, &score, 0, MOST);
    let hop = config.hop();
    let mut y = vec![0.0; (MOST + 1) * hop];
    let table: [(&[f32], &[f32], usize, &str); 5] = [
        (
            &score.0,
            &score.1,
            (MOST + 1) * hop,
            "frames of a step: expected no more",
        ),
        (&z[1..], source, MOST * hop, "values of the latent"),
        (z, &source[1..], MOST * hop, "samples of the source"),
        (z, &[], MOST * hop, "samples of the source"),
        (z, source, MOST * hop - 1, "samples of sound"),
    ];
    for (z, source, samples, expected) in table {
        let found = stream.step(&device, (z, source), Bounds::OPEN, &mut y[..samples]);
        assert!(
            found.unwrap_err().to_string().contains(expected),
            "{expected}"
        );
    }
    let found = stream.set_speaker(&device, &[0.0; 2]).unwrap_err();
    assert!(
        found.to_string().contains("values of an embedding"),
        "{found}"
    );
    let other = tiny(false);
    let found = DeviceGenerator::new(&device, &wide(), sizes, &part_of);
    let found = found.err().unwrap();
    assert!(found.to_string().contains("expected [48, 9, 7]"), "{found}");
    assert!(DeviceGenerator::new(&device, &other, sizes, &part_of).is_ok());
}

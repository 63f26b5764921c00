//! The front.

use autovoice::model::content::{ContentConfig, DeviceFront, Front, HOP, Loudness};
use autovoice_emulator::{Emulator, twins};
use autovoice_kernels::gpu::{Device, Precision};

use crate::nets::{TINY, WIDE, difference, wave, weights};

twins! {
    a_front_is_the_stream_of_the_cpu
    a_front_takes_the_loudness_of_a_whole_step_too
    with_weights_of_half_precision_a_front_is_near_it
}

const MOST: usize = 2 * HOP;

/// Both streams by steps of these samples, with a reset after the third.
fn streams<D: Device>(
    device: &D,
    config: &ContentConfig,
    precision: Precision,
    steps: &[usize],
    loudness: Loudness,
) -> (Vec<f32>, Vec<f32>) {
    let weights = weights(config);
    let root = weights.root();
    let mut cpu = Front::new(config, MOST, &root).unwrap();
    let sizes = (MOST, 3, precision);
    let mut there = DeviceFront::new(device, config, sizes, &root).unwrap();
    let wave = wave(steps.iter().sum());
    let (mut got, mut want) = (Vec::new(), Vec::new());
    for count in [3, steps.len()] {
        cpu.reset();
        there.reset(device).unwrap();
        let mut at = 0;
        for samples in &steps[..count] {
            let heard = &wave[at..at + samples];
            let mut y = vec![f32::NAN; Front::max_output(*samples) * config.hidden];
            let frames = cpu.step(heard, loudness, &mut y);
            want.extend_from_slice(&y[..frames * config.hidden]);
            y.fill(f32::NAN);
            assert_eq!(there.completes(*samples), frames);
            let found = there.step(device, (heard, loudness), &mut y).unwrap();
            assert_eq!(found, frames);
            got.extend_from_slice(&y[..frames * config.hidden]);
            at += samples;
        }
    }
    (got, want)
}

/// A hop ends where a frame does, after the first; then steps of any size, and some that complete nothing.
const STEPS: [usize; 12] = [80, 640, 320, 320, 640, 7, 0, 333, 640, 3, 2, 601];

fn a_front_is_the_stream_of_the_cpu<D: Device>(device: &D) {
    for config in [TINY, WIDE] {
        let (got, want) = streams(device, &config, Precision::Full, &STEPS, Loudness::Running);
        let found = difference(&got, &want);
        assert!(found < 1e-5, "{found}, {config:?}");
    }
}

fn a_front_takes_the_loudness_of_a_whole_step_too<D: Device>(device: &D) {
    let (got, want) = streams(
        device,
        &TINY,
        Precision::Full,
        &[640, 500, 640],
        Loudness::Whole,
    );
    let found = difference(&got, &want);
    assert!(found < 1e-5, "{found}");
}

fn with_weights_of_half_precision_a_front_is_near_it<D: Device>(device: &D) {
    let (got, want) = streams(device, &WIDE, Precision::Half, &STEPS, Loudness::Running);
    let found = difference(&got, &want);
    assert!(found < 1e-2, "{found}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let weights = weights(&TINY);
    let sizes = (MOST, 0, Precision::Full);
    let mut there = DeviceFront::new(&device, &TINY, sizes, &weights.root()).unwrap();
    let wave = wave(MOST + 1);
    let mut y = vec![0.0; 2 * TINY.hidden - 1];
    for (samples, expected) in [(MOST + 1, "samples of a step"), (MOST, "values of frames")] {
        // A second step of as many would complete two frames.
        let heard = (&wave[..samples], Loudness::Running);
        let first = there.step(&device, heard, &mut y);
        let found = match first {
            Err(error) => error,
            Ok(_) => there.step(&device, heard, &mut y).unwrap_err(),
        };
        assert!(found.to_string().contains(expected), "{found}");
    }
}

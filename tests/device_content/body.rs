//! The body.

use autovoice::model::content::{Body, ContentConfig, DeviceBody, Output, Reach};
use autovoice_emulator::{Emulator, twins};
use autovoice_kernels::gpu::{Device, Precision};

use crate::nets::{TINY, WIDE, difference, noise, weights};

twins! {
    a_body_is_the_stream_of_the_cpu
    with_weights_of_half_precision_a_body_is_near_it
}

const REACH: Reach = Reach { most: 10, past: 5 };

const PROJECTED: Output = Output {
    layers: 1,
    is_projected: true,
};
/// More layers than there are.
const ALL: Output = Output {
    layers: 12,
    is_projected: false,
};

/// Frames and those decided on: more than attention sees, longer steps and shorter ones.
const STEPS: [(usize, usize); 10] = [
    (3, 2),
    (1, 1),
    (10, 4),
    (4, 1),
    (4, 4),
    (9, 8),
    (2, 0),
    (3, 2),
    (3, 3),
    (10, 3),
];

/// Both streams, with a reset after the fourth step.
fn streams<D: Device>(
    device: &D,
    config: &ContentConfig,
    output: Output,
    precision: Precision,
) -> (Vec<f32>, Vec<f32>) {
    let weights = weights(config);
    let root = weights.root();
    let cpu = Body::new(config, REACH, &root).unwrap();
    let mut cpu = cpu.taking(output, REACH).unwrap();
    let sizes = (output, REACH, precision);
    let mut there = DeviceBody::new(device, config, sizes, &root).unwrap();
    assert_eq!((there.ins(), there.outs()), (cpu.ins(), cpu.outs()));
    let total: usize = STEPS.iter().map(|(_, decided)| decided).sum();
    let x = noise((total + REACH.most) * config.hidden, 5);
    let (mut got, mut want) = (Vec::new(), Vec::new());
    for count in [4, STEPS.len()] {
        cpu.reset();
        there.reset(device).unwrap();
        let mut at = 0;
        for (frames, decided) in &STEPS[..count] {
            let x = &x[at * config.hidden..][..frames * config.hidden];
            want.extend_from_slice(cpu.step(x, *decided));
            let mut y = vec![f32::NAN; frames * there.outs()];
            there.step(device, (x, *decided), &mut y).unwrap();
            got.extend_from_slice(&y);
            at += decided;
        }
    }
    (got, want)
}

fn a_body_is_the_stream_of_the_cpu<D: Device>(device: &D) {
    for (config, output) in [(TINY, ALL), (TINY, PROJECTED), (WIDE, ALL)] {
        let (got, want) = streams(device, &config, output, Precision::Full);
        let found = difference(&got, &want);
        assert!(found < 1e-5, "{found}, {output:?}");
    }
}

fn with_weights_of_half_precision_a_body_is_near_it<D: Device>(device: &D) {
    let (got, want) = streams(device, &WIDE, ALL, Precision::Half);
    let found = difference(&got, &want);
    assert!(found < 1e-2, "{found}");
}

#[test]
fn another_stream_is_at_its_beginning() {
    let device = Emulator::default();
    let weights = weights(&TINY);
    let sizes = (ALL, REACH, Precision::Full);
    let mut first = DeviceBody::new(&device, &TINY, sizes, &weights.root()).unwrap();
    let x = noise(4 * TINY.hidden, 5);
    let step = |stream: &mut DeviceBody<_>, decided: usize| {
        let mut y = vec![f32::NAN; x.len()];
        stream.step(&device, (&x, decided), &mut y).unwrap();
        y
    };
    let (want, later) = (step(&mut first, 4), step(&mut first, 4));
    assert_ne!(want, later);
    let mut second = first.another(&device).unwrap();
    assert_eq!(step(&mut second, 2), want);
    assert_ne!(step(&mut first, 2), want);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let weights = weights(&TINY);
    let sizes = (ALL, REACH, Precision::Full);
    let mut there = DeviceBody::new(&device, &TINY, sizes, &weights.root()).unwrap();
    let hidden = TINY.hidden;
    let x = vec![0.0; 11 * hidden];
    let mut y = x.clone();
    for (values, decided, gives, expected) in [
        (11 * hidden, 1, 11 * hidden, "frames of a step"),
        (2 * hidden, 3, 2 * hidden, "frames of a step"),
        (hidden + 1, 1, hidden, "values of frames"),
        (hidden, 1, hidden - 1, "values of content"),
    ] {
        let given = (&x[..values], decided);
        let found = there.step(&device, given, &mut y[..gives]).unwrap_err();
        assert!(found.to_string().contains(expected), "{expected}: {found}");
    }
    let none = autovoice::nn::Weights::new(Vec::<(String, Vec<usize>, Vec<f32>)>::new()).unwrap();
    assert!(DeviceBody::new(&device, &TINY, sizes, &none.root()).is_err());
}

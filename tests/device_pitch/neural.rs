//! Our own pitch network on a device against that on the CPU, and what it costs.

use std::sync::Arc;

use autovoice::model::pitch::features::{BINS, CHANNELS, Features, HOP, SPAN, grid_place};
use autovoice::model::pitch::{DevicePitchNet, PitchNet, embedded};
use autovoice_emulator::{Emulator, Tally, twins};
use autovoice_kernels::gpu::{Device, Precision};

twins! {
    a_stream_is_that_of_the_cpu
}

/// What is looked at of each of so many instants: a voice that rises, and noise with it.
fn features(instants: usize) -> Vec<Vec<f32>> {
    let mut state = 7u32;
    let mut phase = 0f32;
    let signal: Vec<f32> = (0..SPAN + instants * HOP)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            phase += (0.07 + 1e-5 * n as f32) % std::f32::consts::TAU;
            0.2 * (phase.sin() + 0.5 * (2.0 * phase).sin() + 0.1 * noise)
        })
        .collect();
    let mut looks = Features::new();
    let instants = (0..instants).map(|n| {
        let mut seen = vec![0.0; BINS * CHANNELS];
        looks.frame(&signal[n * HOP..][..SPAN], &mut seen);
        seen
    });
    instants.collect()
}

/// Of more instants than the past has, with a reset among them: the second stream of the weights.
fn a_stream_is_that_of_the_cpu<D: Device>(device: &D) {
    let weights = Arc::new(embedded().clone());
    let mut cpu = PitchNet::new(&weights).unwrap();
    let there = DevicePitchNet::new(device, Precision::Full, &weights).unwrap();
    let mut there = there.another(device).unwrap();
    let mut heard = 0;
    for (n, features) in features(7).iter().enumerate() {
        if n == 5 {
            cpu.reset();
            there.reset(device).unwrap();
        }
        cpu.features().copy_from_slice(features);
        let want = cpu.step();
        let got = there.step(device, features).unwrap();
        let pairs = there.posteriorgram().iter().zip(cpu.posteriorgram());
        let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-5, "instant {n}: {worst}");
        let places = [got, want].map(|said| grid_place(f64::from(said.f0_hz)));
        let apart = (places[0] - places[1]).abs();
        assert!(apart < 1e-3, "instant {n}: {got:?} for {want:?}");
        assert!((got.voicing - want.voicing).abs() < 2e-5, "instant {n}");
        heard += usize::from(0.5 < want.voicing);
    }
    assert!(0 < heard, "there is a voice in it");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let weights = Arc::new(embedded().clone());
    let mut there = DevicePitchNet::new(&device, Precision::Full, &weights).unwrap();
    let found = there.step(&device, &vec![0.0; BINS * CHANNELS - 1]);
    let found = found.unwrap_err().to_string();
    assert!(found.contains("features of an instant"), "{found}");
    let none = Arc::new(autovoice::nn::Weights::new([]).unwrap());
    assert!(DevicePitchNet::new(&device, Precision::Full, &none).is_err());
}

#[test]
fn a_step_is_always_the_same_launches() {
    let device = Tally::new(132);
    let weights = Arc::new(embedded().clone());
    let mut there = DevicePitchNet::new(&device, Precision::Full, &weights).unwrap();
    let all = device.bytes();
    drop(there.another(&device).unwrap());
    let one = device.bytes() - all;
    let mut turn = || {
        let before = (device.allocations(), device.uploads(), device.downloads());
        let features = vec![0.0; BINS * CHANNELS];
        there.step(&device, &features).unwrap();
        let after = (device.allocations(), device.uploads(), device.downloads());
        assert_eq!(after, (before.0, before.1 + 1, before.2 + 1));
        device.launched()
    };
    let first = turn();
    assert_eq!(turn(), first);
    // The first layer, four for each of two over the grid, two to the context, three in it and two behind it,
    // and one for the past.
    assert_eq!(first.len(), 1 + 2 * 4 + 2 + 3 + 2 + 1);
    assert!(one < all && all < 500_000, "{one} of {all}");
}

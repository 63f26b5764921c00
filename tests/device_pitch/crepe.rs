//! CREPE on a device against that on the CPU, and what it costs.

use autovoice::model::PITCH_BINS;
use autovoice::model::crepe::{Capacity, Crepe, DeviceCrepe, WINDOW, normalise};
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice::voice::models::crepe_tensors;
use autovoice_emulator::{Emulator, Tally, twins};
use autovoice_kernels::gpu::{Device, Kernel, Precision};

twins! {
    a_network_is_that_of_the_cpu
    with_weights_of_half_precision_a_network_is_near_it
}

pub fn weights(capacity: Capacity) -> Weights {
    seeded::weights(crepe_tensors(capacity), 3).unwrap()
}

/// A window of a voice, and of noise with it.
fn window(seed: u32) -> [f32; WINDOW] {
    let mut state = seed;
    let mut frame = std::array::from_fn(|n| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
        let phase = n as f32 * 0.06 * seed as f32;
        phase.sin() + 0.5 * (2.0 * phase).cos() + 0.3 * noise
    });
    normalise(&mut frame);
    frame
}

/// Windows one after the other: the greatest difference in probability.
fn difference<D: Device>(device: &D, precision: Precision, windows: u32) -> f32 {
    let weights = weights(Capacity::Tiny);
    let mut cpu = Crepe::new(Capacity::Tiny, &weights.root()).unwrap();
    let there = DeviceCrepe::new(device, Capacity::Tiny, precision, &weights.root()).unwrap();
    let mut there = there.another(device).unwrap();
    let mut worst = 0f32;
    for seed in 1..=windows {
        let frame = window(seed);
        let mut want = [f32::NAN; PITCH_BINS];
        cpu.probabilities(&frame, &mut want);
        let mut got = [f32::NAN; PITCH_BINS];
        there.probabilities(device, &frame, &mut got).unwrap();
        // Something is said, and not the same of every bin.
        let mean = want.iter().sum::<f32>() / PITCH_BINS as f32;
        let off = want.iter().map(|x| (x - mean).abs()).sum::<f32>() / PITCH_BINS as f32;
        assert!(0.02 < off, "{off}");
        for (got, want) in got.iter().zip(&want) {
            assert!(got.is_finite(), "{got} for {want}");
            worst = worst.max((got - want).abs());
        }
    }
    worst
}

/// One window: an emulator takes four seconds for each.
fn a_network_is_that_of_the_cpu<D: Device>(device: &D) {
    let found = difference(device, Precision::Full, 1);
    assert!(found < 1e-5, "{found}");
}

fn with_weights_of_half_precision_a_network_is_near_it<D: Device>(device: &D) {
    let found = difference(device, Precision::Half, 1);
    assert!(found < 1e-2, "{found}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let weights = weights(Capacity::Tiny);
    let made = DeviceCrepe::new(&device, Capacity::Tiny, Precision::Full, &weights.root());
    let mut there = made.unwrap();
    for (hears, says, expected) in [
        (WINDOW - 1, PITCH_BINS, "samples of a window"),
        (WINDOW, PITCH_BINS + 1, "probabilities"),
    ] {
        let found = there.probabilities(&device, &vec![0.0; hears], &mut vec![0.0; says]);
        let found = found.unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
    }
    let other = DeviceCrepe::new(&device, Capacity::Full, Precision::Full, &weights.root());
    assert!(other.is_err());
}

#[test]
fn a_network_costs_what_is_said_of_it() {
    for (capacity, precision, cut, megabytes, of_another) in [
        (Capacity::Full, Precision::Full, 2, 95.3, 6.3),
        (Capacity::Full, Precision::Half, 4, 55.0, 10.5),
        (Capacity::Tiny, Precision::Full, 0, 2.2, 0.3),
    ] {
        let device = Tally::new(132);
        let made = DeviceCrepe::new(&device, capacity, precision, &weights(capacity).root());
        let mut there = made.unwrap();
        let all = device.bytes();
        drop(there.another(&device).unwrap());
        let one = device.bytes() - all;
        let mut turn = || {
            let before = (device.allocations(), device.uploads(), device.downloads());
            let mut said = [0.0; PITCH_BINS];
            there.probabilities(&device, &window(1), &mut said).unwrap();
            let after = (device.allocations(), device.uploads(), device.downloads());
            assert_eq!(after, (before.0, before.1 + 1, before.2 + 1));
            device.launched()
        };
        let first = turn();
        assert_eq!(turn(), first);
        let finishes = first.iter().filter(|l| l.kernel == Kernel::MatmulFinish);
        let finishes = finishes.count();
        // Six layers of a convolution and a maximum, and what comes behind them.
        assert_eq!(first.len() - finishes, 2 * 6 + 1);
        assert_eq!(finishes, cut, "{capacity:?}, {precision:?}");
        for (bytes, expected) in [(all, megabytes), (one, of_another)] {
            assert!((bytes as f64 / 1e6 - expected).abs() < 0.05, "{bytes}");
        }
    }
}

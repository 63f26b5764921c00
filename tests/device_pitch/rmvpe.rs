//! RMVPE on a device against that on the CPU, and what it costs.

use autovoice::model::PITCH_BINS;
use autovoice::model::rmvpe::{BANDS, DeviceRmvpe, MULTIPLE, Rmvpe, RmvpeConfig};
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice::voice::models::rmvpe_tensors;
use autovoice_emulator::{Emulator, Tally, twins};
use autovoice_kernels::gpu::{Device, Kernel, Precision};

twins! {
    a_network_is_that_of_the_cpu
    with_weights_of_half_precision_a_network_is_near_it
}

const TINY: RmvpeConfig = RmvpeConfig {
    blocks: 1,
    bottom: 2,
    channels: 1,
};

fn weights(config: RmvpeConfig) -> Weights {
    seeded::weights(rmvpe_tensors(&config), 3).unwrap()
}

/// Seeded spectra, as loud as those of a voice.
fn spectra(frames: usize) -> Vec<f32> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..frames * BANDS).map(|_| 3.0 * next() - 4.0).collect()
}

/// Windows of so many spectra one after the other: the greatest difference in salience.
fn difference<D: Device>(device: &D, precision: Precision, windows: &[usize]) -> f32 {
    let weights = weights(TINY);
    let longest = MULTIPLE + 5;
    let mut cpu = Rmvpe::new(TINY, longest, &weights.root()).unwrap();
    let sizes = (longest, precision);
    let there = DeviceRmvpe::new(device, TINY, sizes, &weights.root()).unwrap();
    assert_eq!(there.longest(), cpu.longest());
    let mut there = there.another(device).unwrap();
    let spectra = spectra(longest);
    let mut worst = 0f32;
    for frames in windows {
        let heard = &spectra[..frames * BANDS];
        let mut want = vec![f32::NAN; frames * PITCH_BINS];
        cpu.salience(heard, &mut want);
        let mut got = vec![f32::NAN; want.len()];
        there.salience(device, heard, &mut got).unwrap();
        // Something is said, and not the same everywhere.
        let mean = want.iter().sum::<f32>() / want.len() as f32;
        let off = want.iter().map(|x| (x - mean).abs()).sum::<f32>() / want.len() as f32;
        assert!(0.02 < off, "{off}");
        for (got, want) in got.iter().zip(&want) {
            assert!(got.is_finite(), "{got} for {want}");
            worst = worst.max((got - want).abs());
        }
    }
    worst
}

/// Of fewer spectra than a multiple has: an emulator takes a quarter of a minute for each window.
fn a_network_is_that_of_the_cpu<D: Device>(device: &D) {
    let found = difference(device, Precision::Full, &[20]);
    assert!(found < 1e-5, "{found}");
}

fn with_weights_of_half_precision_a_network_is_near_it<D: Device>(device: &D) {
    let found = difference(device, Precision::Half, &[32]);
    assert!(found < 1e-2, "{found}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let weights = weights(TINY);
    let sizes = (32, Precision::Full);
    let mut there = DeviceRmvpe::new(&device, TINY, sizes, &weights.root()).unwrap();
    let (x, mut y) = (spectra(33), vec![0.0; 33 * PITCH_BINS]);
    for (values, gives, expected) in [
        (33 * BANDS, 33 * PITCH_BINS, "spectra of a window"),
        (BANDS + 1, PITCH_BINS, "values of spectra"),
        (BANDS, PITCH_BINS - 1, "values of salience"),
    ] {
        let found = there.salience(&device, &x[..values], &mut y[..gives]);
        let found = found.unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
    }
    let other = RmvpeConfig {
        channels: 2,
        ..TINY
    };
    assert!(DeviceRmvpe::new(&device, other, sizes, &weights.root()).is_err());
}

#[test]
fn a_full_network_costs_what_is_said_of_it() {
    let weights = weights(RmvpeConfig::FULL);
    for (precision, multiprocessors, cut, megabytes, of_another) in [
        (Precision::Half, 132, 0, 193.6, 9.4),
        (Precision::Full, 28, 0, 377.2, 10.4),
    ] {
        let device = Tally::new(multiprocessors);
        let sizes = (64, precision);
        let made = DeviceRmvpe::new(&device, RmvpeConfig::FULL, sizes, &weights.root());
        let mut there = made.unwrap();
        let all = device.bytes();
        drop(there.another(&device).unwrap());
        let one = device.bytes() - all;
        let mut turn = |frames: usize| {
            let before = (device.allocations(), device.uploads(), device.downloads());
            let mut y = vec![0.0; frames * PITCH_BINS];
            there.salience(&device, &spectra(frames), &mut y).unwrap();
            let after = (device.allocations(), device.uploads(), device.downloads());
            assert_eq!(after, (before.0, before.1 + 1, before.2 + 1));
            device.launched()
        };
        let first = turn(32);
        assert_ne!(turn(64), first);
        assert_eq!(turn(31), first, "up to the same multiple");
        let finishes = first.iter().filter(|l| l.kernel == Kernel::MatmulFinish);
        let finishes = finishes.count();
        // 56 blocks of two convolutions, eleven shortcuts and one more convolution, each with its frame; five
        // ways down and up, of one and two launches; a recurrent layer of 32 turns, and what is on both
        // sides of it.
        assert_eq!(first.len() - finishes, 2 * (112 + 11 + 1) + 5 + 10 + 34);
        assert_eq!(finishes, cut, "{precision:?}");
        for (bytes, expected) in [(all, megabytes), (one, of_another)] {
            assert!((bytes as f64 / 1e6 - expected).abs() < 0.05, "{bytes}");
        }
    }
}

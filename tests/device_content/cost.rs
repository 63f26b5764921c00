//! What steps cost: launches, copies and memory, counted and not run.

use autovoice::model::content::{ContentConfig, DeviceEncoder, HOP, Hearing, Output};
use autovoice_emulator::{Launch, Tally};
use autovoice_kernels::gpu::{Kernel, Precision};

use crate::nets::{TINY, wave, weights};

fn encoder(
    device: &Tally,
    config: &ContentConfig,
    (hops, ahead): (usize, usize),
    precision: Precision,
) -> DeviceEncoder<Tally> {
    let hearing = Hearing {
        output: Output::V2,
        samples: hops * HOP,
        ahead,
        past: 80,
    };
    let sizes = (hearing, precision);
    DeviceEncoder::new(device, config, sizes, &weights(config).root()).unwrap()
}

/// What a step of so many hops launches.
fn step(
    device: &Tally,
    stream: &mut DeviceEncoder<Tally>,
    (hops, ahead): (usize, usize),
) -> Vec<Launch> {
    let _ = device.launched();
    let mut y = vec![0.0; (hops + ahead) * stream.outs()];
    let frames = stream.step(device, &wave(hops * HOP), &mut y).unwrap();
    assert_eq!(frames, hops);
    device.launched()
}

#[test]
fn a_step_allocates_nothing_and_is_always_the_same_launches() {
    let device = Tally::new(14);
    let ahead = 2;
    let mut stream = encoder(&device, &TINY, (3, ahead), Precision::Half);
    for turn in 0..2 {
        stream.lead(&device, &wave(80)).unwrap();
        let allocations = device.allocations();
        // The first step after the lead, too.
        let first = step(&device, &mut stream, (2, ahead));
        let copies = (device.uploads(), device.downloads());
        assert_eq!(step(&device, &mut stream, (2, ahead)), first, "{turn}");
        // Sound and instant go there, content comes back.
        let after = (device.uploads(), device.downloads());
        assert_eq!(after, (copies.0 + 2, copies.1 + 1));
        assert_ne!(step(&device, &mut stream, (3, ahead)), first);
        let shorter = step(&device, &mut stream, (2, ahead));
        // What the longer one left is cleared, by one launch more.
        assert_eq!(shorter[1..], first, "{turn}");
        assert_eq!(shorter[0].kernel, Kernel::MaskRows);
        assert_eq!(device.allocations(), allocations);
        stream.reset(&device).unwrap();
    }
}

/// Launches that end a sum that was cut.
fn finishes(launched: &[Launch]) -> usize {
    let finishes = launched.iter().filter(|l| l.kernel == Kernel::MatmulFinish);
    finishes.count()
}

#[test]
fn a_full_encoder_costs_what_is_said_of_it() {
    for (precision, multiprocessors, hops, ahead, cut, megabytes, of_a_stream) in [
        (Precision::Half, 132, 1, 0, 0, 196.8, 7.8),
        (Precision::Full, 28, 4, 1, 4, 388.5, 11.0),
    ] {
        let device = Tally::new(multiprocessors);
        let config = ContentConfig::BASE;
        let mut stream = encoder(&device, &config, (hops, ahead), precision);
        let all = device.bytes();
        drop(stream.another(&device).unwrap());
        let one = device.bytes() - all;
        stream.lead(&device, &wave(80)).unwrap();
        let launched = step(&device, &mut stream, (hops, ahead));
        // Seven convolutions and three launches for the loudness of the first, two layers that make
        // frames of them, and the past; a copy, two layers for places, seven launches of twelve layers,
        // and the past.
        assert_eq!(finishes(&launched), cut, "{precision:?}");
        assert_eq!(launched.len() - cut, 13 + 88);
        for (bytes, expected) in [(all, megabytes), (one, of_a_stream)] {
            assert!((bytes as f64 / 1e6 - expected).abs() < 0.05, "{bytes}");
        }
    }
}

//! What steps cost: launches, copies and memory, counted and not run.

use autovoice::model::rvc::{DeviceFlow, DeviceGenerator, DeviceTextEncoder, RvcConfig, Version};
use autovoice::nn::Bounds;
use autovoice_emulator::{Launch, Tally};
use autovoice_kernels::gpu::{Device, Kernel, Precision};

use crate::nets::{MOST, part, score, tiny, weights, wide};

/// A step of so many frames, wherever in the signal.
fn step<D: Device>(device: &D, config: &RvcConfig, stream: &mut DeviceGenerator<D>, frames: usize) {
    let score = score(config, frames);
    let mut y = vec![f32::NAN; frames * config.hop()];
    let heard = part(config, &score, 0, frames);
    stream.step(device, heard, Bounds::OPEN, &mut y).unwrap();
}

#[test]
fn a_step_allocates_nothing_and_is_always_the_same_launches() {
    for (config, multiprocessors) in [(tiny(true), 14), (tiny(false), 14), (wide(), 132)] {
        let device = Tally::new(multiprocessors);
        let weights = weights(&config);
        let part_of = weights.root().part("dec");
        let sizes = (MOST, Precision::Half);
        let mut stream = DeviceGenerator::new(&device, &config, sizes, &part_of).unwrap();
        step(&device, &config, &mut stream, 1);
        let _ = device.launched();
        let before = (device.allocations(), device.uploads(), device.downloads());
        step(&device, &config, &mut stream, 2);
        let first = device.launched();
        // Latent, source and instants go there, sound comes back.
        let uploads = 2 + usize::from(config.has_pitch);
        let after = (before.0, before.1 + uploads, before.2 + 1);
        let now = (device.allocations(), device.uploads(), device.downloads());
        assert_eq!(now, after);
        step(&device, &config, &mut stream, 3);
        stream.reset(&device).unwrap();
        assert_ne!(device.launched(), first);
        step(&device, &config, &mut stream, 2);
        assert_eq!(device.launched(), first);
        assert_eq!(device.allocations(), before.0);
    }
}

#[test]
fn a_full_generator_costs_what_is_said_of_it() {
    let config = RvcConfig::original(Version::V2, 48_000).unwrap();
    let weights = weights(&config);
    let part_of = weights.root().part("dec");
    // 82 convolutions, four means, two masks and the past; more where sums are cut to keep a card busy.
    let layers = 89;
    for (precision, multiprocessors, cut, megabytes, of_a_stream) in [
        (Precision::Full, 132, 0, 70.3, 7.6),
        (Precision::Half, 28, 50, 40.2, 8.6),
    ] {
        let device = Tally::new(multiprocessors);
        let made = DeviceGenerator::new(&device, &config, (2, precision), &part_of);
        let mut stream = made.unwrap();
        let all = device.bytes();
        drop(stream.another(&device).unwrap());
        let one = device.bytes() - all;
        for (bytes, expected) in [(all, megabytes), (one, of_a_stream)] {
            assert!((bytes as f64 / 1e6 - expected).abs() < 0.05, "{bytes}");
        }
        let _ = device.launched();
        step(&device, &config, &mut stream, 2);
        let launched = device.launched();
        assert_eq!(finishes(&launched), cut, "{precision:?}");
        assert_eq!(launched.len() - cut, layers);
    }
}

/// Launches that end a sum that was cut.
fn finishes(launched: &[Launch]) -> usize {
    let finishes = launched.iter().filter(|l| l.kernel == Kernel::MatmulFinish);
    finishes.count()
}

#[test]
fn a_full_flow_and_a_full_text_encoder_cost_what_is_said_of_them_whenever() {
    let config = RvcConfig::original(Version::V2, 48_000).unwrap();
    let weights = weights(&config);
    let device = Tally::new(132);
    let sizes = (6, Precision::Full);
    let (flow, text) = (weights.root().part("flow"), weights.root().part("enc_p"));
    let mut flow = DeviceFlow::new(&device, &config, sizes, &flow).unwrap();
    let mut text = DeviceTextEncoder::new(&device, &config, sizes, &text).unwrap();
    let allocations = device.allocations();
    let z = vec![0.0; 6 * config.inter];
    let mut latent = z.clone();
    let mut turn = |frames: usize, decided: usize| {
        let (z, y) = (
            &z[..frames * config.inter],
            &mut latent[..frames * config.inter],
        );
        flow.step(&device, (z, decided), Bounds::OPEN, y).unwrap();
        device.launched()
    };
    let first = turn(4, 2);
    // A mask, ten layers of four couplings, and the past.
    assert_eq!(first.len() - finishes(&first), 42);
    assert_ne!(turn(6, 1), first);
    assert_eq!(turn(4, 2), first);

    let features = vec![0.0; 6 * config.version.features()];
    let mut stats = vec![0.0; 6 * 2 * config.inter];
    let mut read = |frames: usize, from: usize| {
        let heard = (
            &features[..frames * config.version.features()],
            &[1; 6][..frames],
        );
        let y = &mut stats[..(frames - from) * 2 * config.inter];
        text.forward(&device, heard, from, y).unwrap();
        device.launched()
    };
    let first = read(4, 1);
    // What goes in and what comes out, and seven launches of six layers.
    assert_eq!(first.len() - finishes(&first), 45);
    assert_ne!(read(6, 1), first);
    assert_eq!(read(4, 1), first);
    assert_eq!(device.allocations(), allocations);
}

//! The networks of our own voices on a device against those on the CPU, step by step. The device is an
//! emulator, so that what runs here is what runs on a card; it also finds races, reads of what nobody wrote
//! and whatever leaves its array.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use autovoice::model::ddsp::features::BANDS;
use autovoice::model::ddsp::{
    DdspConfig, Decoder, DecoderConfig, DeviceDecoder, DeviceEncoder, Encoder, EncoderConfig, OUTS,
    SUNG,
};
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice_emulator::{Emulator, Tally, twins};
use autovoice_kernels::gpu::{Device, Precision};

twins! {
    an_encoder_is_the_stream_of_the_cpu
    a_decoder_is_the_stream_of_the_cpu
    with_weights_of_half_precision_both_are_near_it
}

/// Frames of steps one after the other.
const STEPS: [usize; 8] = [1, 3, 4, 1, 2, 1, 4, 3];
const MOST: usize = 4;

fn small(ahead: usize) -> DdspConfig {
    DdspConfig {
        encoder: EncoderConfig {
            ahead,
            width: 24,
            dilations: vec![1, 4],
            content: 10,
        },
        decoder: DecoderConfig {
            content: 10,
            embedding: 5,
            width: 20,
            dilations: vec![2, 1],
        },
    }
}

fn weights(config: &DdspConfig) -> Weights {
    seeded::weights(config.shapes(), 3).unwrap()
}

/// Seeded noise in -1..1.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The greatest difference, by the root mean square of what is wanted around its mean.
fn difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let mean = want.iter().sum::<f32>() / want.len() as f32;
    let power = want.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / want.len() as f32;
    assert!(1e-3 < power, "{power}: something is said");
    let worst = got.iter().zip(want).fold(0.0, |worst: f32, (got, want)| {
        assert!(got.is_finite(), "{got} for {want}");
        worst.max((got - want).abs())
    });
    worst / power.sqrt()
}

/// With a reset in the middle.
fn encoders<D: Device>(device: &D, ahead: usize, precision: Precision) -> f32 {
    let config = small(ahead);
    let weights = weights(&config);
    let mut cpu = Encoder::new(&config.encoder, &weights.root()).unwrap();
    let sizes = (MOST, precision);
    let made = DeviceEncoder::new(device, &config.encoder, sizes, &weights.root()).unwrap();
    let mut there = made.another(device).unwrap();
    let content = config.encoder.content;
    let (mut got, mut want) = (Vec::new(), Vec::new());
    for count in [3, STEPS.len()] {
        cpu.reset();
        there.reset(device).unwrap();
        for (turn, frames) in STEPS[..count].iter().enumerate() {
            let mel = noise(frames * BANDS, 5 + turn as u32);
            let mut y = vec![f32::NAN; frames * content];
            let completed = cpu.step(&mel, &mut y);
            want.extend_from_slice(&y[..completed * content]);
            assert_eq!(there.completes(*frames), completed);
            y.fill(f32::NAN);
            let y = &mut y[..completed * content];
            assert_eq!(there.step(device, &mel, y).unwrap(), completed);
            got.extend_from_slice(y);
        }
    }
    difference(&got, &want)
}

/// With another speaker in the middle, and a reset after that.
fn decoders<D: Device>(device: &D, precision: Precision) -> f32 {
    let config = small(0);
    let weights = weights(&config);
    let mut cpu = Decoder::new(&config.decoder, &weights.root()).unwrap();
    let sizes = (MOST, precision);
    let made = DeviceDecoder::new(device, &config.decoder, sizes, &weights.root()).unwrap();
    let mut there = made.another(device).unwrap();
    assert_eq!(there.ins(), cpu.ins());
    let (mut got, mut want) = (Vec::new(), Vec::new());
    for turn in 0..3 {
        if turn > 0 {
            let embedding = noise(5, turn);
            cpu.set_speaker(&embedding);
            there.set_speaker(device, &embedding).unwrap();
        }
        if turn == 2 {
            cpu.reset();
            there.reset(device).unwrap();
        }
        for (n, frames) in STEPS.iter().enumerate() {
            let input = noise(frames * (10 + SUNG), 5 + n as u32);
            let mut y = vec![f32::NAN; frames * OUTS];
            cpu.step(&input, &mut y);
            want.extend_from_slice(&y);
            y.fill(f32::NAN);
            there.step(device, &input, &mut y).unwrap();
            got.extend_from_slice(&y);
        }
    }
    difference(&got, &want)
}

fn an_encoder_is_the_stream_of_the_cpu<D: Device>(device: &D) {
    for ahead in 0..3 {
        let found = encoders(device, ahead, Precision::Full);
        assert!(found < 1e-5, "{found}, {ahead} ahead");
    }
}

fn a_decoder_is_the_stream_of_the_cpu<D: Device>(device: &D) {
    let found = decoders(device, Precision::Full);
    assert!(found < 1e-5, "{found}");
}

fn with_weights_of_half_precision_both_are_near_it<D: Device>(device: &D) {
    let found = [
        encoders(device, 1, Precision::Half),
        decoders(device, Precision::Half),
    ];
    assert!(found.iter().all(|found| *found < 1e-2), "{found:?}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let config = small(1);
    let weights = weights(&config);
    let (root, sizes) = (weights.root(), (MOST, Precision::Full));
    let mut encoder = DeviceEncoder::new(&device, &config.encoder, sizes, &root).unwrap();
    let mut decoder = DeviceDecoder::new(&device, &config.decoder, sizes, &root).unwrap();
    let ins = decoder.ins();
    let (x, mut y) = (vec![0.0; 5 * BANDS.max(ins)], vec![0.0; 5 * OUTS]);
    // The first of them completes nothing yet.
    for (values, gives, expected) in [
        (5 * BANDS, 40, "frames of a step"),
        (2 * BANDS + 1, 10, "values of spectra"),
        (2 * BANDS, 20, "values of content"),
    ] {
        let found = encoder.step(&device, &x[..values], &mut y[..gives]);
        let found = found.unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
    }
    for (values, gives, expected) in [
        (5 * ins, 5 * OUTS, "frames of a step"),
        (ins + 1, OUTS, "values of content and pitch"),
        (ins, OUTS - 1, "values of spectra"),
    ] {
        let found = decoder.step(&device, &x[..values], &mut y[..gives]);
        let found = found.unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
    }
    let found = decoder.set_speaker(&device, &[0.0; 4]).unwrap_err();
    assert!(found.to_string().contains("of an embedding"), "{found}");
}

/// Of the usual sizes: eight blocks of three launches and six of four, and five and four around them.
#[test]
fn a_step_allocates_nothing_and_is_always_the_same_launches() {
    let config = DdspConfig::default();
    let weights = weights(&config);
    let (root, sizes) = (weights.root(), (2, Precision::Half));
    let device = Tally::new(28);
    let mut encoder = DeviceEncoder::new(&device, &config.encoder, sizes, &root).unwrap();
    let mut decoder = DeviceDecoder::new(&device, &config.decoder, sizes, &root).unwrap();
    let megabytes = device.bytes() as f64 / 1e6;
    assert!((megabytes - 4.8).abs() < 0.05, "{megabytes}");
    let ins = decoder.ins();
    let (mut content, mut y) = (vec![0.0; 64], vec![0.0; OUTS]);
    // The first frame waits for the next.
    encoder.step(&device, &[0.0; BANDS], &mut []).unwrap();
    let _ = device.launched();
    let mut turn = || {
        let before = (device.allocations(), device.uploads(), device.downloads());
        encoder.step(&device, &[0.0; BANDS], &mut content).unwrap();
        let first = device.launched();
        decoder.step(&device, &vec![0.0; ins], &mut y).unwrap();
        let after = (device.allocations(), device.uploads(), device.downloads());
        assert_eq!(after, (before.0, before.1 + 2, before.2 + 2));
        (first, device.launched())
    };
    let first = turn();
    assert_eq!((first.0.len(), first.1.len()), (8 * 3 + 5, 6 * 4 + 4));
    assert_eq!(turn(), first);
}

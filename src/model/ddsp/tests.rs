//! Networks as streams, held against whole signals, and what they see.

use super::features::BANDS;
use super::*;
use crate::nn::{Weights, WeightsError};
use crate::units::Frames;

/// Seeded values in -1..1.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Weights of these shapes, of a size that keeps a signal as it is.
fn weights(shapes: Shapes) -> Weights {
    let tensors = shapes.into_iter().enumerate().map(|(n, (name, shape))| {
        let fan: usize = shape.iter().skip(1).product::<usize>().max(3);
        let mut values = noise(shape.iter().product(), n as u32 + 1);
        let scale = (3.0 / fan as f32).sqrt();
        values.iter_mut().for_each(|x| *x *= scale);
        if name.ends_with("norm.weight") {
            values.iter_mut().for_each(|x| *x = 1.0 + 0.2 * *x);
        }
        (name, shape, values)
    });
    Weights::new(tensors.collect::<Vec<_>>()).unwrap()
}

/// Values of a frame that the decoder takes: ten of content.
const INS: usize = 10 + SUNG;

fn config(ahead: usize) -> DdspConfig {
    DdspConfig {
        encoder: EncoderConfig {
            ahead,
            width: 24,
            dilations: vec![1, 4, 8],
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

fn decoder(config: &DdspConfig, weights: &Weights, seed: u32) -> Decoder {
    let mut decoder = Decoder::new(&config.decoder, &weights.root()).unwrap();
    decoder.set_speaker(&noise(5, seed));
    decoder
}

/// Steps of so many frames, again after a reset in their midst.
fn check(
    x: &[f32],
    ins: usize,
    whole: &[f32],
    step: &mut dyn FnMut(&[f32], &mut Vec<f32>),
    reset: &mut dyn FnMut(),
) {
    for frames in [1, 2, 5, 19] {
        for upto in [x.len() / 2, x.len()] {
            let mut got = Vec::new();
            for x in x[..upto].chunks(frames * ins) {
                step(x, &mut got);
            }
            if upto == x.len() {
                assert_eq!(got.len(), whole.len());
            }
            for (n, (got, want)) in got.iter().zip(whole).enumerate() {
                assert!((got - want).abs() < 1e-5, "{frames}, {n}: {got} for {want}");
            }
            reset();
        }
    }
}

#[test]
fn a_stream_gives_what_the_whole_signal_gives() {
    const FRAMES: Frames = 60;
    for ahead in 0..=MOST_AHEAD {
        let config = config(ahead);
        let weights = weights(config.shapes());
        let encoder = Encoder::new(&config.encoder, &weights.root()).unwrap();
        let mel = noise(FRAMES * BANDS, 9);
        let whole = encoder.forward(&mel);
        assert_eq!(whole.len(), (FRAMES - ahead) * 10);
        let stream = std::cell::RefCell::new(encoder);
        let mut step = |x: &[f32], got: &mut Vec<f32>| {
            let mut y = vec![f32::NAN; x.len() / BANDS * 10];
            let frames = stream.borrow_mut().step(x, &mut y);
            got.extend(&y[..frames * 10]);
        };
        let mut reset = || stream.borrow_mut().reset();
        check(&mel, BANDS, &whole, &mut step, &mut reset);
    }
    let config = config(1);
    let weights = weights(config.shapes());
    let decoder = decoder(&config, &weights, 3);
    let input = noise(FRAMES * INS, 10);
    let whole = decoder.forward(&input);
    let stream = std::cell::RefCell::new(decoder);
    let mut step = |x: &[f32], got: &mut Vec<f32>| {
        let mut y = vec![f32::NAN; x.len() / INS * OUTS];
        stream.borrow_mut().step(x, &mut y);
        got.extend(y);
    };
    let mut reset = || stream.borrow_mut().reset();
    check(&input, INS, &whole, &mut step, &mut reset);
}

#[test]
fn an_encoder_sees_as_far_ahead_as_it_says() {
    for ahead in 0..=MOST_AHEAD {
        let config = config(ahead);
        let weights = weights(config.encoder.shapes());
        let encoder = Encoder::new(&config.encoder, &weights.root()).unwrap();
        let mut mel = noise(40 * BANDS, 2);
        let before = encoder.forward(&mel);
        mel[20 * BANDS] += 1.0;
        let after = encoder.forward(&mel);
        let changed = before.iter().zip(&after).position(|(a, b)| a != b);
        assert_eq!(changed.map(|at| at / 10), Some(20 - ahead));
    }
}

#[test]
fn a_speaker_is_heard_and_stays_over_a_reset() {
    let config = config(1);
    let weights = weights(config.shapes());
    let input = noise(30 * INS, 4);
    let one = decoder(&config, &weights, 1).forward(&input);
    let mut other = decoder(&config, &weights, 2);
    assert_ne!(other.forward(&input), one);
    other.set_speaker(&noise(5, 1));
    other.reset();
    assert_eq!(other.forward(&input), one);
}

#[test]
fn the_tensors_listed_are_those_that_are_taken() {
    let config = config(2);
    let shapes = config.shapes();
    for left_out in 0..shapes.len() {
        let mut some = shapes.clone();
        let (name, _) = some.remove(left_out);
        let weights = weights(some);
        let root = weights.root();
        let (embedding, shape) = config.decoder.embedding_shape();
        let made = Encoder::new(&config.encoder, &root).map(|_| ());
        let made = made.and_then(|()| Decoder::new(&config.decoder, &root).map(|_| ()));
        let made = made.and_then(|()| root.get(&embedding, &shape).map(|_| ()));
        match made {
            Err(WeightsError::Missing { name: missing, .. }) => assert_eq!(missing, name),
            // Biases may be left out.
            other => assert!(name.ends_with("bias") && other.is_ok(), "{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_sung_is_told_in_octaves() {
    let sung = |f0_hz| Sung { f0_hz };
    assert_eq!(sung(400.0).values(), [1.0, 1.0]);
    assert_eq!(sung(0.0).values(), [0.0, 0.0]);
}

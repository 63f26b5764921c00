//! The content encoder against HuBERT as transformers has it, small and base size, whole and as a
//! stream.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod parity;

use std::path::Path;

use autovoice::model::content::{Body, ContentConfig, Front, HOP, Loudness, Output, Reach};
use autovoice::nn::Weights;
use parity::{Golden, close, folder, hubert_base};

const SMALL: ContentConfig = ContentConfig {
    conv: 32,
    hidden: 64,
    filter: 128,
    heads: 4,
    layers: 3,
    projected: 32,
};

fn small(folder: &Path) -> Weights {
    Golden::read(&folder.join("hubert_small.hf_weight_g.safetensors")).weights()
}

/// The frames of a whole signal.
fn front(config: &ContentConfig, wave: &[f32], weights: &Weights) -> Vec<f32> {
    let mut front = Front::new(config, wave.len(), &weights.root()).unwrap();
    let mut frames = vec![f32::NAN; Front::max_output(wave.len()) * config.hidden];
    let count = front.step(wave, Loudness::Whole, &mut frames);
    frames.truncate(count * config.hidden);
    frames
}

fn body(config: &ContentConfig, output: Output, most: usize, weights: &Weights) -> Body {
    let reach = Reach { most, past: 0 };
    Body::new(config, output, reach, &weights.root()).unwrap()
}

/// What is taken from a whole signal.
fn whole(config: &ContentConfig, output: Output, wave: &[f32], weights: &Weights) -> Vec<f32> {
    let frames = front(config, wave, weights);
    let count = frames.len() / config.hidden;
    body(config, output, count, weights)
        .step(&frames, count)
        .to_vec()
}

fn after(layers: usize) -> Output {
    Output {
        layers,
        is_projected: false,
    }
}

#[test]
fn every_layer_of_the_small_encoder_agrees() {
    let Some(folder) = folder("hubert") else {
        return;
    };
    let golden = Golden::read(&folder.join("hubert_small.io.safetensors"));
    let weights = small(&folder);
    let wave = golden.values("in.wave");
    let want = golden.values("act.feature_projection");
    close("front", &front(&SMALL, &wave, &weights), &want, 5e-5);
    for layers in 0..=3 {
        let got = whole(&SMALL, after(layers), &wave, &weights);
        let want = golden.values(&format!("out.hidden_state.{layers}"));
        close(&format!("layer {layers}"), &got, &want, 5e-5);
    }
    let output = Output {
        layers: 2,
        is_projected: true,
    };
    let got = whole(&SMALL, output, &wave, &weights);
    let want = golden.values("out.final_proj_of_hidden_2");
    close("projected", &got, &want, 5e-5);
}

#[test]
fn odd_lengths_agree() {
    let Some(folder) = folder("hubert") else {
        return;
    };
    let weights = small(&folder);
    for length in [400, 719, 720, 5120, 12345] {
        let name = format!("hubert_small.len{length}.io.safetensors");
        let golden = Golden::read(&folder.join(name));
        let wave = golden.values("in.wave");
        assert_eq!(wave.len(), length);
        let got = whole(&SMALL, after(3), &wave, &weights);
        assert_eq!(got.len() / SMALL.hidden, (length - 400) / HOP + 1);
        let want = golden.values("out.last_hidden_state");
        close(&format!("{length} samples"), &got, &want, 5e-5);
    }
    assert!(front(&SMALL, &[0.1; 399], &weights).is_empty());
}

#[test]
fn the_base_encoder_agrees() {
    let Some(folder) = folder("hubert") else {
        return;
    };
    let golden = Golden::read(&folder.join("hubert_base_full.io.safetensors"));
    let weights = hubert_base(&folder);
    let wave = golden.values("in.wave");
    let config = ContentConfig::BASE;
    let frames = front(&config, &wave, &weights);
    let want = golden.values("act.feature_projection");
    close("base, front", &frames, &want, 3e-4);
    let count = frames.len() / config.hidden;
    for (output, name) in [
        (after(0), "out.hidden_state.0"),
        (after(1), "out.hidden_state.1"),
        (after(9), "out.hidden_state.9"),
        (Output::V1, "out.final_proj_of_hidden_9"),
        (Output::V2, "out.last_hidden_state"),
    ] {
        let mut body = body(&config, output, count, &weights);
        let got = body.step(&frames, count);
        close(name, got, &golden.values(name), 3e-4);
    }
}

#[test]
fn in_steps_that_look_at_everything_a_stream_is_the_whole() {
    let Some(folder) = folder("hubert") else {
        return;
    };
    let golden = Golden::read(&folder.join("hubert_small.io.safetensors"));
    let weights = small(&folder);
    let frames = front(&SMALL, &golden.values("in.wave"), &weights);
    let count = frames.len() / SMALL.hidden;
    // One layer of attention sees what it would see in the whole; several hear of the future
    // through each other, so the past they keep was decided knowing all of it.
    let want = golden.values("out.last_hidden_state");
    let reach = Reach {
        most: count,
        past: count,
    };
    let mut body = Body::new(&SMALL, after(3), reach, &weights.root()).unwrap();
    for chunk in [1, 2, 5, 16] {
        body.reset();
        let mut got = Vec::new();
        let mut at = 0;
        while at < count {
            let decided = chunk.min(count - at);
            let y = body.step(&frames[at * SMALL.hidden..], decided);
            got.extend_from_slice(&y[..decided * SMALL.hidden]);
            at += decided;
        }
        close(&format!("steps of {chunk}"), &got, &want, 5e-5);
    }
}

#[test]
fn the_front_is_a_stream() {
    let Some(folder) = folder("hubert") else {
        return;
    };
    let golden = Golden::read(&folder.join("hubert_small.io.safetensors"));
    let weights = small(&folder);
    let wave = golden.values("in.wave").repeat(3);
    let mut front = Front::new(&SMALL, wave.len(), &weights.root()).unwrap();
    let mut run = |sizes: &[usize]| {
        front.reset();
        let (mut got, mut rest) = (Vec::new(), &wave[..]);
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            let mut y = vec![f32::NAN; Front::max_output(piece.len()) * SMALL.hidden];
            let frames = front.step(piece, Loudness::Running, &mut y);
            got.extend_from_slice(&y[..frames * SMALL.hidden]);
            rest = after;
            if rest.is_empty() {
                return got;
            }
        }
        got
    };
    // The statistics differ by what has been heard, so only the number of frames is the same.
    let (steady, ragged) = (run(&[1600]), run(&[1, 399, 1200, 37]));
    assert_eq!(steady.len() / SMALL.hidden, (wave.len() - 400) / HOP + 1);
    assert_eq!(ragged.len(), steady.len());
    assert!(ragged.iter().all(|x| x.is_finite()));
    assert_eq!(run(&[1600]), steady, "a reset leaves nothing behind");
}

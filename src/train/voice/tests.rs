//! The networks see what they may, learn, and are as fast as they should be.

use candle_core::{Device, Tensor};

use super::loss::masked_l1;
use super::network::{CONTENT, CONTROLS, Config, MELS, Network, SPEAKER};
use crate::train::ops::testing::{check_gradients, random_var};
use crate::train::ops::values;
use crate::train::optimizer::{Optimizer, Settings};
use crate::train::random::Random;

fn small(ahead: usize) -> Config {
    Config {
        channels: [16, 16],
        encoder: vec![1, 2],
        decoder: vec![1, 2],
        ahead,
    }
}

fn noise(seed: u64, shape: &[usize]) -> Tensor {
    random_var(&mut Random::new(seed), shape, 1.0).as_detached_tensor()
}

#[test]
fn content_hears_the_past_and_so_many_frames_ahead() {
    for ahead in [0, 1, 2] {
        let network = Network::new(&small(ahead), 0, 0, 3).unwrap();
        let mel = noise(4, &[1, 12, MELS]);
        let mut moved = values(&mel).unwrap();
        moved[6 * MELS] += 1.0;
        let moved = Tensor::from_vec(moved, mel.shape(), &Device::Cpu).unwrap();
        let content = |mel| values(&network.encode(mel).unwrap()).unwrap();
        let (before, after) = (content(&mel), content(&moved));
        let frames = before.chunks(CONTENT).zip(after.chunks(CONTENT));
        let first = frames.take_while(|(a, b)| a == b).count();
        assert_eq!(first, 6 - ahead);
    }
}

#[test]
fn every_weight_has_the_gradient_of_small_steps() {
    let network = Network::new(&small(1), 3, 5, 5).unwrap();
    let (mel, controls) = (noise(6, &[2, 7, MELS]), noise(7, &[2, 7, CONTROLS]));
    let loss = || {
        let content = network.encode(&mel).unwrap();
        let who = network.speakers(&[2, 0]).unwrap();
        let output = network.decode(&content, &controls, &who).unwrap();
        let phones = network.phones(&content).unwrap().unwrap();
        let parts = [output.envelope, output.aperiodicity, phones];
        let sums = parts.map(|part| part.sqr().unwrap().mean_all().unwrap());
        Tensor::stack(&sums, 0).unwrap().sum_all().unwrap()
    };
    let gradients = loss().backward().unwrap();
    for (name, weight) in network.weights() {
        assert!(gradients.get(weight).is_some(), "{name}");
    }
    for name in [
        "encoder.input.weight",
        "encoder.blocks.1.conv.weight",
        "decoder.blocks.0.speaker.weight",
        "decoder.blocks.1.norm.weight",
        "speakers.embedding",
        "phones.bias",
    ] {
        check_gradients(&[&network.weights()[name]], 2e-2, 2e-2, loss);
    }
}

#[test]
fn a_small_network_learns_what_it_is_shown() {
    let network = Network::new(&small(1), 2, 0, 8).unwrap();
    let (mel, controls) = (noise(9, &[2, 10, MELS]), noise(10, &[2, 10, CONTROLS]));
    let wanted = (noise(11, &[2, 10, super::network::BANDS]) * 2.0).unwrap();
    let wanted = (wanted - 18.0).unwrap();
    let known = wanted.ones_like().unwrap();
    let mut optimizer = Optimizer::new(network.weights(), Settings::default()).unwrap();
    let mut losses = Vec::new();
    for _ in 0..60 {
        let content = network.encode(&mel).unwrap();
        let who = network.speakers(&[0, 1]).unwrap();
        let output = network.decode(&content, &controls, &who).unwrap();
        let loss = masked_l1(&output.envelope, &wanted, &known).unwrap();
        losses.push(loss.to_scalar::<f32>().unwrap());
        let gradients = loss.backward().unwrap();
        optimizer.step(network.weights(), &gradients, 1e-2).unwrap();
    }
    assert!(
        losses[59] < 0.6 * losses[0],
        "{} to {}",
        losses[0],
        losses[59]
    );
    assert_eq!(network.part("speakers.").len(), 1);
    assert_eq!(network.weights()["speakers.embedding"].dims(), [2, SPEAKER]);
}

/// `cargo test --release --features train -- --ignored --nocapture speed_of_a_step`
#[test]
#[ignore = "a measurement, not a check"]
fn speed_of_a_step() {
    let network = Network::new(&Config::default(), 2, 40, 8).unwrap();
    let (batch, frames) = (16, 200);
    let mel = noise(9, &[batch, frames, MELS]);
    let controls = noise(10, &[batch, frames, CONTROLS]);
    let wanted = noise(11, &[batch, frames, super::network::BANDS]);
    let known = wanted.ones_like().unwrap();
    let mut optimizer = Optimizer::new(network.weights(), Settings::default()).unwrap();
    for _ in 0..6 {
        let start = std::time::Instant::now();
        let content = network.encode(&mel).unwrap();
        let who = network.speakers(&[0; 16]).unwrap();
        let output = network.decode(&content, &controls, &who).unwrap();
        let loss = masked_l1(&output.envelope, &wanted, &known).unwrap();
        let forward = start.elapsed();
        let gradients = loss.backward().unwrap();
        let backward = start.elapsed();
        optimizer.step(network.weights(), &gradients, 1e-3).unwrap();
        let all = start.elapsed();
        println!(
            "forward {forward:?}, backward {:?}, optimizer {:?}: {:.1} x real time",
            backward - forward,
            all - backward,
            32.0 / all.as_secs_f64()
        );
    }
}

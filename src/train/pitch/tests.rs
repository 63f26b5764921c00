//! The network in training and the one that tracks are the same.

use candle_core::{D, Device, Tensor};

use super::examples::{Batch, Labelled};
use super::grid_conv::ROWS;
use super::network::Network;
use super::scene::Noise;
use crate::model::pitch::features::{BINS, CHANNELS, Features};
use crate::model::pitch::{PitchNet, embedded};
use crate::nn::Weights;
use crate::train::random::Random;

const FRAMES: usize = 24;

fn weights_of(network: &Network) -> Weights {
    let tensors = network.weights().iter().map(|(name, weight)| {
        let values = weight.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        (name.clone(), weight.dims().to_vec(), values)
    });
    Weights::new(tensors).unwrap()
}

#[test]
fn frame_by_frame_is_as_all_at_once() {
    let random_network = Network::new(11).unwrap();
    let trained = Network::new(12).unwrap();
    for (name, weight) in trained.weights() {
        let values = embedded().root().get(name, weight.dims()).unwrap();
        let values = Tensor::from_slice(values, weight.dims(), &Device::Cpu).unwrap();
        weight.set(&values).unwrap();
    }
    let mut batch = Batch::new();
    let mut random = Random::new(13);
    let scene = Labelled::made_up(&mut random, Batch::hops(FRAMES), Noise::Any);
    batch.push(&mut Features::new(), &scene, FRAMES);
    let features = &batch.features;
    for network in [random_network, trained] {
        let mut net = PitchNet::new(&weights_of(&network)).unwrap();
        // The second run starts from a reset in the middle of the stream.
        for first in [0, 10] {
            let frames = FRAMES - first;
            let from = &features[first * ROWS * CHANNELS..];
            let from = Tensor::from_slice(from, (1, frames, ROWS, CHANNELS), &Device::Cpu).unwrap();
            let output = network.forward(&from).unwrap();
            let e = output.pitch.exp().unwrap();
            let wanted = e.broadcast_div(&e.sum_keepdim(D::Minus1).unwrap()).unwrap();
            let wanted = wanted.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let voicing = output
                .voicing
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
            for frame in 0..frames {
                let at = (first + frame) * ROWS * CHANNELS;
                net.features()
                    .copy_from_slice(&features[at..at + BINS * CHANNELS]);
                let estimate = net.step();
                let wanted = &wanted[frame * BINS..][..BINS];
                for (found, wanted) in net.posteriorgram().iter().zip(wanted) {
                    assert!((found - wanted).abs() < 1e-5, "{frame}: {found} {wanted}");
                }
                let wanted = 1.0 / (1.0 + (-voicing[frame]).exp());
                assert!((estimate.voicing - wanted).abs() < 1e-5, "{frame}");
            }
            net.reset();
        }
    }
}

#[test]
fn made_up_voices_are_heard_where_they_say() {
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let scene = Labelled::made_up(&mut random, 100, Noise::Clean);
        let mean = |voiced: bool| {
            let hops = (1..99).filter(|hop| scene.truth[*hop].voiced == Some(voiced));
            let power: Vec<f32> = hops
                .map(|hop| {
                    scene.signal[hop * 160 - 40..hop * 160 + 40]
                        .iter()
                        .map(|x| x * x)
                        .sum()
                })
                .collect();
            power.iter().sum::<f32>() / power.len().max(1) as f32
        };
        assert!(
            scene
                .signal
                .iter()
                .all(|x| x.is_finite() && x.abs() <= 1.01)
        );
        assert!(
            mean(true) == 0.0 || 1e-4 < mean(true),
            "{seed}: {}",
            mean(true)
        );
        for truth in &scene.truth {
            assert!(truth.f0_hz.is_none_or(|hz| (47.0..1_601.0).contains(&hz)));
            assert!(truth.voiced != Some(false) || truth.f0_hz.is_none());
        }
    }
}

//! Training of the pitch network: endless made-up voices of exact pitch, made while it learns.

mod contour;
mod corpus;
mod examples;
mod grid_conv;
mod gru;
mod measure;
mod network;
mod scene;
#[cfg(test)]
mod tests;
mod voices;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use candle_core::{D, Device, Tensor};

use crate::model::pitch::features::{BINS, CHANNELS, Features};
use crate::nn::WeightsError;
use crate::train::optimizer::{Optimizer, Settings};
use crate::train::random::Random;
use crate::voice::models::ModelError;
use corpus::Corpus;
use examples::{Batch, Labelled};
use grid_conv::ROWS;
use network::{Network, Output};
use scene::Noise;

pub use measure::Score;

/// Sequences of a batch, and frames of a sequence.
const BATCH: usize = 16;
const FRAMES: usize = 200;
/// Weight of the voicing decision against the pitch.
const VOICING: f64 = 2.0;
/// Share of sequences from recordings, where there are any.
const RECORDED: f64 = 0.35;
/// Steps over which the rate of learning rises, and its highest value.
const WARM_UP: f64 = 100.0;
const RATE: f64 = 4e-3;

/// How to train.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the weights go.
    pub output: PathBuf,
    /// Weights to start from.
    pub start: Option<PathBuf>,
    /// Folders of recordings to learn from beside made-up voices, and seconds to take of them.
    pub corpus: Vec<PathBuf>,
    /// See `corpus`.
    pub corpus_s: f64,
    /// Steps in all; the rate of learning falls towards the last.
    pub steps: usize,
    /// Highest rate of learning, if not the usual one.
    pub rate: Option<f64>,
    /// Seed of weights and voices.
    pub seed: u64,
    /// Stop after this time, whatever the steps.
    pub at_most: Duration,
}

/// What a step did.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Cross-entropy of the pitch in nats, and of the voicing, since the last report.
    pub pitch_loss: f64,
    /// See `pitch_loss`.
    pub voicing_loss: f64,
    /// Seconds of audio learnt from per second.
    pub speed: f64,
    /// How well the averaged weights do, where that was measured.
    pub score: Option<Score>,
}

/// Why training stopped early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Arithmetic failed: shapes, memory.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
    /// Weights could not be read or written.
    #[error("weights could not be read or written: {0}")]
    File(#[from] std::io::Error),
    /// The tracker CREPE, which helps to label recordings, could not be had.
    #[error("recordings are labelled with the help of CREPE, but {0}; {remedy}", remedy = .0.remedy())]
    Crepe(#[from] ModelError),
    /// Weights of CREPE do not fit the network.
    #[error("recordings are labelled with the help of CREPE, but {0}")]
    Weights(#[from] WeightsError),
    /// There was nothing to learn from.
    #[error(
        "expected WAV, FLAC or OGG recordings of voices in the folders of the corpus, found none"
    )]
    NoRecordings,
    /// Weights to start from are not of this network.
    #[error("expected weights of the pitch network to start from, found {0}")]
    Start(String),
}

/// Trains; `labelled` is told how many seconds of recordings have been labelled, then `report`
/// now and then how it goes, and may stop it by returning false. The weights are
/// written every few minutes and at the end.
///
/// # Errors
/// [`TrainError`]; what had been written by then stays.
pub fn train(
    plan: &Plan,
    mut labelled: impl FnMut(f64),
    mut report: impl FnMut(Progress) -> bool,
) -> Result<(), TrainError> {
    let network = Network::new(plan.seed)?;
    if let Some(start) = &plan.start {
        load(&network, start)?;
    }
    let kept = Network::new(plan.seed)?;
    let mut optimizer = Optimizer::new(network.weights(), Settings::default())?;
    let corpus = match plan.corpus.is_empty() {
        true => None,
        false => Some(Corpus::read(&plan.corpus, plan.corpus_s, &mut labelled)?),
    };
    let batches = batches(plan.seed, corpus);
    let exam = measure::Exam::new();
    let begun = Instant::now();
    let (mut losses, mut since, mut count) = ([0.0; 2], Instant::now(), 0);
    for step in 1..=plan.steps {
        let Ok(batch) = batches.recv() else {
            break;
        };
        let peak = plan.rate.unwrap_or(RATE);
        let done = (step as f64 / plan.steps as f64)
            .max(begun.elapsed().as_secs_f64() / plan.at_most.as_secs_f64());
        let rate = peak
            * (step as f64 / WARM_UP).min(1.0)
            * (0.02 + 0.98 * (0.5 + 0.5 * (std::f64::consts::PI * done.min(1.0)).cos()));
        let (loss, parts) = loss(&network, &batch)?;
        optimizer.step(network.weights(), &loss.backward()?, rate)?;
        losses = [losses[0] + parts[0], losses[1] + parts[1]];
        count += 1;
        let last = step == plan.steps || plan.at_most <= begun.elapsed();
        let measured = step % 200 == 0 || last;
        if step % 20 == 0 || last {
            let score = if measured {
                for (name, moments) in optimizer.moments()?.iter() {
                    let weight = &kept.weights()[name];
                    let average =
                        Tensor::from_slice(&moments.average, weight.shape(), &Device::Cpu)?;
                    weight.set(&average)?;
                }
                save(&kept, &plan.output)?;
                Some(exam.take(&kept)?)
            } else {
                None
            };
            let progress = Progress {
                step,
                pitch_loss: losses[0] / f64::from(count),
                voicing_loss: losses[1] / f64::from(count),
                speed: f64::from(count) * (BATCH * FRAMES) as f64 * 0.01
                    / since.elapsed().as_secs_f64(),
                score,
            };
            if !report(progress) || last {
                break;
            }
            (losses, since, count) = ([0.0; 2], Instant::now(), 0);
        }
    }
    Ok(())
}

/// Makes batches on a thread of its own, a few ahead. It ends when nobody takes them.
fn batches(seed: u64, corpus: Option<Corpus>) -> Receiver<Batch> {
    let (send, receive) = sync_channel(4);
    std::thread::spawn(move || {
        let mut features = Features::new();
        for number in 0u64.. {
            let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(number));
            let mut batch = Batch::new();
            for _ in 0..BATCH {
                let hops = Batch::hops(FRAMES);
                let mut scene = match &corpus {
                    Some(corpus) if random.chance(RECORDED) => {
                        corpus.example(&mut random, hops, Noise::Any)
                    }
                    _ => Labelled::made_up(&mut random, hops, Noise::Any),
                };
                scene.interrupt(&mut random);
                batch.push(&mut features, &scene, FRAMES);
            }
            if send.send(batch).is_err() {
                break;
            }
        }
    });
    receive
}

fn forward(network: &Network, batch: &Batch, frames: usize) -> candle_core::Result<Output> {
    let count = batch.truth.len() / frames;
    let shape = (count, frames, ROWS, CHANNELS);
    network.forward(&Tensor::from_slice(&batch.features, shape, &Device::Cpu)?)
}

fn loss(network: &Network, batch: &Batch) -> candle_core::Result<(Tensor, [f64; 2])> {
    let output = forward(network, batch, FRAMES)?;
    let shape = output.voicing.dims2()?;
    let tensor = |values: &[f32]| Tensor::from_slice(values, shape, &Device::Cpu);
    let target = Tensor::from_slice(&batch.pitch, (shape.0, shape.1, BINS), &Device::Cpu)?;
    let largest = output.pitch.max_keepdim(D::Minus1)?.detach();
    let shifted = output.pitch.broadcast_sub(&largest)?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let log_softmax = shifted.broadcast_sub(&log_sum)?;
    let cross = (target * log_softmax)?.sum(D::Minus1)?.neg()?;
    let mean = |values: Tensor, known: &[f32]| {
        let count = known.iter().sum::<f32>().max(1.0);
        (values * tensor(known)?)?.sum_all()? / f64::from(count)
    };
    let pitch = mean(cross, &batch.pitch_known)?;
    // log(1 + e^x) - y x, without overflow.
    let x = &output.voicing;
    let softplus = (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
    let voicing = mean(
        (softplus - (x * tensor(&batch.voiced)?)?)?,
        &batch.voiced_known,
    )?;
    let parts = [
        f64::from(pitch.to_scalar::<f32>()?),
        f64::from(voicing.to_scalar::<f32>()?),
    ];
    Ok(((pitch + (voicing * VOICING)?)?, parts))
}

/// Writes the weights under a temporary name and renames them.
fn save(network: &Network, path: &std::path::Path) -> Result<(), TrainError> {
    let tensors: BTreeMap<&str, Tensor> = network
        .weights()
        .iter()
        .map(|(name, weight)| (name.as_str(), weight.as_tensor().clone()))
        .collect();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let temporary = tempfile::NamedTempFile::new_in(folder.unwrap_or(std::path::Path::new(".")))?;
    candle_core::safetensors::save(&tensors.into_iter().collect(), temporary.path())?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn load(network: &Network, path: &std::path::Path) -> Result<(), TrainError> {
    let found = candle_core::safetensors::load(path, &Device::Cpu)?;
    for (name, weight) in network.weights() {
        let tensor = found
            .get(name)
            .filter(|tensor| tensor.dims() == weight.dims())
            .ok_or_else(|| TrainError::Start(format!("no {name} of shape {:?}", weight.dims())))?;
        weight.set(tensor)?;
    }
    Ok(())
}

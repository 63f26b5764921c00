//! How well a network does on voices it has not heard, with the field's measures.

use candle_core::Result;

use super::examples::{Batch, Labelled, Truth};
use super::network::Network;
use super::scene::Noise;
use crate::model::pitch::features::{BINS, Features, grid_hz};
use crate::train::random::Random;

/// Sequences at each noise level, and frames of a sequence.
const SEQUENCES: usize = 24;
const FRAMES: usize = 300;
const SEED: u64 = 0x0e_4a11;

/// Shares of frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    /// Raw pitch accuracy within 50 cents: clean, 20, 10, 0 dB.
    pub pitch: [f64; 4],
    /// Voicing recall and false alarm at 10 dB.
    pub recall: f64,
    /// See `recall`.
    pub false_alarm: f64,
}

/// The same voices every time.
pub struct Exam {
    batches: [Batch; 4],
}

impl Exam {
    /// Makes the voices.
    pub fn new() -> Self {
        let mut features = Features::new();
        let batches = [
            Noise::Clean,
            Noise::Db(20.0),
            Noise::Db(10.0),
            Noise::Db(0.0),
        ]
        .map(|noise| {
            let mut batch = Batch::new();
            for sequence in 0..SEQUENCES as u64 {
                let mut random = Random::new(SEED + sequence);
                let scene = Labelled::made_up(&mut random, Batch::hops(FRAMES), noise);
                batch.push(&mut features, &scene, FRAMES);
            }
            batch
        });
        Self { batches }
    }

    /// Measures.
    pub fn take(&self, network: &Network) -> Result<Score> {
        let mut score = Score::default();
        for (index, batch) in self.batches.iter().enumerate() {
            let output = super::forward(network, batch, FRAMES)?;
            let pitch = output.pitch.flatten_all()?.to_vec1::<f32>()?;
            let voicing = output.voicing.flatten_all()?.to_vec1::<f32>()?;
            let right = pitch
                .chunks_exact(BINS)
                .zip(&batch.truth)
                .filter(|(bins, truth)| {
                    truth
                        .f0_hz
                        .is_some_and(|f0| cents(decode(bins), f64::from(f0)).abs() <= 50.0)
                });
            let known = batch
                .truth
                .iter()
                .filter(|truth| truth.f0_hz.is_some())
                .count();
            score.pitch[index] = right.count() as f64 / known.max(1) as f64;
            if index == 2 {
                score.recall = share(&voicing, &batch.truth, true);
                score.false_alarm = share(&voicing, &batch.truth, false);
            }
        }
        Ok(score)
    }
}

/// Share of the frames known to be voiced, or not, that are called voiced.
fn share(voicing: &[f32], truth: &[Truth], voiced: bool) -> f64 {
    let of = voicing
        .iter()
        .zip(truth)
        .filter(|(_, t)| t.voiced == Some(voiced));
    let (mut called, mut all) = (0, 0);
    for (confidence, _) in of {
        called += usize::from(0.0 < *confidence);
        all += 1;
    }
    f64::from(called as u32) / f64::from(all.max(1) as u32)
}

fn cents(found: f64, wanted: f64) -> f64 {
    1200.0 * (found / wanted).log2()
}

/// The mean of the distribution around its peak, in Hz.
fn decode(bins: &[f32]) -> f64 {
    let peak = (0..bins.len())
        .max_by(|&a, &b| bins[a].total_cmp(&bins[b]))
        .unwrap_or(0);
    let (from, to) = (peak.saturating_sub(2), (peak + 3).min(bins.len()));
    let (mut sum, mut weight) = (0.0, 0.0);
    for (bin, value) in bins.iter().enumerate().take(to).skip(from) {
        let w = f64::from(value - bins[peak]).exp();
        sum += w * bin as f64;
        weight += w;
    }
    grid_hz(sum / weight)
}

//! The second half of the engine: from what is to be sung to sound. Inference thread; real-time
//! safe after construction.

use super::listener::Score;
use crate::dsp::noise::normal;
use crate::model::rvc::{Generator, Source, Speakers};
use crate::nn::Bounds;

/// What numbers the deviates of the source among all of a seed.
const SOURCE: u64 = 0x736f_7572_6365;

/// The parts a singer is made of.
pub(super) struct Parts {
    pub source: Option<Source>,
    pub generator: Generator,
    pub speakers: Speakers,
}

/// See the module.
pub(super) struct Singer {
    seed: u64,
    parts: Parts,
    noise: Vec<f32>,
    wave: Vec<f32>,
    speaker: Option<usize>,
    /// Number of the next sample.
    at: u64,
}

impl Singer {
    /// For hops of so many samples.
    pub fn new(hop: usize, seed: u64, parts: Parts) -> Self {
        let samples = if parts.source.is_some() { hop } else { 0 };
        Self {
            seed,
            noise: vec![0.0; samples],
            wave: vec![0.0; samples],
            speaker: None,
            at: 0,
            parts,
        }
    }

    pub fn reset(&mut self) {
        self.parts.generator.reset();
        if let Some(source) = &mut self.parts.source {
            source.reset();
        }
        self.at = 0;
    }

    /// Sings one hop, [`Generator::lag`] samples before.
    pub fn step(&mut self, score: &Score, output: &mut [f32]) {
        if self.speaker != Some(score.speaker) {
            self.speaker = Some(score.speaker);
            let embedding = self.parts.speakers.embedding(score.speaker);
            self.parts.generator.set_speaker(embedding);
        }
        if let Some(source) = &mut self.parts.source {
            normal(self.seed ^ SOURCE, self.at, &mut self.noise);
            source.excite(&score.pitch_hz, &self.noise, &mut self.wave);
            source.shape(&mut self.wave);
            self.at += self.wave.len() as u64;
        }
        self.parts
            .generator
            .step(&score.latent, &self.wave, Bounds::OPEN, output);
    }
}

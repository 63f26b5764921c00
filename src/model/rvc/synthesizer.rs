//! A voice's networks together: what a stream needs, and the whole signal at once as a reference.
//! Any thread.

use std::sync::Arc;

use autovoice_kernels::cpu::{Footprint, exp};

use super::{Flow, Generator, RvcConfig, Source, TextEncoder};
use crate::nn::{Bounds, Scope, WeightsError};
use crate::units::Frames;

/// The deviation of the latent around its mean.
pub(super) const TEMPERATURE: f32 = 0.66666;

/// For how many frames of 10 ms the networks are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    /// The window of the text encoder.
    pub window: Frames,
    /// A step of the flow, to decide on and to look at.
    pub flow: Frames,
    /// A step of the generator.
    pub generator: Frames,
}

/// A voice's networks with the state of one stream. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct Synthesizer {
    config: Arc<RvcConfig>,
    /// Content and pitch to the prior of the latent.
    pub text: TextEncoder,
    /// The prior to the latent.
    pub flow: Flow,
    /// The excitation; none for a voice without pitch.
    pub source: Option<Source>,
    /// The latent and the excitation to sound.
    pub generator: Generator,
    /// Who can be heard.
    pub speakers: Speakers,
}

/// The speakers of a voice, each by its embedding. A clone shares them.
#[derive(Clone, Debug)]
pub struct Speakers {
    table: Arc<[f32]>,
    channels: usize,
}

impl Speakers {
    /// The embedding of a speaker, from 0; beyond the last it is that of the last. Real-time safe.
    #[must_use]
    pub fn embedding(&self, speaker: usize) -> &[f32] {
        let last = self.table.len() / self.channels - 1;
        &self.table[speaker.min(last) * self.channels..][..self.channels]
    }
}

impl Synthesizer {
    /// From the weights of a voice. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit the sizes.
    pub fn new(config: &RvcConfig, spans: Spans, weights: &Scope) -> Result<Self, WeightsError> {
        let source = weights.part("dec").part("m_source");
        let source = match config.has_pitch {
            true => Some(Source::new(config.rate_hz, config.hop(), &source)?),
            false => None,
        };
        let speakers = weights
            .part("emb_g")
            .get("weight", &[config.speakers, config.gin])?;
        let mut made = Self {
            text: TextEncoder::new(config, spans.window, &weights.part("enc_p"))?,
            flow: Flow::new(config, spans.flow, &weights.part("flow"))?,
            source,
            generator: Generator::new(config, spans.generator, &weights.part("dec"))?,
            speakers: Speakers {
                table: speakers.into(),
                channels: config.gin,
            },
            config: Arc::new(config.clone()),
        };
        made.set_speaker(0);
        Ok(made)
    }

    /// The sizes.
    #[must_use]
    pub fn config(&self) -> &RvcConfig {
        &self.config
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        self.text.footprint() + self.flow.footprint() + self.generator.footprint()
    }

    /// Sets the speaker, from 0; beyond the last it is the last. Real-time safe.
    pub fn set_speaker(&mut self, speaker: usize) {
        let embedding = self.speakers.embedding(speaker);
        self.flow.set_speaker(embedding);
        self.generator.set_speaker(embedding);
    }

    /// Begins anew. Real-time safe.
    pub fn reset(&mut self) {
        self.flow.reset();
        self.generator.reset();
        if let Some(source) = &mut self.source {
            source.reset();
        }
    }

    /// The voice of a whole signal: what a stream is held against. Allocates.
    ///
    /// # Panics
    /// If the networks were built for less, or slices do not fit each other.
    #[must_use]
    pub fn whole(&mut self, input: &Whole<'_>) -> Sung {
        self.reset();
        let RvcConfig { inter, .. } = *self.config;
        let hop = self.config.hop();
        let (head, length) = input.part;
        let before = head.saturating_sub(Flow::REACH);
        let stats = self.text.forward(input.features, input.coarse, before);
        let mut sung = Sung {
            prior: prior(stats, inter, input.latent_noise),
            stats: stats.to_vec(),
            ..Sung::default()
        };
        let frames = (sung.prior.len() / inter) as i64;
        let z = self
            .flow
            .step(&sung.prior, frames as usize, Bounds { end: frames });
        sung.latent = z[(head - before) * inter..][..length * inter].to_vec();
        if let Some(source) = &mut self.source {
            sung.source = vec![0.0; length * hop];
            let pitch = &input.pitch_hz[head..][..length];
            source.excite(pitch, input.source_noise, &mut sung.source);
            sung.sine = sung.source.clone();
            source.shape(&mut sung.source);
        }
        let end = input.stretched;
        let z = stretch(&sung.latent, inter, end);
        let source = match &self.source {
            Some(_) => stretch(&sung.source, 1, end * hop),
            None => Vec::new(),
        };
        sung.audio = self.generate(&z, &source);
        sung
    }

    /// Sound from latent and source alone, over all of them. Allocates.
    ///
    /// # Panics
    /// As [`Self::whole`].
    #[must_use]
    pub fn generate(&mut self, z: &[f32], source: &[f32]) -> Vec<f32> {
        let (inter, hop) = (self.config.inter, self.config.hop());
        let bounds = Bounds {
            end: (z.len() / inter) as i64,
        };
        let lag = self.generator.lag();
        // What comes late comes with frames behind the end, which are not heard.
        let more = lag.div_ceil(hop);
        let mut z = z.to_vec();
        z.resize(z.len() + more * inter, 0.0);
        let mut source = source.to_vec();
        if !source.is_empty() {
            source.resize(source.len() + more * hop, 0.0);
        }
        let mut audio = vec![0.0; z.len() / inter * hop];
        self.generator.reset();
        self.generator.step(&z, &source, bounds, &mut audio);
        audio[lag..][..bounds.end as usize * hop].to_vec()
    }
}

/// What [`Synthesizer::whole`] takes.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// `[frames, 256 or 768]`
    pub features: &'a [f32],
    /// One per frame.
    pub coarse: &'a [u8],
    /// In Hz, one per frame; of no meaning for a voice without pitch.
    pub pitch_hz: &'a [f32],
    /// Normal deviates, `[frames, inter]`, from [`Flow::REACH`] frames before the part on.
    pub latent_noise: &'a [f32],
    /// Normal deviates, one per sample of the part.
    pub source_noise: &'a [f32],
    /// The part to be heard: its first frame, and how many.
    pub part: (Frames, Frames),
    /// Frames that the part is stretched to, by which formants are moved.
    pub stretched: Frames,
}

/// What became of a whole signal, stage by stage.
#[derive(Clone, Debug, Default)]
pub struct Sung {
    /// Means and logarithms of the deviations, `[frames, 2 * inter]`.
    pub stats: Vec<f32>,
    /// Drawn from them, `[frames, inter]`.
    pub prior: Vec<f32>,
    /// After the flow, `[length, inter]`.
    pub latent: Vec<f32>,
    /// The excitation before and after it is shaped, one per sample.
    pub sine: Vec<f32>,
    /// See above.
    pub source: Vec<f32>,
    /// One per sample.
    pub audio: Vec<f32>,
}

/// Draws from the prior: `stats` is `[frames, 2 * inter]`, `noise` `[frames, inter]`. Allocates.
fn prior(stats: &[f32], inter: usize, noise: &[f32]) -> Vec<f32> {
    let mut z = vec![0.0; stats.len() / 2];
    draw(stats, inter, noise, &mut z);
    z
}

/// Draws from the prior of the latent: `stats` is `[frames, 2 * inter]`, means and logarithms of
/// deviations; `noise`, normal deviates, and `z` are `[frames, inter]`. Real-time safe.
pub fn draw(stats: &[f32], inter: usize, noise: &[f32], z: &mut [f32]) {
    let frames = stats.chunks_exact(2 * inter).zip(noise.chunks_exact(inter));
    for ((stats, noise), z) in frames.zip(z.chunks_exact_mut(inter)) {
        let (mean, spread) = stats.split_at(inter);
        z.copy_from_slice(spread);
        exp(z);
        for ((z, mean), noise) in z.iter_mut().zip(mean).zip(noise) {
            *z = mean + *z * noise * TEMPERATURE;
        }
    }
}

/// `x`, `[any, channels]`, drawn between its frames to `frames` frames. Allocates.
fn stretch(x: &[f32], channels: usize, frames: Frames) -> Vec<f32> {
    let before = x.len() / channels;
    if before == frames {
        return x.to_vec();
    }
    let mut y = Vec::with_capacity(frames * channels);
    for f in 0..frames {
        let at = ((f as f64 + 0.5) * before as f64 / frames as f64 - 0.5).max(0.0);
        let first = (at as usize).min(before - 1);
        let next = (first + 1).min(before - 1);
        let share = (at - first as f64) as f32;
        let pairs = x[first * channels..][..channels].iter();
        let pairs = pairs.zip(&x[next * channels..][..channels]);
        y.extend(pairs.map(|(a, b)| a + share * (b - a)));
    }
    y
}

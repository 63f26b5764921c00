//! The decoder: from what is said, and at which pitch, to the spectrum with which a voice says it.
//! How loud a voice is from one sound to the next is its own affair: told the singer's level, a
//! decoder leans on that, and the voice sounds like the singer. Causal. Any thread; `step` is real-time safe.

use autovoice_kernels::cpu::Footprint;

use super::block::{Block, CHUNK, Work};
use super::config::{DecoderConfig, TAPS};
use super::grid::BANDS;
use crate::nn::{LayerNorm, Linear, Scope, WeightsError};

/// Values of a frame's input after its content: pitch and voicing.
pub const SUNG: usize = 2;
/// Values of a frame of output: [`BANDS`] times the logarithm of the power per Hz, full scale being
/// 1, then as many logits of the share of it that is noise.
pub const OUTS: usize = 2 * BANDS;

/// The pitch that counts as 0.
const PITCH_HZ: f32 = 200.0;

/// How a frame is sung.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sung {
    /// Pitch in Hz, 0 where unvoiced.
    pub f0_hz: f32,
}

impl Sung {
    /// As the decoder takes it: octaves above 200 Hz, voicing.
    #[must_use]
    pub fn values(self) -> [f32; SUNG] {
        match self.f0_hz {
            hz if 0.0 < hz => [(hz / PITCH_HZ).log2(), 1.0],
            _ => [0.0, 0.0],
        }
    }
}

/// A decoder with the state of one stream. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct Decoder {
    config: DecoderConfig,
    input: Linear,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
    /// `[CHUNK, width]`.
    x: Vec<f32>,
    work: Work,
}

impl Decoder {
    /// From weights of [`DecoderConfig::shapes`]; nobody speaks until [`Self::set_speaker`].
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: &DecoderConfig, weights: &Scope) -> Result<Self, WeightsError> {
        let weights = weights.part("decoder");
        let DecoderConfig {
            width, embedding, ..
        } = *config;
        let all = weights.part("blocks");
        let blocks = config.dilations.iter().enumerate();
        let blocks =
            blocks.map(|(n, dilation)| Block::new(width, *dilation, embedding, &all.part(n)));
        Ok(Self {
            input: Linear::new(config.content + SUNG, width, &weights.part("input"))?,
            blocks: blocks.collect::<Result<_, _>>()?,
            norm: LayerNorm::new(width, &weights.part("norm"))?,
            head: Linear::new(width, OUTS, &weights.part("head"))?,
            x: vec![0.0; CHUNK * width],
            work: Work::new(width),
            config: config.clone(),
        })
    }

    /// Its sizes.
    #[must_use]
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let ends = [self.input.footprint(), self.head.footprint()];
        let blocks = self.blocks.iter().map(Block::footprint);
        ends.into_iter().chain(blocks).sum()
    }

    /// Speaks as somebody else from the next frame on: an embedding, or a mean of some, which is
    /// somebody between them. Real-time safe.
    ///
    /// # Panics
    /// If it is shorter than [`DecoderConfig::embedding`].
    pub fn set_speaker(&mut self, embedding: &[f32]) {
        for block in &mut self.blocks {
            block.set_speaker(embedding);
        }
    }

    /// Forgets the past, not who speaks. Real-time safe.
    pub fn reset(&mut self) {
        self.blocks.iter_mut().for_each(Block::reset);
    }

    /// Frames before the newest that an output depends on.
    #[must_use]
    pub fn memory(&self) -> usize {
        (TAPS - 1) * self.config.dilations.iter().sum::<usize>()
    }

    /// Values of a frame of input: content, then [`Sung::values`].
    #[must_use]
    pub fn ins(&self) -> usize {
        self.config.content + SUNG
    }

    /// The spectra of the whole signal `[frames, ins]`, `[frames, OUTS]`: what [`Self::step`] gives
    /// for it after a reset. Allocates.
    #[must_use]
    pub fn forward(&self, input: &[f32]) -> Vec<f32> {
        let frames = input.len() / self.ins();
        let mut x = vec![0.0; frames * self.config.width];
        self.input.forward(input, frames, &mut x);
        for block in &self.blocks {
            block.forward(&mut x);
        }
        self.norm.apply(&mut x);
        let mut y = vec![0.0; frames * OUTS];
        self.head.forward(&x, frames, &mut y);
        y
    }

    /// The spectra of the next frames, `[any, ins]`, to `y`, `[as many, OUTS]`. Real-time safe.
    ///
    /// # Panics
    /// If `y` is too short.
    pub fn step(&mut self, input: &[f32], y: &mut [f32]) {
        let ins = self.ins();
        let chunks = input.chunks(CHUNK * ins).zip(y.chunks_mut(CHUNK * OUTS));
        for (chunk, y) in chunks {
            let frames = chunk.len() / ins;
            let x = &mut self.x[..frames * self.config.width];
            self.input.forward(chunk, frames, x);
            for block in &mut self.blocks {
                block.step(x, &mut self.work);
            }
            self.norm.apply(x);
            self.head.forward(x, frames, y);
        }
    }
}

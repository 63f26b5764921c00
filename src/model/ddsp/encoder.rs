//! The content encoder: what is said, not who says it. Causal but for the first convolution, which
//! sees [`EncoderConfig::ahead`] frames of the future. Any thread; `step` is real-time safe.

use autovoice_kernels::cpu::{Conv1dShape, Footprint};

use super::block::{Block, CHUNK, Work};
use super::config::EncoderConfig;
use super::features::BANDS;
use crate::nn::{Conv1d, Conv1dConfig, LayerNorm, Linear, Scope, WeightsError};
use crate::units::Frames;

/// A content encoder with the state of one stream. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct Encoder {
    config: EncoderConfig,
    input: Conv1d,
    blocks: Vec<Block>,
    norm: LayerNorm,
    content: Linear,
    /// `[CHUNK + 1, width]`.
    x: Vec<f32>,
    work: Work,
}

impl Encoder {
    /// From weights of [`EncoderConfig::shapes`]. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: &EncoderConfig, weights: &Scope) -> Result<Self, WeightsError> {
        let weights = weights.part("encoder");
        let width = config.width;
        let input = Conv1dConfig {
            shape: Conv1dShape::new(BANDS, width, config.input_taps()),
            left: config.ahead,
        };
        let all = weights.part("blocks");
        let blocks = config.dilations.iter().enumerate();
        let blocks = blocks.map(|(n, dilation)| Block::new(width, *dilation, 0, &all.part(n)));
        Ok(Self {
            input: Conv1d::new(input, &weights.part("input"))?,
            blocks: blocks.collect::<Result<_, _>>()?,
            norm: LayerNorm::new(width, &weights.part("norm"))?,
            content: Linear::new(width, config.content, &weights.part("content"))?,
            x: vec![0.0; (CHUNK + 1) * width],
            work: Work::new(width),
            config: config.clone(),
        })
    }

    /// Its sizes.
    #[must_use]
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let ends = [self.input.footprint(), self.content.footprint()];
        let blocks = self.blocks.iter().map(Block::footprint);
        ends.into_iter().chain(blocks).sum()
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.input.reset();
        self.blocks.iter_mut().for_each(Block::reset);
    }

    /// The content of the whole signal `[frames, BANDS]`, `[frames - ahead, content]`: what
    /// [`Self::step`] gives for it after a reset. Allocates.
    #[must_use]
    pub fn forward(&self, mel: &[f32]) -> Vec<f32> {
        let mut x = self.input.forward(mel);
        for block in &self.blocks {
            block.forward(&mut x);
        }
        self.norm.apply(&mut x);
        let frames = x.len() / self.config.width;
        let mut y = vec![0.0; frames * self.config.content];
        self.content.forward(&x, frames, &mut y);
        y
    }

    /// Takes the next frames, `[any, BANDS]`; writes the content of those they complete, as many
    /// but for the first `ahead`, to `y`, `[_, content]`, and says how many. Real-time safe.
    ///
    /// # Panics
    /// If `y` is shorter than what is completed.
    pub fn step(&mut self, mel: &[f32], y: &mut [f32]) -> Frames {
        let EncoderConfig { width, content, .. } = self.config;
        let mut written = 0;
        for chunk in mel.chunks(CHUNK * BANDS) {
            let frames = self.input.step(chunk, &mut self.x);
            let x = &mut self.x[..frames * width];
            for block in &mut self.blocks {
                block.step(x, &mut self.work);
            }
            self.norm.apply(x);
            let y = &mut y[written * content..][..frames * content];
            self.content.forward(x, frames, y);
            written += frames;
        }
        written
    }
}

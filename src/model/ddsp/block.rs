//! The residual block that encoder and decoder are made of, after "An empirical evaluation of
//! generic convolutional and recurrent networks for sequence modeling" (Bai, Kolter & Koltun,
//! 2018): `x + out(gelu(conv(norm(x)) + speaker(e)))`, the convolution causal. Any thread; `step` is
//! real-time safe.

use autovoice_kernels::cpu::{Conv1dShape, Footprint, gelu};

use super::config::TAPS;
use crate::nn::{Conv1d, Conv1dConfig, LayerNorm, Linear, Scope, WeightsError};
use crate::units::Frames;

/// Frames that are worked on at a time.
pub(super) const CHUNK: Frames = 8;

/// What blocks work in, shared by all of a network: `[CHUNK, width]` each.
#[derive(Clone, Debug)]
pub(super) struct Work {
    normal: Vec<f32>,
    inner: Vec<f32>,
}

impl Work {
    pub fn new(width: usize) -> Self {
        Self {
            normal: vec![0.0; CHUNK * width],
            // A convolution may ask for room for one frame more than it was given.
            inner: vec![0.0; (CHUNK + 1) * width],
        }
    }
}

/// A block with the state of one stream. A clone shares the weights.
#[derive(Clone, Debug)]
pub(super) struct Block {
    norm: LayerNorm,
    conv: Conv1d,
    out: Linear,
    speaker: Option<Linear>,
    /// What the speaker adds to the convolution.
    bias: Vec<f32>,
}

impl Block {
    /// `speaker` is how many values say who speaks, 0 where that is not asked. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(
        width: usize,
        dilation: usize,
        speaker: usize,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let shape = Conv1dShape {
            dilation,
            ..Conv1dShape::new(width, width, TAPS)
        };
        let speaker = match speaker {
            0 => None,
            ins => Some(Linear::new(ins, width, &weights.part("speaker"))?),
        };
        Ok(Self {
            norm: LayerNorm::new(width, &weights.part("norm"))?,
            conv: Conv1d::new(Conv1dConfig::causal(shape), &weights.part("conv"))?,
            out: Linear::new(width, width, &weights.part("out"))?,
            speaker,
            bias: vec![0.0; width],
        })
    }

    /// What its weights take.
    pub fn footprint(&self) -> Footprint {
        let speaker = self.speaker.iter().map(Linear::footprint);
        let others = [self.conv.footprint(), self.out.footprint()];
        others.into_iter().chain(speaker).sum()
    }

    /// Works out what a speaker adds. Real-time safe.
    pub fn set_speaker(&mut self, embedding: &[f32]) {
        if let Some(speaker) = &self.speaker {
            speaker.forward(embedding, 1, &mut self.bias);
        }
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.conv.reset();
    }

    /// Becomes what comes out, of the whole signal `[frames, width]`. Allocates.
    pub fn forward(&self, x: &mut [f32]) {
        let mut normal = x.to_vec();
        self.norm.apply(&mut normal);
        let mut inner = self.conv.forward(&normal);
        self.finish(&mut inner, x);
    }

    /// Becomes what comes out, of the next frames `[at most CHUNK, width]`. Real-time safe.
    pub fn step(&mut self, x: &mut [f32], work: &mut Work) {
        let normal = &mut work.normal[..x.len()];
        normal.copy_from_slice(x);
        self.norm.apply(normal);
        let frames = self.conv.step(normal, &mut work.inner);
        let inner = &mut work.inner[..frames * self.bias.len()];
        debug_assert_eq!(inner.len(), x.len(), "as many frames as went in");
        self.finish(inner, x);
    }

    /// Adds to `x` what the second half makes of what the convolution gave.
    fn finish(&self, inner: &mut [f32], x: &mut [f32]) {
        let width = self.bias.len();
        if self.speaker.is_some() {
            for frame in inner.chunks_exact_mut(width) {
                frame.iter_mut().zip(&self.bias).for_each(|(y, b)| *y += b);
            }
        }
        gelu(inner);
        self.out.add(inner, x.len() / width, x);
    }
}

//! Convolution over frames, whole or as a stream. Any thread; `step` is real-time safe.

use autovoice_kernels::cpu::{Conv1dShape, Footprint, PackedConv1d, Start, conv1d};

use super::{Scope, WeightsError};
use crate::units::Frames;

/// Frames worked on at a time.
const CHUNK: Frames = 64;

/// What a convolution is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1dConfig {
    /// Channels, kernel, stride, dilation and groups.
    pub shape: Conv1dShape,
    /// Frames of silence before the first frame. A stream cannot pad the end.
    pub left: Frames,
}

impl Conv1dConfig {
    /// Padded so that no output sees the future: output `f` sees the inputs up to
    /// `f * stride + stride - 1`.
    #[must_use]
    pub fn causal(shape: Conv1dShape) -> Self {
        let left = shape.span().saturating_sub(shape.stride);
        Self { shape, left }
    }
}

/// A convolution with the state of one stream.
#[derive(Clone, Debug)]
pub struct Conv1d {
    config: Conv1dConfig,
    packed: PackedConv1d,
    bias: Vec<f32>,
    /// Frames that are still needed, `[held, ins]`, and room for a chunk.
    work: Vec<f32>,
    held: Frames,
    /// Frames to pass over before the next one that is seen (strides longer than the span).
    skip: Frames,
}

impl Conv1d {
    /// From `weight` `[outs, ins / groups, kernel]` and `bias` `[outs]`, which may be missing.
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: Conv1dConfig, weights: &Scope) -> Result<Self, WeightsError> {
        let shape = config.shape;
        let dims = [shape.outs, shape.ins / shape.groups, shape.kernel];
        let packed = PackedConv1d::new(shape, weights.get("weight", &dims)?);
        let longest = config.left.max(shape.span()) + CHUNK;
        Ok(Self {
            config,
            packed,
            bias: weights.get_or_zeros("bias", &[shape.outs])?,
            work: vec![0.0; longest * shape.ins],
            held: config.left,
            skip: 0,
        })
    }

    /// What it is like.
    #[must_use]
    pub fn config(&self) -> Conv1dConfig {
        self.config
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        self.packed.footprint()
    }

    /// The most frames that `frames` input frames can complete.
    #[must_use]
    pub fn max_output(&self, frames: Frames) -> Frames {
        (frames + self.config.left) / self.config.shape.stride + 1
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.work.fill(0.0);
        self.held = self.config.left;
        self.skip = 0;
    }

    /// The whole signal `[frames, ins]`: what [`Self::step`] gives for it after a reset.
    /// Allocates.
    #[must_use]
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let shape = self.config.shape;
        let mut padded = vec![0.0; self.config.left * shape.ins];
        padded.extend_from_slice(x);
        let frames = shape.frames_out(padded.len() / shape.ins);
        let mut y = vec![0.0; frames * shape.outs];
        conv1d(
            &padded,
            frames,
            &self.packed,
            Start::Bias(&self.bias),
            &mut y,
        );
        y
    }

    /// Takes the next frames, `[any, ins]`; writes those they complete to `y`, `[_, outs]`, and
    /// says how many. Real-time safe.
    ///
    /// # Panics
    /// If `y` is shorter than what is completed, at most [`Self::max_output`].
    pub fn step(&mut self, x: &[f32], y: &mut [f32]) -> Frames {
        let Conv1dShape { ins, outs, .. } = self.config.shape;
        let mut written = 0;
        for chunk in x.chunks(CHUNK * ins) {
            let passed = (self.skip * ins).min(chunk.len());
            self.skip -= passed / ins;
            let chunk = &chunk[passed..];
            self.work[self.held * ins..][..chunk.len()].copy_from_slice(chunk);
            self.held += chunk.len() / ins;
            written += self.complete(&mut y[written * outs..]);
        }
        written
    }

    /// Computes what the held frames suffice for, and lets go of what is no longer seen.
    fn complete(&mut self, y: &mut [f32]) -> Frames {
        let shape = self.config.shape;
        let frames = shape.frames_out(self.held);
        if frames == 0 {
            return 0;
        }
        conv1d(&self.work, frames, &self.packed, Start::Bias(&self.bias), y);
        let done = frames * shape.stride;
        let gone = done.min(self.held);
        self.skip += done - gone;
        self.work
            .copy_within(gone * shape.ins..self.held * shape.ins, 0);
        self.held -= gone;
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, stream_equals_whole};
    use super::*;

    fn shape(kernel: usize, stride: usize, dilation: usize, groups: usize) -> Conv1dShape {
        Conv1dShape {
            ins: 6,
            outs: 10,
            kernel,
            stride,
            dilation,
            groups,
        }
    }

    #[test]
    fn a_stream_gives_what_the_whole_signal_gives() {
        let table = [
            shape(1, 1, 1, 1),
            shape(3, 1, 1, 1),
            shape(5, 2, 1, 1),
            shape(3, 1, 4, 1),
            shape(3, 2, 3, 2),
            shape(2, 5, 1, 1),
            shape(1, 3, 1, 2),
        ];
        let mut noise = Noise(7);
        for shape in table {
            let dims = [shape.outs, shape.ins / shape.groups, shape.kernel];
            let weights = noise.weights(&[("weight", &dims), ("bias", &[shape.outs])]);
            let x = noise.take(101 * shape.ins);
            for left in [0, 1, Conv1dConfig::causal(shape).left, 90] {
                let config = Conv1dConfig { shape, left };
                let mut layer = Conv1d::new(config, &weights.root()).unwrap();
                let whole = layer.forward(&x);
                let step = |layer: &mut Conv1d, x: &[f32], got: &mut Vec<f32>| {
                    let mut y = vec![f32::NAN; layer.max_output(x.len() / shape.ins) * shape.outs];
                    let frames = layer.step(x, &mut y);
                    got.extend_from_slice(&y[..frames * shape.outs]);
                };
                stream_equals_whole(&mut layer, &x, shape.ins, &whole, step, Conv1d::reset);
                let mut at_once = Vec::new();
                step(&mut layer, &x, &mut at_once);
                assert_eq!(at_once.len(), whole.len());
            }
        }
    }

    #[test]
    fn a_causal_output_sees_no_later_input() {
        let shape = shape(3, 2, 2, 1);
        let weights = Noise(9).weights(&[("weight", &[10, 6, 3]), ("bias", &[10])]);
        let layer = Conv1d::new(Conv1dConfig::causal(shape), &weights.root()).unwrap();
        let mut x = Noise(11).take(40 * 6);
        let before = layer.forward(&x);
        assert_eq!(before.len(), 20 * 10);
        x[21 * 6] += 1.0;
        let after = layer.forward(&x);
        let changed = before.iter().zip(&after).position(|(a, b)| a != b);
        assert_eq!(
            changed.map(|at| at / 10),
            Some(10),
            "input 21 is seen from output 10 on"
        );
    }
}

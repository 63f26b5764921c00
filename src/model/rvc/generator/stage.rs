//! One stage of the generator. Real-time safe after construction.

use std::sync::Arc;

use autovoice_kernels::cpu::{Conv1dShape, Footprint, PackedConv1d, Start, conv1d, leaky_relu};

use super::SLOPE;
use super::block::Block;
use crate::model::rvc::RvcConfig;
use crate::nn::weight_norm::folded;
use crate::nn::{Bounds, Line, Scope, WeightsError};
use crate::units::Frames;

/// One stage: more samples, fewer channels, and three kinds of residual blocks side by side.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub rate: usize,
    pub channels: usize,
    up: Arc<PackedConv1d>,
    up_bias: Arc<[f32]>,
    /// Samples that the transposed convolution leaves out at the start.
    pad: usize,
    /// Its input.
    pub input: Line,
    noise: Option<NoiseConv>,
    /// What the blocks hear.
    x: Line,
    blocks: Vec<Block>,
    lag: Frames,
}

#[derive(Clone, Debug)]
struct NoiseConv {
    packed: Arc<PackedConv1d>,
    bias: Arc<[f32]>,
    /// Samples of the source from one of its outputs to the next.
    stride: usize,
    pad: usize,
}

impl Stage {
    pub fn footprint(&self) -> Footprint {
        let blocks: Footprint = self.blocks.iter().map(Block::footprint).sum();
        let noise = self.noise.as_ref().map(|noise| noise.packed.footprint());
        self.up.footprint() + noise.unwrap_or_default() + blocks
    }

    pub fn new(
        config: &RvcConfig,
        index: usize,
        most: Frames,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let rate = config.upsample_rates[index];
        let kernel = config.upsample_kernels[index];
        let ins = config.upsample_initial >> index;
        let channels = ins / 2;
        let (up, up_bias) = transposed(
            (ins, channels),
            (rate, kernel),
            &weights.part("ups").part(index),
        )?;
        let noise = match config.has_pitch {
            false => None,
            true => {
                let stride: usize = config.upsample_rates[index + 1..].iter().product();
                let is_last = index + 1 == config.upsample_rates.len();
                let taps = if is_last { 1 } else { 2 * stride };
                let part = weights.part("noise_convs").part(index);
                let shape = Conv1dShape {
                    stride,
                    ..Conv1dShape::new(1, channels, taps)
                };
                let packed = PackedConv1d::new(shape, part.get("weight", &[channels, 1, taps])?);
                Some(NoiseConv {
                    packed: Arc::new(packed),
                    bias: part.get("bias", &[channels])?.into(),
                    stride,
                    pad: if is_last { 0 } else { stride / 2 },
                })
            }
        };
        let frames = most * rate;
        let kinds = config
            .resblock_kernels
            .iter()
            .zip(&config.resblock_dilations);
        let first = index * config.resblock_kernels.len();
        let mut blocks = kinds
            .enumerate()
            .map(|(n, (kernel, dilations))| {
                let part = weights.part("resblocks").part(first + n);
                Block::new(channels, *kernel, dilations, frames, &part)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let lag = blocks.iter().map(Block::lag).max().unwrap_or(0);
        let mut history = 0;
        for block in &mut blocks {
            block.delay = lag - block.lag();
            history = history.max(block.delay + block.sees());
        }
        Ok(Self {
            rate,
            channels,
            pad: (kernel - rate) / 2,
            input: Line::new(ins, up.shape().kernel - 1, most),
            up: Arc::new(up),
            up_bias: up_bias.into(),
            noise,
            x: Line::new(channels, history, frames),
            blocks,
            lag,
        })
    }

    pub fn work_len(&self, most: Frames) -> usize {
        let shape = self.up.shape();
        let up = shape.frames_in(most) * shape.ins;
        let noise = most * self.rate * self.channels;
        let frames = most * self.rate;
        let blocks = self.blocks.iter().map(|block| block.work_len(frames));
        blocks.chain([up, noise]).max().unwrap_or(0)
    }

    pub fn reset(&mut self) {
        self.input.reset();
        self.x.reset();
        for block in &mut self.blocks {
            block.reset();
        }
    }

    /// Stands where another of the same kind does.
    pub fn resume(&mut self, other: &Self) {
        self.input.resume(&other.input);
        self.x.resume(&other.x);
        for (block, other) in self.blocks.iter_mut().zip(&other.blocks) {
            block.resume(other);
        }
    }

    /// Samples of sound by which it lags, when a frame that comes out is so many of them.
    pub fn lag_in(&self, samples: usize) -> usize {
        (self.pad + self.lag) * samples
    }

    /// How many samples before the newest the source is still heard, when the input lags by `lag`
    /// samples and a frame of it is `samples` long.
    pub fn furthest_source(&self, lag: usize, samples: usize) -> usize {
        let samples = samples / self.rate;
        lag + self.pad * samples + samples / 2
    }

    /// From the newest frames of `input`, the first of them at `at`, to `y`; where the first of
    /// these is.
    pub fn step(
        &mut self,
        frames: Frames,
        bounds: Bounds,
        at: i64,
        source: Option<(&Line, i64)>,
        y: &mut [f32],
        work: &mut [f32],
    ) -> i64 {
        let at = self.upsample(frames, bounds, at, source, work);
        let bounds = bounds.times(self.rate);
        self.refine(frames * self.rate, bounds, at, y, work);
        let at = at - self.lag as i64;
        bounds.mask(y, self.channels, at);
        at
    }

    /// From the newest frames of `input`, the first of them at `at`, to those of `x`; where the
    /// first of these is.
    fn upsample(
        &mut self,
        frames: Frames,
        bounds: Bounds,
        at: i64,
        source: Option<(&Line, i64)>,
        work: &mut [f32],
    ) -> i64 {
        let shape = self.up.shape();
        let seen = &mut work[..shape.frames_in(frames) * shape.ins];
        seen.copy_from_slice(&self.input.since(shape.kernel - 1)[..seen.len()]);
        leaky_relu(seen, SLOPE);
        self.input.advance(frames);
        let x = self.x.newest(frames * self.rate);
        conv1d(seen, frames, &self.up, Start::Bias(&self.up_bias), x);
        let at = at * self.rate as i64 - self.pad as i64;
        if let (Some(noise), Some((source, newest_at))) = (&self.noise, source) {
            let from = at * noise.stride as i64 - noise.pad as i64;
            let window = source.since((newest_at - from) as usize);
            let count = frames * self.rate;
            add(window, count, noise, x, work);
        }
        bounds.times(self.rate).mask(x, self.channels, at);
        at
    }

    /// The mean of the blocks over the newest frames of `x`.
    fn refine(&mut self, frames: Frames, bounds: Bounds, at: i64, y: &mut [f32], work: &mut [f32]) {
        y.fill(0.0);
        for block in &mut self.blocks {
            block.add(&self.x, frames, bounds, at, y, work);
        }
        self.x.advance(frames);
        let share = 1.0 / self.blocks.len() as f32;
        for y in y {
            *y *= share;
        }
    }
}

fn add(window: &[f32], frames: Frames, noise: &NoiseConv, x: &mut [f32], work: &mut [f32]) {
    let heard = &mut work[..x.len()];
    conv1d(
        window,
        frames,
        &noise.packed,
        Start::Bias(&noise.bias),
        heard,
    );
    for (x, heard) in x.iter_mut().zip(heard) {
        *x += *heard;
    }
}

/// A transposed convolution as one over frames whose outputs are the samples of a frame side by
/// side: sample `rate * n + j` is the sum over `d` of `w[rate * d + j]` times frame `n - d`.
fn transposed(
    (ins, outs): (usize, usize),
    (rate, kernel): (usize, usize),
    weights: &Scope,
) -> Result<(PackedConv1d, Vec<f32>), WeightsError> {
    let w = folded(weights, &[ins, outs, kernel], 0)?;
    let taps = kernel.div_ceil(rate);
    let mut values = vec![0.0; rate * outs * ins * taps];
    for (n, value) in values.iter_mut().enumerate() {
        let (row, i, tap) = (n / (ins * taps), n / taps % ins, n % taps);
        let (j, o) = (row / outs, row % outs);
        let from = rate * (taps - 1 - tap) + j;
        if from < kernel {
            *value = w[(i * outs + o) * kernel + from];
        }
    }
    let packed = PackedConv1d::new(Conv1dShape::new(ins, rate * outs, taps), &values);
    let bias = weights.get("bias", &[outs])?;
    Ok((packed, bias.repeat(rate)))
}

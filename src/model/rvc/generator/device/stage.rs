//! One stage of the generator, on a device.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Device, GpuError, Precision, Slice, mask_rows};

use super::block::{Block, Shape};
use crate::model::rvc::RvcConfig;
use crate::model::rvc::generator::SLOPE;
use crate::nn::Scope;
use crate::nn::device::{Build, Conv1d, DeviceError, Instant, Line, Step, Target};
use crate::nn::weight_norm::folded;
use crate::units::Frames;

/// One stage: more samples, fewer channels, and three kinds of residual blocks side by side.
#[derive(Debug)]
pub(super) struct Stage<B> {
    /// By how much it multiplies the rate, and how often the rate of the stream it then has.
    step_rate: usize,
    rate: usize,
    channels: usize,
    up: Conv1d<B>,
    /// Its input.
    pub input: Line,
    noise: Option<Noise<B>>,
    /// What the blocks hear.
    x: (Line, Instant),
    blocks: Vec<Block<B>>,
    mean: Conv1d<B>,
    /// Frames that what comes out is behind the stream.
    pub late: Frames,
}

/// What a stage hears of the source.
#[derive(Debug)]
struct Noise<B> {
    conv: Conv1d<B>,
    /// Samples before the newest of the source that it looks at.
    back: usize,
}

impl<B> Stage<B> {
    /// For an input of `rate` frames to one of the stream, `late` of them behind it. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &RvcConfig,
        index: usize,
        (rate, late): (usize, Frames),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let step_rate = config.upsample_rates[index];
        let kernel = config.upsample_kernels[index];
        let ins = config.upsample_initial >> index;
        let channels = ins / 2;
        let part = weights.part("ups").part(index);
        let up = Conv1d::transposed(
            build.device,
            (ins, channels),
            (step_rate, kernel),
            (
                &folded(&part, &[ins, channels, kernel], 0)?,
                part.get("bias", &[channels])?,
            ),
            build.precision,
        )?;
        build.works(up.work_len(build.device, build.layout.most() * rate));
        let input = build.layout.line(ins, rate, up.shape().kernel - 1);
        let rate = rate * step_rate;
        let late = late * step_rate + (kernel - step_rate) / 2;
        let noise = match config.has_pitch {
            false => None,
            true => Some(Noise::new(build, config, index, (rate, late), weights)?),
        };
        let kinds = config
            .resblock_kernels
            .iter()
            .zip(&config.resblock_dilations);
        let shapes: Vec<Shape> = kinds
            .map(|(kernel, dilations)| Shape {
                channels,
                kernel: *kernel,
                dilations,
            })
            .collect();
        let slowest = shapes.iter().map(Shape::lag).max().unwrap_or(0);
        let delay = |shape: &Shape| slowest - shape.lag();
        let history = shapes.iter().map(|shape| delay(shape) + shape.history());
        let x = build
            .layout
            .line(channels, rate, history.max().unwrap_or(0));
        let x = (x, build.layout.instant(rate, late));
        let blocks = shapes
            .iter()
            .enumerate()
            .map(|(n, shape)| {
                let part = weights.part("resblocks").part(index * shapes.len() + n);
                Block::new(build, *shape, (rate, late, delay(shape)), &part)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            mean: mean(build, channels, rate, blocks.len())?,
            step_rate,
            rate,
            channels,
            up,
            input,
            noise,
            x,
            blocks,
            late: late + slowest,
        })
    }

    /// Values of what its blocks give for a step of at most `most` frames of the stream.
    pub fn planes_len(&self, most: Frames) -> usize {
        self.blocks.len() * most * self.rate * self.channels
    }

    /// How far before its newest the source is heard; none for a voice without pitch.
    pub fn source_back(&self) -> Option<usize> {
        self.noise.as_ref().map(|noise| noise.back)
    }

    /// Frames that come out for one of the stream.
    pub fn rate(&self) -> usize {
        self.rate
    }

    /// From the newest frames of `input` to `y`. `planes` is work memory, [`Self::planes_len`] values.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        source: Option<Line>,
        planes: Slice<'_, B, f32>,
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        self.upsample(step, source)?;
        let frames = step.frames * self.rate;
        // Of each block for itself: their mean is a convolution whose taps are a plane apart.
        let plane = self.mean.shape().dilation * self.channels;
        for (n, block) in self.blocks.iter().enumerate() {
            block.run(step, self.x.0, frames, planes.since(n * plane)?)?;
        }
        self.mean.run(step, (planes, frames, 1.0), Target::plain(y))
    }

    /// From the newest frames of `input` to those of `x`.
    fn upsample<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        source: Option<Line>,
    ) -> Result<(), GpuError> {
        let (line, at) = self.x;
        let x = step.state.newest(line)?;
        let window = step.state.since(self.input, self.up.shape().kernel - 1)?;
        let count = step.frames * self.rate / self.step_rate;
        self.up
            .run(step, (window, count, SLOPE), Target::plain(x))?;
        let frames = step.frames * self.rate;
        match (&self.noise, source) {
            (Some(noise), Some(source)) => {
                let window = step.state.since(source, noise.back)?;
                let target = Target {
                    add: Some((x, self.channels)),
                    ..Target::within(x, at)
                };
                noise.conv.run(step, (window, frames, 1.0), target)
            }
            _ => {
                let at = (step.state.within(at)?, 1);
                mask_rows(step.device, (x, frames, self.channels), at)
            }
        }
    }
}

impl<B> Noise<B> {
    fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &RvcConfig,
        index: usize,
        (rate, late): (usize, Frames),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let channels = config.upsample_initial >> (index + 1);
        let stride: usize = config.upsample_rates[index + 1..].iter().product();
        let is_last = index + 1 == config.upsample_rates.len();
        let (taps, pad) = match is_last {
            true => (1, 0),
            false => (2 * stride, stride / 2),
        };
        let part = weights.part("noise_convs").part(index);
        let shape = Conv1dShape {
            stride,
            ..Conv1dShape::new(1, channels, taps)
        };
        let weight = part.get("weight", &[channels, 1, taps])?;
        let bias = part.get("bias", &[channels])?;
        let most = build.layout.most() * rate;
        Ok(Self {
            conv: build.conv1d((shape, most), weight, bias)?,
            back: late * stride + pad,
        })
    }
}

/// The mean of so many planes, each of as many frames as a step has at most, channel by channel.
fn mean<D: Device>(
    build: &Build<'_, D>,
    channels: usize,
    rate: usize,
    planes: usize,
) -> Result<Conv1d<D::Buffer>, GpuError> {
    let shape = Conv1dShape {
        dilation: build.layout.most() * rate,
        groups: channels,
        ..Conv1dShape::new(channels, channels, planes)
    };
    let share = vec![1.0 / planes as f32; channels * planes];
    let bias = vec![0.0; channels];
    Conv1d::new(build.device, shape, &share, &bias, Precision::Full)
}

//! Convolution in the middle of a network on a device, of a window that a [`State`] keeps: the twin of
//! [`crate::nn::SameConv1d`]. Any thread that may wait; allocates at construction only.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{
    self, Activation, Device, GpuError, Output, Precision, Slice, conv1d, conv1d_within,
};

use super::{Instant, State};
use crate::units::Frames;

/// What all layers of a step are given.
#[derive(Debug)]
pub struct Step<'a, D: Device> {
    /// Where it runs.
    pub device: &'a D,
    /// Of the stream.
    pub state: &'a State<D::Buffer>,
    /// Memory of any content, as much as the neediest layer wants.
    pub work: Slice<'a, D::Buffer, f32>,
    /// Frames of the stream.
    pub frames: Frames,
}

/// Where a layer's frames go, one behind the other, and what becomes of them.
#[derive(Debug)]
pub struct Target<'a, B> {
    /// The place.
    pub y: Slice<'a, B, f32>,
    /// Where frames outside of the signal become 0; none to leave them.
    pub at: Option<Instant>,
    /// What is done to each value.
    pub activation: Activation,
    /// What is added, with the values from one frame to the next; may be `y`.
    pub add: Option<(Slice<'a, B, f32>, usize)>,
}

impl<'a, B> Target<'a, B> {
    /// A place, where frames go as they are.
    #[must_use]
    pub fn plain(y: Slice<'a, B, f32>) -> Self {
        Self::activated(y, Activation::None)
    }

    /// A place, and what is done to each value.
    #[must_use]
    pub fn activated(y: Slice<'a, B, f32>, activation: Activation) -> Self {
        Self {
            y,
            at: None,
            activation,
            add: None,
        }
    }

    /// A place, where frames outside of the signal become 0.
    #[must_use]
    pub fn within(y: Slice<'a, B, f32>, at: Instant) -> Self {
        Self {
            at: Some(at),
            ..Self::plain(y)
        }
    }
}

/// Weights of a convolution on a device.
#[derive(Debug)]
pub struct Conv1d<B>(gpu::Conv1d<B>);

impl<B> Conv1d<B> {
    /// From `weights`, `[outs, ins / groups, kernel]`, and `bias`, `[outs]`. Allocates.
    ///
    /// # Errors
    /// If a slice is of another length, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        shape: Conv1dShape,
        weights: &[f32],
        bias: &[f32],
        precision: Precision,
    ) -> Result<Self, GpuError> {
        let conv = gpu::Conv1d::new(device, shape, weights, Some(bias), precision)?;
        Ok(Self(conv))
    }

    /// A transposed one, by which a signal gets `rate` times as many frames: its outputs are those of a
    /// frame side by side ([`gpu::transposed`]). Allocates.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn transposed<D: Device<Buffer = B>>(
        device: &D,
        channels: (usize, usize),
        (rate, kernel): (usize, usize),
        (weights, bias): (&[f32], &[f32]),
        precision: Precision,
    ) -> Result<Self, GpuError> {
        let sizes = (rate, kernel);
        let conv = gpu::transposed(device, channels, sizes, weights, bias, precision)?;
        Ok(Self(conv))
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Conv1dShape {
        self.0.shape()
    }

    /// Frames by which the output lags the input when it is padded alike on both sides: half the span.
    #[must_use]
    pub fn lag(&self) -> Frames {
        self.shape().span() / 2
    }

    /// Values of work memory that [`Self::run`] needs for up to so many frames.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, most: Frames) -> usize {
        self.0.work_len(device, most)
    }

    /// `y = activation(conv(leaky(x)) + bias) + add` for `frames` frames. `x` is `[frames_in(frames),
    /// ins]` or longer; `leaky(x)` is `x`, or `slope * x` below 0. A launch, or two where sums are cut.
    ///
    /// # Errors
    /// If a slice is too short, or a launch fails.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        (x, frames, slope): (Slice<'_, B, f32>, Frames, f32),
        target: Target<'_, B>,
    ) -> Result<(), GpuError> {
        let output = Output {
            y: target.y,
            stride: self.shape().outs,
            activation: target.activation,
            add: target.add,
        };
        let input = (x, frames, slope);
        match target.at {
            None => conv1d(step.device, &self.0, input, output, step.work),
            Some(at) => {
                let masked = (output, step.state.within(at)?);
                conv1d_within(step.device, &self.0, input, masked, step.work)
            }
        }
    }
}

//! Layers that front and body share: linear ones, and normalisation of frames.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Activation, Array, Device, GpuError, Slice, layer_norm};

use crate::nn::Scope;
use crate::nn::device::{Build, Conv1d, DeviceError, Target};
use crate::units::Frames;

/// A linear layer of up to `most` frames. Allocates.
pub(super) fn linear<D: Device>(
    build: &mut Build<'_, D>,
    (ins, outs, most): (usize, usize, Frames),
    weights: &Scope,
) -> Result<Conv1d<D::Buffer>, DeviceError> {
    let weight = weights.get("weight", &[outs, ins])?;
    let bias = weights.get("bias", &[outs])?;
    Ok(build.conv1d((Conv1dShape::new(ins, outs, 1), most), weight, bias)?)
}

/// Where a layer's frames go as they are.
pub(super) fn plain<B>(y: Slice<'_, B, f32>) -> Target<'_, B> {
    Target {
        y,
        at: None,
        activation: Activation::None,
        add: None,
    }
}

/// Where a layer's frames go through a GELU.
pub(super) fn gelu<B>(y: Slice<'_, B, f32>) -> Target<'_, B> {
    Target {
        activation: Activation::Gelu,
        ..plain(y)
    }
}

/// Scale and shift of normalised frames.
#[derive(Debug)]
pub(super) struct Norm<B> {
    scale: Array<B, f32>,
    shift: Array<B, f32>,
}

impl<B> Norm<B> {
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        channels: usize,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        Ok(Self {
            scale: Array::new(device, weights.get("weight", &[channels])?)?,
            shift: Array::new(device, weights.get("bias", &[channels])?)?,
        })
    }

    /// In place: one launch.
    pub fn apply<D: Device<Buffer = B>>(
        &self,
        device: &D,
        x: Slice<'_, B, f32>,
        frames: Frames,
    ) -> Result<(), GpuError> {
        layer_norm(device, (x, frames), self.scale.all(), self.shift.all(), x)
    }
}

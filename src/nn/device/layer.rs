//! What layers of several networks are made of: normalised frames, linear layers, attention's product and
//! memory. Any thread that may wait; allocates at construction only.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Activation, Array, Device, GpuError, Slice, activate, layer_norm};

use super::{Build, Conv1d, DeviceError};
use crate::nn::Scope;
use crate::units::Frames;

/// Scale and shift of normalised frames: the twin of [`crate::nn::LayerNorm`].
#[derive(Debug)]
pub struct LayerNorm<B> {
    scale: Array<B, f32>,
    shift: Array<B, f32>,
}

impl<B> LayerNorm<B> {
    /// From the tensors of these names, `[channels]` each. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn named<D: Device<Buffer = B>>(
        device: &D,
        channels: usize,
        (scale, shift): (&str, &str),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        Ok(Self {
            scale: Array::new(device, weights.get(scale, &[channels])?)?,
            shift: Array::new(device, weights.get(shift, &[channels])?)?,
        })
    }

    /// From `weight` and `bias`. Allocates.
    ///
    /// # Errors
    /// As [`Self::named`].
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        channels: usize,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        Self::named(device, channels, ("weight", "bias"), weights)
    }

    /// Normalises frames of `x`, `[frames, channels]`, which may be `y`: one launch.
    ///
    /// # Errors
    /// If a slice is too short, or the launch fails.
    pub fn apply<D: Device<Buffer = B>>(
        &self,
        device: &D,
        x: (Slice<'_, B, f32>, Frames),
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        layer_norm(device, x, self.scale.all(), self.shift.all(), y)
    }
}

/// Copies values from place to place: one launch.
///
/// # Errors
/// If `y` is shorter than `x`, or the launch fails.
pub fn copy<D: Device>(
    device: &D,
    x: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    activate(device, Activation::None, x, y)
}

/// A linear layer of at most `most` frames, from `weight` `[outs, ins]` and `bias` `[outs]`, which may be
/// missing: the twin of [`crate::nn::Linear`]. Allocates.
///
/// # Errors
/// If the weights do not fit, or there is not enough memory.
pub fn linear<D: Device>(
    build: &mut Build<'_, D>,
    (ins, outs, most): (usize, usize, Frames),
    weights: &Scope,
) -> Result<Conv1d<D::Buffer>, DeviceError> {
    let weight = weights.get("weight", &[outs, ins])?;
    let bias = weights.get_or_zeros("bias", &[outs])?;
    Ok(build.conv1d((Conv1dShape::new(ins, outs, 1), most), weight, &bias)?)
}

/// Queries, keys and values side by side, of at most `most` frames: one product for three layers of `width`
/// values to as many, whose weights have a shape. Allocates.
///
/// # Errors
/// As [`linear`].
pub fn projections<D: Device>(
    build: &mut Build<'_, D>,
    (width, most): (usize, Frames),
    (parts, shape): ([Scope; 3], &[usize]),
) -> Result<Conv1d<D::Buffer>, DeviceError> {
    let (mut w, mut bias) = (Vec::new(), Vec::new());
    for part in parts {
        w.extend_from_slice(part.get("weight", shape)?);
        bias.extend_from_slice(part.get("bias", &[width])?);
    }
    let shape = Conv1dShape::new(width, 3 * width, 1);
    Ok(build.conv1d((shape, most), &w, &bias)?)
}

/// Memory that layers of attention use, one after the other.
#[derive(Debug)]
pub struct Rooms<B> {
    /// What goes from layer to layer, `[frames, width]`.
    pub x: Array<B, f32>,
    /// Queries, keys and values, `[frames, 3 * width]`.
    pub projected: Array<B, f32>,
    /// What attention gives, `[frames, width]`.
    pub mixed: Array<B, f32>,
    /// Between the two layers behind it, `[frames, filter]`.
    pub wide: Array<B, f32>,
}

impl<B> Rooms<B> {
    /// For so many frames. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        frames: Frames,
        (width, filter): (usize, usize),
    ) -> Result<Self, GpuError> {
        let room = |values: usize| Array::zeros(device, frames * values);
        Ok(Self {
            x: room(width)?,
            projected: room(3 * width)?,
            mixed: room(width)?,
            wide: room(filter)?,
        })
    }
}

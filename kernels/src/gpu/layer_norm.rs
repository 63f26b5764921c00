//! Normalisation of each frame over its channels (Ba, Kiros & Hinton, "Layer normalization", 2016).

use super::array::Slice;
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// `y[f] = (x[f] - mean) / sqrt(variance + 1e-5) * scale + shift`. `x` and `y` are `[frames,
/// channels]` and may be the same, `scale` and `shift` `[channels]`, whose length is that of `scale`.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn layer_norm<D: Device>(
    device: &D,
    (x, frames): (Slice<'_, D::Buffer, f32>, usize),
    scale: Slice<'_, D::Buffer, f32>,
    shift: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let channels = scale.len();
    let arguments = [
        x.at_least("x", frames * channels)?.place(),
        Argument::int(channels)?,
        scale.place(),
        shift.at_least("the shift", channels)?.place(),
        y.at_least("y", frames * channels)?.place(),
    ];
    device.launch(
        Kernel::LayerNorm,
        Grid::new([frames, 1, 1], 128)?,
        &arguments,
    )
}

//! Normalisation of groups of channels over all frames (Wu & He, "Group normalization", 2018).

use super::array::Slice;
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// `y = (x - mean) / sqrt(variance + 1e-5) * scale + shift`, mean and variance of each of `groups`
/// groups of channels over all frames. `x` and `y` are `[frames, channels]` and may be the same,
/// `scale` and `shift` `[channels]`, whose length is that of `scale`.
///
/// # Errors
/// If a slice is too short, the groups do not divide the channels, or the launch fails.
pub fn group_norm<D: Device>(
    device: &D,
    (x, frames, groups): (Slice<'_, D::Buffer, f32>, usize, usize),
    scale: Slice<'_, D::Buffer, f32>,
    shift: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let channels = scale.len();
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(GpuError::Size {
            what: "groups of a normalisation",
            expected: "a divisor of its channels",
            found: groups,
        });
    }
    if frames == 0 {
        return Ok(());
    }
    let arguments = [
        x.at_least("x", frames * channels)?.place(),
        Argument::int(frames)?,
        Argument::int(channels / groups)?,
        scale.place(),
        shift.at_least("the shift", channels)?.place(),
        y.at_least("y", frames * channels)?.place(),
    ];
    device.launch(
        Kernel::GroupNorm,
        Grid::new([groups, 1, 1], 256)?,
        &arguments,
    )
}

//! What becomes of neighbouring frames that are made one.

use super::activation::by_rows;
use super::array::Slice;
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;

/// `y[f, c]` is the greater of `scale[c] * x[2 f, c] + shift[c]` and the same of `x[2 f + 1, c]`, for `f <
/// frames`: a normalisation with fixed statistics and the maximum of two frames behind it. `x` is `[2 *
/// frames, channels]`, `y` `[frames, channels]` and not `x`; `scale` and `shift` are `[channels]`, whose
/// number is the length of `scale`. One launch.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn pool_scaled<D: Device>(
    device: &D,
    (x, frames): (Slice<'_, D::Buffer, f32>, usize),
    scale: Slice<'_, D::Buffer, f32>,
    shift: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let channels = scale.len();
    let arguments = [
        x.at_least("x", 2 * frames * channels)?.place(),
        scale.place(),
        shift.at_least("the shift", channels)?.place(),
        y.at_least("y", frames * channels)?.place(),
        Argument::int(channels)?,
    ];
    device.launch(Kernel::PoolScaled, by_rows(frames, channels)?, &arguments)
}

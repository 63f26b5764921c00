//! Frames that overlap become a signal.

use super::activation::flat;
use super::array::{Slice, place_or_null};
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;

/// `y[n] = carry[n] + sum over f of frames[f, n - f * hop]` for every value of `y`. `frames` is `[count,
/// length]`; `carry`, as long as `y`, may be missing or `y`.
///
/// # Errors
/// If a slice is too short, the hop is 0, or the launch fails.
pub fn overlap_add<D: Device>(
    device: &D,
    frames: Slice<'_, D::Buffer, f32>,
    (count, length, hop): (usize, usize, usize),
    carry: Option<Slice<'_, D::Buffer, f32>>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    if hop == 0 {
        return Err(GpuError::Size {
            what: "values from one frame to the next",
            expected: "at least 1",
            found: hop,
        });
    }
    let samples = y.len();
    let carry = carry
        .map(|carry| carry.at_least("what is carried over", samples))
        .transpose()?;
    let arguments = [
        frames.at_least("frames", count * length)?.place(),
        Argument::int(count)?,
        Argument::int(length)?,
        Argument::int(hop)?,
        place_or_null(carry),
        y.place(),
        Argument::int(samples)?,
    ];
    device.launch(Kernel::OverlapAdd, flat(samples)?, &arguments)
}

//! The sum of many harmonics of one tone.

use super::array::Slice;
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// Samples of a block.
const SAMPLES: usize = 32;

/// `y[n] += sum over k of the real part of (g[k] + n / N * c[k]) * exp(2 pi i (k + 1) cycles[n])`, with
/// `N` samples, as many as `cycles` has. `gains` is `[harmonics, 4]`, as [`crate::cpu::Glide`]: real and
/// imaginary part of `g`, then of `c`. A cycle in `f32` is exact to 3e-8, which the `k`th harmonic
/// hears `k + 1` times: `cycles` are best kept below 1.
///
/// # Errors
/// If `y` is too short, or the launch fails.
pub fn harmonic_sum<D: Device>(
    device: &D,
    cycles: Slice<'_, D::Buffer, f32>,
    gains: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let samples = cycles.len();
    let arguments = [
        cycles.place(),
        gains.in_groups_of("gains", 4)?.place(),
        Argument::int(gains.len() / 4)?,
        y.at_least("y", samples)?.place(),
        Argument::int(samples)?,
    ];
    let grid = Grid::new([samples.div_ceil(SAMPLES), 1, 1], 128)?;
    device.launch(Kernel::HarmonicSum, grid, &arguments)
}

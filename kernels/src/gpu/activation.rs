//! The non-linear functions of networks: at the end of a product, or by themselves.

use super::array::{Slice, place_or_null};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// What is done to each value. Errors are a few units in the last place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `max(x, 0)`
    Relu,
    /// `x`, or so many times `x` below 0.
    LeakyRelu(f32),
    /// `x` times the normal distribution up to `x`.
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^-x)`
    Sigmoid,
}

impl Activation {
    /// As kernels take it: the number of `common.cuh`, and the slope.
    pub(super) fn arguments<'a, B>(self) -> [Argument<'a, B>; 2] {
        let (number, slope) = match self {
            Self::None => (0, 0.0),
            Self::Relu => (1, 0.0),
            Self::LeakyRelu(slope) => (2, slope),
            Self::Gelu => (3, 0.0),
            Self::Tanh => (4, 0.0),
            Self::Sigmoid => (5, 0.0),
        };
        [Argument::Int(number), Argument::Float(slope)]
    }
}

/// Threads of a block that goes over values one behind the other.
pub(super) const FLAT: usize = 256;
/// Threads of a block that goes along a row.
pub(super) const ALONG: usize = 128;

/// A thread for each of `count` values.
pub(super) fn flat(count: usize) -> Result<Grid, GpuError> {
    Grid::new([count.div_ceil(FLAT), 1, 1], FLAT as u32)
}

/// A thread for each of `width` values of each of `rows` rows.
pub(super) fn by_rows(rows: usize, width: usize) -> Result<Grid, GpuError> {
    Grid::new([rows, width.div_ceil(ALONG), 1], ALONG as u32)
}

/// `y[n] = activation(x[n])` for every value of `x`, which may be `y`.
///
/// # Errors
/// If `y` is too short, or the launch fails.
pub fn activate<D: Device>(
    device: &D,
    activation: Activation,
    x: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let count = x.len();
    let y = y.at_least("y", count)?;
    let [number, slope] = activation.arguments();
    let arguments = [x.place(), Argument::int(count)?, number, slope, y.place()];
    device.launch(Kernel::Activation, flat(count)?, &arguments)
}

/// `y[r, c] = activation(x[r, c] + offset[c])` over `rows` rows, whose width is the length of `offset`. `x`
/// may be `y`.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn activate_shifted<D: Device>(
    device: &D,
    activation: Activation,
    (x, rows): (Slice<'_, D::Buffer, f32>, usize),
    offset: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let width = offset.len();
    let [number, slope] = activation.arguments();
    let arguments = [
        x.at_least("x", rows * width)?.place(),
        Argument::int(width)?,
        offset.place(),
        number,
        slope,
        y.at_least("y", rows * width)?.place(),
    ];
    device.launch(Kernel::ActivationShifted, by_rows(rows, width)?, &arguments)
}

/// The gate of WaveNet (van den Oord et al., 2016): `y[f, c] = tanh(a + offset[c]) * sigmoid(b +
/// offset[size + c])`, where a frame of `x` holds `size` values `a` and as many `b`. `x` is
/// `[frames, 2 * size]`, `offset` `[2 * size]` or none, `y` `[frames, size]` and none of the others.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn gate<D: Device>(
    device: &D,
    x: Slice<'_, D::Buffer, f32>,
    (frames, size): (usize, usize),
    offset: Option<Slice<'_, D::Buffer, f32>>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let x = x.at_least("x", frames * 2 * size)?;
    let y = y.at_least("y", frames * size)?;
    let offset = offset
        .map(|offset| offset.at_least("the offset", 2 * size))
        .transpose()?;
    let arguments = [
        x.place(),
        Argument::int(size)?,
        place_or_null(offset),
        y.place(),
    ];
    device.launch(Kernel::Gate, by_rows(frames, size)?, &arguments)
}

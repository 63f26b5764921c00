//! What is done to each value by itself, in rows that may lie apart.

use super::activation::{ALONG, by_rows, flat};
use super::array::Slice;
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// Rows in an array.
#[derive(Debug)]
pub struct Rows<'a, B> {
    /// The array.
    pub values: Slice<'a, B, f32>,
    /// Values from one row to the next.
    pub stride: usize,
}

// Not derived: a buffer need not be what a reference to it is.
impl<B> Clone for Rows<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Rows<'_, B> {}

impl<'a, B> Rows<'a, B> {
    /// As a kernel takes them, if there are so many of so many values.
    fn arguments(
        self,
        what: &'static str,
        (rows, width): (usize, usize),
    ) -> Result<[Argument<'a, B>; 2], GpuError> {
        let expected = match rows.checked_sub(1) {
            Some(last) => last * self.stride + width,
            None => 0,
        };
        let values = self.values.at_least(what, expected)?;
        Ok([values.place(), Argument::int(self.stride)?])
    }
}

/// Rows and values of a row as the kernel sees them: rows that lie one behind the other are one.
fn shape<B, const N: usize>(
    all: [Rows<'_, B>; N],
    (rows, width): (usize, usize),
) -> (usize, usize) {
    match all.iter().all(|rows| rows.stride == width) {
        true => (1, rows * width),
        false => (rows, width),
    }
}

/// `y[r, c] = a[r, c] * a_factor + b[r, c] * b_factor` over `rows` rows of `width` values; without
/// `b` a copy. `a` and `b` may be `y`.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn combine<D: Device>(
    device: &D,
    (rows, width): (usize, usize),
    (a, a_factor): (Rows<'_, D::Buffer>, f32),
    b: Option<(Rows<'_, D::Buffer>, f32)>,
    y: Rows<'_, D::Buffer>,
) -> Result<(), GpuError> {
    let size = (rows, width);
    let [a_place, a_stride] = a.arguments("a", size)?;
    let ([b_place, b_stride], b_factor) = match b {
        Some((b, factor)) => (b.arguments("b", size)?, factor),
        None => ([Argument::Null, Argument::Int(0)], 0.0),
    };
    let [y_place, y_stride] = y.arguments("y", size)?;
    let (rows, width) = shape([a, b.map_or(a, |(b, _)| b), y], size);
    let arguments = [
        a_place,
        a_stride,
        Argument::Float(a_factor),
        b_place,
        b_stride,
        Argument::Float(b_factor),
        y_place,
        y_stride,
        Argument::int(width)?,
    ];
    device.launch(Kernel::Combine, by_rows(rows, width)?, &arguments)
}

/// `y[r, c] = a[r, c] * b[r, c]` over `rows` rows of `width` values. `a` and `b` may be `y`.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn multiply<D: Device>(
    device: &D,
    (rows, width): (usize, usize),
    a: Rows<'_, D::Buffer>,
    b: Rows<'_, D::Buffer>,
    y: Rows<'_, D::Buffer>,
) -> Result<(), GpuError> {
    let size = (rows, width);
    let [a_place, a_stride] = a.arguments("a", size)?;
    let [b_place, b_stride] = b.arguments("b", size)?;
    let [y_place, y_stride] = y.arguments("y", size)?;
    let (rows, width) = shape([a, b, y], size);
    let arguments = [
        a_place,
        a_stride,
        b_place,
        b_stride,
        y_place,
        y_stride,
        Argument::int(width)?,
    ];
    device.launch(Kernel::Multiply, by_rows(rows, width)?, &arguments)
}

/// `y[r, c] = scale[c] * x[r, c] + shift[c]` over `rows` rows, whose width is the length of `scale`.
/// `x` may be `y`.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn scale_shift<D: Device>(
    device: &D,
    (x, rows): (Slice<'_, D::Buffer, f32>, usize),
    scale: Slice<'_, D::Buffer, f32>,
    shift: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let width = scale.len();
    let arguments = [
        x.at_least("x", rows * width)?.place(),
        scale.place(),
        shift.at_least("the shift", width)?.place(),
        y.at_least("y", rows * width)?.place(),
        Argument::int(width)?,
    ];
    device.launch(Kernel::ScaleShift, by_rows(rows, width)?, &arguments)
}

/// Sets rows of `y` to 0 that are no frames of a signal: row `r` is frame `at[0] * times + r`, frames
/// are `0..at[1] * times`. `at` lies on the device, so that a recorded list of launches holds for
/// every hop.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn mask_rows<D: Device>(
    device: &D,
    (y, rows, width): (Slice<'_, D::Buffer, f32>, usize, usize),
    (at, times): (Slice<'_, D::Buffer, i64>, usize),
) -> Result<(), GpuError> {
    let arguments = [
        y.at_least("y", rows * width)?.place(),
        Argument::int(width)?,
        at.at_least("at", 2)?.place(),
        Argument::int(times)?,
    ];
    device.launch(Kernel::MaskRows, by_rows(rows, width)?, &arguments)
}

/// `y[r] = y[r + by]` for `r < kept`: a stream lets go of its first `by` rows of `width` values. What lies
/// behind the last row that is kept stays.
///
/// # Errors
/// If `y` is too short, or the launch fails.
pub fn shift_rows<D: Device>(
    device: &D,
    (y, width): (Slice<'_, D::Buffer, f32>, usize),
    (kept, by): (usize, usize),
) -> Result<(), GpuError> {
    let arguments = [
        y.at_least("y", (kept + by) * width)?.place(),
        Argument::int(width)?,
        Argument::int(kept)?,
        Argument::int(by)?,
    ];
    let grid = Grid::new([width.div_ceil(ALONG), 1, 1], ALONG as u32)?;
    device.launch(Kernel::ShiftRows, grid, &arguments)
}

/// Draws from a prior: `stats` is `[rows, 2 * width]`, means and logarithms of deviations, `noise`
/// and `z` `[rows, width]`: `z = mean + exp(log) * noise * temperature`.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn draw<D: Device>(
    device: &D,
    (rows, width): (usize, usize),
    stats: Slice<'_, D::Buffer, f32>,
    (noise, temperature): (Slice<'_, D::Buffer, f32>, f32),
    z: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let arguments = [
        stats.at_least("stats", rows * 2 * width)?.place(),
        noise.at_least("noise", rows * width)?.place(),
        Argument::Float(temperature),
        z.at_least("z", rows * width)?.place(),
        Argument::int(width)?,
    ];
    device.launch(Kernel::Draw, by_rows(rows, width)?, &arguments)
}

/// `y[n] = log(max(x[n], least))`, the natural logarithm, for every value of `x`, which may be `y`.
///
/// # Errors
/// If `y` is too short, or the launch fails.
pub fn log_at_least<D: Device>(
    device: &D,
    x: Slice<'_, D::Buffer, f32>,
    least: f32,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let count = x.len();
    let arguments = [
        x.place(),
        Argument::int(count)?,
        Argument::Float(least),
        y.at_least("y", count)?.place(),
    ];
    device.launch(Kernel::LogAtLeast, flat(count)?, &arguments)
}

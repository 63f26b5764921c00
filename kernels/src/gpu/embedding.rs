//! Entries of a table, added to frames.

use super::activation::{Activation, by_rows};
use super::array::{Array, Slice, place_or_null};
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::exactly;

/// A table of entries on a device.
#[derive(Debug)]
pub struct Embedding<B> {
    table: Array<B, f32>,
    entries: usize,
    width: usize,
}

impl<B> Embedding<B> {
    /// From `table`, `[entries, width]`. Allocates.
    ///
    /// # Errors
    /// If it is of another length or empty, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (entries, width): (usize, usize),
        table: &[f32],
    ) -> Result<Self, GpuError> {
        exactly("the table", table.len(), entries * width)?;
        if table.is_empty() {
            return Err(GpuError::Size {
                what: "entries of a table",
                expected: "at least 1",
                found: 0,
            });
        }
        Ok(Self {
            table: Array::new(device, table)?,
            entries,
            width,
        })
    }
}

/// `y[f] = activation(factor * (x[f] + table[index[f]]))` for every index. `x` and `y` are `[frames,
/// width]`; `x` may be missing or `y`. An index beyond the last entry takes that.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn embed<D: Device>(
    device: &D,
    embedding: &Embedding<D::Buffer>,
    index: Slice<'_, D::Buffer, u32>,
    x: Option<Slice<'_, D::Buffer, f32>>,
    (factor, activation): (f32, Activation),
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let (frames, width) = (index.len(), embedding.width);
    let x = x.map(|x| x.at_least("x", frames * width)).transpose()?;
    let [number, slope] = activation.arguments();
    let arguments = [
        place_or_null(x),
        embedding.table.all().place(),
        Argument::int(embedding.entries)?,
        index.place(),
        Argument::int(width)?,
        Argument::Float(factor),
        number,
        slope,
        y.at_least("y", frames * width)?.place(),
    ];
    device.launch(Kernel::Embedding, by_rows(frames, width)?, &arguments)
}

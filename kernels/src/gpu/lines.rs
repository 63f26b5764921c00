//! The past of a stream: many signals in one array, that move on together.

use super::activation::FLAT;
use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// Blocks that move one signal, at most: each has more than one value to move then.
const MOST_BLOCKS: usize = 64;

/// Where a signal lies in the array of a stream. All are counts of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its beginning.
    pub at: usize,
    /// Values of it for a frame of the stream.
    pub step: usize,
    /// Values of its past, which lie in front of the newest.
    pub kept: usize,
}

/// All signals of a stream, on a device.
#[derive(Debug)]
pub struct Lines<B> {
    /// Three numbers of each, as the kernel takes them.
    table: Array<B, u32>,
    lines: Vec<Line>,
}

impl<B> Lines<B> {
    /// Of signals that do not overlap. Allocates.
    ///
    /// # Errors
    /// If one lies beyond 2^31 values, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(device: &D, lines: Vec<Line>) -> Result<Self, GpuError> {
        let numbers = lines
            .iter()
            .flat_map(|line| [line.at, line.step, line.kept]);
        let table: Result<Vec<u32>, GpuError> = numbers
            .map(|n| match i32::try_from(n) {
                Ok(n) => Ok(n.unsigned_abs()),
                Err(_) => Err(GpuError::Size {
                    what: "values of a stream",
                    expected: "less than 2147483648",
                    found: n,
                }),
            })
            .collect();
        Ok(Self {
            table: Array::new(device, &table?)?,
            lines,
        })
    }

    /// Makes the newest of every signal, `frames` frames of the stream, and what lies before them, its
    /// past: `y[at + n] = y[at + frames * step + n]` for `n < kept`. One launch.
    ///
    /// # Errors
    /// If `y` is too short for so many frames, or the launch fails.
    pub fn advance<D: Device<Buffer = B>>(
        &self,
        device: &D,
        y: Slice<'_, B, f32>,
        frames: usize,
    ) -> Result<(), GpuError> {
        let ends = self.lines.iter().map(|l| l.at + frames * l.step + l.kept);
        let moves = self.lines.iter().map(|l| l.kept.min(frames * l.step));
        let (end, most) = (ends.max().unwrap_or(0), moves.max().unwrap_or(0));
        let arguments = [
            y.at_least("the signals of a stream", end)?.place(),
            self.table.all().place(),
            Argument::int(frames)?,
        ];
        let blocks = most.div_ceil(FLAT).min(MOST_BLOCKS);
        let grid = Grid::new([blocks, self.lines.len(), 1], FLAT as u32)?;
        device.launch(Kernel::AdvanceLines, grid, &arguments)
    }
}

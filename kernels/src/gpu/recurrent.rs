//! What recurrent layers have in common: what their inputs contribute to the gates does not depend on
//! the state, and is one product for many frames.

use super::activation::Activation;
use super::array::{Array, Slice};
use super::device::{Device, Grid};
use super::error::GpuError;
use super::matmul::{Input, Matrix, Output, Precision, exactly, matmul};

/// Cells of a block, as `CELLS` in `recurrent.cuh`, and its threads.
const CELLS: usize = 4;
const THREADS: u32 = 32 * CELLS as u32;

/// The weights of one layer and direction on a device, of so many gates.
#[derive(Debug)]
pub struct Recurrent<B> {
    from_input: Matrix<B>,
    pub(super) from_state: Array<B, f32>,
    gates: usize,
    size: usize,
}

impl<B> Recurrent<B> {
    /// From weights `[gates * size, ins]` and `[gates * size, size]`, and the bias of the input, `[gates *
    /// size]`. Allocates.
    pub(super) fn new<D: Device<Buffer = B>>(
        device: &D,
        (gates, ins, size): (usize, usize, usize),
        from_input: &[f32],
        from_state: &[f32],
        bias: &[f32],
    ) -> Result<Self, GpuError> {
        exactly(
            "weights of the state",
            from_state.len(),
            gates * size * size,
        )?;
        let shape = (gates * size, ins);
        Ok(Self {
            from_input: Matrix::new(device, shape, from_input, Some(bias), Precision::Full)?,
            from_state: Array::new(device, from_state)?,
            gates,
            size,
        })
    }

    /// Values of the state, which is the output.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Values that one frame of [`Self::project`] has.
    #[must_use]
    pub fn gates_len(&self) -> usize {
        self.gates * self.size
    }

    /// Values of work memory that [`Self::project`] of up to `most` frames needs.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, most: usize) -> usize {
        self.from_input.work_len(device, most)
    }

    /// What the inputs contribute to the gates, for many frames at once: `x` is `[frames, ins]`,
    /// `gates` `[frames, gates_len]`.
    ///
    /// # Errors
    /// If a slice is too short, or the launch fails.
    pub fn project<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (x, frames): (Slice<'_, B, f32>, usize),
        gates: Slice<'_, B, f32>,
        work: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let output = Output {
            y: gates,
            stride: self.gates_len(),
            activation: Activation::None,
            add: None,
        };
        let input = Input {
            x,
            stride: self.from_input.ins(),
            rows: frames,
            slope: 1.0,
        };
        matmul(device, &self.from_input, input, output, work)
    }

    /// The launch of one step.
    pub(super) fn grid(&self) -> Result<Grid, GpuError> {
        Grid::new([self.size.div_ceil(CELLS), 1, 1], THREADS)
    }
}

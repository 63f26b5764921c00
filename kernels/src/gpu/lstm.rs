//! Long short-term memory, one step at a time (Hochreiter & Schmidhuber, 1997, in the form of
//! PyTorch's `LSTM`).

use super::activation::Activation;
use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::gru::{CELLS, THREADS};
use super::kernel::Kernel;
use super::matmul::{Input, Matrix, Output, Precision, exactly, matmul};

/// The weights of one LSTM layer and direction on a device. Gates stand in PyTorch's order: input,
/// forget, cell, output.
#[derive(Debug)]
pub struct Lstm<B> {
    from_input: Matrix<B>,
    from_state: Array<B, f32>,
    size: usize,
}

impl<B> Lstm<B> {
    /// From weights `[4 * size, ins]` and `[4 * size, size]`, biases `[4 * size]` each. Allocates.
    ///
    /// # Errors
    /// If a slice is of another length, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (ins, size): (usize, usize),
        from_input: &[f32],
        from_state: &[f32],
        input_bias: &[f32],
        state_bias: &[f32],
    ) -> Result<Self, GpuError> {
        exactly("weights of the state", from_state.len(), 4 * size * size)?;
        exactly("the bias of the state", state_bias.len(), 4 * size)?;
        exactly("the bias of the input", input_bias.len(), 4 * size)?;
        let bias: Vec<f32> = input_bias
            .iter()
            .zip(state_bias)
            .map(|(x, h)| x + h)
            .collect();
        let shape = (4 * size, ins);
        Ok(Self {
            from_input: Matrix::new(device, shape, from_input, Some(&bias), Precision::Full)?,
            from_state: Array::new(device, from_state)?,
            size,
        })
    }

    /// Values of the state, which is the output, and of the cell.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Values of work memory that [`Self::project`] of up to `most` frames needs.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, most: usize) -> usize {
        self.from_input.work_len(device, most)
    }

    /// What the inputs contribute to the gates, for many frames at once: `x` is `[frames, ins]`,
    /// `gates` `[frames, 4 * size]`.
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
            stride: 4 * self.size,
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

    /// One step: from one frame of [`Self::project`] and `state`, `[size]`, to the `next`, which is not
    /// `state`; `cell`, `[size]`, becomes the next in its place.
    ///
    /// `i, f, o = sigmoid`, `g = tanh`, `cell = f * cell + i * g`, `next = o * tanh(cell)`.
    ///
    /// # Errors
    /// If a slice is too short, or the launch fails.
    pub fn step<D: Device<Buffer = B>>(
        &self,
        device: &D,
        gates: Slice<'_, B, f32>,
        state: Slice<'_, B, f32>,
        cell: Slice<'_, B, f32>,
        next: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let size = self.size;
        let arguments = [
            gates.at_least("gates", 4 * size)?.place(),
            self.from_state.all().place(),
            state.at_least("the state", size)?.place(),
            cell.at_least("the cell", size)?.place(),
            next.at_least("the next state", size)?.place(),
            Argument::int(size)?,
        ];
        let grid = Grid::new([size.div_ceil(CELLS), 1, 1], THREADS)?;
        device.launch(Kernel::LstmStep, grid, &arguments)
    }
}

//! The gated recurrent unit, one step at a time (Cho et al., 2014, in the form of PyTorch's `GRU`).

use super::activation::Activation;
use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::{Input, Matrix, Output, Precision, exactly, matmul};

/// Cells of a block, as `CELLS` in `recurrent.cuh`, and its threads.
pub(super) const CELLS: usize = 4;
pub(super) const THREADS: u32 = 32 * CELLS as u32;

/// The weights of one GRU layer and direction on a device. Gates stand in PyTorch's order: reset,
/// update, new.
#[derive(Debug)]
pub struct Gru<B> {
    from_input: Matrix<B>,
    from_state: Array<B, f32>,
    state_bias: Array<B, f32>,
    size: usize,
}

impl<B> Gru<B> {
    /// From weights `[3 * size, ins]` and `[3 * size, size]`, biases `[3 * size]` each. Allocates.
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
        exactly("weights of the state", from_state.len(), 3 * size * size)?;
        exactly("the bias of the state", state_bias.len(), 3 * size)?;
        let bias = Some(input_bias);
        let shape = (3 * size, ins);
        Ok(Self {
            from_input: Matrix::new(device, shape, from_input, bias, Precision::Full)?,
            from_state: Array::new(device, from_state)?,
            state_bias: Array::new(device, state_bias)?,
            size,
        })
    }

    /// Values of the state, which is the output.
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
    /// `gates` `[frames, 3 * size]`.
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
            stride: 3 * self.size,
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
    /// `state`.
    ///
    /// `r, z = sigmoid(x + h)`, `n = tanh(x_n + r * h_n)`, `next = (1 - z) * n + z * state`.
    ///
    /// # Errors
    /// If a slice is too short, or the launch fails.
    pub fn step<D: Device<Buffer = B>>(
        &self,
        device: &D,
        gates: Slice<'_, B, f32>,
        state: Slice<'_, B, f32>,
        next: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let size = self.size;
        let arguments = [
            gates.at_least("gates", 3 * size)?.place(),
            self.from_state.all().place(),
            self.state_bias.all().place(),
            state.at_least("the state", size)?.place(),
            next.at_least("the next state", size)?.place(),
            Argument::int(size)?,
        ];
        let grid = Grid::new([size.div_ceil(CELLS), 1, 1], THREADS)?;
        device.launch(Kernel::GruStep, grid, &arguments)
    }
}

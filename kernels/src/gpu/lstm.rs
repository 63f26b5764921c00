//! Long short-term memory, one step at a time (Hochreiter & Schmidhuber, 1997, in the form of
//! PyTorch's `LSTM`).

use super::array::Slice;
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::exactly;
use super::recurrent::Recurrent;

/// The weights of one LSTM layer and direction on a device. Gates stand in PyTorch's order: input,
/// forget, cell, output.
#[derive(Debug)]
pub struct Lstm<B> {
    layer: Recurrent<B>,
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
        exactly("the bias of the state", state_bias.len(), 4 * size)?;
        exactly("the bias of the input", input_bias.len(), 4 * size)?;
        let both = input_bias.iter().zip(state_bias);
        let bias: Vec<f32> = both.map(|(x, h)| x + h).collect();
        let shape = (4, ins, size);
        Ok(Self {
            layer: Recurrent::new(device, shape, from_input, from_state, &bias)?,
        })
    }

    /// What its inputs contribute to the gates.
    #[must_use]
    pub fn layer(&self) -> &Recurrent<B> {
        &self.layer
    }

    /// One step: from one frame of [`Recurrent::project`] and `state`, `[size]`, to the `next`, which is
    /// not `state`; `cell`, `[size]`, becomes the next in its place.
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
        let size = self.layer.size();
        let arguments = [
            gates.at_least("gates", self.layer.gates_len())?.place(),
            self.layer.from_state.all().place(),
            state.at_least("the state", size)?.place(),
            cell.at_least("the cell", size)?.place(),
            next.at_least("the next state", size)?.place(),
            Argument::int(size)?,
        ];
        device.launch(Kernel::LstmStep, self.layer.grid()?, &arguments)
    }
}

//! The gated recurrent unit, one step at a time (Cho et al., 2014, in the form of PyTorch's `GRU`).

use super::array::{Array, Slice};
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::exactly;
use super::recurrent::Recurrent;

/// The weights of one GRU layer and direction on a device. Gates stand in PyTorch's order: reset,
/// update, new.
#[derive(Debug)]
pub struct Gru<B> {
    layer: Recurrent<B>,
    state_bias: Array<B, f32>,
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
        exactly("the bias of the state", state_bias.len(), 3 * size)?;
        let shape = (3, ins, size);
        Ok(Self {
            layer: Recurrent::new(device, shape, from_input, from_state, input_bias)?,
            state_bias: Array::new(device, state_bias)?,
        })
    }

    /// What its inputs contribute to the gates.
    #[must_use]
    pub fn layer(&self) -> &Recurrent<B> {
        &self.layer
    }

    /// One step: from one frame of [`Recurrent::project`] and `state`, `[size]`, to the `next`, which is
    /// not `state`.
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
        let size = self.layer.size();
        let arguments = [
            gates.at_least("gates", self.layer.gates_len())?.place(),
            self.layer.from_state.all().place(),
            self.state_bias.all().place(),
            state.at_least("the state", size)?.place(),
            next.at_least("the next state", size)?.place(),
            Argument::int(size)?,
        ];
        device.launch(Kernel::GruStep, self.layer.grid()?, &arguments)
    }
}

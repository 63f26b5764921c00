//! Long short-term memory, one step at a time (Hochreiter & Schmidhuber, 1997, in the form of
//! PyTorch's `LSTM`).

use super::activation::{sigmoid_one, tanh_one};
use super::matmul::{PackedMatrix, Start, matmul};
use super::vector::{Form, on};

/// The weights of one LSTM layer and direction. Gates stand in PyTorch's order: input, forget,
/// cell, output.
#[derive(Clone, Debug)]
pub struct PackedLstm {
    from_input: PackedMatrix,
    from_state: PackedMatrix,
    bias: Vec<f32>,
}

impl PackedLstm {
    /// Packs weights `[4 * size, ins]` and `[4 * size, size]`, biases `[4 * size]` each.
    /// Allocates.
    ///
    /// # Panics
    /// If a length is not as said.
    #[must_use]
    pub fn new(
        ins: usize,
        size: usize,
        from_input: &[f32],
        from_state: &[f32],
        input_bias: &[f32],
        state_bias: &[f32],
    ) -> Self {
        assert_eq!(input_bias.len(), 4 * size, "a bias per gate");
        assert_eq!(state_bias.len(), 4 * size, "a bias per gate");
        Self {
            from_input: PackedMatrix::new(4 * size, ins, from_input),
            from_state: PackedMatrix::new(4 * size, size, from_state),
            bias: input_bias
                .iter()
                .zip(state_bias)
                .map(|(x, h)| x + h)
                .collect(),
        }
    }

    /// Values that go in.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.from_input.ins()
    }

    /// Values of the state, which is the output, and of the cell.
    #[must_use]
    pub fn size(&self) -> usize {
        self.from_state.ins()
    }

    /// What the inputs contribute to the gates, for many frames at once: `x` is `[frames, ins]`,
    /// `gates` `[frames, 4 * size]`. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn project(&self, x: &[f32], frames: usize, gates: &mut [f32]) {
        let bias = Start::Bias(&self.bias);
        matmul(x, self.ins(), frames, &self.from_input, bias, gates);
    }

    /// One step: takes one frame of [`Self::project`], which it uses up, and replaces `state` and
    /// `cell` (`[size]` each) by the next. Real-time safe.
    ///
    /// `i, f, o = sigmoid`, `g = tanh`, `cell = f * cell + i * g`, `state = o * tanh(cell)`.
    ///
    /// # Panics
    /// If a slice is of another length.
    pub fn step(&self, gates: &mut [f32], state: &mut [f32], cell: &mut [f32]) {
        let size = self.size();
        assert_eq!(gates.len(), 4 * size, "gates are [4 * size]");
        assert_eq!(state.len(), size, "the state is [size]");
        assert_eq!(cell.len(), size, "the cell is [size]");
        matmul(state, size, 1, &self.from_state, Start::Accumulate, gates);
        let (input, rest) = gates.split_at(size);
        let (forget, rest) = rest.split_at(size);
        let (new, output) = rest.split_at(size);
        on(Form::best(), move || {
            // Slices of one known length, so that nothing is checked per value.
            let (input, forget) = (&input[..size], &forget[..size]);
            let (new, output) = (&new[..size], &output[..size]);
            let (state, cell) = (&mut state[..size], &mut cell[..size]);
            for i in 0..size {
                let kept = sigmoid_one(forget[i]) * cell[i];
                cell[i] = kept + sigmoid_one(input[i]) * tanh_one(new[i]);
                state[i] = sigmoid_one(output[i]) * tanh_one(cell[i]);
            }
        });
    }
}

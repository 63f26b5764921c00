//! The gated recurrent unit, one step at a time (Cho et al., 2014, in the form of PyTorch's
//! `GRU`: the reset gate acts after the product with the state).

use super::activation::{sigmoid_one, tanh_one};
use super::matmul::{PackedMatrix, Start, matmul};
use super::vector::{Form, on};

/// The weights of one GRU layer and direction. Gates stand in PyTorch's order: reset, update, new.
#[derive(Clone, Debug)]
pub struct PackedGru {
    from_input: PackedMatrix,
    from_state: PackedMatrix,
    input_bias: Vec<f32>,
    state_bias: Vec<f32>,
}

impl PackedGru {
    /// Packs weights `[3 * size, ins]` and `[3 * size, size]`, biases `[3 * size]` each.
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
        assert_eq!(input_bias.len(), 3 * size, "a bias per gate");
        assert_eq!(state_bias.len(), 3 * size, "a bias per gate");
        Self {
            from_input: PackedMatrix::new(3 * size, ins, from_input),
            from_state: PackedMatrix::new(3 * size, size, from_state),
            input_bias: input_bias.to_vec(),
            state_bias: state_bias.to_vec(),
        }
    }

    /// Values that go in.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.from_input.ins()
    }

    /// Values of the state, which is the output.
    #[must_use]
    pub fn size(&self) -> usize {
        self.from_state.ins()
    }

    /// What the inputs contribute to the gates, for many frames at once: `x` is `[frames, ins]`,
    /// `gates` `[frames, 3 * size]`. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn project(&self, x: &[f32], frames: usize, gates: &mut [f32]) {
        let bias = Start::Bias(&self.input_bias);
        matmul(x, self.ins(), frames, &self.from_input, bias, gates);
    }

    /// One step: takes one frame of [`Self::project`], replaces `state` (`[size]`) by the next.
    /// `work` is any `[3 * size]`. Real-time safe.
    ///
    /// `r, z = sigmoid(x + h)`, `n = tanh(x_n + r * h_n)`, `state = (1 - z) * n + z * state`.
    ///
    /// # Panics
    /// If a slice is of another length.
    pub fn step(&self, gates: &[f32], state: &mut [f32], work: &mut [f32]) {
        let size = self.size();
        assert_eq!(gates.len(), 3 * size, "gates are [3 * size]");
        assert_eq!(state.len(), size, "the state is [size]");
        assert_eq!(work.len(), 3 * size, "work is [3 * size]");
        let bias = Start::Bias(&self.state_bias);
        matmul(state, size, 1, &self.from_state, bias, work);
        let (reset, rest) = work.split_at(size);
        let (update, new) = rest.split_at(size);
        let (reset_in, rest) = gates.split_at(size);
        let (update_in, new_in) = rest.split_at(size);
        on(Form::best(), move || {
            // Slices of one known length, so that nothing is checked per value.
            let (reset, update, new) = (&reset[..size], &update[..size], &new[..size]);
            let (reset_in, update_in) = (&reset_in[..size], &update_in[..size]);
            let (new_in, state) = (&new_in[..size], &mut state[..size]);
            for i in 0..size {
                let r = sigmoid_one(reset_in[i] + reset[i]);
                let z = sigmoid_one(update_in[i] + update[i]);
                let n = tanh_one(new_in[i] + r * new[i]);
                state[i] = (1.0 - z) * n + z * state[i];
            }
        });
    }
}

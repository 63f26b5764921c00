//! Long short-term memory, as a stream. Any thread; real-time safe after construction except
//! `forward`.

use autovoice_kernels::cpu::PackedLstm;

use super::{Scope, WeightsError};

/// One layer in one direction, with the state of one stream.
#[derive(Clone, Debug)]
pub struct Lstm {
    packed: PackedLstm,
    state: Vec<f32>,
    cell: Vec<f32>,
    gates: Vec<f32>,
}

impl Lstm {
    /// Layer number `layer`, from `weight_ih_l<layer>` and so on, named as PyTorch does.
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(
        ins: usize,
        size: usize,
        layer: usize,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let get = |name: &str, shape: &[usize]| weights.get(&format!("{name}_l{layer}"), shape);
        let packed = PackedLstm::new(
            ins,
            size,
            get("weight_ih", &[4 * size, ins])?,
            get("weight_hh", &[4 * size, size])?,
            get("bias_ih", &[4 * size])?,
            get("bias_hh", &[4 * size])?,
        );
        Ok(Self {
            packed,
            state: vec![0.0; size],
            cell: vec![0.0; size],
            gates: vec![0.0; 4 * size],
        })
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.state.fill(0.0);
        self.cell.fill(0.0);
    }

    /// The whole signal `[frames, ins]`, from a state of zeros; gives `[frames, size]`. Allocates.
    #[must_use]
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let (size, frames) = (self.packed.size(), x.len() / self.packed.ins());
        let mut gates = vec![0.0; frames * 4 * size];
        self.packed.project(x, frames, &mut gates);
        let (mut state, mut cell) = (vec![0.0; size], vec![0.0; size]);
        let mut y = Vec::with_capacity(frames * size);
        for gates in gates.chunks_exact_mut(4 * size) {
            self.packed.step(gates, &mut state, &mut cell);
            y.extend_from_slice(&state);
        }
        y
    }

    /// Takes the next frames, `[frames, ins]`; gives as many, `[frames, size]`. Real-time safe.
    ///
    /// # Panics
    /// If `y` is too short.
    pub fn step(&mut self, x: &[f32], y: &mut [f32]) {
        let frames = x.chunks_exact(self.packed.ins());
        for (x, y) in frames.zip(y.chunks_exact_mut(self.packed.size())) {
            self.packed.project(x, 1, &mut self.gates);
            self.packed
                .step(&mut self.gates, &mut self.state, &mut self.cell);
            y.copy_from_slice(&self.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, stream_equals_whole};
    use super::*;

    #[test]
    fn a_stream_gives_what_the_whole_signal_gives() {
        let weights = Noise(3).weights(&[
            ("weight_ih_l2", &[28, 5]),
            ("weight_hh_l2", &[28, 7]),
            ("bias_ih_l2", &[28]),
            ("bias_hh_l2", &[28]),
        ]);
        let mut layer = Lstm::new(5, 7, 2, &weights.root()).unwrap();
        let x = Noise(5).take(40 * 5);
        let whole = layer.forward(&x);
        assert_eq!(whole.len(), 40 * 7);
        let step = |layer: &mut Lstm, x: &[f32], got: &mut Vec<f32>| {
            let mut y = vec![f32::NAN; x.len() / 5 * 7];
            layer.step(x, &mut y);
            got.extend_from_slice(&y);
        };
        stream_equals_whole(&mut layer, &x, 5, &whole, step, Lstm::reset);
    }
}

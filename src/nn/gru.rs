//! Gated recurrent units: a stream in one direction, a window in both. Any thread; real-time
//! safe after construction except `forward`.

use autovoice_kernels::cpu::PackedGru;

use super::{Scope, WeightsError};
use crate::units::Frames;

/// One layer and direction, from tensors named as PyTorch does, `suffix` being `l0` or
/// `l0_reverse`.
fn packed(
    ins: usize,
    size: usize,
    suffix: &str,
    weights: &Scope,
) -> Result<PackedGru, WeightsError> {
    let get = |name: &str, shape: &[usize]| weights.get(&format!("{name}_{suffix}"), shape);
    Ok(PackedGru::new(
        ins,
        size,
        get("weight_ih", &[3 * size, ins])?,
        get("weight_hh", &[3 * size, size])?,
        get("bias_ih", &[3 * size])?,
        get("bias_hh", &[3 * size])?,
    ))
}

/// One layer in one direction, with the state of one stream.
#[derive(Clone, Debug)]
pub struct Gru {
    packed: PackedGru,
    state: Vec<f32>,
    gates: Vec<f32>,
    work: Vec<f32>,
}

impl Gru {
    /// Layer number `layer`, from `weight_ih_l<layer>` and so on. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(
        ins: usize,
        size: usize,
        layer: usize,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        Ok(Self {
            packed: packed(ins, size, &format!("l{layer}"), weights)?,
            state: vec![0.0; size],
            gates: vec![0.0; 3 * size],
            work: vec![0.0; 3 * size],
        })
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.state.fill(0.0);
    }

    /// The whole signal `[frames, ins]`, from a state of zeros; gives `[frames, size]`. Allocates.
    #[must_use]
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let (size, frames) = (self.packed.size(), x.len() / self.packed.ins());
        let mut gates = vec![0.0; frames * 3 * size];
        self.packed.project(x, frames, &mut gates);
        let (mut state, mut work) = (vec![0.0; size], vec![0.0; 3 * size]);
        let mut y = Vec::with_capacity(frames * size);
        for gates in gates.chunks_exact(3 * size) {
            self.packed.step(gates, &mut state, &mut work);
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
                .step(&self.gates, &mut self.state, &mut self.work);
            y.copy_from_slice(&self.state);
        }
    }
}

/// One layer in both directions over windows of a signal. Has no memory from window to window.
#[derive(Clone, Debug)]
pub struct BiGru {
    forward: PackedGru,
    backward: PackedGru,
    state: Vec<f32>,
    gates: Vec<f32>,
    work: Vec<f32>,
}

impl BiGru {
    /// Layer 0, for windows of at most `longest` frames. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(
        ins: usize,
        size: usize,
        longest: Frames,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        Ok(Self {
            forward: packed(ins, size, "l0", weights)?,
            backward: packed(ins, size, "l0_reverse", weights)?,
            state: vec![0.0; size],
            gates: vec![0.0; longest * 3 * size],
            work: vec![0.0; 3 * size],
        })
    }

    /// `x` is `[frames, ins]`, `y` `[frames, 2 * size]`: forward, then backward. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short, or the window too long.
    pub fn window(&mut self, x: &[f32], frames: Frames, y: &mut [f32]) {
        let size = self.state.len();
        for backward in [false, true] {
            let packed = if backward {
                &self.backward
            } else {
                &self.forward
            };
            packed.project(x, frames, &mut self.gates);
            self.state.fill(0.0);
            for n in 0..frames {
                let f = if backward { frames - 1 - n } else { n };
                let gates = &self.gates[f * 3 * size..][..3 * size];
                packed.step(gates, &mut self.state, &mut self.work);
                let at = (2 * f + usize::from(backward)) * size;
                y[at..at + size].copy_from_slice(&self.state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, stream_equals_whole};
    use super::*;
    use crate::nn::Weights;

    fn weights(suffixes: &[&str]) -> Weights {
        let mut noise = Noise(3);
        let tensors = suffixes.iter().flat_map(|suffix| {
            let shapes: [(&str, Vec<usize>); 4] = [
                ("weight_ih", vec![21, 5]),
                ("weight_hh", vec![21, 7]),
                ("bias_ih", vec![21]),
                ("bias_hh", vec![21]),
            ];
            shapes.map(|(name, shape)| {
                let data = noise.take(shape.iter().product());
                (format!("{name}_{suffix}"), shape, data)
            })
        });
        Weights::new(tensors.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_stream_gives_what_the_whole_signal_gives() {
        let weights = weights(&["l1"]);
        let mut layer = Gru::new(5, 7, 1, &weights.root()).unwrap();
        let x = Noise(5).take(40 * 5);
        let whole = layer.forward(&x);
        assert_eq!(whole.len(), 40 * 7);
        let step = |layer: &mut Gru, x: &[f32], got: &mut Vec<f32>| {
            let mut y = vec![f32::NAN; x.len() / 5 * 7];
            layer.step(x, &mut y);
            got.extend_from_slice(&y);
        };
        stream_equals_whole(&mut layer, &x, 5, &whole, step, Gru::reset);
    }

    #[test]
    fn both_directions_are_one_direction_each() {
        let both = weights(&["l0", "l0_reverse"]);
        let mut layer = BiGru::new(5, 7, 20, &both.root()).unwrap();
        let x = Noise(6).take(17 * 5);
        let mut y = vec![f32::NAN; 17 * 14];
        for _ in 0..2 {
            layer.window(&x, 17, &mut y);
        }
        let forward = Gru::new(5, 7, 0, &both.root()).unwrap().forward(&x);
        let mut alone = Gru::new(5, 7, 0, &both.root()).unwrap();
        alone.packed = packed(5, 7, "l0_reverse", &both.root()).unwrap();
        let reversed: Vec<f32> = x.chunks(5).rev().flatten().copied().collect();
        let backward = alone.forward(&reversed);
        for f in 0..17 {
            assert_eq!(y[f * 14..f * 14 + 7], forward[f * 7..f * 7 + 7]);
            assert_eq!(
                y[f * 14 + 7..f * 14 + 14],
                backward[(16 - f) * 7..(17 - f) * 7]
            );
        }
    }
}

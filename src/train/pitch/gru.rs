//! A gated recurrent unit over whole sequences that candle can differentiate. Candle would pay
//! for every time step with a gradient of the whole sequence.

use autovoice_kernels::cpu::{PackedMatrix, Start, matmul};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::train::ops::slice;

/// Cho's unit (2014) from a state of zeros, gates in the order reset, update, new, with torch's
/// two biases: `x` is `[batch, frames, 3 h]`, what the input says to the gates; `w` is `[3 h, h]`
/// and `b` `[3 h]`, what the state says. Gives the states, `[batch, frames, h]`.
pub struct Gru;

impl CustomOp3 for Gru {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, frames, _) = x_layout.shape().dims3()?;
        let (_, units) = w_layout.shape().dims2()?;
        let (x, w, b) = (
            slice(x, x_layout)?,
            slice(w, w_layout)?,
            slice(b, b_layout)?,
        );
        let trace = Trace::run(x, w, b, frames, units);
        Ok((
            CpuStorage::F32(trace.states),
            Shape::from((batch, frames, units)),
        ))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _states: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, frames, _) = x.dims3()?;
        let (_, units) = w.dims2()?;
        let flat = |t: &Tensor| t.flatten_all()?.to_vec1::<f32>();
        let (xs, ws, bs) = (flat(x)?, flat(w)?, flat(b)?);
        let trace = Trace::run(&xs, &ws, &bs, frames, units);
        let (dx, dw, db) = trace.back(&ws, &flat(gradient)?, frames, units);
        let device = x.device();
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), device)?),
            Some(Tensor::from_vec(dw, w.shape(), device)?),
            Some(Tensor::from_vec(db, b.shape(), device)?),
        ))
    }
}

/// Every state and gate of every sequence, and what the state said to the new gate.
struct Trace {
    states: Vec<f32>,
    gates: Vec<f32>,
    said: Vec<f32>,
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

impl Trace {
    fn run(x: &[f32], w: &[f32], b: &[f32], frames: usize, units: usize) -> Self {
        let weights = PackedMatrix::new(3 * units, units, w);
        let steps = x.len() / (3 * units);
        let mut trace = Self {
            states: vec![0.0; steps * units],
            gates: vec![0.0; steps * 3 * units],
            said: vec![0.0; steps * units],
        };
        let mut from = vec![0.0; 3 * units];
        let mut h = vec![0.0; units];
        for step in 0..steps {
            if step % frames == 0 {
                h.fill(0.0);
            }
            matmul(&h, units, 1, &weights, Start::Bias(b), &mut from);
            let x = &x[step * 3 * units..][..3 * units];
            let gates = &mut trace.gates[step * 3 * units..][..3 * units];
            for u in 0..units {
                let reset = logistic(x[u] + from[u]);
                let update = logistic(x[units + u] + from[units + u]);
                let said = from[2 * units + u];
                let new = (x[2 * units + u] + reset * said).tanh();
                h[u] = new + update * (h[u] - new);
                (gates[u], gates[units + u], gates[2 * units + u]) = (reset, update, new);
                trace.said[step * units + u] = said;
            }
            trace.states[step * units..][..units].copy_from_slice(&h);
        }
        trace
    }

    /// Gradients of `x`, `w` and `b`: backpropagation through time.
    fn back(
        &self,
        w: &[f32],
        gradient: &[f32],
        frames: usize,
        units: usize,
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut across = vec![0.0; w.len()];
        for (row, values) in w.chunks_exact(units).enumerate() {
            for (column, value) in values.iter().enumerate() {
                across[column * 3 * units + row] = *value;
            }
        }
        let across = PackedMatrix::new(units, 3 * units, &across);
        let steps = gradient.len() / units;
        let mut dx = vec![0.0; steps * 3 * units];
        let (mut dw, mut db) = (vec![0.0; w.len()], vec![0.0; 3 * units]);
        let (mut dh, mut back) = (vec![0.0; units], vec![0.0; units]);
        let (zeros, mut dgates) = (vec![0.0; units], vec![0.0; 3 * units]);
        for step in (0..steps).rev() {
            if step % frames == frames - 1 {
                dh.fill(0.0);
            }
            let h = match step % frames {
                0 => &zeros[..],
                _ => &self.states[(step - 1) * units..][..units],
            };
            let gates = &self.gates[step * 3 * units..][..3 * units];
            let dx = &mut dx[step * 3 * units..][..3 * units];
            for u in 0..units {
                let (reset, update, new) = (gates[u], gates[units + u], gates[2 * units + u]);
                let d = dh[u] + gradient[step * units + u];
                let dnew = d * (1.0 - update) * (1.0 - new * new);
                let dupdate = d * (h[u] - new) * update * (1.0 - update);
                let dreset = dnew * self.said[step * units + u] * reset * (1.0 - reset);
                (dx[u], dx[units + u], dx[2 * units + u]) = (dreset, dupdate, dnew);
                (dgates[u], dgates[units + u]) = (dreset, dupdate);
                dgates[2 * units + u] = dnew * reset;
                dh[u] = d * update;
            }
            matmul(&dgates, 3 * units, 1, &across, Start::Zero, &mut back);
            dh.iter_mut().zip(&back).for_each(|(d, more)| *d += more);
            for (row, d) in dw.chunks_exact_mut(units).zip(&dgates) {
                row.iter_mut().zip(h).for_each(|(sum, h)| *sum += d * h);
            }
            db.iter_mut().zip(&dgates).for_each(|(sum, d)| *sum += d);
        }
        (dx, dw, db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{check_gradients, random_var, weighted};
    use crate::train::random::Random;

    #[test]
    fn gradients_are_those_of_small_steps() {
        let (batch, frames, units) = (2, 5, 3);
        let mut random = Random::new(5);
        let mut var = |shape: &[usize]| random_var(&mut random, shape, 0.7);
        let vars = [
            var(&[batch, frames, 3 * units]),
            var(&[3 * units, units]),
            var(&[3 * units]),
        ];
        check_gradients(&[&vars[0], &vars[1], &vars[2]], 1e-2, 2e-3, || {
            let states = vars[0].apply_op3(&vars[1], &vars[2], Gru).unwrap();
            weighted(&states, 6)
        });
    }
}

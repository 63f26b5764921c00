//! The linear layer. Any thread; real-time safe after construction.

use std::sync::Arc;

use autovoice_kernels::cpu::{Footprint, PackedMatrix, Start, matmul};

use super::{Scope, WeightsError};

/// `y = W x + b`, frame by frame. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct Linear {
    matrix: PackedMatrix,
    bias: Arc<[f32]>,
}

impl Linear {
    /// From `weight` `[outs, ins]` and `bias` `[outs]`, which may be missing. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(ins: usize, outs: usize, weights: &Scope) -> Result<Self, WeightsError> {
        let weight = weights.get("weight", &[outs, ins])?;
        let bias = weights.get_or_zeros("bias", &[outs])?;
        Ok(Self::from_values(ins, outs, weight, &bias))
    }

    /// From `weight` `[outs, ins]` and `bias` `[outs]`. Allocates.
    ///
    /// # Panics
    /// If a slice is of another length.
    #[must_use]
    pub fn from_values(ins: usize, outs: usize, weight: &[f32], bias: &[f32]) -> Self {
        assert_eq!(bias.len(), outs, "one bias per output");
        Self {
            matrix: PackedMatrix::new(outs, ins, weight),
            bias: bias.into(),
        }
    }

    /// Values that come out per frame.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.matrix.outs()
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        self.matrix.footprint()
    }

    /// `x` is `[frames, ins]`, `y` `[frames, outs]`. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn forward(&self, x: &[f32], frames: usize, y: &mut [f32]) {
        let bias = Start::Bias(&self.bias);
        matmul(x, self.matrix.ins(), frames, &self.matrix, bias, y);
    }

    /// [`Self::forward`], added to what `y` holds. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn add(&self, x: &[f32], frames: usize, y: &mut [f32]) {
        let (ins, outs) = (self.matrix.ins(), self.outs());
        for y in y.chunks_exact_mut(outs).take(frames) {
            y.iter_mut().zip(&*self.bias).for_each(|(y, b)| *y += b);
        }
        matmul(x, ins, frames, &self.matrix, Start::Accumulate, y);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weights;
    use super::super::testing::Noise;
    use super::*;

    #[test]
    fn agrees_with_the_definition_with_and_without_bias() {
        let mut noise = Noise(1);
        let (x, weights) = (
            noise.take(12),
            noise.weights(&[("weight", &[5, 4]), ("bias", &[5])]),
        );
        let w = weights.root().get("weight", &[5, 4]).unwrap();
        let b = weights.root().get("bias", &[5]).unwrap();
        let bare = Weights::new([("weight".to_owned(), vec![5, 4], w.to_vec())]).unwrap();
        for (weights, bias) in [(&weights, b), (&bare, &[0.0; 5])] {
            let layer = Linear::new(4, 5, &weights.root()).unwrap();
            let mut y = vec![f32::NAN; 15];
            layer.forward(&x, 3, &mut y);
            for (at, y) in y.iter().enumerate() {
                let (f, o) = (at / 5, at % 5);
                let want = bias[o] + (0..4).map(|i| w[o * 4 + i] * x[f * 4 + i]).sum::<f32>();
                assert!((y - want).abs() < 1e-6);
            }
            let mut sums = vec![1.0; 15];
            layer.add(&x, 3, &mut sums);
            let added = sums
                .iter()
                .zip(&y)
                .all(|(sum, y)| (sum - y - 1.0).abs() < 1e-6);
            assert!(added, "{sums:?} after {y:?}");
        }
        assert!(Linear::new(5, 4, &weights.root()).is_err());
    }
}

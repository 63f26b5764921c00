//! Batch normalisation with fixed statistics, folded into one scale and shift per channel
//! (Ioffe & Szegedy, 2015). Any thread; real-time safe after construction.

use super::{Scope, WeightsError};

/// `y = scale * x + shift`, channel by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// One per channel.
    pub scale: Vec<f32>,
    /// One per channel.
    pub shift: Vec<f32>,
}

impl Affine {
    /// From `weight`, `bias`, `running_mean` and `running_var`, `[channels]` each. `epsilon` is
    /// what was added to the variance. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn batch_norm(
        channels: usize,
        epsilon: f64,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let get = |name| weights.get(name, &[channels]);
        let (weight, bias) = (get("weight")?, get("bias")?);
        let (mean, variance) = (get("running_mean")?, get("running_var")?);
        let exact: Vec<(f64, f64)> = (0..channels)
            .map(|c| {
                let scale = f64::from(weight[c]) / (f64::from(variance[c]) + epsilon).sqrt();
                (scale, f64::from(bias[c]) - f64::from(mean[c]) * scale)
            })
            .collect();
        Ok(Self {
            scale: exact.iter().map(|(scale, _)| *scale as f32).collect(),
            shift: exact.iter().map(|(_, shift)| *shift as f32).collect(),
        })
    }

    /// Applies it to `[any, channels]` in place. Real-time safe.
    pub fn apply(&self, x: &mut [f32]) {
        for frame in x.chunks_exact_mut(self.scale.len()) {
            for ((x, scale), shift) in frame.iter_mut().zip(&self.scale).zip(&self.shift) {
                *x = scale * *x + shift;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Weights;

    #[test]
    fn is_batch_normalisation() {
        let tensors = [
            ("weight", [2.0, 0.5]),
            ("bias", [1.0, -1.0]),
            ("running_mean", [3.0, -2.0]),
            ("running_var", [4.0, 0.24]),
        ];
        let tensors = tensors.map(|(name, data)| (name.to_owned(), vec![2], data.to_vec()));
        let weights = Weights::new(tensors).unwrap();
        let norm = Affine::batch_norm(2, 0.01, &weights.root()).unwrap();
        let mut x = [5.0, -2.0, 3.0, -1.0];
        norm.apply(&mut x);
        let want = [1.0 + 4.0 / 4.01f32.sqrt(), -1.0, 1.0, 0.0];
        for (x, want) in x.iter().zip(want) {
            assert!((x - want).abs() < 1e-6, "{x} for {want}");
        }
    }
}

//! Normalisation of each frame over its channels (Ba, Kiros & Hinton, "Layer normalization",
//! 2016). Any thread; real-time safe after construction.

use std::sync::Arc;

use super::{Scope, WeightsError};

/// What is added to the variance.
const EPSILON: f64 = 1e-5;

/// Scale and shift of a normalised frame. A clone shares them.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    scale: Arc<[f32]>,
    shift: Arc<[f32]>,
}

impl LayerNorm {
    /// From the tensors of these names, `[channels]` each. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn named(
        channels: usize,
        (scale, shift): (&str, &str),
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        Ok(Self {
            scale: weights.get(scale, &[channels])?.into(),
            shift: weights.get(shift, &[channels])?.into(),
        })
    }

    /// From `weight` and `bias`. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(channels: usize, weights: &Scope) -> Result<Self, WeightsError> {
        Self::named(channels, ("weight", "bias"), weights)
    }

    /// Normalises `[any, channels]` in place. Real-time safe.
    pub fn apply(&self, x: &mut [f32]) {
        let channels = self.scale.len();
        for frame in x.chunks_exact_mut(channels) {
            let mean = sum(frame, |x| x) / channels as f64;
            let mean_f32 = mean as f32;
            let variance = sum(frame, |x| (x - mean_f32) * (x - mean_f32)) / channels as f64;
            let scale = (1.0 / (variance + EPSILON).sqrt()) as f32;
            for ((x, by), shift) in frame.iter_mut().zip(&*self.scale).zip(&*self.shift) {
                *x = (*x - mean_f32) * scale * by + shift;
            }
        }
    }
}

/// The sum of `f` of every value, in lanes that compilers keep in a register.
fn sum(xs: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0f32; LANES];
    let (chunks, rest) = xs.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += f(*x);
        }
    }
    let rest = rest.iter().map(|x| f64::from(f(*x))).sum::<f64>();
    sums.iter().map(|x| f64::from(*x)).sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::super::testing::Noise;
    use super::*;

    #[test]
    fn a_frame_has_mean_and_deviation_of_the_weights() {
        let mut noise = Noise(3);
        for channels in [1, 7, 16, 50, 768] {
            let weights = noise.weights(&[("gamma", &[channels]), ("beta", &[channels])]);
            let names = ("gamma", "beta");
            let norm = LayerNorm::named(channels, names, &weights.root()).unwrap();
            let x: Vec<f32> = noise.take(3 * channels).iter().map(|x| 5.0 + x).collect();
            let mut y = x.clone();
            norm.apply(&mut y);
            for (x, y) in x.chunks(channels).zip(y.chunks(channels)) {
                let exact = x.iter().map(|x| f64::from(*x));
                let mean = exact.clone().sum::<f64>() / channels as f64;
                let variance =
                    exact.clone().map(|x| (x - mean).powi(2)).sum::<f64>() / channels as f64;
                for (c, x) in exact.enumerate() {
                    let want = (x - mean) / (variance + EPSILON).sqrt() * f64::from(norm.scale[c])
                        + f64::from(norm.shift[c]);
                    assert!((f64::from(y[c]) - want).abs() < 1e-5, "{channels}: {c}");
                }
            }
        }
    }
}

//! AdamW (Loshchilov and Hutter, 2019) with a clipped gradient, and a moving average of the
//! weights, which is what is kept.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var, backprop::GradStore};

/// Betas and epsilon of Adam (Kingma and Ba, 2015), weight decay, and the longest gradient.
const BETAS: (f64, f64) = (0.9, 0.99);
const EPSILON: f64 = 1e-8;
const DECAY: f64 = 1e-3;
const LONGEST: f64 = 1.0;
/// Share of the average that stays in every step, once there have been enough.
const AVERAGE: f64 = 0.998;

struct Moments {
    mean: Tensor,
    square: Tensor,
    average: Tensor,
}

/// The state of the optimizer.
pub struct Optimizer {
    moments: BTreeMap<&'static str, Moments>,
    steps: i32,
}

impl Optimizer {
    /// Nothing learnt yet.
    pub fn new(weights: &BTreeMap<&'static str, Var>) -> Result<Self> {
        let mut moments = BTreeMap::new();
        for (name, weight) in weights {
            moments.insert(
                *name,
                Moments {
                    mean: weight.as_detached_tensor().zeros_like()?,
                    square: weight.as_detached_tensor().zeros_like()?,
                    average: weight.as_detached_tensor().copy()?,
                },
            );
        }
        Ok(Self { moments, steps: 0 })
    }

    /// Moves the weights against the gradient; gives its length.
    pub fn step(
        &mut self,
        weights: &BTreeMap<&'static str, Var>,
        gradients: &GradStore,
        rate: f64,
    ) -> Result<f64> {
        let mut length = 0.0;
        for weight in weights.values() {
            if let Some(gradient) = gradients.get(weight) {
                length += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
        }
        let length = length.sqrt();
        let clip = (LONGEST / length.max(1e-12)).min(1.0);
        // A gradient that is no number must not reach the weights.
        if !length.is_finite() {
            return Ok(length);
        }
        self.steps += 1;
        let (b1, b2) = BETAS;
        let (c1, c2) = (1.0 - b1.powi(self.steps), 1.0 - b2.powi(self.steps));
        let keep = AVERAGE.min(f64::from(self.steps) / (f64::from(self.steps) + 10.0));
        for (name, weight) in weights {
            let (Some(gradient), Some(m)) = (gradients.get(weight), self.moments.get_mut(name))
            else {
                continue;
            };
            let gradient = (gradient.detach() * clip)?;
            m.mean = ((&m.mean * b1)? + (&gradient * (1.0 - b1))?)?;
            m.square = ((&m.square * b2)? + (gradient.sqr()? * (1.0 - b2))?)?;
            let scale = ((&m.square / c2)?.sqrt()? + EPSILON)?;
            let step = ((&m.mean / c1)? / scale)?;
            let decay = if weight.rank() > 1 {
                1.0 - rate * DECAY
            } else {
                1.0
            };
            // Detached: otherwise every step would remember all steps before it.
            let moved = ((weight.as_detached_tensor() * decay)? - (step * rate)?)?;
            weight.set(&moved)?;
            m.average = ((&m.average * keep)? + (moved * (1.0 - keep))?)?;
        }
        Ok(length)
    }

    /// The averaged weights by name.
    pub fn averages(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        self.moments.iter().map(|(name, m)| (*name, &m.average))
    }
}

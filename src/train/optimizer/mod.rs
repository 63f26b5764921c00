//! AdamW (Loshchilov and Hutter, 2019) with a clipped gradient, and a moving average of the
//! weights, which is what is kept.

mod flat;

use std::borrow::Cow;
use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var, backprop::GradStore};

use self::flat::Flat;
use super::ops::{by_rows, values};

/// Weights by their names in files.
pub type Parameters = BTreeMap<String, Var>;

/// How weights move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Shares of the moving means of gradient and square that stay in a step (Kingma and Ba,
    /// "Adam", 2015).
    pub betas: (f64, f64),
    /// Share of a matrix that a rate of 1 would take away; vectors stay.
    pub decay: f64,
    /// The longest gradient, all weights together; longer ones are shortened.
    pub longest: f64,
    /// Share of the average that stays in every step, once there have been enough.
    pub average: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            betas: (0.9, 0.99),
            decay: 1e-3,
            longest: 1.0,
            average: 0.998,
        }
    }
}

impl Settings {
    /// The factors of a step, counted from 1, with a gradient of so much length.
    fn factors(&self, step: i32, rate: f64, length: f64) -> Factors {
        let step = f64::from(step);
        let (b1, b2) = self.betas;
        Factors {
            rate,
            clip: (self.longest / length.max(1e-12)).min(1.0),
            c1: 1.0 - b1.powf(step),
            c2: 1.0 - b2.powf(step),
            keep: self.average.min(step / (step + 10.0)),
        }
    }
}

const EPSILON: f64 = 1e-8;

/// What is remembered of one weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Moving mean of its gradient.
    pub mean: Vec<f32>,
    /// Moving mean of the gradient's square.
    pub square: Vec<f32>,
    /// Moving mean of the weight itself.
    pub average: Vec<f32>,
}

/// Where that is kept.
enum Memory {
    /// With each weight, on the processor.
    Apart(BTreeMap<String, Moments>),
    /// All side by side, on a card.
    Flat(Flat),
}

/// What a step is multiplied with.
#[derive(Clone, Copy, Debug)]
struct Factors {
    /// The rate of learning.
    rate: f64,
    /// What makes the gradient short enough.
    clip: f64,
    /// What the moving means of gradient and square are short of at first.
    c1: f64,
    /// See `c1`.
    c2: f64,
    /// Share of the average that stays.
    keep: f64,
}

/// The state of the optimizer.
pub struct Optimizer {
    settings: Settings,
    memory: Memory,
    steps: i32,
}

impl Optimizer {
    /// Nothing learnt yet.
    ///
    /// # Errors
    /// If the weights are not 32-bit floats.
    pub fn new(weights: &Parameters, settings: Settings) -> Result<Self> {
        let mut moments = BTreeMap::new();
        for (name, weight) in weights {
            let zeros = vec![0.0; weight.elem_count()];
            let new = Moments {
                mean: zeros.clone(),
                square: zeros,
                average: values(weight)?,
            };
            moments.insert(name.clone(), new);
        }
        Self::resumed(weights, settings, moments, 0)
    }

    /// The state as it was: [`Self::moments`] and [`Self::steps`], of weights as they are now.
    ///
    /// # Errors
    /// If memory is short.
    pub fn resumed(
        weights: &Parameters,
        settings: Settings,
        moments: BTreeMap<String, Moments>,
        steps: i32,
    ) -> Result<Self> {
        let apart = weights.values().all(|weight| weight.device().is_cpu());
        Ok(Self {
            settings,
            memory: match apart {
                true => Memory::Apart(moments),
                false => Memory::Flat(Flat::new(weights, &moments)?),
            },
            steps,
        })
    }

    /// How weights move.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// What is remembered, by name.
    ///
    /// # Errors
    /// If a card does not answer.
    pub fn moments(&self) -> Result<Cow<'_, BTreeMap<String, Moments>>> {
        match &self.memory {
            Memory::Apart(moments) => Ok(Cow::Borrowed(moments)),
            Memory::Flat(flat) => Ok(Cow::Owned(flat.moments()?)),
        }
    }

    /// Steps made.
    pub fn steps(&self) -> i32 {
        self.steps
    }

    /// Moves those weights it was made for against the gradient; gives its length. A gradient that
    /// is no number moves nothing.
    ///
    /// # Errors
    /// If a gradient is not of its weight's shape.
    pub fn step(&mut self, weights: &Parameters, gradients: &GradStore, rate: f64) -> Result<f64> {
        let Self {
            settings,
            memory,
            steps,
        } = self;
        let moments = match memory {
            Memory::Apart(moments) => moments,
            Memory::Flat(flat) => {
                let (gradient, length) = flat.gradient(weights, gradients)?;
                if length.is_finite() {
                    *steps += 1;
                    let factors = settings.factors(*steps, rate, length);
                    flat.step(weights, &gradient, *settings, factors)?;
                }
                return Ok(length);
            }
        };
        let mut found = Vec::new();
        for (name, m) in moments {
            if let Some(weight) = weights.get(name)
                && let Some(gradient) = gradients.get(weight)
            {
                found.push((weight, values(gradient)?, m));
            }
        }
        let squares = found
            .iter()
            .flat_map(|(_, gradient, _)| gradient.chunks(1024));
        let length = squares.map(|part| f64::from(part.iter().map(|d| d * d).sum::<f32>()));
        let length = length.sum::<f64>().sqrt();
        if !length.is_finite() {
            return Ok(length);
        }
        *steps += 1;
        let factors = settings.factors(*steps, rate, length);
        let (b1, b2) = (settings.betas.0 as f32, settings.betas.1 as f32);
        let (clip, keep) = (factors.clip as f32, factors.keep as f32);
        let rate_now = (rate / factors.c1) as f32;
        let (c2, epsilon) = (factors.c2 as f32, EPSILON as f32);
        for (weight, mut gradient, m) in found {
            let decay = match weight.rank() {
                0 | 1 => 1.0,
                _ => (1.0 - rate * settings.decay) as f32,
            };
            gradient.iter_mut().for_each(|d| *d *= clip);
            for (mean, d) in m.mean.iter_mut().zip(&gradient) {
                *mean = *mean * b1 + d * (1.0 - b1);
            }
            for (square, d) in m.square.iter_mut().zip(&gradient) {
                *square = *square * b2 + d * d * (1.0 - b2);
            }
            let mut moved = values(weight)?;
            let (mean, square) = (&m.mean, &m.square);
            by_rows(&mut moved, 1, |first, part| {
                let moments = mean[first..].iter().zip(&square[first..]);
                for (w, (mean, square)) in part.iter_mut().zip(moments) {
                    *w = *w * decay - rate_now * mean / ((square / c2).sqrt() + epsilon);
                }
            });
            for (average, w) in m.average.iter_mut().zip(&moved) {
                *average = *average * keep + w * (1.0 - keep);
            }
            weight.set(&Tensor::from_vec(moved, weight.shape(), &Device::Cpu)?)?;
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adam's first step is as long as the rate, whatever the gradient; decay is its own.
    #[test]
    fn a_step_is_that_of_the_papers() {
        let weight = |values: &[f32]| {
            let shape = (1, values.len());
            Var::from_slice(values, shape, &Device::Cpu).unwrap()
        };
        let weights = Parameters::from([
            ("a".to_owned(), weight(&[1.0, -2.0])),
            ("still".to_owned(), weight(&[3.0])),
        ]);
        let settings = Settings {
            decay: 0.5,
            longest: 1e9,
            ..Settings::default()
        };
        let only: Parameters = weights
            .clone()
            .into_iter()
            .filter(|(n, _)| n == "a")
            .collect();
        let mut optimizer = Optimizer::new(&only, settings).unwrap();
        let a = &weights["a"];
        let loss = ((a.sqr().unwrap().sum_all().unwrap() * 50.0).unwrap()
            + weights["still"].sum_all().unwrap())
        .unwrap();
        let length = optimizer
            .step(&weights, &loss.backward().unwrap(), 0.1)
            .unwrap();
        assert!((length - f64::hypot(100.0, 200.0)).abs() < 1e-3, "{length}");
        let moved = values(&weights["a"]).unwrap();
        for (found, wanted) in moved.iter().zip([0.95 - 0.1, -1.9 + 0.1]) {
            assert!((found - wanted).abs() < 1e-6, "{moved:?}");
        }
        assert_eq!(values(&weights["still"]).unwrap(), [3.0]);
        // A gradient that is no number changes nothing.
        let bad = (weights["a"].sum_all().unwrap() * f64::NAN).unwrap();
        optimizer
            .step(&weights, &bad.backward().unwrap(), 0.1)
            .unwrap();
        assert_eq!(
            (values(&weights["a"]).unwrap(), optimizer.steps()),
            (moved, 1)
        );
    }
}

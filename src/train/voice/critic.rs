//! A second network that learns to tell made spectra from real ones, and so teaches the decoder
//! what a mean error does not: that spectra are not blurred (Goodfellow et al., "Generative
//! adversarial networks", 2014). It looks at pictures of frames and bands, a few frames at a time.

use candle_core::{D, Result, Tensor, Var};

use crate::train::ops::conv1d::Conv1d;
use crate::train::optimizer::{Optimizer, Parameters, Settings};
use crate::train::processor::Arithmetic;
use crate::train::random::Random;

/// Channels, taps, and the dilation of each layer: 17 frames in all.
const WIDTH: usize = 128;
const KERNEL: usize = 5;
const DILATIONS: [usize; 3] = [1, 1, 2];
/// Envelopes as it sees them: less a mean, over their spread.
const MEAN: f64 = -14.0;
const SPREAD: f64 = 4.0;

/// How the critic takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CriticRecipe {
    /// Share of the steps that are done before it begins.
    pub begin: f64,
    /// Its rate of learning.
    pub rate: f64,
    /// Weight of its judgement.
    pub judgement: f64,
    /// Weight of the difference between what its layers see in made and in real spectra (Larsen et
    /// al., "Autoencoding beyond pixels", 2016).
    pub features: f64,
}

impl Default for CriticRecipe {
    fn default() -> Self {
        Self {
            begin: 0.45,
            rate: 4e-4,
            judgement: 0.1,
            features: 0.5,
        }
    }
}

/// The network and what it has learnt.
pub struct Critic {
    recipe: CriticRecipe,
    bands: usize,
    weights: Parameters,
    arithmetic: Arithmetic,
    /// Its own.
    pub optimizer: Optimizer,
}

impl Critic {
    /// One that looks at so many bands.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(
        recipe: CriticRecipe,
        bands: usize,
        seed: u64,
        arithmetic: &Arithmetic,
    ) -> Result<Self> {
        let mut random = Random::new(seed ^ 0x000c_2171_c000);
        let mut weights = Parameters::new();
        let mut add = |name: String, shape: [usize; 3]| -> Result<()> {
            let reach = ((shape[1] * shape[2]) as f64).sqrt().recip();
            let mut draw = |count: usize| -> Vec<f32> {
                (0..count)
                    .map(|_| random.range(-reach, reach) as f32)
                    .collect()
            };
            let (weight, bias) = (draw(shape.iter().product()), draw(shape[0]));
            let weight = Var::from_vec(weight, shape.as_slice(), arithmetic.device())?;
            weights.insert(format!("critic.{name}.weight"), weight);
            let bias = Var::from_vec(bias, shape[0], arithmetic.device())?;
            weights.insert(format!("critic.{name}.bias"), bias);
            Ok(())
        };
        for layer in 0..DILATIONS.len() {
            let ins = if layer == 0 { bands } else { WIDTH };
            add(layer.to_string(), [WIDTH, ins, KERNEL])?;
        }
        add("score".to_owned(), [1, WIDTH, 1])?;
        let settings = Settings {
            betas: (0.5, 0.9),
            decay: 0.0,
            longest: f64::INFINITY,
            average: 0.0,
        };
        Ok(Self {
            optimizer: Optimizer::new(&weights, settings)?,
            recipe,
            bands,
            weights,
            arithmetic: arithmetic.clone(),
        })
    }

    /// Every weight by name.
    pub fn weights(&self) -> &Parameters {
        &self.weights
    }

    /// Whether it takes part at a step of so many.
    pub fn judges(&self, step: u64, steps: u64) -> bool {
        self.recipe.begin * steps as f64 <= step as f64
    }

    fn layer(&self, x: &Tensor, name: &str, op: Conv1d) -> Result<Tensor> {
        let weight = |kind: &str| self.weights[&format!("critic.{name}.{kind}")].as_tensor();
        self.arithmetic
            .conv1d(x, weight("weight"), weight("bias"), op)
    }

    /// How real each frame seems, and what the layers see: `[batch, frames, bands]`.
    fn look(&self, x: &Tensor) -> Result<(Tensor, Vec<Tensor>)> {
        let mut x = ((x.narrow(D::Minus1, 0, self.bands)?.contiguous()? - MEAN)? / SPREAD)?;
        let mut seen = Vec::with_capacity(DILATIONS.len());
        for (layer, dilation) in DILATIONS.into_iter().enumerate() {
            let centred = Conv1d {
                dilation,
                left: (KERNEL - 1) / 2 * dilation,
            };
            let y = self.layer(&x, &layer.to_string(), centred)?;
            // A fifth of what is below 0 goes through.
            x = ((y.relu()? * 0.8)? + (y * 0.2)?)?;
            seen.push(x.clone());
        }
        Ok((self.layer(&x, "score", Conv1d::LINEAR)?, seen))
    }

    /// Learns to tell `made` spectra from `real` ones, then says what the maker should make small,
    /// and how well the critic told them apart: 0 if always, 2 if never. All are
    /// `[batch, frames, any]`; where `known` is 0 nothing is told apart.
    ///
    /// # Errors
    /// If the shapes differ.
    pub fn judge(&mut self, made: &Tensor, real: &Tensor, known: &Tensor) -> Result<(Tensor, f64)> {
        // What is not known is the same in both.
        let made = (real + ((made - real)? * known)?)?;
        let (of_real, _) = self.look(real)?;
        let (of_made, _) = self.look(&made.detach())?;
        let hinge = |x: Tensor| (x + 1.0)?.relu()?.mean_all();
        let told = (hinge(of_real.neg()?)? + hinge(of_made)?)?;
        let gradients = told.backward()?;
        self.optimizer
            .step(&self.weights, &gradients, self.recipe.rate)?;

        let (score, seen) = self.look(&made)?;
        let (_, wanted) = self.look(real)?;
        let mut loss = (score.mean_all()? * -self.recipe.judgement)?;
        for (seen, wanted) in seen.iter().zip(wanted) {
            let far = (seen - wanted.detach())?.abs()?.mean_all()?;
            loss = (loss + (far * self.recipe.features)?)?;
        }
        Ok((loss, f64::from(told.to_scalar::<f32>()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::random_var;
    use crate::train::ops::values;

    /// What is made has half the variance of what is real: a critic learns to see that, and what is
    /// made then learns to look real.
    #[test]
    fn blurred_spectra_are_told_from_real_ones_and_get_sharper() {
        let recipe = CriticRecipe {
            rate: 3e-3,
            ..CriticRecipe::default()
        };
        let mut critic = Critic::new(recipe, 10, 3, &Arithmetic::Own).unwrap();
        let mut random = Random::new(4);
        let mut spectra = |scale: f32| random_var(&mut random, &[4, 30, 12], scale);
        let made = spectra(1.0);
        let real = (spectra(4.0).as_detached_tensor() + MEAN).unwrap();
        let known = real.ones_like().unwrap();
        made.set(&(made.as_detached_tensor() + MEAN).unwrap())
            .unwrap();
        let size = |x: &Tensor| {
            let x = values(&x.narrow(2, 0, 10).unwrap()).unwrap();
            x.iter()
                .map(|x| (f64::from(*x) - MEAN).powi(2))
                .sum::<f64>()
                / x.len() as f64
        };
        let before = size(&made);
        let mut told = Vec::new();
        for _ in 0..30 {
            told.push(critic.judge(&made, &real, &known).unwrap().1);
        }
        assert!(told[29] < 0.3 * told[0], "{} to {}", told[0], told[29]);
        for _ in 0..20 {
            let (loss, _) = critic.judge(&made, &real, &known).unwrap();
            let gradient = loss.backward().unwrap().get(&made).unwrap().clone();
            let moved = (made.as_detached_tensor() - (gradient * 300.0).unwrap()).unwrap();
            made.set(&moved.detach()).unwrap();
        }
        assert!(1.1 * before < size(&made), "{before} to {}", size(&made));
    }

    #[test]
    fn what_is_not_known_teaches_nothing() {
        let mut critic = Critic::new(CriticRecipe::default(), 6, 5, &Arithmetic::Own).unwrap();
        let mut random = Random::new(6);
        let mut spectra = || random_var(&mut random, &[1, 9, 6], 1.0);
        let (made, real) = (spectra(), spectra());
        let known = real.zeros_like().unwrap();
        let (loss, told) = critic.judge(&made, &real, &known).unwrap();
        assert!((told - 2.0).abs() < 0.2, "{told}");
        let gradient = values(loss.backward().unwrap().get(&made).unwrap()).unwrap();
        assert!(gradient.iter().all(|d| *d == 0.0));
        assert!(critic.judges(45, 100) && !critic.judges(44, 100));
    }
}

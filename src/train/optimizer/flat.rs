//! The optimizer's memory on a card: all weights side by side in one tensor each, so that a step is
//! a few operations on all of them, not a few for each.

use std::collections::BTreeMap;

use candle_core::{D, Result, Tensor, backprop::GradStore};

use super::{Factors, Moments, Parameters, Settings};
use crate::train::ops::values;

/// Values of a row: sums are taken of rows first.
const ROW: usize = 1024;

/// What is remembered of all weights.
pub struct Flat {
    /// Names and numbers of values, in their order.
    places: Vec<(String, usize)>,
    /// Zeros after the last, up to a whole row.
    rest: Option<Tensor>,
    weights: Tensor,
    mean: Tensor,
    square: Tensor,
    average: Tensor,
    /// 1 where a weight decays.
    decays: Tensor,
}

impl Flat {
    /// Of these weights, with what is known of them.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(weights: &Parameters, moments: &BTreeMap<String, Moments>) -> Result<Self> {
        let (mut places, mut all) = (Vec::new(), [const { Vec::new() }; 5]);
        let mut device = None;
        for (name, m) in moments {
            let Some(weight) = weights.get(name) else {
                continue;
            };
            let decays = f32::from(u8::from(1 < weight.rank()));
            places.push((name.clone(), weight.elem_count()));
            let [now, mean, square, average, decaying] = &mut all;
            now.extend(values(weight)?);
            mean.extend(&m.mean);
            square.extend(&m.square);
            average.extend(&m.average);
            decaying.resize(now.len(), decays);
            device = Some(weight.device().clone());
        }
        let Some(device) = device else {
            candle_core::bail!("expected weights to move, found none");
        };
        let count = all[0].len();
        let rows = count.div_ceil(ROW);
        let rest = rows * ROW - count;
        let [weights, mean, square, average, decays] = all.map(|mut values| {
            values.resize(rows * ROW, 0.0);
            Tensor::from_vec(values, (rows, ROW), &device)
        });
        let zeros = || Tensor::zeros(rest, candle_core::DType::F32, &device);
        Ok(Self {
            places,
            rest: (0 < rest).then(zeros).transpose()?,
            weights: weights?,
            mean: mean?,
            square: square?,
            average: average?,
            decays: decays?,
        })
    }

    /// All gradients as the weights are, and their length.
    ///
    /// # Errors
    /// If a weight has none.
    pub fn gradient(&self, weights: &Parameters, gradients: &GradStore) -> Result<(Tensor, f64)> {
        let mut parts = Vec::with_capacity(self.places.len() + 1);
        for (name, count) in &self.places {
            let found = weights.get(name).and_then(|weight| gradients.get(weight));
            match found {
                Some(gradient) => parts.push(gradient.reshape(*count)?),
                None => candle_core::bail!("expected a gradient of {name}, found none"),
            }
        }
        parts.extend(self.rest.clone());
        let gradient = Tensor::cat(&parts, 0)?.reshape(self.weights.shape())?;
        let square = gradient.sqr()?.sum(D::Minus1)?.sum_all()?;
        let length = f64::from(square.to_scalar::<f32>()?).sqrt();
        Ok((gradient, length))
    }

    /// Moves the weights.
    ///
    /// # Errors
    /// If memory is short.
    pub fn step(
        &mut self,
        weights: &Parameters,
        gradient: &Tensor,
        settings: Settings,
        factors: Factors,
    ) -> Result<()> {
        let (b1, b2) = settings.betas;
        let Factors {
            rate,
            clip,
            c1,
            c2,
            keep,
        } = factors;
        self.mean = ((&self.mean * b1)? + (gradient * (clip * (1.0 - b1)))?)?;
        let square = (gradient.sqr()? * (clip * clip * (1.0 - b2)))?;
        self.square = ((&self.square * b2)? + square)?;
        let size = ((&self.square / c2)?.sqrt()? + super::EPSILON)?;
        let step = ((&self.mean / size)? * (rate / c1))?;
        let decay = self.decays.affine(-rate * settings.decay, 1.0)?;
        self.weights = ((&self.weights * decay)? - step)?;
        self.average = ((&self.average * keep)? + (&self.weights * (1.0 - keep))?)?;
        let (all, mut first) = (self.weights.flatten_all()?, 0);
        for (name, count) in &self.places {
            let Some(weight) = weights.get(name) else {
                continue;
            };
            weight.set(&all.narrow(0, first, *count)?.reshape(weight.shape())?)?;
            first += count;
        }
        Ok(())
    }

    /// What is remembered, by name.
    ///
    /// # Errors
    /// If the card does not answer.
    pub fn moments(&self) -> Result<BTreeMap<String, Moments>> {
        let [mean, square, average] = [&self.mean, &self.square, &self.average].map(values);
        let (mean, square, average) = (mean?, square?, average?);
        let (mut moments, mut first) = (BTreeMap::new(), 0);
        for (name, count) in &self.places {
            let of = |all: &[f32]| all[first..first + count].to_vec();
            let m = Moments {
                mean: of(&mean),
                square: of(&square),
                average: of(&average),
            };
            moments.insert(name.clone(), m);
            first += count;
        }
        Ok(moments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{near, random_var};
    use crate::train::optimizer::{Memory, Optimizer};
    use crate::train::random::Random;

    #[test]
    fn steps_are_those_of_weights_apart() {
        let mut random = Random::new(6);
        let weights = || {
            let mut random = random.clone();
            let mut var = |shape: &[usize]| random_var(&mut random, shape, 1.0);
            Parameters::from([
                ("a".to_owned(), var(&[40, 30])),
                ("b".to_owned(), var(&[7])),
                ("still".to_owned(), var(&[3])),
            ])
        };
        let (ours, theirs) = (weights(), weights());
        let settings = Settings {
            decay: 0.1,
            longest: 2.0,
            ..Settings::default()
        };
        let only = |weights: &Parameters| -> Parameters {
            let moving = weights.iter().filter(|(name, _)| *name != "still");
            moving.map(|(n, w)| (n.clone(), w.clone())).collect()
        };
        let mut apart = Optimizer::new(&only(&theirs), settings).unwrap();
        let mut flat = Optimizer::new(&only(&ours), settings).unwrap();
        let moments = flat.moments().unwrap().into_owned();
        flat.memory = Memory::Flat(Flat::new(&only(&ours), &moments).unwrap());
        for step in 0..5 {
            let factor = f64::from(random.white());
            let step = |optimizer: &mut Optimizer, weights: &Parameters| {
                let cubes = weights
                    .values()
                    .map(|w| w.powf(3.0).unwrap().sum_all().unwrap());
                let loss = cubes.reduce(|a, b| (a + b).unwrap()).unwrap();
                // One of the gradients is no number.
                let factor = if step == 3 { f64::NAN } else { factor };
                let gradients = (loss * factor).unwrap().backward().unwrap();
                optimizer.step(weights, &gradients, 0.05).unwrap()
            };
            let (found, wanted) = (step(&mut flat, &ours), step(&mut apart, &theirs));
            assert!(wanted.is_nan() && found.is_nan() || (found / wanted - 1.0).abs() < 1e-5);
        }
        assert_eq!((flat.steps(), apart.steps()), (4, 4));
        for (name, weight) in &ours {
            near(weight, &theirs[name], 1e-5, name);
        }
        let (found, wanted) = (flat.moments().unwrap(), apart.moments().unwrap());
        assert_eq!(found.len(), 2);
        for (name, m) in found.iter() {
            let wanted = &wanted[name];
            for (found, wanted) in [
                (&m.mean, &wanted.mean),
                (&m.square, &wanted.square),
                (&m.average, &wanted.average),
            ] {
                let tensor = |x: &Vec<f32>| Tensor::new(x.as_slice(), &candle_core::Device::Cpu);
                near(
                    &tensor(found).unwrap(),
                    &tensor(wanted).unwrap(),
                    1e-5,
                    name,
                );
            }
        }
    }
}

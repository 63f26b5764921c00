//! What training makes small.

use candle_core::{D, Device, Result, Shape, Tensor};

/// Where something is known, and how much of it: a sum that is not worth waiting for a card for.
pub struct Mask {
    /// Weights, 0 where nothing is known.
    pub at: Tensor,
    /// Their sum.
    pub sum: f64,
}

impl Mask {
    /// Of weights in order.
    ///
    /// # Errors
    /// If there are not as many as the shape has.
    pub fn new(values: Vec<f32>, shape: impl Into<Shape>, device: &Device) -> Result<Self> {
        let sum = values.iter().copied().map(f64::from).sum();
        let at = Tensor::from_vec(values, shape.into(), device)?;
        Ok(Self { at, sum })
    }
}

/// The sum of all values. On a card one sum at a time would be taken by one unit of many, so there
/// rows are summed up first.
///
/// # Errors
/// If memory is short.
pub fn total(x: &Tensor) -> Result<Tensor> {
    match x.device() {
        Device::Cpu => x.sum_all(),
        _ => x.sum(D::Minus1)?.sum_all(),
    }
}

/// The mean of all values, see [`total`].
///
/// # Errors
/// If memory is short.
pub fn mean(x: &Tensor) -> Result<Tensor> {
    match x.device() {
        Device::Cpu => x.mean_all(),
        _ => total(x)? / x.elem_count().max(1) as f64,
    }
}

/// The mean of `|found - wanted|` where something is known, weighted by it: all of one shape.
///
/// # Errors
/// If the shapes differ.
pub fn masked_l1(found: &Tensor, wanted: &Tensor, known: &Mask) -> Result<Tensor> {
    let far = total(&((found - wanted)?.abs()? * &known.at)?)?;
    far / known.sum.max(1.0)
}

/// The mean cross-entropy of classes in nats: `scores` is `[.., classes]` before the softmax,
/// `classes`, `[rows, 1]`, names one for each row, of which some are known.
///
/// # Errors
/// If the shapes differ, or there is no such class.
pub fn cross_entropy(scores: &Tensor, classes: &Tensor, known: &Mask) -> Result<Tensor> {
    let count = scores.dim(D::Minus1)?;
    let scores = scores.reshape(((), count))?;
    let largest = scores.max_keepdim(D::Minus1)?.detach();
    let shifted = scores.broadcast_sub(&largest)?;
    let log_sum = shifted.exp()?.sum(D::Minus1)?.log()?;
    let chosen = shifted.gather(classes, D::Minus1)?.squeeze(D::Minus1)?;
    let far = ((log_sum - chosen)? * known.at.flatten_all()?)?;
    far.sum_all()? / known.sum.max(1.0)
}

/// `1 / (1 + e^-x)`, of candle's operations that have a gradient.
///
/// # Errors
/// If memory is short.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    ((x * 0.5)?.tanh()? * 0.5)? + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{check_gradients, random_var};
    use crate::train::random::Random;

    fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
        Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
    }

    fn value(loss: Result<Tensor>) -> f32 {
        loss.unwrap().to_scalar().unwrap()
    }

    #[test]
    fn losses_are_those_of_the_definition_where_something_is_known() {
        let found = tensor(&[1.0, 2.0, 3.0, 4.0], &[2, 2]);
        let wanted = tensor(&[0.0, 4.0, 9.0, 9.0], &[2, 2]);
        for (known, loss) in [
            ([1.0, 1.0, 0.0, 0.0], 1.5),
            ([3.0, 1.0, 0.0, 0.0], 1.25),
            ([0.0; 4], 0.0),
        ] {
            let known = Mask::new(known.to_vec(), (2, 2), &Device::Cpu).unwrap();
            assert!((value(masked_l1(&found, &wanted, &known)) - loss).abs() < 1e-6);
        }
        // Three classes of which the second is twice as likely as each of the others.
        let scores = tensor(
            &[100.0, 100.0 + 2f32.ln(), 100.0, 0.0, 50.0, 0.0],
            &[1, 2, 3],
        );
        let known = Mask::new(vec![1.0, 0.0], (1, 2), &Device::Cpu).unwrap();
        let classes = Tensor::from_slice(&[1u32, 0], (2, 1), &Device::Cpu).unwrap();
        let loss = value(cross_entropy(&scores, &classes, &known));
        assert!((loss - 2f32.ln()).abs() < 1e-5, "{loss}");
        assert!((value(sigmoid(&tensor(&[0.5], &[]))) - 0.622_459_3).abs() < 1e-6);
    }

    #[test]
    fn gradients_are_those_of_small_steps() {
        let mut random = Random::new(8);
        let x = random_var(&mut random, &[2, 3, 5], 1.0);
        let known = vec![1.0, 0.0, 2.0, 1.0, 1.0, 0.0];
        let known = Mask::new(known, (2, 3), &Device::Cpu).unwrap();
        let classes = Tensor::from_slice(&[0u32, 1, 4, 3, 2, 0], (6, 1), &Device::Cpu).unwrap();
        check_gradients(&[&x], 1e-2, 5e-3, || {
            let said = cross_entropy(&x, &classes, &known).unwrap();
            let noise = sigmoid(&x).unwrap().sqr().unwrap().sum_all().unwrap();
            (said + noise).unwrap()
        });
    }
}

//! What training makes small.

use candle_core::{D, DType, Result, Tensor};

/// The mean of `|found - wanted|` where `known` is above 0, weighted by it: all of one shape.
///
/// # Errors
/// If the shapes differ.
pub fn masked_l1(found: &Tensor, wanted: &Tensor, known: &Tensor) -> Result<Tensor> {
    let weight = f64::from(known.sum_all()?.to_scalar::<f32>()?);
    let far = ((found - wanted)?.abs()? * known)?.sum_all()?;
    far / weight.max(1.0)
}

/// The mean cross-entropy of classes in nats: `scores` is `[.., classes]` before the softmax,
/// `classes` names one for each row, where `known` is above 0.
///
/// # Errors
/// If the shapes differ, or there is no such class.
pub fn cross_entropy(scores: &Tensor, classes: &[u32], known: &Tensor) -> Result<Tensor> {
    let count = scores.dim(D::Minus1)?;
    let scores = scores.reshape(((), count))?;
    let largest = scores.max_keepdim(D::Minus1)?.detach();
    let shifted = scores.broadcast_sub(&largest)?;
    let log_sum = shifted.exp()?.sum(D::Minus1)?.log()?;
    let classes = Tensor::from_slice(classes, (classes.len(), 1), scores.device())?;
    let chosen = shifted.gather(&classes, D::Minus1)?.squeeze(D::Minus1)?;
    let known = known.flatten_all()?.to_dtype(DType::F32)?;
    let weight = f64::from(known.sum_all()?.to_scalar::<f32>()?);
    ((log_sum - chosen)? * known)?.sum_all()? / weight.max(1.0)
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
    use candle_core::Device;

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
            let known = tensor(&known, &[2, 2]);
            assert!((value(masked_l1(&found, &wanted, &known)) - loss).abs() < 1e-6);
        }
        // Three classes of which the second is twice as likely as each of the others.
        let scores = tensor(
            &[100.0, 100.0 + 2f32.ln(), 100.0, 0.0, 50.0, 0.0],
            &[1, 2, 3],
        );
        let known = tensor(&[1.0, 0.0], &[1, 2]);
        let loss = value(cross_entropy(&scores, &[1, 0], &known));
        assert!((loss - 2f32.ln()).abs() < 1e-5, "{loss}");
        assert!((value(sigmoid(&tensor(&[0.5], &[]))) - 0.622_459_3).abs() < 1e-6);
    }

    #[test]
    fn gradients_are_those_of_small_steps() {
        let mut random = Random::new(8);
        let x = random_var(&mut random, &[2, 3, 5], 1.0);
        let known = tensor(&[1.0, 0.0, 2.0, 1.0, 1.0, 0.0], &[2, 3]);
        check_gradients(&[&x], 1e-2, 5e-3, || {
            let said = cross_entropy(&x, &[0, 1, 4, 3, 2, 0], &known).unwrap();
            let noise = sigmoid(&x).unwrap().sqr().unwrap().sum_all().unwrap();
            (said + noise).unwrap()
        });
    }
}

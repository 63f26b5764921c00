//! Checks of gradients.

use super::values;
use crate::train::random::Random;
use candle_core::{Device, Tensor, Var};

/// Random values of variance `scale` squared.
pub fn random_var(random: &mut Random, shape: &[usize], scale: f32) -> Var {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| scale * random.white()).collect();
    Var::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Two tensors are the same but for `tolerance` times the largest value.
pub fn near(found: &Tensor, wanted: &Tensor, tolerance: f32, what: &str) {
    assert_eq!(found.dims(), wanted.dims(), "{what}");
    let (found, wanted) = (values(found).unwrap(), values(wanted).unwrap());
    let largest = wanted.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    for (i, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
        let far = (found - wanted).abs();
        assert!(far <= tolerance * largest, "{what} {i}: {found} {wanted}");
    }
}

/// The gradients of `loss`, a scalar, by `vars` are its slopes over small steps of `step`, but for
/// `tolerance` times the largest slope of each. At most 40 values of each variable are tried.
pub fn check_gradients(vars: &[&Var], step: f32, tolerance: f64, loss: impl Fn() -> Tensor) {
    let gradients = loss().backward().unwrap();
    for (number, var) in vars.iter().enumerate() {
        let gradient = values(gradients.get(var).expect("it has a gradient")).unwrap();
        let before = values(var).unwrap();
        let every = before.len().div_ceil(40).max(1);
        let largest = gradient.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
        for i in (0..before.len()).step_by(every) {
            let at = |step: f32| {
                let mut moved = before.clone();
                moved[i] += step;
                let moved = Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap();
                var.set(&moved).unwrap();
                f64::from(loss().to_scalar::<f32>().unwrap())
            };
            let slope = (at(step) - at(-step)) / f64::from(2.0 * step);
            at(0.0);
            let far = (slope - f64::from(gradient[i])).abs();
            assert!(
                far <= tolerance * f64::from(largest),
                "variable {number}, value {i}: {slope} {}",
                gradient[i]
            );
        }
    }
}

/// The sum of a tensor's values, each times its own random weight: a loss that every value has a
/// say in.
pub fn weighted(x: &Tensor, seed: u64) -> Tensor {
    let weights = random_var(&mut Random::new(seed), x.dims(), 1.0);
    (x * weights.as_detached_tensor())
        .unwrap()
        .sum_all()
        .unwrap()
}

//! The non-linear functions of networks, over slices, with no library call per value.
//!
//! Everything rests on one exponential: 2^n by the exponent's bits, the rest by the polynomial of
//! its Taylor series (Cody & Waite, "Software Manual for the Elementary Functions", 1980). The
//! code is without branches, so that compilers keep it in vector registers; it is compiled once
//! for each instruction set and gives the same bits with all. What is no number stays none.

use super::vector::{Form, on};

/// `max(x, 0)`. Real-time safe.
pub fn relu(xs: &mut [f32]) {
    // Not `max`, which would turn what is no number into 0. Adding 0 keeps the compiler from
    // storing only what changes, one by one.
    each(xs, |x| (if x < 0.0 { 0.0 } else { x }) + 0.0);
}

/// `x`, or `slope * x` below 0. Real-time safe.
pub fn leaky_relu(xs: &mut [f32], slope: f32) {
    each(xs, move |x| {
        let below = slope * x;
        (if x < 0.0 { below } else { x }) + 0.0
    });
}

/// `e^x` to a relative 3e-7; below -87 as at -87, above 88 as at 88. Real-time safe.
pub fn exp(xs: &mut [f32]) {
    each(xs, exp_one);
}

/// `1 / (1 + e^-x)` to 2e-7. Real-time safe.
pub fn sigmoid(xs: &mut [f32]) {
    each(xs, sigmoid_one);
}

/// The hyperbolic tangent to 2e-7, and to a relative 1e-6. Real-time safe.
pub fn tanh(xs: &mut [f32]) {
    each(xs, tanh_one);
}

/// `x` times the normal distribution up to `x` (Hendrycks & Gimpel, "Gaussian error linear units",
/// 2016), to 4e-7. Real-time safe.
pub fn gelu(xs: &mut [f32]) {
    each(xs, gelu_one);
}

/// `e^x[i]` over their sum, to 1e-6. Real-time safe.
pub fn softmax(xs: &mut [f32]) {
    let highest = xs.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x));
    each(xs, move |x| exp_one(x - highest));
    let sum: f32 = xs.iter().sum();
    each(xs, move |x| x / sum);
}

/// `e^x = scale * (1 + rest)`, with `scale` a power of two. `x` is between -87 and 88.
#[inline(always)]
pub(super) fn split_exp(x: f32) -> (f32, f32) {
    // Adding it rounds to a whole number, left in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts; the first times n is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let bits = rounded.to_bits().wrapping_sub(ROUND.to_bits());
    let scale = f32::from_bits(bits.wrapping_add(127) << 23);
    let terms = 1.0 / 720.0 + r * (1.0 / 5040.0);
    let terms = 1.0 / 120.0 + r * terms;
    let terms = 1.0 / 24.0 + r * terms;
    let terms = 1.0 / 6.0 + r * terms;
    let terms = 0.5 + r * terms;
    (scale, r + r * r * terms)
}

/// Into `low..=high`; what is no number stays none.
#[inline(always)]
fn within(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[inline(always)]
fn exp_one(x: f32) -> f32 {
    let (scale, rest) = split_exp(within(x, -87.0, 88.0));
    scale + scale * rest
}

#[inline(always)]
pub(super) fn sigmoid_one(x: f32) -> f32 {
    let (scale, rest) = split_exp(within(-x, -87.0, 87.0));
    1.0 / (1.0 + (scale + scale * rest))
}

#[inline(always)]
pub(super) fn tanh_one(x: f32) -> f32 {
    // e^2x - 1, without the 1 that would swallow small values.
    let (scale, rest) = split_exp(within(2.0 * x, -20.0, 20.0));
    let less_one = (scale - 1.0) + scale * rest;
    less_one / (less_one + 2.0)
}

/// The error function is formula 7.1.26 of Abramowitz & Stegun, "Handbook of mathematical
/// functions", 1964.
#[inline(always)]
fn gelu_one(x: f32) -> f32 {
    let a = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let terms = -1.453_152_1 + t * 1.061_405_4;
    let terms = 1.421_413_8 + t * terms;
    let terms = -0.284_496_72 + t * terms;
    let terms = t * (0.254_829_6 + t * terms);
    // Half of what the distribution leaves beyond |x|; exact 0 far out, where `exp` gives up.
    let tail = 0.5 * terms * exp_one(-a * a);
    let tail = if a > 9.0 { 0.0 } else { tail };
    // Multiplied apart, so that infinity times 0 is not reached and what is no number stays none.
    if x < 0.0 {
        x.max(-1e30) * tail
    } else {
        x - x.min(1e30) * tail
    }
}

/// `f` of each value, compiled for the CPU's instruction set.
#[inline(always)]
fn each(xs: &mut [f32], f: impl Fn(f32) -> f32) {
    each_as(Form::best(), xs, f);
}

#[inline(always)]
fn each_as(form: Form, xs: &mut [f32], f: impl Fn(f32) -> f32) {
    on(form, move || {
        for x in xs {
            *x = f(*x);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every float of a coarse walk through all of them, and all around the places where
    /// something changes.
    fn arguments() -> Vec<f32> {
        let coarse = (0..u32::MAX).step_by(65_521).map(f32::from_bits);
        let fine = (-90_000..90_000).map(|i| i as f32 * 1e-3);
        let small = (-2000..2000).map(|i| i as f32 * 1e-6);
        coarse
            .filter(|x| !x.is_nan())
            .chain(fine)
            .chain(small)
            .collect()
    }

    /// The worst absolute and relative error of `f` against `exact`, over the arguments in range.
    fn worst(f: fn(f32) -> f32, exact: fn(f64) -> f64, range: f32) -> (f64, f64) {
        let mut worst = (0f64, 0f64);
        for form in Form::all() {
            let xs: Vec<f32> = arguments()
                .into_iter()
                .filter(|x| x.abs() <= range)
                .collect();
            let mut ys = xs.clone();
            each_as(form, &mut ys, f);
            for (x, y) in xs.iter().zip(&ys) {
                let want = exact(f64::from(*x));
                let error = (f64::from(*y) - want).abs();
                assert!(error.is_finite(), "{form:?}: {y} at {x}");
                worst.0 = worst.0.max(error);
                worst.1 = worst.1.max(error / want.abs().max(1e-30));
            }
        }
        println!("worst absolute {:.1e}, relative {:.1e}", worst.0, worst.1);
        worst
    }

    #[test]
    fn errors_are_what_the_documentation_says() {
        let sigmoid_exact = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!(worst(exp_one, f64::exp, 87.0).1 < 3e-7);
        assert!(worst(sigmoid_one, sigmoid_exact, f32::INFINITY).0 < 2e-7);
        assert!(worst(gelu_one, gelu_exact, 1e6).0 < 4e-7);
        let (absolute, relative) = worst(tanh_one, f64::tanh, f32::INFINITY);
        assert!(absolute < 2e-7 && relative < 1e-6);
    }

    /// By the series and the continued fraction of the error function.
    fn gelu_exact(x: f64) -> f64 {
        let a = x.abs() / 2f64.sqrt();
        let erf = if a < 3.0 {
            let mut term = a;
            let mut sum = a;
            for n in 1..120 {
                term *= -a * a / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            sum * 2.0 / std::f64::consts::PI.sqrt()
        } else {
            let fraction = (1..60).rev().fold(a, |f, n| a + f64::from(n) / 2.0 / f);
            1.0 - (-a * a).exp() / (fraction * std::f64::consts::PI.sqrt())
        };
        0.5 * x * (1.0 + erf.copysign(x))
    }

    #[test]
    fn ends_are_exact_and_no_number_stays_none() {
        let of = |f: fn(&mut [f32]), x: f32| {
            let mut xs = [x; 19];
            f(&mut xs);
            assert!(xs.iter().all(|y| y.to_bits() == xs[0].to_bits()));
            xs[0]
        };
        assert_eq!(of(exp, 0.0), 1.0);
        assert_eq!(of(exp, f32::INFINITY), of(exp, 88.0));
        assert_eq!(of(tanh, f32::NEG_INFINITY), -1.0);
        assert_eq!(of(tanh, 0.0), 0.0);
        assert_eq!(of(sigmoid, f32::INFINITY), 1.0);
        assert_eq!(of(relu, -3.0), 0.0);
        assert_eq!(of(relu, 3.0), 3.0);
        assert_eq!(of(|xs| leaky_relu(xs, 0.5), -3.0), -1.5);
        assert_eq!(of(gelu, 0.0), 0.0);
        assert_eq!(of(gelu, f32::INFINITY), f32::INFINITY);
        assert_eq!(of(gelu, -1e20), 0.0);
        for f in [exp, tanh, sigmoid, relu, gelu, |xs: &mut [f32]| {
            leaky_relu(xs, 0.1)
        }] {
            assert!(of(f, f32::NAN).is_nan());
        }
    }

    #[test]
    fn softmax_sums_to_one_and_agrees_with_its_definition() {
        for (length, offset) in [(1, 0.0), (7, -500.0), (360, 30.0)] {
            let xs: Vec<f32> = (0..length)
                .map(|i| (i * 37 % 100) as f32 * 0.1 + offset)
                .collect();
            let mut ys = xs.clone();
            softmax(&mut ys);
            let sum: f64 = xs.iter().map(|x| f64::from(x - offset).exp()).sum();
            for (x, y) in xs.iter().zip(&ys) {
                let want = f64::from(x - offset).exp() / sum;
                assert!((f64::from(*y) - want).abs() < 1e-6);
            }
        }
    }
}

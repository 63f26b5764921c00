//! The Gaussian error linear unit, exact, as the kernels have it.

use autovoice_kernels::cpu::{exp, gelu};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::{by_rows, slice, values};

/// Values that a thread takes at a time.
const STRETCH: usize = 1024;

/// `x` times the normal distribution up to `x` (Hendrycks & Gimpel, "Gaussian error linear units",
/// 2016).
#[derive(Clone, Copy, Debug)]
pub struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu-exact"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut y = slice(x, layout)?.to_vec();
        by_rows(&mut y, 1, |_, part| part.chunks_mut(STRETCH).for_each(gelu));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let xs = values(x)?;
        let mut dx = values(dy)?;
        by_rows(&mut dx, 1, |first, part| {
            let xs = xs[first..].chunks(STRETCH);
            part.chunks_mut(STRETCH)
                .zip(xs)
                .for_each(|(dx, xs)| times_slope(dx, xs));
        });
        Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
    }
}

/// The distribution's tail is formula 7.1.26 of Abramowitz & Stegun, "Handbook of mathematical
/// functions", 1964, as in the kernel.
fn times_slope(dx: &mut [f32], xs: &[f32]) {
    const DENSITY: f32 = 0.398_942_3;
    let mut bells = [0.0; STRETCH];
    let bells = &mut bells[..dx.len()];
    bells
        .iter_mut()
        .zip(xs)
        .for_each(|(e, x)| *e = -0.5 * x * x);
    exp(bells);
    for ((dx, x), bell) in dx.iter_mut().zip(xs).zip(bells.iter()) {
        let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
        let terms = -1.453_152_1 + t * 1.061_405_4;
        let terms = 1.421_413_8 + t * terms;
        let terms = -0.284_496_72 + t * terms;
        let tail = 0.5 * t * (0.254_829_6 + t * terms) * bell;
        let below = if *x < 0.0 { tail } else { 1.0 - tail };
        *dx *= below + x * DENSITY * bell;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{near, weighted};
    use candle_core::{Device, Var};

    #[test]
    fn values_and_slopes_are_candles() {
        let x: Vec<f32> = (-4_000..4_000).map(|i| 0.002 * i as f32).collect();
        let x = Var::from_vec(x, 8_000, &Device::Cpu).unwrap();
        let (found, wanted) = (x.apply_op1(Gelu).unwrap(), x.gelu_erf().unwrap());
        near(&found, &wanted, 1e-6, "value");
        let slopes = |y: &Tensor| weighted(y, 1).backward().unwrap().get(&x).unwrap().clone();
        near(&slopes(&found), &slopes(&wanted), 1e-6, "slope");
    }
}

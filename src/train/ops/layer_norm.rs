//! Normalisation of each frame over its channels.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{PARTS, by_rows, shared, slice, values};

/// What is added to the variance, as in `nn::LayerNorm`.
pub(super) const EPSILON: f32 = 1e-5;

/// Each row of `x`, `[.., channels]`, with mean 0 and variance 1 (Ba, Kiros & Hinton, "Layer
/// normalization", 2016), times a weight plus a bias, `[channels]` each.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm;

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm-over-channels"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (w, b) = (slice(w, w_layout)?, slice(b, b_layout)?);
        let mut y = slice(x, x_layout)?.to_vec();
        by_rows(&mut y, w.len(), |_, part| {
            for row in part.chunks_exact_mut(w.len()) {
                let (mean, scale) = moments(row);
                for ((x, w), b) in row.iter_mut().zip(w).zip(b) {
                    *x = (*x - mean) * scale * w + b;
                }
            }
        });
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (xs, ws, mut dx) = (values(x)?, values(w)?, values(dy)?);
        let channels = ws.len();
        let share = (dx.len() / channels).div_ceil(PARTS).max(1) * channels;
        let jobs = dx.chunks_mut(share).zip(xs.chunks(share)).collect();
        let parts = shared(jobs, |(dx, xs)| backward(dx, xs, &ws));
        let (mut dw, mut db) = (vec![0f32; channels], vec![0f32; channels]);
        for part in parts {
            dw.iter_mut().zip(&part.0).for_each(|(sum, d)| *sum += d);
            db.iter_mut().zip(&part.1).for_each(|(sum, d)| *sum += d);
        }
        let device = x.device();
        Ok((
            Some(Tensor::from_vec(dx, x.shape(), device)?),
            Some(Tensor::from_vec(dw, w.shape(), device)?),
            Some(Tensor::from_vec(db, b.shape(), device)?),
        ))
    }
}

/// Turns the gradient of outputs into that of inputs; gives those of weight and bias.
fn backward(dx: &mut [f32], xs: &[f32], w: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let channels = w.len();
    let (mut dw, mut db) = (vec![0f32; channels], vec![0f32; channels]);
    let mut normal = vec![0f32; channels];
    for (d, x) in dx.chunks_exact_mut(channels).zip(xs.chunks_exact(channels)) {
        let (mean, scale) = moments(x);
        for (normal, x) in normal.iter_mut().zip(x) {
            *normal = (x - mean) * scale;
        }
        for (((dw, db), d), normal) in dw.iter_mut().zip(&mut db).zip(&*d).zip(&normal) {
            *dw += d * normal;
            *db += d;
        }
        d.iter_mut().zip(w).for_each(|(d, w)| *d *= w);
        let count = channels as f32;
        let along = sum(d, &normal, |d, normal| d * normal) / count;
        let level = sum(d, &normal, |d, _| d) / count;
        for (d, normal) in d.iter_mut().zip(&normal) {
            *d = scale * (*d - level - normal * along);
        }
    }
    (dw, db)
}

/// Mean, and one over the deviation.
fn moments(row: &[f32]) -> (f32, f32) {
    let count = row.len() as f32;
    let mean = sum(row, row, |x, _| x) / count;
    let variance = sum(row, row, |x, _| (x - mean) * (x - mean)) / count;
    (mean, 1.0 / (variance + EPSILON).sqrt())
}

/// The sum of `f` of every pair, in lanes that compilers keep in registers.
fn sum(xs: &[f32], ys: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0f32; LANES];
    let (x_chunks, x_rest) = xs.as_chunks::<LANES>();
    let (y_chunks, y_rest) = ys.as_chunks::<LANES>();
    for (xs, ys) in x_chunks.iter().zip(y_chunks) {
        for ((sum, x), y) in sums.iter_mut().zip(xs).zip(ys) {
            *sum += f(*x, *y);
        }
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| f(*x, *y)).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{check_gradients, near, random_var, weighted};
    use crate::train::random::Random;
    use candle_core::D;

    #[test]
    fn values_and_gradients_are_those_of_the_definition() {
        let mut random = Random::new(6);
        for (rows, channels) in [(1, 5), (7, 16), (30, 50)] {
            let x = random_var(&mut random, &[2, rows, channels], 2.0);
            let w = random_var(&mut random, &[channels], 1.0);
            let b = random_var(&mut random, &[channels], 1.0);
            let found = x.apply_op3(&w, &b, LayerNorm).unwrap();
            let centred = x
                .broadcast_sub(&x.mean_keepdim(D::Minus1).unwrap())
                .unwrap();
            let variance = centred.sqr().unwrap().mean_keepdim(D::Minus1).unwrap();
            let deviation = (variance + f64::from(EPSILON)).unwrap().sqrt().unwrap();
            let wanted = centred.broadcast_div(&deviation).unwrap();
            let wanted = wanted.broadcast_mul(&w).unwrap().broadcast_add(&b).unwrap();
            near(&found, &wanted, 1e-5, "value");
            let gradients = |y: &Tensor| weighted(y, 2).backward().unwrap();
            let (found, wanted) = (gradients(&found), gradients(&wanted));
            for var in [&x, &w, &b] {
                near(
                    found.get(var).unwrap(),
                    wanted.get(var).unwrap(),
                    2e-5,
                    "gradient",
                );
            }
        }
    }

    #[test]
    fn gradients_are_those_of_small_steps() {
        let mut random = Random::new(7);
        let x = random_var(&mut random, &[3, 6], 1.0);
        let w = random_var(&mut random, &[6], 1.0);
        let b = random_var(&mut random, &[6], 1.0);
        check_gradients(&[&x, &w, &b], 1e-2, 5e-3, || {
            weighted(&x.apply_op3(&w, &b, LayerNorm).unwrap(), 8)
        });
    }
}

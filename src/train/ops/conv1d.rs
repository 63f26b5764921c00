//! A convolution over frames, channels last: candle's own copies every window out and has no fast
//! gradient here.

use autovoice_kernels::cpu::{Conv1dShape, PackedConv1d, Start, Unpacked, conv1d, matmul_unpacked};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{PARTS, by_rows, shared, slice, values};

/// Outputs that a product computes at a time.
const PANEL: usize = 16;

/// `y[n, t, o] = b[n, o] + sum over j, c of w[o, c, j] x[n, t + j * dilation - left, c]`, zeros
/// where `x` has no frame.
///
/// `x` is `[batch, frames, ins]`, `w` `[outs, ins, kernel]`, `b` `[outs]`, or `[batch, outs]` where
/// each sequence has its own. With `left = (kernel - 1) * dilation` it is causal.
#[derive(Clone, Copy, Debug)]
pub struct Conv1d {
    /// Frames from one tap to the next.
    pub dilation: usize,
    /// Frames before an instant that its output sees.
    pub left: usize,
}

impl Conv1d {
    /// Of one frame each: a linear layer.
    pub const LINEAR: Self = Self {
        dilation: 1,
        left: 0,
    };
}

/// The sizes of one call.
#[derive(Clone, Copy)]
struct Sizes {
    frames: usize,
    ins: usize,
    outs: usize,
    kernel: usize,
}

impl CustomOp3 for Conv1d {
    fn name(&self) -> &'static str {
        "conv1d-over-frames"
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
        let (batch, frames, ins) = x_layout.shape().dims3()?;
        let (outs, _, kernel) = w_layout.shape().dims3()?;
        let sizes = Sizes {
            frames,
            ins,
            outs,
            kernel,
        };
        let (x, w, b) = (
            slice(x, x_layout)?,
            slice(w, w_layout)?,
            slice(b, b_layout)?,
        );
        let y = convolve(x, w, Some(b), sizes, *self);
        Ok((CpuStorage::F32(y), Shape::from((batch, frames, outs))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (batch, frames, ins) = x.dims3()?;
        let (outs, _, kernel) = w.dims3()?;
        let sizes = Sizes {
            frames,
            ins,
            outs,
            kernel,
        };
        let dy = values(dy)?;
        let dx = match x.track_op() {
            true => {
                let dx = self.input_gradient(&dy, &values(w)?, sizes);
                Some(Tensor::from_vec(dx, (batch, frames, ins), x.device())?)
            }
            false => None,
        };
        let dw = match w.track_op() {
            true => {
                let dw = self.weight_gradient(&values(x)?, &dy, sizes);
                Some(Tensor::from_vec(dw, (outs, ins, kernel), x.device())?)
            }
            false => None,
        };
        let db = match b.track_op() {
            true => {
                let db = bias_gradient(&dy, b.elem_count() / outs, outs);
                Some(Tensor::from_vec(db, b.shape(), x.device())?)
            }
            false => None,
        };
        Ok((dx, dw, db))
    }
}

/// Of one bias for all, or of one for each of so many sequences.
fn bias_gradient(dy: &[f32], biases: usize, outs: usize) -> Vec<f32> {
    let mut db = vec![0f32; biases * outs];
    let each = dy.len() / biases;
    for (db, dy) in db.chunks_exact_mut(outs).zip(dy.chunks_exact(each)) {
        for row in dy.chunks_exact(outs) {
            db.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
        }
    }
    db
}

/// One sequence with zeros around it.
fn pad(x: &[f32], left: usize, frames: usize, channels: usize, padded: &mut Vec<f32>) {
    padded.clear();
    padded.resize(left * channels, 0.0);
    padded.extend_from_slice(x);
    padded.resize(frames * channels, 0.0);
}

fn convolve(x: &[f32], w: &[f32], b: Option<&[f32]>, sizes: Sizes, op: Conv1d) -> Vec<f32> {
    let Sizes {
        frames,
        ins,
        outs,
        kernel,
    } = sizes;
    let shape = Conv1dShape {
        dilation: op.dilation,
        ..Conv1dShape::new(ins, outs, kernel)
    };
    let packed = PackedConv1d::new(shape, w);
    let mut y = vec![0.0; x.len() / ins * outs];
    by_rows(&mut y, frames * outs, |first, part| {
        let mut padded = Vec::new();
        for (n, y) in part.chunks_exact_mut(frames * outs).enumerate() {
            let n = first + n;
            let x = &x[n * frames * ins..][..frames * ins];
            let start = match b {
                Some(b) if b.len() == outs => Start::Bias(b),
                Some(b) => Start::Bias(&b[n * outs..][..outs]),
                None => Start::Zero,
            };
            if kernel == 1 && op.left == 0 {
                conv1d(x, frames, &packed, start, y);
            } else {
                pad(x, op.left, shape.frames_in(frames), ins, &mut padded);
                conv1d(&padded, frames, &packed, start, y);
            }
        }
    });
    y
}

impl Conv1d {
    /// The same convolution, turned round in time and from outputs to inputs.
    fn input_gradient(self, dy: &[f32], w: &[f32], sizes: Sizes) -> Vec<f32> {
        let Sizes {
            ins, outs, kernel, ..
        } = sizes;
        let mut turned = vec![0.0; w.len()];
        for o in 0..outs {
            for c in 0..ins {
                for j in 0..kernel {
                    turned[(c * outs + o) * kernel + kernel - 1 - j] =
                        w[(o * ins + c) * kernel + j];
                }
            }
        }
        let op = Self {
            left: (kernel - 1) * self.dilation - self.left,
            ..self
        };
        let sizes = Sizes {
            ins: outs,
            outs: ins,
            ..sizes
        };
        convolve(dy, &turned, None, sizes, op)
    }

    /// `dw[o, c, j] = sum over n, t of dy[n, t, o] x[n, t + j * dilation - left, c]`: for each tap
    /// the product of one matrix with another, neither of which has to be packed.
    fn weight_gradient(self, x: &[f32], dy: &[f32], sizes: Sizes) -> Vec<f32> {
        let Sizes {
            frames,
            ins,
            outs,
            kernel,
        } = sizes;
        let batch = x.len() / (frames * ins);
        let width = ins.next_multiple_of(PANEL);
        let share = batch.div_ceil(PARTS).max(1);
        let jobs = (0..batch).step_by(share).collect();
        let parts = shared(jobs, |first: usize| {
            let mut sums = vec![0.0; kernel * outs * width];
            let mut across = vec![0.0; outs * frames];
            let mut lines = vec![0.0; (frames + (kernel - 1) * self.dilation) * width];
            for n in first..(first + share).min(batch) {
                transpose(&dy[n * frames * outs..][..frames * outs], outs, &mut across);
                let x = x[n * frames * ins..][..frames * ins].chunks_exact(ins);
                for (line, x) in lines.chunks_exact_mut(width).skip(self.left).zip(x) {
                    line[..ins].copy_from_slice(x);
                }
                for (j, sums) in sums.chunks_exact_mut(outs * width).enumerate() {
                    let right = Unpacked {
                        values: &lines[j * self.dilation * width..],
                        outs: ins,
                        ins: frames,
                        stride: width,
                    };
                    matmul_unpacked(&across, frames, outs, right, Start::Accumulate, sums, width);
                }
            }
            sums
        });
        let mut dw = vec![0.0; outs * ins * kernel];
        for part in parts {
            for (j, sums) in part.chunks_exact(outs * width).enumerate() {
                for (o, sums) in sums.chunks_exact(width).enumerate() {
                    for (c, sum) in sums[..ins].iter().enumerate() {
                        dw[(o * ins + c) * kernel + j] += sum;
                    }
                }
            }
        }
        dw
    }
}

/// `[rows, columns]` to `[columns, rows]`, in squares that stay in the cache.
fn transpose(from: &[f32], columns: usize, to: &mut [f32]) {
    const SIDE: usize = 16;
    let rows = from.len() / columns;
    for top in (0..rows).step_by(SIDE) {
        for left in (0..columns).step_by(SIDE) {
            for column in left..(left + SIDE).min(columns) {
                for row in top..(top + SIDE).min(rows) {
                    to[column * rows + row] = from[row * columns + column];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{check_gradients, near, random_var, weighted};
    use crate::train::random::Random;
    use candle_core::Var;

    /// The definition: for each tap a product.
    fn reference(x: &Var, w: &Var, b: &Var, op: Conv1d) -> Tensor {
        let ((_, frames, _), (_, _, kernel)) = (x.dims3().unwrap(), w.dims3().unwrap());
        let right = (kernel - 1) * op.dilation - op.left;
        let x = x.pad_with_zeros(1, op.left, right).unwrap();
        let taps = (0..kernel).map(|j| {
            let x = x.narrow(1, j * op.dilation, frames).unwrap();
            let w = w.narrow(2, j, 1).unwrap().squeeze(2).unwrap();
            x.contiguous()
                .unwrap()
                .broadcast_matmul(&w.t().unwrap())
                .unwrap()
        });
        let y = taps.reduce(|sum, y| (sum + y).unwrap()).unwrap();
        match b.rank() {
            1 => y.broadcast_add(b).unwrap(),
            _ => y.broadcast_add(&b.unsqueeze(1).unwrap()).unwrap(),
        }
    }

    /// The same without the bias by candle's own convolution, which has no right gradient for
    /// more than one sequence.
    fn candles(x: &Var, w: &Var, op: Conv1d) -> Tensor {
        let (_, _, kernel) = w.dims3().unwrap();
        let right = (kernel - 1) * op.dilation - op.left;
        let x = x.transpose(1, 2).unwrap().contiguous().unwrap();
        let x = x.pad_with_zeros(2, op.left, right).unwrap();
        let y = x.conv1d(w, 0, 1, op.dilation, 1).unwrap();
        y.transpose(1, 2).unwrap().contiguous().unwrap()
    }

    #[test]
    fn values_and_gradients_are_those_of_the_definition() {
        let mut random = Random::new(3);
        let table = [
            // batch, frames, ins, outs, kernel, dilation, left, a bias for each sequence
            (1, 7, 3, 5, 1, 1, 0, false),
            (5, 9, 67, 33, 1, 1, 0, true),
            (3, 20, 80, 48, 3, 1, 1, false),
            (2, 12, 80, 16, 5, 1, 2, false),
            (6, 30, 32, 32, 3, 8, 16, true),
            (2, 5, 18, 16, 3, 4, 8, false),
        ];
        for (batch, frames, ins, outs, kernel, dilation, left, own) in table {
            let op = Conv1d { dilation, left };
            let x = random_var(&mut random, &[batch, frames, ins], 1.0);
            let w = random_var(&mut random, &[outs, ins, kernel], 0.2);
            let b = match own {
                true => random_var(&mut random, &[batch, outs], 1.0),
                false => random_var(&mut random, &[outs], 1.0),
            };
            let what = format!("{batch} x {frames}, {ins} to {outs}, {kernel} x {dilation}");
            let wanted = reference(&x, &w, &b, op);
            let found = x.apply_op3(&w, &b, op).unwrap();
            near(&found, &wanted, 1e-5, &what);
            let none = b.zeros_like().unwrap();
            let unbiased = x.apply_op3(&w, &none, op).unwrap();
            near(&unbiased, &candles(&x, &w, op), 1e-5, &what);
            let gradients = |y: &Tensor| weighted(y, 9).backward().unwrap();
            let (found, wanted) = (gradients(&found), gradients(&wanted));
            for (var, name) in [(&x, "dx"), (&w, "dw"), (&b, "db")] {
                let (found, wanted) = (found.get(var).unwrap(), wanted.get(var).unwrap());
                near(found, wanted, 2e-5, &format!("{what}: {name}"));
            }
        }
    }

    #[test]
    fn gradients_are_those_of_small_steps() {
        let mut random = Random::new(4);
        let op = Conv1d {
            dilation: 2,
            left: 3,
        };
        let x = random_var(&mut random, &[2, 6, 3], 1.0);
        let w = random_var(&mut random, &[4, 3, 3], 1.0);
        let b = random_var(&mut random, &[2, 4], 1.0);
        check_gradients(&[&x, &w, &b], 0.1, 1e-3, || {
            weighted(&x.apply_op3(&w, &b, op).unwrap(), 5)
        });
    }
}

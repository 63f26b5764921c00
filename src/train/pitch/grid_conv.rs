//! A convolution along the grid of candidates that candle can differentiate, over our own
//! kernels: candle's own convolution copies every window out and has no fast gradient here.

use autovoice_kernels::cpu::{PackedMatrix, Start, matmul};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::model::pitch::features::BINS;
use crate::train::ops::slice;

/// Rows an item takes: the candidates, then rows of zeros that pad this item and the next.
pub const ROWS: usize = 128;
/// Items whose gradients are summed at a time.
const CHUNK: usize = 32;
/// Threads that share the work: one for each core of a small machine.
const THREADS: usize = 2;

/// `y[n, f] = b + sum over j of w[:, j] x[n, f + j - (k - 1) / 2]` for the candidates `f`, zeros
/// in the rows after them. `x` is `[n, ROWS, ins]` with zeros in those rows, `w` is
/// `[outs, k * ins]`, `b` is `[outs]`.
pub struct GridConv {
    /// Candidates a window covers, an odd number up to 5.
    pub kernel: usize,
}

impl CustomOp3 for GridConv {
    fn name(&self) -> &'static str {
        "grid-conv"
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
        let (items, _, ins) = x_layout.shape().dims3()?;
        let (outs, _) = w_layout.shape().dims2()?;
        let (x, w, b) = (
            slice(x, x_layout)?,
            slice(w, w_layout)?,
            slice(b, b_layout)?,
        );
        let y = convolve(x, (items, ins), w, outs, self.kernel, Some(b));
        Ok((CpuStorage::F32(y), Shape::from((items, ROWS, outs))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (items, _, ins) = x.dims3()?;
        let (outs, width) = w.dims2()?;
        let mut dy = dy.flatten_all()?.to_vec1::<f32>()?;
        clear_padding(&mut dy, outs);
        let weights = w.flatten_all()?.to_vec1::<f32>()?;
        let mut flipped = vec![0.0; weights.len()];
        for o in 0..outs {
            for j in 0..self.kernel {
                for c in 0..ins {
                    flipped[(c * self.kernel + self.kernel - 1 - j) * outs + o] =
                        weights[(o * self.kernel + j) * ins + c];
                }
            }
        }
        let device = x.device();
        // The features themselves need no gradient.
        let dx = match x.track_op() {
            true => {
                let dx = convolve(&dy, (items, outs), &flipped, ins, self.kernel, None);
                Some(Tensor::from_vec(dx, (items, ROWS, ins), device)?)
            }
            false => None,
        };
        let x = x.flatten_all()?.to_vec1::<f32>()?;
        let dw = weight_gradient(&x, &dy, items, ins, outs, self.kernel);
        let mut db = vec![0f32; outs];
        for row in dy.chunks_exact(outs) {
            db.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
        }
        Ok((
            dx,
            Some(Tensor::from_vec(dw, (outs, width), device)?),
            Some(Tensor::from_vec(db, outs, device)?),
        ))
    }
}

fn clear_padding(y: &mut [f32], channels: usize) {
    for item in y.chunks_exact_mut(ROWS * channels) {
        item[BINS * channels..].fill(0.0);
    }
}

fn convolve(
    x: &[f32],
    (items, ins): (usize, usize),
    w: &[f32],
    outs: usize,
    kernel: usize,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let packed = PackedMatrix::new(outs, kernel * ins, w);
    let mut y = vec![0.0; items * ROWS * outs];
    let share = items.div_ceil(THREADS).max(1);
    std::thread::scope(|scope| {
        for (index, part) in y.chunks_mut(share * ROWS * outs).enumerate() {
            let packed = &packed;
            scope.spawn(move || {
                let first = index * share;
                convolve_items(x, first, ins, packed, kernel, bias, part);
                clear_padding(part, outs);
            });
        }
    });
    y
}

/// The items from `first` on whose outputs fill `y`.
fn convolve_items(
    x: &[f32],
    first: usize,
    ins: usize,
    packed: &PackedMatrix,
    kernel: usize,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let half = (kernel - 1) / 2;
    let start = || bias.map_or(Start::Zero, Start::Bias);
    let items = y.len() / (ROWS * packed.outs());
    let mut done = 0;
    if first == 0 {
        // Nothing lies before the first item: give it zeros.
        let mut padded = vec![0.0; half * ins];
        padded.extend_from_slice(&x[..ROWS * ins]);
        matmul(
            &padded,
            ins,
            BINS,
            packed,
            start(),
            &mut y[..BINS * packed.outs()],
        );
        done = 1;
    }
    if done < items {
        let rows = (items - done - 1) * ROWS + BINS;
        let from = ((first + done) * ROWS - half) * ins;
        let y = &mut y[done * ROWS * packed.outs()..];
        matmul(
            &x[from..],
            ins,
            rows,
            packed,
            start(),
            &mut y[..rows * packed.outs()],
        );
    }
}

/// `dw[o, j, c] = sum over rows of dy[row, o] x[row + j - half, c]`.
fn weight_gradient(
    x: &[f32],
    dy: &[f32],
    items: usize,
    ins: usize,
    outs: usize,
    kernel: usize,
) -> Vec<f32> {
    let chunks: Vec<usize> = (0..items).step_by(CHUNK).collect();
    let share = chunks.len().div_ceil(THREADS).max(1);
    let parts: Vec<Vec<f32>> = std::thread::scope(|scope| {
        let running: Vec<_> = chunks
            .chunks(share)
            .map(|chunks| {
                scope.spawn(move || {
                    let mut dw = vec![0.0; outs * kernel * ins];
                    for &first in chunks {
                        let last = (first + CHUNK).min(items);
                        add_gradient(x, dy, (first * ROWS, last * ROWS), ins, kernel, &mut dw);
                    }
                    dw
                })
            })
            .collect();
        running
            .into_iter()
            .map(|part| part.join().expect("arithmetic does not panic"))
            .collect()
    });
    let mut dw = vec![0.0; outs * kernel * ins];
    for part in parts {
        dw.iter_mut().zip(part).for_each(|(sum, d)| *sum += d);
    }
    dw
}

fn add_gradient(
    x: &[f32],
    dy: &[f32],
    (from, to): (usize, usize),
    ins: usize,
    kernel: usize,
    dw: &mut [f32],
) {
    let outs = dw.len() / (kernel * ins);
    let (rows, half) = (to - from, (kernel - 1) / 2);
    let mut across = vec![0.0; outs * rows];
    for (row, values) in dy[from * outs..to * outs].chunks_exact(outs).enumerate() {
        for (o, value) in values.iter().enumerate() {
            across[o * rows + row] = *value;
        }
    }
    let packed = PackedMatrix::new(outs, rows, &across);
    // Channel by channel, its rows in a line, with those around the chunk.
    let length = rows + kernel - 1;
    let mut lines = vec![0.0; ins * length];
    for at in 0..length {
        let Some(row) = (from + at).checked_sub(half) else {
            continue;
        };
        if let Some(values) = x.get(row * ins..(row + 1) * ins) {
            for (c, value) in values.iter().enumerate() {
                lines[c * length + at] = *value;
            }
        }
    }
    let mut product = vec![0.0; kernel * outs];
    for (c, line) in lines.chunks_exact(length).enumerate() {
        matmul(line, 1, kernel, &packed, Start::Zero, &mut product);
        for j in 0..kernel {
            for o in 0..outs {
                dw[(o * kernel + j) * ins + c] += product[j * outs + o];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::random::Random;
    use candle_core::{Device, Var};

    fn random_tensor(random: &mut Random, shape: &[usize], rows_padded: bool) -> Tensor {
        let count: usize = shape.iter().product();
        let mut values: Vec<f32> = (0..count).map(|_| random.white()).collect();
        if rows_padded {
            clear_padding(&mut values, shape[2]);
        }
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// The definition, in candle's own operations.
    fn reference(x: &Tensor, w: &Tensor, b: &Tensor, kernel: usize) -> Tensor {
        let half = (kernel - 1) / 2;
        let padded = x.pad_with_zeros(1, half, half).unwrap();
        let windows: Vec<Tensor> = (0..kernel)
            .map(|j| padded.narrow(1, j, BINS).unwrap())
            .collect();
        let windows = Tensor::cat(&windows, 2).unwrap();
        let (n, f, c) = windows.dims3().unwrap();
        let y = windows
            .reshape((n * f, c))
            .unwrap()
            .matmul(&w.t().unwrap())
            .unwrap();
        let y = y
            .broadcast_add(b)
            .unwrap()
            .reshape((n, f, w.dim(0).unwrap()))
            .unwrap();
        y.pad_with_zeros(1, 0, ROWS - BINS).unwrap()
    }

    #[test]
    fn values_and_gradients_are_those_of_the_definition() {
        let mut random = Random::new(3);
        for (items, ins, outs, kernel) in
            [(1, 3, 5, 3), (3, 18, 16, 3), (70, 16, 16, 5), (5, 16, 4, 1)]
        {
            let x =
                Var::from_tensor(&random_tensor(&mut random, &[items, ROWS, ins], true)).unwrap();
            let w = Var::from_tensor(&random_tensor(&mut random, &[outs, kernel * ins], false))
                .unwrap();
            let b = Var::from_tensor(&random_tensor(&mut random, &[outs], false)).unwrap();
            let wanted = reference(&x, &w, &b, kernel);
            let found = x.apply_op3(&w, &b, GridConv { kernel }).unwrap();
            let weight = random_tensor(&mut random, &[items, ROWS, outs], false);
            let gradients = |y: &Tensor| {
                let all = (y * &weight)
                    .unwrap()
                    .sum_all()
                    .unwrap()
                    .backward()
                    .unwrap();
                [&x, &w, &b].map(|var| all.get(var).unwrap().clone())
            };
            let near = |a: &Tensor, b: &Tensor, what: &str| {
                let far = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
                let far = far.max(0).unwrap().to_scalar::<f32>().unwrap();
                let size = b.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                let size = size.to_scalar::<f32>().unwrap();
                assert!(far < 1e-5 * size.max(1.0), "{what}: {far} of {size}");
            };
            near(&found, &wanted, "value");
            let wanted = gradients(&wanted);
            for (i, found) in gradients(&found).iter().enumerate() {
                let mut wanted = wanted[i].clone();
                let mut found = found.clone();
                if i == 0 {
                    // What flows into the padding is of no interest.
                    found = found.narrow(1, 0, BINS).unwrap();
                    wanted = wanted.narrow(1, 0, BINS).unwrap();
                }
                near(&found, &wanted, ["dx", "dw", "db"][i]);
            }
        }
    }
}

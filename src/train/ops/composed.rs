//! The operations of the networks out of candle's own, for devices that our kernels do not run on.
//! Values are computed without a trace, and gradients by formulas of ours: candle would find them
//! by several times as many operations, and on a card each is a launch.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp3, D, Device, Layout, Result, Shape, Storage, Tensor,
};

use super::conv1d::Conv1d;
use super::layer_norm::EPSILON;

/// A row that is not there: candle gives zeros for it.
const NOWHERE: u32 = u32::MAX;

/// What decides which rows a convolution sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sight {
    batch: usize,
    frames: usize,
    kernel: usize,
    dilation: usize,
    left: usize,
    /// From inputs to outputs, or back.
    forward: bool,
}

/// The operations on one device.
#[derive(Debug)]
pub struct Composed {
    device: Device,
    /// Numbers of the rows that each output sees, `[batch * frames * kernel]`. Sequences of a
    /// training are all as long, so there are few.
    rows: Mutex<BTreeMap<Sight, Tensor>>,
}

impl Composed {
    /// On this device.
    pub fn new(device: Device) -> Self {
        Self {
            device,
            rows: Mutex::default(),
        }
    }

    /// Where tensors are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// See [`Conv1d`].
    ///
    /// # Errors
    /// If a shape is another.
    pub fn conv1d(&self, x: &Tensor, w: &Tensor, b: &Tensor, op: Conv1d) -> Result<Tensor> {
        let (batch, frames, ins) = x.dims3()?;
        let (outs, _, kernel) = w.dims3()?;
        let sight = Sight {
            batch,
            frames,
            kernel,
            dilation: op.dilation,
            left: op.left,
            forward: true,
        };
        let forth = self.rows(sight)?;
        let back = self.rows(Sight {
            forward: false,
            ..sight
        })?;
        let seen = seen(&x.detach(), forth.as_ref(), kernel)?;
        let taps = w.detach().transpose(1, 2)?.reshape((outs, kernel * ins))?;
        let y = seen
            .matmul(&taps.t()?)?
            .reshape((batch, frames, outs))?
            .broadcast_add(&of_all(&b.detach())?)?;
        let gradient = move |x: &Tensor, w: &Tensor, b: &Tensor, dy: &Tensor| {
            let rows = dy.reshape((batch * frames, outs))?;
            let dx = match x.track_op() {
                true => {
                    let taps = w
                        .detach()
                        .permute((2, 0, 1))?
                        .reshape((kernel * outs, ins))?;
                    let felt = self::seen(dy, back.as_ref(), kernel)?;
                    Some(felt.matmul(&taps)?.reshape((batch, frames, ins))?)
                }
                false => None,
            };
            let dw = match w.track_op() {
                true => {
                    let taps = rows.t()?.matmul(&seen)?.reshape((outs, kernel, ins))?;
                    Some(taps.transpose(1, 2)?.contiguous()?)
                }
                false => None,
            };
            let db = match (b.track_op(), b.rank()) {
                (false, _) => None,
                (true, 1) => Some(rows.sum(0)?),
                (true, _) => Some(dy.sum(1)?),
            };
            Ok((dx, dw, db))
        };
        x.apply_op3(w, b, Known { y, gradient })
    }

    /// See [`super::layer_norm::LayerNorm`].
    ///
    /// # Errors
    /// If a shape is another.
    pub fn layer_norm(&self, x: &Tensor, w: &Tensor, b: &Tensor) -> Result<Tensor> {
        let from = x.detach();
        let centred = from.broadcast_sub(&from.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let scale = (variance + f64::from(EPSILON))?.sqrt()?.recip()?;
        let normal = centred.broadcast_mul(&scale)?;
        let y = normal
            .broadcast_mul(&w.detach())?
            .broadcast_add(&b.detach())?;
        let gradient = move |_: &Tensor, w: &Tensor, _: &Tensor, dy: &Tensor| {
            let channels = w.elem_count();
            let rows = dy.reshape(((), channels))?;
            let dw = (&rows * normal.reshape(rows.shape())?)?.sum(0)?;
            let db = rows.sum(0)?;
            let d = dy.broadcast_mul(&w.detach())?;
            let along = (&d * &normal)?.mean_keepdim(D::Minus1)?;
            let level = d.mean_keepdim(D::Minus1)?;
            let d = (d.broadcast_sub(&level)? - normal.broadcast_mul(&along)?)?;
            Ok((Some(d.broadcast_mul(&scale)?), Some(dw), Some(db)))
        };
        x.apply_op3(w, b, Known { y, gradient })
    }

    /// The numbers of the rows that each output sees; `None` where it is its own alone.
    fn rows(&self, sight: Sight) -> Result<Option<Tensor>> {
        if sight.kernel == 1 && sight.left == 0 {
            return Ok(None);
        }
        let mut known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = known.get(&sight) {
            return Ok(Some(rows.clone()));
        }
        let rows = numbers(sight);
        let count = rows.len();
        let rows = Tensor::from_vec(rows, count, &self.device)?;
        known.insert(sight, rows.clone());
        Ok(Some(rows))
    }
}

/// See [`Composed::rows`].
fn numbers(sight: Sight) -> Vec<u32> {
    let Sight {
        batch,
        frames,
        kernel,
        dilation,
        left,
        forward,
    } = sight;
    let mut rows = Vec::with_capacity(batch * frames * kernel);
    for n in 0..batch {
        for t in 0..frames {
            for j in 0..kernel {
                let seen = match forward {
                    true => (t + j * dilation).checked_sub(left),
                    false => (t + left).checked_sub(j * dilation),
                };
                let row = seen.filter(|t| *t < frames);
                rows.push(row.map_or(NOWHERE, |t| (n * frames + t) as u32));
            }
        }
    }
    rows
}

/// What each frame sees of `x`, `[batch, frames, channels]`, side by side: `[batch * frames, kernel
/// * channels]`.
fn seen(x: &Tensor, rows: Option<&Tensor>, kernel: usize) -> Result<Tensor> {
    let (batch, frames, channels) = x.dims3()?;
    let flat = x.reshape((batch * frames, channels))?;
    match rows {
        Some(rows) => flat
            .contiguous()?
            .index_select(rows, 0)?
            .reshape((batch * frames, kernel * channels)),
        None => Ok(flat),
    }
}

/// A bias as it is added: one for all sequences, or one for each.
fn of_all(b: &Tensor) -> Result<Tensor> {
    match b.rank() {
        1 => Ok(b.clone()),
        _ => b.unsqueeze(1),
    }
}

/// The gradients of three arguments.
type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

/// An operation whose value has been computed, and the way back.
struct Known<F> {
    y: Tensor,
    gradient: F,
}

impl<F> CustomOp3 for Known<F>
where
    F: Fn(&Tensor, &Tensor, &Tensor, &Tensor) -> Result<Gradients>,
{
    fn name(&self) -> &'static str {
        "composed"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = self.y.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            _ => candle_core::bail!("expected all tensors of an operation on one device"),
        }
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (storage, layout) = self.y.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            _ => candle_core::bail!("expected all tensors of an operation on one device"),
        }
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<Gradients> {
        (self.gradient)(x, w, b, &dy.contiguous()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::layer_norm::LayerNorm;
    use crate::train::ops::testing::{near, random_var, weighted};
    use crate::train::random::Random;
    use candle_core::Var;

    /// Values and gradients of two ways to the same.
    fn same(vars: [&Var; 3], found: &Tensor, wanted: &Tensor, what: &str) {
        near(found, wanted, 1e-5, what);
        let gradients = |y: &Tensor| weighted(y, 9).backward().unwrap();
        let (found, wanted) = (gradients(found), gradients(wanted));
        for (var, name) in vars.into_iter().zip(["dx", "dw", "db"]) {
            let (found, wanted) = (found.get(var).unwrap(), wanted.get(var).unwrap());
            near(found, wanted, 2e-5, &format!("{what}: {name}"));
        }
    }

    #[test]
    fn convolutions_are_our_own() {
        let mut random = Random::new(3);
        let composed = Composed::new(Device::Cpu);
        let table = [
            // batch, frames, ins, outs, kernel, dilation, left, a bias for each sequence
            (1, 7, 3, 5, 1, 1, 0, false),
            (5, 9, 67, 33, 1, 1, 0, true),
            (3, 20, 80, 48, 3, 1, 1, false),
            (2, 12, 80, 16, 5, 2, 4, false),
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
            // The second time the rows are known.
            for _ in 0..2 {
                let found = composed.conv1d(&x, &w, &b, op).unwrap();
                let wanted = x.apply_op3(&w, &b, op).unwrap();
                same([&x, &w, &b], &found, &wanted, &what);
            }
        }
    }

    #[test]
    fn norms_are_our_own() {
        let mut random = Random::new(4);
        let composed = Composed::new(Device::Cpu);
        for channels in [16, 33, 192] {
            let x = random_var(&mut random, &[3, 7, channels], 2.0);
            let w = random_var(&mut random, &[channels], 1.0);
            let b = random_var(&mut random, &[channels], 1.0);
            let found = composed.layer_norm(&x, &w, &b).unwrap();
            let wanted = x.apply_op3(&w, &b, LayerNorm).unwrap();
            same(
                [&x, &w, &b],
                &found,
                &wanted,
                &format!("{channels} channels"),
            );
        }
    }
}

//! The product of a few rows with a packed matrix: what all networks here are made of.
//!
//! Weights are packed once, in panels of sixteen outputs, so that the inner loop reads them in
//! order. A tile of rows by one panel is kept in registers (Goto & van de Geijn, "Anatomy of
//! high-performance matrix multiplication", 2008). Rows may overlap, and may come in runs that lie
//! apart, which makes a convolution of any dilation a product without copying anything.

mod complex;
mod right;
mod tile;

use std::marker::PhantomData;
use std::sync::Arc;

use super::footprint::Footprint;
use super::half;
use super::large_pages::shared;
use super::vector::{Form, WIDTH};
pub(super) use complex::ComplexMatrices;
use right::{Fetched, Right};
use tile::run;

/// Weights `[outs, ins]`, packed for [`matmul`]. A clone shares them.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    outs: usize,
    ins: usize,
    panels: Panels,
}

/// `[panel][input][16 outputs]`; outputs beyond `outs` are 0.
#[derive(Clone, Debug)]
enum Panels {
    Full(Arc<[f32]>),
    /// Half precision, of weights that are exactly that: half as much to read from memory.
    Half(Arc<[u16]>),
}

/// Matrices of fewer values stay in the cache: there is nothing to be gained by reading less.
const LARGE: usize = 1 << 15;

impl PackedMatrix {
    /// Packs `weights`, row-major `[outs, ins]`. Allocates.
    ///
    /// # Panics
    /// If `weights` does not hold `outs * ins` values.
    #[must_use]
    pub fn new(outs: usize, ins: usize, weights: &[f32]) -> Self {
        assert_eq!(weights.len(), outs * ins, "weights are [outs, ins]");
        let mut panels = vec![0.0; outs.div_ceil(WIDTH) * WIDTH * ins];
        for o in 0..outs {
            let panel = &mut panels[o / WIDTH * WIDTH * ins..];
            for i in 0..ins {
                panel[i * WIDTH + o % WIDTH] = weights[o * ins + i];
            }
        }
        let halves = match LARGE <= panels.len() {
            true => panels.iter().map(|x| half::exactly(*x)).collect(),
            false => None::<Vec<u16>>,
        };
        let panels = match halves {
            Some(halves) => Panels::Half(shared::<u16>(&halves)),
            None => Panels::Full(shared(&panels)),
        };
        Self { outs, ins, panels }
    }

    /// Bytes of memory that its weights take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.panels {
            Panels::Full(panels) => size_of_val(&**panels),
            Panels::Half(panels) => size_of_val(&**panels),
        }
    }

    /// The same by precision.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        match &self.panels {
            Panels::Full(_) => Footprint {
                full: self.bytes(),
                half: 0,
            },
            Panels::Half(_) => Footprint {
                full: 0,
                half: self.bytes(),
            },
        }
    }

    /// Outputs, the rows of the matrix.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.outs
    }

    /// Inputs, the columns of the matrix.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.ins
    }
}

/// A matrix that changes too often to be packed: `[ins, outs]` in rows that are `stride` apart.
#[derive(Clone, Copy, Debug)]
pub struct Unpacked<'a> {
    /// The values, with room for whole panels of sixteen outputs in each row.
    pub values: &'a [f32],
    /// Outputs.
    pub outs: usize,
    /// Inputs.
    pub ins: usize,
    /// Values from one row to the next.
    pub stride: usize,
}

impl<'a> Unpacked<'a> {
    fn right(self) -> Right<'a, f32> {
        if let (Some(last), true) = (self.ins.checked_sub(1), 0 < self.outs) {
            let row = self.outs.next_multiple_of(WIDTH);
            assert!(
                last * self.stride + row <= self.values.len(),
                "the matrix is too short"
            );
        }
        Right {
            values: self.values.as_ptr(),
            panel_step: WIDTH,
            input_step: self.stride,
            outs: self.outs,
            ins: self.ins,
            // In rows, of which the next panel is a stretch: nothing to fetch in one piece.
            fetched: Fetched { from: 0, bytes: 0 },
            borrowed: PhantomData,
        }
    }
}

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Nothing: what `y` held is lost.
    Zero,
    /// One value per output, the same in each row: what `y` held is lost.
    Bias(&'a [f32]),
    /// What `y` holds.
    Accumulate,
}

/// `y[r * outs + o] = start + sum over i of w[o, i] * x[r * stride + i]`, for `r < rows`.
///
/// Rows of `x` may overlap (`stride < ins`): a convolution over `[frames, channels]` with kernel
/// `k` and stride `s` is a product with `ins = k * channels` and `stride = s * channels`. Sums
/// run in another order on other CPUs and row counts: results differ by rounding.
///
/// AVX-512, AVX2 with FMA or plain code, chosen at run time. Real-time safe.
///
/// # Panics
/// If `x` is shorter than `(rows - 1) * stride + ins`, `y` than `rows * outs`, or a bias is not
/// `outs` long.
pub fn matmul(
    x: &[f32],
    stride: usize,
    rows: usize,
    w: &PackedMatrix,
    start: Start<'_>,
    y: &mut [f32],
) {
    matmul_into(Rows::joined(x, stride, rows, w.ins), w, start, y, w.outs);
}

/// [`matmul`] with a matrix that is not packed, into rows of `y` that are `y_stride` apart, at
/// least `outs`; what lies between them stays. Real-time safe.
///
/// # Panics
/// As [`matmul`], and if the matrix is shorter than it says, with its last row's outputs rounded
/// up to a multiple of sixteen.
pub fn matmul_unpacked(
    x: &[f32],
    stride: usize,
    rows: usize,
    w: Unpacked<'_>,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    let x = Rows::joined(x, stride, rows, w.ins);
    run(Form::best(), x, w.right(), start, y, y_stride);
}

/// The left side of a product: `rows` rows, `stride` apart, each of `runs` runs of `run` inputs
/// that begin `apart` values from each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    pub x: &'a [f32],
    pub stride: usize,
    pub rows: usize,
    pub runs: usize,
    pub run: usize,
    pub apart: usize,
}

impl<'a> Rows<'a> {
    /// Rows of one run.
    pub fn joined(x: &'a [f32], stride: usize, rows: usize, ins: usize) -> Self {
        Self {
            x,
            stride,
            rows,
            runs: 1,
            run: ins,
            apart: 0,
        }
    }
}

/// [`matmul`] into rows of `y` that are `y_stride` apart, at least `outs`; what lies between
/// them stays.
pub(super) fn matmul_into(
    x: Rows<'_>,
    w: &PackedMatrix,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    run_packed(Form::best(), x, w, start, y, y_stride);
}

fn run_packed(
    form: Form,
    x: Rows<'_>,
    w: &PackedMatrix,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    match &w.panels {
        Panels::Full(panels) => run(
            form,
            x,
            Right::packed(panels, w.outs, w.ins),
            start,
            y,
            y_stride,
        ),
        Panels::Half(panels) => run(
            form,
            x,
            Right::packed(panels, w.outs, w.ins),
            start,
            y,
            y_stride,
        ),
    }
}

#[cfg(test)]
mod tests;

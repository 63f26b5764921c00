//! Products of rows with weights.

mod matrix;
mod plan;

use super::activation::Activation;
use super::array::{Array, Slice, place_or_null};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;
pub(super) use matrix::exactly;
pub use matrix::{Matrix, Precision};
use matrix::{PITCH, Weights};
pub use plan::{Form, Plan};

/// The left side of a product.
#[derive(Debug)]
pub struct Input<'a, B> {
    /// The values.
    pub x: Slice<'a, B, f32>,
    /// Values from one row to the next; less than a row where rows overlap.
    pub stride: usize,
    /// Rows.
    pub rows: usize,
    /// What values below 0 are multiplied with first, a leaky ReLU; 1 leaves them.
    pub slope: f32,
}

/// Where a product goes, and what becomes of it: `y = activation(product + bias) + add`.
#[derive(Debug)]
pub struct Output<'a, B> {
    /// `[rows, outs]` in rows that are `stride` apart; what lies between them stays. Not `x`.
    pub y: Slice<'a, B, f32>,
    /// Values from one row to the next, at least `outs`.
    pub stride: usize,
    /// What is done to each value.
    pub activation: Activation,
    /// What is added after that, with the values from one row to the next. May be `y`.
    pub add: Option<(Slice<'a, B, f32>, usize)>,
}

// Not derived: a buffer need not be what a reference to it is.
impl<B> Clone for Input<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Input<'_, B> {}

impl<B> Clone for Output<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Output<'_, B> {}

/// Rows that come in runs: each of as many as its inputs are, `run` values long and `apart` from each
/// other.
pub(super) struct Runs {
    pub run: usize,
    pub apart: usize,
}

/// Which rows of a product are frames of a signal; none where all are.
pub(super) type Within<'a, B> = Option<Slice<'a, B, i64>>;

/// `y[r, o] = activation(bias[o] + sum over i of w[o, i] * leaky(x[r * stride + i])) + add[r, o]`, as
/// [`Matrix::plan`] says. `work` is of any content, [`Matrix::work_len`] values or more.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn matmul<D: Device>(
    device: &D,
    w: &Matrix<D::Buffer>,
    input: Input<'_, D::Buffer>,
    output: Output<'_, D::Buffer>,
    work: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let plan = w.plan(device, input.rows);
    matmul_as(device, plan, w, input, output, work)
}

/// [`matmul`] done in a certain way.
///
/// # Errors
/// As [`matmul`], and if the form is not one for the weights' precision.
pub fn matmul_as<D: Device>(
    device: &D,
    plan: Plan,
    w: &Matrix<D::Buffer>,
    input: Input<'_, D::Buffer>,
    output: Output<'_, D::Buffer>,
    work: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let runs = Runs {
        run: w.ins,
        apart: 0,
    };
    product(device, plan, w, (input, runs), (output, None), work)
}

/// [`matmul_as`] of rows that come in runs, and of groups: these lie `run` values apart in `x`. Rows that
/// are no frames are 0: row `r` is frame `within[0] + r`, frames are `0..within[1]`.
pub(super) fn product<D: Device>(
    device: &D,
    plan: Plan,
    w: &Matrix<D::Buffer>,
    (input, runs): (Input<'_, D::Buffer>, Runs),
    (output, within): (Output<'_, D::Buffer>, Within<'_, D::Buffer>),
    work: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let Input {
        x,
        stride,
        rows,
        slope,
    } = input;
    let Plan { form, splits } = plan;
    let precision = w.precision();
    if form.precision().is_some_and(|of| of != precision) || (splits != 1 && !form.is_cut()) {
        return Err(GpuError::Size {
            what: "stretches in this form",
            expected: "a form for the weights' precision, and 1 along the inputs",
            found: splits,
        });
    }
    let Some(last) = rows.checked_sub(1) else {
        return Ok(());
    };
    let row = (w.groups - 1) * runs.run + (w.ins / runs.run - 1) * runs.apart + runs.run;
    let x = x.at_least("x", last * stride + row)?;
    if output.stride < w.outs() {
        return Err(GpuError::Short {
            what: "a row of y",
            expected: w.outs(),
            found: output.stride,
        });
    }
    let y = output.y.at_least("y", last * output.stride + w.outs())?;
    let (add, add_stride) = match output.add {
        None => (None, 0),
        Some((add, stride)) => {
            let add = add.at_least("what is added", last * stride + w.outs())?;
            (Some(add), stride)
        }
    };
    let within = within
        .map(|within| within.at_least("within", 2))
        .transpose()?;
    let partial = match splits {
        1 => None,
        _ => Some(work.at_least("work", w.work_for(plan, rows))?),
    };
    let weights = match &w.weights {
        Weights::Full(weights) => weights.all().place(),
        Weights::Half(weights) => weights.all().place(),
    };
    let [activation, activation_slope] = output.activation.arguments();
    let arguments = [
        x.place(),
        Argument::int(stride)?,
        Argument::int(runs.run)?,
        Argument::int(runs.apart)?,
        Argument::Float(slope),
        weights,
        Argument::int(w.ins.next_multiple_of(PITCH))?,
        place_or_null(w.bias.as_ref().map(Array::all)),
        place_or_null(add),
        Argument::int(add_stride)?,
        y.place(),
        Argument::int(output.stride)?,
        Argument::int(rows)?,
        Argument::int(w.outs)?,
        Argument::int(w.ins)?,
        activation,
        activation_slope,
        place_or_null(within),
        Argument::int(splits)?,
        place_or_null(partial),
        Argument::int(w.groups)?,
    ];
    // The number of groups is for `matmul_finish` alone.
    let of_all = &arguments[..arguments.len() - 1];
    let (kernel, threads) = form.kernel(precision, w.ins);
    let blocks = [
        w.outs.div_ceil(form.outs()),
        rows.div_ceil(form.rows()),
        w.groups * splits,
    ];
    device.launch(kernel, Grid::new(blocks, threads)?, of_all)?;
    if splits == 1 {
        return Ok(());
    }
    let grid = Grid::new([w.outs.div_ceil(128), rows, w.groups], 128)?;
    device.launch(Kernel::MatmulFinish, grid, &arguments)
}

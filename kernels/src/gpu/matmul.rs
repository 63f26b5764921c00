//! Products of rows with weights, and the one place that chooses how they are done.

use super::activation::Activation;
use super::array::{Array, Slice, place_or_null};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::half;
use super::kernel::Kernel;

/// How weights are kept, and with what they are multiplied. Sums are of `f32` either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `f32`.
    Full,
    /// Weights rounded to half precision: half as much to read. With more rows than a few, what goes
    /// in is rounded too, and the card's matrix units do the work; values of 65,520 or more overflow.
    Half,
}

/// Rows of weights are padded to a multiple of this, as `PITCH` in `product.cuh`.
const PITCH: usize = 32;
/// Outputs and rows of a block of the form for few rows.
const FEW_OUTS: usize = 4;
const FEW_ROWS: usize = 4;
/// Outputs of a tile.
const TILE_OUTS: usize = 64;
/// The most stretches a sum is cut into.
const MOST_SPLITS: usize = 8;

/// Weights `[outs, ins]` with their bias, on a device.
#[derive(Debug)]
pub struct Matrix<B> {
    weights: Weights<B>,
    bias: Option<Array<B, f32>>,
    groups: usize,
    outs: usize,
    ins: usize,
}

/// `[groups * outs, ins rounded up to PITCH]`, 0 beyond `ins`.
#[derive(Debug)]
enum Weights<B> {
    Full(Array<B, f32>),
    Half(Array<B, u16>),
}

impl<B> Matrix<B> {
    /// From `weights`, row-major `[outs, ins]`, and `bias`, `[outs]` or none. Allocates.
    ///
    /// # Errors
    /// If a slice is of another length, a size is 0, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (outs, ins): (usize, usize),
        weights: &[f32],
        bias: Option<&[f32]>,
        precision: Precision,
    ) -> Result<Self, GpuError> {
        Self::grouped(device, (1, outs, ins), weights, bias, precision)
    }

    /// Of groups that do not see each other: `weights` is `[groups, outs, ins]`, `bias` `[groups,
    /// outs]`.
    pub(super) fn grouped<D: Device<Buffer = B>>(
        device: &D,
        (groups, outs, ins): (usize, usize, usize),
        weights: &[f32],
        bias: Option<&[f32]>,
        precision: Precision,
    ) -> Result<Self, GpuError> {
        let rows = groups * outs;
        if rows == 0 || ins == 0 {
            return Err(GpuError::Size {
                what: "outputs, inputs and groups",
                expected: "at least 1",
                found: 0,
            });
        }
        exactly("weights", weights.len(), rows * ins)?;
        if let Some(bias) = bias {
            exactly("the bias", bias.len(), rows)?;
        }
        let pitch = ins.next_multiple_of(PITCH);
        let mut padded = vec![0.0; rows * pitch];
        for (to, from) in padded
            .chunks_exact_mut(pitch)
            .zip(weights.chunks_exact(ins))
        {
            to[..ins].copy_from_slice(from);
        }
        let weights = match precision {
            Precision::Full => Weights::Full(Array::new(device, &padded)?),
            Precision::Half => {
                let halves: Vec<u16> = padded.iter().map(|w| half::nearest(*w)).collect();
                Weights::Half(Array::new(device, &halves)?)
            }
        };
        Ok(Self {
            weights,
            bias: bias.map(|bias| Array::new(device, bias)).transpose()?,
            groups,
            outs,
            ins,
        })
    }

    /// Outputs, of all groups.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.groups * self.outs
    }

    /// Inputs of an output.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.ins
    }

    /// How its weights are kept.
    #[must_use]
    pub fn precision(&self) -> Precision {
        match self.weights {
            Weights::Full(_) => Precision::Full,
            Weights::Half(_) => Precision::Half,
        }
    }

    /// How a product of so many rows is done on a device.
    #[must_use]
    pub fn plan<D: Device<Buffer = B>>(&self, device: &D, rows: usize) -> Plan {
        let shape = (self.groups, self.outs, self.ins);
        Plan::choose(shape, rows, self.precision(), device.multiprocessors())
    }

    /// Values of work memory that products of up to `most` rows need on a device.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, most: usize) -> usize {
        let need = (1..=most).map(|rows| self.work_for(self.plan(device, rows), rows));
        need.max().unwrap_or(0)
    }

    /// Values of work memory that a product of so many rows needs when it is done as planned.
    #[must_use]
    pub fn work_for(&self, plan: Plan, rows: usize) -> usize {
        match plan.splits {
            1 => 0,
            splits => splits * self.groups * rows * self.outs,
        }
    }
}

pub(super) fn exactly(what: &'static str, found: usize, expected: usize) -> Result<(), GpuError> {
    match found.cmp(&expected) {
        std::cmp::Ordering::Less => Err(GpuError::Short {
            what,
            expected,
            found,
        }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(GpuError::Size {
            what,
            expected: "no more values than the shape has",
            found,
        }),
    }
}

/// The ways to do a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Blocks of four outputs along the weights: for few rows or outputs.
    Few,
    /// Tiles of 16 rows, `f32`.
    Full16,
    /// Tiles of 64 rows, `f32`.
    Full64,
    /// Tiles of 8 rows by matrix instructions.
    Half8,
    /// Tiles of 32 rows by matrix instructions.
    Half32,
}

impl Form {
    fn rows(self) -> usize {
        match self {
            Self::Few => FEW_ROWS,
            Self::Half8 => 8,
            Self::Full16 => 16,
            Self::Half32 => 32,
            Self::Full64 => 64,
        }
    }

    fn outs(self) -> usize {
        match self {
            Self::Few => FEW_OUTS,
            _ => TILE_OUTS,
        }
    }

    /// Inputs worked on at a time, of which a stretch is a multiple.
    fn step(self) -> usize {
        match self {
            Self::Full16 | Self::Full64 => 16,
            Self::Few | Self::Half8 | Self::Half32 => 32,
        }
    }

    /// The precision it is for; none where it does both.
    fn precision(self) -> Option<Precision> {
        match self {
            Self::Few => None,
            Self::Full16 | Self::Full64 => Some(Precision::Full),
            Self::Half8 | Self::Half32 => Some(Precision::Half),
        }
    }

    fn kernel(self, precision: Precision) -> (Kernel, u32) {
        match (self, precision) {
            (Self::Few, Precision::Full) => (Kernel::MatmulFewF32, 128),
            (Self::Few, Precision::Half) => (Kernel::MatmulFewF16, 128),
            (Self::Full16, _) => (Kernel::MatmulTileF32Of16, 64),
            (Self::Full64, _) => (Kernel::MatmulTileF32Of64, 256),
            (Self::Half8, _) => (Kernel::MatmulTileF16Of8, 128),
            (Self::Half32, _) => (Kernel::MatmulTileF16Of32, 128),
        }
    }
}

/// How a product is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In which form.
    pub form: Form,
    /// Into how many stretches the sum is cut, that are added up by a second launch. 1 for
    /// [`Form::Few`], whose blocks are many.
    pub splits: usize,
}

impl Plan {
    /// For products of `rows` rows, `[groups, outs, ins]`, on a card with so many multiprocessors.
    ///
    /// Up to eight rows reading the weights is all there is to it, and so it is with few outputs.
    /// Beyond, tiles are as large as there are rows to fill them, and where there are too few to keep
    /// the card busy the sums are cut: into stretches of at least four steps, or the second launch
    /// costs more than it saves.
    #[must_use]
    pub fn choose(
        (groups, outs, ins): (usize, usize, usize),
        rows: usize,
        precision: Precision,
        multiprocessors: usize,
    ) -> Self {
        let form = match precision {
            _ if rows <= 2 * FEW_ROWS || outs <= 2 * FEW_OUTS => Form::Few,
            Precision::Full if rows <= 48 => Form::Full16,
            Precision::Full => Form::Full64,
            Precision::Half if rows <= 16 => Form::Half8,
            Precision::Half => Form::Half32,
        };
        if form == Form::Few {
            return Self { form, splits: 1 };
        }
        let blocks = groups * outs.div_ceil(form.outs()) * rows.div_ceil(form.rows());
        let most = (ins / (4 * form.step())).clamp(1, MOST_SPLITS);
        let splits = (2 * multiprocessors / blocks).clamp(1, most);
        Self { form, splits }
    }
}

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
    if form.precision().is_some_and(|of| of != precision) || (form == Form::Few && splits != 1) {
        return Err(GpuError::Size {
            what: "stretches in this form",
            expected: "a form for the weights' precision, and 1 for few rows",
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
    let (kernel, threads) = form.kernel(precision);
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

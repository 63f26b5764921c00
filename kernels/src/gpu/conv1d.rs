//! Convolution over frames, channels last: as a product whose rows overlap, or channel by channel.
//! Without state and without padding, as [`crate::cpu::conv1d`].

use super::activation::by_rows;
use super::array::{Array, Slice, place_or_null};
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::{Input, Matrix, Output, Precision, Runs, Within, exactly, product};
use crate::cpu::Conv1dShape;

/// The weights of a convolution, with their bias, on a device.
#[derive(Debug)]
pub struct Conv1d<B> {
    shape: Conv1dShape,
    taps: Taps<B>,
}

#[derive(Debug)]
enum Taps<B> {
    /// All taps of each group side by side: `[groups, outs / groups, kernel * ins / groups]`.
    Groups(Matrix<B>),
    /// One channel per group: `[kernel, channels]`.
    Depthwise {
        weights: Array<B, f32>,
        bias: Option<Array<B, f32>>,
    },
}

impl<B> Conv1d<B> {
    /// From `weights`, `[outs, ins / groups, kernel]`, and `bias`, `[outs]` or none. Weights of
    /// depthwise convolutions stay `f32`: there are few. Allocates.
    ///
    /// # Errors
    /// If a size is 0, `groups` does not divide the channels, a slice is of another length, or there
    /// is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        shape: Conv1dShape,
        weights: &[f32],
        bias: Option<&[f32]>,
        precision: Precision,
    ) -> Result<Self, GpuError> {
        let Conv1dShape {
            ins,
            outs,
            kernel,
            stride,
            dilation,
            groups,
        } = shape;
        let is_divided = 0 < groups && ins.is_multiple_of(groups) && outs.is_multiple_of(groups);
        if [ins, outs, kernel, stride, dilation].contains(&0) || !is_divided {
            return Err(GpuError::Size {
                what: "groups of a convolution",
                expected: "a divisor of its channels, and no size of 0",
                found: groups,
            });
        }
        let (group_ins, group_outs) = (ins / groups, outs / groups);
        exactly("weights", weights.len(), outs * group_ins * kernel)?;
        if let Some(bias) = bias {
            exactly("the bias", bias.len(), outs)?;
        }
        let at = |o: usize, i: usize, tap: usize| weights[(o * group_ins + i) * kernel + tap];
        let taps = if group_ins == 1 && group_outs == 1 {
            let by_tap: Vec<f32> = (0..kernel * outs)
                .map(|n| at(n % outs, 0, n / outs))
                .collect();
            Taps::Depthwise {
                weights: Array::new(device, &by_tap)?,
                bias: bias.map(|bias| Array::new(device, bias)).transpose()?,
            }
        } else {
            let row = kernel * group_ins;
            let side_by_side: Vec<f32> = (0..outs * row)
                .map(|n| at(n / row, n % row % group_ins, n % row / group_ins))
                .collect();
            let shape = (groups, group_outs, row);
            Taps::Groups(Matrix::grouped(
                device,
                shape,
                &side_by_side,
                bias,
                precision,
            )?)
        };
        Ok(Self { shape, taps })
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Conv1dShape {
        self.shape
    }

    /// Values of work memory that up to `most` output frames need on a device.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, most: usize) -> usize {
        match &self.taps {
            Taps::Groups(matrix) => matrix.work_len(device, most),
            Taps::Depthwise { .. } => 0,
        }
    }
}

/// `y[f, o] = activation(bias[o] + sum over tap, i of w[o, i, tap] * leaky(x[f * stride + tap *
/// dilation, i])) + add[f, o]` for `f < frames`, `i` in the group of `o`. `x` is `[frames_in(frames),
/// ins]` or longer; nothing is padded. `leaky(x)` is `x`, or `slope * x` below 0. `work` is of any
/// content, [`Conv1d::work_len`] values or more.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn conv1d<D: Device>(
    device: &D,
    conv: &Conv1d<D::Buffer>,
    input: (Slice<'_, D::Buffer, f32>, usize, f32),
    output: Output<'_, D::Buffer>,
    work: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    convolve(device, conv, input, (output, None), work)
}

/// [`conv1d`] in a signal that begins and ends: `y[f]` is 0 where it is no frame of it. `y[f]` is frame
/// `within[0] + f`, frames are `0..within[1]`; both lie on the device, so that a recorded list of
/// launches holds for every step.
///
/// # Errors
/// As [`conv1d`], and if the convolution is depthwise.
pub fn conv1d_within<D: Device>(
    device: &D,
    conv: &Conv1d<D::Buffer>,
    input: (Slice<'_, D::Buffer, f32>, usize, f32),
    (output, within): (Output<'_, D::Buffer>, Slice<'_, D::Buffer, i64>),
    work: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    if let Taps::Depthwise { .. } = conv.taps {
        return Err(GpuError::Size {
            what: "groups of a convolution within a signal",
            expected: "fewer than channels",
            found: conv.shape.groups,
        });
    }
    convolve(device, conv, input, (output, Some(within)), work)
}

fn convolve<D: Device>(
    device: &D,
    conv: &Conv1d<D::Buffer>,
    (x, frames, slope): (Slice<'_, D::Buffer, f32>, usize, f32),
    (output, within): (Output<'_, D::Buffer>, Within<'_, D::Buffer>),
    work: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let shape = conv.shape;
    let x = x.at_least("x", shape.frames_in(frames) * shape.ins)?;
    match &conv.taps {
        Taps::Groups(matrix) => {
            let (run, apart) = (shape.ins / shape.groups, shape.dilation * shape.ins);
            // Taps that are neighbours are one run.
            let runs = match run == apart {
                true => Runs {
                    run: matrix.ins(),
                    apart: 0,
                },
                false => Runs { run, apart },
            };
            let input = Input {
                x,
                stride: shape.stride * shape.ins,
                rows: frames,
                slope,
            };
            let plan = matrix.plan(device, frames);
            product(device, plan, matrix, (input, runs), (output, within), work)
        }
        Taps::Depthwise { weights, bias } => {
            let Some(last) = frames.checked_sub(1) else {
                return Ok(());
            };
            let channels = shape.outs;
            let y = output.y.at_least("y", last * output.stride + channels)?;
            let (add, add_stride) = match output.add {
                None => (None, 0),
                Some((add, stride)) => {
                    let add = add.at_least("what is added", last * stride + channels)?;
                    (Some(add), stride)
                }
            };
            let [activation, activation_slope] = output.activation.arguments();
            let arguments = [
                x.place(),
                Argument::int(channels)?,
                Argument::int(shape.kernel)?,
                Argument::int(shape.stride)?,
                Argument::int(shape.dilation)?,
                Argument::Float(slope),
                weights.all().place(),
                place_or_null(bias.as_ref().map(Array::all)),
                place_or_null(add),
                Argument::int(add_stride)?,
                y.place(),
                Argument::int(output.stride)?,
                activation,
                activation_slope,
            ];
            device.launch(
                Kernel::Conv1dDepthwise,
                by_rows(frames, channels)?,
                &arguments,
            )
        }
    }
}

//! Transposed convolution, by which a signal gets more frames.

use super::conv1d::Conv1d;
use super::device::Device;
use super::error::GpuError;
use super::matmul::{Precision, exactly};
use crate::cpu::Conv1dShape;

/// A transposed convolution that multiplies frames by `rate`, as a convolution over frames whose
/// outputs are `rate` samples side by side, `[rate, outs]`. Its taps are `kernel / rate`, rounded up;
/// its frame `n` is samples `rate * (n + taps - 1)` and on of the whole transposed convolution, of
/// which sample `t` is the sum over `f` of `w[t - rate * f]` times frame `f`. A stream keeps the last
/// `taps - 1` frames in front of the next, and gets those samples that are complete.
///
/// `weights` is `[ins, outs, kernel]`, `bias` `[outs]`. A kernel that is no multiple of the rate has
/// taps that are 0. Allocates.
///
/// # Errors
/// If a size is 0, a slice is of another length, or there is not enough memory.
pub fn transposed<D: Device>(
    device: &D,
    (ins, outs): (usize, usize),
    (rate, kernel): (usize, usize),
    weights: &[f32],
    bias: &[f32],
    precision: Precision,
) -> Result<Conv1d<D::Buffer>, GpuError> {
    exactly("weights", weights.len(), ins * outs * kernel)?;
    exactly("the bias", bias.len(), outs)?;
    if rate == 0 {
        return Err(GpuError::Size {
            what: "the rate of a transposed convolution",
            expected: "at least 1",
            found: rate,
        });
    }
    let taps = kernel.div_ceil(rate);
    let mut values = vec![0.0; rate * outs * ins * taps];
    for (n, value) in values.iter_mut().enumerate() {
        let (row, i, tap) = (n / (ins * taps), n / taps % ins, n % taps);
        let (j, o) = (row / outs, row % outs);
        let from = rate * (taps - 1 - tap) + j;
        if from < kernel {
            *value = weights[(i * outs + o) * kernel + from];
        }
    }
    let shape = Conv1dShape::new(ins, rate * outs, taps);
    Conv1d::new(device, shape, &values, Some(&bias.repeat(rate)), precision)
}

//! Weights on a device.

use super::super::array::Array;
use super::super::device::Device;
use super::super::error::GpuError;
use super::super::half;
use super::plan::Plan;

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
pub(super) const PITCH: usize = 32;

/// Weights `[outs, ins]` with their bias, on a device.
#[derive(Debug)]
pub struct Matrix<B> {
    pub(super) weights: Weights<B>,
    pub(super) bias: Option<Array<B, f32>>,
    pub(super) groups: usize,
    /// Outputs of a group.
    pub(super) outs: usize,
    pub(super) ins: usize,
}

/// `[groups * outs, ins rounded up to PITCH]`, 0 beyond `ins`.
#[derive(Debug)]
pub(super) enum Weights<B> {
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
    pub(in super::super) fn grouped<D: Device<Buffer = B>>(
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

pub(in super::super) fn exactly(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), GpuError> {
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

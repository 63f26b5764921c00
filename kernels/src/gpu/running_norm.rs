//! Normalisation of every channel over time by statistics that run along with a stream: those of the
//! last seconds in which something was heard.

use super::activation::{Activation, by_rows};
use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::exactly;

/// Channels of a block that sums, as `COLUMNS` in the `.cu`.
const COLUMNS: usize = 32;
/// Threads of the block that has the statistics, as `THREADS` there.
const THREADS: u32 = 512;

/// The weights of such a normalisation on a device.
#[derive(Debug)]
pub struct RunningNorm<B> {
    scale: Array<B, f32>,
    shift: Array<B, f32>,
    memory: f64,
}

/// The statistics of one stream, and memory for them.
#[derive(Debug)]
pub struct Moments<B> {
    /// `[1 + 2 * channels]`: frames they rest on, means, means of squares.
    kept: Array<B, f64>,
    /// `[pieces, 2, channels]`
    sums: Array<B, f64>,
    /// `[pieces, 2, channels]`
    factors: Array<B, f32>,
    pieces: usize,
}

/// How frames are cut into pieces, after each of which the statistics are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// All of them.
    pub frames: usize,
    /// Frames of the first piece; those of the others follow.
    pub first: usize,
    /// Frames of each of the others, but for the last, which has what is left. At least 1.
    pub each: usize,
}

impl Pieces {
    /// Pieces there are: at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        1 + self
            .frames
            .saturating_sub(self.first)
            .div_ceil(self.each.max(1))
    }
}

impl<B> RunningNorm<B> {
    /// From `scale` and `shift`, `[channels]` each, with statistics that remember `memory` frames.
    /// Allocates.
    ///
    /// # Errors
    /// If the slices are of different lengths, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (scale, shift): (&[f32], &[f32]),
        memory: f64,
    ) -> Result<Self, GpuError> {
        exactly("the shift", shift.len(), scale.len())?;
        Ok(Self {
            scale: Array::new(device, scale)?,
            shift: Array::new(device, shift)?,
            memory,
        })
    }

    /// Statistics of one stream that has heard nothing, for up to so many pieces at a time. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn moments<D: Device<Buffer = B>>(
        &self,
        device: &D,
        pieces: usize,
    ) -> Result<Moments<B>, GpuError> {
        let channels = self.scale.len();
        Ok(Moments {
            kept: Array::zeros(device, 1 + 2 * channels)?,
            sums: Array::zeros(device, pieces * 2 * channels)?,
            factors: Array::zeros(device, pieces * 2 * channels)?,
            pieces,
        })
    }

    /// `y = activation((x - mean) / sqrt(variance + 1e-5) * scale + shift)`, mean and variance of each
    /// channel over what was heard up to the end of the piece. A piece as loud as what was heard before
    /// counts in full, one 20 dB below it a hundredth. `x` and `y` are `[frames, channels]` and may be
    /// the same. Three launches.
    ///
    /// # Errors
    /// If a slice is too short, there are more pieces than there is memory for, or a launch fails.
    pub fn apply<D: Device<Buffer = B>>(
        &self,
        device: &D,
        moments: &Moments<B>,
        (x, pieces): (Slice<'_, B, f32>, Pieces),
        activation: Activation,
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let channels = self.scale.len();
        let Pieces {
            frames,
            first,
            each,
        } = pieces;
        if frames == 0 {
            return Ok(());
        }
        let count = pieces.count();
        if each == 0 || moments.pieces < count {
            return Err(GpuError::Size {
                what: "pieces of a step",
                expected: "no more than there is memory for, of at least one frame each",
                found: count,
            });
        }
        let x = x.at_least("x", frames * channels)?;
        let y = y.at_least("y", frames * channels)?;
        let int = Argument::int;
        let arguments = [
            x.place(),
            int(channels)?,
            int(first)?,
            int(each)?,
            int(frames)?,
            moments.sums.all().place(),
        ];
        let blocks = [count, channels.div_ceil(COLUMNS), 1];
        device.launch(Kernel::RunningSums, Grid::new(blocks, 256)?, &arguments)?;
        let arguments = [
            moments.sums.all().place(),
            int(channels)?,
            int(first)?,
            int(each)?,
            int(frames)?,
            int(count)?,
            Argument::Double(self.memory),
            moments.kept.all().place(),
            self.scale.all().place(),
            self.shift.all().place(),
            moments.factors.all().place(),
        ];
        let one = Grid::new([1; 3], THREADS)?;
        device.launch(Kernel::RunningFactors, one, &arguments)?;
        let [number, slope] = activation.arguments();
        let arguments = [
            x.place(),
            int(channels)?,
            int(first)?,
            int(each)?,
            moments.factors.all().place(),
            number,
            slope,
            y.place(),
        ];
        let grid = by_rows(frames, channels)?;
        device.launch(Kernel::RunningApply, grid, &arguments)
    }
}

impl<B> Moments<B> {
    /// As if nothing had been heard: a copy.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset<D: Device<Buffer = B>>(&self, device: &D) -> Result<(), GpuError> {
        self.kept.all().upload(device, &vec![0.0; self.kept.len()])
    }
}

//! What rings and what strikes, apart: medians along time and along frequency, and soft masks of them
//! (Fitzgerald, "Harmonic/Percussive Separation using Median Filtering", DAFx 2010).

use super::activation::flat;
use super::array::Slice;
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;
use crate::cpu::{Along, MOST_REACH};

/// Threads of a block.
const THREADS: usize = 128;
/// Windows of a block are in shared memory, of which it has so much without asking for more.
const _: () = assert!((2 * MOST_REACH + 1) * THREADS * size_of::<f32>() <= 48 << 10);

/// Frames of an array of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spectrogram {
    /// Frames that there are.
    pub frames: usize,
    /// Values of each.
    pub bins: usize,
    /// The first one that a median is wanted of.
    pub first: usize,
    /// How many are.
    pub count: usize,
}

/// As [`crate::cpu::median`]: medians over `reach` values, at most 47, on either side of each value of frames
/// `first` to `first + count`. `x` is `[frames, bins]`, `y` `[count, bins]`. A stream has the past, and what a
/// median looks ahead, in `x`.
///
/// # Errors
/// If it reaches farther, frames are wanted that are not there, a slice is too short, or the launch fails.
pub fn median<D: Device>(
    device: &D,
    along: Along,
    reach: usize,
    (x, shape): (Slice<'_, D::Buffer, f32>, Spectrogram),
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let Spectrogram {
        frames,
        bins,
        first,
        count,
    } = shape;
    if MOST_REACH < reach {
        return Err(GpuError::Size {
            what: "values on either side of a median",
            expected: "at most 47",
            found: reach,
        });
    }
    if frames < first + count {
        return Err(GpuError::Short {
            what: "frames of a spectrogram",
            expected: first + count,
            found: frames,
        });
    }
    let (stride, extent) = match along {
        Along::Time => (bins, frames),
        Along::Frequency => (1, bins),
    };
    let arguments = [
        x.at_least("x", frames * bins)?.place(),
        Argument::int(stride)?,
        Argument::int(extent)?,
        Argument::int(reach)?,
        Argument::int(first * bins)?,
        y.at_least("y", count * bins)?.place(),
        Argument::int(count * bins)?,
    ];
    let grid = Grid {
        shared_bytes: ((2 * reach + 1) * THREADS * size_of::<f32>()) as u32,
        ..Grid::new([(count * bins).div_ceil(THREADS), 1, 1], THREADS as u32)?
    };
    device.launch(Kernel::Median, grid, &arguments)
}

/// Medians of each bin's magnitude along time and along frequency.
#[derive(Debug)]
pub struct Medians<'a, B> {
    /// Of what rings.
    pub along_time: Slice<'a, B, f32>,
    /// Of what strikes.
    pub along_frequency: Slice<'a, B, f32>,
}

/// Spectra, `[any, 2]`, real and imaginary part, in two that add up to them: what rings, by the share `h^2 /
/// (h^2 + p^2)` of a bin's medians along time and along frequency, and what strikes.
///
/// # Errors
/// If a slice is too short, or the launch fails.
pub fn separate<D: Device>(
    device: &D,
    spectra: Slice<'_, D::Buffer, f32>,
    medians: Medians<'_, D::Buffer>,
    [ringing, striking]: [Slice<'_, D::Buffer, f32>; 2],
) -> Result<(), GpuError> {
    let count = spectra.len() / 2;
    let [h, p] = [medians.along_time, medians.along_frequency];
    let arguments = [
        spectra.in_groups_of("spectra", 2)?.place(),
        h.at_least("medians along time", count)?.place(),
        p.at_least("medians along frequency", count)?.place(),
        Argument::int(count)?,
        ringing
            .at_least("what rings", 2 * count)?
            .in_groups_of("what rings", 2)?
            .place(),
        striking
            .at_least("what strikes", 2 * count)?
            .in_groups_of("what strikes", 2)?
            .place(),
    ];
    device.launch(Kernel::Separate, flat(count)?, &arguments)
}

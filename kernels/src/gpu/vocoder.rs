//! The step of a phase vocoder, as [`crate::cpu::PhaseVocoder`].

use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;
use crate::cpu::{Phases, Stretch};

/// Threads of a block.
const THREADS: u32 = 256;

/// The phase vocoders of some streams, with their phases on a device.
#[derive(Debug)]
pub struct PhaseVocoder<B> {
    stretch: Stretch,
    streams: usize,
    /// `[streams, 2, bins, 2]`: the last frame that came and the last that went.
    last: Array<B, f32>,
}

impl<B> PhaseVocoder<B> {
    /// Of so many streams with silence behind them. Frames have a power of two from 16 to 4,096 values.
    /// Allocates.
    ///
    /// # Errors
    /// If they have another number, a hop is 0 or more than a frame, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        stretch: Stretch,
        streams: usize,
    ) -> Result<Self, GpuError> {
        let Stretch {
            size, hop, new_hop, ..
        } = stretch;
        if !(size.is_power_of_two() && (16..=4096).contains(&size)) {
            return Err(GpuError::Size {
                what: "values of a frame",
                expected: "a power of two from 16 to 4096",
                found: size,
            });
        }
        let wrong = [hop, new_hop]
            .into_iter()
            .find(|hop| !(1..=size).contains(hop));
        if let Some(found) = wrong {
            return Err(GpuError::Size {
                what: "values from one frame to the next",
                expected: "at least 1 and at most those of a frame",
                found,
            });
        }
        let last = Array::zeros(device, streams * 4 * stretch.bins())?;
        Ok(Self {
            stretch,
            streams,
            last,
        })
    }

    /// From which hop to which.
    #[must_use]
    pub fn stretch(&self) -> Stretch {
        self.stretch
    }

    /// Begins anew after silence. Allocates.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset<D: Device<Buffer = B>>(&self, device: &D) -> Result<(), GpuError> {
        self.last.all().upload(device, &vec![0.0; self.last.len()])
    }

    /// The next `frames` frames of every stream: `spectra` and `y`, which may be the same, are `[streams,
    /// frames, bins, 2]`, real and imaginary part. Bins are turned and keep their magnitude; what follows
    /// silence keeps its phase.
    ///
    /// # Errors
    /// If a slice is too short, or the launch fails.
    pub fn step<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (spectra, frames): (Slice<'_, B, f32>, usize),
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let Stretch {
            size,
            hop,
            new_hop,
            phases,
        } = self.stretch;
        let bins = self.stretch.bins();
        let values = self.streams * frames * 2 * bins;
        let arguments = [
            spectra
                .at_least("spectra", values)?
                .in_groups_of("spectra", 2)?
                .place(),
            Argument::int(frames)?,
            Argument::int(size.ilog2() as usize)?,
            Argument::int(hop)?,
            Argument::int(new_hop)?,
            Argument::Int(i32::from(phases == Phases::Locked)),
            self.last.all().place(),
            y.at_least("y", values)?.in_groups_of("y", 2)?.place(),
        ];
        // What turns a bin, its power, and the bits of peaks.
        let words = 3 * bins + bins.div_ceil(32);
        let grid = Grid {
            shared_bytes: (size_of::<f32>() * words) as u32,
            ..Grid::new([self.streams, 1, 1], THREADS)?
        };
        device.launch(Kernel::PhaseVocoder, grid, &arguments)
    }
}

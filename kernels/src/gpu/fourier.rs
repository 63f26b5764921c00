//! Spectra of frames and back.

use super::activation::flat;
use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// Threads of a block.
const THREADS: u32 = 128;

/// Windowed transforms of a size, with their window on a device.
#[derive(Debug)]
pub struct Fourier<B> {
    bits: u32,
    window: Array<B, f32>,
}

impl<B> Fourier<B> {
    /// With a window, whose length is that of a frame: a power of two from 16 to 4,096. Allocates.
    ///
    /// # Errors
    /// If it is another, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(device: &D, window: &[f32]) -> Result<Self, GpuError> {
        let size = window.len();
        if !(size.is_power_of_two() && (16..=4096).contains(&size)) {
            return Err(GpuError::Size {
                what: "values of a frame",
                expected: "a power of two from 16 to 4096",
                found: size,
            });
        }
        Ok(Self {
            bits: size.ilog2(),
            window: Array::new(device, window)?,
        })
    }

    /// Values of a frame.
    #[must_use]
    pub fn size(&self) -> usize {
        1 << self.bits
    }

    /// Values of its spectrum, half as many and one.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.size() / 2 + 1
    }

    /// The spectra of `frames` frames, `hop` values apart in `x`: `spectra` is `[frames, bins, 2]`, real
    /// and imaginary part of the sum over `n` of `window[n] * x[n] * exp(-2 pi i k n / size)`.
    ///
    /// # Errors
    /// If a slice is too short, or the launch fails.
    pub fn forward<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (x, hop, frames): (Slice<'_, B, f32>, usize, usize),
        spectra: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let Some(last) = frames.checked_sub(1) else {
            return Ok(());
        };
        let arguments = [
            x.at_least("x", last * hop + self.size())?.place(),
            Argument::int(hop)?,
            self.window.all().place(),
            Argument::int(self.bits as usize)?,
            spectra
                .at_least("spectra", frames * 2 * self.bins())?
                .in_groups_of("spectra", 2)?
                .place(),
        ];
        device.launch(Kernel::Stft, self.grid(frames)?, &arguments)
    }

    /// Windowed frames, `[frames, size]`, of spectra `[frames, bins, 2]`: what [`Self::forward`] took,
    /// times the window once more. Imaginary parts of the first and the last bin count as 0.
    ///
    /// # Errors
    /// If a slice is too short, or the launch fails.
    pub fn backward<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (spectra, frames): (Slice<'_, B, f32>, usize),
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let arguments = [
            spectra
                .at_least("spectra", frames * 2 * self.bins())?
                .in_groups_of("spectra", 2)?
                .place(),
            self.window.all().place(),
            Argument::int(self.bits as usize)?,
            y.at_least("y", frames * self.size())?.place(),
        ];
        device.launch(Kernel::Istft, self.grid(frames)?, &arguments)
    }

    fn grid(&self, frames: usize) -> Result<Grid, GpuError> {
        Ok(Grid {
            shared_bytes: (2 * size_of::<f32>() * self.size()) as u32,
            ..Grid::new([frames, 1, 1], THREADS)?
        })
    }
}

/// `y[n]`, the absolute value of each bin of spectra, `[any, 2]`.
///
/// # Errors
/// If `y` is too short, or the launch fails.
pub fn magnitude<D: Device>(
    device: &D,
    spectra: Slice<'_, D::Buffer, f32>,
    y: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let count = spectra.len() / 2;
    let arguments = [
        spectra.in_groups_of("spectra", 2)?.place(),
        Argument::int(count)?,
        y.at_least("y", count)?.place(),
    ];
    device.launch(Kernel::Magnitude, flat(count)?, &arguments)
}

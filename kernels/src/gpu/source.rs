//! The excitation of a voice: a sine at its pitch where it is voiced, noise where it is not (Wang,
//! Takaki & Yamagishi, "Neural source-filter waveform models for statistical parametric speech
//! synthesis", 2020).

use super::activation::FLAT;
use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;

/// The excitation of one stream, with its phase.
#[derive(Debug)]
pub struct Source<B> {
    rate_hz: f64,
    hop: usize,
    gain: f32,
    offset: f32,
    /// In cycles, below 1.
    phase: Array<B, f64>,
}

impl<B> Source<B> {
    /// For a rate in Hz and samples of a frame; `gain` and `offset` are of the excitation before its
    /// hyperbolic tangent. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (rate_hz, hop): (u32, usize),
        (gain, offset): (f32, f32),
    ) -> Result<Self, GpuError> {
        Ok(Self {
            rate_hz: f64::from(rate_hz),
            hop,
            gain,
            offset,
            phase: Array::zeros(device, 1)?,
        })
    }

    /// Begins anew at phase 0.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset<D: Device<Buffer = B>>(&self, device: &D) -> Result<(), GpuError> {
        self.phase.all().upload(device, &[0.0])
    }

    /// The next frames: `pitch` in Hz, one per frame, 0 where unvoiced; `noise`, normal deviates, and
    /// `y`, one per sample. The sine has an amplitude of 0.1 and noise of a deviation of 0.003 with
    /// it; noise alone has one of 0.1 / 3.
    ///
    /// # Errors
    /// If a slice is too short, or a launch fails.
    pub fn step<D: Device<Buffer = B>>(
        &self,
        device: &D,
        pitch: Slice<'_, B, f32>,
        noise: Slice<'_, B, f32>,
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let (frames, hop) = (pitch.len(), self.hop);
        if frames == 0 {
            return Ok(());
        }
        let period = 1.0 / self.rate_hz;
        let arguments = [
            self.phase.all().place(),
            pitch.place(),
            Argument::int(hop)?,
            Argument::Double(period),
            noise.at_least("noise", frames * hop)?.place(),
            Argument::Float(self.gain),
            Argument::Float(self.offset),
            y.at_least("y", frames * hop)?.place(),
        ];
        let grid = Grid::new([hop.div_ceil(FLAT), frames, 1], FLAT as u32)?;
        device.launch(Kernel::Source, grid, &arguments)?;
        let arguments = [
            self.phase.all().place(),
            pitch.place(),
            Argument::int(frames)?,
            Argument::int(hop)?,
            Argument::Double(period),
        ];
        device.launch(Kernel::SourceAdvance, Grid::new([1; 3], 1)?, &arguments)
    }
}

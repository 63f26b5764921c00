//! Signals of one rate become signals of another, as [`crate::cpu::resample`].

use super::activation::flat;
use super::array::{Array, Slice};
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::exactly;
use crate::cpu::Polyphase;

/// A stream of some channels, with its filter and its past on a device.
#[derive(Debug)]
pub struct Resampler<B> {
    filter: Polyphase,
    table: Array<B, f32>,
    channels: usize,
    /// The last `taps - 1` frames.
    past: Array<B, f32>,
    /// The next frame out, in `up`ths of a frame in after the next frame in.
    start: usize,
}

impl<B> Resampler<B> {
    /// With silence behind it. Allocates.
    ///
    /// # Errors
    /// If there are no channels, or not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        filter: Polyphase,
        channels: usize,
    ) -> Result<Self, GpuError> {
        if channels == 0 {
            return Err(GpuError::Size {
                what: "channels of a stream",
                expected: "at least 1",
                found: 0,
            });
        }
        Ok(Self {
            table: Array::new(device, filter.table())?,
            past: Array::zeros(device, (filter.taps() - 1) * channels)?,
            filter,
            channels,
            start: 0,
        })
    }

    /// Begins anew after silence. Allocates.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset<D: Device<Buffer = B>>(&mut self, device: &D) -> Result<(), GpuError> {
        self.start = 0;
        self.past.all().upload(device, &vec![0.0; self.past.len()])
    }

    /// The filter.
    #[must_use]
    pub fn filter(&self) -> &Polyphase {
        &self.filter
    }

    /// How many frames the next step gives for so many.
    #[must_use]
    pub fn outputs(&self, frames: usize) -> usize {
        self.filter.outputs(self.start, frames)
    }

    /// The next frames: `x` is `[frames, channels]` and as long as that, `y` `[outputs, channels]`. After `n`
    /// frames in all, `ceil(n * up / down)` have come out, late by [`Polyphase::delay`]. A step can be
    /// recorded if every step has as many frames, of which `down` is a divisor: no other begins where the
    /// last did.
    ///
    /// # Errors
    /// If `x` is no whole frames, `y` is too short, there are 2^31 places between frames or more, or a launch
    /// fails.
    pub fn step<D: Device<Buffer = B>>(
        &mut self,
        device: &D,
        x: Slice<'_, B, f32>,
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let (filter, channels) = (&self.filter, self.channels);
        let frames = x.len() / channels;
        exactly("x, whole frames", x.len(), frames * channels)?;
        let kept = filter.taps() - 1;
        let count = self.outputs(frames) * channels;
        // The last place that is computed.
        Argument::<B>::int(self.start + self.outputs(frames) * filter.down())?;
        let arguments = [
            self.past.all().place(),
            Argument::int(kept)?,
            x.place(),
            Argument::int(channels)?,
            self.table.all().place(),
            Argument::int(filter.up())?,
            Argument::int(filter.down())?,
            Argument::int(filter.taps())?,
            Argument::int(self.start)?,
            y.at_least("y", count)?.place(),
            Argument::int(count)?,
        ];
        device.launch(Kernel::Resample, flat(count)?, &arguments)?;
        let arguments = [
            self.past.all().place(),
            Argument::int(kept * channels)?,
            x.place(),
            Argument::int(frames * channels)?,
        ];
        let moved = kept.min(frames) * channels;
        device.launch(Kernel::ResampleKeep, flat(moved)?, &arguments)?;
        let filter = &self.filter;
        self.start += self.outputs(frames) * filter.down();
        self.start -= frames * filter.up();
        Ok(())
    }
}

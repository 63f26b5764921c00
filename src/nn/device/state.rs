//! The memory of one stream on a device. Any thread that may wait; allocates at construction only.

use std::sync::Arc;

use autovoice_kernels::gpu::{Array, Device, GpuError, Lines, Slice, mask_rows};

use super::copy;
use super::layout::{Instant, Instants, Layout, Line, ROW};
use crate::nn::Bounds;
use crate::units::Frames;

/// The past and the newest of all signals of a stream, and which instant it is.
#[derive(Debug)]
pub struct State<B> {
    /// Shared by all streams of one layout.
    lines: Arc<Lines<B>>,
    instants: Arc<Instants>,
    values: Array<B, f32>,
    /// `[instants + 1, 2]`: of each signal the instant of its newest frames, and its end. The last is of
    /// a signal without a frame.
    within: Array<B, i64>,
    /// What is copied there.
    now: Vec<i64>,
}

impl<B> State<B> {
    /// For what was planned. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(device: &D, layout: Layout) -> Result<Self, GpuError> {
        let (lines, len, instants) = layout.done();
        let lines = Arc::new(Lines::new(device, lines)?);
        Self::of(device, (lines, len), Arc::new(instants))
    }

    /// One more of the same layout, of another stream. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another<D: Device<Buffer = B>>(&self, device: &D) -> Result<Self, GpuError> {
        let lines = (self.lines.clone(), self.values.len());
        Self::of(device, lines, self.instants.clone())
    }

    fn of<D: Device<Buffer = B>>(
        device: &D,
        (lines, len): (Arc<Lines<B>>, usize),
        instants: Arc<Instants>,
    ) -> Result<Self, GpuError> {
        let now = vec![0; 2 * (instants.len() + 1)];
        Ok(Self {
            values: Array::zeros(device, len)?,
            within: Array::new(device, &now)?,
            lines,
            instants,
            now,
        })
    }

    /// Forgets the past: one launch.
    ///
    /// # Errors
    /// If it fails.
    pub fn reset<D: Device<Buffer = B>>(&self, device: &D) -> Result<(), GpuError> {
        let never = self.within.all().since(2 * self.instants.len())?;
        let rows = self.values.len() / ROW;
        mask_rows(device, (self.values.all(), rows, ROW), (never, 1))
    }

    /// Becomes what another of the same layout is, but for its instant: one launch.
    ///
    /// # Errors
    /// If it is of another size, or the launch fails.
    pub fn resume<D: Device<Buffer = B>>(&self, device: &D, other: &Self) -> Result<(), GpuError> {
        copy(device, other.values.all(), self.values.all())
    }

    /// Tells the device which instant it is, and where the signal ends, both in frames of the stream: one
    /// copy. It holds until the next.
    ///
    /// # Errors
    /// If the device fails.
    pub fn enter<D: Device<Buffer = B>>(
        &mut self,
        device: &D,
        at: i64,
        bounds: Bounds,
    ) -> Result<(), GpuError> {
        let pairs = self.now.chunks_exact_mut(2);
        for (now, pair) in pairs.zip(self.instants.at(at, bounds)) {
            now.copy_from_slice(&pair);
        }
        self.within.all().upload(device, &self.now)
    }

    /// The place of the newest frames of a line, and what follows them.
    ///
    /// # Errors
    /// If it is a line of another layout.
    pub fn newest(&self, line: Line) -> Result<Slice<'_, B, f32>, GpuError> {
        self.since(line, 0)
    }

    /// All that follows the frame `back` frames before the first of the newest.
    ///
    /// # Errors
    /// If that is beyond the history, or it is a line of another layout.
    pub fn since(&self, line: Line, back: Frames) -> Result<Slice<'_, B, f32>, GpuError> {
        let at = line.since(back).ok_or(GpuError::Size {
            what: "frames looked back",
            expected: "no more than are kept",
            found: back,
        })?;
        self.values.all().since(at)
    }

    /// An instant, as convolutions and masks take it.
    ///
    /// # Errors
    /// If it is one of another layout.
    pub fn within(&self, instant: Instant) -> Result<Slice<'_, B, i64>, GpuError> {
        self.within.all().since(2 * instant.0)
    }

    /// Makes the newest of all lines, `frames` frames of the stream, and those before them, the history:
    /// one launch.
    ///
    /// # Errors
    /// If it fails.
    pub fn advance<D: Device<Buffer = B>>(
        &self,
        device: &D,
        frames: Frames,
    ) -> Result<(), GpuError> {
        self.lines.advance(device, self.values.all(), frames)
    }
}

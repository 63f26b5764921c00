//! One layer of the body on a device: attention that remembers, then two linear layers.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Array, Device, GpuError, RingAttention, Rows, Slice, attend_ring};

use super::stage::{Norm, gelu, linear, plain};
use crate::model::content::ContentConfig;
use crate::nn::Scope;
use crate::nn::device::{Build, Conv1d, DeviceError, Instant, Step, Target};
use crate::units::Frames;

/// See the module.
#[derive(Debug)]
pub(super) struct Layer<B> {
    /// Queries, keys and values side by side.
    project: Conv1d<B>,
    out: Conv1d<B>,
    after_attention: Norm<B>,
    widen: Conv1d<B>,
    narrow: Conv1d<B>,
    after_feed_forward: Norm<B>,
    heads: usize,
    /// When the first frame of a step is.
    at: Instant,
}

/// What a layer has said of the frames decided on.
#[derive(Debug)]
pub(super) struct Rings<B> {
    /// `[ring, hidden]`
    keys: Array<B, f32>,
    /// `[ring, hidden]`
    values: Array<B, f32>,
    ring: Frames,
}

/// Memory that all layers use, one after the other.
#[derive(Debug)]
pub(super) struct Rooms<'a, B> {
    /// `[most, hidden]`
    pub x: Slice<'a, B, f32>,
    /// `[most, 3 * hidden]`
    pub projected: Slice<'a, B, f32>,
    /// `[most, hidden]`
    pub mixed: Slice<'a, B, f32>,
    /// `[most, filter]`
    pub wide: Slice<'a, B, f32>,
}

// Not derived: a buffer need not be what a reference to it is.
impl<B> Clone for Rooms<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Rooms<'_, B> {}

impl<B> Layer<B> {
    /// For steps of at most `most` frames, the first of them at `at`. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &ContentConfig,
        (most, at): (Frames, Instant),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let ContentConfig { hidden, filter, .. } = *config;
        let attention = weights.part("attention");
        let (mut w, mut bias) = (Vec::new(), Vec::new());
        for name in ["q_proj", "k_proj", "v_proj"] {
            let part = attention.part(name);
            w.extend_from_slice(part.get("weight", &[hidden, hidden])?);
            bias.extend_from_slice(part.get("bias", &[hidden])?);
        }
        let shape = Conv1dShape::new(hidden, 3 * hidden, 1);
        let project = build.conv1d((shape, most), &w, &bias)?;
        let feed = weights.part("feed_forward");
        let (device, around) = (build.device, (hidden, hidden, most));
        let (widen, narrow) = (feed.part("intermediate_dense"), feed.part("output_dense"));
        Ok(Self {
            project,
            out: linear(build, around, &attention.part("out_proj"))?,
            after_attention: Norm::new(device, hidden, &weights.part("layer_norm"))?,
            widen: linear(build, (hidden, filter, most), &widen)?,
            narrow: linear(build, (filter, hidden, most), &narrow)?,
            after_feed_forward: Norm::new(device, hidden, &weights.part("final_layer_norm"))?,
            heads: config.heads,
            at,
        })
    }

    /// Over the frames of a step, in place: seven launches, more where sums are cut.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        rooms: Rooms<'_, B>,
        rings: &Rings<B>,
    ) -> Result<(), GpuError> {
        let Step { device, frames, .. } = *step;
        let hidden = self.out.shape().outs;
        let x = rooms.x;
        let more = || Target {
            add: Some((x, hidden)),
            ..plain(x)
        };
        let projected = plain(rooms.projected);
        self.project.run(step, (x, frames, 1.0), projected)?;
        let attention = RingAttention {
            projected: rooms.projected,
            frames,
            at: step.state.within(self.at)?,
            keys: rings.keys.all(),
            values: rings.values.all(),
            ring: rings.ring,
            heads: self.heads,
            depth: hidden / self.heads,
        };
        let y = Rows {
            values: rooms.mixed,
            stride: hidden,
        };
        attend_ring(device, &attention, y)?;
        self.out.run(step, (rooms.mixed, frames, 1.0), more())?;
        self.after_attention.apply(device, x, frames)?;
        self.widen.run(step, (x, frames, 1.0), gelu(rooms.wide))?;
        self.narrow.run(step, (rooms.wide, frames, 1.0), more())?;
        self.after_feed_forward.apply(device, x, frames)
    }
}

impl<B> Rings<B> {
    /// Of so many frames. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (ring, hidden): (Frames, usize),
    ) -> Result<Self, GpuError> {
        Ok(Self {
            keys: Array::zeros(device, ring * hidden)?,
            values: Array::zeros(device, ring * hidden)?,
            ring,
        })
    }
}

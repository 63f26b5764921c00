//! One layer of the body on a device: attention that remembers, then two linear layers.

use autovoice_kernels::gpu::{
    Activation, Array, Device, GpuError, RingAttention, Rows, attend_ring,
};

use crate::model::content::ContentConfig;
use crate::nn::Scope;
use crate::nn::device::{
    Build, Conv1d, DeviceError, Instant, LayerNorm, Rooms, Step, Target, linear, projections,
};
use crate::units::Frames;

/// See the module.
#[derive(Debug)]
pub(super) struct Layer<B> {
    /// Queries, keys and values side by side.
    project: Conv1d<B>,
    out: Conv1d<B>,
    after_attention: LayerNorm<B>,
    widen: Conv1d<B>,
    narrow: Conv1d<B>,
    after_feed_forward: LayerNorm<B>,
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
        let parts = ["q_proj", "k_proj", "v_proj"].map(|name| attention.part(name));
        let project = projections(build, (hidden, most), (parts, &[hidden, hidden]))?;
        let feed = weights.part("feed_forward");
        let (device, around) = (build.device, (hidden, hidden, most));
        let (widen, narrow) = (feed.part("intermediate_dense"), feed.part("output_dense"));
        Ok(Self {
            project,
            out: linear(build, around, &attention.part("out_proj"))?,
            after_attention: LayerNorm::new(device, hidden, &weights.part("layer_norm"))?,
            widen: linear(build, (hidden, filter, most), &widen)?,
            narrow: linear(build, (filter, hidden, most), &narrow)?,
            after_feed_forward: LayerNorm::new(device, hidden, &weights.part("final_layer_norm"))?,
            heads: config.heads,
            at,
        })
    }

    /// Over the frames of a step, in place: seven launches, more where sums are cut.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        rooms: &Rooms<B>,
        rings: &Rings<B>,
    ) -> Result<(), GpuError> {
        let Step { device, frames, .. } = *step;
        let hidden = self.out.shape().outs;
        let (x, mixed, wide) = (rooms.x.all(), rooms.mixed.all(), rooms.wide.all());
        let more = || Target {
            add: Some((x, hidden)),
            ..Target::plain(x)
        };
        let projected = Target::plain(rooms.projected.all());
        self.project.run(step, (x, frames, 1.0), projected)?;
        let attention = RingAttention {
            projected: rooms.projected.all(),
            frames,
            at: step.state.within(self.at)?,
            keys: rings.keys.all(),
            values: rings.values.all(),
            ring: rings.ring,
            heads: self.heads,
            depth: hidden / self.heads,
        };
        let y = Rows {
            values: mixed,
            stride: hidden,
        };
        attend_ring(device, &attention, y)?;
        self.out.run(step, (mixed, frames, 1.0), more())?;
        self.after_attention.apply(device, (x, frames), x)?;
        let widened = Target::activated(wide, Activation::Gelu);
        self.widen.run(step, (x, frames, 1.0), widened)?;
        self.narrow.run(step, (wide, frames, 1.0), more())?;
        self.after_feed_forward.apply(device, (x, frames), x)
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

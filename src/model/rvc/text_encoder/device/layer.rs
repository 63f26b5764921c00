//! One layer of the text encoder on a device: attention, then two convolutions.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Activation, Array, Attention, Device, GpuError, Near, Rows, attend};

use crate::model::rvc::RvcConfig;
use crate::model::rvc::text_encoder::REACH;
use crate::nn::Scope;
use crate::nn::device::{
    Build, Conv1d, DeviceError, Instant, LayerNorm, Rooms, Step, Target, projections,
};
use crate::units::Frames;

/// See the module.
#[derive(Debug)]
pub(super) struct Layer<B> {
    /// Queries, keys and values side by side.
    project: Conv1d<B>,
    out: Conv1d<B>,
    heads: usize,
    /// `[reach, depth]`
    relative_keys: Array<B, f32>,
    relative_values: Array<B, f32>,
    reach: usize,
    after_attention: LayerNorm<B>,
    widen: Conv1d<B>,
    narrow: Conv1d<B>,
    after_feed_forward: LayerNorm<B>,
    at: Instant,
}

impl<B> Layer<B> {
    /// Of the part `encoder`, for frames that are inside of a window at `at`. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &RvcConfig,
        (n, at): (usize, Instant),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let RvcConfig { hidden, filter, .. } = *config;
        let depth = hidden / config.heads;
        let most = build.layout.most();
        let attention = weights.part("attn_layers").part(n);
        let parts = ["conv_q", "conv_k", "conv_v"].map(|name| attention.part(name));
        let project = projections(build, (hidden, most), (parts, &[hidden, hidden, 1]))?;
        // The reach of the relative positions is read off the weights.
        let shape = attention.shape("emb_rel_k");
        let reach = shape.and_then(|shape| shape.get(1).copied());
        let reach = reach.unwrap_or(REACH);
        let positions = [1, reach, depth];
        let feed = weights.part("ffn_layers").part(n);
        let mut conv = |part: Scope, ins: usize, outs: usize, kernel: usize| {
            let weight = part.get("weight", &[outs, ins, kernel])?;
            let shape = Conv1dShape::new(ins, outs, kernel);
            let bias = part.get("bias", &[outs])?;
            Ok::<_, DeviceError>(build.conv1d((shape, most), weight, bias)?)
        };
        let out = conv(attention.part("conv_o"), hidden, hidden, 1)?;
        let widen = conv(feed.part("conv_1"), hidden, filter, config.kernel)?;
        let narrow = conv(feed.part("conv_2"), filter, hidden, config.kernel)?;
        let device = build.device;
        let norm = |name: &str| {
            let part = weights.part(name).part(n);
            LayerNorm::named(device, hidden, ("gamma", "beta"), &part)
        };
        Ok(Self {
            project,
            out,
            heads: config.heads,
            relative_keys: Array::new(device, attention.get("emb_rel_k", &positions)?)?,
            relative_values: Array::new(device, attention.get("emb_rel_v", &positions)?)?,
            reach,
            after_attention: norm("norm_layers_1")?,
            widen,
            narrow,
            after_feed_forward: norm("norm_layers_2")?,
            at,
        })
    }

    /// Over the frames of a window, in place. `x` and `wide` have as many frames of silence in front as a
    /// convolution looks back. Seven launches, more where sums are cut.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        rooms: &Rooms<B>,
    ) -> Result<(), GpuError> {
        let Step { device, frames, .. } = *step;
        let (before, hidden) = (self.widen.lag(), self.out.shape().outs);
        let (room, mixed) = (rooms.x.all(), rooms.mixed.all());
        let x = room.since(before * hidden)?;
        let projected = Target::plain(rooms.projected.all());
        self.project.run(step, (x, frames, 1.0), projected)?;
        self.attend(device, frames, rooms)?;
        // As many frames more as the next layer looks ahead: they are outside, and so silence.
        let more = frames + before;
        let target = Target {
            add: Some((x, hidden)),
            ..Target::within(x, self.at)
        };
        self.out.run(step, (mixed, more, 1.0), target)?;
        self.after_attention.apply(device, (x, frames), x)?;

        let wide = rooms.wide.all().since(before * self.widen.shape().outs)?;
        let target = Target {
            activation: Activation::Relu,
            ..Target::within(wide, self.at)
        };
        self.widen.run(step, (room, more, 1.0), target)?;
        let target = Target {
            add: Some((x, hidden)),
            ..Target::plain(x)
        };
        self.narrow
            .run(step, (rooms.wide.all(), frames, 1.0), target)?;
        self.after_feed_forward.apply(device, (x, frames), x)
    }

    fn attend<D: Device<Buffer = B>>(
        &self,
        device: &D,
        frames: Frames,
        rooms: &Rooms<B>,
    ) -> Result<(), GpuError> {
        let hidden = self.out.shape().outs;
        let (stride, projected) = (3 * hidden, rooms.projected.all());
        let attention = Attention {
            queries: Rows {
                values: projected,
                stride,
            },
            keys: projected.since(hidden)?,
            values: projected.since(2 * hidden)?,
            stride,
            frames,
            count: frames,
            heads: self.heads,
            depth: hidden / self.heads,
            near: Some(Near {
                keys: self.relative_keys.all(),
                values: self.relative_values.all(),
                reach: self.reach,
            }),
        };
        let y = Rows {
            values: rooms.mixed.all(),
            stride: hidden,
        };
        attend(device, &attention, y)
    }
}

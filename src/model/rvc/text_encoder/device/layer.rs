//! One layer of the text encoder on a device: attention, then two convolutions.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{
    Activation, Array, Attention, Device, GpuError, Near, Rows, Slice, attend, layer_norm,
};

use crate::model::rvc::RvcConfig;
use crate::model::rvc::text_encoder::REACH;
use crate::nn::Scope;
use crate::nn::device::{Build, Conv1d, DeviceError, Instant, Step, Target};
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
    after_attention: Norm<B>,
    widen: Conv1d<B>,
    narrow: Conv1d<B>,
    after_feed_forward: Norm<B>,
    at: Instant,
}

/// Scale and shift of normalised frames.
#[derive(Debug)]
struct Norm<B> {
    scale: Array<B, f32>,
    shift: Array<B, f32>,
}

/// Memory that all layers use, one after the other. `x` and `wide` have as many frames of silence in front
/// as a convolution looks back.
#[derive(Debug)]
pub(super) struct Rooms<'a, B> {
    /// `[room, hidden]`
    pub x: Slice<'a, B, f32>,
    /// `[room, 3 * hidden]`
    pub projected: Slice<'a, B, f32>,
    /// `[room, hidden]`
    pub mixed: Slice<'a, B, f32>,
    /// `[room, filter]`
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
        let (mut w, mut bias) = (Vec::new(), Vec::new());
        for name in ["conv_q", "conv_k", "conv_v"] {
            let part = attention.part(name);
            w.extend_from_slice(part.get("weight", &[hidden, hidden, 1])?);
            bias.extend_from_slice(part.get("bias", &[hidden])?);
        }
        let shape = Conv1dShape::new(hidden, 3 * hidden, 1);
        let project = build.conv1d((shape, most), &w, &bias)?;
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
        Ok(Self {
            project,
            out,
            heads: config.heads,
            relative_keys: Array::new(device, attention.get("emb_rel_k", &positions)?)?,
            relative_values: Array::new(device, attention.get("emb_rel_v", &positions)?)?,
            reach,
            after_attention: Norm::new(device, hidden, &weights.part("norm_layers_1").part(n))?,
            widen,
            narrow,
            after_feed_forward: Norm::new(device, hidden, &weights.part("norm_layers_2").part(n))?,
            at,
        })
    }

    /// Over the frames of a window, in place: seven launches, more where sums are cut.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        rooms: Rooms<'_, B>,
    ) -> Result<(), GpuError> {
        let Step { device, frames, .. } = *step;
        let (before, hidden) = (self.widen.lag(), self.out.shape().outs);
        let x = rooms.x.since(before * hidden)?;
        let plain = |y| Target {
            y,
            at: None,
            activation: Activation::None,
            add: None,
        };
        self.project
            .run(step, (x, frames, 1.0), plain(rooms.projected))?;
        self.attend(device, frames, rooms)?;
        // As many frames more as the next layer looks ahead: they are outside, and so silence.
        let more = frames + before;
        let target = Target {
            add: Some((x, hidden)),
            ..Target::within(x, self.at)
        };
        self.out.run(step, (rooms.mixed, more, 1.0), target)?;
        self.after_attention.apply(device, x, frames)?;

        let wide = rooms.wide.since(before * self.widen.shape().outs)?;
        let target = Target {
            activation: Activation::Relu,
            ..Target::within(wide, self.at)
        };
        self.widen.run(step, (rooms.x, more, 1.0), target)?;
        let target = Target {
            add: Some((x, hidden)),
            ..plain(x)
        };
        self.narrow.run(step, (rooms.wide, frames, 1.0), target)?;
        self.after_feed_forward.apply(device, x, frames)
    }

    fn attend<D: Device<Buffer = B>>(
        &self,
        device: &D,
        frames: Frames,
        rooms: Rooms<'_, B>,
    ) -> Result<(), GpuError> {
        let hidden = self.out.shape().outs;
        let stride = 3 * hidden;
        let attention = Attention {
            queries: Rows {
                values: rooms.projected,
                stride,
            },
            keys: rooms.projected.since(hidden)?,
            values: rooms.projected.since(2 * hidden)?,
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
            values: rooms.mixed,
            stride: hidden,
        };
        attend(device, &attention, y)
    }
}

impl<B> Norm<B> {
    fn new<D: Device<Buffer = B>>(
        device: &D,
        channels: usize,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        Ok(Self {
            scale: Array::new(device, weights.get("gamma", &[channels])?)?,
            shift: Array::new(device, weights.get("beta", &[channels])?)?,
        })
    }

    fn apply<D: Device<Buffer = B>>(
        &self,
        device: &D,
        x: Slice<'_, B, f32>,
        frames: Frames,
    ) -> Result<(), GpuError> {
        layer_norm(device, (x, frames), self.scale.all(), self.shift.all(), x)
    }
}

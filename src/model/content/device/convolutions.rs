//! The layers of the front on a device.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{
    Activation, Device, GpuError, Moments, RunningNorm, Slice, shift_rows,
};

use super::front::Plan;
use crate::model::content::front::{CONVS, MEMORY};
use crate::model::content::{ContentConfig, HOP};
use crate::nn::Scope;
use crate::nn::device::{Build, Conv1d, DeviceError, LayerNorm, Line, State, Step, Target, linear};
use crate::units::Frames;

/// Convolutions.
pub(super) const COUNT: usize = CONVS.len();

/// See the module.
#[derive(Debug)]
pub(super) struct Layers<B> {
    pub convs: Vec<Conv1d<B>>,
    pub over_time: RunningNorm<B>,
    norm: LayerNorm<B>,
    pub project: Conv1d<B>,
    /// What each convolution hears, and what comes out in the end.
    pub lines: Vec<Signal>,
    pub work_len: usize,
}

/// A signal between two layers.
#[derive(Debug)]
pub(super) struct Signal {
    pub line: Line,
    pub channels: usize,
    /// Its frames to a hop.
    rate: usize,
    /// The most frames of its past that are seen again.
    pub history: Frames,
}

impl<B> Layers<B> {
    /// That remember so many of the frames they gave. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &ContentConfig,
        kept: Frames,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let layers = weights.part("feature_extractor").part("conv_layers");
        let (channels, hops) = (config.conv, build.layout.most());
        let mut convs = Vec::new();
        let mut lines = Vec::new();
        let mut rate = HOP;
        for (n, (kernel, stride)) in CONVS.into_iter().enumerate() {
            let ins = if n == 0 { 1 } else { channels };
            let shape = Conv1dShape {
                stride,
                ..Conv1dShape::new(ins, channels, kernel)
            };
            let part = layers.part(n).part("conv");
            let w = part.get("weight", &[channels, ins, kernel])?;
            let bias = part.get_or_zeros("bias", &[channels])?;
            lines.push(Signal::new(build, (ins, rate), kernel - 1));
            rate /= stride;
            convs.push(build.conv1d((shape, rate * hops), w, &bias)?);
        }
        let over_time = layers.part(0).part("layer_norm");
        let scale = over_time.get("weight", &[channels])?;
        let shift = over_time.get("bias", &[channels])?;
        let projection = weights.part("feature_projection");
        let (device, hidden) = (build.device, config.hidden);
        lines.push(Signal::new(build, (hidden, rate), kept));
        let shape = (channels, hidden, hops);
        Ok(Self {
            over_time: RunningNorm::new(device, (scale, shift), MEMORY)?,
            norm: LayerNorm::new(device, channels, &projection.part("layer_norm"))?,
            project: linear(build, shape, &projection.part("projection"))?,
            work_len: build.work_len,
            convs,
            lines,
        })
    }

    /// What a step launches, up to the frames it completes.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        plan: &Plan,
        (moments, seen): (&Moments<B>, Slice<'_, B, f32>),
    ) -> Result<(), GpuError> {
        let heard = |n: usize| step.state.since(self.lines[n].line, plan.held[n]);
        let newest = |n: usize| step.state.newest(self.lines[n].line);
        for (n, conv) in self.convs.iter().enumerate() {
            let y = if n + 1 < COUNT { newest(n + 1)? } else { seen };
            let activation = match n {
                0 => Activation::None,
                _ => Activation::Gelu,
            };
            let target = Target::activated(y, activation);
            conv.run(step, (heard(n)?, plan.new[n + 1], 1.0), target)?;
            if n == 0 {
                let (x, to) = ((y, plan.pieces), Activation::Gelu);
                self.over_time.apply(step.device, moments, x, to, y)?;
            }
        }
        self.norm.apply(step.device, (seen, step.frames), seen)?;
        let y = Target::plain(newest(COUNT)?);
        self.project.run(step, (seen, step.frames, 1.0), y)
    }

    /// Whether a step moves all signals by as many hops.
    pub fn is_even(&self, plan: &Plan) -> bool {
        let mut lines = self.lines.iter().zip(plan.new);
        lines.all(|(signal, new)| new == plan.completed() * signal.rate)
    }

    /// Makes what was new the past: one launch, or one for each signal. What was new stays in its place until
    /// the next step.
    pub fn advance<D: Device<Buffer = B>>(
        &self,
        device: &D,
        state: &State<B>,
        plan: &Plan,
    ) -> Result<(), GpuError> {
        if self.is_even(plan) {
            return state.advance(device, plan.completed());
        }
        let mut lines = self.lines.iter().zip(plan.new);
        lines.try_for_each(|(signal, new)| {
            let all = state.since(signal.line, signal.history)?;
            let kept = if new == 0 { 0 } else { signal.history };
            shift_rows(device, (all, signal.channels), (kept, new))
        })
    }
}

impl Signal {
    fn new<D: Device>(
        build: &mut Build<'_, D>,
        (channels, rate): (usize, usize),
        history: Frames,
    ) -> Self {
        Self {
            line: build.layout.line(channels, rate, history),
            channels,
            rate,
            history,
        }
    }
}

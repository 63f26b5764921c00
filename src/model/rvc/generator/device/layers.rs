//! The layers of the generator on a device: weights, and where in a stream's memory signals lie. What all
//! streams of a voice share.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Activation, Device, GpuError, Slice, mask_rows};

use super::stage::Stage;
use crate::model::rvc::RvcConfig;
use crate::model::rvc::config::OUTER_TAPS;
use crate::model::rvc::generator::LAST_SLOPE;
use crate::nn::Scope;
use crate::nn::device::{Build, Condition, Conv1d, DeviceError, Instant, Line, Step, Target};
use crate::nn::weight_norm::folded;
use crate::units::Frames;

/// See the module.
#[derive(Debug)]
pub(super) struct Layers<B> {
    pub latent: (Line, Instant),
    pub source: Option<Line>,
    pre: Conv1d<B>,
    pre_at: Instant,
    pub condition: Condition<B>,
    stages: Vec<Stage<B>>,
    last: Line,
    post: Conv1d<B>,
    pub inter: usize,
    pub hop: usize,
    pub most: Frames,
    pub lag: usize,
    pub work_len: usize,
}

impl<B> Layers<B> {
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &RvcConfig,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let first = config.upsample_initial;
        let pre_shape = Conv1dShape::new(config.inter, first, OUTER_TAPS);
        let pre = same(build, (pre_shape, 1), &weights.part("conv_pre"))?;
        let latent = build.layout.line(config.inter, 1, OUTER_TAPS - 1);
        let latent = (latent, build.layout.instant(1, 0));
        let pre_at = build.layout.instant(1, pre.lag());
        let part = weights.part("cond");
        let condition = match config.gin {
            0 => Condition::new(build, 0, &[], vec![0.0; first])?,
            gin => {
                let bias = part.get("bias", &[first])?.to_vec();
                Condition::new(build, gin, part.get("weight", &[first, gin, 1])?, bias)?
            }
        };
        let mut stages: Vec<Stage<B>> = Vec::with_capacity(config.upsample_rates.len());
        let (mut rate, mut late) = (1, pre.lag());
        for index in 0..config.upsample_rates.len() {
            let stage = Stage::new(build, config, index, (rate, late), weights)?;
            (rate, late) = (stage.rate(), stage.late);
            stages.push(stage);
        }
        let furthest = stages.iter().filter_map(Stage::source_back).max();
        let hop = config.hop();
        let source = furthest.map(|back| build.layout.line(1, hop, back));
        let channels = first >> config.upsample_rates.len();
        let post_shape = Conv1dShape::new(channels, 1, OUTER_TAPS);
        let post = same(build, (post_shape, rate), &weights.part("conv_post"))?;
        Ok(Self {
            lag: late + post.lag(),
            last: build.layout.line(channels, rate, OUTER_TAPS - 1),
            most: build.layout.most(),
            work_len: build.work_len,
            inter: config.inter,
            latent,
            source,
            pre,
            pre_at,
            condition,
            stages,
            post,
            hop,
        })
    }

    /// Values of what the blocks of the widest stage give for a step.
    pub fn planes_len(&self) -> usize {
        let lens = self.stages.iter().map(|s| s.planes_len(self.most));
        lens.max().unwrap_or(0)
    }

    /// Whether a step may have so many frames.
    pub fn fits(&self, frames: Frames) -> Result<(), GpuError> {
        match frames <= self.most {
            true => Ok(()),
            false => Err(GpuError::Size {
                what: "frames of a step",
                expected: "no more than the generator was built for",
                found: frames,
            }),
        }
    }

    /// The launches of a step: from the newest latent and source to the sound. `planes` is work memory,
    /// [`Self::planes_len`] values.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        offset: Slice<'_, B, f32>,
        planes: Slice<'_, B, f32>,
        sound: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let (state, frames) = (step.state, step.frames);
        // What is given beyond the end is not heard.
        let (latent, at) = self.latent;
        let here = (state.within(at)?, 1);
        mask_rows(
            step.device,
            (state.newest(latent)?, frames, self.inter),
            here,
        )?;
        if let Some(source) = self.source {
            mask_rows(step.device, (state.newest(source)?, frames, self.hop), here)?;
        }
        let input = |index: usize| {
            let line = self
                .stages
                .get(index)
                .map_or(self.last, |stage| stage.input);
            state.newest(line)
        };
        let window = state.since(latent, 2 * self.pre.lag())?;
        let target = Target {
            add: Some((offset, 0)),
            ..Target::within(input(0)?, self.pre_at)
        };
        self.pre.run(step, (window, frames, 1.0), target)?;
        for (index, stage) in self.stages.iter().enumerate() {
            stage.run(step, self.source, planes, input(index + 1)?)?;
        }
        let window = state.since(self.last, 2 * self.post.lag())?;
        let target = Target::activated(sound, Activation::Tanh);
        let samples = frames * self.hop;
        self.post.run(step, (window, samples, LAST_SLOPE), target)?;
        state.advance(step.device, frames)
    }
}

/// A convolution of `rate` frames to one of the stream.
pub(super) fn same<D: Device>(
    build: &mut Build<'_, D>,
    (shape, rate): (Conv1dShape, usize),
    weights: &Scope,
) -> Result<Conv1d<D::Buffer>, DeviceError> {
    let w = folded(weights, &[shape.outs, shape.ins, shape.kernel], 0)?;
    let bias = weights.get_or_zeros("bias", &[shape.outs])?;
    let most = build.layout.most() * rate;
    Ok(build.conv1d((shape, most), &w, &bias)?)
}

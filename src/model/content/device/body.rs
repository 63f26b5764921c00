//! The body on a device: frames to content. Its twin is [`crate::model::content::Body`].
//!
//! A step is given frames to decide on and frames to look at. Behind them the convolution for places sees
//! silence: what a longer step before left there is cleared.

use std::sync::Arc;

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Activation, Array, Device, GpuError, Precision, Slice, mask_rows};

use super::layer::{Layer, Rings};
use crate::model::content::body::{BACK, GROUPS, TAPS, ring};
use crate::model::content::{ContentConfig, Output, Reach};
use crate::nn::device::{
    Build, Conv1d, DeviceError, LayerNorm, Line, Recorded, Rooms, State, Step, Target, copy,
    exactly, linear,
};
use crate::nn::weight_norm::folded;
use crate::nn::{Bounds, Scope};
use crate::units::Frames;

/// The attention layers with the state of one stream. Streams made by [`Self::another`] share their
/// weights.
pub struct Body<D: Device> {
    there: There<D::Buffer>,
    recorded: Recorded<D::Recording>,
    /// Frames decided on.
    decided: i64,
    /// Frames behind the decided ones that hold something.
    filled: Frames,
}

/// What lies on the device.
struct There<B> {
    layers: Arc<Layers<B>>,
    state: State<B>,
    /// Of each layer.
    rings: Vec<Rings<B>>,
    rooms: Rooms<B>,
    /// `[most, outs]`; of none where all that was heard is given.
    out: Array<B, f32>,
    work: Array<B, f32>,
    /// The bounds of a signal without a frame.
    nothing: Array<B, i64>,
}

/// What all streams share.
#[derive(Debug)]
struct Layers<B> {
    places: Conv1d<B>,
    norm: LayerNorm<B>,
    layers: Vec<Layer<B>>,
    project: Option<Conv1d<B>>,
    /// What goes in.
    input: Line,
    reach: Reach,
    filter: usize,
    work_len: usize,
}

impl<D: Device> Body<D> {
    /// From the weights of an encoder, for what is taken from it and how far a stream looks, kept in a
    /// precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &ContentConfig,
        (output, reach, precision): (Output, Reach, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        // As many frames behind those of a step as the convolution sees silence.
        let mut build = Build::new(device, reach.most + BACK, precision);
        let layers = Layers::new(&mut build, config, (output, reach), weights)?;
        let state = State::new(device, build.layout)?;
        Ok(Self::of(There::new(device, Arc::new(layers), state)?))
    }

    /// Another stream with the same weights, at its beginning. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: &D) -> Result<Self, GpuError> {
        let There { layers, state, .. } = &self.there;
        let there = There::new(device, layers.clone(), state.another(device)?)?;
        Ok(Self::of(there))
    }

    fn of(there: There<D::Buffer>) -> Self {
        Self {
            there,
            recorded: Recorded::default(),
            decided: 0,
            filled: 0,
        }
    }

    /// Values of a frame that goes in.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.there.layers.hidden()
    }

    /// Values of a frame that comes out.
    #[must_use]
    pub fn outs(&self) -> usize {
        let project = self.there.layers.project.as_ref();
        project.map_or(self.ins(), |project| project.shape().outs)
    }

    /// Forgets the past.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        (self.decided, self.filled) = (0, 0);
        self.there.state.reset(device)
    }

    /// Decides on the first `decided` of the frames of `x`, `[frames, hidden]`, looking at the others.
    /// Gives all of them in `y`, `[frames, outs]`. Two copies to the device, launches that depend on the
    /// numbers of frames alone, and one copy back; a launch more where there are fewer frames than before.
    ///
    /// # Errors
    /// If there are more frames than was built for, or fewer than `decided`, a slice is of another length,
    /// or the device fails.
    pub fn step(
        &mut self,
        device: &D,
        (x, decided): (&[f32], Frames),
        y: &mut [f32],
    ) -> Result<(), GpuError> {
        let frames = x.len() / self.ins();
        exactly("values of frames", x.len(), frames * self.ins())?;
        exactly("values of content", y.len(), frames * self.outs())?;
        self.enter(device, (frames, decided))?;
        let there = &self.there;
        there.newest()?.upload(device, x)?;
        let key = frames * (there.layers.reach.most + 1) + decided;
        let run = &mut || there.run(device, frames, decided);
        self.recorded.run(device, key, run)?;
        self.given().download(device, y)
    }

    /// Goes on to the next frames: what is copied to the device before [`Self::run`], but for the frames
    /// themselves. Clears what a longer step left behind them.
    pub(super) fn enter(
        &mut self,
        device: &D,
        (frames, decided): (Frames, Frames),
    ) -> Result<(), GpuError> {
        if self.there.layers.reach.most < frames || frames < decided {
            return Err(GpuError::Size {
                what: "frames of a step",
                expected: "as many as are decided on, and no more than the body was built for",
                found: frames,
            });
        }
        let width = self.ins();
        if frames < self.filled {
            let rest = self.there.newest()?.since(frames * width)?;
            let stale = (rest, self.filled - frames, width);
            mask_rows(device, stale, (self.there.nothing.all(), 1))?;
        }
        self.filled = frames;
        let state = &mut self.there.state;
        state.enter(device, self.decided, Bounds::OPEN)?;
        self.decided += decided as i64;
        Ok(())
    }

    /// Takes the frames of a step, `[frames, hidden]`, from elsewhere on the device: one launch.
    pub(super) fn take(&self, device: &D, x: Slice<'_, D::Buffer, f32>) -> Result<(), GpuError> {
        copy(device, x, self.there.newest()?)
    }

    /// What a step launches.
    pub(super) fn run(&self, device: &D, frames: Frames, decided: Frames) -> Result<(), GpuError> {
        self.there.run(device, frames, decided)
    }

    /// What a step gave, `[frames, outs]`.
    pub(super) fn given(&self) -> Slice<'_, D::Buffer, f32> {
        match self.there.layers.project {
            None => self.there.rooms.x.all(),
            Some(_) => self.there.out.all(),
        }
    }
}

impl<B> There<B> {
    fn new<D: Device<Buffer = B>>(
        device: &D,
        layers: Arc<Layers<B>>,
        state: State<B>,
    ) -> Result<Self, GpuError> {
        let (most, hidden) = (layers.reach.most, layers.hidden());
        let outs = layers.project.as_ref().map_or(0, |p| p.shape().outs);
        let rings = layers.layers.iter();
        Ok(Self {
            rings: rings
                .map(|_| Rings::new(device, (ring(layers.reach), hidden)))
                .collect::<Result<_, _>>()?,
            rooms: Rooms::new(device, most, (hidden, layers.filter))?,
            out: Array::zeros(device, most * outs)?,
            work: Array::zeros(device, layers.work_len)?,
            nothing: Array::zeros(device, 2)?,
            state,
            layers,
        })
    }

    /// The place of the frames of a step.
    fn newest(&self) -> Result<Slice<'_, B, f32>, GpuError> {
        self.state.newest(self.layers.input)
    }

    fn run<D: Device<Buffer = B>>(
        &self,
        device: &D,
        frames: Frames,
        decided: Frames,
    ) -> Result<(), GpuError> {
        let step = Step {
            device,
            state: &self.state,
            work: self.work.all(),
            frames,
        };
        let memory = (&self.rooms, &self.rings[..]);
        self.layers.run(&step, memory, self.out.all())?;
        self.state.advance(device, decided)
    }
}

impl<B> Layers<B> {
    fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &ContentConfig,
        (output, reach): (Output, Reach),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let (hidden, most) = (config.hidden, reach.most);
        let encoder = weights.part("encoder");
        let part = encoder.part("pos_conv_embed").part("conv");
        // The length is that of each tap, over all channels.
        let w = folded(&part, &[hidden, hidden / GROUPS, TAPS], 2)?;
        let shape = Conv1dShape {
            groups: GROUPS,
            ..Conv1dShape::new(hidden, hidden, TAPS)
        };
        let at = build.layout.instant(1, 0);
        let input = build.layout.line(hidden, 1, BACK);
        let places = build.conv1d((shape, most), &w, part.get("bias", &[hidden])?)?;
        // A smaller encoder has fewer layers.
        let layers = (0..output.layers.min(config.layers))
            .map(|n| Layer::new(build, config, (most, at), &encoder.part("layers").part(n)))
            .collect::<Result<_, _>>()?;
        let last = weights.part("final_proj");
        let project = match output.is_projected {
            false => None,
            true => Some(linear(build, (hidden, config.projected, most), &last)?),
        };
        Ok(Self {
            norm: LayerNorm::new(build.device, hidden, &encoder.part("layer_norm"))?,
            filter: config.filter,
            work_len: build.work_len,
            places,
            layers,
            project,
            input,
            reach,
        })
    }

    fn hidden(&self) -> usize {
        self.places.shape().outs
    }

    fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        (rooms, rings): (&Rooms<B>, &[Rings<B>]),
        out: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let Step { device, frames, .. } = *step;
        let x = rooms.x.all();
        let heard = step.state.since(self.input, BACK)?;
        let target = Target {
            add: Some((step.state.newest(self.input)?, self.hidden())),
            ..Target::activated(x, Activation::Gelu)
        };
        self.places.run(step, (heard, frames, 1.0), target)?;
        self.norm.apply(device, (x, frames), x)?;
        for (layer, rings) in self.layers.iter().zip(rings) {
            layer.run(step, rooms, rings)?;
        }
        match &self.project {
            None => Ok(()),
            Some(project) => project.run(step, (x, frames, 1.0), Target::plain(out)),
        }
    }
}

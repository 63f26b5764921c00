//! The generator on a device: the twin of [`super::Generator`], with the same names, part by part. Any
//! thread that may wait.
//!
//! Windows and lags are those of the twin. Where a signal begins and ends is seen to by the convolutions
//! themselves, residual sums too, so that a layer is one launch, or two where its sum is cut.

mod block;
mod layers;
mod stage;

use std::sync::Arc;

use autovoice_kernels::gpu::{Array, Device, GpuError, Precision, Slice};

use crate::model::rvc::RvcConfig;
use crate::nn::device::{Build, DeviceError, Offset, Recorded, State, Step, exactly};
use crate::nn::{Bounds, Scope};
use crate::units::Frames;
use layers::Layers;

/// A generator with the state of one stream. Streams made by [`Self::another`] share its weights.
pub struct Generator<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    state: State<D::Buffer>,
    /// What the speaker adds, `[upsample_initial]`.
    offset: Offset<D::Buffer>,
    work: Array<D::Buffer, f32>,
    planes: Array<D::Buffer, f32>,
    sound: Array<D::Buffer, f32>,
    /// Instant of the next latent frame.
    at: i64,
    recorded: Recorded<D::Recording>,
}

impl<D: Device> Generator<D> {
    /// From the part `dec` of a voice, for steps of at most `most` frames, with weights kept in a
    /// precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &RvcConfig,
        (most, precision): (Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let mut build = Build::new(device, most, precision);
        let layers = Layers::new(&mut build, config, weights)?;
        let state = State::new(device, build.layout)?;
        Ok(Self::of(device, Arc::new(layers), state)?)
    }

    /// Another stream of the same voice, at its beginning, with the speaker that the weights alone say.
    /// Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: &D) -> Result<Self, GpuError> {
        Self::of(device, self.layers.clone(), self.state.another(device)?)
    }

    fn of(
        device: &D,
        layers: Arc<Layers<D::Buffer>>,
        state: State<D::Buffer>,
    ) -> Result<Self, GpuError> {
        Ok(Self {
            offset: layers.condition.offset(device)?,
            work: Array::zeros(device, layers.work_len)?,
            planes: Array::zeros(device, layers.planes_len())?,
            sound: Array::zeros(device, layers.most * layers.hop)?,
            at: 0,
            state,
            layers,
            recorded: Recorded::default(),
        })
    }

    /// Samples by which the sound lags the latent frames.
    #[must_use]
    pub fn lag(&self) -> usize {
        self.layers.lag
    }

    /// Sets the speaker by its embedding, `[gin]`.
    ///
    /// # Errors
    /// If it is of another length, or the device fails.
    pub fn set_speaker(&mut self, device: &D, embedding: &[f32]) -> Result<(), GpuError> {
        let condition = &self.layers.condition;
        condition.set(device, embedding, &self.offset, self.work.all())
    }

    /// Begins anew at frame 0.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        self.at = 0;
        self.state.reset(device)
    }

    /// Takes the next `n` frames: `z` `[n, inter]` and `source` `[n * hop]`, empty for a voice without
    /// pitch. Gives as many samples, `y` `[n * hop]`, those [`Self::lag`] before. What the frames hold
    /// beyond the end of `bounds` (in frames) is not heard. Two or three copies to the device, launches
    /// that depend on `n` alone, and one copy back.
    ///
    /// # Errors
    /// If `n` is more than was built for, a slice is of another length, or the device fails.
    pub fn step(
        &mut self,
        device: &D,
        (z, source): (&[f32], &[f32]),
        bounds: Bounds,
        y: &mut [f32],
    ) -> Result<(), GpuError> {
        let Layers { inter, hop, .. } = *self.layers;
        let frames = y.len() / hop;
        exactly("samples of sound", y.len(), frames * hop)?;
        exactly("values of the latent", z.len(), frames * inter)?;
        self.enter(device, frames, source, bounds)?;
        self.latent()?.upload(device, z)?;
        self.sing(device, frames)?;
        self.sound.all().download(device, y)
    }

    /// Goes on to the next frames: what is copied to the device before [`Self::run`], but for the latent.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub(in crate::model::rvc) fn enter(
        &mut self,
        device: &D,
        frames: Frames,
        source: &[f32],
        bounds: Bounds,
    ) -> Result<(), GpuError> {
        let layers = &self.layers;
        layers.fits(frames)?;
        let samples = layers.source.map_or(0, |_| frames * layers.hop);
        exactly("samples of the source", source.len(), samples)?;
        if let Some(line) = layers.source {
            self.state.newest(line)?.upload(device, source)?;
        }
        self.state.enter(device, self.at, bounds)?;
        self.at += frames as i64;
        Ok(())
    }

    /// Goes to where another stream of this generator is, at the end of its signal: what is copied to the
    /// device before [`Self::follow`] and [`Self::run`].
    ///
    /// # Errors
    /// If the device fails.
    pub(in crate::model::rvc) fn enter_beyond(
        &mut self,
        device: &D,
        other: &Self,
    ) -> Result<(), GpuError> {
        self.at = other.at;
        let end = Bounds { end: self.at };
        self.state.enter(device, self.at, end)
    }

    /// Takes over the past and the speaker of another stream of this generator. Launches alone.
    ///
    /// # Errors
    /// If it is of another voice, or a launch fails.
    pub(in crate::model::rvc) fn follow(&self, device: &D, other: &Self) -> Result<(), GpuError> {
        self.state.resume(device, &other.state)?;
        self.offset.resume(device, &other.offset)
    }

    /// Where the latent of a step begins, `[frames, inter]`.
    ///
    /// # Errors
    /// Never in practice: it is a line of this generator.
    pub(in crate::model::rvc) fn latent(&self) -> Result<Slice<'_, D::Buffer, f32>, GpuError> {
        self.state.newest(self.layers.latent.0)
    }

    /// What would follow if the latent ended here: `y` of the next frames, at most as many as a step has.
    /// `copy` is another stream of this generator, for this alone.
    ///
    /// # Errors
    /// If they are more, `copy` is of another voice, or the device fails.
    pub fn beyond(&self, device: &D, copy: &mut Self, y: &mut [f32]) -> Result<(), GpuError> {
        let frames = y.len() / self.layers.hop;
        exactly("samples of sound", y.len(), frames * self.layers.hop)?;
        self.layers.fits(frames)?;
        copy.enter_beyond(device, self)?;
        copy.follow(device, self)?;
        copy.sing(device, frames)?;
        copy.sound.all().download(device, y)
    }

    /// What a step does on the device, between the copies, its sound to `y`. Launches alone, which depend on
    /// the number of frames and on nothing else.
    ///
    /// # Errors
    /// If `y` is too short, or a launch fails.
    pub(in crate::model::rvc) fn run(
        &self,
        device: &D,
        frames: Frames,
        y: Slice<'_, D::Buffer, f32>,
    ) -> Result<(), GpuError> {
        let step = Step {
            device,
            state: &self.state,
            work: self.work.all(),
            frames,
        };
        let planes = self.planes.all();
        self.layers.run(&step, self.offset.values(), planes, y)
    }

    /// [`Self::run`], recorded.
    fn sing(&mut self, device: &D, frames: Frames) -> Result<(), GpuError> {
        let mut recorded = std::mem::take(&mut self.recorded);
        let run = &mut || self.run(device, frames, self.sound.all());
        let done = recorded.run(device, frames, run);
        self.recorded = recorded;
        done
    }
}

//! The generator on a device: the twin of [`super::Generator`], with the same names, part by part. Any
//! thread that may wait.
//!
//! Windows and lags are those of the twin. Where a signal begins and ends is seen to by the convolutions
//! themselves, residual sums too, so that a layer is one launch, or two where its sum is cut.

mod block;
mod layers;
mod stage;

use std::sync::Arc;

use autovoice_kernels::gpu::{Array, Device, GpuError, Precision};

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
        let layers = &self.layers;
        let frames = y.len() / layers.hop;
        exactly("samples of sound", y.len(), frames * layers.hop)?;
        exactly("values of the latent", z.len(), frames * layers.inter)?;
        let samples = layers.source.map_or(0, |_| y.len());
        exactly("samples of the source", source.len(), samples)?;
        layers.fits(frames)?;
        self.state.newest(layers.latent.0)?.upload(device, z)?;
        if let Some(line) = layers.source {
            self.state.newest(line)?.upload(device, source)?;
        }
        self.state.enter(device, self.at, bounds)?;
        self.sing(device, frames)?;
        self.at += frames as i64;
        self.sound.all().download(device, y)
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
        copy.state.resume(device, &self.state)?;
        copy.offset.resume(device, &self.offset)?;
        copy.at = self.at;
        let end = Bounds { end: self.at };
        copy.state.enter(device, self.at, end)?;
        copy.sing(device, frames)?;
        copy.sound.all().download(device, y)
    }

    /// What a step does on the device, between the copies.
    fn sing(&mut self, device: &D, frames: Frames) -> Result<(), GpuError> {
        let step = Step {
            device,
            state: &self.state,
            work: self.work.all(),
            frames,
        };
        let offset = self.offset.values();
        let (planes, sound) = (self.planes.all(), self.sound.all());
        let layers = &self.layers;
        let sing = &mut || layers.run(&step, offset, planes, sound);
        self.recorded.run(device, frames, sing)
    }
}

//! A voice's networks on a device, from content to sound: the twin of [`super::Synthesizer`] as far as
//! streams need it. Any thread that may wait.

use std::sync::Arc;

use autovoice_kernels::gpu::{Device, GpuError, Precision};

use super::{DeviceFlow, DeviceGenerator, DeviceTextEncoder, RvcConfig, Spans, draw};
use crate::nn::device::{DeviceError, exactly};
use crate::nn::{Bounds, Scope};
use crate::units::Frames;

/// What is to be sung in one step.
#[derive(Clone, Copy, Debug)]
pub struct Phrase<'a> {
    /// Of the text encoder's window, `[window, 256 or 768]`.
    pub features: &'a [f32],
    /// One per frame of the window; of no meaning for a voice without pitch.
    pub coarse: &'a [u8],
    /// Frames of the window that are only looked back at.
    pub past: Frames,
    /// Of the others, those decided on.
    pub decided: Frames,
    /// Normal deviates, `[window - past, inter]`.
    pub noise: &'a [f32],
    /// The excitation of the frames decided on, one per sample; empty for a voice without pitch.
    pub source: &'a [f32],
}

/// What comes of it.
#[derive(Debug)]
pub struct Sounding<'a> {
    /// Drawn from the prior, `[window - past, inter]`.
    pub prior: &'a mut [f32],
    /// After the flow, `[window - past, inter]`; final are those decided on.
    pub latent: &'a mut [f32],
    /// The sound of the frames decided on, as late as the generator is.
    pub sound: &'a mut [f32],
    /// What would follow if the latent ended here, in samples; may be empty.
    pub beyond: &'a mut [f32],
}

/// A voice that sings somewhere else: on a device, or what stands for one.
pub trait Remote: Send {
    /// Begins anew at frame 0. The speaker stays.
    ///
    /// # Errors
    /// If the device fails.
    fn reset(&mut self) -> Result<(), GpuError>;

    /// Sets the speaker by their embedding, `[gin]`.
    ///
    /// # Errors
    /// If the device fails.
    fn set_speaker(&mut self, embedding: &[f32]) -> Result<(), GpuError>;

    /// Sings the next frames.
    ///
    /// # Errors
    /// If slices do not fit each other, or the device fails; then it must begin anew, if it can.
    fn sing(&mut self, phrase: Phrase<'_>, y: Sounding<'_>) -> Result<(), GpuError>;
}

/// A voice's networks on a device, with the state of one stream. Those made by [`Self::another`] share the
/// weights.
pub struct DeviceSynthesizer<D: Device> {
    device: D,
    config: Arc<RvcConfig>,
    text: DeviceTextEncoder<D>,
    flow: DeviceFlow<D>,
    generator: DeviceGenerator<D>,
    /// Sings what would follow.
    beyond: DeviceGenerator<D>,
    /// Frames of a step of the generator, at most.
    most: Frames,
    stats: Vec<f32>,
}

impl<D: Device> DeviceSynthesizer<D> {
    /// From the weights of a voice, kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit the sizes, or there is not enough memory.
    pub fn new(
        device: D,
        config: &RvcConfig,
        spans: Spans,
        precision: Precision,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let part = |name| weights.part(name);
        let sizes = |frames| (frames, precision);
        let text = DeviceTextEncoder::new(&device, config, sizes(spans.window), &part("enc_p"))?;
        let flow = DeviceFlow::new(&device, config, sizes(spans.flow), &part("flow"))?;
        let most = sizes(spans.generator);
        let generator = DeviceGenerator::new(&device, config, most, &part("dec"))?;
        let beyond = generator.another(&device)?;
        // Other streams, which share the weights, wait for nothing of this one.
        device.synchronize()?;
        Ok(Self {
            beyond,
            stats: vec![0.0; 2 * config.inter * spans.flow],
            most: spans.generator,
            config: Arc::new(config.clone()),
            text,
            flow,
            generator,
            device,
        })
    }

    /// Another stream of the same voice, at its beginning, by another stream of the same device.
    /// Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: D) -> Result<Self, GpuError> {
        Ok(Self {
            text: self.text.another(&device)?,
            flow: self.flow.another(&device)?,
            generator: self.generator.another(&device)?,
            beyond: self.generator.another(&device)?,
            most: self.most,
            stats: vec![0.0; self.stats.len()],
            config: self.config.clone(),
            device,
        })
    }

    fn generate(&mut self, z: &[f32], source: &[f32], y: &mut [f32]) -> Result<(), GpuError> {
        let (inter, hop) = (self.config.inter, self.config.hop());
        let mut source = source.chunks(self.most * hop);
        let z = z.chunks(self.most * inter);
        for (z, y) in z.zip(y.chunks_mut(self.most * hop)) {
            let heard = (z, source.next().unwrap_or_default());
            self.generator.step(&self.device, heard, Bounds::OPEN, y)?;
        }
        Ok(())
    }
}

impl<D: Device + Send> Remote for DeviceSynthesizer<D>
where
    D::Buffer: Send + Sync,
    D::Recording: Send,
{
    fn reset(&mut self) -> Result<(), GpuError> {
        self.flow.reset(&self.device)?;
        self.generator.reset(&self.device)
    }

    fn set_speaker(&mut self, embedding: &[f32]) -> Result<(), GpuError> {
        self.flow.set_speaker(&self.device, embedding)?;
        self.generator.set_speaker(&self.device, embedding)
    }

    /// What is drawn is drawn here, between two copies: few values, and the same as on the CPU.
    fn sing(&mut self, phrase: Phrase<'_>, y: Sounding<'_>) -> Result<(), GpuError> {
        let RvcConfig { inter, .. } = *self.config;
        let seen = phrase.coarse.len().saturating_sub(phrase.past);
        let values = seen * inter;
        exactly("normal deviates", phrase.noise.len(), values)?;
        exactly("values of the prior", y.prior.len(), values)?;
        if self.stats.len() < 2 * values || seen < phrase.decided {
            return Err(GpuError::Size {
                what: "frames of a step",
                expected: "as many as are decided on, and no more than the voice was built for",
                found: seen,
            });
        }
        let stats = &mut self.stats[..2 * values];
        let window = (phrase.features, phrase.coarse);
        self.text
            .forward(&self.device, window, phrase.past, stats)?;
        draw(stats, inter, phrase.noise, y.prior);
        let heard = (&*y.prior, phrase.decided);
        self.flow
            .step(&self.device, heard, Bounds::OPEN, y.latent)?;
        let decided = &y.latent[..phrase.decided * inter];
        exactly(
            "samples of sound",
            y.sound.len(),
            phrase.decided * self.config.hop(),
        )?;
        self.generate(decided, phrase.source, y.sound)?;
        if y.beyond.is_empty() {
            return Ok(());
        }
        self.generator
            .beyond(&self.device, &mut self.beyond, y.beyond)
    }
}

//! A voice's networks on a device, from content to sound: the twin of [`super::Synthesizer`] as far as
//! streams need it. Any thread that may wait.
//!
//! A hop is one recording: all that it is made of is copied to the device before, and all that comes of it
//! in one copy after, so that the device is waited for once. Only a hop of more frames than the generator
//! takes at a time, which nobody waits to hear, is as many recordings as it takes.

use std::sync::Arc;

use autovoice_kernels::gpu::{Array, Device, GpuError, Precision, draw};

use super::synthesizer::TEMPERATURE;
use super::{DeviceFlow, DeviceGenerator, DeviceTextEncoder, RvcConfig, Spans};
use crate::nn::device::{DeviceError, Recorded, copy, exactly};
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
    spans: Spans,
    /// Normal deviates, `[flow, inter]`.
    noise: Array<D::Buffer, f32>,
    /// What goes back: prior, latent, sound, and what would follow, one behind the other.
    given: Array<D::Buffer, f32>,
    /// What has come from there.
    taken: Vec<f32>,
    recorded: Recorded<D::Recording, Turn>,
}

/// A hop, or a piece of one, by all that its launches depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    window: Frames,
    past: Frames,
    decided: Frames,
    /// The first frame that the generator sings in it, and how many.
    sung: (Frames, Frames),
    /// Frames that would follow.
    beyond: Frames,
}

impl Turn {
    /// A hop in pieces of at most so many frames for the generator. What would follow is of the last.
    fn pieces(self, most: Frames) -> impl Iterator<Item = Self> {
        (0..self.decided).step_by(most).map(move |from| {
            let count = most.min(self.decided - from);
            let beyond = match from + count == self.decided {
                true => self.beyond,
                false => 0,
            };
            Self {
                sung: (from, count),
                beyond,
                ..self
            }
        })
    }

    fn seen(&self) -> Frames {
        self.window - self.past
    }
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
        let made = Self::of(
            device,
            (text, flow, generator),
            Arc::new(config.clone()),
            spans,
        )?;
        // Other streams, which share the weights, wait for nothing of this one.
        made.device.synchronize()?;
        Ok(made)
    }

    /// Another stream of the same voice, at its beginning, by another stream of the same device.
    /// Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: D) -> Result<Self, GpuError> {
        let networks = (
            self.text.another(&device)?,
            self.flow.another(&device)?,
            self.generator.another(&device)?,
        );
        Self::of(device, networks, self.config.clone(), self.spans)
    }

    fn of(
        device: D,
        (text, flow, generator): (DeviceTextEncoder<D>, DeviceFlow<D>, DeviceGenerator<D>),
        config: Arc<RvcConfig>,
        spans: Spans,
    ) -> Result<Self, GpuError> {
        let values = spans.flow * config.inter;
        let samples = (spans.flow + spans.generator) * config.hop();
        let given = 2 * values + samples;
        Ok(Self {
            beyond: generator.another(&device)?,
            noise: Array::zeros(&device, values)?,
            given: Array::zeros(&device, given)?,
            taken: vec![0.0; given],
            recorded: Recorded::default(),
            text,
            flow,
            generator,
            spans,
            config,
            device,
        })
    }

    /// As [`Remote::reset`].
    ///
    /// # Errors
    /// As there.
    pub fn reset(&mut self) -> Result<(), GpuError> {
        self.flow.reset(&self.device)?;
        self.generator.reset(&self.device)
    }

    /// As [`Remote::set_speaker`].
    ///
    /// # Errors
    /// As there.
    pub fn set_speaker(&mut self, embedding: &[f32]) -> Result<(), GpuError> {
        self.flow.set_speaker(&self.device, embedding)?;
        self.generator.set_speaker(&self.device, embedding)
    }

    /// As [`Remote::sing`]: copies to the device, one launch of all networks, and one copy back.
    ///
    /// # Errors
    /// As there.
    pub fn sing(&mut self, phrase: Phrase<'_>, y: Sounding<'_>) -> Result<(), GpuError> {
        let hop = self.hop(&phrase, &y)?;
        let device = &self.device;
        let window = (phrase.features, phrase.coarse);
        self.text.enter(device, window, phrase.past)?;
        self.noise.all().upload(device, phrase.noise)?;
        let frames = (hop.seen(), hop.decided);
        self.flow.enter(device, frames, Bounds::OPEN)?;
        let most = self.spans.generator.max(1);
        let mut source = phrase.source.chunks(most * self.config.hop());
        for piece in hop.pieces(most) {
            let source = source.next().unwrap_or_default();
            let (device, frames) = (&self.device, piece.sung.1);
            self.generator.enter(device, frames, source, Bounds::OPEN)?;
            if 0 < piece.beyond {
                self.beyond.enter_beyond(device, &self.generator)?;
            }
            let mut recorded = std::mem::take(&mut self.recorded);
            let done = recorded.run(&self.device, piece, &mut || self.run(&piece));
            self.recorded = recorded;
            done?;
        }
        let mut rest = &mut self.taken[..2 * y.prior.len() + y.sound.len() + y.beyond.len()];
        self.given.all().download(&self.device, rest)?;
        for y in [y.prior, y.latent, y.sound, y.beyond] {
            let (its, others) = rest.split_at_mut(y.len());
            y.copy_from_slice(its);
            rest = others;
        }
        Ok(())
    }

    /// What is to be done, if all fits.
    fn hop(&self, phrase: &Phrase<'_>, y: &Sounding<'_>) -> Result<Turn, GpuError> {
        let (inter, hop) = (self.config.inter, self.config.hop());
        let (window, decided) = (phrase.coarse.len(), phrase.decided);
        let seen = window.saturating_sub(phrase.past);
        if self.spans.flow < seen || seen < decided || decided == 0 {
            return Err(GpuError::Size {
                what: "frames of a step",
                expected: "at least one decided on, and no more than the voice was built for",
                found: seen,
            });
        }
        let beyond = y.beyond.len() / hop;
        let samples = if self.config.has_pitch {
            decided * hop
        } else {
            0
        };
        for (what, found, expected) in [
            ("normal deviates", phrase.noise.len(), seen * inter),
            ("samples of the source", phrase.source.len(), samples),
            ("values of the prior", y.prior.len(), seen * inter),
            ("values of the latent", y.latent.len(), seen * inter),
            ("samples of sound", y.sound.len(), decided * hop),
            (
                "samples of what would follow",
                y.beyond.len(),
                beyond.min(self.spans.generator) * hop,
            ),
        ] {
            exactly(what, found, expected)?;
        }
        Ok(Turn {
            window,
            past: phrase.past,
            decided,
            sung: (0, decided),
            beyond,
        })
    }

    /// What is done on the device, between the copies. Launches alone, which depend on the turn and on
    /// nothing else.
    fn run(&self, turn: &Turn) -> Result<(), GpuError> {
        let (device, given) = (&self.device, self.given.all());
        let (inter, hop) = (self.config.inter, self.config.hop());
        let (seen, (from, count)) = (turn.seen(), turn.sung);
        let values = seen * inter;
        let latent = self.flow.frames();
        if from == 0 {
            self.text.run(device, turn.window, turn.past)?;
            let prior = given.first(values)?;
            let noise = (self.noise.all(), TEMPERATURE);
            draw(device, (seen, inter), self.text.stats(), noise, prior)?;
            copy(device, prior, latent)?;
            self.flow.run(device, seen, turn.decided)?;
            copy(device, latent.first(values)?, given.since(values)?)?;
        }
        let z = latent.since(from * inter)?.first(count * inter)?;
        copy(device, z, self.generator.latent()?)?;
        let sound = given.since(2 * values)?;
        self.generator
            .run(device, count, sound.since(from * hop)?)?;
        if turn.beyond == 0 {
            return Ok(());
        }
        self.beyond.follow(device, &self.generator)?;
        let follows = sound.since(turn.decided * hop)?;
        self.beyond.run(device, turn.beyond, follows)
    }
}

impl<D: Device + Send> Remote for DeviceSynthesizer<D>
where
    D::Buffer: Send + Sync,
    D::Recording: Send,
{
    fn reset(&mut self) -> Result<(), GpuError> {
        self.reset()
    }

    fn set_speaker(&mut self, embedding: &[f32]) -> Result<(), GpuError> {
        self.set_speaker(embedding)
    }

    fn sing(&mut self, phrase: Phrase<'_>, y: Sounding<'_>) -> Result<(), GpuError> {
        self.sing(phrase, y)
    }
}

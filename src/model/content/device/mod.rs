//! The content encoder on a device: the twin of [`super::Front`] and [`super::Body`], each by itself, and
//! one behind the other. Any thread that may wait.

mod body;
mod convolutions;
mod front;
mod layer;

use autovoice_kernels::gpu::{Device, GpuError, Precision, Slice};

use super::{ContentConfig, Loudness, Output, Reach};
use crate::nn::Scope;
use crate::nn::device::{DeviceError, Recorded, exactly};
use crate::units::Frames;
pub use body::Body;
pub use front::Front;
use front::{Plan, most_frames};

/// What a stream of the encoder hears, and what is taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// What is taken.
    pub output: Output,
    /// The most samples of 16 kHz of a step.
    pub samples: usize,
    /// Frames after an instant that are heard before it is decided on.
    pub ahead: Frames,
    /// Frames of the past that attention sees beside those of a step.
    pub past: Frames,
}

/// Front and body with the state of one stream: from sound to content, without a way back in between.
/// Streams made by [`Self::another`] share its weights.
pub struct Encoder<D: Device> {
    front: Front<D>,
    body: Body<D>,
    ahead: Frames,
    recorded: Recorded<D::Recording>,
}

/// What a step of an encoder does.
pub(in crate::model) struct Turn {
    plan: Plan,
    frames: Frames,
    decided: Frames,
}

impl Turn {
    /// What tells its launches from those of others, where they are to be recorded.
    pub(in crate::model) fn key(&self) -> Option<usize> {
        self.plan.key
    }
}

impl<D: Device> Encoder<D> {
    /// From weights under the names of transformers' `HubertModel`, kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &ContentConfig,
        (hearing, precision): (Hearing, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let Hearing {
            output,
            samples,
            ahead,
            past,
        } = hearing;
        let front = Front::new(device, config, (samples, ahead, precision), weights)?;
        let reach = Reach {
            most: most_frames(samples) + ahead,
            past,
        };
        Ok(Self {
            body: Body::new(device, config, (output, reach, precision), weights)?,
            front,
            ahead,
            recorded: Recorded::default(),
        })
    }

    /// Another stream with the same weights, at its beginning. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: &D) -> Result<Self, GpuError> {
        Ok(Self {
            front: self.front.another(device)?,
            body: self.body.another(device)?,
            ahead: self.ahead,
            recorded: Recorded::default(),
        })
    }

    /// Values of a frame that comes out.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.body.outs()
    }

    /// How many frames so many samples would complete now.
    #[must_use]
    pub fn completes(&self, samples: usize) -> Frames {
        self.front.completes(samples)
    }

    /// Forgets the past.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        self.front.reset(device)?;
        self.body.reset(device)
    }

    /// Takes samples of 16 kHz from before those that are to be decided on, and decides on nothing.
    ///
    /// # Errors
    /// If there are more samples than was built for, or the device fails.
    pub fn lead(&mut self, device: &D, wave: &[f32]) -> Result<(), GpuError> {
        self.front.hear(device, wave, Loudness::Running)
    }

    /// Takes the next samples of 16 kHz, and decides on as many frames as they complete, `ahead` frames
    /// before these; says how many. Gives them and those looked at in `y`, `[decided + ahead, outs]`.
    /// Two copies to the device, launches that are always the same once steps are of as many whole hops,
    /// and one copy back; a launch more where there are fewer frames than before.
    ///
    /// # Errors
    /// If there are more samples than was built for, `y` is of another length, or the device fails.
    pub fn step(&mut self, device: &D, wave: &[f32], y: &mut [f32]) -> Result<Frames, GpuError> {
        let frames = self.completes(wave.len()) + self.ahead;
        exactly("values of content", y.len(), frames * self.outs())?;
        let turn = self.enter(device, wave)?;
        let mut recorded = std::mem::take(&mut self.recorded);
        let run = &mut || self.run(device, &turn);
        let done = match turn.key() {
            None => run(),
            Some(key) => recorded.run(device, key, run),
        };
        self.recorded = recorded;
        done?;
        self.content().download(device, y)?;
        Ok(turn.decided)
    }

    /// Goes on to the next samples: what is copied to the device before [`Self::run`].
    ///
    /// # Errors
    /// If there are more samples than was built for, or the device fails.
    pub(in crate::model) fn enter(&mut self, device: &D, wave: &[f32]) -> Result<Turn, GpuError> {
        let plan = self.front.enter(device, wave, Loudness::Running)?;
        let decided = plan.completed();
        let frames = decided + self.ahead;
        self.body.enter(device, (frames, decided))?;
        self.front.leave(&plan);
        Ok(Turn {
            plan,
            frames,
            decided,
        })
    }

    /// What a step does on the device, between the copies: launches alone.
    ///
    /// # Errors
    /// If a launch fails.
    pub(in crate::model) fn run(&self, device: &D, turn: &Turn) -> Result<(), GpuError> {
        let Turn {
            ref plan,
            frames,
            decided,
        } = *turn;
        self.front.run(device, plan)?;
        self.body.take(device, self.front.frames(decided)?)?;
        self.front.advance(device, plan)?;
        self.body.run(device, frames, decided)
    }

    /// Where a step leaves what it gives, `[decided + ahead, outs]`.
    pub(in crate::model) fn content(&self) -> Slice<'_, D::Buffer, f32> {
        self.body.given()
    }
}

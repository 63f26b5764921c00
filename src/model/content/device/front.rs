//! The front on a device: sound to frames. Its twin is [`crate::model::content::Front`].
//!
//! Every convolution hears a signal, of which the last frames before the newest are those it has still to
//! see. Once a step of whole hops completes as many frames of each as it has hops, all steps like it do:
//! one launch moves all signals on, and the step is recorded. Before that, and for other steps, they move
//! one by one.

use std::sync::Arc;

use autovoice_kernels::gpu::{Array, Device, GpuError, Moments, Pieces, Precision, Slice};

use super::convolutions::{COUNT, Layers};
use crate::model::content::{ContentConfig, HOP, Loudness};
use crate::nn::Scope;
use crate::nn::device::{Build, DeviceError, Recorded, State, Step};
use crate::units::Frames;

/// The front with the state of one stream. Streams made by [`Self::another`] share its weights.
pub struct Front<D: Device> {
    there: There<D::Buffer>,
    recorded: Recorded<D::Recording>,
    samples: usize,
    /// Frames of its signal that each convolution has still to see.
    held: [Frames; COUNT],
    /// Samples since the last whole hop from the beginning.
    phase: usize,
}

/// What lies on the device.
struct There<B> {
    /// Shared by all streams.
    layers: Arc<Layers<B>>,
    state: State<B>,
    moments: Moments<B>,
    /// What the last convolution gives, `[hops, channels]`.
    seen: Array<B, f32>,
    work: Array<B, f32>,
}

/// What a step does.
#[derive(Debug)]
pub(super) struct Plan {
    /// New frames of each signal: samples first, what comes out last.
    pub new: [Frames; COUNT + 1],
    /// Frames of each signal that are seen again with them.
    pub held: [Frames; COUNT],
    pub pieces: Pieces,
    /// What tells it from others, where it is one to be recorded.
    pub key: Option<usize>,
}

impl Plan {
    /// Frames that come out.
    pub fn completed(&self) -> Frames {
        self.new[COUNT]
    }
}

/// The most frames that a step of so many samples completes.
pub(super) fn most_frames(samples: usize) -> Frames {
    samples.div_ceil(HOP)
}

impl<D: Device> Front<D> {
    /// From the weights of an encoder, for steps of at most so many samples, that remembers so many of the
    /// frames it gave, with weights kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &ContentConfig,
        (samples, kept, precision): (usize, Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let mut build = Build::new(device, most_frames(samples), precision);
        let layers = Layers::new(&mut build, config, kept, weights)?;
        let state = State::new(device, build.layout)?;
        Ok(Self::of(device, (Arc::new(layers), state), samples)?)
    }

    /// Another stream with the same weights, at its beginning. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: &D) -> Result<Self, GpuError> {
        let There { layers, state, .. } = &self.there;
        let kept = (layers.clone(), state.another(device)?);
        Self::of(device, kept, self.samples)
    }

    fn of(
        device: &D,
        (layers, state): (Arc<Layers<D::Buffer>>, State<D::Buffer>),
        samples: usize,
    ) -> Result<Self, GpuError> {
        let hops = most_frames(samples);
        Ok(Self {
            there: There {
                moments: layers.over_time.moments(device, hops)?,
                seen: Array::zeros(device, hops * layers.project.shape().ins)?,
                work: Array::zeros(device, layers.work_len)?,
                state,
                layers,
            },
            recorded: Recorded::default(),
            samples,
            held: [0; COUNT],
            phase: 0,
        })
    }

    /// Values of a frame that comes out.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.there.layers.project.shape().outs
    }

    /// How many frames so many samples would complete now.
    #[must_use]
    pub fn completes(&self, samples: usize) -> Frames {
        self.plan(samples, Loudness::Running).completed()
    }

    /// Forgets the past.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        self.held = [0; COUNT];
        self.phase = 0;
        self.there.moments.reset(device)?;
        self.there.state.reset(device)
    }

    /// Takes the next samples of 16 kHz; writes the frames they complete, `[_, hidden]`, to `y` and says
    /// how many. One copy to the device, launches that are always the same once steps are of as many whole
    /// hops, and one copy back.
    ///
    /// # Errors
    /// If there are more samples than was built for, `y` is shorter than what is completed, or the device
    /// fails.
    pub fn step(
        &mut self,
        device: &D,
        (wave, loudness): (&[f32], Loudness),
        y: &mut [f32],
    ) -> Result<Frames, GpuError> {
        let frames = self.completes(wave.len());
        let (expected, found) = (frames * self.outs(), y.len());
        let y = y.get_mut(..expected).ok_or(GpuError::Short {
            what: "values of frames",
            expected,
            found,
        })?;
        self.hear(device, wave, loudness)?;
        let newest = self.there.layers.lines[COUNT].line;
        self.there.state.newest(newest)?.download(device, y)?;
        Ok(frames)
    }

    /// [`Self::step`] without the copy back.
    pub(super) fn hear(
        &mut self,
        device: &D,
        wave: &[f32],
        loudness: Loudness,
    ) -> Result<(), GpuError> {
        let plan = self.enter(device, wave, loudness)?;
        let there = &self.there;
        let run = &mut || {
            there.run(device, &plan)?;
            there.advance(device, &plan)
        };
        match plan.key {
            None => run()?,
            Some(key) => self.recorded.run(device, key, run)?,
        }
        self.leave(&plan);
        Ok(())
    }

    /// Takes the samples of a step, and says what is to be done with them.
    pub(super) fn enter(
        &self,
        device: &D,
        wave: &[f32],
        loudness: Loudness,
    ) -> Result<Plan, GpuError> {
        if self.samples < wave.len() {
            return Err(GpuError::Size {
                what: "samples of a step",
                expected: "no more than the front was built for",
                found: wave.len(),
            });
        }
        let There { layers, state, .. } = &self.there;
        if loudness == Loudness::Whole {
            self.there.moments.reset(device)?;
        }
        state.newest(layers.lines[0].line)?.upload(device, wave)?;
        Ok(self.plan(wave.len(), loudness))
    }

    /// What a step of so many samples does.
    fn plan(&self, samples: usize, loudness: Loudness) -> Plan {
        let layers = &self.there.layers;
        let mut new = [samples; COUNT + 1];
        for (n, conv) in layers.convs.iter().enumerate() {
            new[n + 1] = conv.shape().frames_out(self.held[n] + new[n]);
        }
        let piece = match loudness {
            Loudness::Whole => samples,
            // Always as much, so that the size of steps is not heard.
            Loudness::Running => HOP,
        };
        let shape = layers.convs[0].shape();
        let mut plan = Plan {
            new,
            held: self.held,
            pieces: Pieces {
                frames: new[1],
                first: shape.frames_out(self.held[0] + piece.min(samples)),
                each: (piece / shape.stride).max(1),
            },
            key: None,
        };
        // What the convolutions have still to see follows from the phase then.
        if loudness == Loudness::Running && 0 < samples && layers.is_even(&plan) {
            plan.key = Some(samples + self.phase);
        }
        plan
    }

    /// What a step launches, up to the frames it completes.
    pub(super) fn run(&self, device: &D, plan: &Plan) -> Result<(), GpuError> {
        self.there.run(device, plan)
    }

    /// And what it launches after that.
    pub(super) fn advance(&self, device: &D, plan: &Plan) -> Result<(), GpuError> {
        self.there.advance(device, plan)
    }

    /// What is to be known here of a step that was launched.
    pub(super) fn leave(&mut self, plan: &Plan) {
        for (n, conv) in self.there.layers.convs.iter().enumerate() {
            self.held[n] += plan.new[n];
            self.held[n] -= plan.new[n + 1] * conv.shape().stride;
        }
        self.phase = (self.phase + plan.new[0]) % HOP;
    }

    /// The frames that the step at hand completes, behind as many of those before as it was to remember.
    pub(super) fn frames(&self, completed: Frames) -> Result<Slice<'_, D::Buffer, f32>, GpuError> {
        let last = &self.there.layers.lines[COUNT];
        let all = self.there.state.since(last.line, last.history)?;
        all.first((last.history + completed) * last.channels)
    }
}

impl<B> There<B> {
    fn run<D: Device<Buffer = B>>(&self, device: &D, plan: &Plan) -> Result<(), GpuError> {
        let step = Step {
            device,
            state: &self.state,
            work: self.work.all(),
            frames: plan.completed(),
        };
        let memory = (&self.moments, self.seen.all());
        self.layers.run(&step, plan, memory)
    }

    fn advance<D: Device<Buffer = B>>(&self, device: &D, plan: &Plan) -> Result<(), GpuError> {
        self.layers.advance(device, &self.state, plan)
    }
}

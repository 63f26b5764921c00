//! The flow on a device: the twin of [`super::Flow`]. Any thread that may wait.
//!
//! Channels are not turned around between couplings: every second one has weights that are. What all
//! layers of a coupling give to its mean is one product, of weights that are multiplied beforehand. Layers
//! work on a few frames more than they are given, so that silence follows these wherever they end: a step
//! is a signal that ends with it.

mod coupling;

use std::sync::Arc;

use autovoice_kernels::gpu::{Array, Device, GpuError, Precision, Slice, mask_rows};

use super::{COUPLINGS, LAYERS, SIDE};
use crate::model::rvc::RvcConfig;
use crate::nn::device::{Build, DeviceError, Instant, Offset, Recorded, State, Step, exactly};
use crate::nn::{Bounds, Scope};
use crate::units::Frames;
use coupling::{Coupling, Rooms};

/// The flow with the state of one stream. Streams made by [`Self::another`] share its weights.
pub struct Flow<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    state: State<D::Buffer>,
    /// What the speaker adds to the gates of each coupling, `[LAYERS, 2 * hidden]`.
    offsets: Vec<Offset<D::Buffer>>,
    rooms: Rooms<D::Buffer>,
    work: Array<D::Buffer, f32>,
    /// Instant of the next frame.
    at: i64,
    recorded: Recorded<D::Recording>,
}

/// What all streams share.
#[derive(Debug)]
struct Layers<B> {
    /// In the order in which they are undone.
    couplings: Vec<Coupling<B>>,
    at: Instant,
    inter: usize,
    hidden: usize,
    /// Frames there is room for: those of a step, and the silence behind.
    room: Frames,
    work_len: usize,
}

impl<D: Device> Flow<D> {
    /// From the part `flow` of a voice, for steps of at most `most` frames, to decide on and to look at,
    /// with weights kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &RvcConfig,
        (most, precision): (Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let room = most + SIDE;
        let mut build = Build::new(device, room, precision);
        let at = build.layout.instant(1, 0);
        let couplings = (0..COUPLINGS)
            .rev()
            .enumerate()
            .map(|(turn, n)| {
                let part = weights.part("flows").part(2 * n);
                Coupling::new(&mut build, config, (at, turn % 2 == 0), &part)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let layers = Layers {
            work_len: build.work_len,
            inter: config.inter,
            hidden: config.hidden,
            couplings,
            at,
            room,
        };
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
        let (room, hidden) = (layers.room, layers.hidden);
        let couplings = layers.couplings.iter();
        Ok(Self {
            offsets: couplings
                .map(|coupling| coupling.condition.offset(device))
                .collect::<Result<_, _>>()?,
            rooms: Rooms {
                x: Array::zeros(device, room * layers.inter)?,
                gates: Array::zeros(device, room * 2 * hidden)?,
                open: Array::zeros(device, LAYERS * room * hidden)?,
            },
            work: Array::zeros(device, layers.work_len)?,
            at: 0,
            state,
            layers,
            recorded: Recorded::default(),
        })
    }

    /// Sets the speaker by its embedding, `[gin]`.
    ///
    /// # Errors
    /// If it is of another length, or the device fails.
    pub fn set_speaker(&mut self, device: &D, embedding: &[f32]) -> Result<(), GpuError> {
        for (coupling, offset) in self.layers.couplings.iter().zip(&self.offsets) {
            let condition = &coupling.condition;
            condition.set(device, embedding, offset, self.work.all())?;
        }
        Ok(())
    }

    /// Begins anew at frame 0.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        self.at = 0;
        self.state.reset(device)
    }

    /// Decides on the first `decided` of the frames of `z`, `[frames, inter]`, looking at the others.
    /// Gives all of them in `y`, as long. Frames beyond the end of `bounds` are 0. Two copies to the
    /// device, launches that depend on the numbers of frames alone, and one copy back.
    ///
    /// # Errors
    /// If there are more frames than was built for, or fewer than `decided`, `y` is of another length, or
    /// the device fails.
    pub fn step(
        &mut self,
        device: &D,
        (z, decided): (&[f32], Frames),
        bounds: Bounds,
        y: &mut [f32],
    ) -> Result<(), GpuError> {
        let inter = self.layers.inter;
        let frames = z.len() / inter;
        exactly("values of the prior", z.len(), frames * inter)?;
        exactly("values of the latent", y.len(), z.len())?;
        self.enter(device, (frames, decided), bounds)?;
        self.frames().upload(device, z)?;
        let key = frames * self.layers.room + decided;
        let mut recorded = std::mem::take(&mut self.recorded);
        let done = recorded.run(device, key, &mut || self.run(device, frames, decided));
        self.recorded = recorded;
        done?;
        self.frames().download(device, y)
    }

    /// Goes on to the next frames: what is copied to the device before [`Self::run`], but for the prior.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub(in crate::model::rvc) fn enter(
        &mut self,
        device: &D,
        (frames, decided): (Frames, Frames),
        bounds: Bounds,
    ) -> Result<(), GpuError> {
        if self.layers.room < frames + SIDE || frames < decided {
            return Err(GpuError::Size {
                what: "frames of a step",
                expected: "as many as are decided on, and no more than the flow was built for",
                found: frames,
            });
        }
        // What is behind these frames is silence to them.
        let end = bounds.end.min(self.at + frames as i64);
        self.state.enter(device, self.at, Bounds { end })?;
        self.at += decided as i64;
        Ok(())
    }

    /// Where the prior goes, `[frames, inter]`, and where it becomes the latent.
    pub(in crate::model::rvc) fn frames(&self) -> Slice<'_, D::Buffer, f32> {
        self.rooms.x.all()
    }

    /// What a step does on the device, between the copies. Launches alone, which depend on the numbers of
    /// frames and on nothing else.
    ///
    /// # Errors
    /// If a launch fails.
    pub(in crate::model::rvc) fn run(
        &self,
        device: &D,
        frames: Frames,
        decided: Frames,
    ) -> Result<(), GpuError> {
        let layers = &self.layers;
        let step = Step {
            device,
            state: &self.state,
            work: self.work.all(),
            frames,
        };
        let within = (self.state.within(layers.at)?, 1);
        mask_rows(device, (self.frames(), frames, layers.inter), within)?;
        for (coupling, offset) in layers.couplings.iter().zip(&self.offsets) {
            coupling.run(&step, &self.rooms, offset.values())?;
        }
        self.state.advance(device, decided)
    }
}

//! The text encoder on a device: the twin of [`super::TextEncoder`]. Any thread that may wait.
//!
//! It has no state: a window is a signal of its own, with silence on both sides.

mod layer;

use std::sync::Arc;

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{
    Activation, Array, Device, Embedding, GpuError, Precision, Slice, embed,
};

use super::{PITCHES, SLOPE};
use crate::model::rvc::RvcConfig;
use crate::nn::device::{
    Build, Conv1d, DeviceError, Recorded, Rooms, State, Step, Target, exactly,
};
use crate::nn::{Bounds, Scope};
use crate::units::Frames;
use layer::Layer;

/// The text encoder, for windows up to a length. Those made by [`Self::another`] share its weights.
pub struct TextEncoder<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    /// How long a window is.
    state: State<D::Buffer>,
    features: Array<D::Buffer, f32>,
    pitch: Array<D::Buffer, u32>,
    /// What is copied there.
    indices: Vec<u32>,
    rooms: Rooms<D::Buffer>,
    stats: Array<D::Buffer, f32>,
    work: Array<D::Buffer, f32>,
    recorded: Recorded<D::Recording>,
}

/// What all share.
#[derive(Debug)]
struct Layers<B> {
    phone: Conv1d<B>,
    /// None for a voice without pitch.
    pitch: Option<Embedding<B>>,
    layers: Vec<Layer<B>>,
    project: Conv1d<B>,
    filter: usize,
    longest: Frames,
    /// Frames of silence on each side.
    side: Frames,
    work_len: usize,
}

impl<D: Device> TextEncoder<D> {
    /// From the part `enc_p` of a voice, for windows of at most `longest` frames, with weights kept in a
    /// precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &RvcConfig,
        (longest, precision): (Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let side = config.kernel / 2;
        let mut build = Build::new(device, longest + side, precision);
        let layers = Layers::new(&mut build, config, (longest, side), weights)?;
        let state = State::new(device, build.layout)?;
        Ok(Self::of(device, Arc::new(layers), state)?)
    }

    /// Another of the same voice, with memory of its own. Allocates.
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
        let longest = layers.longest;
        // Silence in front; behind it as much that is computed to be silence, and what that looks at.
        let frames = longest + 3 * layers.side;
        let room = |values: usize| Array::zeros(device, frames * values);
        let (shape, hidden) = (layers.project.shape(), layers.project.shape().ins);
        Ok(Self {
            features: room(layers.phone.shape().ins)?,
            pitch: Array::zeros(device, longest)?,
            indices: vec![0; longest],
            rooms: Rooms::new(device, frames, (hidden, layers.filter))?,
            stats: room(shape.outs)?,
            work: Array::zeros(device, layers.work_len)?,
            state,
            layers,
            recorded: Recorded::default(),
        })
    }

    /// Over a window: `features` `[frames, 256 or 768]` and `pitch`, one per frame and of no meaning for a
    /// voice without. Gives `y`, `[frames - from, 2 * inter]`, the means and the logarithms of the
    /// deviations of the frames from `from` on. Two or three copies to the device, launches that depend
    /// on the numbers of frames alone, and one copy back.
    ///
    /// # Errors
    /// If the window is longer than was built for, slices do not fit each other, or the device fails.
    pub fn forward(
        &mut self,
        device: &D,
        (features, pitch): (&[f32], &[u8]),
        from: Frames,
        y: &mut [f32],
    ) -> Result<(), GpuError> {
        let frames = pitch.len();
        let outs = self.layers.project.shape().outs;
        self.enter(device, (features, pitch), from)?;
        exactly("values of the prior", y.len(), (frames - from) * outs)?;
        let key = frames * (self.layers.longest + 1) + from;
        let mut recorded = std::mem::take(&mut self.recorded);
        let done = recorded.run(device, key, &mut || self.run(device, frames, from));
        self.recorded = recorded;
        done?;
        self.stats().download(device, y)
    }

    /// What is copied to the device before [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub(in crate::model::rvc) fn enter(
        &mut self,
        device: &D,
        (features, pitch): (&[f32], &[u8]),
        from: Frames,
    ) -> Result<(), GpuError> {
        let (layers, frames) = (&self.layers, pitch.len());
        if layers.longest < frames || frames < from {
            return Err(GpuError::Size {
                what: "frames of a window",
                expected: "no more than the text encoder was built for, and the first that is given",
                found: frames,
            });
        }
        let ins = layers.phone.shape().ins;
        exactly("values of features", features.len(), frames * ins)?;
        self.features.all().upload(device, features)?;
        if layers.pitch.is_some() {
            let indices = &mut self.indices[..frames];
            for (index, pitch) in indices.iter_mut().zip(pitch) {
                *index = u32::from(*pitch);
            }
            self.pitch.all().upload(device, indices)?;
        }
        let end = frames as i64;
        self.state.enter(device, 0, Bounds { end })
    }

    /// Means and logarithms of deviations of the last window, `[frames - from, 2 * inter]`, and whatever
    /// follows them.
    pub(in crate::model::rvc) fn stats(&self) -> Slice<'_, D::Buffer, f32> {
        self.stats.all()
    }

    /// What is done on the device, between the copies. Launches alone, which depend on the numbers of
    /// frames and on nothing else.
    ///
    /// # Errors
    /// If a launch fails.
    pub(in crate::model::rvc) fn run(
        &self,
        device: &D,
        frames: Frames,
        from: Frames,
    ) -> Result<(), GpuError> {
        let step = Step {
            device,
            state: &self.state,
            work: self.work.all(),
            frames,
        };
        let pitch = self.pitch.all().first(frames)?;
        let input = (self.features.all(), pitch);
        self.layers
            .run(&step, input, &self.rooms, (from, self.stats.all()))
    }
}

impl<B> Layers<B> {
    fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &RvcConfig,
        (longest, side): (Frames, Frames),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let hidden = config.hidden;
        let pitch = match config.has_pitch {
            false => None,
            true => {
                let part = weights.part("emb_pitch");
                let table = part.get("weight", &[PITCHES, hidden])?;
                Some(Embedding::new(build.device, (PITCHES, hidden), table)?)
            }
        };
        let at = build.layout.instant(1, 0);
        let encoder = weights.part("encoder");
        let layers = (0..config.layers)
            .map(|n| Layer::new(build, config, (n, at), &encoder))
            .collect::<Result<Vec<_>, _>>()?;
        // Without a table to add, the factor of what is heard is the weights' own.
        let factor = if pitch.is_some() {
            1.0
        } else {
            (hidden as f32).sqrt()
        };
        let scaled = |values: &[f32]| values.iter().map(|w| w * factor).collect::<Vec<f32>>();
        let part = weights.part("emb_phone");
        let ins = config.version.features();
        let w = scaled(part.get("weight", &[hidden, ins])?);
        let bias = scaled(part.get("bias", &[hidden])?);
        let phone = build.conv1d((Conv1dShape::new(ins, hidden, 1), longest), &w, &bias)?;
        let part = weights.part("proj");
        let outs = 2 * config.inter;
        let w = part.get("weight", &[outs, hidden, 1])?;
        let shape = Conv1dShape::new(hidden, outs, 1);
        let project = build.conv1d((shape, longest), w, part.get("bias", &[outs])?)?;
        Ok(Self {
            work_len: build.work_len,
            filter: config.filter,
            phone,
            pitch,
            layers,
            project,
            longest,
            side,
        })
    }

    /// From features and pitch to what is known of the frames from `from` on.
    fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        (features, pitch): (Slice<'_, B, f32>, Slice<'_, B, u32>),
        rooms: &Rooms<B>,
        (from, stats): (Frames, Slice<'_, B, f32>),
    ) -> Result<(), GpuError> {
        let (frames, hidden) = (step.frames, self.project.shape().ins);
        let x = rooms.x.all().since(self.side * hidden)?;
        let leaky = Activation::LeakyRelu(SLOPE);
        let heard = (features, frames, 1.0);
        match &self.pitch {
            None => {
                let target = Target::activated(x, leaky);
                self.phone.run(step, heard, target)?;
            }
            Some(table) => {
                self.phone.run(step, heard, Target::plain(x))?;
                let factor = (hidden as f32).sqrt();
                embed(step.device, table, pitch, Some(x), (factor, leaky), x)?;
            }
        }
        for layer in &self.layers {
            layer.run(step, rooms)?;
        }
        let rest = (x.since(from * hidden)?, frames - from, 1.0);
        self.project.run(step, rest, Target::plain(stats))
    }
}

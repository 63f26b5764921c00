//! The content encoder on a device. Its twin is [`crate::model::ddsp::Encoder`].

use std::sync::Arc;

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Array, Device, GpuError, Precision};

use super::block::{Blocks, Rooms};
use crate::model::ddsp::EncoderConfig;
use crate::model::ddsp::features::BANDS;
use crate::nn::Scope;
use crate::nn::device::{
    Build, Conv1d, DeviceError, Layout, Line, Recorded, State, Step, Target, exactly,
};
use crate::units::Frames;

/// A content encoder with the state of one stream. Streams made by [`Self::another`] share its weights.
pub struct Encoder<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    /// Of what is heard, which is `ahead` frames before what is said of it.
    heard: State<D::Buffer>,
    said: State<D::Buffer>,
    rooms: Rooms<D::Buffer>,
    out: Array<D::Buffer, f32>,
    work: Array<D::Buffer, f32>,
    recorded: Recorded<D::Recording>,
    /// Frames that the first has still to wait for.
    waits: Frames,
}

/// What all streams share.
struct Layers<B> {
    input: Conv1d<B>,
    mel: Line,
    blocks: Blocks<B>,
    ahead: Frames,
    content: usize,
    most: Frames,
    work_len: usize,
}

impl<D: Device> Encoder<D> {
    /// From weights of [`EncoderConfig::shapes`], for steps of at most `most` frames, kept in a precision.
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &EncoderConfig,
        (most, precision): (Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let weights = weights.part("encoder");
        let EncoderConfig {
            ahead,
            width,
            content,
            ..
        } = *config;
        let taps = config.input_taps();
        let mut layout = Layout::new(most);
        let mel = layout.line(BANDS, 1, taps - 1);
        let mut build = Build::new(device, most, precision);
        let part = weights.part("input");
        let w = part.get("weight", &[width, BANDS, taps])?;
        let shape = Conv1dShape::new(BANDS, width, taps);
        let input = build.conv1d((shape, most), w, part.get("bias", &[width])?)?;
        let sizes = (width, &config.dilations[..], 0);
        let blocks = Blocks::new(&mut build, sizes, ("content", content), &weights)?;
        let layers = Layers {
            work_len: build.work_len,
            input,
            mel,
            blocks,
            ahead,
            content,
            most,
        };
        let states = (
            State::new(device, layout)?,
            State::new(device, build.layout)?,
        );
        Ok(Self::of(device, Arc::new(layers), states)?)
    }

    /// Another stream with the same weights, at its beginning. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: &D) -> Result<Self, GpuError> {
        let states = (self.heard.another(device)?, self.said.another(device)?);
        Self::of(device, self.layers.clone(), states)
    }

    fn of(
        device: &D,
        layers: Arc<Layers<D::Buffer>>,
        (heard, said): (State<D::Buffer>, State<D::Buffer>),
    ) -> Result<Self, GpuError> {
        let most = layers.most;
        Ok(Self {
            rooms: layers.blocks.rooms(device, most)?,
            out: Array::zeros(device, most * layers.content)?,
            work: Array::zeros(device, layers.work_len)?,
            recorded: Recorded::default(),
            waits: layers.ahead,
            heard,
            said,
            layers,
        })
    }

    /// How many frames of content so many would complete now.
    #[must_use]
    pub fn completes(&self, frames: Frames) -> Frames {
        frames.saturating_sub(self.waits)
    }

    /// Forgets the past.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        self.waits = self.layers.ahead;
        self.heard.reset(device)?;
        self.said.reset(device)
    }

    /// Takes the next frames, `[frames, BANDS]`; writes the content of those they complete, as many but for
    /// the first `ahead`, to `y`, `[_, content]`, and says how many. A copy to the device, launches that
    /// depend on the two numbers of frames alone, and one copy back.
    ///
    /// # Errors
    /// If there are more frames than was built for, a slice is of another length, or the device fails.
    pub fn step(&mut self, device: &D, mel: &[f32], y: &mut [f32]) -> Result<Frames, GpuError> {
        let layers = &self.layers;
        let frames = mel.len() / BANDS;
        let completed = self.completes(frames);
        exactly("values of spectra", mel.len(), frames * BANDS)?;
        exactly("values of content", y.len(), completed * layers.content)?;
        if layers.most < frames {
            return Err(GpuError::Size {
                what: "frames of a step",
                expected: "no more than the encoder was built for",
                found: frames,
            });
        }
        self.heard.newest(layers.mel)?.upload(device, mel)?;
        let step = Step {
            device,
            state: &self.said,
            work: self.work.all(),
            frames: completed,
        };
        let (heard, rooms, out) = (&self.heard, &self.rooms, self.out.all());
        let run = &mut || {
            // What the first frames of all would say is of instants before the beginning.
            let seen = heard.since(layers.mel, 2 * layers.ahead)?;
            let seen = seen.since((frames - completed) * BANDS)?;
            let x = Target::plain(rooms.x.all());
            layers.input.run(&step, (seen, completed, 1.0), x)?;
            layers.blocks.run(&step, (rooms, &[]), out)?;
            heard.advance(device, frames)?;
            step.state.advance(device, completed)
        };
        let key = frames * (layers.most + 1) + completed;
        self.recorded.run(device, key, run)?;
        self.waits -= frames - completed;
        self.out.all().download(device, y)?;
        Ok(completed)
    }
}

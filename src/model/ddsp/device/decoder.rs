//! The decoder on a device. Its twin is [`crate::model::ddsp::Decoder`].

use std::sync::Arc;

use autovoice_kernels::gpu::{Array, Device, GpuError, Precision};

use super::block::{Blocks, Rooms};
use crate::model::ddsp::{DecoderConfig, OUTS, SUNG};
use crate::nn::Scope;
use crate::nn::device::{
    Build, Conv1d, DeviceError, Offset, Recorded, State, Step, Target, exactly, linear,
};
use crate::units::Frames;

/// A decoder with the state of one stream. Streams made by [`Self::another`] share its weights.
pub struct Decoder<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    state: State<D::Buffer>,
    /// What is added for the speaker, block by block.
    offsets: Vec<Offset<D::Buffer>>,
    input: Array<D::Buffer, f32>,
    rooms: Rooms<D::Buffer>,
    out: Array<D::Buffer, f32>,
    work: Array<D::Buffer, f32>,
    recorded: Recorded<D::Recording>,
}

/// What all streams share.
struct Layers<B> {
    input: Conv1d<B>,
    blocks: Blocks<B>,
    most: Frames,
    work_len: usize,
}

impl<D: Device> Decoder<D> {
    /// From weights of [`DecoderConfig::shapes`], for steps of at most `most` frames, kept in a precision;
    /// nobody speaks until [`Self::set_speaker`]. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        config: &DecoderConfig,
        (most, precision): (Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let weights = weights.part("decoder");
        let mut build = Build::new(device, most, precision);
        let sizes = (config.width, &config.dilations[..], config.embedding);
        let ends = (config.content + SUNG, config.width, most);
        let input = linear(&mut build, ends, &weights.part("input"))?;
        let blocks = Blocks::new(&mut build, sizes, ("head", OUTS), &weights)?;
        let layers = Layers {
            work_len: build.work_len,
            input,
            blocks,
            most,
        };
        let state = State::new(device, build.layout)?;
        Ok(Self::of(device, Arc::new(layers), state)?)
    }

    /// Another stream of the same voice, at its beginning, in which nobody speaks. Allocates.
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
        let most = layers.most;
        Ok(Self {
            offsets: layers.blocks.offsets(device)?,
            input: Array::zeros(device, most * layers.input.shape().ins)?,
            rooms: layers.blocks.rooms(device, most)?,
            out: Array::zeros(device, most * OUTS)?,
            work: Array::zeros(device, layers.work_len)?,
            recorded: Recorded::default(),
            state,
            layers,
        })
    }

    /// Values of a frame of input: content, then pitch and voicing.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.layers.input.shape().ins
    }

    /// Speaks as somebody else from the next frame on, by an embedding.
    ///
    /// # Errors
    /// If it is of another length, or the device fails.
    pub fn set_speaker(&mut self, device: &D, embedding: &[f32]) -> Result<(), GpuError> {
        let memory = (&self.offsets[..], self.work.all());
        self.layers.blocks.set_speaker(device, embedding, memory)
    }

    /// Forgets the past, not who speaks.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        self.state.reset(device)
    }

    /// The spectra of the next frames, `[frames, ins]`, to `y`, `[frames, OUTS]`. A copy to the device,
    /// launches that depend on the number of frames alone, and one copy back.
    ///
    /// # Errors
    /// If there are more frames than was built for, a slice is of another length, or the device fails.
    pub fn step(&mut self, device: &D, input: &[f32], y: &mut [f32]) -> Result<(), GpuError> {
        let frames = input.len() / self.ins();
        exactly(
            "values of content and pitch",
            input.len(),
            frames * self.ins(),
        )?;
        exactly("values of spectra", y.len(), frames * OUTS)?;
        if self.layers.most < frames {
            return Err(GpuError::Size {
                what: "frames of a step",
                expected: "no more than the decoder was built for",
                found: frames,
            });
        }
        self.input.all().upload(device, input)?;
        let step = Step {
            device,
            state: &self.state,
            work: self.work.all(),
            frames,
        };
        let (layers, rooms, offsets) = (&self.layers, &self.rooms, &self.offsets[..]);
        let (input, out) = (self.input.all(), self.out.all());
        let run = &mut || {
            let x = Target::plain(rooms.x.all());
            layers.input.run(&step, (input, frames, 1.0), x)?;
            layers.blocks.run(&step, (rooms, offsets), out)?;
            step.state.advance(device, frames)
        };
        self.recorded.run(device, frames, run)?;
        self.out.all().download(device, y)
    }
}

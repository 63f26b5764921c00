//! The residual blocks that encoder and decoder are made of, on a device, and what follows them.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Activation, Array, Device, GpuError, Slice, activate_shifted};

use crate::model::ddsp::config::TAPS;
use crate::nn::Scope;
use crate::nn::device::{
    Build, Condition, Conv1d, DeviceError, LayerNorm, Line, Offset, Step, Target, linear,
};
use crate::units::Frames;

/// Blocks in a row, then a norm and a linear layer.
#[derive(Debug)]
pub(super) struct Blocks<B> {
    blocks: Vec<Block<B>>,
    norm: LayerNorm<B>,
    last: Conv1d<B>,
}

/// A causal convolution and a linear layer, added to what goes in.
#[derive(Debug)]
struct Block<B> {
    norm: LayerNorm<B>,
    conv: Conv1d<B>,
    out: Conv1d<B>,
    /// What is added for who speaks; none where that is not asked.
    speaker: Option<Condition<B>>,
    /// What the convolution hears.
    heard: Line,
}

/// Memory that all blocks use, one after the other: `[most, width]` each.
#[derive(Debug)]
pub(super) struct Rooms<B> {
    pub x: Array<B, f32>,
    inner: Array<B, f32>,
}

impl<B> Blocks<B> {
    /// Of a network, with `speaker` values that say who speaks, and a last layer of this name and so many
    /// outputs. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        (width, dilations, speaker): (usize, &[usize], usize),
        (last, outs): (&str, usize),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let (most, all) = (build.layout.most(), weights.part("blocks"));
        let mut blocks = Vec::new();
        for (n, dilation) in dilations.iter().enumerate() {
            let sizes = (width, *dilation, speaker);
            blocks.push(Block::new(build, sizes, &all.part(n))?);
        }
        Ok(Self {
            norm: LayerNorm::new(build.device, width, &weights.part("norm"))?,
            last: linear(build, (width, outs, most), &weights.part(last))?,
            blocks,
        })
    }

    /// Memory for so many frames. Allocates.
    pub fn rooms<D: Device<Buffer = B>>(
        &self,
        device: &D,
        most: Frames,
    ) -> Result<Rooms<B>, GpuError> {
        let width = self.last.shape().ins;
        Ok(Rooms {
            x: Array::zeros(device, most * width)?,
            inner: Array::zeros(device, most * width)?,
        })
    }

    /// Nobody yet, for each block that asks. Allocates.
    pub fn offsets<D: Device<Buffer = B>>(&self, device: &D) -> Result<Vec<Offset<B>>, GpuError> {
        let speakers = self.speakers();
        speakers.map(|speaker| speaker.offset(device)).collect()
    }

    /// Sets what is added for a speaker.
    pub fn set_speaker<D: Device<Buffer = B>>(
        &self,
        device: &D,
        embedding: &[f32],
        (offsets, work): (&[Offset<B>], Slice<'_, B, f32>),
    ) -> Result<(), GpuError> {
        let mut pairs = self.speakers().zip(offsets);
        pairs.try_for_each(|(speaker, offset)| speaker.set(device, embedding, offset, work))
    }

    fn speakers(&self) -> impl Iterator<Item = &Condition<B>> {
        self.blocks
            .iter()
            .filter_map(|block| block.speaker.as_ref())
    }

    /// From the frames in `rooms` to `y`: three launches of each block, one more for a speaker, and two.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        (rooms, offsets): (&Rooms<B>, &[Offset<B>]),
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let (device, frames, x) = (step.device, step.frames, rooms.x.all());
        for (n, block) in self.blocks.iter().enumerate() {
            block.run(step, rooms, offsets.get(n))?;
        }
        self.norm.apply(device, (x, frames), x)?;
        self.last.run(step, (x, frames, 1.0), Target::plain(y))
    }
}

impl<B> Block<B> {
    fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        (width, dilation, speaker): (usize, usize, usize),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let most = build.layout.most();
        let shape = Conv1dShape {
            dilation,
            ..Conv1dShape::new(width, width, TAPS)
        };
        let part = weights.part("conv");
        let w = part.get("weight", &[width, width, TAPS])?;
        let conv = build.conv1d((shape, most), w, part.get("bias", &[width])?)?;
        let part = weights.part("speaker");
        let speaker = match speaker {
            0 => None,
            ins => {
                let bias = part.get_or_zeros("bias", &[width])?;
                let w = part.get("weight", &[width, ins])?;
                Some(Condition::new(build, ins, w, bias)?)
            }
        };
        Ok(Self {
            norm: LayerNorm::new(build.device, width, &weights.part("norm"))?,
            out: linear(build, (width, width, most), &weights.part("out"))?,
            heard: build.layout.line(width, 1, shape.span() - 1),
            conv,
            speaker,
        })
    }

    fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        rooms: &Rooms<B>,
        offset: Option<&Offset<B>>,
    ) -> Result<(), GpuError> {
        let (device, frames) = (step.device, step.frames);
        let (x, inner) = (rooms.x.all(), rooms.inner.all());
        self.norm
            .apply(device, (x, frames), step.state.newest(self.heard)?)?;
        let heard = step.state.since(self.heard, self.conv.shape().span() - 1)?;
        let gelu = Activation::Gelu;
        match offset {
            None => {
                let target = Target::activated(inner, gelu);
                self.conv.run(step, (heard, frames, 1.0), target)?;
            }
            Some(offset) => {
                self.conv
                    .run(step, (heard, frames, 1.0), Target::plain(inner))?;
                activate_shifted(device, gelu, (inner, frames), offset.values(), inner)?;
            }
        }
        let target = Target {
            add: Some((x, self.out.shape().outs)),
            ..Target::plain(x)
        };
        self.out.run(step, (inner, frames, 1.0), target)
    }
}

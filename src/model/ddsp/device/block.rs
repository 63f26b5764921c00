//! The residual blocks that encoder and decoder are made of, on a device, and what follows them.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{
    Activation, Array, Device, GpuError, Slice, activate_shifted, layer_norm,
};

use crate::model::ddsp::config::TAPS;
use crate::nn::Scope;
use crate::nn::device::{Build, Condition, Conv1d, DeviceError, Line, Offset, Step, Target};
use crate::units::Frames;

/// Blocks in a row, then a norm and a linear layer.
#[derive(Debug)]
pub(super) struct Blocks<B> {
    blocks: Vec<Block<B>>,
    norm: Norm<B>,
    last: Conv1d<B>,
}

/// A causal convolution and a linear layer, added to what goes in.
#[derive(Debug)]
struct Block<B> {
    norm: Norm<B>,
    conv: Conv1d<B>,
    out: Conv1d<B>,
    /// What is added for who speaks; none where that is not asked.
    speaker: Option<Condition<B>>,
    /// What the convolution hears.
    heard: Line,
}

/// Scale and shift of normalised frames.
#[derive(Debug)]
struct Norm<B> {
    scale: Array<B, f32>,
    shift: Array<B, f32>,
}

/// Memory that all blocks use, one after the other: `[most, width]` each.
#[derive(Debug)]
pub(super) struct Rooms<B> {
    pub x: Array<B, f32>,
    inner: Array<B, f32>,
}

/// A linear layer of up to `most` frames. Allocates.
pub(super) fn linear<D: Device>(
    build: &mut Build<'_, D>,
    (ins, outs): (usize, usize),
    weights: &Scope,
) -> Result<Conv1d<D::Buffer>, DeviceError> {
    let most = build.layout.most();
    let weight = weights.get("weight", &[outs, ins])?;
    let bias = weights.get_or_zeros("bias", &[outs])?;
    Ok(build.conv1d((Conv1dShape::new(ins, outs, 1), most), weight, &bias)?)
}

/// Where a layer's frames go as they are.
pub(super) fn plain<B>(y: Slice<'_, B, f32>) -> Target<'_, B> {
    Target {
        y,
        at: None,
        activation: Activation::None,
        add: None,
    }
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
        let all = weights.part("blocks");
        let mut blocks = Vec::new();
        for (n, dilation) in dilations.iter().enumerate() {
            let sizes = (width, *dilation, speaker);
            blocks.push(Block::new(build, sizes, &all.part(n))?);
        }
        Ok(Self {
            norm: Norm::new(build.device, width, &weights.part("norm"))?,
            last: linear(build, (width, outs), &weights.part(last))?,
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
        self.last.run(step, (x, frames, 1.0), plain(y))
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
            norm: Norm::new(build.device, width, &weights.part("norm"))?,
            out: linear(build, (width, width), &weights.part("out"))?,
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
                let target = Target {
                    activation: gelu,
                    ..plain(inner)
                };
                self.conv.run(step, (heard, frames, 1.0), target)?;
            }
            Some(offset) => {
                self.conv.run(step, (heard, frames, 1.0), plain(inner))?;
                activate_shifted(device, gelu, (inner, frames), offset.values(), inner)?;
            }
        }
        let target = Target {
            add: Some((x, self.out.shape().outs)),
            ..plain(x)
        };
        self.out.run(step, (inner, frames, 1.0), target)
    }
}

impl<B> Norm<B> {
    fn new<D: Device<Buffer = B>>(
        device: &D,
        width: usize,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        Ok(Self {
            scale: Array::new(device, weights.get("weight", &[width])?)?,
            shift: Array::new(device, weights.get("bias", &[width])?)?,
        })
    }

    fn apply<D: Device<Buffer = B>>(
        &self,
        device: &D,
        x: (Slice<'_, B, f32>, Frames),
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        layer_norm(device, x, self.scale.all(), self.shift.all(), y)
    }
}

//! The part over time and frequency, on a device.

use autovoice_kernels::gpu::{
    Activation, Conv2d, Device, Doubling, GpuError, Image, Slice, conv2d, double, halve,
};

use super::layers::Making;
use super::memory::Memory;
use crate::model::rmvpe::{EPSILON, LEVELS, RmvpeConfig};
use crate::nn::device::DeviceError;
use crate::nn::{Affine, Scope};
use crate::units::Frames;

/// See the module.
pub(super) struct Unet<B> {
    down: Vec<Vec<Block<B>>>,
    bottom: Vec<Block<B>>,
    /// The deepest first.
    up: Vec<(Doubling<B>, Vec<Block<B>>)>,
}

/// Two convolutions, and a way around them.
struct Block<B> {
    convs: [Conv2d<B>; 2],
    /// None where the way around changes nothing.
    shortcut: Option<Conv2d<B>>,
}

impl<B> Unet<B> {
    /// Of the part `unet`. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        making: &mut Making<'_, D>,
        config: RmvpeConfig,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let RmvpeConfig {
            blocks, channels, ..
        } = config;
        let [encoder, bottom, decoder] =
            ["encoder", "intermediate", "decoder"].map(|name| weights.part(name).part("layers"));
        let mut down = Vec::new();
        for level in 0..LEVELS {
            let ins = if level == 0 {
                1
            } else {
                channels << (level - 1)
            };
            let part = encoder.part(level).part("conv");
            let sizes = (ins, channels << level, blocks);
            down.push(row(making, level, sizes, &part)?);
        }
        let widest = channels << LEVELS;
        let mut all = Vec::new();
        for n in 0..config.bottom {
            let ins = if n == 0 { widest / 2 } else { widest };
            let part = bottom.part(n).part("conv");
            all.extend(row(making, LEVELS, (ins, widest, blocks), &part)?);
        }
        let mut up = Vec::new();
        for n in 0..LEVELS {
            let level = LEVELS - 1 - n;
            let (outs, part) = (channels << level, decoder.part(n));
            let doubling = doubling(making, level, outs, &part.part("conv1"))?;
            let sizes = (2 * outs, outs, blocks);
            up.push((doubling, row(making, level, sizes, &part.part("conv2"))?));
        }
        Ok(Self {
            down,
            bottom: all,
            up,
        })
    }

    /// From the spectra in memory to the image of the first level.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (memory, frames): (&Memory<B>, Frames),
        work: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        for (level, blocks) in self.down.iter().enumerate() {
            let mut x = memory.given(level, frames)?;
            let (to, other) = (memory.passed(level, frames)?, memory.other(level, frames)?);
            for block in blocks {
                x = block.run(device, (x, other, to), work)?;
            }
            halve(device, x, memory.given(level + 1, frames)?)?;
        }
        let mut x = memory.given(LEVELS, frames)?;
        let (to, other) = (memory.image(LEVELS, frames)?, memory.other(LEVELS, frames)?);
        for block in &self.bottom {
            x = block.run(device, (x, other, to), work)?;
        }
        for (n, (doubling, blocks)) in self.up.iter().enumerate() {
            let level = LEVELS - 1 - n;
            let (passed, joined) = (memory.passed(level, frames)?, memory.joined(level, frames)?);
            let (from, rooms) = ((x, Activation::Relu), (memory.four().all(), work));
            double(device, doubling, from, passed, joined, rooms)?;
            x = joined;
            let (to, other) = (memory.image(level, frames)?, memory.other(level, frames)?);
            for block in blocks {
                x = block.run(device, (x, other, to), work)?;
            }
        }
        Ok(())
    }
}

impl<B> Block<B> {
    fn new<D: Device<Buffer = B>>(
        making: &mut Making<'_, D>,
        level: usize,
        (ins, outs): (usize, usize),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let mut conv = |ins: usize, n: usize| {
            let part = weights.part("conv");
            let norm = Affine::batch_norm(outs, EPSILON, &part.part(n + 1))?;
            making.conv2d(level, (ins, outs, 3), &part.part(n), Some(&norm))
        };
        let convs = [conv(ins, 0)?, conv(outs, 3)?];
        let shortcut = match ins == outs {
            true => None,
            false => {
                let shape = (ins, outs, 1);
                Some(making.conv2d(level, shape, &weights.part("shortcut"), None)?)
            }
        };
        Ok(Self { convs, shortcut })
    }

    /// From `x` by way of `other` to `to`, which may be `x`, and is what is given: four launches, and two for
    /// a shortcut; more where sums are cut.
    fn run<'a, D: Device<Buffer = B>>(
        &self,
        device: &D,
        (x, other, to): (Image<'a, B>, Image<'a, B>, Image<'a, B>),
        work: Slice<'_, B, f32>,
    ) -> Result<Image<'a, B>, GpuError> {
        let [first, second] = &self.convs;
        let relu = Activation::Relu;
        conv2d(device, first, x, (relu, None), other, work)?;
        let around = match &self.shortcut {
            None => x,
            Some(shortcut) => {
                conv2d(device, shortcut, x, (Activation::None, None), to, work)?;
                to
            }
        };
        conv2d(device, second, other, (relu, Some(around)), to, work)?;
        Ok(to)
    }
}

/// `blocks` blocks of a level, the first from `ins` to `outs` channels.
fn row<D: Device>(
    making: &mut Making<'_, D>,
    level: usize,
    (ins, outs, blocks): (usize, usize, usize),
    weights: &Scope,
) -> Result<Vec<Block<D::Buffer>>, DeviceError> {
    let mut made = Vec::new();
    for n in 0..blocks {
        let ins = if n == 0 { ins } else { outs };
        made.push(Block::new(making, level, (ins, outs), &weights.part(n))?);
    }
    Ok(made)
}

/// The way up to a level, from twice its channels.
fn doubling<D: Device>(
    making: &mut Making<'_, D>,
    level: usize,
    outs: usize,
    weights: &Scope,
) -> Result<Doubling<D::Buffer>, DeviceError> {
    let norm = Affine::batch_norm(outs, EPSILON, &weights.part("1"))?;
    let ins = 2 * outs;
    let mut values = weights
        .part("0")
        .get("weight", &[ins, outs, 3, 3])?
        .to_vec();
    for (n, taps) in values.chunks_exact_mut(9).enumerate() {
        let scale = norm.scale[n % outs];
        taps.iter_mut().for_each(|w| *w *= scale);
    }
    let (device, precision) = (making.device, making.precision);
    let made = Doubling::new(device, (ins, outs), &values, &norm.shift, precision)?;
    let work = made.work_len(device, making.pixels(level + 1));
    making.work_len = making.work_len.max(work);
    Ok(made)
}

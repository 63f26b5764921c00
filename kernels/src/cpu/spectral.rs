//! Convolution over many frames with many channels, by way of spectra: blocks of 16 or 32 frames
//! are transformed, multiplied bin by bin and transformed back (overlap-save; Stockham,
//! "High-speed convolution and correlation", 1966). A kernel of 11 taps costs a fifth of the
//! multiplications of [`super::conv1d`], and the rounding is no worse.
//!
//! The product of a bin is a complex matrix product, made of three real ones (Karatsuba's trick),
//! and each of these is a [`super::matmul`] over all blocks at once.

use std::sync::Arc;

use super::conv1d::Conv1dShape;
use super::footprint::Footprint;
use super::fourier::{forward, inverse, place};
use super::matmul::ComplexMatrices;
#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::vector::{Form, Lanes, Plain, WIDTH};

/// Blocks worked on at a time.
const ROWS: usize = 48;

/// Values from what belongs to one matrix to what belongs to the next: a little more than there
/// are, so that those of one block do not all fall onto one set of the cache.
const fn plane(channels: usize) -> usize {
    ROWS * channels + WIDTH
}

/// Multiplications in the time that memory takes for a byte of weights.
const PER_BYTE: f64 = 3.4;

/// Frames of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockSize {
    /// Less memory for weights.
    Of16,
    /// Fewer multiplications for long kernels.
    Of32,
}

impl BlockSize {
    fn frames(self) -> usize {
        match self {
            Self::Of16 => 16,
            Self::Of32 => 32,
        }
    }

    /// Real matrix products of a block: one for each of two bins, three for those between.
    fn products(self) -> usize {
        3 * (self.frames() / 2) - 1
    }
}

/// What becomes of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// It replaces what is there.
    Replace,
    /// It is added to what is there.
    Add,
}

/// The weights of a convolution as spectra. A clone shares them.
#[derive(Clone, Debug)]
pub struct SpectralConv1d {
    shape: Conv1dShape,
    size: BlockSize,
    /// Bin 0 and the last bin, which are real, as one; then the bins between.
    matrices: ComplexMatrices,
    bias: Arc<[f32]>,
}

impl SpectralConv1d {
    /// Whether a shape can be done this way: channels in sixteens, no stride, no groups, and a
    /// kernel that leaves a block something to give.
    #[must_use]
    pub fn suits(shape: &Conv1dShape, size: BlockSize) -> bool {
        shape.stride == 1
            && shape.groups == 1
            && shape.ins.is_multiple_of(WIDTH)
            && shape.outs.is_multiple_of(WIDTH)
            && shape.kernel <= size.frames() / 2 + 4
    }

    /// About how many multiplications this way takes for so many frames at a time, with what the
    /// transforms cost; infinite where a shape does not suit.
    #[must_use]
    pub fn cost(shape: &Conv1dShape, size: BlockSize, frames: usize) -> f64 {
        if !Self::suits(shape, size) {
            return f64::INFINITY;
        }
        let Conv1dShape { ins, outs, .. } = *shape;
        let (n, dilation) = (size.frames(), shape.dilation.max(1));
        let valid = n + 1 - shape.kernel;
        let blocks: usize = (0..dilation.min(frames))
            .map(|phase| (frames - phase).div_ceil(dilation).div_ceil(valid))
            .sum();
        let products = size.products() * ins * outs;
        let weights = n * ins * outs * size_of::<f32>();
        // Measured: a value there and back costs as much as 40 or 44 multiplications. Fewer than a
        // tile's six rows take as long as six.
        let there_and_back = n * (shape.ins + shape.outs) * (18 + 2 * n.ilog2() as usize) / 2;
        let work = (blocks.next_multiple_of(6) * products) as f64;
        work.max(PER_BYTE * weights as f64) + (blocks * there_and_back) as f64
    }

    /// From `weights`, `[outs, ins, kernel]`, and `bias`, `[outs]`. Allocates.
    ///
    /// # Panics
    /// If the shape does not suit or a slice is of another length.
    #[must_use]
    pub fn new(shape: Conv1dShape, size: BlockSize, weights: &[f32], bias: &[f32]) -> Self {
        let Conv1dShape {
            ins, outs, kernel, ..
        } = shape;
        assert!(Self::suits(&shape, size), "the shape suits");
        assert_eq!(
            weights.len(),
            outs * ins * kernel,
            "weights are [outs, ins, kernel]"
        );
        assert_eq!(bias.len(), outs, "one bias per output");
        let n = size.frames();
        let turn = |k: usize| (std::f64::consts::TAU * (k % n) as f64 / n as f64).sin_cos();
        let bins = 0..=n / 2;
        let turns: Vec<(f64, f64)> = bins
            .flat_map(|bin| (0..kernel).map(move |tap| turn(bin * tap)))
            .collect();
        // Of the conjugate: frames are counted forwards from the first a tap sees.
        let bin = |bin: usize, taps: &[f32]| {
            let terms = taps.iter().zip(&turns[bin * kernel..]);
            let sum = terms.fold([0.0; 2], |[re, im], (w, (sin, cos))| {
                let w = f64::from(*w);
                [re + w * cos, im + w * sin]
            });
            sum.map(|x| x as f32)
        };
        let matrices = ComplexMatrices::new(outs, ins, n / 2, |o, i, all| {
            let taps = &weights[(o * ins + i) * kernel..][..kernel];
            all[0] = [bin(0, taps)[0], bin(n / 2, taps)[0]];
            for (m, value) in all.iter_mut().enumerate().skip(1) {
                *value = bin(m, taps);
            }
        });
        Self {
            shape,
            size,
            matrices,
            bias: bias.into(),
        }
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        Footprint {
            full: self.matrices.bytes(),
            half: 0,
        }
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Conv1dShape {
        self.shape
    }

    /// Values of work memory that [`Self::run`] needs.
    #[must_use]
    pub fn work_len(&self) -> usize {
        self.size.products() * (plane(self.shape.ins) + plane(self.shape.outs))
    }

    /// `y[f] = bias + sum over tap of w[tap] * leaky(x[f + tap * dilation])` for `f < frames`,
    /// replacing `y` or added to it; `leaky(x)` is `x`, or `slope * x` below 0.
    ///
    /// `x` is `[frames + span - 1, ins]`, `y` `[frames, outs]`, `slope` in 0..=1, `work` of any
    /// content. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn run(
        &self,
        x: &[f32],
        frames: usize,
        slope: f32,
        into: Into,
        y: &mut [f32],
        work: &mut [f32],
    ) {
        if frames == 0 {
            return;
        }
        let Conv1dShape { ins, outs, .. } = self.shape;
        assert!(
            self.shape.frames_in(frames) * ins <= x.len(),
            "x is too short"
        );
        assert!(frames * outs <= y.len(), "y is too short");
        assert!(self.work_len() <= work.len(), "work is too short");
        let call = Call {
            conv: self,
            x,
            frames,
            slope,
            into,
        };
        let form = Form::best();
        match self.size {
            BlockSize::Of16 => call.run::<16>(form, y, work),
            BlockSize::Of32 => call.run::<32>(form, y, work),
        }
    }
}

/// One call of [`SpectralConv1d::run`], its slices checked.
struct Call<'a> {
    conv: &'a SpectralConv1d,
    x: &'a [f32],
    frames: usize,
    slope: f32,
    into: Into,
}

/// Where a block lies: its first output, and how many it gives, `dilation` apart.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    outputs: usize,
}

impl Call<'_> {
    fn run<const N: usize>(&self, form: Form, y: &mut [f32], work: &mut [f32]) {
        let Conv1dShape { ins, .. } = self.conv.shape;
        let (spectra, products) = work.split_at_mut((3 * (N / 2) - 1) * plane(ins));
        let mut blocks = [Block {
            first: 0,
            outputs: 0,
        }; ROWS];
        let mut rows = 0;
        let mut all = self.blocks::<N>().peekable();
        while let Some(block) = all.next() {
            blocks[rows] = block;
            rows += 1;
            if rows < ROWS && all.peek().is_some() {
                continue;
            }
            self.there::<N>(form, &blocks[..rows], spectra);
            self.multiply::<N>(rows, spectra, products);
            self.back::<N>(form, &blocks[..rows], products, y);
            rows = 0;
        }
    }

    /// Every bin of every block by its matrix.
    fn multiply<const N: usize>(&self, rows: usize, spectra: &[f32], products: &mut [f32]) {
        let Conv1dShape { ins, outs, .. } = self.conv.shape;
        let mut x = spectra.chunks_exact(plane(ins));
        let mut y = products.chunks_exact_mut(plane(outs));
        let mut next = || Some((x.next()?, y.next()?));
        let matrices = &self.conv.matrices;
        let (Some(first), Some(last)) = (next(), next()) else {
            return;
        };
        matrices.two(0, [first.0, last.0], rows, [first.1, last.1]);
        for bin in 1..N / 2 {
            let (Some(a), Some(b), Some(c)) = (next(), next(), next()) else {
                return;
            };
            matrices.three(bin, [a.0, b.0, c.0], rows, [a.1, b.1, c.1]);
        }
    }

    /// Every block; with a dilation, those of every `dilation`th frame follow each other.
    fn blocks<const N: usize>(&self) -> impl Iterator<Item = Block> + use<N> {
        let Conv1dShape {
            kernel, dilation, ..
        } = self.conv.shape;
        let (frames, valid) = (self.frames, N + 1 - kernel);
        (0..dilation.min(frames)).flat_map(move |phase| {
            let outputs = (frames - phase).div_ceil(dilation);
            (0..outputs).step_by(valid).map(move |from| Block {
                first: phase + from * dilation,
                outputs: valid.min(outputs - from),
            })
        })
    }

    /// The spectra of the blocks, as `[matrix][block][ins]`: real bins, and of the others the sum
    /// of real and imaginary part, the real and the imaginary part.
    fn there<const N: usize>(&self, form: Form, blocks: &[Block], spectra: &mut [f32]) {
        // SAFETY: the form is one the CPU has; `run` checked all lengths.
        unsafe {
            match form {
                Form::Plain => self.there_as::<Plain, N>(blocks, spectra),
                #[cfg(target_arch = "x86_64")]
                Form::Avx2 => self.there_avx2::<N>(blocks, spectra),
                #[cfg(target_arch = "x86_64")]
                Form::Avx512 => self.there_avx512::<N>(blocks, spectra),
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn there_avx2<const N: usize>(&self, blocks: &[Block], spectra: &mut [f32]) {
        // SAFETY: as the caller's.
        unsafe { self.there_as::<Avx2, N>(blocks, spectra) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn there_avx512<const N: usize>(&self, blocks: &[Block], spectra: &mut [f32]) {
        // SAFETY: as the caller's.
        unsafe { self.there_as::<Avx512, N>(blocks, spectra) }
    }

    #[inline(always)]
    unsafe fn there_as<V: Lanes, const N: usize>(&self, blocks: &[Block], spectra: &mut [f32]) {
        let ins = self.conv.shape.ins;
        let to = spectra.as_mut_ptr();
        for (pair, two) in blocks.chunks(2).enumerate() {
            for channel in (0..ins).step_by(WIDTH) {
                // SAFETY: a block's frames are read where `x` has them; `spectra` has a place for
                // each matrix, block and channel.
                unsafe {
                    let mut re = self.gather::<V, N>(two[0], channel);
                    let mut im = match two.get(1) {
                        Some(block) => self.gather::<V, N>(*block, channel),
                        None => [V::splat(0.0); N],
                    };
                    forward(&mut re, &mut im);
                    let to = to.add(2 * pair * ins + channel);
                    let store = |matrix: usize, first: V, second: V| {
                        let to = to.add(matrix * plane(ins));
                        first.store(to);
                        if 1 < two.len() {
                            second.store(to.add(ins));
                        }
                    };
                    let twice = |v: V| v.add(v);
                    store(0, twice(re[0]), twice(im[0]));
                    let last = place::<N>(N / 2);
                    store(1, twice(re[last]), twice(im[last]));
                    for bin in 1..N / 2 {
                        let (a, b) = (place::<N>(bin), place::<N>(N - bin));
                        // The parts of one signal are even, those of the other odd.
                        let first = (re[a].add(re[b]), im[a].sub(im[b]));
                        let second = (im[a].add(im[b]), re[b].sub(re[a]));
                        let matrix = 3 * bin - 1;
                        store(matrix, first.0.add(first.1), second.0.add(second.1));
                        store(matrix + 1, first.0, second.0);
                        store(matrix + 2, first.1, second.1);
                    }
                }
            }
        }
    }

    /// The frames of a block; what lies beyond the last frame that is needed is 0.
    #[inline(always)]
    unsafe fn gather<V: Lanes, const N: usize>(&self, block: Block, channel: usize) -> [V; N] {
        let Conv1dShape {
            ins,
            kernel,
            dilation,
            ..
        } = self.conv.shape;
        let seen = block.outputs + kernel - 1;
        // SAFETY: the last of the frames seen is the last that the block's last output sees.
        unsafe {
            let slope = V::splat(self.slope);
            let from = self.x.as_ptr().add(block.first * ins + channel);
            let mut values = [V::splat(0.0); N];
            for (n, value) in values.iter_mut().enumerate() {
                if n < seen {
                    let x = V::load(from.add(n * dilation * ins));
                    *value = x.max(x.mul(slope));
                }
            }
            values
        }
    }

    /// The outputs of the blocks, from `[matrix][block][outs]`.
    fn back<const N: usize>(&self, form: Form, blocks: &[Block], products: &[f32], y: &mut [f32]) {
        // SAFETY: the form is one the CPU has; `run` checked all lengths.
        unsafe {
            match form {
                Form::Plain => self.back_as::<Plain, N>(blocks, products, y),
                #[cfg(target_arch = "x86_64")]
                Form::Avx2 => self.back_avx2::<N>(blocks, products, y),
                #[cfg(target_arch = "x86_64")]
                Form::Avx512 => self.back_avx512::<N>(blocks, products, y),
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn back_avx2<const N: usize>(&self, blocks: &[Block], products: &[f32], y: &mut [f32]) {
        // SAFETY: as the caller's.
        unsafe { self.back_as::<Avx2, N>(blocks, products, y) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn back_avx512<const N: usize>(
        &self,
        blocks: &[Block],
        products: &[f32],
        y: &mut [f32],
    ) {
        // SAFETY: as the caller's.
        unsafe { self.back_as::<Avx512, N>(blocks, products, y) }
    }

    #[inline(always)]
    unsafe fn back_as<V: Lanes, const N: usize>(
        &self,
        blocks: &[Block],
        products: &[f32],
        y: &mut [f32],
    ) {
        let outs = self.conv.shape.outs;
        for (pair, two) in blocks.chunks(2).enumerate() {
            for channel in (0..outs).step_by(WIDTH) {
                // SAFETY: `products` has a place for each matrix, block and channel, `y` one for
                // each output.
                unsafe {
                    let from = products.as_ptr().add(2 * pair * outs + channel);
                    // A block that is missing was not multiplied: whatever is there is not used.
                    let load = |matrix: usize| {
                        let from = from.add(matrix * plane(outs));
                        let second = match two.len() {
                            1 => V::splat(0.0),
                            _ => V::load(from.add(outs)),
                        };
                        (V::load(from), second)
                    };
                    let mut re = [V::splat(0.0); N];
                    let mut im = [V::splat(0.0); N];
                    (re[0], im[0]) = load(0);
                    let last = place::<N>(N / 2);
                    (re[last], im[last]) = load(1);
                    for bin in 1..N / 2 {
                        let (a, b) = (place::<N>(bin), place::<N>(N - bin));
                        let (all, less, more) =
                            (load(3 * bin - 1), load(3 * bin), load(3 * bin + 1));
                        let first = (all.0.sub(more.0), all.0.add(less.0));
                        let second = (all.1.sub(more.1), all.1.add(less.1));
                        (re[a], im[a]) = (first.0.sub(second.1), first.1.add(second.0));
                        (re[b], im[b]) = (first.0.add(second.1), second.0.sub(first.1));
                    }
                    inverse(&mut re, &mut im);
                    let y = y.as_mut_ptr().add(channel);
                    self.scatter(two[0], &re, channel, y);
                    if let Some(block) = two.get(1) {
                        self.scatter(*block, &im, channel, y);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn scatter<V: Lanes, const N: usize>(
        &self,
        block: Block,
        values: &[V; N],
        channel: usize,
        y: *mut f32,
    ) {
        let Conv1dShape { outs, dilation, .. } = self.conv.shape;
        // What the transforms leave out: a half for each of two signals in one, 1 / N for the way
        // back.
        let scale = 1.0 / (2 * N) as f32;
        // SAFETY: a block's outputs are within `y`, and its channels within the bias.
        unsafe {
            let bias = V::load(self.conv.bias.as_ptr().add(channel));
            for (n, value) in values[..block.outputs].iter().enumerate() {
                let y = y.add((block.first + n * dilation) * outs);
                let value = value.mul_add(V::splat(scale), bias);
                match self.into {
                    Into::Replace => value.store(y),
                    Into::Add => value.add(V::load(y)).store(y),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conv1d::{PackedConv1d, conv1d};
    use super::super::leaky_relu;
    use super::super::matmul::Start;
    use super::super::testing::noise;
    use super::*;

    #[test]
    fn is_the_convolution() {
        for (ins, outs, kernel) in [(16, 32, 3), (48, 16, 7), (32, 32, 11)] {
            for dilation in [1, 3, 5] {
                let shape = Conv1dShape {
                    dilation,
                    ..Conv1dShape::new(ins, outs, kernel)
                };
                let weights = noise(outs * ins * kernel, 1);
                let bias = noise(outs, 2);
                let packed = PackedConv1d::new(shape, &weights);
                for size in [BlockSize::Of16, BlockSize::Of32] {
                    let conv = SpectralConv1d::new(shape, size, &weights, &bias);
                    for frames in [1, 2, 4, 23, 150, 1200] {
                        for (slope, into) in [(1.0, Into::Replace), (0.1, Into::Add)] {
                            compare(&conv, &packed, frames, slope, into, &bias);
                        }
                    }
                }
            }
        }
    }

    fn compare(
        conv: &SpectralConv1d,
        packed: &PackedConv1d,
        frames: usize,
        slope: f32,
        into: Into,
        bias: &[f32],
    ) {
        let shape = conv.shape();
        let x = noise(shape.frames_in(frames) * shape.ins, 3);
        let mut active = x.clone();
        leaky_relu(&mut active, slope);
        let mut want = vec![0.0; frames * shape.outs];
        conv1d(&active, frames, packed, Start::Bias(bias), &mut want);
        let mut y = vec![2.0; want.len()];
        let mut work = vec![f32::NAN; conv.work_len()];
        conv.run(&x, frames, slope, into, &mut y, &mut work);
        let offset = if into == Into::Add { 2.0 } else { 0.0 };
        let scale = ((shape.ins * shape.kernel) as f32).sqrt();
        for (at, (got, want)) in y.iter().zip(&want).enumerate() {
            let error = (got - offset - want).abs() / scale;
            assert!(
                error < 1e-6,
                "{shape:?} {frames} {into:?}, value {at}: {got} for {want}"
            );
        }
    }
}

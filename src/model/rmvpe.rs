//! RMVPE: pitch of a voice in music from a log mel spectrogram (Wei, Cao, Dan & Chen, "RMVPE: a
//! robust model for vocal pitch estimation in polyphonic music", Interspeech 2023), as RVC's
//! `infer/rmvpe.py` has it. Any thread; real-time safe after construction.
//!
//! A U-net over time and frequency, then a recurrent layer in both directions. It halves time
//! five times, so that it works on multiples of 32 frames; images are `[frames, bands, channels]`.

mod device;

use autovoice_kernels::cpu::sigmoid;

use super::PITCH_BINS;
use super::salience::Salience;
use crate::dsp::mel::{MelBands, MelConfig};
use crate::dsp::stft::Spectrum;
use crate::nn::conv2d::{Size, average_pool};
use crate::nn::{Affine, BiGru, Conv2d, ConvTranspose2d, Linear, Scope, WeightsError};
use crate::units::Frames;
pub use device::Rmvpe as DeviceRmvpe;

/// The rate RMVPE hears at, in Hz.
pub const RATE_HZ: u32 = 16_000;
/// Frames of signal that one spectrum is of.
pub const WINDOW: Frames = 1_024;
/// Frames of signal from one spectrum to the next.
pub const HOP: Frames = 160;
/// Bands of a spectrum.
pub const BANDS: usize = 128;
/// The network works on multiples of so many spectra.
pub const MULTIPLE: Frames = 32;

/// Levels of the U-net; each halves time and frequency.
const LEVELS: usize = 5;
/// Channels between the U-net and the recurrent layer.
const SEEN: usize = 3;
/// Size of the recurrent layer's state.
const STATE: usize = 256;
/// What was added to variances in training.
const EPSILON: f64 = 1e-5;

/// The logarithm of the mel spectrum of one window of signal.
#[derive(Clone, Debug)]
pub struct LogMel {
    spectrum: Spectrum,
    bands: MelBands,
    magnitudes: Vec<f32>,
}

impl LogMel {
    /// Allocates.
    #[must_use]
    pub fn new() -> Self {
        Self {
            spectrum: Spectrum::new(WINDOW),
            bands: MelBands::new(&MelConfig {
                rate_hz: RATE_HZ,
                fft: WINDOW,
                bands: BANDS,
                lowest_hz: 30.0,
                highest_hz: 8_000.0,
            }),
            magnitudes: vec![0.0; WINDOW / 2 + 1],
        }
    }

    /// `window` is `[WINDOW]`, `out` `[BANDS]`, natural logarithm, at least that of 1e-5.
    /// Real-time safe.
    ///
    /// # Panics
    /// If a slice is of another length.
    pub fn frame(&mut self, window: &[f32], out: &mut [f32]) {
        self.spectrum.magnitudes(window, &mut self.magnitudes);
        self.bands.apply(&self.magnitudes, out);
        out.iter_mut().for_each(|x| *x = x.max(1e-5).ln());
    }
}

impl Default for LogMel {
    fn default() -> Self {
        Self::new()
    }
}

/// The size of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RmvpeConfig {
    /// Residual blocks in a row.
    pub blocks: usize,
    /// Rows of blocks at the bottom of the U-net.
    pub bottom: usize,
    /// Channels of the first level; each level doubles them.
    pub channels: usize,
}

impl RmvpeConfig {
    /// The published network: 90 million weights.
    pub const FULL: Self = Self {
        blocks: 4,
        bottom: 4,
        channels: 16,
    };
}

/// Two convolutions, and a way around them.
#[derive(Clone, Debug)]
struct Block {
    convs: [Conv2d; 2],
    /// None where the way around changes nothing.
    shortcut: Option<Conv2d>,
    outs: usize,
}

impl Block {
    fn new(ins: usize, outs: usize, weights: &Scope) -> Result<Self, WeightsError> {
        let conv = |ins, n: usize| {
            let norm = Affine::batch_norm(outs, EPSILON, &weights.part("conv").part(n + 1))?;
            let conv = Conv2d::normalised(ins, outs, 3, &weights.part("conv").part(n), &norm)?;
            Ok(conv.rectified())
        };
        let around = || Conv2d::new(ins, outs, 1, &weights.part("shortcut"));
        Ok(Self {
            convs: [conv(ins, 0)?, conv(outs, 3)?],
            shortcut: (ins != outs).then(around).transpose()?,
            outs,
        })
    }

    /// Replaces the image in `memory.image`.
    fn forward(&self, size: Size, memory: &mut Memory) {
        let Memory {
            image,
            other,
            third,
            work,
        } = memory;
        self.convs[0].forward(image, size, other, work);
        self.convs[1].forward(other, size, third, work);
        let around = match &self.shortcut {
            Some(shortcut) => {
                shortcut.forward(image, size, other, work);
                &other[..]
            }
            None => &image[..],
        };
        let length = size.0 * size.1 * self.outs;
        let sum = third[..length].iter_mut().zip(around);
        sum.for_each(|(y, x)| *y += x);
        std::mem::swap(image, third);
    }

    fn work_len(&self) -> usize {
        let convs = self.convs.iter().chain(&self.shortcut);
        convs.map(Conv2d::work_len).fold(0, usize::max)
    }
}

/// `blocks` blocks, the first from `ins` to `outs` channels.
fn row(
    ins: usize,
    outs: usize,
    blocks: usize,
    weights: &Scope,
) -> Result<Vec<Block>, WeightsError> {
    let block = |n| Block::new(if n == 0 { ins } else { outs }, outs, &weights.part(n));
    (0..blocks).map(block).collect()
}

/// Images that layers work on, each as large as the largest.
#[derive(Clone, Debug)]
struct Memory {
    image: Vec<f32>,
    other: Vec<f32>,
    third: Vec<f32>,
    work: Vec<f32>,
}

/// A way up: twice the size, half the channels, joined with what came by on the way down.
#[derive(Clone, Debug)]
struct Up {
    conv: ConvTranspose2d,
    blocks: Vec<Block>,
    channels: usize,
}

impl Up {
    /// From `ins` channels to half as many.
    fn new(ins: usize, blocks: usize, weights: &Scope) -> Result<Self, WeightsError> {
        let outs = ins / 2;
        let conv = weights.part("conv1");
        let norm = Affine::batch_norm(outs, EPSILON, &conv.part("1"))?;
        Ok(Self {
            conv: ConvTranspose2d::normalised(ins, outs, &conv.part("0"), &norm)?.rectified(),
            blocks: row(2 * outs, outs, blocks, &weights.part("conv2"))?,
            channels: outs,
        })
    }
}

/// The part over time and frequency.
#[derive(Clone, Debug)]
struct Unet {
    norm: Affine,
    down: Vec<Vec<Block>>,
    bottom: Vec<Vec<Block>>,
    up: Vec<Up>,
    /// What each level gave on the way down.
    passed: Vec<Vec<f32>>,
}

impl Unet {
    fn new(config: RmvpeConfig, longest: Frames, weights: &Scope) -> Result<Self, WeightsError> {
        let RmvpeConfig {
            blocks, channels, ..
        } = config;
        let widest = channels << LEVELS;
        let [encoder, bottom, decoder] =
            ["encoder", "intermediate", "decoder"].map(|name| weights.part(name).part("layers"));
        let norm = weights.part("encoder").part("bn");
        Ok(Self {
            norm: Affine::batch_norm(1, EPSILON, &norm)?,
            down: (0..LEVELS)
                .map(|n| {
                    let ins = if n == 0 { 1 } else { channels << (n - 1) };
                    row(ins, channels << n, blocks, &encoder.part(n).part("conv"))
                })
                .collect::<Result<_, _>>()?,
            bottom: (0..config.bottom)
                .map(|n| {
                    let ins = if n == 0 { widest / 2 } else { widest };
                    row(ins, widest, blocks, &bottom.part(n).part("conv"))
                })
                .collect::<Result<_, _>>()?,
            up: (0..LEVELS)
                .map(|n| Up::new(widest >> n, blocks, &decoder.part(n)))
                .collect::<Result<_, _>>()?,
            passed: (0..LEVELS)
                .map(|n| vec![0.0; (longest >> n) * (BANDS >> n) * (channels << n)])
                .collect(),
        })
    }

    fn work_len(&self) -> usize {
        let blocks = self.down.iter().chain(&self.bottom);
        let blocks = blocks.chain(self.up.iter().map(|up| &up.blocks)).flatten();
        let ups = self.up.iter().map(|up| up.conv.work_len());
        blocks.map(Block::work_len).chain(ups).fold(0, usize::max)
    }

    /// Replaces the image in `memory`, `[frames, BANDS, 1]` at first.
    fn forward(
        &mut self,
        frames: Frames,
        memory: &mut Memory,
        mut observe: impl FnMut(Part, &[f32]),
    ) {
        self.norm.apply(&mut memory.image[..frames * BANDS]);
        let mut size = (frames, BANDS);
        for level in 0..LEVELS {
            let channels = self.up[LEVELS - 1 - level].channels;
            self.go_down(level, size, memory);
            size = (size.0 / 2, size.1 / 2);
            observe(
                Part::Down(level),
                &memory.image[..size.0 * size.1 * channels],
            );
        }
        let blocks = self.bottom.iter().flatten();
        blocks.for_each(|block| block.forward(size, memory));
        let channels = 2 * self.up[0].channels;
        observe(Part::Bottom, &memory.image[..size.0 * size.1 * channels]);
        for n in 0..LEVELS {
            let channels = self.up[n].channels;
            self.go_up(n, size, memory);
            size = (2 * size.0, 2 * size.1);
            observe(Part::Up(n), &memory.image[..size.0 * size.1 * channels]);
        }
    }

    /// One level down: keeps what it gives, and halves it.
    fn go_down(&mut self, level: usize, size: Size, memory: &mut Memory) {
        let blocks = self.down[level].iter();
        blocks.for_each(|block| block.forward(size, memory));
        let channels = self.up[LEVELS - 1 - level].channels;
        let length = size.0 * size.1 * channels;
        self.passed[level][..length].copy_from_slice(&memory.image[..length]);
        average_pool(&memory.image, size, channels, &mut memory.other);
        std::mem::swap(&mut memory.image, &mut memory.other);
    }

    /// One level up, to twice the size.
    fn go_up(&self, n: usize, size: Size, memory: &mut Memory) {
        let up = &self.up[n];
        let channels = up.channels;
        let passed = &self.passed[LEVELS - 1 - n];
        let Memory {
            image, other, work, ..
        } = memory;
        up.conv.forward(image, size, other, 2 * channels, work);
        let size = (2 * size.0, 2 * size.1);
        let pixels = other.chunks_exact_mut(2 * channels).take(size.0 * size.1);
        for (pixel, passed) in pixels.zip(passed.chunks_exact(channels)) {
            pixel[channels..].copy_from_slice(passed);
        }
        std::mem::swap(image, other);
        up.blocks
            .iter()
            .for_each(|block| block.forward(size, memory));
    }
}

/// The network and its memory.
#[derive(Clone, Debug)]
pub struct Rmvpe {
    longest: Frames,
    unet: Unet,
    seen: Conv2d,
    gru: BiGru,
    linear: Linear,
    memory: Memory,
}

impl Rmvpe {
    /// For windows of at most `longest` spectra, rounded up to [`MULTIPLE`]. Tensors are named as
    /// in RVC's `rmvpe.pt`. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit the configuration.
    pub fn new(
        config: RmvpeConfig,
        longest: Frames,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let longest = longest.max(1).next_multiple_of(MULTIPLE);
        let unet = Unet::new(config, longest, &weights.part("unet"))?;
        let seen = Conv2d::new(config.channels, SEEN, 3, &weights.part("cnn"))?;
        let [gru, linear] = [weights.part("fc.0.gru"), weights.part("fc.1")];
        // Two images joined at the finest level; no other is larger, nor what comes after.
        let largest = longest * BANDS * 2 * config.channels.max(SEEN);
        let work = unet.work_len().max(seen.work_len());
        Ok(Self {
            longest,
            unet,
            seen,
            gru: BiGru::new(SEEN * BANDS, STATE, longest, &gru)?,
            linear: Linear::new(2 * STATE, PITCH_BINS, &linear)?,
            memory: Memory {
                image: vec![0.0; largest],
                other: vec![0.0; largest],
                third: vec![0.0; largest],
                work: vec![0.0; work],
            },
        })
    }

    /// The most spectra of one window.
    #[must_use]
    pub fn longest(&self) -> Frames {
        self.longest
    }

    /// How probable each pitch bin is in each frame: from `log_mel`, `[frames, BANDS]`, into
    /// `out`, `[frames, PITCH_BINS]`. Up to a multiple of [`MULTIPLE`] frames, spectra of zeros
    /// follow, as in the original. Real-time safe.
    ///
    /// # Panics
    /// If the window is too long or a slice too short.
    pub fn salience(&mut self, log_mel: &[f32], out: &mut [f32]) {
        self.observed(log_mel, out, |_, _| ());
    }

    /// [`Self::salience`] that shows what each part gives, `[frames, bands, channels]`.
    pub fn observed(
        &mut self,
        log_mel: &[f32],
        out: &mut [f32],
        mut observe: impl FnMut(Part, &[f32]),
    ) {
        let frames = log_mel.len() / BANDS;
        let padded = frames.next_multiple_of(MULTIPLE);
        assert!(padded <= self.longest, "the window is too long");
        let image = &mut self.memory.image[..padded * BANDS];
        image[..log_mel.len()].copy_from_slice(log_mel);
        image[log_mel.len()..].fill(0.0);
        self.unet.forward(padded, &mut self.memory, &mut observe);

        let Memory {
            image, other, work, ..
        } = &mut self.memory;
        self.seen.forward(image, (padded, BANDS), other, work);
        observe(Part::Seen, &other[..padded * BANDS * SEEN]);
        // The recurrent layer wants the bands of one channel side by side.
        for (n, x) in image[..padded * BANDS * SEEN].iter_mut().enumerate() {
            let (frame, channel, band) = (n / (SEEN * BANDS), n / BANDS % SEEN, n % BANDS);
            *x = other[(frame * BANDS + band) * SEEN + channel];
        }
        self.gru.window(image, padded, other);
        observe(Part::Recurrent, &other[..padded * 2 * STATE]);
        self.linear.forward(other, frames, out);
        sigmoid(&mut out[..frames * PITCH_BINS]);
    }
}

impl Salience for Rmvpe {
    fn salience(&mut self, heard: &[f32], out: &mut [f32]) {
        self.observed(heard, out, |_, _| ());
    }
}

/// A part of the network, for whoever looks at what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A level on the way down, from 0, after halving.
    Down(usize),
    /// The bottom of the U-net.
    Bottom,
    /// A level on the way up, from 0.
    Up(usize),
    /// The convolution behind the U-net.
    Seen,
    /// The recurrent layer, `[frames, 2 * 256]`.
    Recurrent,
}

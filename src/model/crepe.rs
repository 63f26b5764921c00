//! CREPE: pitch from 1024 frames of waveform (Kim, Salamon, Li & Bello, "CREPE: a convolutional
//! representation for pitch estimation", ICASSP 2018), as the Python package torchcrepe 0.0.24
//! has it. Any thread; real-time safe after construction.

mod device;

use autovoice_kernels::cpu::{Conv1dShape, PackedConv1d, Start, conv1d, relu, sigmoid};

use super::PITCH_BINS;
use super::salience::Salience;
use crate::nn::{Affine, Linear, Scope, WeightsError};
use crate::units::Frames;
pub use device::Crepe as DeviceCrepe;

/// The rate CREPE hears at, in Hz.
pub const RATE_HZ: u32 = 16_000;
/// Frames it looks at.
pub const WINDOW: Frames = 1_024;

/// What was added to variances in training.
const EPSILON: f64 = 1e-3;
/// Zeros before and after the input of the first layer (kernel 512, stride 4) and of the others
/// (kernel 64, stride 1), so that frames are divided by the stride exactly.
const PADS: [(Frames, Frames); 2] = [(254, 254), (31, 32)];

/// How many channels there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// 0.5 million weights.
    Tiny,
    /// 22 million weights.
    Full,
}

impl Capacity {
    /// Channels that each layer gives.
    #[must_use]
    pub fn channels(self) -> [usize; 6] {
        let times = match self {
            Self::Tiny => 4,
            Self::Full => 32,
        };
        [32, 4, 4, 4, 8, 16].map(|channels| channels * times)
    }

    /// Values that the last layer gives.
    fn seen(self) -> usize {
        let last = self.layers().last();
        last.map_or(0, |sizes| sizes.given() * sizes.shape.outs)
    }

    /// The sizes of its layers, one after the other.
    fn layers(self) -> impl Iterator<Item = Sizes> {
        let (mut ins, mut frames) = (1, WINDOW);
        self.channels()
            .into_iter()
            .enumerate()
            .map(move |(n, outs)| {
                let (kernel, stride) = if n == 0 { (512, 4) } else { (64, 1) };
                let sizes = Sizes {
                    shape: Conv1dShape {
                        stride,
                        ..Conv1dShape::new(ins, outs, kernel)
                    },
                    heard: frames,
                    frames: frames / stride,
                    pads: PADS[n.min(1)],
                };
                (ins, frames) = (outs, sizes.given());
                sizes
            })
    }
}

/// The sizes of one layer.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    shape: Conv1dShape,
    /// Frames that go in.
    heard: Frames,
    /// Frames before the maximum.
    frames: Frames,
    /// Frames of zeros before and after those that go in.
    pads: (Frames, Frames),
}

impl Sizes {
    /// Frames that come out.
    fn given(&self) -> Frames {
        self.frames / 2
    }

    /// Values of the input and the zeros around it.
    fn padded_len(&self) -> usize {
        (self.pads.0 + self.heard + self.pads.1) * self.shape.ins
    }

    /// Where the input begins behind the zeros.
    fn first(&self) -> usize {
        self.pads.0 * self.shape.ins
    }

    /// Values before the maximum.
    fn len(&self) -> usize {
        self.frames * self.shape.outs
    }
}

/// The weights of a layer.
struct Tensors<'a> {
    /// `[outs, ins, kernel]`
    weights: &'a [f32],
    bias: &'a [f32],
    norm: Affine,
}

impl<'a> Tensors<'a> {
    /// Of layer `n`, from 0.
    fn of(n: usize, shape: Conv1dShape, all: &Scope<'a>) -> Result<Self, WeightsError> {
        let Conv1dShape {
            ins, outs, kernel, ..
        } = shape;
        let conv = all.part(format_args!("conv{}", n + 1));
        let norm = all.part(format_args!("conv{}_BN", n + 1));
        Ok(Self {
            weights: conv.get("weight", &[outs, ins, kernel, 1])?,
            bias: conv.get("bias", &[outs])?,
            norm: Affine::batch_norm(outs, EPSILON, &norm)?,
        })
    }
}

/// One convolution, rectifier, normalisation and maximum of two frames.
#[derive(Clone, Debug)]
struct Layer {
    sizes: Sizes,
    conv: PackedConv1d,
    bias: Vec<f32>,
    norm: Affine,
    /// The input and the zeros around it, `[_, ins]`.
    padded: Vec<f32>,
}

/// The network and its work memory.
#[derive(Clone, Debug)]
pub struct Crepe {
    capacity: Capacity,
    layers: Vec<Layer>,
    classifier: Linear,
    /// Output of a layer.
    work: Vec<f32>,
}

impl Crepe {
    /// From tensors named as torchcrepe does: `conv1.weight` `[outs, ins, kernel, 1]` and so on.
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit the capacity.
    pub fn new(capacity: Capacity, weights: &Scope) -> Result<Self, WeightsError> {
        let mut layers = Vec::new();
        for (n, sizes) in capacity.layers().enumerate() {
            let tensors = Tensors::of(n, sizes.shape, weights)?;
            layers.push(Layer {
                sizes,
                conv: PackedConv1d::new(sizes.shape, tensors.weights),
                bias: tensors.bias.to_vec(),
                norm: tensors.norm,
                padded: vec![0.0; sizes.padded_len()],
            });
        }
        let largest = layers.iter().map(|layer| layer.sizes.len());
        Ok(Self {
            capacity,
            work: vec![0.0; largest.fold(0, usize::max)],
            layers,
            classifier: Linear::new(capacity.seen(), PITCH_BINS, &weights.part("classifier"))?,
        })
    }

    /// How many channels there are.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// The probability of each pitch bin. `frame` is normalised ([`normalise`]). Real-time safe.
    pub fn probabilities(&mut self, frame: &[f32; WINDOW], out: &mut [f32; PITCH_BINS]) {
        self.observed(frame, out, |_, _| ());
    }

    /// [`Self::probabilities`] that shows what each layer, counted from 1, gives after
    /// normalisation, `[frames, channels]`.
    pub fn observed(
        &mut self,
        frame: &[f32; WINDOW],
        out: &mut [f32; PITCH_BINS],
        mut observe: impl FnMut(usize, &[f32]),
    ) {
        let first = &mut self.layers[0];
        let at = first.sizes.first();
        first.padded[at..][..WINDOW].copy_from_slice(frame);
        for n in 0..self.layers.len() {
            let (done, rest) = self.layers.split_at_mut(n + 1);
            let layer = &done[n];
            let channels = layer.bias.len();
            let y = &mut self.work[..layer.sizes.len()];
            let bias = Start::Bias(&layer.bias);
            conv1d(&layer.padded, layer.sizes.frames, &layer.conv, bias, y);
            relu(y);
            layer.norm.apply(y);
            observe(n + 1, y);
            match rest.first_mut() {
                Some(next) => max_of_two(y, channels, &mut next.padded[next.sizes.first()..]),
                None => {
                    max_of_two_in_place(y, channels);
                    self.classifier.forward(y, 1, out);
                }
            }
        }
        sigmoid(out);
    }
}

impl Salience for Crepe {
    fn salience(&mut self, heard: &[f32], out: &mut [f32]) {
        let (frame, out) = (heard.try_into(), out.try_into());
        self.probabilities(frame.expect(SIZES), out.expect(SIZES));
    }
}

const SIZES: &str = "a window goes in, and one value of each bin comes out";

/// The greater of each two frames.
fn max_of_two(x: &[f32], channels: usize, y: &mut [f32]) {
    let pairs = x.chunks_exact(2 * channels);
    for (pair, y) in pairs.zip(y.chunks_exact_mut(channels)) {
        let (a, b) = pair.split_at(channels);
        for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
            *y = if a > b { *a } else { *b };
        }
    }
}

fn max_of_two_in_place(x: &mut [f32], channels: usize) {
    for at in 0..x.len() / 2 {
        let from = at / channels * 2 * channels + at % channels;
        let (a, b) = (x[from], x[from + channels]);
        x[at] = if a > b { a } else { b };
    }
}

/// Takes the mean out and divides by the deviation (that of a sample: over n - 1), as CREPE wants
/// its frames. Silence stays silence. Real-time safe.
pub fn normalise(frame: &mut [f32; WINDOW]) {
    let sum = |f: &dyn Fn(f64) -> f64| frame.iter().map(|x| f(f64::from(*x))).sum::<f64>();
    let mean = sum(&|x| x) / WINDOW as f64;
    let variance = sum(&|x| (x - mean) * (x - mean)) / (WINDOW - 1) as f64;
    let scale = 1.0 / variance.sqrt().max(1e-10);
    for x in frame {
        *x = ((f64::from(*x) - mean) * scale) as f32;
    }
}

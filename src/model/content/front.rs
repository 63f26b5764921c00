//! Sound to frames: seven convolutions, the first of them normalised over time, and a projection.
//! Any thread; real-time safe after construction.

use std::sync::Arc;

use autovoice_kernels::cpu::{Conv1dShape, Footprint, gelu};

use super::{ContentConfig, HOP, WINDOW};
use crate::nn::{Conv1d, Conv1dConfig, LayerNorm, Linear, Scope, WeightsError};
use crate::units::Frames;

/// Taps and strides of the convolutions.
pub(super) const CONVS: [(usize, usize); 7] =
    [(10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)];
/// What is added to the variance over time.
const EPSILON: f64 = 1e-5;
/// Frames of the first convolution, 3,200 per second, that the statistics of a stream remember.
pub(super) const MEMORY: f64 = 4.0 * 3_200.0;

/// Where the statistics come from that the first convolution is normalised with. The original takes
/// those of the whole signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Those of the sound of this step: for a whole signal.
    Whole,
    /// Those of the last seconds in which there was a voice, renewed every 20 ms: the same however
    /// a signal is cut into steps of whole hops.
    Running,
}

/// The front with the state of one stream. A clone shares its weights.
#[derive(Clone, Debug)]
pub struct Front {
    convs: Vec<Conv1d>,
    scale: Arc<[f32]>,
    shift: Arc<[f32]>,
    statistics: Statistics,
    norm: LayerNorm,
    project: Linear,
    /// Two buffers that layers take turns with.
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Front {
    /// From the weights of an encoder, for steps of at most `most` samples. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: &ContentConfig, most: usize, weights: &Scope) -> Result<Self, WeightsError> {
        let layers = weights.part("feature_extractor").part("conv_layers");
        let channels = config.conv;
        let convs = CONVS
            .iter()
            .enumerate()
            .map(|(n, (kernel, stride))| {
                let ins = if n == 0 { 1 } else { channels };
                let shape = Conv1dShape {
                    stride: *stride,
                    ..Conv1dShape::new(ins, channels, *kernel)
                };
                Conv1d::new(
                    Conv1dConfig { shape, left: 0 },
                    &layers.part(n).part("conv"),
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        let over_time = layers.part(0).part("layer_norm");
        let projection = weights.part("feature_projection");
        let made = Self {
            a: Vec::new(),
            b: Vec::new(),
            convs,
            scale: over_time.get("weight", &[channels])?.into(),
            shift: over_time.get("bias", &[channels])?.into(),
            statistics: Statistics::new(channels),
            norm: LayerNorm::new(channels, &projection.part("layer_norm"))?,
            project: Linear::new(channels, config.hidden, &projection.part("projection"))?,
        };
        Ok(made.sized(most))
    }

    /// A stream of its own with the same weights, for steps of at most `most` samples. Allocates.
    #[must_use]
    pub fn sized(&self, most: usize) -> Self {
        let channels = self.scale.len();
        let longest = self.convs[0].max_output(most);
        let mut made = self.clone();
        made.reset();
        made.a = vec![0.0; longest * channels];
        made.b = vec![0.0; (longest / 2 + 2) * channels];
        made
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let convs: Footprint = self.convs.iter().map(Conv1d::footprint).sum();
        convs + self.project.footprint()
    }

    /// The most frames that so many samples can complete.
    #[must_use]
    pub fn max_output(samples: usize) -> Frames {
        (samples + WINDOW) / HOP + 1
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.convs.iter_mut().for_each(Conv1d::reset);
        self.statistics.reset();
    }

    /// Takes the next samples of 16 kHz; writes the frames they complete, `[_, hidden]`, to `y` and
    /// says how many. Frame `n` sees the samples `HOP * n` to `HOP * n + WINDOW`. Real-time safe.
    ///
    /// # Panics
    /// If there are more samples than was built for, or `y` is shorter than what is completed.
    pub fn step(&mut self, wave: &[f32], loudness: Loudness, y: &mut [f32]) -> Frames {
        let channels = self.scale.len();
        let piece = match loudness {
            Loudness::Whole => {
                self.statistics.reset();
                wave.len().max(1)
            }
            // Always as much, so that the size of steps is not heard.
            Loudness::Running => HOP,
        };
        let mut frames = 0;
        for wave in wave.chunks(piece) {
            let first = &mut self.a[frames * channels..];
            let more = self.convs[0].step(wave, first);
            let first = &mut first[..more * channels];
            self.statistics.hear(first);
            self.statistics.normalise(first, &self.scale, &self.shift);
            gelu(first);
            frames += more;
        }
        let (mut from, mut to) = (&mut self.a, &mut self.b);
        for conv in &mut self.convs[1..] {
            frames = conv.step(&from[..frames * channels], to);
            gelu(&mut to[..frames * channels]);
            std::mem::swap(&mut from, &mut to);
        }
        let seen = &mut from[..frames * channels];
        self.norm.apply(seen);
        let hidden = self.project.outs();
        self.project
            .forward(seen, frames, &mut y[..frames * hidden]);
        frames
    }
}

/// Mean and variance of every channel over time. Silence leaves them as they are: what was sung
/// before it is a better guess of what comes than its noise.
#[derive(Clone, Debug)]
struct Statistics {
    /// Frames they rest on, at most [`MEMORY`] unless one step has more.
    weight: f64,
    mean: Vec<f64>,
    square: Vec<f64>,
    sums: Vec<[f32; 2]>,
    step_mean: Vec<f64>,
    step_square: Vec<f64>,
}

impl Statistics {
    fn new(channels: usize) -> Self {
        let zeros = || vec![0.0; channels];
        Self {
            weight: 0.0,
            mean: zeros(),
            square: zeros(),
            sums: vec![[0.0; 2]; channels],
            step_mean: zeros(),
            step_square: zeros(),
        }
    }

    fn reset(&mut self) {
        self.weight = 0.0;
        self.mean.fill(0.0);
        self.square.fill(0.0);
    }

    fn hear(&mut self, x: &[f32]) {
        let channels = self.mean.len();
        let frames = x.len() / channels;
        if frames == 0 {
            return;
        }
        self.step_mean.fill(0.0);
        self.step_square.fill(0.0);
        // Some frames at a time in f32, their sums in f64.
        for some in x.chunks(64 * channels) {
            self.sums.fill([0.0; 2]);
            for frame in some.chunks_exact(channels) {
                for ([sum, square], x) in self.sums.iter_mut().zip(frame) {
                    *sum += x;
                    *square += x * x;
                }
            }
            let totals = self.step_mean.iter_mut().zip(&mut self.step_square);
            for ((mean, square), [sum, squares]) in totals.zip(&self.sums) {
                *mean += f64::from(*sum);
                *square += f64::from(*squares);
            }
        }
        let energy: f64 = self.step_square.iter().sum::<f64>() / frames as f64;
        let usual: f64 = self.square.iter().sum();
        // A step as loud as what was heard before counts in full, one 20 dB below it a hundredth.
        // The silence before the first sound says nothing.
        let counts = match usual > 0.0 {
            true => (energy / usual).min(1.0),
            false => f64::from(u8::from(energy > 0.0)),
        };
        let new = frames as f64 * counts;
        self.weight = (self.weight + new).min(MEMORY.max(new));
        if self.weight <= 0.0 {
            return;
        }
        let share = new / self.weight;
        let step = self.step_mean.iter().zip(&self.step_square);
        let kept = self.mean.iter_mut().zip(&mut self.square);
        for ((mean, square), (new_mean, new_square)) in kept.zip(step) {
            *mean += share * (new_mean / frames as f64 - *mean);
            *square += share * (new_square / frames as f64 - *square);
        }
    }

    fn normalise(&mut self, x: &mut [f32], scale: &[f32], shift: &[f32]) {
        let channels = self.mean.len();
        let moments = self.mean.iter().zip(&self.square);
        let weights = scale.iter().zip(shift);
        for ((factor, (mean, square)), (scale, shift)) in
            self.sums.iter_mut().zip(moments).zip(weights)
        {
            let variance = (square - mean * mean).max(0.0);
            let by = f64::from(*scale) / (variance + EPSILON).sqrt();
            *factor = [by as f32, (f64::from(*shift) - mean * by) as f32];
        }
        for frame in x.chunks_exact_mut(channels) {
            for (x, [by, shift]) in frame.iter_mut().zip(&self.sums) {
                *x = by * *x + shift;
            }
        }
    }
}

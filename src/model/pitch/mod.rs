//! The pitch network of the tracker `neural`, frame by frame: convolutions along the grid of
//! candidates, which know no absolute pitch, and a recurrent context that knows what has been
//! sung. Any thread; real-time safe after construction.
//!
//! Weights are ours; `autovoice train pitch` makes them, on the same network over whole sequences.

mod device;
pub mod features;
mod weights;

pub use device::PitchNet as DevicePitchNet;
pub use weights::embedded;

use autovoice_kernels::cpu::{PackedMatrix, Start, matmul, relu, softmax};

use crate::nn::{Gru, Linear, Scope, Weights, WeightsError};
use features::{BINS, CHANNELS};

/// Channels of the convolutions.
pub const WIDTH: usize = 16;
/// Channels of what the context sees of each candidate.
pub const SQUEEZED: usize = 4;
/// Units of the context.
pub const CONTEXT: usize = 64;
/// Candidates that the first convolution covers.
pub const FIRST_KERNEL: usize = 3;
/// Candidates that the second and third convolution cover of the present.
pub const KERNEL: usize = 5;
/// Candidates that they cover of the past.
pub const PAST_KERNEL: usize = 3;
/// How many instants ago that past is, for the second and the third.
pub const PAST: [usize; 2] = [1, 3];

/// Rows of zeros on either side of a grid, for the widest window.
const PAD: usize = KERNEL / 2;
const ROWS: usize = BINS + 2 * PAD;

/// Names and shapes of the weights, in the order of the computation.
#[must_use]
pub fn shapes() -> Vec<(&'static str, Vec<usize>)> {
    vec![
        ("conv1.weight", vec![WIDTH, FIRST_KERNEL * CHANNELS]),
        ("conv1.bias", vec![WIDTH]),
        ("conv2.weight", vec![WIDTH, KERNEL * WIDTH]),
        ("conv2.past", vec![WIDTH, PAST_KERNEL * WIDTH]),
        ("conv2.bias", vec![WIDTH]),
        ("conv3.weight", vec![WIDTH, KERNEL * WIDTH]),
        ("conv3.past", vec![WIDTH, PAST_KERNEL * WIDTH]),
        ("conv3.bias", vec![WIDTH]),
        ("squeeze.weight", vec![SQUEEZED, WIDTH]),
        ("squeeze.bias", vec![SQUEEZED]),
        ("dense.weight", vec![CONTEXT, BINS * SQUEEZED]),
        ("dense.bias", vec![CONTEXT]),
        ("gru.weight_ih_l0", vec![3 * CONTEXT, CONTEXT]),
        ("gru.weight_hh_l0", vec![3 * CONTEXT, CONTEXT]),
        ("gru.bias_ih_l0", vec![3 * CONTEXT]),
        ("gru.bias_hh_l0", vec![3 * CONTEXT]),
        ("salience.weight", vec![1, WIDTH]),
        ("context.weight", vec![BINS, CONTEXT]),
        ("context.bias", vec![BINS]),
        ("voicing.weight", vec![1, CONTEXT + 2]),
        ("voicing.bias", vec![1]),
    ]
}

/// What the network says of one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Pitch in Hz, if there is a voice.
    pub f0_hz: f32,
    /// Probability that there is one.
    pub voicing: f32,
}

/// The network and the state of one stream.
pub struct PitchNet {
    first: GridConv,
    layers: [Layer; 2],
    squeeze: GridConv,
    dense: Linear,
    gru: Gru,
    salience: Vec<f32>,
    expected: Linear,
    ending: Ending,
    /// Features with the zeros around them, `[ROWS, CHANNELS]`.
    input: Vec<f32>,
    /// Work space, `[ROWS, WIDTH]`.
    grid: Vec<f32>,
    squeezed: Vec<f32>,
    reduced: Vec<f32>,
    by_grid: Vec<f32>,
    logits: Vec<f32>,
}

impl PitchNet {
    /// From weights of [`shapes`]. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(weights: &Weights) -> Result<Self, WeightsError> {
        let all = weights.root();
        let [before, long_before] = PAST;
        Ok(Self {
            first: GridConv::new(&all.part("conv1"), "weight", WIDTH, CHANNELS, FIRST_KERNEL)?,
            layers: [
                Layer::new(&all.part("conv2"), before)?,
                Layer::new(&all.part("conv3"), long_before)?,
            ],
            squeeze: GridConv::new(&all.part("squeeze"), "weight", SQUEEZED, WIDTH, 1)?,
            dense: Linear::new(BINS * SQUEEZED, CONTEXT, &all.part("dense"))?,
            gru: Gru::new(CONTEXT, CONTEXT, 0, &all.part("gru"))?,
            salience: all.part("salience").get("weight", &[1, WIDTH])?.to_vec(),
            expected: Linear::new(CONTEXT, BINS, &all.part("context"))?,
            ending: Ending::new(&all)?,
            input: vec![0.0; ROWS * CHANNELS],
            grid: vec![0.0; ROWS * WIDTH],
            squeezed: vec![0.0; BINS * SQUEEZED],
            reduced: vec![0.0; CONTEXT],
            by_grid: vec![0.0; BINS],
            logits: vec![0.0; BINS],
        })
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.layers.iter_mut().for_each(Layer::reset);
        self.gru.reset();
    }

    /// Where the features of the next instant go, `[BINS, CHANNELS]`, before [`Self::step`].
    pub fn features(&mut self) -> &mut [f32] {
        &mut self.input[PAD * CHANNELS..][..BINS * CHANNELS]
    }

    /// What the next instant holds, from [`Self::features`]. Real-time safe.
    pub fn step(&mut self) -> Estimate {
        self.forward();
        self.ending.conclude(&self.by_grid, &mut self.logits)
    }

    /// How likely each candidate is, if there is a voice: `[BINS]`, from the last step.
    #[must_use]
    pub fn posteriorgram(&self) -> &[f32] {
        &self.logits
    }

    /// Fills the context, `by_grid` and `logits`.
    fn forward(&mut self) {
        let inner = PAD * WIDTH..(PAD + BINS) * WIDTH;
        self.first.apply(
            &self.input,
            Start::Bias(&self.first.bias),
            &mut self.grid[inner.clone()],
        );
        relu(&mut self.grid[inner.clone()]);
        for layer in &mut self.layers {
            layer.apply(&mut self.grid);
        }
        let grid = &self.grid[inner];
        self.squeeze.apply(
            &self.grid,
            Start::Bias(&self.squeeze.bias),
            &mut self.squeezed,
        );
        relu(&mut self.squeezed);
        self.dense.forward(&self.squeezed, 1, &mut self.reduced);
        relu(&mut self.reduced);
        self.gru.step(&self.reduced, self.ending.context());
        for (value, channels) in self.by_grid.iter_mut().zip(grid.chunks_exact(WIDTH)) {
            *value = channels
                .iter()
                .zip(&self.salience)
                .map(|(x, w)| x * w)
                .sum();
        }
        let context = self.ending.context();
        self.expected.forward(context, 1, &mut self.logits);
        for (logit, value) in self.logits.iter_mut().zip(&self.by_grid) {
            *logit += value;
        }
    }
}

/// What becomes of what the layers say of an instant: the same here and behind a device.
struct Ending {
    voicing: Linear,
    /// The context, and how far the best candidate stands out before and after it.
    heard: Vec<f32>,
}

impl Ending {
    fn new(weights: &Scope) -> Result<Self, WeightsError> {
        Ok(Self {
            voicing: Linear::new(CONTEXT + 2, 1, &weights.part("voicing"))?,
            heard: vec![0.0; CONTEXT + 2],
        })
    }

    /// Where the context is to be before [`Self::conclude`].
    fn context(&mut self) -> &mut [f32] {
        &mut self.heard[..CONTEXT]
    }

    /// From what the grid says of each candidate, and what it says with the context, which becomes how likely
    /// each is.
    fn conclude(&mut self, by_grid: &[f32], logits: &mut [f32]) -> Estimate {
        self.heard[CONTEXT] = stands_out(by_grid);
        self.heard[CONTEXT + 1] = stands_out(logits);
        let mut says = [0.0];
        self.voicing.forward(&self.heard, 1, &mut says);
        Estimate {
            f0_hz: features::grid_hz(f64::from(place(logits))) as f32,
            voicing: 1.0 / (1.0 + (-says[0]).exp()),
        }
    }
}

/// How far the best value is above the mean.
fn stands_out(values: &[f32]) -> f32 {
    let most = values
        .iter()
        .fold(f32::NEG_INFINITY, |most, x| most.max(*x));
    most - values.iter().sum::<f32>() / values.len() as f32
}

/// Candidates on either side of the best one that its place is the mean of.
const AROUND: usize = 2;

/// Where on the grid the distribution has its peak. Leaves probabilities in place of logits.
fn place(logits: &mut [f32]) -> f32 {
    softmax(logits);
    let (mut peak, mut most) = (0, f32::NEG_INFINITY);
    for (bin, value) in logits.iter().enumerate() {
        if most < *value {
            (peak, most) = (bin, *value);
        }
    }
    let (from, to) = (
        peak.saturating_sub(AROUND),
        (peak + AROUND + 1).min(logits.len()),
    );
    let (mut sum, mut weight) = (0.0, 0.0);
    for (bin, value) in logits.iter().enumerate().take(to).skip(from) {
        sum += value * bin as f32;
        weight += value;
    }
    sum / weight.max(1e-30)
}

/// A convolution along the grid: a product with windows that overlap.
struct GridConv {
    weights: PackedMatrix,
    bias: Vec<f32>,
    ins: usize,
    kernel: usize,
}

impl GridConv {
    fn new(
        weights: &Scope,
        name: &str,
        outs: usize,
        ins: usize,
        kernel: usize,
    ) -> Result<Self, WeightsError> {
        let width = kernel * ins;
        Ok(Self {
            weights: PackedMatrix::new(outs, width, weights.get(name, &[outs, width])?),
            bias: weights.get("bias", &[outs])?.to_vec(),
            ins,
            kernel,
        })
    }

    /// From `[ROWS, ins]` with zeros around the candidates to `[BINS, outs]`.
    fn apply(&self, x: &[f32], start: Start, y: &mut [f32]) {
        let from = (PAD - self.kernel / 2) * self.ins;
        matmul(&x[from..], self.ins, BINS, &self.weights, start, y);
    }
}

/// A convolution over the present and an earlier instant, added to its input.
struct Layer {
    now: GridConv,
    before: GridConv,
    /// Earlier inputs, `[instants, ROWS, WIDTH]`, and the oldest of them.
    past: Vec<f32>,
    oldest: usize,
    seen: Vec<f32>,
}

impl Layer {
    fn new(weights: &Scope, instants: usize) -> Result<Self, WeightsError> {
        Ok(Self {
            now: GridConv::new(weights, "weight", WIDTH, WIDTH, KERNEL)?,
            before: GridConv::new(weights, "past", WIDTH, WIDTH, PAST_KERNEL)?,
            past: vec![0.0; instants * ROWS * WIDTH],
            oldest: 0,
            seen: vec![0.0; BINS * WIDTH],
        })
    }

    fn reset(&mut self) {
        self.past.fill(0.0);
        self.oldest = 0;
    }

    /// `grid` is `[ROWS, WIDTH]` with zeros around the candidates.
    fn apply(&mut self, grid: &mut [f32]) {
        let size = ROWS * WIDTH;
        let before = &mut self.past[self.oldest * size..][..size];
        self.now
            .apply(grid, Start::Bias(&self.now.bias), &mut self.seen);
        self.before.apply(before, Start::Accumulate, &mut self.seen);
        before.copy_from_slice(grid);
        self.oldest = (self.oldest + 1) % (self.past.len() / size);
        relu(&mut self.seen);
        let inner = &mut grid[PAD * WIDTH..(PAD + BINS) * WIDTH];
        inner.iter_mut().zip(&self.seen).for_each(|(x, y)| *x += y);
    }
}

//! The flow, backwards: turns the prior of a voice into its latent (Rezende & Mohamed, 2015; Kim,
//! Kong & Son, 2021), by couplings of gated convolutions (van den Oord et al., "WaveNet", 2016).
//! Any thread; real-time safe after construction.
//!
//! A step is given frames to keep and frames to look at: those after the ones it decides on. What
//! it decides on is final; the others come again. With [`Flow::REACH`] frames to look at the result
//! is that over the whole signal; with fewer it is as if the signal ended there.

pub(super) mod device;

use std::sync::Arc;

use autovoice_kernels::cpu::{
    Conv1dShape, Footprint, Into, PackedMatrix, Start, matmul, sigmoid, tanh,
};

use super::RvcConfig;
use super::text_encoder::pointwise;
use crate::nn::weight_norm::folded;
use crate::nn::{Bounds, Linear, SameConv1d, Scope, WeightsError};
use crate::units::Frames;

/// Couplings, and gated convolutions in each of them.
const COUPLINGS: usize = 4;
const LAYERS: usize = 3;
/// Taps of a gated convolution, and frames it sees to each side.
const TAPS: usize = 5;
const SIDE: usize = TAPS / 2;

/// The flow with the state of one stream. A clone shares its weights.
#[derive(Clone, Debug)]
pub struct Flow {
    /// In the order in which they are undone.
    couplings: Vec<Coupling>,
    inter: usize,
    hidden: usize,
    most: Frames,
    /// Instant of the next frame.
    at: i64,
    x: Vec<f32>,
    half: Vec<f32>,
    hidden_x: Vec<f32>,
    gates: Vec<f32>,
    open: Vec<f32>,
    skip: Vec<f32>,
    shares: Vec<f32>,
    conv: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Coupling {
    pre: Linear,
    layers: Vec<Gated>,
    post: Linear,
    condition: Option<Arc<PackedMatrix>>,
    condition_bias: Arc<[f32]>,
    /// What the speaker adds to the gates, `[LAYERS, 2 * hidden]`.
    offset: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Gated {
    conv: SameConv1d,
    share: Linear,
    /// What it hears: `SIDE` frames of history, the newest, `SIDE` frames of silence.
    input: Vec<f32>,
}

impl Flow {
    /// Frames after an instant that still matter to it.
    pub const REACH: Frames = COUPLINGS * LAYERS * SIDE;

    /// From the part `flow` of a voice, for steps of at most `most` frames, to decide on and to
    /// look at. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: &RvcConfig, most: Frames, weights: &Scope) -> Result<Self, WeightsError> {
        let RvcConfig { inter, hidden, .. } = *config;
        // Every other flow in the list only turns the channels around.
        let couplings = (0..COUPLINGS)
            .rev()
            .map(|n| Coupling::new(config, most, &weights.part("flows").part(2 * n)))
            .collect::<Result<Vec<_>, _>>()?;
        let conv = couplings.iter().flat_map(|coupling| &coupling.layers);
        let conv = conv.map(|layer| layer.conv.work_len(most)).max();
        Ok(Self {
            couplings,
            inter,
            hidden,
            most,
            at: 0,
            x: vec![0.0; most * inter],
            half: vec![0.0; most * inter / 2],
            hidden_x: vec![0.0; most * hidden],
            gates: vec![0.0; most * 2 * hidden],
            open: vec![0.0; most * hidden],
            skip: vec![0.0; most * hidden],
            shares: vec![0.0; most * 2 * hidden],
            conv: vec![0.0; conv.unwrap_or(0)],
        })
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        self.couplings.iter().map(Coupling::footprint).sum()
    }

    /// Sets the speaker by its embedding, `[gin]`. Real-time safe.
    pub fn set_speaker(&mut self, embedding: &[f32]) {
        for coupling in &mut self.couplings {
            if let Some(condition) = &coupling.condition {
                let bias = Start::Bias(&coupling.condition_bias);
                let offset = &mut coupling.offset;
                matmul(embedding, embedding.len(), 1, condition, bias, offset);
            }
        }
    }

    /// Begins anew at frame 0. Real-time safe.
    pub fn reset(&mut self) {
        self.at = 0;
        let layers = self.couplings.iter_mut().flat_map(|c| &mut c.layers);
        layers.for_each(|layer| layer.input.fill(0.0));
    }

    /// Decides on the first `decided` of the frames of `z`, `[frames, inter]`, looking at the
    /// others. Gives all of them. Frames beyond the end of `bounds` are 0. Real-time safe.
    ///
    /// # Panics
    /// If there are more frames than was built for, or fewer than `decided`.
    pub fn step(&mut self, z: &[f32], decided: Frames, bounds: Bounds) -> &[f32] {
        let (inter, hidden) = (self.inter, self.hidden);
        let (frames, split) = (z.len() / inter, inter / 2);
        assert!(decided <= frames && frames <= self.most, "frames that fit");
        let x = &mut self.x[..z.len()];
        x.copy_from_slice(z);
        bounds.mask(x, inter, self.at);
        for coupling in &mut self.couplings {
            let half = &mut self.half[..frames * split];
            for (x, half) in x.chunks_exact_mut(inter).zip(half.chunks_exact_mut(split)) {
                x.reverse();
                half.copy_from_slice(&x[..split]);
            }
            let h = &mut self.hidden_x[..frames * hidden];
            coupling.pre.forward(half, frames, h);
            bounds.mask(h, hidden, self.at);
            let skip = &mut self.skip[..frames * hidden];
            skip.fill(0.0);
            let last = coupling.layers.len() - 1;
            for (n, layer) in coupling.layers.iter_mut().enumerate() {
                let offset = &coupling.offset[n * 2 * hidden..][..2 * hidden];
                layer.hear(h, frames, &mut self.gates, &mut self.conv);
                layer.keep(decided, hidden);
                let gates = &mut self.gates[..frames * 2 * hidden];
                let shares = &mut self.shares[..frames * layer.share.outs()];
                open(gates, offset, hidden, &mut self.open);
                layer.share.forward(&self.open, frames, shares);
                if n == last {
                    skip.iter_mut().zip(&*shares).for_each(|(y, s)| *y += s);
                    continue;
                }
                let frames = shares.chunks_exact(2 * hidden);
                let outs = h
                    .chunks_exact_mut(hidden)
                    .zip(skip.chunks_exact_mut(hidden));
                for (shares, (h, skip)) in frames.zip(outs) {
                    h.iter_mut().zip(shares).for_each(|(h, s)| *h += s);
                    let rest = &shares[hidden..];
                    skip.iter_mut().zip(rest).for_each(|(y, s)| *y += s);
                }
                bounds.mask(h, hidden, self.at);
            }
            bounds.mask(skip, hidden, self.at);
            coupling.post.forward(skip, frames, half);
            for (x, mean) in x.chunks_exact_mut(inter).zip(half.chunks_exact(split)) {
                let rest = x[split..].iter_mut();
                rest.zip(mean).for_each(|(x, mean)| *x -= mean);
            }
            bounds.mask(x, inter, self.at);
        }
        self.at += decided as i64;
        x
    }

    /// What the last step gave, and what is behind it. Real-time safe.
    #[must_use]
    pub fn given(&self) -> &[f32] {
        &self.x
    }
}

/// `tanh(a) * sigmoid(b)`, of frames that hold `a` and `b` side by side.
fn open(gates: &mut [f32], offset: &[f32], hidden: usize, y: &mut [f32]) {
    for (gates, y) in gates
        .chunks_exact_mut(2 * hidden)
        .zip(y.chunks_exact_mut(hidden))
    {
        gates.iter_mut().zip(offset).for_each(|(g, o)| *g += o);
        let (a, b) = gates.split_at_mut(hidden);
        tanh(a);
        sigmoid(b);
        for ((y, a), b) in y.iter_mut().zip(&*a).zip(&*b) {
            *y = a * b;
        }
    }
}

impl Coupling {
    fn new(config: &RvcConfig, most: Frames, weights: &Scope) -> Result<Self, WeightsError> {
        let RvcConfig { inter, hidden, .. } = *config;
        let enc = weights.part("enc");
        let wide = LAYERS * 2 * hidden;
        let (condition, condition_bias) = match config.gin {
            0 => (None, vec![0.0; wide]),
            gin => {
                let part = enc.part("cond_layer");
                let w = folded(&part, &[wide, gin, 1], 0)?;
                let matrix = PackedMatrix::new(wide, gin, &w);
                (Some(Arc::new(matrix)), part.get("bias", &[wide])?.to_vec())
            }
        };
        let layers = (0..LAYERS)
            .map(|n| {
                let part = enc.part("in_layers").part(n);
                let shape = Conv1dShape::new(hidden, 2 * hidden, TAPS);
                let w = folded(&part, &[2 * hidden, hidden, TAPS], 0)?;
                let bias = part.get("bias", &[2 * hidden])?;
                let outs = if n + 1 < LAYERS { 2 * hidden } else { hidden };
                let part = enc.part("res_skip_layers").part(n);
                let share = folded(&part, &[outs, hidden, 1], 0)?;
                Ok(Gated {
                    conv: SameConv1d::new(shape, &w, bias, most),
                    share: Linear::from_values(hidden, outs, &share, part.get("bias", &[outs])?),
                    input: vec![0.0; (most + 2 * SIDE) * hidden],
                })
            })
            .collect::<Result<Vec<_>, WeightsError>>()?;
        Ok(Self {
            pre: pointwise(inter / 2, hidden, &weights.part("pre"))?,
            layers,
            post: pointwise(hidden, inter / 2, &weights.part("post"))?,
            condition,
            offset: condition_bias.clone(),
            condition_bias: condition_bias.into(),
        })
    }

    fn footprint(&self) -> Footprint {
        let layers: Footprint = self.layers.iter().map(Gated::footprint).sum();
        let condition = self.condition.as_deref().map(PackedMatrix::footprint);
        self.pre.footprint() + layers + self.post.footprint() + condition.unwrap_or_default()
    }
}

impl Gated {
    fn footprint(&self) -> Footprint {
        self.conv.footprint() + self.share.footprint()
    }

    /// The convolution over what it has heard and these frames, with silence behind.
    fn hear(&mut self, x: &[f32], frames: Frames, gates: &mut [f32], work: &mut [f32]) {
        let hidden = self.conv.shape().ins;
        let newest = &mut self.input[SIDE * hidden..][..(frames + SIDE) * hidden];
        newest[..x.len()].copy_from_slice(x);
        newest[x.len()..].fill(0.0);
        let gates = &mut gates[..frames * 2 * hidden];
        self.conv
            .run(&self.input, frames, 1.0, Into::Replace, gates, work);
    }

    /// What is decided on becomes history.
    fn keep(&mut self, decided: Frames, hidden: usize) {
        let from = decided * hidden;
        self.input.copy_within(from..from + SIDE * hidden, 0);
    }
}

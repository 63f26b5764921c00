//! The text encoder, as VITS calls it: content features and coarse pitch become the mean and the
//! spread of the latent. Attention with relative positions (Shaw, Uszkoreit & Vaswani, 2018) over
//! a window. Any thread; real-time safe after construction.

pub(super) mod device;

use std::sync::Arc;

use autovoice_kernels::cpu::{
    Conv1dShape, Footprint, Into, PackedMatrix, Start, Unpacked, leaky_relu, matmul,
    matmul_unpacked, relu, softmax,
};

use super::RvcConfig;
use crate::nn::{LayerNorm, Linear, SameConv1d, Scope, WeightsError};
use crate::units::Frames;

/// Coarse pitches, 0 of which none is.
const PITCHES: usize = 256;
/// Slope below 0 of the first activation.
const SLOPE: f32 = 0.1;
/// Relative positions where the weights do not say: ten to each side.
const REACH: usize = 21;
/// Room behind matrices that are read in sixteens.
const SLACK: usize = 16;

/// The coarse pitch of a frequency in Hz: 1..=255 along the mel scale from 50 to 1100 Hz, 1 where
/// unvoiced.
#[must_use]
pub fn coarse_pitch(hz: f32) -> u8 {
    let mel = |hz: f64| 1127.0 * (1.0 + hz / 700.0).ln();
    let (low, high) = (mel(50.0), mel(1100.0));
    let coarse = (mel(f64::from(hz)) - low) * 254.0 / (high - low) + 1.0;
    coarse.round_ties_even().clamp(1.0, 255.0) as u8
}

/// The text encoder, for windows up to a length. A clone shares its weights.
#[derive(Clone, Debug)]
pub struct TextEncoder {
    phone: Linear,
    /// `[PITCHES, hidden]`; none for a voice without pitch.
    pitch: Option<Arc<[f32]>>,
    layers: Vec<Layer>,
    project: Linear,
    hidden: usize,
    x: Vec<f32>,
    work: Work,
}

#[derive(Clone, Debug)]
struct Layer {
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    /// `[2 * reach + 1, depth]` and its transpose, for keys and values.
    relative_keys: PackedMatrix,
    relative_values: PackedMatrix,
    after_attention: LayerNorm,
    widen: SameConv1d,
    narrow: SameConv1d,
    after_feed_forward: LayerNorm,
}

#[derive(Clone, Debug)]
struct Work {
    heads: usize,
    longest: Frames,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    /// Of one head, `[depth, frames]`.
    turned: Vec<f32>,
    scores: Vec<f32>,
    relative: Vec<f32>,
    mixed: Vec<f32>,
    out: Vec<f32>,
    /// With a frame of silence before and behind.
    padded: Vec<f32>,
    wide: Vec<f32>,
    conv: Vec<f32>,
}

impl TextEncoder {
    /// From the part `enc_p` of a voice, for windows of at most `longest` frames. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: &RvcConfig, longest: Frames, weights: &Scope) -> Result<Self, WeightsError> {
        let hidden = config.hidden;
        let pitch = match config.has_pitch {
            false => None,
            true => {
                let table = weights
                    .part("emb_pitch")
                    .get("weight", &[PITCHES, hidden])?;
                Some(table.into())
            }
        };
        let encoder = weights.part("encoder");
        let layers = (0..config.layers)
            .map(|n| Layer::new(config, n, longest, &encoder))
            .collect::<Result<Vec<_>, _>>()?;
        let reach = layers[0].relative_keys.outs();
        let taps = config.kernel - 1;
        let conv = layers
            .iter()
            .flat_map(|layer| [&layer.widen, &layer.narrow]);
        let conv = conv.map(|conv| conv.work_len(longest)).max().unwrap_or(0);
        let room = |values: usize| vec![0.0; longest * values + SLACK];
        Ok(Self {
            phone: Linear::new(
                config.version.features(),
                hidden,
                &weights.part("emb_phone"),
            )?,
            pitch,
            layers,
            project: pointwise(hidden, 2 * config.inter, &weights.part("proj"))?,
            hidden,
            x: room(hidden),
            work: Work {
                heads: config.heads,
                longest,
                queries: room(hidden),
                keys: room(hidden),
                values: room(hidden),
                turned: vec![0.0; hidden / config.heads * longest.next_multiple_of(16) + SLACK],
                scores: room(longest.next_multiple_of(16)),
                relative: room(reach),
                mixed: room(hidden),
                out: room(hidden.max(2 * config.inter)),
                padded: vec![0.0; (longest + taps) * hidden.max(config.filter)],
                wide: room(config.filter),
                conv: vec![0.0; conv],
            },
        })
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let layers: Footprint = self.layers.iter().map(Layer::footprint).sum();
        self.phone.footprint() + layers + self.project.footprint()
    }

    /// The longest window in frames.
    #[must_use]
    pub fn longest(&self) -> Frames {
        self.work.longest
    }

    /// Over a window: `features` `[frames, 256 or 768]` and `pitch`, one per frame and of no
    /// meaning for a voice without. Gives `[frames - from, 2 * inter]`, the means and the
    /// logarithms of the deviations of the frames from `from` on. Real-time safe.
    ///
    /// # Panics
    /// If the window is longer than was built for, or slices do not fit each other.
    pub fn forward(&mut self, features: &[f32], pitch: &[u8], from: Frames) -> &[f32] {
        let (hidden, frames) = (self.hidden, pitch.len());
        assert!(frames <= self.work.longest, "the window is too long");
        let x = &mut self.x[..frames * hidden];
        self.phone.forward(features, frames, x);
        if let Some(table) = &self.pitch {
            for (x, pitch) in x.chunks_exact_mut(hidden).zip(pitch) {
                let entry = &table[usize::from(*pitch) * hidden..][..hidden];
                x.iter_mut().zip(entry).for_each(|(x, more)| *x += more);
            }
        }
        let scale = (hidden as f32).sqrt();
        x.iter_mut().for_each(|x| *x *= scale);
        leaky_relu(x, SLOPE);
        for layer in &self.layers {
            layer.forward(x, frames, &mut self.work);
        }
        let rest = frames - from;
        let out = &mut self.work.out[..rest * self.project.outs()];
        self.project.forward(&x[from * hidden..], rest, out);
        out
    }
}

impl Layer {
    fn new(
        config: &RvcConfig,
        n: usize,
        longest: Frames,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let hidden = config.hidden;
        let depth = hidden / config.heads;
        let attention = weights.part("attn_layers").part(n);
        let project = |name: &str| pointwise(hidden, hidden, &attention.part(name));
        // The reach of the relative positions is read off the weights.
        let shape = attention.shape("emb_rel_k");
        let reach = shape
            .and_then(|shape| shape.get(1).copied())
            .unwrap_or(REACH);
        let keys = attention.get("emb_rel_k", &[1, reach, depth])?;
        let values = attention.get("emb_rel_v", &[1, reach, depth])?;
        let turned: Vec<f32> = (0..depth * reach)
            .map(|n| values[n % reach * depth + n / reach])
            .collect();
        let feed = weights.part("ffn_layers").part(n);
        let conv = |name: &str, ins: usize, outs: usize| -> Result<SameConv1d, WeightsError> {
            let shape = Conv1dShape::new(ins, outs, config.kernel);
            let part = feed.part(name);
            let w = part.get("weight", &[outs, ins, config.kernel])?;
            Ok(SameConv1d::new(
                shape,
                w,
                part.get("bias", &[outs])?,
                longest,
            ))
        };
        let norm = |name: &str| {
            let part = weights.part(name).part(n);
            LayerNorm::named(hidden, ("gamma", "beta"), &part)
        };
        Ok(Self {
            queries: project("conv_q")?,
            keys: project("conv_k")?,
            values: project("conv_v")?,
            out: project("conv_o")?,
            relative_keys: PackedMatrix::new(reach, depth, keys),
            relative_values: PackedMatrix::new(depth, reach, &turned),
            after_attention: norm("norm_layers_1")?,
            widen: conv("conv_1", hidden, config.filter)?,
            narrow: conv("conv_2", config.filter, hidden)?,
            after_feed_forward: norm("norm_layers_2")?,
        })
    }

    fn footprint(&self) -> Footprint {
        let linear = [&self.queries, &self.keys, &self.values, &self.out];
        let relative = [&self.relative_keys, &self.relative_values];
        let conv = [&self.widen, &self.narrow];
        linear.into_iter().map(Linear::footprint).sum::<Footprint>()
            + relative.into_iter().map(PackedMatrix::footprint).sum()
            + conv.into_iter().map(SameConv1d::footprint).sum()
    }

    fn forward(&self, x: &mut [f32], frames: Frames, work: &mut Work) {
        self.attend(x, frames, work);
        x.iter_mut().zip(&work.out).for_each(|(x, y)| *x += y);
        self.after_attention.apply(x);
        self.feed_forward(x, frames, work);
        x.iter_mut().zip(&work.out).for_each(|(x, y)| *x += y);
        self.after_feed_forward.apply(x);
    }

    fn attend(&self, x: &[f32], frames: Frames, work: &mut Work) {
        let hidden = self.out.outs();
        let depth = hidden / work.heads;
        let queries = &mut work.queries[..frames * hidden];
        self.queries.forward(x, frames, queries);
        let scale = 1.0 / (depth as f32).sqrt();
        queries.iter_mut().for_each(|q| *q *= scale);
        self.keys.forward(x, frames, &mut work.keys);
        self.values.forward(x, frames, &mut work.values);
        let wide = frames.next_multiple_of(16);
        let reach = self.relative_keys.outs();
        let ahead = reach / 2;
        for head in 0..work.heads {
            let from = head * depth;
            for f in 0..frames {
                for d in 0..depth {
                    work.turned[d * wide + f] = work.keys[f * hidden + from + d];
                }
            }
            let keys = Unpacked {
                values: &work.turned,
                outs: frames,
                ins: depth,
                stride: wide,
            };
            let q = &work.queries[from..];
            matmul_unpacked(q, hidden, frames, keys, Start::Zero, &mut work.scores, wide);
            matmul(
                q,
                hidden,
                frames,
                &self.relative_keys,
                Start::Zero,
                &mut work.relative,
            );
            // Position `f + n - ahead` is position `n` as frame `f` sees it.
            let near = |f: usize| {
                (0..reach).filter_map(move |n| {
                    let key = (f + n).checked_sub(ahead)?;
                    (key < frames).then_some((n, key))
                })
            };
            for f in 0..frames {
                let scores = &mut work.scores[f * wide..][..frames];
                let relative = &mut work.relative[f * reach..][..reach];
                for (n, key) in near(f) {
                    scores[key] += relative[n];
                }
                softmax(scores);
                relative.fill(0.0);
                for (n, key) in near(f) {
                    relative[n] = scores[key];
                }
            }
            let values = Unpacked {
                values: &work.values[from..],
                outs: depth,
                ins: frames,
                stride: hidden,
            };
            let y = &mut work.mixed[from..];
            matmul_unpacked(&work.scores, wide, frames, values, Start::Zero, y, hidden);
            let turned = &mut work.turned[..frames * depth];
            matmul(
                &work.relative,
                reach,
                frames,
                &self.relative_values,
                Start::Zero,
                turned,
            );
            for (f, more) in turned.chunks_exact(depth).enumerate() {
                let y = &mut y[f * hidden..][..depth];
                y.iter_mut().zip(more).for_each(|(y, more)| *y += more);
            }
        }
        self.out.forward(&work.mixed, frames, &mut work.out);
    }

    fn feed_forward(&self, x: &[f32], frames: Frames, work: &mut Work) {
        let (hidden, filter) = (self.narrow.shape().outs, self.widen.shape().outs);
        let before = self.widen.lag();
        let padded = &mut work.padded[..(frames + 2 * before) * hidden];
        padded.fill(0.0);
        padded[before * hidden..][..x.len()].copy_from_slice(x);
        let wide = &mut work.wide[..frames * filter];
        self.widen
            .run(padded, frames, 1.0, Into::Replace, wide, &mut work.conv);
        relu(wide);
        let padded = &mut work.padded[..(frames + 2 * before) * filter];
        padded.fill(0.0);
        padded[before * filter..][..wide.len()].copy_from_slice(wide);
        let out = &mut work.out[..frames * hidden];
        self.narrow
            .run(padded, frames, 1.0, Into::Replace, out, &mut work.conv);
    }
}

/// A convolution of one tap is a linear layer; its weights are `[outs, ins, 1]`.
pub(super) fn pointwise(ins: usize, outs: usize, weights: &Scope) -> Result<Linear, WeightsError> {
    let weight = weights.get("weight", &[outs, ins, 1])?;
    Ok(Linear::from_values(
        ins,
        outs,
        weight,
        weights.get("bias", &[outs])?,
    ))
}

//! Frames to content: a wide convolution that says where a frame is, then layers of attention
//! (Vaswani et al., 2017). Any thread; real-time safe after construction.
//!
//! A step is given frames to decide on and frames to look at, as the flow of a voice is. Keys and
//! values of what was decided are kept, so that the past costs its attention only. In a ring they
//! lie in no order, and need none: these layers know places by the convolution alone.

use std::sync::Arc;

use autovoice_kernels::cpu::{
    Conv1dShape, Footprint, PackedConv1d, Start, Unpacked, conv1d, gelu, matmul_unpacked, softmax,
};

use super::{ContentConfig, Output};
use crate::nn::weight_norm::folded;
use crate::nn::{LayerNorm, Linear, Scope, WeightsError};
use crate::units::Frames;

/// Taps and groups of the convolution for places. It sees 64 frames back and 63 ahead.
pub(super) const TAPS: usize = 128;
pub(super) const GROUPS: usize = 16;
pub(super) const BACK: usize = TAPS / 2;
/// Room behind matrices that are read in sixteens.
const SLACK: usize = 16;

/// How far a stream looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The most frames of a step, to decide on and to look at.
    pub most: Frames,
    /// Frames of the past that attention sees beside them.
    pub past: Frames,
}

/// Frames that the rings of keys and values hold, a multiple of sixteen.
pub(super) fn ring(reach: Reach) -> Frames {
    (reach.past + reach.most).next_multiple_of(16)
}

/// The attention layers with the state of one stream. A clone shares their weights.
#[derive(Clone, Debug)]
pub struct Body {
    reach: Reach,
    hidden: usize,
    places: Arc<PackedConv1d>,
    places_bias: Arc<[f32]>,
    /// `BACK` frames of history, the newest, `BACK` frames of silence.
    input: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<Layer>,
    project: Option<Linear>,
    x: Vec<f32>,
    projected: Vec<f32>,
    work: Work,
    /// Frames decided on, of which the ring holds the last.
    decided: usize,
}

#[derive(Clone, Debug)]
struct Layer {
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    after_attention: LayerNorm,
    widen: Linear,
    narrow: Linear,
    after_feed_forward: LayerNorm,
    /// `[hidden, ring]`
    ring_keys: Vec<f32>,
    /// `[ring, hidden]`
    ring_values: Vec<f32>,
}

#[derive(Clone, Debug, Default)]
struct Work {
    heads: usize,
    /// Frames of the rings, a multiple of sixteen.
    ring: Frames,
    a: Vec<f32>,
    b: Vec<f32>,
    scores: Vec<f32>,
    wide: Vec<f32>,
}

impl Body {
    /// From the weights of an encoder: all its layers, and its projection where it has one.
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(
        config: &ContentConfig,
        reach: Reach,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let hidden = config.hidden;
        let encoder = weights.part("encoder");
        let part = encoder.part("pos_conv_embed").part("conv");
        // The length is that of each tap, over all channels.
        let w = folded(&part, &[hidden, hidden / GROUPS, TAPS], 2)?;
        let shape = Conv1dShape {
            groups: GROUPS,
            ..Conv1dShape::new(hidden, hidden, TAPS)
        };
        let layers = (0..config.layers)
            .map(|n| Layer::new(config, &encoder.part("layers").part(n)))
            .collect::<Result<Vec<_>, _>>()?;
        let last = weights.part("final_proj");
        let project = match last.has("weight") {
            false => None,
            true => Some(Linear::new(hidden, config.projected, &last)?),
        };
        let mut made = Self {
            reach,
            hidden,
            places: Arc::new(PackedConv1d::new(shape, &w)),
            places_bias: part.get("bias", &[hidden])?.into(),
            input: Vec::new(),
            norm: LayerNorm::new(hidden, &encoder.part("layer_norm"))?,
            layers,
            x: Vec::new(),
            projected: Vec::new(),
            project,
            work: Work {
                heads: config.heads,
                ..Work::default()
            },
            decided: 0,
        };
        made.make_room();
        Ok(made)
    }

    /// A stream of its own with the same weights, of as many layers as `output` takes; none where
    /// that is projected and the encoder has no projection. Allocates.
    #[must_use]
    pub fn taking(&self, output: Output, reach: Reach) -> Option<Self> {
        if output.is_projected && self.project.is_none() {
            return None;
        }
        let mut made = self.clone();
        made.layers.truncate(output.layers);
        if !output.is_projected {
            made.project = None;
        }
        made.reach = reach;
        made.make_room();
        Some(made)
    }

    fn make_room(&mut self) {
        let (most, ring) = (self.reach.most, ring(self.reach));
        let hidden = self.hidden;
        let filter = self.layers.first().map_or(0, |layer| layer.widen.outs());
        let room = |channels: usize| vec![0.0; most * channels + SLACK];
        self.input = vec![0.0; (most + 2 * BACK) * hidden];
        self.x = room(hidden);
        self.projected = room(self.project.as_ref().map_or(0, Linear::outs));
        for layer in &mut self.layers {
            layer.ring_keys = vec![0.0; hidden * ring + SLACK];
            layer.ring_values = vec![0.0; hidden * ring + SLACK];
        }
        self.work = Work {
            heads: self.work.heads,
            ring,
            a: room(hidden),
            b: room(hidden),
            scores: room(ring),
            wide: room(filter),
        };
        self.decided = 0;
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let layers: Footprint = self.layers.iter().map(Layer::footprint).sum();
        let project = self.project.as_ref().map(Linear::footprint);
        self.places.footprint() + layers + project.unwrap_or_default()
    }

    /// Values of a frame that goes in.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.hidden
    }

    /// Values of a frame that comes out.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.project.as_ref().map_or(self.hidden, Linear::outs)
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.input.fill(0.0);
        self.decided = 0;
    }

    /// Decides on the first `decided` of the frames of `x`, `[frames, hidden]`, looking at the
    /// others. Gives all of them, `[frames, outs]`. Real-time safe.
    ///
    /// # Panics
    /// If there are more frames than was built for, or fewer than `decided`.
    pub fn step(&mut self, x: &[f32], decided: Frames) -> &[f32] {
        let hidden = self.hidden;
        let frames = x.len() / hidden;
        assert!(
            decided <= frames && frames <= self.reach.most,
            "frames that fit"
        );
        self.place(x, decided);
        let x = &mut self.x[..frames * hidden];
        self.norm.apply(x);
        let ring = self.work.ring;
        // What was looked at before is overwritten, and so is the oldest.
        let first = self.decided % ring;
        let seen = (self.decided + frames).min(ring);
        for layer in &mut self.layers {
            layer.forward(x, first, seen, &mut self.work);
        }
        self.decided += decided;
        match &self.project {
            None => &self.x[..frames * hidden],
            Some(project) => {
                let y = &mut self.projected[..frames * project.outs()];
                project.forward(&self.x, frames, y);
                y
            }
        }
    }

    /// Adds to each frame what says where it is.
    fn place(&mut self, x: &[f32], decided: Frames) {
        let hidden = self.hidden;
        let frames = x.len() / hidden;
        let newest = &mut self.input[BACK * hidden..][..(frames + BACK) * hidden];
        newest[..x.len()].copy_from_slice(x);
        newest[x.len()..].fill(0.0);
        let places = &mut self.x[..frames * hidden];
        let bias = Start::Bias(&self.places_bias);
        conv1d(&self.input, frames, &self.places, bias, places);
        gelu(places);
        places.iter_mut().zip(x).for_each(|(y, x)| *y += x);
        let from = decided * hidden;
        self.input.copy_within(from..from + BACK * hidden, 0);
    }
}

impl Layer {
    fn new(config: &ContentConfig, weights: &Scope) -> Result<Self, WeightsError> {
        let (hidden, filter) = (config.hidden, config.filter);
        let attention = weights.part("attention");
        let project = |name: &str| Linear::new(hidden, hidden, &attention.part(name));
        let feed = weights.part("feed_forward");
        Ok(Self {
            queries: project("q_proj")?,
            keys: project("k_proj")?,
            values: project("v_proj")?,
            out: project("out_proj")?,
            after_attention: LayerNorm::new(hidden, &weights.part("layer_norm"))?,
            widen: Linear::new(hidden, filter, &feed.part("intermediate_dense"))?,
            narrow: Linear::new(filter, hidden, &feed.part("output_dense"))?,
            after_feed_forward: LayerNorm::new(hidden, &weights.part("final_layer_norm"))?,
            ring_keys: Vec::new(),
            ring_values: Vec::new(),
        })
    }

    fn footprint(&self) -> Footprint {
        let attention = [&self.queries, &self.keys, &self.values, &self.out];
        let all = attention.into_iter().chain([&self.widen, &self.narrow]);
        all.map(Linear::footprint).sum()
    }

    /// `first` is where in the ring the frames go, `seen` how many of it hold something then.
    fn forward(&mut self, x: &mut [f32], first: usize, seen: usize, work: &mut Work) {
        self.attend(x, first, seen, work);
        x.iter_mut().zip(&work.a).for_each(|(x, y)| *x += y);
        self.after_attention.apply(x);
        let frames = x.len() / self.out.outs();
        let wide = &mut work.wide[..frames * self.widen.outs()];
        self.widen.forward(x, frames, wide);
        gelu(wide);
        self.narrow.forward(wide, frames, &mut work.a);
        x.iter_mut().zip(&work.a).for_each(|(x, y)| *x += y);
        self.after_feed_forward.apply(x);
    }

    fn attend(&mut self, x: &[f32], first: usize, seen: usize, work: &mut Work) {
        let hidden = self.out.outs();
        let (frames, ring) = (x.len() / hidden, work.ring);
        self.keys.forward(x, frames, &mut work.a);
        for (n, key) in work.a.chunks_exact(hidden).take(frames).enumerate() {
            let at = (first + n) % ring;
            for (d, key) in key.iter().enumerate() {
                self.ring_keys[d * ring + at] = *key;
            }
        }
        self.values.forward(x, frames, &mut work.a);
        for (n, value) in work.a.chunks_exact(hidden).take(frames).enumerate() {
            let at = (first + n) % ring;
            self.ring_values[at * hidden..][..hidden].copy_from_slice(value);
        }
        self.queries.forward(x, frames, &mut work.a);
        let depth = hidden / work.heads;
        let scale = 1.0 / (depth as f32).sqrt();
        work.a[..frames * hidden]
            .iter_mut()
            .for_each(|q| *q *= scale);
        for head in 0..work.heads {
            let from = head * depth;
            let keys = Unpacked {
                values: &self.ring_keys[from * ring..],
                outs: seen,
                ins: depth,
                stride: ring,
            };
            let scores = &mut work.scores;
            matmul_unpacked(
                &work.a[from..],
                hidden,
                frames,
                keys,
                Start::Zero,
                scores,
                ring,
            );
            for scores in scores.chunks_exact_mut(ring).take(frames) {
                softmax(&mut scores[..seen]);
            }
            let values = Unpacked {
                values: &self.ring_values[from..],
                outs: depth,
                ins: seen,
                stride: hidden,
            };
            let y = &mut work.b[from..];
            matmul_unpacked(scores, ring, frames, values, Start::Zero, y, hidden);
        }
        self.out.forward(&work.b, frames, &mut work.a);
    }
}

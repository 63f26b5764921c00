//! One coupling of the flow on a device: half of the channels say what is taken from the others.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Array, Device, GpuError, Slice, gate};

use crate::model::rvc::RvcConfig;
use crate::model::rvc::flow::{LAYERS, SIDE, TAPS};
use crate::nn::device::{Build, Condition, Conv1d, DeviceError, Instant, Line, Step, Target};
use crate::nn::weight_norm::folded;
use crate::nn::{Scope, WeightsError};

/// See the module.
#[derive(Debug)]
pub(super) struct Coupling<B> {
    /// Of all channels, though it hears half of them.
    pre: Conv1d<B>,
    layers: Vec<Gated<B>>,
    /// From what all layers let through to what is added to all channels, 0 for half of them.
    end: Conv1d<B>,
    pub condition: Condition<B>,
    /// When all of it is: nothing lags.
    at: Instant,
}

#[derive(Debug)]
struct Gated<B> {
    conv: Conv1d<B>,
    /// What the next layer hears more than this one; none for the last.
    share: Option<Conv1d<B>>,
    /// What it hears.
    input: Line,
}

/// Memory that all couplings use, one after the other.
#[derive(Debug)]
pub(super) struct Rooms<B> {
    /// `[room, inter]`
    pub x: Array<B, f32>,
    /// `[room, 2 * hidden]`
    pub gates: Array<B, f32>,
    /// Of each layer for itself, `[LAYERS, room, hidden]`.
    pub open: Array<B, f32>,
}

/// What layers share, `[outs, hidden]`, and its bias.
struct Share {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl<B> Coupling<B> {
    /// Of channels that are turned around, or as they are. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        config: &RvcConfig,
        (at, is_turned): (Instant, bool),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let RvcConfig { inter, hidden, .. } = *config;
        let most = build.layout.most();
        let channel = |c: usize| if is_turned { inter - 1 - c } else { c };
        let half = inter / 2;
        let part = weights.part("pre");
        let weight = part.get("weight", &[hidden, half, 1])?;
        let mut all = vec![0.0; hidden * inter];
        for (n, w) in weight.iter().enumerate() {
            all[n / half * inter + channel(n % half)] = *w;
        }
        let shape = Conv1dShape::new(inter, hidden, 1);
        let pre = build.conv1d((shape, most), &all, part.get("bias", &[hidden])?)?;

        let enc = weights.part("enc");
        let shares = (0..LAYERS)
            .map(|n| Share::new(hidden, n, &enc.part("res_skip_layers").part(n)))
            .collect::<Result<Vec<_>, _>>()?;
        let layers = shares
            .iter()
            .enumerate()
            .map(|(n, share)| Gated::new(build, hidden, (n, share), &enc))
            .collect::<Result<Vec<_>, _>>()?;

        let part = weights.part("post");
        let post = part.get("weight", &[half, hidden, 1])?;
        let (means, biases) = joined(post, part.get("bias", &[half])?, hidden, &shares);
        let mut all = vec![0.0; inter * hidden * LAYERS];
        let mut bias = vec![0.0; inter];
        for (c, (mean, mean_bias)) in means.chunks_exact(hidden * LAYERS).zip(biases).enumerate() {
            let to = channel(half + c);
            bias[to] = -mean_bias;
            let row = &mut all[to * hidden * LAYERS..][..mean.len()];
            row.iter_mut().zip(mean).for_each(|(w, mean)| *w = -mean);
        }
        // Its taps are layers, that lie as far apart as there is room for frames.
        let shape = Conv1dShape {
            dilation: most,
            ..Conv1dShape::new(hidden, inter, LAYERS)
        };
        let wide = LAYERS * 2 * hidden;
        let part = enc.part("cond_layer");
        let condition = match config.gin {
            0 => Condition::new(build, 0, &[], vec![0.0; wide])?,
            gin => {
                let bias = part.get("bias", &[wide])?.to_vec();
                Condition::new(build, gin, &folded(&part, &[wide, gin, 1], 0)?, bias)?
            }
        };
        Ok(Self {
            pre,
            layers,
            end: build.conv1d((shape, most), &all, &bias)?,
            condition,
            at,
        })
    }

    /// Undoes the coupling in `x`; `offset` is what the speaker adds.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        rooms: &Rooms<B>,
        offset: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let (frames, hidden) = (step.frames, self.end.shape().ins);
        let plane = self.end.shape().dilation * hidden;
        let (x, gates, all) = (rooms.x.all(), rooms.gates.all(), rooms.open.all());
        let input = |layer: &Gated<B>| step.state.newest(layer.input);
        if let Some(first) = self.layers.first() {
            let target = Target::within(input(first)?, self.at);
            self.pre.run(step, (x, frames + SIDE, 1.0), target)?;
        }
        for (n, layer) in self.layers.iter().enumerate() {
            let heard = step.state.since(layer.input, SIDE)?;
            let heard = (heard, frames, 1.0);
            layer.conv.run(step, heard, Target::plain(gates))?;
            let open = all.since(n * plane)?;
            let offset = offset.since(n * 2 * hidden)?;
            gate(step.device, gates, (frames, hidden), Some(offset), open)?;
            if let (Some(share), Some(next)) = (&layer.share, self.layers.get(n + 1)) {
                let target = Target {
                    add: Some((input(layer)?, hidden)),
                    ..Target::within(input(next)?, self.at)
                };
                share.run(step, (open, frames + SIDE, 1.0), target)?;
            }
        }
        let target = Target {
            add: Some((x, self.end.shape().outs)),
            ..Target::within(x, self.at)
        };
        self.end.run(step, (all, frames, 1.0), target)
    }
}

impl<B> Gated<B> {
    fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        hidden: usize,
        (n, share): (usize, &Share),
        enc: &Scope,
    ) -> Result<Self, DeviceError> {
        let most = build.layout.most();
        let part = enc.part("in_layers").part(n);
        let w = folded(&part, &[2 * hidden, hidden, TAPS], 0)?;
        let bias = part.get("bias", &[2 * hidden])?;
        let shape = Conv1dShape::new(hidden, 2 * hidden, TAPS);
        let conv = build.conv1d((shape, most), &w, bias)?;
        let share = match n + 1 < LAYERS {
            false => None,
            true => {
                let shape = Conv1dShape::new(hidden, hidden, 1);
                let (w, bias) = (&share.weights[..hidden * hidden], &share.bias[..hidden]);
                Some(build.conv1d((shape, most), w, bias)?)
            }
        };
        Ok(Self {
            conv,
            share,
            input: build.layout.line(hidden, 1, SIDE),
        })
    }
}

impl Share {
    fn new(hidden: usize, n: usize, weights: &Scope) -> Result<Self, WeightsError> {
        let outs = if n + 1 < LAYERS { 2 * hidden } else { hidden };
        Ok(Self {
            weights: folded(weights, &[outs, hidden, 1], 0)?,
            bias: weights.get("bias", &[outs])?.to_vec(),
        })
    }

    /// The part for the mean, which is the last.
    fn for_mean(&self, hidden: usize) -> (&[f32], &[f32]) {
        let rows = self.bias.len() - hidden;
        (&self.weights[rows * hidden..], &self.bias[rows..])
    }
}

/// `post`, `[half, hidden]`, of the sum of what layers share, as one matrix, `[half, hidden, LAYERS]`, and
/// its bias. In `f64`: their products are many.
fn joined(
    post: &[f32],
    post_bias: &[f32],
    hidden: usize,
    shares: &[Share],
) -> (Vec<f32>, Vec<f32>) {
    let mut weights = vec![0.0; post.len() * shares.len()];
    let mut biases = Vec::with_capacity(post_bias.len());
    for (c, (row, bias)) in post.chunks_exact(hidden).zip(post_bias).enumerate() {
        let mut bias = f64::from(*bias);
        for (n, share) in shares.iter().enumerate() {
            let (share, share_bias) = share.for_mean(hidden);
            let mut sums = vec![0.0; hidden];
            for ((w, share), share_bias) in
                row.iter().zip(share.chunks_exact(hidden)).zip(share_bias)
            {
                bias += f64::from(*w) * f64::from(*share_bias);
                for (sum, share) in sums.iter_mut().zip(share) {
                    *sum += f64::from(*w) * f64::from(*share);
                }
            }
            for (i, sum) in sums.iter().enumerate() {
                weights[(c * hidden + i) * shares.len() + n] = *sum as f32;
            }
        }
        biases.push(bias as f32);
    }
    (weights, biases)
}

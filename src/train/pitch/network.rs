//! The pitch network in candle, whole sequences at a time, for training. The tracker runs the
//! same weights frame by frame (`model::pitch`).

use candle_core::{D, Device, Result, Tensor, Var};

use super::grid_conv::{GridConv, ROWS};
use super::gru::Gru;
use crate::model::pitch::features::{BINS, CHANNELS};
use crate::model::pitch::{
    CONTEXT, FIRST_KERNEL, KERNEL, PAST, PAST_KERNEL, SQUEEZED, WIDTH, shapes,
};
use crate::train::optimizer::Parameters;
use crate::train::random::Random;

/// The weights being trained.
pub struct Network {
    weights: Parameters,
}

/// What the network says of each frame.
pub struct Output {
    /// `[batch, frames, BINS]`: before the softmax over candidates.
    pub pitch: Tensor,
    /// `[batch, frames]`: before the sigmoid.
    pub voicing: Tensor,
}

impl Network {
    /// Random weights.
    pub fn new(seed: u64) -> Result<Self> {
        let mut random = Random::new(seed);
        let mut weights = Parameters::new();
        for (name, shape) in shapes() {
            let fan_in = shape[1..].iter().product::<usize>().max(1) as f64;
            // He's scale before a rectifier, less where there is none.
            let scale = match name {
                _ if shape.len() == 1 => 0.0,
                "context.weight" => 0.1 / fan_in.sqrt(),
                "gru.weight_ih_l0" | "gru.weight_hh_l0" | "voicing.weight" => 1.0 / fan_in.sqrt(),
                "conv2.past" | "conv3.past" => 0.5 / fan_in.sqrt(),
                _ => (2.0 / fan_in).sqrt(),
            };
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count)
                .map(|_| (scale * random.normal()) as f32)
                .collect();
            weights.insert(name.to_owned(), Var::from_vec(values, shape, &Device::Cpu)?);
        }
        Ok(Self { weights })
    }

    /// Every weight by name.
    pub fn weights(&self) -> &Parameters {
        &self.weights
    }

    fn w(&self, name: &str) -> &Tensor {
        self.weights[name].as_tensor()
    }

    /// `features` is `[batch, frames, ROWS, CHANNELS]`, zeros in the rows after the candidates.
    pub fn forward(&self, features: &Tensor) -> Result<Output> {
        let (batch, frames, _, _) = features.dims4()?;
        let items = batch * frames;
        let x = features.reshape((items, ROWS, CHANNELS))?;
        let x = self
            .conv(&x, "conv1.weight", Some("conv1.bias"), FIRST_KERNEL)?
            .relu()?;
        let x = self.layer(
            &x,
            batch,
            ["conv2.weight", "conv2.past", "conv2.bias"],
            PAST[0],
        )?;
        let x = self.layer(
            &x,
            batch,
            ["conv3.weight", "conv3.past", "conv3.bias"],
            PAST[1],
        )?;
        let squeezed = self
            .conv(&x, "squeeze.weight", Some("squeeze.bias"), 1)?
            .relu()?;
        let flat = squeezed
            .narrow(1, 0, BINS)?
            .contiguous()?
            .reshape((items, BINS * SQUEEZED))?;
        let dense = flat.matmul(&self.w("dense.weight").t()?)?;
        let dense = dense.broadcast_add(self.w("dense.bias"))?.relu()?;
        let context = self.gru(&dense, batch, frames)?;
        let salience = x
            .reshape((items * ROWS, WIDTH))?
            .matmul(&self.w("salience.weight").t()?)?;
        let salience = salience
            .reshape((items, ROWS))?
            .narrow(1, 0, BINS)?
            .contiguous()?;
        let expected = context.matmul(&self.w("context.weight").t()?)?;
        let pitch = (&salience + expected.broadcast_add(self.w("context.bias"))?)?;
        // How far the best candidate stands out speaks for a voice.
        let stands_out = |x: &Tensor| x.max_keepdim(D::Minus1)? - x.mean_keepdim(D::Minus1)?;
        let heard = [&context, &stands_out(&salience)?, &stands_out(&pitch)?];
        let voicing = Tensor::cat(&heard, 1)?.matmul(&self.w("voicing.weight").t()?)?;
        let voicing = voicing.broadcast_add(self.w("voicing.bias"))?;
        Ok(Output {
            pitch: pitch.reshape((batch, frames, BINS))?,
            voicing: voicing.reshape((batch, frames))?,
        })
    }

    fn conv(&self, x: &Tensor, w: &str, b: Option<&str>, kernel: usize) -> Result<Tensor> {
        let w = self.w(w);
        let bias = match b {
            Some(name) => self.w(name).clone(),
            None => Tensor::zeros(w.dim(0)?, w.dtype(), w.device())?,
        };
        x.apply_op3(w, &bias, GridConv { kernel })
    }

    /// Looks at this instant and an earlier one, and adds what it sees.
    fn layer(&self, x: &Tensor, batch: usize, names: [&str; 3], past: usize) -> Result<Tensor> {
        let [now, before, bias] = names;
        let (items, rows, width) = x.dims3()?;
        let frames = items / batch;
        let earlier = x
            .reshape((batch, frames, rows * width))?
            .narrow(1, 0, frames - past)?
            .pad_with_zeros(1, past, 0)?
            .contiguous()?
            .reshape((items, rows, width))?;
        let y = self.conv(x, now, Some(bias), KERNEL)?;
        let y = (y + self.conv(&earlier, before, None, PAST_KERNEL)?)?;
        x + y.relu()?
    }

    /// `x` is `[batch * frames, CONTEXT]`; so is the context.
    fn gru(&self, x: &Tensor, batch: usize, frames: usize) -> Result<Tensor> {
        let gates = x.matmul(&self.w("gru.weight_ih_l0").t()?)?;
        let gates = gates.broadcast_add(self.w("gru.bias_ih_l0"))?;
        let gates = gates.reshape((batch, frames, 3 * CONTEXT))?;
        let states = gates.apply_op3(self.w("gru.weight_hh_l0"), self.w("gru.bias_hh_l0"), Gru)?;
        states.reshape((batch * frames, CONTEXT))
    }
}

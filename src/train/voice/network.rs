//! The networks of our own voices in candle, whole sequences at a time, for training. The engine
//! runs the same weights frame by frame.
//!
//! `encoder` turns a picture of sound into what is said, `decoder` turns that, a melody and a
//! speaker into the envelope of a voice. Beside them stand what only training needs: a head that
//! names phones, and a table of speakers.

use candle_core::{D, Device, Result, Tensor, Var};

use crate::model::ddsp::grid::BANDS;
use crate::model::ddsp::{Centre, DdspConfig};
use crate::train::ops::conv1d::Conv1d;
use crate::train::ops::values;
use crate::train::optimizer::Parameters;
use crate::train::processor::Arithmetic;
use crate::train::random::Random;

/// Envelopes as training has them: logarithms of power per Hz less a mean, over their spread. The
/// way from nothing to there would be long for steps of the usual size. Files have neither: see
/// [`Network::export`].
const MEAN: f64 = -18.0;
const SPREAD: f64 = 4.0;

/// Taps of the convolutions in blocks.
const KERNEL: usize = 3;

/// The weights being trained.
pub struct Network {
    config: DdspConfig,
    weights: Parameters,
    arithmetic: Arithmetic,
}

/// What the decoder says of each frame.
pub struct Output {
    /// `[batch, frames, BANDS]`: natural logarithm of power per Hz.
    pub envelope: Tensor,
    /// `[batch, frames, BANDS]`: the share of noise, before the sigmoid.
    pub aperiodicity: Tensor,
}

impl Network {
    /// Random weights, with a row for each of so many training speakers and phones. Without
    /// phones there is no head for them, without speakers no table.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(config: &DdspConfig, speakers: usize, phones: usize, seed: u64) -> Result<Self> {
        let mut shapes = config.encoder.shapes();
        shapes.extend(config.decoder.shapes());
        if 0 < phones {
            let content = config.encoder.content;
            shapes.push(("phones.weight".to_owned(), vec![phones, content]));
            shapes.push(("phones.bias".to_owned(), vec![phones]));
        }
        if 0 < speakers {
            shapes.push((
                "speakers.embedding".to_owned(),
                vec![speakers, config.decoder.embedding],
            ));
        }
        let mut random = Random::new(seed);
        let mut weights = Parameters::new();
        let mut fan_in = 1;
        for (name, shape) in shapes {
            let count: usize = shape.iter().product();
            // A bias comes after its weight.
            if 1 < shape.len() {
                fan_in = shape[1..].iter().product();
            }
            let reach = (fan_in as f64).sqrt().recip();
            let mut draw = || match &name {
                name if name.ends_with("norm.weight") => 1.0,
                name if name.ends_with("norm.bias") => 0.0,
                name if name.ends_with("embedding") => 0.3 * random.normal() as f32,
                name if name.ends_with("out.bias") => 0.0,
                // Many blocks add up.
                name if name.ends_with("out.weight") => 0.5 * random.range(-reach, reach) as f32,
                _ => random.range(-reach, reach) as f32,
            };
            let values: Vec<f32> = (0..count).map(|_| draw()).collect();
            weights.insert(name, Var::from_vec(values, shape, &Device::Cpu)?);
        }
        Ok(Self {
            config: config.clone(),
            weights,
            arithmetic: Arithmetic::Own,
        })
    }

    /// The same weights where this computes.
    ///
    /// # Errors
    /// If memory is short there.
    pub fn on(self, arithmetic: &Arithmetic) -> Result<Self> {
        let mut weights = Parameters::new();
        for (name, weight) in self.weights {
            let moved = weight.as_detached_tensor().to_device(arithmetic.device())?;
            weights.insert(name, Var::from_tensor(&moved)?);
        }
        Ok(Self {
            config: self.config,
            weights,
            arithmetic: arithmetic.clone(),
        })
    }

    /// What computes.
    pub fn arithmetic(&self) -> &Arithmetic {
        &self.arithmetic
    }

    /// Every weight by name.
    pub fn weights(&self) -> &Parameters {
        &self.weights
    }

    /// The weights whose names begin so; they stay shared.
    pub fn part(&self, prefix: &str) -> Parameters {
        let of_part = self
            .weights
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        of_part
            .map(|(name, weight)| (name.clone(), weight.clone()))
            .collect()
    }

    /// A weight as files have it: the head gives the envelope itself.
    pub fn export(name: &str, values: &mut [f32]) {
        let rows = values.len() / 2;
        match name {
            "decoder.head.weight" => {
                values[..rows].iter_mut().for_each(|x| *x *= SPREAD as f32);
            }
            "decoder.head.bias" => {
                values[..rows]
                    .iter_mut()
                    .for_each(|x| *x = *x * SPREAD as f32 + MEAN as f32);
            }
            _ => {}
        }
    }

    /// The way back from [`Self::export`].
    pub fn import(name: &str, values: &mut [f32]) {
        let rows = values.len() / 2;
        match name {
            "decoder.head.weight" => {
                values[..rows].iter_mut().for_each(|x| *x /= SPREAD as f32);
            }
            "decoder.head.bias" => {
                values[..rows]
                    .iter_mut()
                    .for_each(|x| *x = (*x - MEAN as f32) / SPREAD as f32);
            }
            _ => {}
        }
    }

    fn w(&self, name: &str) -> &Tensor {
        self.weights[name].as_tensor()
    }

    fn norm(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let (w, b) = (format!("{name}.weight"), format!("{name}.bias"));
        self.arithmetic.layer_norm(x, self.w(&w), self.w(&b))
    }

    fn linear(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let w = self.w(&format!("{name}.weight")).unsqueeze(2)?;
        let b = self.w(&format!("{name}.bias"));
        self.arithmetic.conv1d(x, &w, b, Conv1d::LINEAR)
    }

    fn block(
        &self,
        x: &Tensor,
        name: &str,
        dilation: usize,
        who: Option<&Tensor>,
    ) -> Result<Tensor> {
        let mut bias = self.w(&format!("{name}.conv.bias")).clone();
        if let Some(who) = who {
            let speaker = self.w(&format!("{name}.speaker.weight"));
            bias = who.matmul(&speaker.t()?)?.broadcast_add(&bias)?;
        }
        let causal = Conv1d {
            dilation,
            left: (KERNEL - 1) * dilation,
        };
        let y = self.norm(x, &format!("{name}.norm"))?;
        let w = self.w(&format!("{name}.conv.weight"));
        let y = self.arithmetic.conv1d(&y, w, &bias, causal)?;
        x + self.linear(&self.arithmetic.gelu(&y)?, &format!("{name}.out"))?
    }

    /// What is said: `[batch, frames, 80]` to `[batch, frames, content]`.
    ///
    /// # Errors
    /// If the shape is another.
    pub fn encode(&self, mel: &Tensor) -> Result<Tensor> {
        let centred = Conv1d {
            dilation: 1,
            left: self.config.encoder.ahead,
        };
        let (w, b) = (self.w("encoder.input.weight"), self.w("encoder.input.bias"));
        let mut x = self.arithmetic.conv1d(mel, w, b, centred)?;
        for (i, dilation) in self.config.encoder.dilations.iter().enumerate() {
            x = self.block(&x, &format!("encoder.blocks.{i}"), *dilation, None)?;
        }
        self.linear(&self.norm(&x, "encoder.norm")?, "encoder.content")
    }

    /// Content without who says it, as the engine takes that out of a stream: `[batch, frames,
    /// content]`, whether it is voiced `[batch * frames]`. Every other sequence is one that begins
    /// the stream; the others have been heard before. The mean is a constant to gradients.
    ///
    /// # Errors
    /// If a shape is another.
    pub fn centred(content: &Tensor, voiced: &[bool]) -> Result<Tensor> {
        let (_, frames, width) = content.dims3()?;
        let mut means = values(content)?;
        let sequences = means.chunks_exact_mut(frames * width);
        for (n, (sequence, voiced)) in sequences.zip(voiced.chunks_exact(frames)).enumerate() {
            let mut centre = Centre::new(width);
            let mut row = vec![0.0; width];
            for last in [n % 2 == 0, true] {
                for (content, voiced) in sequence.chunks_exact_mut(width).zip(voiced) {
                    row.copy_from_slice(content);
                    centre.step(*voiced, &mut row);
                    if last {
                        content
                            .iter_mut()
                            .zip(&row)
                            .for_each(|(x, less)| *x -= less);
                    }
                }
                if last {
                    break;
                }
            }
        }
        content - Tensor::from_vec(means, content.shape(), content.device())?
    }

    /// Content in the time of what should be said, `[batch, frames, content]`: for each frame the
    /// frame of what is heard, `[batch, frames]`.
    ///
    /// # Errors
    /// If a shape is another.
    pub fn in_time(content: &Tensor, heard: &Tensor) -> Result<Tensor> {
        let places = heard.unsqueeze(2)?.broadcast_as(content.shape())?;
        content.gather(&places.contiguous()?, 1)
    }

    /// How it sounds: content `[batch, frames, content]`, how it is sung `[batch, frames, 3]`,
    /// speakers `[batch, embedding]`.
    ///
    /// # Errors
    /// If a shape is another.
    pub fn decode(&self, content: &Tensor, controls: &Tensor, who: &Tensor) -> Result<Output> {
        let mut x = self.linear(&Tensor::cat(&[content, controls], 2)?, "decoder.input")?;
        for (i, dilation) in self.config.decoder.dilations.iter().enumerate() {
            x = self.block(&x, &format!("decoder.blocks.{i}"), *dilation, Some(who))?;
        }
        let y = self.linear(&self.norm(&x, "decoder.norm")?, "decoder.head")?;
        Ok(Output {
            envelope: ((y.narrow(D::Minus1, 0, BANDS)?.contiguous()? * SPREAD)? + MEAN)?,
            aperiodicity: y.narrow(D::Minus1, BANDS, BANDS)?.contiguous()?,
        })
    }

    /// Before the softmax over phones: `[batch, frames, phones]`. `None` without a head.
    ///
    /// # Errors
    /// If the content is of another shape.
    pub fn phones(&self, content: &Tensor) -> Result<Option<Tensor>> {
        match self.weights.contains_key("phones.weight") {
            true => Ok(Some(self.linear(content, "phones")?)),
            false => Ok(None),
        }
    }

    /// The embeddings of these training speakers, `[batch, embedding]`.
    ///
    /// # Errors
    /// If there is no such speaker.
    pub fn speakers(&self, numbers: &[u32]) -> Result<Tensor> {
        let numbers = Tensor::from_slice(numbers, numbers.len(), self.arithmetic.device())?;
        self.w("speakers.embedding").index_select(&numbers, 0)
    }
}

//! One run of training: what a step does, and everything it takes to go on where it stopped.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{D, Device, Result, Tensor};

use super::TrainError;
use super::batch::Tensors;
use super::loss::{cross_entropy, masked_l1, sigmoid};
use super::network::Network;
use crate::io::checkpoint::{self, Checkpoint, Layout, Limits, TensorData, write_safetensors};
use crate::train::ops::values;
use crate::train::optimizer::{Moments, Optimizer, Parameters, Settings};

/// How much each part of the loss counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Highest rate of learning; it rises over so many steps, then falls as a cosine.
    pub rate: f64,
    /// See `rate`.
    pub warm_up: f64,
    /// Weight of the phones.
    pub phones: f64,
    /// Weight of the content's size: half the mean square, as a bottleneck of so many nats costs
    /// when its noise has variance 1 (Kingma & Welling, 2014).
    pub bottleneck: f64,
    /// Deviation of the noise on the content, and of that on the speakers.
    pub content_noise: f64,
    /// See `content_noise`.
    pub speaker_noise: f64,
    /// How weights move.
    pub optimizer: Settings,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            rate: 1.5e-3,
            warm_up: 100.0,
            phones: 0.2,
            bottleneck: 0.004,
            content_noise: 1.0,
            speaker_noise: 0.05,
            optimizer: Settings {
                betas: (0.9, 0.98),
                decay: 0.01,
                longest: 1.0,
                average: 0.998,
            },
        }
    }
}

/// What a step found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// Mean error of the envelope in dB.
    pub envelope_db: f64,
    /// Mean error of the share of noise.
    pub noise: f64,
    /// Cross-entropy of phones in nats.
    pub phones: f64,
    /// Nats that the content carries in a frame, at most.
    pub content: f64,
}

impl Losses {
    /// Their names in files and reports.
    pub const NAMES: [&str; 4] = ["envelope_db", "noise", "phones", "content"];

    /// The mean of some.
    pub fn mean(all: &[Self]) -> Self {
        let share = 1.0 / all.len().max(1) as f64;
        let mean = |of: fn(&Self) -> f64| share * all.iter().map(of).sum::<f64>();
        Self {
            envelope_db: mean(|x| x.envelope_db),
            noise: mean(|x| x.noise),
            phones: mean(|x| x.phones),
            content: mean(|x| x.content),
        }
    }

    /// In the order of their names.
    pub fn all(self) -> [f64; 4] {
        [self.envelope_db, self.noise, self.phones, self.content]
    }
}

/// dB per nat.
const DB: f64 = 10.0 * std::f64::consts::LOG10_E;

/// Shapes and values of weights by name.
pub type Kept = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A run at some step.
pub struct Run {
    /// The networks.
    pub network: Network,
    /// What has been learnt about the parts that move.
    pub optimizer: Optimizer,
    /// Steps done, of how many.
    pub step: u64,
    /// See `step`.
    pub steps: u64,
    /// Losses of every step.
    pub history: Vec<Losses>,
    recipe: Recipe,
    /// The encoder stays as it is: nothing below the content has a gradient.
    frozen_encoder: bool,
}

impl Run {
    /// A run that moves the weights whose names begin as one of `parts`.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(network: Network, parts: &[&str], steps: u64, recipe: Recipe) -> Result<Self> {
        let moving = parts.iter().flat_map(|part| network.part(part));
        let moving: Parameters = moving.collect();
        Ok(Self {
            optimizer: Optimizer::new(&moving, recipe.optimizer)?,
            frozen_encoder: !moving.keys().any(|name| name.starts_with("encoder.")),
            network,
            step: 0,
            steps,
            history: Vec::new(),
            recipe,
        })
    }

    /// Whether all steps are done.
    pub fn finished(&self) -> bool {
        self.steps <= self.step
    }

    fn loss(&self, batch: &Tensors) -> Result<(Tensor, Losses)> {
        let network = &self.network;
        let mut content = network.encode(&batch.mel)?;
        if self.frozen_encoder {
            content = content.detach();
        }
        let mut who = network.speakers(&batch.speakers)?;
        // A part of the numbers drawn for the content, which are more than there is use for.
        let deviates = batch.blur.flatten_all()?.narrow(0, 0, who.elem_count())?;
        let deviates = deviates.reshape(who.shape())?;
        who = (who + (deviates * self.recipe.speaker_noise)?)?;
        let values = content.dim(D::Minus1)?;
        let blur = batch.blur.narrow(D::Minus1, 0, values)?;
        let blurred = (&content + (blur * self.recipe.content_noise)?)?;
        let output = network.decode(&blurred, &batch.sung, &who)?;
        let envelope = masked_l1(&output.envelope, &batch.ln_power, &batch.known)?;
        let noise = sigmoid(&output.aperiodicity)?;
        let noise = masked_l1(&noise, &batch.noise, &batch.voiced_known)?;
        let size = (content.sqr()?.mean_all()? * (0.5 * values as f64))?;
        let mut loss = (&envelope + &noise)?;
        let mut phones = 0.0;
        if !self.frozen_encoder {
            loss = (loss + (&size * self.recipe.bottleneck)?)?;
            if let Some(scores) = network.phones(&content)? {
                let cross = cross_entropy(&scores, &batch.phones, &batch.phones_known)?;
                phones = scalar(&cross)?;
                loss = (loss + (cross * self.recipe.phones)?)?;
            }
        }
        let losses = Losses {
            envelope_db: DB * scalar(&envelope)?,
            noise: scalar(&noise)?,
            phones,
            content: scalar(&size)?,
        };
        Ok((loss, losses))
    }

    /// Learns from one batch.
    ///
    /// # Errors
    /// If memory is short.
    pub fn learn(&mut self, batch: &Tensors) -> Result<Losses> {
        let (loss, losses) = self.loss(batch)?;
        let gradients = loss.backward()?;
        let done = self.step as f64 / self.steps.max(1) as f64;
        let rise = ((self.step + 1) as f64 / self.recipe.warm_up).min(1.0);
        let fall = 0.01 + 0.99 * (0.5 + 0.5 * (std::f64::consts::PI * done.min(1.0)).cos());
        let rate = self.recipe.rate * rise * fall;
        self.optimizer
            .step(self.network.weights(), &gradients, rate)?;
        self.step += 1;
        self.history.push(losses);
        Ok(losses)
    }

    /// The weights to keep: averages where they moved, as files have them.
    ///
    /// # Errors
    /// If memory is short.
    pub fn kept(&self) -> Result<Kept> {
        let mut kept = BTreeMap::new();
        for (name, weight) in self.network.weights() {
            let mut found = match self.optimizer.moments().get(name) {
                Some(moments) => moments.average.clone(),
                None => values(weight)?,
            };
            Network::export(name, &mut found);
            kept.insert(name.clone(), (weight.dims().to_vec(), found));
        }
        Ok(kept)
    }
}

fn scalar(x: &Tensor) -> Result<f64> {
    Ok(f64::from(x.to_scalar::<f32>()?))
}

/// Everything a run is, in a file: to go on exactly where it stopped.
impl Run {
    /// Writes the run; what was there stays until it is complete. `plan` says what belongs to it:
    /// a run is only resumed with the same.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path, plan: &str) -> std::result::Result<(), TrainError> {
        let mut tensors = Vec::new();
        for (name, weight) in self.network.weights() {
            let shape = weight.dims().to_vec();
            tensors.push((format!("weight.{name}"), tensor(shape, values(weight)?)));
        }
        for (name, m) in self.optimizer.moments() {
            for (kind, values) in [
                ("mean", &m.mean),
                ("square", &m.square),
                ("average", &m.average),
            ] {
                let shape = vec![values.len()];
                tensors.push((format!("{kind}.{name}"), tensor(shape, values.clone())));
            }
        }
        let history = self
            .history
            .iter()
            .flat_map(|losses| losses.all().map(|x| x as f32));
        let shape = vec![self.history.len(), Losses::NAMES.len()];
        tensors.push(("history".to_owned(), tensor(shape, history.collect())));
        let texts = BTreeMap::from([
            ("plan".to_owned(), plan.to_owned()),
            ("step".to_owned(), self.step.to_string()),
            ("steps".to_owned(), self.steps.to_string()),
            ("updates".to_owned(), self.optimizer.steps().to_string()),
        ]);
        Ok(write_safetensors(path, &tensors, &texts)?)
    }

    /// Goes on where a file of the same plan stopped.
    ///
    /// # Errors
    /// If the file is not that of such a run.
    pub fn resume(&mut self, path: &Path, plan: &str) -> std::result::Result<(), TrainError> {
        if !path.is_file() {
            return Err(TrainError::Resume(format!("no {}", path.display())));
        }
        let file = Checkpoint::open(path, &Limits::default())?;
        let Layout::Safetensors(texts) = file.layout() else {
            return Err(TrainError::Resume("another kind of file".to_owned()));
        };
        let text = |name: &str| texts.get(name).map(String::as_str).unwrap_or_default();
        if text("plan") != plan {
            let message = "one with other settings, other recordings or another base";
            return Err(TrainError::Resume(message.to_owned()));
        }
        let number = |name: &str| {
            let found = text(name).parse::<u32>();
            found.map_err(|_| TrainError::Resume(format!("no number of the {name}")))
        };
        let mut found = Found::read(&file)?;
        for (name, weight) in self.network.weights() {
            let values = found.take(&format!("weight.{name}"), weight.elem_count())?;
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)?;
        }
        let mut moments = BTreeMap::new();
        for (name, m) in self.optimizer.moments() {
            let mut take = |kind: &str| found.take(&format!("{kind}.{name}"), m.mean.len());
            let m = Moments {
                mean: take("mean")?,
                square: take("square")?,
                average: take("average")?,
            };
            moments.insert(name.clone(), m);
        }
        let updates = i32::try_from(number("updates")?).unwrap_or(i32::MAX);
        self.optimizer = Optimizer::resumed(self.recipe.optimizer, moments, updates);
        (self.step, self.steps) = (u64::from(number("step")?), u64::from(number("steps")?));
        let count = self.step as usize;
        let history = found.take("history", count * Losses::NAMES.len())?;
        self.history = history
            .chunks_exact(Losses::NAMES.len())
            .map(|x| Losses {
                envelope_db: f64::from(x[0]),
                noise: f64::from(x[1]),
                phones: f64::from(x[2]),
                content: f64::from(x[3]),
            })
            .collect();
        Ok(())
    }
}

/// A tensor of 32-bit floats for a file.
pub fn tensor(shape: Vec<usize>, values: Vec<f32>) -> checkpoint::Tensor {
    checkpoint::Tensor {
        shape,
        data: TensorData::F32(values),
    }
}

/// Tensors of a file by name.
pub struct Found(Kept);

impl Found {
    /// All tensors of a file.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn read(file: &Checkpoint) -> std::result::Result<Self, TrainError> {
        let mut found = BTreeMap::new();
        for (name, view) in file.tensors("") {
            let tensor = file.tensor(&view)?;
            let values = tensor.to_f32();
            found.insert(name, (tensor.shape, values));
        }
        Ok(Self(found))
    }

    /// The values of a tensor of so many.
    ///
    /// # Errors
    /// If it is not there or of another size.
    pub fn take(&mut self, name: &str, count: usize) -> std::result::Result<Vec<f32>, TrainError> {
        let found = self.0.remove(name).map(|(_, values)| values);
        let missing = || TrainError::Resume(format!("no {name} of {count} values"));
        found
            .filter(|values| values.len() == count)
            .ok_or_else(missing)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).map(|(shape, _)| shape.as_slice())
    }
}

//! Everything a run is, in a file: to go on exactly where it stopped.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Tensor;

use super::TrainError;
use super::steps::{Kept, Losses, Run};
use crate::io::checkpoint::{self, Checkpoint, Layout, Limits, TensorData, write_safetensors};
use crate::train::ops::values;
use crate::train::optimizer::{Moments, Optimizer, Parameters};

impl Run {
    /// Writes the run; what was there stays until it is complete. `plan` says what belongs to it:
    /// a run is only resumed with the same.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path, plan: &str) -> Result<(), TrainError> {
        let mut tensors = Vec::new();
        put(&mut tensors, self.network.weights(), &self.optimizer)?;
        let mut texts = BTreeMap::from([
            ("plan".to_owned(), plan.to_owned()),
            ("step".to_owned(), self.step.to_string()),
            ("steps".to_owned(), self.steps.to_string()),
            ("updates".to_owned(), self.optimizer.steps().to_string()),
        ]);
        if let Some(critic) = &self.critic {
            put(&mut tensors, critic.weights(), &critic.optimizer)?;
            let updates = critic.optimizer.steps().to_string();
            texts.insert("critic_updates".to_owned(), updates);
        }
        let history = self
            .history
            .iter()
            .flat_map(|losses| losses.all().map(|x| x as f32));
        let shape = vec![self.history.len(), Losses::NAMES.len()];
        tensors.push(("history".to_owned(), tensor(shape, history.collect())));
        Ok(write_safetensors(path, &tensors, &texts)?)
    }

    /// Goes on where a file of the same plan stopped.
    ///
    /// # Errors
    /// If the file is not that of such a run.
    pub fn resume(&mut self, path: &Path, plan: &str) -> Result<(), TrainError> {
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
        let (weights, updates) = (self.network.weights(), number("updates")?);
        self.optimizer = found.optimizer(weights, &self.optimizer, updates)?;
        if let Some(critic) = &mut self.critic {
            let updates = number("critic_updates")?;
            critic.optimizer = found.optimizer(critic.weights(), &critic.optimizer, updates)?;
        }
        (self.step, self.steps) = (u64::from(number("step")?), u64::from(number("steps")?));
        let count = self.step as usize;
        let history = found.take("history", count * Losses::NAMES.len())?;
        let (rows, _) = history.as_chunks();
        self.history = rows
            .iter()
            .map(|row| Losses::from_all(row.map(f64::from)))
            .collect();
        Ok(())
    }
}

/// Weights, and what an optimizer remembers of them.
fn put(
    tensors: &mut Vec<(String, checkpoint::Tensor)>,
    weights: &Parameters,
    optimizer: &Optimizer,
) -> Result<(), TrainError> {
    for (name, weight) in weights {
        let shape = weight.dims().to_vec();
        tensors.push((format!("weight.{name}"), tensor(shape, values(weight)?)));
    }
    for (name, m) in optimizer.moments()?.iter() {
        let kinds = [
            ("mean", &m.mean),
            ("square", &m.square),
            ("average", &m.average),
        ];
        for (kind, values) in kinds {
            let shape = vec![values.len()];
            tensors.push((format!("{kind}.{name}"), tensor(shape, values.clone())));
        }
    }
    Ok(())
}

/// A tensor of 32-bit floats for a file.
pub fn tensor(shape: Vec<usize>, values: Vec<f32>) -> checkpoint::Tensor {
    checkpoint::Tensor {
        shape,
        data: TensorData::F32(values),
    }
}

/// A tensor of halves for a file: of weights they are precise enough, and half as many bytes are
/// read for each frame.
pub fn halves(shape: Vec<usize>, values: &[f32]) -> checkpoint::Tensor {
    checkpoint::Tensor {
        shape,
        data: TensorData::halves(values),
    }
}

/// Tensors of a file by name.
pub struct Found(Kept);

impl Found {
    /// All tensors of a file.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn read(file: &Checkpoint) -> Result<Self, TrainError> {
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
    pub fn take(&mut self, name: &str, count: usize) -> Result<Vec<f32>, TrainError> {
        let found = self.0.remove(name).map(|(_, values)| values);
        let missing = || TrainError::Resume(format!("no {name} of {count} values"));
        found
            .filter(|values| values.len() == count)
            .ok_or_else(missing)
    }

    /// Everything: names, shapes and values.
    pub fn all(self) -> impl Iterator<Item = (String, Vec<usize>, Vec<f32>)> {
        let all = self.0.into_iter();
        all.map(|(name, (shape, values))| (name, shape, values))
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).map(|(shape, _)| shape.as_slice())
    }

    /// Sets weights; gives an optimizer of the same weights as `like`.
    fn optimizer(
        &mut self,
        weights: &Parameters,
        like: &Optimizer,
        updates: u32,
    ) -> Result<Optimizer, TrainError> {
        for (name, weight) in weights {
            let values = self.take(&format!("weight.{name}"), weight.elem_count())?;
            weight.set(&Tensor::from_vec(values, weight.shape(), weight.device())?)?;
        }
        let mut moments = BTreeMap::new();
        for (name, m) in like.moments()?.iter() {
            let mut take = |kind: &str| self.take(&format!("{kind}.{name}"), m.mean.len());
            let m = Moments {
                mean: take("mean")?,
                square: take("square")?,
                average: take("average")?,
            };
            moments.insert(name.clone(), m);
        }
        let updates = i32::try_from(updates).unwrap_or(i32::MAX);
        let settings = like.settings();
        Ok(Optimizer::resumed(weights, settings, moments, updates)?)
    }
}

//! Voices as the RVC project and its kin publish them: a torch checkpoint with a dictionary of
//! weights and a list of sizes. Reads one into the sizes of the network and the tensors it needs,
//! or says exactly what the file is instead. Worker threads and the command line only: it
//! allocates and waits for disks.

mod config;
mod diagnose;
mod error;
mod layout;

pub use error::RvcError;
pub use layout::tensors;

use crate::io::checkpoint::{Checkpoint, DType, Tensor, TensorData, TensorRef, Value};
use crate::model::rvc::RvcConfig;
use crate::preset::about::{MOST_COMMENT, MOST_LABEL, MOST_NAME, clean};
use std::collections::HashMap;

/// A voice in a checkpoint. Its tensors are still in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct RvcVoice {
    /// The sizes of its network, checked.
    pub config: RvcConfig,
    /// The tensors the network needs, in the order of its layers, under RVC's own names.
    pub tensors: Vec<(String, TensorRef)>,
    /// What its maker called it, where the file says so; at most 64 characters.
    pub name: Option<String>,
    /// Who made it, at most 64 characters; empty where the file does not say.
    pub author: String,
    /// What the file says of itself, such as a count of epochs; at most 1,000 characters.
    pub info: String,
}

/// Reads a voice: sizes, names and shapes, but no elements.
///
/// # Errors
/// [`RvcError`] with what the file is instead, or what of it cannot be used.
pub fn read(checkpoint: &Checkpoint) -> Result<RvcVoice, RvcError> {
    let root = checkpoint.root();
    let weights = root.get("weight").and_then(Value::as_dict);
    let sizes = root.get("config").or_else(|| root.get("params"));
    let (Some(_), Some(sizes)) = (weights, sizes) else {
        return Err(diagnose::diagnose(checkpoint));
    };
    if let Some(error) = diagnose::so_vits(checkpoint) {
        return Err(error);
    }
    checkpoint.refuse_unknown_except(&[])?;
    config::refuse_others(root)?;
    let found: HashMap<String, TensorRef> = checkpoint
        .tensors("weight")
        .map(|(name, tensor)| (canonical(&name), tensor))
        .filter(|(name, _)| !name.starts_with("enc_q."))
        .collect();
    let shape = |name: &str| found.get(name).map(TensorRef::shape);
    let config = config::read(root, sizes, &shape)?;
    let text = |key: &str, most| clean(root.get(key).and_then(Value::as_str).unwrap_or(""), most);
    Ok(RvcVoice {
        tensors: pick(&config, found)?,
        config,
        name: Some(text("model_name", MOST_NAME)).filter(|name| !name.is_empty()),
        author: text("author", MOST_LABEL),
        info: text("info", MOST_COMMENT),
    })
}

/// The name under which RVC writes a tensor. Newer versions of torch spell weight norm otherwise.
fn canonical(name: &str) -> String {
    for (other, ours) in [
        (".parametrizations.weight.original0", ".weight_g"),
        (".parametrizations.weight.original1", ".weight_v"),
    ] {
        if let Some(stem) = name.strip_suffix(other) {
            return format!("{stem}{ours}");
        }
    }
    name.to_owned()
}

/// The tensors a network of these sizes needs, out of those that are there.
///
/// # Errors
/// [`RvcError::Missing`], [`RvcError::Shape`], [`RvcError::NoFloats`], and [`RvcError::Surplus`]
/// where there are more: the network would then be another one.
pub(super) fn pick(
    config: &RvcConfig,
    mut found: HashMap<String, TensorRef>,
) -> Result<Vec<(String, TensorRef)>, RvcError> {
    let window = layout::window(found.get(layout::WINDOW).map(TensorRef::shape));
    let mut picked = Vec::new();
    for (name, expected) in layout::tensors(config, window) {
        let Some(tensor) = found.remove(&name) else {
            return Err(RvcError::Missing { name, expected });
        };
        if tensor.shape() != expected {
            let found = tensor.shape().to_vec();
            return Err(RvcError::Shape {
                name,
                expected,
                found,
            });
        }
        match tensor.dtype() {
            DType::F16 | DType::Bf16 | DType::F32 | DType::F64 => picked.push((name, tensor)),
            other => {
                let found = other.name();
                return Err(RvcError::NoFloats { name, found });
            }
        }
    }
    match found.into_keys().min() {
        None => Ok(picked),
        Some(name) => Err(RvcError::Surplus {
            name: clean(&name, MOST_NAME),
        }),
    }
}

/// Reads the elements of a voice's tensors.
///
/// # Errors
/// [`RvcError::Checkpoint`] when the file is damaged or memory is short, [`RvcError::NotFinite`]
/// when a training that went wrong left something else than numbers.
pub fn read_tensors(
    checkpoint: &Checkpoint,
    tensors: &[(String, TensorRef)],
) -> Result<Vec<(String, Tensor)>, RvcError> {
    let mut read = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let tensor = checkpoint.tensor(tensor)?;
        if !is_finite(&tensor.data) {
            return Err(RvcError::NotFinite { name: name.clone() });
        }
        read.push((name.clone(), tensor));
    }
    Ok(read)
}

fn is_finite(data: &TensorData) -> bool {
    match data {
        // All ones in the exponent.
        TensorData::F16(bits) => bits.iter().all(|bits| bits & 0x7c00 != 0x7c00),
        TensorData::Bf16(bits) => bits.iter().all(|bits| bits & 0x7f80 != 0x7f80),
        TensorData::F32(numbers) => numbers.iter().all(|number| number.is_finite()),
        // What single precision cannot hold would become infinite later.
        TensorData::F64(numbers) => numbers.iter().all(|number| (*number as f32).is_finite()),
        _ => true,
    }
}

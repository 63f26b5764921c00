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

use super::tensors::TensorsError;
use crate::io::checkpoint::{Checkpoint, TensorRef, Value};
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
/// As [`tensors::pick`](super::tensors::pick).
pub(super) fn pick(
    config: &RvcConfig,
    found: HashMap<String, TensorRef>,
) -> Result<Vec<(String, TensorRef)>, TensorsError> {
    let window = layout::window(found.get(layout::WINDOW).map(TensorRef::shape));
    super::tensors::pick(layout::tensors(config, window), found)
}

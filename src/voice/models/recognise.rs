//! Tells models apart by the names and shapes of their tensors, and says what a file is that is
//! none. Reads no tensors.

use super::layout::{self, CREPE_SIZES, Named};
use super::{ModelKind, content};
use crate::io::checkpoint::{Checkpoint, DType, TensorRef, Value};
use crate::model::content::ContentConfig;
use std::collections::HashMap;

const BASE: ContentConfig = ContentConfig::BASE;

/// Where state dictionaries are found in a checkpoint.
pub(super) const PLACES: [&str; 5] = ["", "model", "state_dict", "model_state_dict", "net"];

/// What a checkpoint is.
pub(super) enum Recognised {
    /// A model, with the tensors it needs in the order of its layers.
    Model(ModelKind, Vec<(String, TensorRef)>),
    /// Something else, in words.
    Other(String),
}

/// Looks at every place where a model may be.
pub(super) fn recognise(checkpoint: &Checkpoint) -> Recognised {
    for place in PLACES {
        let tensors = tensors_at(checkpoint, place);
        for kind in ModelKind::ALL {
            if let Ok(found) = pick(kind, &tensors) {
                return Recognised::Model(kind, found);
            }
        }
    }
    Recognised::Other(describe(checkpoint))
}

/// The tensors in a place of a checkpoint, without what wrappers put before their names.
pub(super) fn tensors_at(checkpoint: &Checkpoint, place: &str) -> HashMap<String, TensorRef> {
    checkpoint
        .tensors(place)
        .map(|(name, tensor)| match name.strip_prefix("module.") {
            Some(bare) => (bare.to_owned(), tensor),
            None => (name, tensor),
        })
        .collect()
}

/// The tensors that a kind of model needs, or what is wrong with the first that does not fit.
pub(super) fn pick(
    kind: ModelKind,
    tensors: &HashMap<String, TensorRef>,
) -> Result<Vec<(String, TensorRef)>, String> {
    match kind {
        ModelKind::ContentVec => content::pick(&BASE, tensors),
        _ => take(layout::tensors(kind), tensors),
    }
}

/// These tensors, or what is wrong with the first that does not fit.
pub(super) fn take(
    needed: Vec<Named>,
    tensors: &HashMap<String, TensorRef>,
) -> Result<Vec<(String, TensorRef)>, String> {
    needed
        .into_iter()
        .map(|(name, shape)| {
            let Some(tensor) = tensors.get(&name) else {
                return Err(format!("no tensor {name}"));
            };
            if tensor.shape() != shape {
                let found = tensor.shape();
                return Err(format!(
                    "{name} of the shape {found:?} instead of {shape:?}"
                ));
            }
            match tensor.dtype() {
                DType::F16 | DType::Bf16 | DType::F32 | DType::F64 => Ok((name, tensor.clone())),
                other => Err(format!("{name} of {} instead of floats", other.name())),
            }
        })
        .collect()
}

/// What the checkpoint is, as well as its names tell.
fn describe(checkpoint: &Checkpoint) -> String {
    let root = checkpoint.root();
    if let Value::Opaque { class } = root {
        return format!("an object of the class {class} instead of a dictionary of tensors");
    }
    if root
        .get("weight")
        .is_some_and(|weight| weight.as_dict().is_some())
        && (root.get("config").is_some() || root.get("params").is_some())
    {
        return "an RVC voice".to_owned();
    }
    for place in PLACES {
        let tensors = tensors_at(checkpoint, place);
        if let Some(name) = of_names(&tensors) {
            return name;
        }
    }
    let count = checkpoint.tensors("").count();
    match checkpoint.tensors("").next() {
        Some((name, tensor)) => {
            let shape = tensor.shape();
            format!("{count} tensors of an unknown network, the first {name} {shape:?}")
        }
        None => "a file without tensors".to_owned(),
    }
}

/// Networks that people have, each by a name only it has.
fn of_names(tensors: &HashMap<String, TensorRef>) -> Option<String> {
    let has = |start: &str| tensors.keys().any(|name| name.starts_with(start));
    let not_quite = |kind: ModelKind, what: String| match pick(kind, tensors) {
        Err(wrong) => format!("{what} with {wrong}"),
        Ok(_) => what,
    };
    if let (Some(first), true) = (tensors.get("conv1.weight"), has("classifier.")) {
        let channels = first.shape().first();
        let size = CREPE_SIZES.iter().find(|(c, _)| Some(c) == channels);
        return Some(match size {
            Some((_, "tiny")) => not_quite(ModelKind::CrepeTiny, "a CREPE tiny".to_owned()),
            Some((_, "full")) => not_quite(ModelKind::CrepeFull, "a CREPE full".to_owned()),
            Some((_, size)) => format!("a CREPE {size}"),
            None => not_quite(ModelKind::CrepeTiny, "a CREPE of unknown size".to_owned()),
        });
    }
    if has("unet.encoder.") {
        return Some(not_quite(ModelKind::Rmvpe, "an RMVPE".to_owned()));
    }
    let hubert = [
        "label_embs_concat",
        "feature_extractor.conv_layers.",
        "hubert.",
    ];
    if hubert.iter().any(|start| has(start)) {
        return Some(match content::sizes(tensors) {
            Some((channels, layers)) if (channels, layers) != (BASE.hidden, BASE.layers) => {
                format!("a HuBERT of {layers} layers of {channels} channels")
            }
            _ => not_quite(ModelKind::ContentVec, "a HuBERT or ContentVec".to_owned()),
        });
    }
    let known = [
        ("enc_q.", "a training checkpoint of a voice (G_*.pth)"),
        ("enc_p.", "a voice"),
        (
            "discriminators.",
            "a discriminator of a voice's training (D_*.pth)",
        ),
        ("crosstransformer.", "a Demucs"),
        ("stack.0.", "an FCPE"),
    ];
    let found = known.iter().find(|(start, _)| has(start));
    found.map(|(_, name)| (*name).to_owned())
}

//! Content encoders under one set of names, those of transformers' `HubertModel` with weight norm
//! in two parts. Files have them in three spellings: fairseq's, and transformers' with weight norm
//! of before and since torch 2.

use super::layout;
use super::recognise::{PLACES, take, tensors_at};
use super::{ModelError, ModelKind, path_in};
use crate::io::checkpoint::{Checkpoint, Limits, TensorRef};
use crate::model::content::ContentConfig;
use crate::nn::Weights;
use std::collections::HashMap;
use std::path::Path;

/// What a file without the final projection is good for.
pub(super) const NO_PROJECTION: &str = "it has no final_proj: RVC voices of version v2 can be used \
                                        with it, those of v1 cannot";

/// fairseq's beginnings of names and ours. The first that fits counts.
const BEGINNINGS: [(&str, &str); 4] = [
    ("encoder.pos_conv.0.", "encoder.pos_conv_embed.conv."),
    ("post_extract_proj.", "feature_projection.projection."),
    ("layer_norm.", "feature_projection.layer_norm."),
    (
        "feature_extractor.conv_layers.0.2.",
        "feature_extractor.conv_layers.0.layer_norm.",
    ),
];
/// fairseq's parts of an attention layer and ours.
const PARTS: [(&str, &str); 4] = [
    ("self_attn.", "attention."),
    ("self_attn_layer_norm.", "layer_norm."),
    ("fc1.", "feed_forward.intermediate_dense."),
    ("fc2.", "feed_forward.output_dense."),
];
/// Weight norm of torch 2 and of before.
const ENDINGS: [(&str, &str); 2] = [
    (".parametrizations.weight.original0", ".weight_g"),
    (".parametrizations.weight.original1", ".weight_v"),
];

/// A tensor's name as we have it; one that is ours stays.
fn canonical(name: &str) -> String {
    let name = name.strip_prefix("hubert.").unwrap_or(name);
    for (theirs, ours) in BEGINNINGS {
        if let Some(rest) = name.strip_prefix(theirs) {
            return format!("{ours}{rest}");
        }
    }
    for (theirs, ours) in ENDINGS {
        if let Some(stem) = name.strip_suffix(theirs) {
            return format!("{stem}{ours}");
        }
    }
    let numbered = |prefix: &str| name.strip_prefix(prefix)?.split_once('.');
    if let Some((number, part)) = numbered("encoder.layers.") {
        for (theirs, ours) in PARTS {
            if let Some(rest) = part.strip_prefix(theirs) {
                return format!("encoder.layers.{number}.{ours}{rest}");
            }
        }
    }
    if let Some((number, "0.weight")) = numbered("feature_extractor.conv_layers.") {
        return format!("feature_extractor.conv_layers.{number}.conv.weight");
    }
    name.to_owned()
}

/// The tensors of a content encoder of these sizes among others, under our names; the final
/// projection may be missing. Else what is wrong with the first that does not fit.
pub(super) fn pick(
    config: &ContentConfig,
    tensors: &HashMap<String, TensorRef>,
) -> Result<Vec<(String, TensorRef)>, String> {
    let renamed: HashMap<String, TensorRef> = tensors
        .iter()
        .map(|(name, tensor)| (canonical(name), tensor.clone()))
        .collect();
    let mut needed = layout::content(config);
    if !renamed.keys().any(|name| is_projection(name)) {
        needed.retain(|(name, _)| !is_projection(name));
    }
    take(needed, &renamed)
}

/// Whether a tensor is of the final projection.
pub(super) fn is_projection(name: &str) -> bool {
    name.starts_with("final_proj.")
}

/// The channels and layers of a content encoder by any spelling of its names.
pub(super) fn sizes(tensors: &HashMap<String, TensorRef>) -> Option<(usize, usize)> {
    let names = tensors
        .iter()
        .map(|(name, tensor)| (canonical(name), tensor));
    let mut channels = None;
    let mut layers = 0;
    for (name, tensor) in names {
        if name == "encoder.layer_norm.weight" {
            channels = tensor.shape().first().copied();
        }
        let number = name.strip_prefix("encoder.layers.").and_then(|rest| {
            let (number, _) = rest.split_once('.')?;
            number.parse::<usize>().ok()
        });
        layers = layers.max(number.map_or(0, |number| number.saturating_add(1)));
    }
    Some((channels?, layers))
}

/// The tensors of a content encoder of these sizes, under the names of the network: those of
/// transformers, with weight norm in two parts. The command line takes the base alone; this is for
/// others.
///
/// # Errors
/// [`ModelError::Wrong`] where a tensor is missing or of another shape.
pub fn content_encoder(
    checkpoint: &Checkpoint,
    config: &ContentConfig,
) -> Result<Vec<(String, TensorRef)>, ModelError> {
    let mut found = "no tensors".to_owned();
    for place in PLACES {
        let tensors = tensors_at(checkpoint, place);
        match pick(config, &tensors) {
            Ok(picked) => return Ok(picked),
            Err(wrong) if !tensors.is_empty() && sizes(&tensors).is_some() => found = wrong,
            Err(_) => {}
        }
    }
    Err(ModelError::Wrong {
        expected: ModelKind::ContentVec.name().to_owned(),
        found,
        kind: None,
    })
}

/// Channels of an attention head.
const DEPTH: usize = ContentConfig::BASE.hidden / ContentConfig::BASE.heads;
/// More layers than any encoder has.
const MOST_LAYERS: usize = 48;

/// The content encoder in a folder of models: its sizes, read off its shapes, and its weights.
///
/// # Errors
/// [`ModelError::Missing`] when it is not there, with the command that gets it as the remedy;
/// [`ModelError::Damaged`] or [`ModelError::Wrong`] when it cannot be used.
pub fn load_content_encoder(folder: &Path) -> Result<(ContentConfig, Weights), ModelError> {
    let kind = ModelKind::ContentVec;
    let path = path_in(folder, kind);
    if !path.exists() {
        return Err(ModelError::Missing { kind, path });
    }
    let damaged = |error| ModelError::Damaged {
        kind,
        path: path.clone(),
        error,
    };
    let checkpoint = Checkpoint::open(&path, &Limits::default()).map_err(damaged)?;
    let config = config_of(&tensors_at(&checkpoint, ""));
    if !config.hidden.is_multiple_of(DEPTH) || !(1..=MOST_LAYERS).contains(&config.layers) {
        return Err(ModelError::Wrong {
            expected: kind.name().to_owned(),
            found: format!("{} channels, {} layers", config.hidden, config.layers),
            kind: None,
        });
    }
    let mut loaded = Vec::new();
    for (name, tensor) in content_encoder(&checkpoint, &config)? {
        let tensor = checkpoint.tensor(&tensor).map_err(damaged)?;
        loaded.push((name, tensor.shape.clone(), tensor.into_f32()));
    }
    let weights = Weights::new(loaded).expect("a tensor has as many values as its shape says");
    Ok((config, weights))
}

/// The sizes that the shapes tell of; those of the base where they tell nothing.
fn config_of(tensors: &HashMap<String, TensorRef>) -> ContentConfig {
    let base = ContentConfig::BASE;
    let first = |name: &str| tensors.get(name)?.shape().first().copied();
    let (hidden, layers) = sizes(tensors).unwrap_or((base.hidden, base.layers));
    let feed_forward = "encoder.layers.0.feed_forward.intermediate_dense.weight";
    ContentConfig {
        conv: first("feature_projection.layer_norm.weight").unwrap_or(base.conv),
        hidden,
        filter: first(feed_forward).unwrap_or(base.filter),
        heads: (hidden / DEPTH).max(1),
        layers,
        projected: first("final_proj.weight").unwrap_or(base.projected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_spelling_become_ours() {
        for (theirs, ours) in [
            (
                "feature_extractor.conv_layers.0.0.weight",
                "feature_extractor.conv_layers.0.conv.weight",
            ),
            (
                "feature_extractor.conv_layers.0.2.bias",
                "feature_extractor.conv_layers.0.layer_norm.bias",
            ),
            (
                "feature_extractor.conv_layers.6.0.weight",
                "feature_extractor.conv_layers.6.conv.weight",
            ),
            (
                "post_extract_proj.bias",
                "feature_projection.projection.bias",
            ),
            ("layer_norm.weight", "feature_projection.layer_norm.weight"),
            (
                "encoder.pos_conv.0.weight_g",
                "encoder.pos_conv_embed.conv.weight_g",
            ),
            (
                "encoder.pos_conv_embed.conv.parametrizations.weight.original1",
                "encoder.pos_conv_embed.conv.weight_v",
            ),
            (
                "encoder.layers.11.self_attn.k_proj.bias",
                "encoder.layers.11.attention.k_proj.bias",
            ),
            (
                "encoder.layers.0.self_attn_layer_norm.bias",
                "encoder.layers.0.layer_norm.bias",
            ),
            (
                "encoder.layers.0.fc2.weight",
                "encoder.layers.0.feed_forward.output_dense.weight",
            ),
            ("hubert.encoder.layer_norm.bias", "encoder.layer_norm.bias"),
            ("final_proj.weight", "final_proj.weight"),
        ] {
            assert_eq!(canonical(theirs), ours);
            assert_eq!(canonical(ours), ours);
        }
    }
}

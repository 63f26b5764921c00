//! What a checkpoint is that is no RVC voice, by the names of its tensors. Reads none.

use super::RvcError;
use crate::io::checkpoint::Checkpoint;
use crate::voice::models::{ModelError, identify};

/// Where state dictionaries are found.
const PLACES: [&str; 5] = ["model", "", "weight", "state_dict", "net_g"];

/// Names only so-vits-svc has, in one or another of its versions.
const SO_VITS: [&str; 6] = [
    "emb_uv.",
    "f0_decoder.",
    "enc_p.f0_emb.",
    "enc_p_.",
    "pre.weight",
    "f0_emb.",
];

/// What the checkpoint is, knowing that it is no voice.
pub(super) fn diagnose(checkpoint: &Checkpoint) -> RvcError {
    if let Some(error) = so_vits(checkpoint) {
        return error;
    }
    for place in PLACES {
        let has = |start: &str| has(checkpoint, place, start);
        // What comes out of training wraps its network: `model`, beside iteration and optimizer.
        let is_wrapped = !place.is_empty() && place != "weight";
        if has("discriminators.") {
            let part = "discriminator (D_*.pth)";
            return RvcError::Training { part };
        }
        if has("enc_p.emb_phone.") {
            let part = "generator (G_*.pth)";
            return match is_wrapped || has("enc_q.") {
                true => RvcError::Training { part },
                false => RvcError::NoConfig,
            };
        }
    }
    match identify(checkpoint, &[]) {
        Err(ModelError::Wrong {
            kind: Some(kind), ..
        }) => RvcError::Model { kind },
        Err(ModelError::Wrong { found, .. }) => RvcError::Other { found },
        // Nothing was accepted, so nothing can be.
        _ => RvcError::Other {
            found: "a file of unknown contents".to_owned(),
        },
    }
}

/// Whether it is a checkpoint of so-vits-svc, whatever it is wrapped in.
pub(super) fn so_vits(checkpoint: &Checkpoint) -> Option<RvcError> {
    let is_one = |place: &&str| {
        let has = |start: &str| has(checkpoint, place, start);
        let is_voice = has("enc_p.") || has("emb_g.");
        is_voice && !has("enc_p.emb_phone.") && SO_VITS.iter().any(|name| has(name))
    };
    PLACES
        .iter()
        .copied()
        .find(is_one)
        .map(|_| RvcError::SoVits)
}

fn has(checkpoint: &Checkpoint, place: &str, start: &str) -> bool {
    checkpoint
        .tensors(place)
        .any(|(name, _)| name.starts_with(start))
}

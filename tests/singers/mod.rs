//! A user's folder with a voice and a content encoder in it that can be heard: small ones of seeded
//! weights, through the real import.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use crate::rvc_nets::{ENCODER, small};
use crate::tones::torch::{Py, save};
use crate::voice_files::around;
use autovoice::io::checkpoint::{Tensor, TensorData, write_safetensors};
use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::quality::seeded;
use autovoice::voice::models::content_tensors;
use autovoice::voice::rvc::tensors;
use autovoice::voice::{Import, Library};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What the voice is called.
pub const NAME: &str = "Ada";

/// Its sizes.
pub fn config() -> RvcConfig {
    small(Version::V2, 48_000, true)
}

/// A voice as RVC exports it, but in single precision.
pub fn checkpoint(config: &RvcConfig) -> Py {
    let weights = named_values(tensors(config, 21), 2);
    let weights = weights.map(|(name, shape, values)| (name, Py::Single(shape, values)));
    around(config, weights.collect())
}

/// Puts a content encoder where those of a user are.
pub fn write_encoder(home: &Path) {
    let weights = named_values(content_tensors(&ENCODER), 1);
    let tensors: Vec<_> = weights
        .map(|(name, shape, values)| {
            let data = TensorData::F32(values);
            (name, Tensor { shape, data })
        })
        .collect();
    let folder = home.join("models");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("contentvec.safetensors");
    write_safetensors(&path, &tensors, &BTreeMap::new()).unwrap();
}

/// A voice that fails where the pitch is above 300 Hz: its numbers overflow there.
pub fn brittle() -> Py {
    let mut voice = checkpoint(&config());
    let Py::Single(shape, values) = voice.at("weight").at("enc_p.emb_pitch.weight") else {
        panic!("single precision");
    };
    values[85 * shape[1]..].fill(3e38);
    voice
}

/// A home with the encoder and the voice [`NAME`].
pub fn furnish(home: &Path) {
    write_encoder(home);
    import(home, NAME, &checkpoint(&config()));
}

/// Imports a checkpoint under a name.
pub fn import(home: &Path, name: &str, checkpoint: &Py) {
    let made = tempfile::tempdir().unwrap();
    let path = made.path().join(format!("{name}.pth"));
    fs::write(&path, save(checkpoint)).unwrap();
    let options = Import {
        replace: true,
        ..Import::default()
    };
    let library = Library::open(&home.join("voices"));
    library.import(&path, &options).unwrap();
}

fn named_values(
    named: Vec<(String, Vec<usize>)>,
    seed: u64,
) -> impl Iterator<Item = (String, Vec<usize>, Vec<f32>)> {
    let weights = seeded::weights(named.clone(), seed).unwrap();
    named.into_iter().map(move |(name, shape)| {
        let values = weights.root().get(&name, &shape).unwrap().to_vec();
        (name, shape, values)
    })
}

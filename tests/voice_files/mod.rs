//! RVC voices to import: small ones of seeded weights, made without any other material, and
//! full-size ones out of the recipes.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use crate::tones::Noise;
use crate::tones::torch::{Py, save};
use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::voice::rvc::tensors;
use autovoice::voice::{Import, Library, Voice};
use std::fs;
use std::path::{Path, PathBuf};

/// The sizes of a small voice, v2 at 48 kHz with pitch.
pub fn small() -> RvcConfig {
    RvcConfig {
        inter: 8,
        hidden: 8,
        filter: 16,
        layers: 2,
        upsample_initial: 32,
        speakers: 3,
        gin: 4,
        ..RvcConfig::original(Version::V2, 48_000).expect("it is trained at")
    }
}

/// The list of sizes as RVC writes it; its number of speakers is never the right one.
pub fn config_list(config: &RvcConfig) -> Py {
    let lists = config.resblock_dilations.iter().map(|list| Py::ints(list));
    Py::List(vec![
        Py::Int(1025),
        Py::Int(32),
        Py::Int(config.inter as i64),
        Py::Int(config.hidden as i64),
        Py::Int(config.filter as i64),
        Py::Int(config.heads as i64),
        Py::Int(config.layers as i64),
        Py::Int(config.kernel as i64),
        Py::Int(0),
        Py::str("1"),
        Py::ints(&config.resblock_kernels),
        Py::List(lists.collect()),
        Py::ints(&config.upsample_rates),
        Py::Int(config.upsample_initial as i64),
        Py::ints(&config.upsample_kernels),
        Py::Int(1),
        Py::Int(config.gin as i64),
        Py::Int(i64::from(config.rate_hz)),
    ])
}

/// A voice as RVC exports it, of seeded weights in half precision.
pub fn voice(config: &RvcConfig) -> Py {
    let mut noise = Noise::new(u64::from(config.rate_hz));
    let weights = tensors(config, 21).into_iter().map(|(name, shape)| {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| noise.sample()).collect();
        let tensor = Py::half(&shape, &values);
        (name, tensor)
    });
    around(config, weights.collect())
}

/// The file around weights.
pub fn around(config: &RvcConfig, weights: Vec<(String, Py)>) -> Py {
    Py::dict([
        ("weight", Py::Dict(weights)),
        ("config", config_list(config)),
        ("info", Py::str("300epoch")),
        ("sr", Py::Str(format!("{}k", config.rate_hz / 1000))),
        ("f0", Py::Int(i64::from(config.has_pitch))),
        ("version", Py::str(config.version.name())),
    ])
}

/// Writes a small voice.
pub fn write_voice(path: &Path, config: &RvcConfig) {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(path, save(&voice(config))).unwrap();
}

/// A folder with a library in it that is not there yet.
pub struct Place(pub tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn library(&self) -> Library {
        Library::open(&self.path("home/voices"))
    }

    /// A small voice in a file of this name.
    pub fn voice(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        write_voice(&path, &small());
        path
    }

    pub fn import(&self, path: &Path) -> Voice {
        let imported = self.library().import(path, &Import::default());
        imported.unwrap().voice
    }

    /// All files of the library with what they hold.
    pub fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path("home/voices")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push((path.clone(), fs::read(&path).unwrap())),
                }
            }
        }
        found.sort();
        found
    }
}

/// The folder of a voice in a library.
pub fn folder(voice: &Voice) -> PathBuf {
    voice.folder().expect("it is in a library").to_owned()
}

/// The file of its weights.
pub fn weights(voice: &Voice) -> PathBuf {
    folder(voice).join("voice.safetensors")
}

pub fn named(name: &str) -> Import {
    Import {
        name: Some(name.to_owned()),
        ..Import::default()
    }
}

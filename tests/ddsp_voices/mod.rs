//! Small voices of our own and their content encoder, of seeded weights, as files.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use crate::ddsp_nets::small;
use autovoice::io::checkpoint::{Tensor, TensorData, write_safetensors};
use autovoice::model::ddsp::{DecoderConfig, EncoderConfig, Shapes};
use autovoice::quality::seeded;
use autovoice::voice::ddsp::{self, DdspVoice, Described, ENCODER_FILE};
use autovoice::voice::models::sha256_of;
use autovoice::voice::{Import, Library};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The sizes of the encoder.
pub fn encoder() -> EncoderConfig {
    small(1).encoder
}

/// Those of the voices.
pub fn decoder() -> DecoderConfig {
    small(1).decoder
}

/// Tensors of these shapes.
pub fn tensors(shapes: Shapes, seed: u64) -> Vec<(String, Tensor)> {
    let weights = seeded::weights(shapes.clone(), seed).unwrap();
    let named = shapes.into_iter().map(|(name, shape)| {
        let values = weights.root().get(&name, &shape).unwrap().to_vec();
        let data = TensorData::F32(values);
        (name, Tensor { shape, data })
    });
    named.collect()
}

/// The texts of the file of the content encoder.
pub fn encoder_texts() -> BTreeMap<String, String> {
    let dilations = format!("{:?}", encoder().dilations);
    let texts = [
        ("kind", "content encoder"),
        ("version", "1"),
        ("ahead", "1"),
        ("dilations", &dilations),
    ];
    let texts = texts.map(|(key, text)| (key.to_owned(), text.to_owned()));
    BTreeMap::from(texts)
}

/// Writes the content encoder into a folder of models; its hash. What only training needs of it is
/// there, too.
pub fn write_encoder(models: &Path) -> String {
    std::fs::create_dir_all(models).unwrap();
    let path = models.join(ENCODER_FILE);
    let mut all = tensors(encoder().shapes(), 1);
    all.extend(tensors(vec![("phones.weight".to_owned(), vec![3, 16])], 1));
    write_safetensors(&path, &all, &encoder_texts()).unwrap();
    sha256_of(&path).unwrap().0
}

/// What the file of a voice says.
pub fn described(name: &str, encoder_sha256: &str) -> Described {
    Described {
        name: name.to_owned(),
        author: "somebody".to_owned(),
        licence: "CC0-1.0".to_owned(),
        notes: String::new(),
        info: "30 s of recordings".to_owned(),
        consent: "Its owner agreed on 2026-11-26".to_owned(),
        voice: DdspVoice {
            decoder: decoder(),
            ahead: encoder().ahead,
            encoder_sha256: encoder_sha256.to_owned(),
            bandwidth_hz: 16_000.0,
            mean_pitch_hz: 187.3,
        },
    }
}

/// The tensors of a voice.
pub fn voice_tensors(seed: u64) -> Vec<(String, Tensor)> {
    let mut shapes = decoder().shapes();
    shapes.push(decoder().embedding_shape());
    tensors(shapes, seed)
}

/// Writes a voice for an encoder with this hash.
pub fn write_voice(path: &Path, name: &str, encoder_sha256: &str, seed: u64) -> PathBuf {
    ddsp::write(path, &described(name, encoder_sha256), &voice_tensors(seed)).unwrap();
    path.to_owned()
}

/// The file of such a voice, for the whole of a test's life: one of the program.
pub fn starter(name: &str, encoder_sha256: &str, seed: u64) -> &'static [u8] {
    let folder = tempfile::tempdir().unwrap();
    let path = write_voice(&folder.path().join("x"), name, encoder_sha256, seed);
    Vec::leak(std::fs::read(path).unwrap())
}

/// Puts the encoder and a voice into a user's folder, through the real import.
pub fn furnish(home: &Path, name: &str) {
    let encoder = write_encoder(&home.join("models"));
    let made = tempfile::tempdir().unwrap();
    let path = write_voice(&made.path().join("x.safetensors"), name, &encoder, 2);
    let options = Import {
        replace: true,
        ..Import::default()
    };
    let library = Library::open(&home.join("voices"));
    library.import(&path, &options).unwrap();
}

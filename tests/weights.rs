//! The folder `models/`: what is in it is listed, whole, and ours to give.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

#[derive(Deserialize)]
struct Manifest {
    model: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    file: String,
    what: String,
    licence: String,
    /// What it was trained on, with the licences of that.
    source: String,
    recipe: String,
    sha256: String,
    rate_hz: u32,
    hop: usize,
    lookahead: usize,
}

fn read(folder: &Path) -> Manifest {
    let text = std::fs::read_to_string(folder.join("manifest.toml")).expect("a manifest");
    toml::from_str(&text).expect("a manifest of this form")
}

/// What lies in a folder and below, as paths from where it begins.
fn files(folder: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let name = format!("{below}{name}");
        match path.is_dir() {
            true => found.extend(files(&path, &format!("{name}/"))),
            false => found.push(name),
        }
    }
    found
}

#[test]
fn every_file_is_listed_with_its_hash_and_recipe() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut listed = BTreeSet::from(["manifest.toml".to_owned(), "README.md".to_owned()]);
    for model in read(&folder).model {
        let bytes = std::fs::read(folder.join(&model.file)).expect(&model.file);
        let mut hash = String::new();
        for byte in Sha256::digest(&bytes) {
            write!(hash, "{byte:02x}").expect("a string takes everything");
        }
        assert_eq!(hash, model.sha256, "{}", model.file);
        assert!(folder.join(&model.recipe).exists(), "{}", model.recipe);
        assert_eq!(model.licence, "MIT OR Apache-2.0", "{}", model.id);
        assert!(!model.what.is_empty() && !model.source.is_empty());
        listed.insert(model.file);
    }
    let found: BTreeSet<String> = files(&folder, "").into_iter().collect();
    assert_eq!(found, listed);
}

#[test]
fn the_manifest_says_what_the_pitch_network_does() {
    use autovoice::model::pitch::features::{HOP, LOOKAHEAD, RATE_HZ};
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let models = read(&folder).model;
    let pitch = models
        .iter()
        .find(|model| model.id == "pitch")
        .expect("pitch");
    assert_eq!(
        (pitch.rate_hz, pitch.hop, pitch.lookahead),
        (RATE_HZ, HOP, LOOKAHEAD)
    );
}

//! Voices against the reference: its layouts, its own checkpoints, and one of full size.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod parity;
mod tones;
mod voice_files;

use autovoice::io::checkpoint::{Checkpoint, Layout, Limits};
use autovoice::model::rvc::Version;
use autovoice::voice::rvc::{RvcVoice, read, tensors};
use autovoice::voice::{Import, IndexChoice, Library};
use tones::torch::{Py, save};

fn read_file(file: &Py, name: &str) -> RvcVoice {
    let checkpoint = Checkpoint::from_bytes(save(file), &Limits::default()).unwrap();
    read(&checkpoint).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The tensors that are expected are those the reference has, names and shapes.
#[test]
fn the_layout_is_that_of_the_reference() {
    let Some(folder) = parity::folder("rvc") else {
        return;
    };
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (config, mut named) = if name.ends_with(".weights.safetensors") {
            of_weights(&path)
        } else if name.ends_with(".recipe.json") {
            of_recipe(&path)
        } else {
            continue;
        };
        let version = if name.starts_with("v1") { "v1" } else { "v2" };
        let has_pitch = !name.contains("nof0");
        let mut file = Py::dict([
            ("config", config),
            ("f0", Py::Int(i64::from(has_pitch))),
            ("version", Py::str(version)),
        ]);
        let halves = named.iter().map(|(name, shape)| {
            let zeros = vec![0; shape.iter().product()];
            (name.clone(), Py::Half(shape.clone(), zeros))
        });
        file.set("weight", Py::Dict(halves.collect()));
        let found = read_file(&file, name);
        let mut expected = tensors(&found.config, 21);
        expected.sort();
        named.sort();
        assert_eq!(named, expected, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 11);
}

/// A voice of full size, from its recipe through the import to the weights the network gets. How
/// long that takes is printed.
#[test]
fn a_full_size_voice_arrives_as_it_was() {
    let Some(folder) = parity::folder("rvc") else {
        return;
    };
    let path = folder.join("v2_48k_f0_full.recipe.json");
    let (config, _) = of_recipe(&path);
    let originals = parity::recipe_tensors(&path);
    let halves = originals.iter().map(|(name, shape, values)| {
        let half = Py::half(shape, values);
        (name.clone(), half)
    });
    let file = save(&Py::dict([
        ("weight", Py::Dict(halves.collect())),
        ("config", config),
        ("info", Py::str("300epoch")),
        ("sr", Py::str("48k")),
        ("f0", Py::Int(1)),
        ("version", Py::str("v2")),
    ]));
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("Full.pth");
    std::fs::write(&path, &file).unwrap();

    let library = Library::open(&home.path().join("voices"));
    let begun = std::time::Instant::now();
    let voice = library.import(&path, &Import::default()).unwrap().voice;
    println!("imported {} bytes in {:?}", file.len(), begun.elapsed());
    let begun = std::time::Instant::now();
    let weights = Library::load(&voice).unwrap();
    let config = voice.metadata.model.rvc().unwrap();
    println!("loaded {} bytes in {:?}", voice.bytes, begun.elapsed());
    assert_eq!((config.speakers, config.hop()), (109, 480));
    assert_eq!(weights.shapes().count(), originals.len());
    for (name, shape, values) in originals {
        assert!(
            weights.root().get(&name, &shape).unwrap() == values,
            "{name}"
        );
    }
}

/// The checkpoints of the reference itself, with their own pickles.
#[test]
fn the_checkpoints_of_the_reference_are_imported() {
    let Some(folder) = parity::folder("rvc") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let library = Library::open(home.path());
    for (name, version, rate_hz, has_pitch) in [
        ("v1_40k_f0_small", Version::V1, 40_000, true),
        ("v2_40k_nof0_small", Version::V2, 40_000, false),
        ("v2_48k_f0_small", Version::V2, 48_000, true),
    ] {
        let path = folder.join(format!("{name}.pth"));
        let options = Import {
            index: IndexChoice::None,
            ..Import::default()
        };
        let voice = library.import(&path, &options).unwrap().voice;
        let config = voice.metadata.model.rvc().unwrap();
        let found = (config.version, config.rate_hz, config.has_pitch);
        assert_eq!(found, (version, rate_hz, has_pitch), "{name}");
        let weights = Library::load(&voice).unwrap();
        let path = folder.join(format!("{name}.weights.safetensors"));
        let golden = parity::Golden::read(&path);
        let mut compared = 0;
        for (tensor, shape) in tensors(config, 21) {
            let (expected_shape, expected) = golden.get(&tensor);
            assert_eq!(shape, expected_shape, "{name}: {tensor}");
            let found = weights.root().get(&tensor, &shape).unwrap();
            assert!(found == expected, "{name}: {tensor}");
            compared += 1;
        }
        assert_eq!(compared, weights.shapes().count());
    }
}

/// The list of sizes, and names with shapes.
type Described = (Py, Vec<(String, Vec<usize>)>);

fn of_weights(path: &std::path::Path) -> Described {
    let checkpoint = Checkpoint::open(path, &Limits::default()).unwrap();
    let Layout::Safetensors(texts) = checkpoint.layout() else {
        panic!("{}", path.display());
    };
    let config = python(&serde_json::from_str(&texts["config"]).unwrap());
    let tensors = checkpoint.tensors("");
    let named = tensors.map(|(name, tensor)| (name, tensor.shape().to_vec()));
    (config, named.collect())
}

fn of_recipe(path: &std::path::Path) -> Described {
    let text = std::fs::read_to_string(path).unwrap();
    let recipe: serde_json::Value = serde_json::from_str(&text).unwrap();
    let tensors = recipe["tensors"].as_array().unwrap().iter();
    let named = tensors.map(|tensor| {
        let shape = serde_json::from_value(tensor["shape"].clone()).unwrap();
        (tensor["name"].as_str().unwrap().to_owned(), shape)
    });
    (python(&recipe["config"]), named.collect())
}

fn python(value: &serde_json::Value) -> Py {
    match value {
        serde_json::Value::Number(number) => Py::Int(number.as_i64().unwrap()),
        serde_json::Value::String(text) => Py::str(text),
        serde_json::Value::Array(items) => Py::List(items.iter().map(python).collect()),
        other => panic!("{other}"),
    }
}

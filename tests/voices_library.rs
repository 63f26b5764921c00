//! The library of voices: what comes, lies there and goes, and that a failure changes nothing.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;
mod voice_files;

use autovoice::model::rvc::RvcConfig;
use autovoice::preset::VoiceRef;
use autovoice::voice::rvc::tensors;
use autovoice::voice::{Import, IndexChoice, Library, VoiceError, VoiceModel};
use std::fs;
use tones::torch::{Py, save};
use tones::{Noise, names_in};
use voice_files::{Place, folder, named, small, voice, weights, write_voice};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n rest";

#[test]
fn a_voice_comes_lies_there_and_goes() {
    let place = Place::new();
    let library = place.library();
    assert!(library.list().voices.is_empty() && library.list().damaged.is_empty());
    assert!(!place.path("home").exists(), "looking makes no folder");

    let file = place.voice("Größe 7.pth");
    let picture = place.path("face.dat");
    fs::write(&picture, PNG).unwrap();
    let options = Import {
        image: Some(picture),
        author: Some("some\u{202e}body".to_owned()),
        licence: Some("CC0-1.0".to_owned()),
        notes: Some("soft\nand low".to_owned()),
        ..Import::default()
    };
    let imported = library.import(&file, &options).unwrap();
    assert_eq!(imported.notes, []);
    let voice = imported.voice;
    assert_eq!(voice.metadata.name, "Größe 7");
    assert_eq!(voice.metadata.author, "somebody");
    assert_eq!(voice.metadata.licence, "CC0-1.0");
    assert_eq!(voice.metadata.notes, "soft and low");
    assert_eq!(voice.metadata.info, "300epoch");
    assert_eq!(voice.metadata.source, "Größe 7.pth");
    assert_eq!(voice.metadata.model, VoiceModel::Rvc(small()));
    assert_eq!(voice.metadata.engine(), "rvc");
    assert_eq!(folder(&voice), library.folder().join("gr-e-7"));
    assert_eq!(voice.image, Some(folder(&voice).join("image.png")));
    assert_eq!(voice.index, None);
    let names = ["image.png", "voice.safetensors", "voice.toml"];
    assert_eq!(names_in(&folder(&voice)), names);
    let sizes = names.map(|name| fs::metadata(folder(&voice).join(name)).unwrap().len());
    assert_eq!(voice.bytes, sizes.iter().sum::<u64>());

    // Found by hash whatever the name, by name in any case where the hash is another's.
    let reference = voice.reference();
    for (name, sha256, found) in [
        ("Größe 7", reference.sha256.clone(), true),
        ("something", reference.sha256, true),
        ("GRÖSSE 7", None, false),
        (" gRÖßE 7 ", None, true),
        ("größe 7", Some("0".repeat(64)), true),
        ("something", Some("0".repeat(64)), false),
    ] {
        let name = name.to_owned();
        let wanted = VoiceRef { name, sha256 };
        assert_eq!(library.find(&wanted).is_some(), found, "{wanted:?}");
    }
    assert_eq!(library.list().voices, std::slice::from_ref(&voice));
    let error = library.named("größe").unwrap_err();
    assert!(error.remedy().contains("Größe 7"), "{}", error.remedy());

    library.remove(&voice).unwrap();
    assert!(library.list().voices.is_empty());
    assert_eq!(names_in(library.folder()), [""; 0]);
    assert!(library.remove(&voice).is_err());
}

#[test]
fn weights_are_kept_as_they_are_and_loaded() {
    use autovoice::io::checkpoint::{Checkpoint, DType, Limits};
    let place = Place::new();
    let file = place.voice("a.pth");
    let voice = place.import(&file);
    let original = Checkpoint::open(&file, &Limits::default()).unwrap();
    let kept = Checkpoint::open(&weights(&voice), &Limits::default()).unwrap();
    let weights = Library::load(&voice).unwrap();
    let config = voice.metadata.model.rvc().unwrap();
    let expected = tensors(config, 21);
    assert_eq!(weights.shapes().count(), expected.len());
    for (name, shape) in expected {
        let find = |checkpoint: &Checkpoint, prefix: &str| {
            let mut tensors = checkpoint.tensors(prefix);
            let (_, tensor) = tensors.find(|(known, _)| *known == name).unwrap();
            checkpoint.tensor(&tensor).unwrap()
        };
        let (original, kept) = (find(&original, "weight"), find(&kept, ""));
        assert_eq!(kept.data.dtype(), DType::F16, "{name}");
        assert_eq!(kept, original, "{name}");
        assert_eq!(weights.root().get(&name, &shape).unwrap(), kept.to_f32());
    }
}

#[test]
fn a_name_is_taken_once_and_replaced_when_told() {
    let place = Place::new();
    let library = place.library();
    let first = place.import(&place.voice("Anna.pth"));
    let before = place.contents();
    let other = RvcConfig {
        has_pitch: false,
        ..small()
    };
    let file = place.path("anna.pth");
    write_voice(&file, &other);
    let error = library.import(&file, &Import::default()).unwrap_err();
    assert!(matches!(error, VoiceError::Exists { .. }), "{error}");
    assert_eq!(place.contents(), before);

    // Another name that makes the same folder gets another folder.
    let options = named("Anna!");
    let second = library.import(&file, &options).unwrap().voice;
    assert_eq!(folder(&second), library.folder().join("anna-2"));

    let options = Import {
        replace: true,
        ..Import::default()
    };
    let third = library.import(&file, &options).unwrap().voice;
    assert!(!third.metadata.model.has_pitch());
    assert!(!folder(&first).exists());
    let names: Vec<String> = (library.list().voices.iter())
        .map(|voice| voice.metadata.name.clone())
        .collect();
    assert_eq!(names, ["anna", "Anna!"]);
    // Nothing hidden is left.
    assert_eq!(names_in(library.folder()).len(), 2);

    // A failure leaves the old one.
    let before = place.contents();
    let cut = fs::read(&file).unwrap();
    for end in [0, 10, cut.len() / 2, cut.len() - 1] {
        fs::write(&file, &cut[..end]).unwrap();
        assert!(library.import(&file, &options).is_err(), "{end}");
        assert_eq!(place.contents(), before, "{end}");
        assert_eq!(names_in(library.folder()).len(), 2, "{end}");
    }
}

#[test]
fn what_fails_late_leaves_nothing() {
    let place = Place::new();
    let library = place.library();
    let file = place.voice("Anna.pth");
    fs::write(place.path("text.png"), "no picture").unwrap();
    fs::write(place.path("large.png"), [PNG, &vec![0; 9 << 20]].concat()).unwrap();
    fs::write(place.path("wrong.index"), "no index").unwrap();
    let with_image = |name: &str| Import {
        image: Some(place.path(name)),
        ..Import::default()
    };
    for (options, expected) in [
        (
            with_image("text.png"),
            "PNG, JPEG or WebP, found another kind",
        ),
        (with_image("large.png"), "at most 8388608 bytes"),
        (with_image("none.png"), "expected a readable file"),
        (with_image(""), "something else than a file"),
        (named("\u{202e} "), "expected a name"),
        (
            Import {
                index: IndexChoice::File(place.path("wrong.index")),
                ..Import::default()
            },
            "index wrong.index: expected a faiss index",
        ),
    ] {
        let error = library.import(&file, &options).unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(!error.remedy().is_empty());
        assert_eq!(place.contents(), []);
        let left = library.folder().exists() && !names_in(library.folder()).is_empty();
        assert!(!left, "{expected}");
    }
    // Not finite: told by the tensor.
    for bits in [0x7c00, 0xfc00, 0x7e01] {
        let mut voice = voice(&small());
        let broken = Py::Half(vec![32], vec![bits; 32]);
        voice.at("weight").set("dec.cond.bias", broken);
        fs::write(&file, save(&voice)).unwrap();
        let error = library.import(&file, &Import::default()).unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("dec.cond.bias, found NaN or infinity"),
            "{said}"
        );
        assert!(error.remedy().contains("earlier epoch"));
    }
    let mut single = voice(&small());
    let broken = Py::Single(vec![32], vec![f32::NAN; 32]);
    single.at("weight").set("dec.cond.bias", broken);
    fs::write(&file, save(&single)).unwrap();
    assert!(library.import(&file, &Import::default()).is_err());
}

#[test]
fn damaged_voices_are_listed_as_such() {
    let place = Place::new();
    let library = place.library();
    let whole = place.import(&place.voice("Whole.pth"));
    let voice = place.import(&place.voice("Anna.pth"));
    let file = |name: &str| folder(&voice).join(name);
    let good: Vec<(String, Vec<u8>)> = (names_in(&folder(&voice)).into_iter())
        .map(|name| (name.clone(), fs::read(file(&name)).unwrap()))
        .collect();
    let weights = &good[0].1;
    let text = String::from_utf8(good[1].1.clone()).unwrap();
    let table: [(&str, &str, Option<Vec<u8>>, &str); 8] = [
        ("no description", "voice.toml", None, "no file voice.toml"),
        (
            "no weights",
            "voice.safetensors",
            None,
            "no file voice.safetensors",
        ),
        (
            "cut",
            "voice.safetensors",
            Some(weights[..weights.len() - 1].to_vec()),
            "voice.safetensors: expected",
        ),
        ("empty", "voice.safetensors", Some(vec![]), "an empty file"),
        (
            "other sizes",
            "voice.toml",
            Some(text.replace("hidden = 8", "hidden = 4").into()),
            "shape",
        ),
        (
            "no TOML",
            "voice.toml",
            Some(b"{{".to_vec()),
            "found in line 1",
        ),
        ("no text", "voice.toml", Some(vec![0xff; 9]), "UTF-8"),
        (
            "long",
            "voice.toml",
            Some(vec![b'#'; 1 << 20]),
            "at most 65536 bytes",
        ),
    ];
    for (what, name, bytes, expected) in table {
        match bytes {
            Some(bytes) => fs::write(file(name), bytes).unwrap(),
            None => fs::remove_file(file(name)).unwrap(),
        }
        let listing = library.list();
        assert_eq!(listing.voices, std::slice::from_ref(&whole), "{what}");
        let found = library.find(&voice.reference());
        assert_ne!(found.map(|found| folder(&found)), Some(folder(&voice)));
        let [damaged] = &listing.damaged[..] else {
            panic!("{what}: {:?}", listing.damaged);
        };
        assert_eq!(damaged.folder, folder(&voice));
        let said = damaged.error.to_string();
        assert!(said.contains(expected), "{what}: {said}");
        assert!(!damaged.error.remedy().is_empty());
        assert_eq!(library.named("Anna").unwrap_err().to_string(), said);
        for (name, bytes) in &good {
            fs::write(file(name), bytes).unwrap();
        }
    }
}

#[test]
#[cfg(unix)] // A folder's age can be set.
fn what_others_left_is_removed_later() {
    use std::time::{Duration, SystemTime};
    let place = Place::new();
    let library = place.library();
    place.import(&place.voice("Anna.pth"));
    fs::write(library.folder().join("notes.txt"), "x").unwrap();
    for (name, is_old) in [
        (".removed-1", true),
        (".import-1", true),
        (".import-2", false),
    ] {
        let left = library.folder().join(name);
        fs::create_dir(&left).unwrap();
        fs::write(left.join("voice.toml"), "x").unwrap();
        if is_old {
            let hours_ago = SystemTime::now() - Duration::from_secs(7_200);
            let folder = fs::File::open(&left).unwrap();
            folder.set_modified(hours_ago).unwrap();
        }
    }
    // What is not a folder, or hidden, is nobody's.
    assert_eq!(library.list().voices.len(), 1);
    assert!(library.list().damaged.is_empty());
    // The next import removes what others left, but not what another makes just now.
    place.import(&place.voice("Bert.pth"));
    let names = [".import-2", "anna", "bert", "notes.txt"];
    assert_eq!(names_in(library.folder()), names);
}

/// Whatever is in the folder, listing ends, does not panic and tells of it.
#[test]
fn descriptions_of_any_text_are_read_or_refused() {
    let place = Place::new();
    let voice = place.import(&place.voice("Anna.pth"));
    let path = folder(&voice).join("voice.toml");
    let good = fs::read(&path).unwrap();
    let mut noise = Noise::new(11);
    let mut refused = 0;
    for _ in 0..400 {
        let mut bytes = good.clone();
        for _ in 0..=noise.below(3) {
            let at = noise.below(bytes.len());
            match noise.below(4) {
                0 => bytes[at] = noise.next() as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(1)),
                _ => noise.splice(&mut bytes, at, &good),
            }
        }
        fs::write(&path, &bytes).unwrap();
        let listing = place.library().list();
        assert_eq!(listing.voices.len() + listing.damaged.len(), 1);
        refused += listing.damaged.len();
        for voice in listing.voices {
            assert!(voice.metadata.model.rvc().unwrap().check().is_ok());
            assert!(!voice.metadata.name.is_empty());
        }
    }
    assert!((100..400).contains(&refused), "{refused}");
    // The weights likewise: loading ends with numbers or an error.
    fs::write(&path, &good).unwrap();
    let good = fs::read(weights(&voice)).unwrap();
    let header = 8 + u64::from_le_bytes(*good.first_chunk().unwrap()) as usize;
    for _ in 0..200 {
        let mut bytes = good.clone();
        let at = noise.below(header);
        bytes[at] = noise.next() as u8;
        fs::write(weights(&voice), &bytes).unwrap();
        let _ = place.library().list();
        let _ = Library::load(&voice);
    }
}

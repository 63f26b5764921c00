//! The library of voices: what comes in, what lies there, what goes out, and that a failure
//! changes nothing.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod indices;
mod tones;
mod voice_files;

use autovoice::io::Existing;
use autovoice::model::rvc::RvcConfig;
use autovoice::preset::VoiceRef;
use autovoice::voice::rvc::tensors;
use autovoice::voice::{Import, IndexChoice, Library, Note, Voice, VoiceError};
use indices::Faiss;
use std::fs;
use std::path::{Path, PathBuf};
use tones::torch::{Py, save};
use tones::zips::{Stored, zip};
use tones::{Noise, names_in};
use voice_files::{small, voice, write_voice};

/// A folder with a library in it that is not there yet.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn library(&self) -> Library {
        Library::open(&self.path("home/voices"))
    }

    /// A small voice in a file of this name.
    fn voice(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        write_voice(&path, &small());
        path
    }

    fn import(&self, path: &Path) -> Voice {
        let imported = self.library().import(path, &Import::default());
        imported.unwrap().voice
    }

    /// All files of the library with what they hold.
    fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
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

fn named(name: &str) -> Import {
    Import {
        name: Some(name.to_owned()),
        ..Import::default()
    }
}

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
    assert_eq!(voice.metadata.config, small());
    assert_eq!(voice.metadata.engine(), "rvc");
    assert_eq!(voice.folder, library.folder().join("gr-e-7"));
    assert_eq!(voice.image, Some(voice.folder.join("image.png")));
    assert_eq!(voice.index, None);
    let names = ["image.png", "voice.safetensors", "voice.toml"];
    assert_eq!(names_in(&voice.folder), names);
    let sizes = names.map(|name| fs::metadata(voice.folder.join(name)).unwrap().len());
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
    assert_eq!(library.list().voices, [voice.clone()]);
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
    let kept = Checkpoint::open(&voice.weights(), &Limits::default()).unwrap();
    let (config, weights) = Library::load(&voice).unwrap();
    assert_eq!(config, small());
    let expected = tensors(&config, 21);
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
    assert_eq!(second.folder, library.folder().join("anna-2"));

    let options = Import {
        replace: true,
        ..Import::default()
    };
    let third = library.import(&file, &options).unwrap().voice;
    assert!(!third.metadata.config.has_pitch);
    assert!(!first.folder.exists());
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
fn folders_and_archives_are_looked_through() {
    let good = save(&voice(&small()));
    let table: [(&str, &[&str], Result<&str, &str>); 9] = [
        ("one", &["Anna.pth"], Ok("Anna")),
        ("deep", &["a/b/Anna.pth", "readme.txt"], Ok("Anna")),
        (
            "training beside",
            &["Anna.pth", "G_2333333.pth", "D_2333333.pth"],
            Ok("Anna"),
        ),
        (
            "hidden beside",
            &["Anna.pth", "._Anna.pth", "__MACOSX/._Bert.pth"],
            Ok("Anna"),
        ),
        ("upper case", &["Anna.PTH"], Ok("Anna")),
        (
            "two",
            &["Anna.pth", "Bert.pth"],
            Err("found Anna.pth, Bert.pth"),
        ),
        ("training alone", &["G_100.pth"], Ok("G_100")),
        ("no voice", &["readme.txt"], Err("")),
        ("too deep", &["a/b/c/d/e/Anna.pth"], Err("")),
    ];
    for (what, files, expected) in table {
        for packed in [false, true] {
            // Archives have no depth; without a voice one is told of as a file.
            if packed && what == "too deep" {
                continue;
            }
            let place = Place::new();
            let path = match packed {
                false => {
                    for file in files {
                        let path = place.path("folder").join(file);
                        fs::create_dir_all(path.parent().unwrap()).unwrap();
                        fs::write(path, &good).unwrap();
                    }
                    place.path("folder")
                }
                true => {
                    let stored: Vec<Stored<'_>> = (files.iter())
                        .map(|name| Stored::new(name, &good))
                        .collect();
                    fs::write(place.path("a.zip"), zip(&stored)).unwrap();
                    place.path("a.zip")
                }
            };
            let imported = place.library().import(&path, &Import::default());
            match expected {
                Ok(name) => {
                    let voice = imported.unwrap_or_else(|e| panic!("{what}: {e}")).voice;
                    assert_eq!(voice.metadata.name, name, "{what}");
                    // The same voice from a file has the same hash.
                    let file = place.path("x.pth");
                    fs::write(&file, &good).unwrap();
                    let again = place.import(&file);
                    assert_eq!(again.metadata.sha256, voice.metadata.sha256);
                    assert!(Library::load(&voice).is_ok());
                }
                Err(words) => {
                    let error = imported.expect_err(what).to_string();
                    assert!(error.contains(words), "{what}: {error}");
                    assert_eq!(place.contents(), []);
                }
            }
        }
    }
}

#[test]
fn an_archive_is_no_way_out_of_the_library() {
    let place = Place::new();
    let good = save(&voice(&small()));
    for name in [
        "../../Anna.pth",
        "/etc/Anna.pth",
        "..\\..\\Anna.pth",
        "a/../../Anna.pth",
    ] {
        let archive = zip(&[Stored::new(name, &good)]);
        fs::write(place.path("a.zip"), archive).unwrap();
        let options = Import {
            replace: true,
            ..Import::default()
        };
        let voice = place
            .library()
            .import(&place.path("a.zip"), &options)
            .unwrap()
            .voice;
        assert_eq!(voice.metadata.name, "Anna", "{name}");
        assert!(voice.folder.starts_with(place.path("home/voices")));
        assert_eq!(names_in(&place.path("")), ["a.zip", "home"]);
    }
    // A name that is a path is only text.
    let voice = place
        .library()
        .import(&place.path("a.zip"), &named("../../../x"))
        .unwrap()
        .voice;
    assert_eq!(voice.metadata.name, "../../../x");
    assert_eq!(voice.folder, place.path("home/voices/x"));
    // Links in a folder are not followed.
    #[cfg(unix)]
    {
        let outside = place.voice("outside/Anna.pth");
        fs::create_dir(place.path("links")).unwrap();
        std::os::unix::fs::symlink(&outside, place.path("links/Bert.pth")).unwrap();
        std::os::unix::fs::symlink(place.path("outside"), place.path("links/folder")).unwrap();
        let error = place
            .library()
            .import(&place.path("links"), &Import::default());
        assert!(matches!(error, Err(VoiceError::NoVoice)));
        // Nor are those in the library.
        std::os::unix::fs::symlink(&voice.folder, place.path("home/voices/link")).unwrap();
        let listing = place.library().list();
        assert_eq!((listing.voices.len(), listing.damaged.len()), (2, 0));
        fs::remove_file(voice.weights()).unwrap();
        std::os::unix::fs::symlink(&outside, voice.weights()).unwrap();
        assert_eq!(place.library().list().damaged.len(), 1);
    }
}

#[test]
fn an_exported_voice_is_the_same_elsewhere() {
    let place = Place::new();
    let file = place.voice("Anna.pth");
    fs::write(place.path("a.webp"), b"RIFF\0\0\0\0WEBPVP8 ").unwrap();
    let options = Import {
        image: Some(place.path("a.webp")),
        notes: Some("x".to_owned()),
        ..Import::default()
    };
    let voice = place.library().import(&file, &options).unwrap().voice;
    let exported = place.path("Anna.avvoice");
    Library::export(&voice, &exported, Existing::Keep).unwrap();
    let again = Library::export(&voice, &exported, Existing::Keep);
    assert!(again.is_err(), "is there");
    Library::export(&voice, &exported, Existing::Replace).unwrap();

    let elsewhere = Place::new();
    for path in [&exported, &voice.folder] {
        let options = Import {
            replace: true,
            ..Import::default()
        };
        let there = elsewhere.library().import(path, &options).unwrap().voice;
        assert_eq!(there.image, Some(there.folder.join("image.webp")));
        let same = |name: &str| {
            let read = |voice: &Voice| fs::read(voice.folder.join(name)).unwrap();
            assert!(read(&there) == read(&voice), "{name}");
        };
        assert_eq!(names_in(&there.folder), names_in(&voice.folder));
        names_in(&voice.folder).iter().for_each(|name| same(name));
    }
    let there = elsewhere
        .library()
        .import(&exported, &named("Bert"))
        .unwrap()
        .voice;
    assert_eq!(there.metadata.name, "Bert");
    assert_eq!(there.metadata.sha256, voice.metadata.sha256);

    // Every byte of it counts.
    let good = fs::read(&exported).unwrap();
    let mut noise = Noise::new(7);
    let elsewhere = Place::new();
    for _ in 0..200 {
        let mut bytes = good.clone();
        let at = noise.below(bytes.len());
        bytes[at] ^= 1 << noise.below(8);
        fs::write(&exported, &bytes).unwrap();
        // A bit in the time of a header changes nothing.
        if let Ok(imported) = elsewhere.library().import(&exported, &named("x")) {
            let kept = fs::read(imported.voice.weights()).unwrap();
            assert!(kept == fs::read(voice.weights()).unwrap(), "byte {at}");
            elsewhere.library().remove(&imported.voice).unwrap();
        }
        assert!(elsewhere.contents().is_empty());
    }
}

#[test]
fn damaged_voices_are_listed_as_such() {
    let place = Place::new();
    let library = place.library();
    let whole = place.import(&place.voice("Whole.pth"));
    let voice = place.import(&place.voice("Anna.pth"));
    let file = |name: &str| voice.folder.join(name);
    let good: Vec<(String, Vec<u8>)> = (names_in(&voice.folder).into_iter())
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
        assert_eq!(listing.voices, [whole.clone()], "{what}");
        let [damaged] = &listing.damaged[..] else {
            panic!("{what}: {:?}", listing.damaged);
        };
        assert_eq!(damaged.folder, voice.folder);
        let said = damaged.error.to_string();
        assert!(said.contains(expected), "{what}: {said}");
        assert!(!damaged.error.remedy().is_empty());
        assert_eq!(library.named("Anna").unwrap_err().to_string(), said);
        for (name, bytes) in &good {
            fs::write(file(name), bytes).unwrap();
        }
    }
    // What is not a folder, or hidden, is nobody's.
    fs::write(library.folder().join("notes.txt"), "x").unwrap();
    fs::create_dir(library.folder().join(".removed-old")).unwrap();
    fs::create_dir(library.folder().join(".import-now")).unwrap();
    assert_eq!(library.list().voices.len(), 2);
    assert!(library.list().damaged.is_empty());
    // The next import removes what a removal left, but not what another import makes.
    place.import(&place.voice("Bert.pth"));
    let names = [".import-now", "anna", "bert", "notes.txt", "whole"];
    assert_eq!(names_in(library.folder()), names);
}

/// Whatever is in the folder, listing ends, does not panic and tells of it.
#[test]
fn descriptions_of_any_text_are_read_or_refused() {
    let place = Place::new();
    let voice = place.import(&place.voice("Anna.pth"));
    let path = voice.folder.join("voice.toml");
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
            assert!(voice.metadata.config.check().is_ok());
            assert!(!voice.metadata.name.is_empty());
        }
    }
    assert!((100..400).contains(&refused), "{refused}");
    // The weights likewise: loading ends with numbers or an error.
    fs::write(&path, &good).unwrap();
    let good = fs::read(voice.weights()).unwrap();
    let header = 8 + u64::from_le_bytes(*good.first_chunk().unwrap()) as usize;
    for _ in 0..200 {
        let mut bytes = good.clone();
        let at = noise.below(header);
        bytes[at] = noise.next() as u8;
        fs::write(voice.weights(), &bytes).unwrap();
        let _ = place.library().list();
        let _ = Library::load(&voice);
    }
}

/// An index as faiss writes it, for voices of v2.
fn faiss(dim: usize) -> Vec<u8> {
    Faiss::new(dim, &[3, 0, 4]).bytes()
}

#[test]
fn an_index_comes_along() {
    let place = Place::new();
    let library = place.library();
    let file = place.voice("Anna.pth");
    for (name, bytes) in [
        ("good.index", faiss(768)),
        ("v1.index", faiss(256)),
        ("trained_Anna.index", Faiss::new(768, &[0, 0]).bytes()),
        ("voice.index", fs::read(&file).unwrap()),
    ] {
        fs::write(place.path(name), bytes).unwrap();
    }
    let with = |name: &str| Import {
        index: IndexChoice::File(place.path(name)),
        replace: true,
        ..Import::default()
    };
    for (name, message, remedy) in [
        (
            "v1.index",
            "768 values for a v2 voice, found 256",
            "v1 voice",
        ),
        (
            "trained_Anna.index",
            "without any (a trained_*.index)",
            "added_*.index",
        ),
        ("voice.index", "expected a faiss index", "added_*.index"),
        ("none.index", "expected a readable file", "path"),
    ] {
        let error = library.import(&file, &with(name)).unwrap_err();
        assert!(error.to_string().contains(message), "{name}: {error}");
        assert!(
            error.remedy().contains(remedy),
            "{name}: {}",
            error.remedy()
        );
        assert_eq!(place.contents(), [], "{name}");
    }
    let voice = library.import(&file, &with("good.index")).unwrap().voice;
    assert_eq!(voice.index, Some(voice.folder.join("index.safetensors")));
    let vectors = |voice: &Voice| Library::open_index(voice).unwrap().unwrap().vectors();
    assert_eq!(vectors(&voice), 7);

    // Out and in again; one that was tampered with is refused, with all of the voice.
    let exported = place.path("a.avvoice");
    Library::export(&voice, &exported, Existing::Keep).unwrap();
    let there = library.import(&exported, &named("Bert")).unwrap().voice;
    assert_eq!(vectors(&there), 7);
    let read = |voice: &Voice| fs::read(voice.index.as_ref().unwrap()).unwrap();
    assert!(read(&there) == read(&voice));
    let mut bytes = read(&voice);
    let at = bytes.len() - 7 * 8 - 4;
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(voice.index.as_ref().unwrap(), &bytes).unwrap();
    let before = place.contents();
    for (bytes, message) in [
        (bytes.clone(), "no numbers"),
        (
            bytes[..bytes.len() - 1].to_vec(),
            "index index.safetensors: expected",
        ),
        (faiss(768), "index index.safetensors: expected"),
    ] {
        fs::write(there.index.as_ref().unwrap(), bytes).unwrap();
        let error = library.import(&there.folder, &named("Carl")).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    fs::write(there.index.as_ref().unwrap(), faiss(256)).unwrap();
    assert!(matches!(
        Library::open_index(&there),
        Err(VoiceError::Index { .. })
    ));
    assert_eq!(place.contents().len(), before.len());
    // A voice can go without.
    let options = Import {
        index: IndexChoice::None,
        ..named("Carl")
    };
    assert_eq!(
        library.import(&there.folder, &options).unwrap().voice.index,
        None
    );
}

#[test]
fn an_index_beside_a_voice_is_taken_along() {
    let taken = |file: &str| {
        vec![Note::IndexTaken {
            file: file.to_owned(),
        }]
    };
    let several = |files: &[&str]| {
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        vec![Note::Indexes { files }]
    };
    let anna = "added_IVF12_Flat_nprobe_1_Anna_v2.index";
    let bert = "added_IVF12_Flat_nprobe_1_Bert_v2.index";
    let table: [(&[&str], bool, Vec<Note>); 7] = [
        (&[], false, vec![]),
        (&[anna, bert], false, taken(anna)),
        (&[bert], false, vec![]),
        (
            &["trained_IVF12_Flat_nprobe_1_Anna_v2.index"],
            false,
            vec![],
        ),
        (&[bert], true, taken(bert)),
        (
            &["added_anna.index", "added_anna_2.index"],
            false,
            several(&["added_anna.index", "added_anna_2.index"]),
        ),
        (
            &["trained_x.index", "added_x.index"],
            true,
            taken("added_x.index"),
        ),
    ];
    for (files, whole_folder, notes) in table {
        let place = Place::new();
        let file = place.voice("folder/Anna.pth");
        for name in files {
            fs::write(place.path("folder").join(name), faiss(768)).unwrap();
        }
        let path = if whole_folder {
            place.path("folder")
        } else {
            file
        };
        let imported = place.library().import(&path, &Import::default()).unwrap();
        let is_taken = matches!(notes[..], [Note::IndexTaken { .. }]);
        assert_eq!(imported.notes, notes, "{files:?}");
        assert_eq!(imported.voice.index.is_some(), is_taken, "{files:?}");
        // Told to leave it out; and one that cannot be used, which is told of.
        let options = Import {
            index: IndexChoice::None,
            replace: true,
            ..Import::default()
        };
        let without = place.library().import(&path, &options).unwrap();
        assert_eq!((without.notes, without.voice.index), (vec![], None));
        for name in files {
            fs::write(place.path("folder").join(name), faiss(256)).unwrap();
        }
        let options = Import {
            replace: true,
            ..Import::default()
        };
        let imported = place.library().import(&path, &options).unwrap();
        assert_eq!(imported.voice.index, None);
        let is_left = matches!(imported.notes[..], [Note::IndexLeft { .. }]);
        assert_eq!(is_left, is_taken, "{files:?}");
    }
    // Out of an archive.
    let place = Place::new();
    let (good, index) = (save(&voice(&small())), faiss(768));
    let archive = zip(&[
        Stored::new("x/Anna.pth", &good),
        Stored::new("x/added_1.index", &index),
    ]);
    fs::write(place.path("a.zip"), archive).unwrap();
    let voice = place.import(&place.path("a.zip"));
    let names = ["index.safetensors", "voice.safetensors", "voice.toml"];
    assert_eq!(names_in(&voice.folder), names);
}

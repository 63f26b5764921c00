//! Where voices come from besides a single file: folders, archives, what was exported, and the index
//! that lies beside them.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod indices;
mod tones;
mod voice_files;

use autovoice::io::Existing;
use autovoice::voice::{Import, IndexChoice, Library, Note, Voice, VoiceError};
use indices::Faiss;
use std::fs;
use tones::torch::save;
use tones::zips::{Stored, zip};
use tones::{Noise, names_in};
use voice_files::{Place, folder, named, small, voice, weights};

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
        assert!(folder(&voice).starts_with(place.path("home/voices")));
        assert_eq!(names_in(&place.path("")), ["a.zip", "home"]);
    }
    // A name that is a path is only text.
    let voice = place
        .library()
        .import(&place.path("a.zip"), &named("../../../x"))
        .unwrap()
        .voice;
    assert_eq!(voice.metadata.name, "../../../x");
    assert_eq!(folder(&voice), place.path("home/voices/x"));
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
        std::os::unix::fs::symlink(folder(&voice), place.path("home/voices/link")).unwrap();
        let listing = place.library().list();
        assert_eq!((listing.voices.len(), listing.damaged.len()), (2, 0));
        fs::remove_file(weights(&voice)).unwrap();
        std::os::unix::fs::symlink(&outside, weights(&voice)).unwrap();
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
    for path in [&exported, &folder(&voice)] {
        let options = Import {
            replace: true,
            ..Import::default()
        };
        let there = elsewhere.library().import(path, &options).unwrap().voice;
        assert_eq!(there.image, Some(folder(&there).join("image.webp")));
        let same = |name: &str| {
            let read = |voice: &Voice| fs::read(folder(voice).join(name)).unwrap();
            assert!(read(&there) == read(&voice), "{name}");
        };
        assert_eq!(names_in(&folder(&there)), names_in(&folder(&voice)));
        names_in(&folder(&voice)).iter().for_each(|name| same(name));
    }
    let there = elsewhere
        .library()
        .import(&exported, &named("Bert"))
        .unwrap()
        .voice;
    assert_eq!(there.metadata.name, "Bert");
    assert_eq!(there.metadata.sha256, voice.metadata.sha256);

    // All of a library is more than one.
    let error = place
        .library()
        .import(elsewhere.library().folder(), &named("x"));
    let Err(VoiceError::Several { names }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(names.len(), 2);

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
            let kept = fs::read(weights(&imported.voice)).unwrap();
            assert!(kept == fs::read(weights(&voice)).unwrap(), "byte {at}");
            elsewhere.library().remove(&imported.voice).unwrap();
        }
        assert!(elsewhere.contents().is_empty());
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
    assert_eq!(voice.index, Some(folder(&voice).join("index.safetensors")));
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
        let error = library.import(&folder(&there), &named("Carl")).unwrap_err();
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
        library
            .import(&folder(&there), &options)
            .unwrap()
            .voice
            .index,
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
    assert_eq!(names_in(&folder(&voice)), names);
}

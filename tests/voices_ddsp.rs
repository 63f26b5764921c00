//! Voices of our own in the library: what comes, lies there and goes, what is refused, and those
//! that are in the program.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod ddsp_voices;
mod tones;
mod voice_files;

use autovoice::io::Existing;
use autovoice::io::checkpoint::{Tensor, TensorData, write_safetensors};
use autovoice::preset::VoiceRef;
use autovoice::voice::ddsp::{self, DdspError};
use autovoice::voice::{
    Import, IndexChoice, Library, Starter, Starters, Voice, VoiceError, VoiceModel,
};
use ddsp_voices::{
    decoder, described, encoder_texts, starter, tensors, voice_tensors, write_encoder, write_voice,
};
use std::collections::BTreeMap;
use std::fs;
use tones::{Noise, names_in};
use voice_files::{Place, folder, named, weights};

/// The hash of some encoder.
fn some_encoder() -> String {
    "5e".repeat(32)
}

#[test]
fn a_voice_comes_lies_there_goes_out_and_comes_again() {
    let place = Place::new();
    let library = place.library();
    let file = write_voice(&place.path("x.safetensors"), "Olga", &some_encoder(), 1);
    fs::write(place.path("added_olga.index"), "no index").unwrap();
    let imported = library.import(&file, &Import::default()).unwrap();
    assert_eq!(imported.notes, [], "no index is looked for");
    let voice = imported.voice;
    let metadata = &voice.metadata;
    let wanted = described("Olga", &some_encoder());
    assert_eq!(metadata.name, "Olga", "as its file says");
    assert_eq!(metadata.model, VoiceModel::Ddsp(wanted.voice));
    assert_eq!(metadata.engine(), "ddsp");
    assert_eq!(
        (&*metadata.author, &*metadata.licence, &*metadata.info),
        ("somebody", "CC0-1.0", "30 s of recordings")
    );
    assert_eq!(metadata.source, "x.safetensors");
    assert_eq!(
        names_in(&folder(&voice)),
        ["voice.safetensors", "voice.toml"]
    );
    assert_eq!(library.list().voices, std::slice::from_ref(&voice));
    assert!(!voice.is_built_in());

    let loaded = Library::load(&voice).unwrap();
    let originals = voice_tensors(1);
    assert_eq!(loaded.shapes().count(), originals.len());
    for (name, tensor) in &originals {
        assert_eq!(
            loaded.root().get(name, &tensor.shape).unwrap(),
            tensor.to_f32(),
            "{name}"
        );
    }

    // Exported, as its folder, and its weights alone: a file of ours says itself what it is.
    let exported = place.path("Olga.avvoice");
    Library::export(&voice, &exported, Existing::Keep).unwrap();
    for path in [exported, folder(&voice), weights(&voice)] {
        let elsewhere = Place::new();
        let there = elsewhere.import(&path);
        assert_eq!(there.metadata.name, "Olga");
        assert_eq!(there.metadata.model, metadata.model);
        assert_eq!(there.metadata.sha256, metadata.sha256);
        assert!(fs::read(weights(&there)).unwrap() == fs::read(weights(&voice)).unwrap());
    }
    // In a folder of its own, beside what is no voice.
    fs::create_dir(place.path("own")).unwrap();
    fs::write(place.path("own/notes.txt"), "x").unwrap();
    fs::copy(&file, place.path("own/Olga 2.safetensors")).unwrap();
    let options = named("Zoe");
    let zoe = library.import(&place.path("own"), &options).unwrap().voice;
    assert_eq!(zoe.metadata.name, "Zoe");
    assert_eq!(zoe.metadata.sha256, metadata.sha256);
    library.remove(&voice).unwrap();
    library.remove(&zoe).unwrap();
    assert_eq!(place.contents(), []);
}

/// Tensors of a voice with this one in place of its own.
fn with(name: &str, tensor: Option<Tensor>) -> Vec<(String, Tensor)> {
    let mut all = voice_tensors(1);
    all.retain(|(known, _)| known != name);
    all.extend(tensor.map(|tensor| (name.to_owned(), tensor)));
    all
}

fn single(shape: &[usize], value: f32) -> Tensor {
    Tensor {
        shape: shape.to_vec(),
        data: TensorData::F32(vec![value; shape.iter().product()]),
    }
}

#[test]
fn what_is_no_voice_is_named_for_what_it_is() {
    type Texts = BTreeMap<String, String>;
    type Case = (Vec<(String, Tensor)>, Texts, &'static str, &'static str);
    let place = Place::new();
    let file = place.path("x.safetensors");
    let texts = described("Olga", &some_encoder()).texts();
    let changed = |key: &str, text: &str| {
        let mut texts = texts.clone();
        texts.insert(key.to_owned(), text.to_owned());
        texts
    };
    let without = |key: &str| {
        let mut texts = texts.clone();
        texts.remove(key).unwrap();
        texts
    };
    let base = with("speakers.embedding", Some(single(&[3, 8], 0.1)));
    let training = Texts::from([
        ("plan".to_owned(), "x".to_owned()),
        ("step".to_owned(), "7".to_owned()),
    ]);
    let whole = Tensor {
        shape: vec![32],
        data: TensorData::I32(vec![1; 32]),
    };
    let refused: Vec<Case> = vec![
        (
            tensors(ddsp_voices::encoder().shapes(), 1),
            encoder_texts(),
            "found AutoVoice's content encoder",
            "autovoice train voice",
        ),
        (
            base,
            Texts::from([("kind".to_owned(), "base voice".to_owned())]),
            "found AutoVoice's base voice",
            "autovoice train voice",
        ),
        (
            voice_tensors(1),
            training,
            "found AutoVoice's state of a training",
            "when it was done",
        ),
        (
            voice_tensors(1),
            Texts::new(),
            "found weights of AutoVoice without what is known of them",
            "autovoice train voice",
        ),
        (
            voice_tensors(1),
            changed("version", "2"),
            "newer AutoVoice, version 2",
            "update",
        ),
        (
            voice_tensors(1),
            changed("version", "x"),
            "expected version 1",
            "fetch",
        ),
        (
            voice_tensors(1),
            changed("dilations", "[1, -2]"),
            "a list of dilations",
            "fetch",
        ),
        (
            voice_tensors(1),
            changed("dilations", "[1]"),
            "no tensor beyond those of its config, found decoder.blocks.1.",
            "fetch",
        ),
        (
            voice_tensors(1),
            changed("dilations", "[1, 65]"),
            "dilations of 1 to 64 frames",
            "fetch",
        ),
        (
            voice_tensors(1),
            changed("bandwidth_hz", "NaN"),
            "a bandwidth of 1000 to 24000 Hz, found NaN",
            "fetch",
        ),
        (
            voice_tensors(1),
            changed("log2_f0", "1e9"),
            "a mean pitch of 20 to 2000 Hz, found inf",
            "fetch",
        ),
        (
            voice_tensors(1),
            without("log2_f0"),
            "the number log2_f0 in the voice's file, found nothing",
            "fetch",
        ),
        (
            voice_tensors(1),
            changed("encoder_sha256", "../../x"),
            "the SHA-256 of a content encoder",
            "fetch",
        ),
        (
            voice_tensors(1),
            changed("encoder_sha256", &"5".repeat(65)),
            "the SHA-256 of a content encoder",
            "fetch",
        ),
        (
            with("voice.embedding", None),
            texts.clone(),
            "the tensor voice.embedding",
            "fetch",
        ),
        (
            with("decoder.head.bias", Some(single(&[5], 0.0))),
            texts.clone(),
            "decoder.head.bias of shape [192], found [5]",
            "fetch",
        ),
        (
            with("decoder.norm.bias", Some(whole)),
            texts.clone(),
            "floating-point numbers in the tensor decoder.norm.bias, found I32",
            "fetch",
        ),
        (
            with("decoder.norm.bias", Some(single(&[32], f32::NAN))),
            texts.clone(),
            "decoder.norm.bias, found NaN or infinity",
            "train it again",
        ),
        (
            with("decoder.more", Some(single(&[1], 0.0))),
            texts.clone(),
            "no tensor beyond those of its config, found decoder.more",
            "fetch",
        ),
    ];
    for (tensors, texts, message, remedy) in refused {
        write_safetensors(&file, &tensors, &texts).unwrap();
        let error = place
            .library()
            .import(&file, &Import::default())
            .expect_err(message);
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert!(
            error.remedy().contains(remedy),
            "{message}: {}",
            error.remedy()
        );
        assert_eq!(place.contents(), [], "{message}");
    }
    write_voice(&file, "Olga", &some_encoder(), 1);
    let whole = fs::read(&file).unwrap();
    for end in [0, 7, 100, whole.len() - 1] {
        fs::write(&file, &whole[..end]).unwrap();
        assert!(place.library().import(&file, &Import::default()).is_err());
    }
    fs::write(&file, &whole).unwrap();
    let options = Import {
        index: IndexChoice::File(file.clone()),
        ..Import::default()
    };
    let error = place.library().import(&file, &options).unwrap_err();
    assert!(matches!(error, VoiceError::NeedlessIndex { .. }), "{error}");
    assert_eq!(place.contents(), []);
}

/// The writer refuses what no reader takes.
#[test]
fn what_nobody_could_read_is_not_written() {
    let place = Place::new();
    let path = place.path("x.safetensors");
    let good = described("Olga", &some_encoder());
    let mut unfit = good.clone();
    unfit.voice.mean_pitch_hz = f32::NAN;
    for (described, tensors) in [
        (&unfit, voice_tensors(1)),
        (&good, with("decoder.norm.bias", None)),
        (&good, with("decoder.norm.bias", Some(single(&[2], 0.0)))),
        (&good, with("surplus", Some(single(&[2], 0.0)))),
    ] {
        let error = ddsp::write(&path, described, &tensors).unwrap_err();
        assert!(
            matches!(error, DdspError::Unfit(_) | DdspError::Tensors(_)),
            "{error}"
        );
        assert!(!path.exists());
    }
}

#[test]
fn whatever_a_file_says_it_is_read_or_refused() {
    let place = Place::new();
    let file = write_voice(&place.path("x.safetensors"), "Olga", &some_encoder(), 1);
    let good = fs::read(&file).unwrap();
    let header = 8 + u64::from_le_bytes(*good.first_chunk().unwrap()) as usize;
    let mut noise = Noise::new(3);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..=noise.below(3) {
            bytes[noise.below(header)] = noise.next() as u8;
        }
        fs::write(&file, &bytes).unwrap();
        let options = Import {
            replace: true,
            ..Import::default()
        };
        match place.library().import(&file, &options) {
            Ok(imported) => {
                read += 1;
                let voice = imported.voice.metadata.model.ddsp().unwrap().clone();
                assert_eq!(voice.check(), Ok(()));
                assert_eq!(voice.decoder, decoder());
            }
            Err(_) => refused += 1,
        }
    }
    assert!(0 < read && 100 < refused, "{read} read, {refused} refused");
}

fn names(library: &Library) -> Vec<(String, bool)> {
    let voices = library.list().voices;
    let shown = |voice: &Voice| (voice.metadata.name.clone(), voice.is_built_in());
    voices.iter().map(shown).collect()
}

#[test]
fn voices_of_the_program_are_there_and_stay() {
    let place = Place::new();
    let starters = [
        Starter {
            file: starter("Olga", &some_encoder(), 1),
        },
        Starter {
            file: starter("Bo", &some_encoder(), 2),
        },
    ];
    let library = place.library().with(Starters::read(&starters).unwrap());
    let own = |names: &[(&str, bool)]| -> Vec<(String, bool)> {
        let names = names.iter();
        names
            .map(|(name, own)| ((*name).to_owned(), *own))
            .collect()
    };
    assert_eq!(names(&library), own(&[("Bo", true), ("Olga", true)]));
    assert!(!place.path("home").exists(), "looking makes no folder");

    let olga = library.named("olga").unwrap();
    assert!(olga.is_built_in());
    assert_eq!(olga.folder(), None);
    assert_eq!(
        Library::load(&olga).unwrap().shapes().count(),
        voice_tensors(1).len()
    );
    assert_eq!(library.find(&olga.reference()).as_ref(), Some(&olga));
    let error = library.remove(&olga).unwrap_err();
    assert!(error.to_string().contains("\"Olga\", which is built in"));
    assert!(error.remedy().contains("stays"));

    // Out, and in again: then it is the user's, and one voice.
    let exported = place.path("Olga.avvoice");
    Library::export(&olga, &exported, Existing::Keep).unwrap();
    let copy = library.import(&exported, &Import::default()).unwrap().voice;
    assert_eq!(copy.metadata.sha256, olga.metadata.sha256);
    assert_eq!(names(&library), own(&[("Bo", true), ("Olga", false)]));
    assert_eq!(library.find(&olga.reference()).as_ref(), Some(&copy));
    library.remove(&copy).unwrap();
    assert_eq!(library.named("Olga").unwrap(), olga);

    // Another of the user's with its name is the one that is meant, unless a hash says otherwise.
    let file = write_voice(&place.path("x.safetensors"), "Olga", &some_encoder(), 3);
    let other = library.import(&file, &Import::default()).unwrap().voice;
    assert_eq!(
        names(&library),
        own(&[("Bo", true), ("Olga", false), ("Olga", true)])
    );
    assert_eq!(library.named("Olga").unwrap(), other);
    assert_eq!(library.find(&other.reference()).as_ref(), Some(&other));
    assert_eq!(library.find(&olga.reference()).as_ref(), Some(&olga));
    for sha256 in [None, Some("ff".repeat(32))] {
        let wanted = VoiceRef {
            name: "OLGA".to_owned(),
            sha256,
        };
        assert_eq!(library.find(&wanted).as_ref(), Some(&other));
    }
    // Nothing is replaced by a new one of a name that only the program has.
    let error = library.import(&file, &Import::default()).unwrap_err();
    assert!(matches!(error, VoiceError::Exists { .. }), "{error}");
    library.import(&file, &named("Bo")).unwrap();
}

#[test]
fn what_is_no_voice_is_no_starter() {
    let place = Place::new();
    let models = place.path("models");
    write_encoder(&models);
    let encoder = fs::read(models.join(ddsp::ENCODER_FILE)).unwrap();
    let nameless = starter("", &some_encoder(), 1);
    for file in [&*Vec::leak(encoder), b"", nameless] {
        assert!(Starters::read(&[Starter { file }]).is_err());
    }
}

//! Checkpoints of other programs: every layout and element type against what torch holds, and files
//! that would run commands.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use autovoice::io::checkpoint::{
    Checkpoint, CheckpointError, DType, Layout, Limits, Tensor, TensorData, Value, ZipArchive,
    write_safetensors,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tones::names_in;
use tones::zips::{Stored, torch_zip, zip};

fn fixture(name: &str) -> PathBuf {
    tones::fixture("checkpoints").join(name)
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&fixture(name), &Limits::default()).expect(name)
}

fn open_bytes(bytes: Vec<u8>) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::from_bytes(bytes, &Limits::default())
}

fn all_tensors(checkpoint: &Checkpoint, prefix: &str) -> BTreeMap<String, Tensor> {
    let tensors = checkpoint.tensors(prefix);
    tensors
        .map(|(name, tensor)| (name, checkpoint.tensor(&tensor).unwrap()))
        .collect()
}

#[test]
fn every_layout_gives_the_tensors_of_torch() {
    for (name, expected, layout) in [
        ("dtypes_zip.pth", "dtypes", Layout::TorchZip),
        ("dtypes_legacy.pth", "dtypes", Layout::TorchLegacy),
        ("views_zip.pth", "views", Layout::TorchZip),
        ("views_zip_protocol3.pth", "views", Layout::TorchZip),
        ("views_zip_protocol4.pth", "views", Layout::TorchZip),
        ("views_zip_protocol5.pth", "views", Layout::TorchZip),
        ("views_zip64.pth", "views", Layout::TorchZip),
        ("views_legacy.pth", "views", Layout::TorchLegacy),
        ("views_legacy_protocol4.pth", "views", Layout::TorchLegacy),
    ] {
        let checkpoint = open(name);
        assert_eq!(*checkpoint.layout(), layout, "{name}");
        let expected = open(&format!("{expected}.safetensors"));
        let expected = all_tensors(&expected, "");
        assert!(10 <= expected.len(), "{name}");
        assert_eq!(all_tensors(&checkpoint, ""), expected, "{name}");
        checkpoint.refuse_unknown_except(&[]).expect(name);
    }
}

/// The tensors against numbers written here, so that two readers of ours cannot be wrong alike.
#[test]
fn views_hold_what_they_should() {
    let checkpoint = open("views_zip.pth");
    for (name, shape, expected) in [
        (
            "column",
            &[2, 3][..],
            &[2.0, 6.0, 10.0, 14.0, 18.0, 22.0][..],
        ),
        ("steps", &[5], &[3.0, 8.0, 13.0, 18.0, 23.0]),
        ("one", &[], &[7.0]),
        ("expanded", &[3, 2], &[5.0, 6.0, 5.0, 6.0, 5.0, 6.0]),
        ("empty", &[0], &[]),
        ("parameter", &[2, 3], &[2.0, 4.0, 6.0, 3.0, 5.0, 7.0]),
        ("nested.deep.1.0", &[1], &[1.0]),
        ("nested.alone", &[1, 2], &[1.5, -2.5]),
    ] {
        let found = checkpoint.tensors("").find(|(found, _)| found == name);
        let (_, tensor) = found.expect(name);
        assert_eq!(tensor.shape(), shape, "{name}");
        assert_eq!(tensor.dtype(), DType::F32);
        assert_eq!(
            checkpoint.tensor(&tensor).unwrap().to_f32(),
            expected,
            "{name}"
        );
    }
    let nested: Vec<String> = checkpoint.tensors("nested").map(|(name, _)| name).collect();
    assert_eq!(nested, ["deep.0", "deep.1.0", "alone"]);
    assert_eq!(checkpoint.tensors("missing").count(), 0);
}

/// A storage that is a view of another, from a GPU, as torch wrote them before it had an archive.
#[test]
fn views_of_storages_are_read() {
    let checkpoint = open("views_legacy_old.pth");
    let tensor = checkpoint.root().get("w").and_then(Value::as_tensor);
    let tensor = checkpoint.tensor(tensor.unwrap()).unwrap();
    // The second and fifth of the elements from the third on.
    assert_eq!(tensor.to_f32(), [3.0, 6.0]);
    let bytes = std::fs::read(fixture("views_legacy_old.pth")).unwrap();
    let cuda = String::from_utf8_lossy(&bytes).contains("cuda:0");
    assert!(cuda && *checkpoint.layout() == Layout::TorchLegacy);
}

#[test]
fn a_tensor_of_another_checkpoint_is_refused() {
    let (small, large) = (open("voice.pth"), open("views_zip.pth"));
    for (_, tensor) in large.tensors("") {
        // By chance it may lie within a storage, but then it is read like any other.
        let _ = small.tensor(&tensor);
    }
    let whole = large
        .root()
        .get("whole")
        .and_then(Value::as_tensor)
        .unwrap();
    let error = small.tensor(whole).unwrap_err();
    assert!(error.to_string().contains("one of another"), "{error}");
}

#[test]
fn numbers_of_every_type_become_single_precision() {
    let checkpoint = open("dtypes_zip.pth");
    let number = |name: &str, at: usize| {
        let tensor = checkpoint.root().get(name).and_then(Value::as_tensor);
        checkpoint.tensor(tensor.expect(name)).unwrap().into_f32()[at]
    };
    assert_eq!(number("float16", 0), f32::INFINITY);
    assert_eq!(number("int64", 0), -(2f32.powi(40)));
    for (name, _) in checkpoint.tensors("") {
        let got = number(&name, 5);
        assert!(got.is_finite() && got.abs() <= 255.0, "{name}: {got}");
    }
}

#[test]
fn plain_values_are_the_same_in_every_protocol() {
    let expected = open("values_zip.pth");
    let root = expected.root();
    let get = |name: &str| root.get(name).expect(name);
    let ints = |numbers: &[i64]| numbers.iter().copied().map(Value::Int).collect::<Vec<_>>();
    for (name, value) in [
        ("none", Value::None),
        ("true", Value::Bool(true)),
        ("int", Value::Int(-7)),
        ("large", Value::Int(1 << 40)),
        ("float", Value::Float(1.25)),
        ("text", Value::Str("naïve ✓".into())),
        ("bytes", Value::Bytes((*b"\x00\xff\x10").into())),
        ("set", Value::List(ints(&[5]))),
        ("frozenset", Value::List(ints(&[6]))),
        ("bytearray", Value::Bytes((*b"ab").into())),
        ("size", Value::Tuple(ints(&[2, 3]))),
    ] {
        assert_eq!(*get(name), value, "{name}");
    }
    assert_eq!(get("huge").kind(), "an object of an unknown class");
    assert_eq!(get("long").as_str().map(str::len), Some(300));
    assert_eq!(get("counter").get("a"), Some(&Value::Int(2)));
    assert_eq!(get("default").get("k"), Some(&Value::List(ints(&[1]))));
    assert_eq!(get("ordered").as_dict().unwrap().len(), 2);
    let twice = get("twice").as_items().unwrap();
    assert_eq!(twice[0], Value::List(vec![Value::Str("shared".into())]));
    assert_eq!(twice[0], twice[1]);

    for protocol in 0..=5 {
        let name = format!("values_protocol{protocol}.pkl");
        let bytes = std::fs::read(fixture(&name)).unwrap();
        // Protocols 0 and 1 have no first bytes to know them by: within an archive they need none.
        let checkpoint = open_bytes(torch_zip(&bytes)).expect(&name);
        assert_eq!(checkpoint.root(), root, "{name}");
        let alone = open_bytes(bytes);
        match protocol {
            0 | 1 => assert!(alone.is_err(), "{name}"),
            _ => assert_eq!(alone.expect(&name).root(), root, "{name}"),
        }
        checkpoint.refuse_unknown_except(&[]).expect(&name);
    }
}

#[test]
fn what_training_leaves_is_opaque_and_the_rest_is_read() {
    let checkpoint = open("training.pth");
    let root = checkpoint.root();
    for (name, expected) in [
        ("best_loss", Value::Float(0.125)),
        ("step", Value::Int(-3)),
        ("scale", Value::Float(0.5)),
        ("flag", Value::Bool(true)),
        ("big_endian", Value::Int(1)),
    ] {
        assert_eq!(root.get(name), Some(&expected), "{name}");
    }
    for (name, expected) in [
        ("args", "argparse.Namespace"),
        ("array", "numpy._core.multiarray._reconstruct"),
        ("dtype", "torch.float16"),
    ] {
        let expected = Value::Opaque {
            class: expected.into(),
        };
        assert_eq!(root.get(name), Some(&expected), "{name}");
    }
    let model: Vec<String> = checkpoint.tensors("model").map(|(name, _)| name).collect();
    assert_eq!(model, ["weight", "bias"]);
    let state: Vec<String> = checkpoint
        .tensors("optimizer.state")
        .map(|(name, _)| name)
        .collect();
    assert!(state.contains(&"0.exp_avg".to_owned()), "{state:?}");

    let error = checkpoint.refuse_unknown_except(&[]).unwrap_err();
    assert!(
        error.to_string().contains("`argparse.Namespace`"),
        "{error}"
    );
    let all: Vec<&str> = checkpoint.unknown_classes().collect();
    checkpoint.refuse_unknown_except(&all).unwrap();

    // Attributes are left out; a class of its own makes a tensor an object of that class.
    let attributes = open("attributes.pth");
    let tensors = all_tensors(&attributes, "");
    assert_eq!(tensors.keys().collect::<Vec<_>>(), ["parameter", "tensor"]);
    assert_eq!(tensors["tensor"].to_f32(), [0.0, 1.0]);
    assert_eq!(tensors["parameter"].to_f32(), [0.0, 1.0, 2.0]);
    let class = "__main__.Named".into();
    assert_eq!(
        attributes.root().get("named"),
        Some(&Value::Opaque { class })
    );

    // A whole module has no dictionary at its root; its class says what it is.
    let module = open("module.pth");
    let class = "torch.nn.modules.linear.Linear".into();
    assert_eq!(*module.root(), Value::Opaque { class });
    // Elements of types that are not read are opaque, and those beside them are read.
    for (name, opaque, tensor) in [("complex.pth", "z", "w"), ("uint16.pth", "w", "x")] {
        let checkpoint = open(name);
        assert!(
            matches!(checkpoint.root().get(opaque), Some(Value::Opaque { .. })),
            "{name}"
        );
        assert_eq!(
            all_tensors(&checkpoint, "").keys().collect::<Vec<_>>(),
            [tensor]
        );
    }
}

#[test]
fn pickles_that_would_run_commands_run_none() {
    let folder = tempfile::tempdir().unwrap();
    for (name, class) in [
        ("reduce2", "posix.system"),
        ("reduce4", "posix.system"),
        ("inst", "os.system"),
        ("obj", "os.system"),
        ("newobj", "subprocess.Popen"),
        ("newobj_ex", "os.system"),
        ("chained", "__builtin__.__import__"),
        // The call is not in what remains, and is still known of.
        ("dropped", "os.system"),
        ("setitems", "os.system"),
        ("load_from_bytes", "torch.storage._load_from_bytes"),
        ("extension", "copyreg.extension_7"),
    ] {
        let copy = folder.path().join(name);
        std::fs::copy(fixture(&format!("evil_{name}.pth")), &copy).unwrap();
        let checkpoint = Checkpoint::open(&copy, &Limits::default()).expect(name);
        let unknown: Vec<&str> = checkpoint.unknown_classes().collect();
        assert!(unknown.contains(&class), "{name}: {unknown:?}");
        match checkpoint.refuse_unknown_except(&[]) {
            Err(CheckpointError::UnknownClass { class }) => assert_eq!(class, unknown[0]),
            other => panic!("{name}: {other:?}"),
        }
        for (_, tensor) in checkpoint.tensors("") {
            assert_eq!(checkpoint.tensor(&tensor).unwrap().to_f32(), [1.0, 1.0]);
        }
    }
    assert!(!names_in(folder.path()).contains(&"PWNED".to_owned()));
    assert!(!Path::new("PWNED").exists());
    let reduced = open("evil_reduce2.pth");
    let class = "posix.system".into();
    assert_eq!(reduced.root().get("x"), Some(&Value::Opaque { class }));
}

#[test]
fn safetensors_come_back_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.safetensors");
    let tensor = |shape: &[usize], data| Tensor {
        shape: shape.to_vec(),
        data,
    };
    let tensors = vec![
        (
            "a.\"quoted\" ✓".to_owned(),
            tensor(&[2, 1], TensorData::F32(vec![1.5, -0.0])),
        ),
        (
            "b".to_owned(),
            tensor(&[3], TensorData::Bool(vec![true, false, true])),
        ),
        ("c".to_owned(), tensor(&[], TensorData::I64(vec![i64::MIN]))),
        ("d".to_owned(), tensor(&[0, 4], TensorData::F16(vec![]))),
        ("e".to_owned(), tensor(&[1], TensorData::F64(vec![0.1]))),
    ];
    let texts = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a\n".into(), "1".into())]);
    std::fs::write(&path, b"what was there before").unwrap();
    write_safetensors(&path, &tensors, &texts).unwrap();
    let checkpoint = Checkpoint::open(&path, &Limits::default()).unwrap();
    assert_eq!(*checkpoint.layout(), Layout::Safetensors(texts.clone()));
    let read = all_tensors(&checkpoint, "");
    assert_eq!(read.into_iter().collect::<Vec<_>>(), tensors);
    let first = std::fs::read(&path).unwrap();
    // The crate's own reader, with its checks.
    let theirs = safetensors::SafeTensors::deserialize(&first).unwrap();
    assert_eq!(theirs.tensor("b").unwrap().data(), [1, 0, 1]);
    write_safetensors(&path, &tensors, &texts).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first, "the same bytes again");

    let twice = [tensors[1].clone(), tensors[1].clone()];
    let wrong = [("x".to_owned(), tensor(&[2], TensorData::U8(vec![1])))];
    for (refused, expected) in [(&twice[..], "b twice"), (&wrong[..], "1 values")] {
        let error = write_safetensors(&path, refused, &texts).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let nowhere = folder.path().join("missing/out.safetensors");
    assert!(write_safetensors(&nowhere, &tensors, &texts).is_err());
    assert_eq!(names_in(folder.path()), ["out.safetensors"]);
    assert_eq!(std::fs::read(&path).unwrap(), first);
}

#[test]
fn an_rvc_voice_reads_as_one() {
    let checkpoint = open("voice.pth");
    let root = checkpoint.root();
    assert_eq!(root.get("version").and_then(Value::as_str), Some("v2"));
    assert_eq!(root.get("f0").and_then(Value::as_int), Some(1));
    let config = root.get("config").and_then(Value::as_items).unwrap();
    assert_eq!(config.last().and_then(Value::as_int), Some(48_000));
    let names: Vec<String> = checkpoint.tensors("weight").map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "emb_g.weight",
            "enc_p.emb_phone.weight",
            "dec.conv_pre.weight"
        ]
    );
    checkpoint.refuse_unknown_except(&[]).unwrap();
}

/// The voices of the parity set against their tensors as safetensors, element by element.
#[test]
fn shared_rvc_voices_equal_their_tensors() {
    let Some(folder) = tones::shared("parity/rvc") else {
        return;
    };
    for name in ["v1_40k_f0_small", "v2_40k_nof0_small", "v2_48k_f0_small"] {
        let open = |extension: &str| {
            let path = folder.join(format!("{name}.{extension}"));
            Checkpoint::open(&path, &Limits::default()).expect(name)
        };
        let voice = open("pth");
        voice.refuse_unknown_except(&[]).unwrap();
        let numbers = |tensors: BTreeMap<String, Tensor>| -> BTreeMap<String, _> {
            let tensors = tensors.into_iter();
            tensors
                .map(|(name, tensor)| (name, (tensor.shape.clone(), tensor.to_f32())))
                .collect()
        };
        let got = numbers(all_tensors(&voice, "weight"));
        let expected = numbers(all_tensors(&open("weights.safetensors"), ""));
        assert!(100 < expected.len(), "{name}: {}", expected.len());
        assert!(got == expected, "{name}");
    }
}

#[test]
fn files_are_read_out_of_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("package.whl");
    let voice = std::fs::read(fixture("voice.pth")).unwrap();
    std::fs::write(&path, zip(&[Stored::new("package/voice.pth", &voice)])).unwrap();
    let archive = ZipArchive::open(&path, &Limits::default()).unwrap();
    assert_eq!(archive.names().collect::<Vec<_>>(), ["package/voice.pth"]);
    assert_eq!(archive.read("package/voice.pth").unwrap(), voice);
    assert!(archive.read("package/other.pth").is_err());
    // A deflated file, checked against its CRC.
    let deflated = ZipArchive::open(&fixture("crepe_tiny.pth"), &Limits::default()).unwrap();
    let pickle = deflated.read("crepe_tiny/data.pkl").unwrap();
    assert_eq!(pickle[..2], [0x80, 2]);
}

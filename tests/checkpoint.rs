//! Checkpoints of other programs: every layout and element type against what torch holds, files
//! that are something else, files that would run commands or fill the memory.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use autovoice::io::checkpoint::{
    Checkpoint, CheckpointError, DType, Foreign, Layout, Limits, Tensor, TensorData, Value,
    ZipArchive, write_safetensors,
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
fn files_of_other_kinds_are_named() {
    let mut tar = vec![b'x'; 600];
    tar[257..262].copy_from_slice(b"ustar");
    let archive = std::fs::read(fixture("views_zip.pth")).unwrap();
    let encrypted = zip(&[Stored {
        flags: 1,
        ..Stored::new("a/data.pkl", b"\x80\x02}.")
    }]);
    let big = zip(&[
        Stored::new("a/data.pkl", b"\x80\x02}."),
        Stored::new("a/byteorder", b"big"),
    ]);
    let inner = zip(&[Stored::new("folder/voice.pth", &archive)]);
    let numpy = zip(&[Stored::new("a.npy", b"")]);
    let document = zip(&[Stored::new("word/document.xml", b"")]);
    let mut legacy_big = std::fs::read(fixture("views_legacy.pth")).unwrap();
    let key = b"little_endian";
    let at = legacy_big
        .windows(key.len())
        .position(|w| w == key)
        .unwrap();
    let truth = legacy_big[at..].iter().position(|b| *b == 0x88).unwrap();
    legacy_big[at + truth] = 0x89;
    let table: Vec<(&[u8], Foreign, &str)> = vec![
        (b"", Foreign::Empty, "fetch the file again"),
        (
            b"<!DOCTYPE html><title>Log in</title>",
            Foreign::Html,
            "open the link in a browser",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            Foreign::GitLfs,
            "git lfs pull",
        ),
        (
            &archive[..archive.len() - 100],
            Foreign::TruncatedZip,
            "cut short",
        ),
        (&archive[..300], Foreign::TruncatedZip, "cut short"),
        (&encrypted, Foreign::EncryptedZip, "password"),
        (&inner, Foreign::ZipOfCheckpoints, "unpack"),
        (&numpy, Foreign::Npz, "choose the .pth"),
        (&document, Foreign::Zip, "choose the .pth"),
        (&tar, Foreign::Tar, "unpack"),
        (b"\x1f\x8b\x08\0\0\0", Foreign::Gzip, "unpack"),
        (
            b"\x08\x07\x12\x07pytorch\x1a\x03",
            Foreign::Onnx,
            "safetensors version",
        ),
        (
            b"\x89HDF\r\n\x1a\n",
            Foreign::TensorFlow,
            "safetensors version",
        ),
        (b"IwFl\0\x03\0\0", Foreign::Faiss, "beside a voice"),
        (&big, Foreign::BigEndian, "little-endian"),
        (&legacy_big, Foreign::BigEndian, "little-endian"),
        (
            b"{\"message\": \"Not Found\"}",
            Foreign::Text,
            "choose the .pth",
        ),
        (
            b"\x00\x01\x02\x03\x04\x05\x06\x07\x08",
            Foreign::Unknown,
            "choose the .pth",
        ),
    ];
    for (bytes, expected, remedy) in table {
        match open_bytes(bytes.to_vec()) {
            Err(error @ CheckpointError::Foreign(found)) => {
                assert_eq!(found, expected);
                assert!(error.to_string().contains(expected.name()), "{error}");
                assert!(error.remedy().contains(remedy), "{}", error.remedy());
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
    let script = Checkpoint::open(&fixture("script.pt"), &Limits::default());
    assert!(matches!(
        script,
        Err(CheckpointError::Foreign(Foreign::TorchScript))
    ));
    let missing = Checkpoint::open(&fixture("missing.pth"), &Limits::default()).unwrap_err();
    assert!(missing.remedy().contains("path"), "{missing}");
    let folder = Checkpoint::open(&fixture(""), &Limits::default()).unwrap_err();
    assert!(folder.to_string().contains("folder"), "{folder}");
}

#[test]
fn damaged_files_are_refused_with_what_is_wrong() {
    let persistent = |storage: &str, tensor: &str| {
        let name = storage.len() as u8;
        let mut pickle = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((U\x07storage".to_vec();
        pickle.extend(b"ctorch\nFloatStorage\nU");
        pickle.push(name);
        pickle.extend(storage.bytes());
        pickle.extend(b"U\x03cpuK\x02tQ");
        pickle.extend(tensor.bytes());
        pickle.extend(b"\x89}tR.");
        zip(&[
            Stored::new("data.pkl", &pickle),
            Stored::new("data/0", &[0; 8]),
            Stored::new("data/1", &[0; 7]),
        ])
    };
    // What is damaged below is read where it is whole.
    let whole = open_bytes(persistent("0", "K\x00(K\x02t(K\x01t")).unwrap();
    let tensor = whole.root().as_tensor().unwrap();
    assert_eq!(whole.tensor(tensor).unwrap().to_f32(), [0.0, 0.0]);
    let legacy = std::fs::read(fixture("views_legacy.pth")).unwrap();
    let tensors = std::fs::read(fixture("views.safetensors")).unwrap();
    let strange = |method| {
        zip(&[Stored {
            method,
            ..Stored::new("a/data.pkl", b"\x80\x02}.")
        }])
    };
    let twice = zip(&[
        Stored::new("a/data.pkl", b"\x80\x02}."),
        Stored::new("a/data.pkl", b"\x80\x02}."),
    ]);
    let table: Vec<(Vec<u8>, &str)> = vec![
        (legacy[..legacy.len() - 1].to_vec(), "bytes of the storage"),
        (legacy[..200].to_vec(), "pickle"),
        (tensors[..tensors.len() - 1].to_vec(), "bytes in the file"),
        (tensors[..100].to_vec(), "bytes of header"),
        (strange(12), "compression method 12"),
        (twice, "a/data.pkl twice"),
        (torch_zip(b"\x80\x02}"), "end of the file"),
        (torch_zip(b"\x80\x02."), "found none"),
        (torch_zip(b"\x80\x02}(K\x01u."), "a value for each key"),
        (torch_zip(b"\x80\x02h\x07."), "no entry 7"),
        (
            torch_zip(b"\x80\x02K\x01)R."),
            "a class or function to call",
        ),
        (torch_zip(b"\x80\x02\xff."), "0xff"),
        (torch_zip(b"\x80\x09}."), "pickle protocol"),
        (torch_zip(b"\x80\x02U\x01aQ."), "a reference to a storage"),
        (torch_zip(b"Pabc\n."), "outside of the pickle"),
        (persistent("2", "K\x00))"), "data/2"),
        (persistent("1", "K\x00))"), "8 bytes in data/1"),
        (persistent("0", "K\x02))"), "a tensor within its storage"),
        (
            persistent("0", "J\u{7f}\u{7f}\u{7f}\u{7f}))"),
            "a tensor within its storage",
        ),
        (persistent("0", "K\x00)N"), "storage, offset, shape"),
    ];
    for (bytes, expected) in table {
        let error = open_bytes(bytes).expect_err(expected);
        let message = error.to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }

    // A bit of a tensor, which only the CRC knows of.
    let mut flipped = std::fs::read(fixture("views_zip.pth")).unwrap();
    let one = 1.5f32.to_le_bytes();
    let at = flipped.windows(4).position(|w| w == one).unwrap();
    flipped[at] ^= 1;
    let checkpoint = open_bytes(flipped).unwrap();
    let nested = checkpoint.root().get("nested").unwrap();
    let alone = nested.get("alone").and_then(Value::as_tensor).unwrap();
    let error = checkpoint.tensor(alone).unwrap_err();
    assert!(error.to_string().contains("CRC"), "{error}");
}

#[test]
fn what_asks_for_too_much_is_refused_before_it_gets_it() {
    let small = |change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let nested = |depth: usize| {
        let mut pickle = b"\x80\x02".to_vec();
        pickle.extend(vec![b']'; depth]);
        pickle.extend(vec![b'a'; depth - 1]);
        pickle.push(b'.');
        torch_zip(&pickle)
    };
    // A list of two lists of two lists …: 40 levels are a million millions.
    let mut laughs = b"\x80\x02]q\x00".to_vec();
    for level in 0..40 {
        laughs.extend([b']', b'q', level + 1, b'(', b'h', level, b'h', level, b'e']);
    }
    laughs.push(b'.');
    // A list that holds itself.
    let circle = torch_zip(b"\x80\x02]q\x00h\x00a.");
    let views = std::fs::read(fixture("views_zip.pth")).unwrap();
    let bomb = zip(&[Stored {
        method: 8,
        claimed: Some(1 << 30),
        ..Stored::new("a/data.pkl", &[0; 64])
    }]);
    let huge_header = [&u64::to_le_bytes(1 << 31)[..], b"{}"].concat();
    for (bytes, limits, what) in [
        (nested(66), small(&|_| {}), "containers within"),
        (
            nested(2_000),
            small(&|l| l.depth = 100_000),
            "containers within",
        ),
        (circle, small(&|_| {}), "containers within"),
        (torch_zip(&laughs), small(&|_| {}), "objects"),
        (views.clone(), small(&|l| l.objects = 50), "objects"),
        (views.clone(), small(&|l| l.memo = 10), "memo"),
        (views.clone(), small(&|l| l.tensors = 5), "tensors"),
        (
            views.clone(),
            small(&|l| l.tensor_bytes = 500),
            "bytes of tensors",
        ),
        (
            views.clone(),
            small(&|l| l.pickle_bytes = 100),
            "bytes of pickle",
        ),
        (views, small(&|l| l.zip_entries = 2), "files in the zip"),
        (bomb, small(&|_| {}), "bytes in a compressed file"),
        (huge_header, small(&|_| {}), "bytes of header"),
    ] {
        match Checkpoint::from_bytes(bytes, &limits) {
            Err(CheckpointError::Limit { what: found, .. }) => {
                assert!(found.contains(what), "{what}: {found}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    let deep = Checkpoint::from_bytes(nested(65), &Limits::default());
    assert!(deep.is_ok(), "{deep:?}");

    let tight = small(&|l| l.expanded_bytes = 100);
    let refused = Checkpoint::open(&fixture("crepe_tiny.pth"), &tight).unwrap_err();
    assert!(
        refused.to_string().contains("in a tensor of this storage"),
        "{refused}"
    );
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

//! What is no checkpoint, is damaged or asks for too much memory: refused with what was found.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use autovoice::io::checkpoint::{Checkpoint, CheckpointError, Foreign, Limits, Value};
use std::path::PathBuf;
use tones::zips::{Stored, torch_zip, zip};

fn fixture(name: &str) -> PathBuf {
    tones::fixture("checkpoints").join(name)
}

fn open_bytes(bytes: Vec<u8>) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::from_bytes(bytes, &Limits::default())
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

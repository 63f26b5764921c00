//! Models told apart, put into a folder, looked at and loaded.

use super::layout;
use super::*;

fn fixture(name: &str) -> Checkpoint {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints");
    Checkpoint::open(&folder.join(name), &Limits::default()).expect(name)
}

fn origin() -> Origin {
    Origin {
        name: "fixture".to_owned(),
        sha256: "0".repeat(64),
    }
}

#[test]
fn files_are_told_apart() {
    for (name, expected) in [
        ("crepe_tiny.pth", Ok(ModelKind::CrepeTiny)),
        ("crepe_full.pth", Ok(ModelKind::CrepeFull)),
        ("rmvpe.pt", Ok(ModelKind::Rmvpe)),
        ("rmvpe_wrapped.pt", Ok(ModelKind::Rmvpe)),
        ("voice.pth", Err("found an RVC voice")),
        (
            "module.pth",
            Err("the class torch.nn.modules.linear.Linear"),
        ),
        (
            "training.pth",
            Err("tensors of an unknown network, the first model.weight [3, 2]"),
        ),
        ("views.safetensors", Err("unknown network")),
        ("values_zip.pth", Err("a file without tensors")),
    ] {
        let found = identify(&fixture(name), &ModelKind::ALL);
        match expected {
            Ok(kind) => assert_eq!(found.expect(name), kind),
            Err(words) => {
                let error = found.expect_err(name).to_string();
                assert!(error.contains(words), "{name}: {error}");
            }
        }
    }
    let error = identify(&fixture("crepe_full.pth"), &[ModelKind::Rmvpe]).expect_err("is another");
    assert_eq!(
        error.to_string(),
        "expected the weights of rmvpe, found those of crepe-full"
    );
    assert!(error.remedy().contains("crepe-full"));
}

#[test]
fn a_network_that_is_not_quite_right_is_diagnosed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.safetensors");
    let of = |name: &str, shape: &[usize]| {
        let data = vec![0.0; shape.iter().product()];
        let data = crate::io::checkpoint::TensorData::F32(data);
        let shape = shape.to_vec();
        (name.to_owned(), Tensor { shape, data })
    };
    let classifier = of("classifier.bias", &[360]);
    for (tensors, expected) in [
        (
            vec![of("conv1.weight", &[256, 1, 512, 1]), classifier.clone()],
            "a CREPE small",
        ),
        (
            vec![of("conv1.weight", &[128, 1, 512, 1]), classifier.clone()],
            "a CREPE tiny with no tensor conv1.bias",
        ),
        (
            vec![of("conv1.weight", &[128, 1, 512]), classifier],
            "conv1.weight of the shape [128, 1, 512] instead of [128, 1, 512, 1]",
        ),
        (
            vec![of("unet.encoder.bn.weight", &[1])],
            "an RMVPE with no tensor unet.encoder.bn.bias",
        ),
        (vec![of("enc_p.emb.weight", &[1])], "a voice"),
        (vec![of("label_embs_concat", &[1])], "HuBERT"),
    ] {
        write_safetensors(&path, &tensors, &BTreeMap::new()).expect("writable");
        let checkpoint = Checkpoint::open(&path, &Limits::default()).expect("just written");
        let error = identify(&checkpoint, &ModelKind::ALL).expect_err(expected);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_model_is_put_into_the_folder_and_loaded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path().join("not/made/yet");
    let kind = ModelKind::CrepeTiny;
    let missing = load_from(&folder, kind).err().expect("is not there");
    assert!(matches!(missing, ModelError::Missing { .. }), "{missing}");
    assert_eq!(missing.remedy(), "run: autovoice models fetch crepe");
    assert_eq!(state(&folder, kind), State::Missing);

    let installed = install(&folder, &fixture("crepe_tiny.pth"), &[kind], &origin());
    let installed = installed.expect("is one");
    assert_eq!(installed.kind, kind);
    let State::Ready {
        bytes,
        sha256,
        origin: from,
        lack: None,
    } = state(&folder, kind)
    else {
        panic!("{:?}", state(&folder, kind));
    };
    assert_eq!((bytes, &sha256), (installed.bytes, &installed.sha256));
    assert_eq!(from, Some(origin()));
    let loaded: Vec<_> = load_from(&folder, kind).expect("is there").collect();
    let expected = layout::tensors(kind);
    assert_eq!(loaded.len(), 38);
    for ((name, shape, values), (expected_name, expected_shape)) in loaded.iter().zip(&expected) {
        assert_eq!((name, shape), (expected_name, expected_shape));
        assert_eq!(values.len(), shape.iter().product::<usize>());
        assert!(values.iter().all(|value| *value == 0.5), "{name}");
    }

    // The same again makes the same file; a changed one is noticed, a lost hash is not missed.
    let again = install(&folder, &fixture("crepe_tiny.pth"), &[kind], &origin());
    assert_eq!(again.expect("is one"), installed);
    let path = path_in(&folder, kind);
    let mut changed = std::fs::read(&path).expect("readable");
    *changed.last_mut().expect("not empty") ^= 1;
    std::fs::write(&path, &changed).expect("writable");
    assert!(matches!(state(&folder, kind), State::Damaged { .. }));
    std::fs::remove_file(hash_path(&path)).expect("is there");
    assert!(matches!(state(&folder, kind), State::Ready { .. }));
    std::fs::write(&path, &changed[..1_000]).expect("writable");
    assert!(matches!(state(&folder, kind), State::Damaged { .. }));
    let error = load_from(&folder, kind).err().expect("is cut");
    assert!(matches!(error, ModelError::Damaged { .. }), "{error}");
    assert!(error.remedy().contains("--force"), "{}", error.remedy());
}

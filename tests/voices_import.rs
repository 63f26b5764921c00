//! Voices of others: what is read, and what is refused and in which words.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;
mod voice_files;

use autovoice::io::checkpoint::{Checkpoint, Limits};
use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::voice::rvc::{RvcError, RvcVoice, read, tensors};
use tones::torch::{Py, save};
use voice_files::{config_list, small, voice};

fn read_file(file: &Py) -> Result<RvcVoice, RvcError> {
    read_bytes(save(file))
}

fn read_bytes(bytes: Vec<u8>) -> Result<RvcVoice, RvcError> {
    read(&Checkpoint::from_bytes(bytes, &Limits::default())?)
}

/// Sizes that differ in everything that may.
fn others() -> Vec<RvcConfig> {
    let small = small();
    let of = |version, rate_hz, has_pitch, rates: &[usize], kernels: &[usize]| RvcConfig {
        version,
        rate_hz,
        has_pitch,
        upsample_rates: rates.to_vec(),
        upsample_kernels: kernels.to_vec(),
        ..small.clone()
    };
    use Version::{V1, V2};
    vec![
        small.clone(),
        of(V2, 32_000, true, &[10, 8, 2, 2], &[20, 16, 4, 4]),
        of(V2, 40_000, true, &[10, 10, 2, 2], &[16, 16, 4, 4]),
        of(V1, 32_000, true, &[10, 4, 2, 2, 2], &[16, 16, 4, 4, 4]),
        of(V1, 40_000, true, &[10, 10, 2, 2], &[16, 16, 4, 4]),
        of(V1, 48_000, true, &[10, 6, 2, 2, 2], &[16, 16, 4, 4, 4]),
        of(V1, 40_000, false, &[10, 10, 2, 2], &[16, 16, 4, 4]),
        of(V2, 40_000, false, &[10, 10, 2, 2], &[16, 16, 4, 4]),
    ]
}

#[test]
fn every_size_of_voice_is_read() {
    for config in others() {
        let found = read_file(&voice(&config)).unwrap();
        assert_eq!(found.config, config);
        assert_eq!(found.info, "300epoch");
        assert_eq!((found.name, found.author.as_str()), (None, ""));
        let named: Vec<_> = (found.tensors.iter())
            .map(|(name, tensor)| (name.clone(), tensor.shape().to_vec()))
            .collect();
        assert_eq!(named, tensors(&config, 21));
    }
}

/// A file that is read, or words of the error and of its remedy.
type Case = (
    &'static str,
    fn(&mut Py),
    Result<fn(&RvcVoice) -> bool, [&'static str; 2]>,
);

#[test]
fn variants_of_the_format_are_read() {
    let table: &[Case] = &[
        (
            "no f0",
            |f| drop(f.remove("f0")),
            Ok(|v| v.config.has_pitch),
        ),
        (
            "f0 true",
            |f| f.set("f0", Py::Bool(true)),
            Ok(|v| v.config.has_pitch),
        ),
        (
            "f0 as text",
            |f| f.set("f0", Py::str("1")),
            Ok(|v| v.config.has_pitch),
        ),
        (
            "no info",
            |f| drop(f.remove("info")),
            Ok(|v| v.info.is_empty()),
        ),
        (
            "no sr",
            |f| drop(f.remove("sr")),
            Ok(|v| v.config.rate_hz == 48_000),
        ),
        // The last item of the list is the rate, whatever sr says.
        (
            "another sr",
            |f| f.set("sr", Py::str("32k")),
            Ok(|v| v.config.rate_hz == 48_000),
        ),
        (
            "rate 48k",
            |f| f.at("config").items()[17] = Py::str("48k"),
            Ok(|v| v.config.rate_hz == 48_000),
        ),
        (
            "rate as text",
            |f| f.at("config").items()[17] = Py::str("48000"),
            Ok(|v| v.config.rate_hz == 48_000),
        ),
        (
            "rate as float",
            |f| f.at("config").items()[17] = Py::Float(48e3),
            Ok(|v| v.config.rate_hz == 48_000),
        ),
        (
            "resblock 1",
            |f| f.at("config").items()[9] = Py::Int(1),
            Ok(|_| true),
        ),
        (
            "a tuple",
            |f| {
                let items = f.at("config").items().clone();
                f.set("config", Py::Tuple(items));
            },
            Ok(|_| true),
        ),
        (
            "params",
            |f| {
                let config = f.remove("config").unwrap();
                f.set("params", config);
            },
            Ok(|v| v.config.speakers == 3),
        ),
        (
            "params by name",
            |f| {
                let mut items = f.remove("config").unwrap().items().clone();
                let names = [
                    "spec_channels",
                    "segment_size",
                    "inter_channels",
                    "hidden_channels",
                    "filter_channels",
                    "n_heads",
                    "n_layers",
                    "kernel_size",
                    "p_dropout",
                    "resblock",
                    "resblock_kernel_sizes",
                    "resblock_dilation_sizes",
                    "upsample_rates",
                    "upsample_initial_channel",
                    "upsample_kernel_sizes",
                    "spk_embed_dim",
                    "gin_channels",
                    "sr",
                ];
                let pairs = names
                    .iter()
                    .map(|name| (*name).to_owned())
                    .zip(items.drain(..));
                f.set("params", Py::Dict(pairs.collect()));
            },
            Ok(|v| v.config.gin == 4),
        ),
        (
            "19 items",
            |f| {
                f.at("config").items().insert(17, Py::Int(768));
                f.remove("version");
                f.set("embedder_name", Py::str("hubert_base768"));
                f.set("embedder_output_layer", Py::Int(12));
            },
            Ok(|v| v.config.version == Version::V2 && v.config.gin == 4),
        ),
        (
            "Applio",
            |f| {
                f.set("vocoder", Py::str("HiFi-GAN"));
                f.set("embedder_model", Py::str("contentvec"));
                f.set("author", Py::str("some \u{202e}body"));
                f.set("model_name", Py::str(" Anna\n"));
            },
            Ok(|v| v.author == "some body" && v.name.as_deref() == Some("Anna")),
        ),
        (
            "posterior encoder",
            |f| {
                f.at("weight")
                    .set("enc_q.pre.weight", Py::half(&[1], &[0.0]))
            },
            Ok(|v| v.tensors.iter().all(|(n, _)| !n.starts_with("enc_q"))),
        ),
        (
            "weight norm of newer torch",
            |f| {
                for (name, _) in f.at("weight").pairs() {
                    *name = name
                        .replace("weight_g", "parametrizations.weight.original0")
                        .replace("weight_v", "parametrizations.weight.original1");
                }
            },
            Ok(|v| v.tensors.iter().any(|(n, _)| n == "dec.ups.0.weight_v")),
        ),
        (
            "another window",
            |f| {
                for (name, tensor) in f.at("weight").pairs() {
                    if name.contains("emb_rel_") {
                        *tensor = Py::half(&[1, 9, 4], &[0.0; 36]);
                    }
                }
            },
            Ok(|_| true),
        ),
        // Refused from here on.
        (
            "embedder",
            |f| f.set("embedder_model", Py::str("spin-v2")),
            Err(["found one for spin-v2", "ContentVec"]),
        ),
        (
            "Chinese HuBERT",
            |f| f.set("embedder_model", Py::str("chinese-hubert-base")),
            Err(["chinese-hubert-base", "ContentVec"]),
        ),
        (
            "MRF",
            |f| f.set("vocoder", Py::str("MRF HiFi-GAN")),
            Err(["found MRF HiFi-GAN", "HiFi-GAN"]),
        ),
        (
            "RefineGAN",
            |f| f.set("vocoder", Py::str("RefineGAN")),
            Err(["found RefineGAN", "HiFi-GAN"]),
        ),
        (
            "layer 9 of 768",
            |f| f.set("embedder_output_layer", Py::Int(9)),
            Err(["layer 12 for 768", "ContentVec"]),
        ),
        (
            "v3",
            |f| f.set("version", Py::str("v3")),
            Err(["v1 or v2, found v3", "v1 or v2"]),
        ),
        (
            "v1 with 768",
            |f| f.set("version", Py::str("v1")),
            Err([
                "256 feature channels in a voice of v1, found 768",
                "contradicts",
            ]),
        ),
        (
            "768 without a version",
            |f| drop(f.remove("version")),
            Err(["voice of v1, found 768", "contradicts"]),
        ),
        (
            "17 items",
            |f| drop(f.at("config").items().pop()),
            Err(["18 items", "not RVC's"]),
        ),
        (
            "config of text",
            |f| f.set("config", Py::str("x")),
            Err(["a list of sizes in the voice's config, found \"x\"", ""]),
        ),
        (
            "resblock 2",
            |f| f.at("config").items()[9] = Py::str("2"),
            Err(["resblock 1", ""]),
        ),
        (
            "negative size",
            |f| f.at("config").items()[2] = Py::Int(-8),
            Err(["inter_channels", ""]),
        ),
        (
            "no such rate",
            |f| f.at("config").items()[17] = Py::Int(44_100),
            Err(["44100", ""]),
        ),
        (
            "huge",
            |f| f.at("config").items()[4] = Py::Int(1 << 40),
            Err(["1 to 1024 channels", ""]),
        ),
        (
            "f0 = 2",
            |f| f.set("f0", Py::Int(2)),
            Err(["f0 = 0 or 1", ""]),
        ),
        (
            "f0 = 0 with pitch weights",
            |f| f.set("f0", Py::Int(0)),
            Err([
                "beyond those of its config, found dec.m_source",
                "not RVC's",
            ]),
        ),
        (
            "no emb_g",
            |f| drop(f.at("weight").remove("emb_g.weight")),
            Err(["emb_g.weight", ""]),
        ),
        (
            "no flow",
            |f| drop(f.at("weight").remove("flow.flows.4.pre.bias")),
            Err(["flow.flows.4.pre.bias of shape [8], found none", ""]),
        ),
        (
            "another shape",
            |f| {
                f.at("weight")
                    .set("dec.cond.bias", Py::half(&[31], &[0.0; 31]))
            },
            Err(["dec.cond.bias of shape [32], found [31]", ""]),
        ),
        (
            "whole numbers",
            |f| {
                f.at("weight")
                    .set("dec.cond.bias", Py::Long(vec![32], vec![0; 32]))
            },
            Err([
                "floating-point numbers in the tensor dec.cond.bias, found I64",
                "",
            ]),
        ),
        (
            "another layer",
            |f| f.at("weight").set("dec.ups.4.bias", Py::half(&[1], &[0.0])),
            Err(["found dec.ups.4.bias", ""]),
        ),
        (
            "a class",
            |f| {
                f.set(
                    "extra",
                    Py::Object("numpy.random", "Generator", vec![], Box::new(Py::None)),
                )
            },
            Err(["the class `numpy.random.Generator`", "state dict"]),
        ),
        (
            "weights alone",
            |f| *f = f.at("weight").clone(),
            Err(["weights without the list", "exported"]),
        ),
        (
            "generator",
            |f| {
                let weights = f.remove("weight").unwrap();
                *f = Py::dict([
                    ("model", weights),
                    ("iteration", Py::Int(9)),
                    ("optimizer", Py::dict([])),
                    ("learning_rate", Py::Float(1e-4)),
                ]);
            },
            Err([
                "training checkpoint of RVC: the generator (G_*.pth)",
                "assets/weights",
            ]),
        ),
        (
            "discriminator",
            |f| {
                let weights = Py::dict([("discriminators.0.convs.0.bias", Py::half(&[1], &[0.0]))]);
                *f = Py::dict([("model", weights), ("iteration", Py::Int(9))]);
            },
            Err(["the discriminator (D_*.pth)", "assets/weights"]),
        ),
        (
            "so-vits-svc 4",
            |f| {
                let weights = Py::dict([
                    ("emb_g.weight", Py::half(&[1, 1], &[0.0])),
                    ("pre.weight", Py::half(&[1], &[0.0])),
                    ("enc_p.f0_emb.weight", Py::half(&[1], &[0.0])),
                ]);
                *f = Py::dict([("model", weights), ("iteration", Py::Int(9))]);
            },
            Err(["one of so-vits-svc", "RVC version"]),
        ),
        (
            "HuBERT of fairseq",
            |f| {
                let weights = Py::dict([(
                    "feature_extractor.conv_layers.0.0.weight",
                    Py::half(&[1], &[0.0]),
                )]);
                let args = Py::Object("argparse", "Namespace", vec![], Box::new(Py::dict([])));
                *f = Py::dict([("args", args), ("model", weights)]);
            },
            Err(["HuBERT or ContentVec", ".pth"]),
        ),
        (
            "nothing",
            |f| *f = Py::dict([]),
            Err(["a file without tensors", ".pth"]),
        ),
        (
            "a list",
            |f| *f = Py::List(vec![]),
            Err(["a file without tensors", ".pth"]),
        ),
    ];
    for (what, change, expected) in table {
        let mut file = voice(&small());
        change(&mut file);
        match (read_file(&file), expected) {
            (Ok(found), Ok(is_right)) => assert!(is_right(&found), "{what}: {:?}", found.config),
            (Err(error), Err([message, remedy])) => {
                let said = error.to_string();
                assert!(said.contains(message), "{what}: {said}");
                assert!(
                    error.remedy().contains(remedy),
                    "{what}: {}",
                    error.remedy()
                );
            }
            (found, _) => panic!("{what}: {found:?}"),
        }
    }
    // What was not changed is what the table changes.
    assert_eq!(read_file(&voice(&small())).unwrap().config, small());
    assert!(matches!(config_list(&small()), Py::List(items) if items.len() == 18));
}

#[test]
fn files_of_other_kinds_are_named() {
    let good = save(&voice(&small()));
    let table: [(&str, Vec<u8>, &str, &str); 7] = [
        ("empty", vec![], "an empty file", "fetch the file again"),
        (
            "page",
            b"<!DOCTYPE html><html>".to_vec(),
            "a web page",
            "browser",
        ),
        (
            "cut",
            good[..good.len() / 2].to_vec(),
            "without its end",
            "fetch the file again",
        ),
        (
            "ONNX",
            b"\x08\x07\x12\x07pytorch".to_vec(),
            "an ONNX graph",
            "later version",
        ),
        (
            "index",
            b"IwFl\0\0\0\0".to_vec(),
            "a faiss index",
            "--index",
        ),
        (
            "sound",
            b"RIFF\0\0\0\0WAVEfmt ".to_vec(),
            "an audio file",
            ".pth",
        ),
        (
            "LFS",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "Git LFS",
            "git lfs pull",
        ),
    ];
    for (what, bytes, message, remedy) in table {
        let error = read_bytes(bytes).expect_err(what);
        assert!(error.to_string().contains(message), "{what}: {error}");
        assert!(
            error.remedy().contains(remedy),
            "{what}: {}",
            error.remedy()
        );
    }
}

//! Content encoders out of the files people have: every spelling of the names gives the same
//! network.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod parity;
mod tones;

use autovoice::io::checkpoint::{Checkpoint, DType, Limits, Tensor};
use autovoice::model::content::ContentConfig;
use autovoice::voice::models::{ModelKind, content_encoder, identify};
use std::collections::BTreeMap;
use tones::torch::{Py, save};

/// The sizes of the golden files.
const SMALL: ContentConfig = ContentConfig {
    conv: 32,
    hidden: 64,
    filter: 128,
    heads: 4,
    layers: 3,
    projected: 32,
};

type Tensors = BTreeMap<String, Tensor>;

fn encoder(checkpoint: &Checkpoint, config: &ContentConfig) -> Result<Tensors, String> {
    let tensors = content_encoder(checkpoint, config).map_err(|error| error.to_string())?;
    let read = |(name, tensor)| (name, checkpoint.tensor(&tensor).unwrap());
    Ok(tensors.into_iter().map(read).collect())
}

fn from_bytes(file: &Py) -> Checkpoint {
    Checkpoint::from_bytes(save(file), &Limits::default()).unwrap()
}

/// Around a state dictionary what fairseq saves beside it: objects of its own.
fn fairseq(model: Py) -> Py {
    let object = |module, name| {
        let state = Py::dict([("_content", Py::dict([("label_rate", Py::Int(50))]))]);
        Py::Object(module, name, vec![], Box::new(state))
    };
    Py::dict([
        ("args", object("argparse", "Namespace")),
        ("cfg", object("omegaconf.dictconfig", "DictConfig")),
        (
            "task_state",
            Py::dict([(
                "dictionaries",
                Py::List(vec![object("fairseq.data.dictionary", "Dictionary")]),
            )]),
        ),
        ("model", model),
        ("optimizer_history", Py::List(vec![])),
    ])
}

#[test]
fn every_spelling_gives_the_same_network() {
    let Some(folder) = parity::folder("hubert") else {
        return;
    };
    let open = |spelling: &str| {
        let path = folder.join(format!("hubert_small.{spelling}.safetensors"));
        Checkpoint::open(&path, &Limits::default()).unwrap()
    };
    let expected = encoder(&open("hf_weight_g"), &SMALL).unwrap();
    assert!(expected.contains_key("encoder.pos_conv_embed.conv.weight_v"));
    assert!(!expected.contains_key("masked_spec_embed"));
    assert_eq!(expected.len(), 7 + 2 + 4 + 3 + 2 + 3 * 16 + 2);
    for spelling in ["hf_parametrized", "fairseq_names"] {
        assert!(
            encoder(&open(spelling), &SMALL).unwrap() == expected,
            "{spelling}"
        );
    }
    // As torch files: bare, with a prefix, wrapped as fairseq does. Half precision stays.
    let names = open("fairseq_names");
    let halves = |prefix: &str, checkpoint: &Checkpoint| {
        let tensors = checkpoint.tensors("").map(|(name, tensor)| {
            let tensor = checkpoint.tensor(&tensor).unwrap();
            let half = Py::half(&tensor.shape, &tensor.to_f32());
            (format!("{prefix}{name}"), half)
        });
        Py::Dict(tensors.collect())
    };
    for file in [
        fairseq(halves("", &names)),
        halves("", &open("hf_weight_g")),
        halves("hubert.", &open("hf_parametrized")),
        halves("module.", &names),
    ] {
        let got = encoder(&from_bytes(&file), &SMALL).unwrap();
        assert_eq!(got.len(), expected.len());
        for (name, tensor) in got {
            assert_eq!(tensor.data.dtype(), DType::F16, "{name}");
            assert_eq!(tensor.shape, expected[&name].shape, "{name}");
            // The golden weights are exact in half precision.
            assert!(tensor.to_f32() == expected[&name].to_f32(), "{name}");
        }
    }

    // Without a final projection, or half of one; one tensor less; other sizes.
    let mut file = halves("", &names);
    file.remove("final_proj.weight");
    let error = encoder(&from_bytes(&file), &SMALL).unwrap_err();
    assert!(error.contains("no tensor final_proj.weight"), "{error}");
    file.remove("final_proj.bias");
    let got = encoder(&from_bytes(&file), &SMALL).unwrap();
    assert_eq!(got.len(), expected.len() - 2);
    file.remove("encoder.layers.1.fc1.bias");
    let error = encoder(&from_bytes(&file), &SMALL).unwrap_err();
    assert!(
        error.contains("encoder.layers.1.feed_forward.intermediate_dense.bias"),
        "{error}"
    );
    let error = encoder(&names, &ContentConfig::BASE).unwrap_err();
    assert!(
        error.contains("expected the weights of contentvec"),
        "{error}"
    );
    let error = identify(&names, &ModelKind::ALL).unwrap_err().to_string();
    assert!(
        error.contains("a HuBERT of 3 layers of 64 channels"),
        "{error}"
    );
}

/// A content encoder of full size in fairseq's names, every number the same.
#[cfg(feature = "cli")]
fn full() -> Py {
    let mut pairs = Vec::new();
    let mut add = |name: String, shape: &[usize]| {
        pairs.push((name, Py::Spread(shape.to_vec(), 0x3800)));
    };
    let mut layer = |name: &str, shape: &[usize]| {
        add(format!("{name}.weight"), shape);
        add(format!("{name}.bias"), &shape[..1]);
    };
    layer("feature_extractor.conv_layers.0.2", &[512]);
    layer("layer_norm", &[512]);
    layer("post_extract_proj", &[768, 512]);
    layer("encoder.layer_norm", &[768]);
    for at in 0..12 {
        let name = format!("encoder.layers.{at}");
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            layer(&format!("{name}.self_attn.{part}"), &[768, 768]);
        }
        layer(&format!("{name}.self_attn_layer_norm"), &[768]);
        layer(&format!("{name}.fc1"), &[3072, 768]);
        layer(&format!("{name}.fc2"), &[768, 3072]);
        layer(&format!("{name}.final_layer_norm"), &[768]);
    }
    layer("final_proj", &[256, 768]);
    for (at, taps) in [10, 3, 3, 3, 3, 2, 2].into_iter().enumerate() {
        let before = if at == 0 { 1 } else { 512 };
        add(
            format!("feature_extractor.conv_layers.{at}.0.weight"),
            &[512, before, taps],
        );
    }
    add("encoder.pos_conv.0.weight_g".to_owned(), &[1, 1, 128]);
    add("encoder.pos_conv.0.weight_v".to_owned(), &[768, 48, 128]);
    add("encoder.pos_conv.0.bias".to_owned(), &[768]);
    add("mask_emb".to_owned(), &[768]);
    add("label_embs_concat".to_owned(), &[504, 256]);
    Py::Dict(pairs)
}

#[test]
#[cfg(feature = "cli")]
fn the_command_takes_the_base() {
    let desk = tones::desk::Desk::new();
    let mut model = full();
    std::fs::write(desk.path("full.pt"), save(&fairseq(model.clone()))).unwrap();
    model.remove("final_proj.weight");
    model.remove("final_proj.bias");
    std::fs::write(desk.path("less.pt"), save(&fairseq(model))).unwrap();
    let import = |words: &[&str]| desk.run(&[&["models", "import"], words].concat());

    let run = import(&["contentvec", "less.pt"]).expect(0);
    assert!(run.stderr.contains("no final_proj"), "{}", run.stderr);
    let listed = || desk.run(&["models", "list", "--json"]).expect(0).json()["models"][3].clone();
    assert_eq!(listed()["kind"], "contentvec");
    assert!(listed()["lack"].as_str().unwrap().contains("v1 cannot"));
    let text = desk.run(&["models", "list"]).expect(0).stdout;
    assert!(text.contains("no final_proj"), "{text}");

    let run = import(&["contentvec", "full.pt", "--force"]).expect(0);
    assert_eq!(run.stderr, "");
    assert_eq!(listed()["lack"], serde_json::Value::Null);
    // Half precision stays: two bytes for each of 94.4 million values.
    assert!((188_000_000..189_500_000).contains(&listed()["bytes"].as_u64().unwrap()));
    let run = import(&["rmvpe", "full.pt"]).expect(1);
    assert!(
        run.stderr.contains("found those of contentvec"),
        "{}",
        run.stderr
    );
    let run = desk.run(&["voices", "import", "full.pt"]).expect(1);
    for words in [
        "found the model contentvec",
        "autovoice models import contentvec",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
}

//! The sizes of a voice, out of the list or the dictionary in its file. Lists have the order of
//! RVC's training script; VCClient's and rvc-webui's files have one more item, or names.

use super::RvcError;
use crate::io::checkpoint::Value;
use crate::model::rvc::{RvcConfig, Version};
use crate::preset::about::{MOST_LABEL, clean};
use crate::voice::tensors::TensorsError;

/// The items of the list before the last, which is the rate.
const NAMES: [&str; 17] = [
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
];
/// The most items of any list in it.
const MOST_ITEMS: usize = 64;

/// Names of content encoders that are ContentVec, whatever the number behind them.
const EMBEDDERS: [&str; 5] = [
    "contentvec",
    "contentvec_base",
    "hubert",
    "hubert_base",
    "hubert-base",
];
/// Names of the one vocoder.
const VOCODERS: [&str; 4] = ["hifi-gan", "hifigan", "nsf-hifi-gan", "hifi-gan-nsf"];

/// Refuses voices of generators and content encoders that are not ours.
pub(super) fn refuse_others(root: &Value) -> Result<(), RvcError> {
    if let Some(found) = text(root, "vocoder")
        && !VOCODERS.contains(&found.to_lowercase().as_str())
    {
        return Err(RvcError::Vocoder { found });
    }
    for key in ["embedder_model", "embedder_name"] {
        if let Some(found) = text(root, key) {
            let name = found.to_lowercase();
            let name = name.trim_end_matches("768").trim_end_matches("256");
            if !EMBEDDERS.contains(&name.trim_end_matches(['_', '-'])) {
                return Err(RvcError::Embedder { found });
            }
        }
    }
    Ok(())
}

fn text(root: &Value, key: &str) -> Option<String> {
    let text = clean(root.get(key)?.as_str()?, MOST_LABEL);
    Some(text).filter(|text| !text.is_empty())
}

/// Reads the sizes. `shape`: that of a tensor of the voice.
pub(super) fn read<'a>(
    root: &Value,
    sizes: &Value,
    shape: &dyn Fn(&str) -> Option<&'a [usize]>,
) -> Result<RvcConfig, RvcError> {
    let sizes = Sizes::new(sizes)?;
    let matrix = |name: &'static str| match shape(name) {
        Some(&[rows, columns]) => Ok((rows, columns)),
        Some(found) => Err(TensorsError::Shape {
            name: name.to_owned(),
            expected: vec![0, 0],
            found: found.to_vec(),
        }),
        None => Err(TensorsError::Missing {
            name: name.to_owned(),
            expected: vec![0, 0],
        }),
    };
    let (_, features) = matrix("enc_p.emb_phone.weight")?;
    let (speakers, _) = matrix("emb_g.weight")?;
    let version = version(root, &sizes, features)?;
    let has_pitch = match root.get("f0") {
        None | Some(Value::None) => true,
        Some(found) => match number(found) {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(wrong("f0 = 0 or 1", found)),
        },
    };
    match sizes.get("resblock")? {
        Value::Int(1) => {}
        Value::Str(text) if &**text == "1" => {}
        found => return Err(wrong("resblock 1", found)),
    }
    let config = RvcConfig {
        version,
        has_pitch,
        rate_hz: sizes.rate_hz()?,
        inter: sizes.size("inter_channels")?,
        hidden: sizes.size("hidden_channels")?,
        filter: sizes.size("filter_channels")?,
        heads: sizes.size("n_heads")?,
        layers: sizes.size("n_layers")?,
        kernel: sizes.size("kernel_size")?,
        resblock_kernels: sizes.list("resblock_kernel_sizes")?,
        resblock_dilations: sizes.lists("resblock_dilation_sizes")?,
        upsample_rates: sizes.list("upsample_rates")?,
        upsample_initial: sizes.size("upsample_initial_channel")?,
        upsample_kernels: sizes.list("upsample_kernel_sizes")?,
        speakers,
        gin: sizes.size("gin_channels")?,
    };
    config.check()?;
    Ok(config)
}

/// The version, held against the width of the features that the weights take.
fn version(root: &Value, sizes: &Sizes<'_>, features: usize) -> Result<Version, RvcError> {
    let of_width = |width: usize| match width {
        256 => Some(Version::V1),
        768 => Some(Version::V2),
        _ => None,
    };
    let layer = root.get("embedder_output_layer").and_then(number);
    let written = match (root.get("version"), sizes.embedding_channels()) {
        (None | Some(Value::None), Some(channels)) => of_width(channels),
        // Files of before there were versions.
        (None | Some(Value::None), None) => Some(Version::V1),
        (Some(found), _) => match found.as_str() {
            Some("v1") => Some(Version::V1),
            Some("v2") => Some(Version::V2),
            _ => {
                let found = found.as_str().unwrap_or(found.kind());
                let found = clean(found, MOST_LABEL);
                return Err(RvcError::Version { found });
            }
        },
    };
    let Some(version) = written.filter(|version| version.features() == features) else {
        let expected = written.unwrap_or(Version::V1);
        return Err(RvcError::Width {
            version: expected.name(),
            expected: expected.features(),
            found: features,
        });
    };
    let expected = match version {
        Version::V1 => 9,
        Version::V2 => 12,
    };
    match layer {
        Some(found) if found != expected => Err(RvcError::EmbedderLayer {
            features,
            expected,
            found,
        }),
        _ => Ok(version),
    }
}

/// The list or the dictionary.
struct Sizes<'a>(&'a Value);

impl<'a> Sizes<'a> {
    fn new(value: &'a Value) -> Result<Self, RvcError> {
        match (value.as_items(), value.as_dict()) {
            (Some(items), _) if items.len() == 18 || items.len() == 19 => Ok(Self(value)),
            (Some(items), _) => Err(RvcError::Sizes {
                expected: "18 items, or 19 with the channels of the features".to_owned(),
                found: items.len().to_string(),
            }),
            (None, Some(_)) => Ok(Self(value)),
            (None, None) => Err(wrong("a list of sizes", value)),
        }
    }

    fn find(&self, name: &str) -> Option<&'a Value> {
        match self.0.as_items() {
            Some(items) => items.get(NAMES.iter().position(|known| *known == name)?),
            None => self.0.get(name),
        }
    }

    fn get(&self, name: &str) -> Result<&'a Value, RvcError> {
        self.find(name).ok_or_else(|| RvcError::Sizes {
            expected: name.to_owned(),
            found: "nothing of that name".to_owned(),
        })
    }

    fn size(&self, name: &str) -> Result<usize, RvcError> {
        let found = self.get(name)?;
        size(found).ok_or_else(|| wrong(name, found))
    }

    fn list(&self, name: &str) -> Result<Vec<usize>, RvcError> {
        let found = self.get(name)?;
        list(found).ok_or_else(|| wrong(name, found))
    }

    fn lists(&self, name: &str) -> Result<Vec<Vec<usize>>, RvcError> {
        let found = self.get(name)?;
        let items = found.as_items().filter(|items| items.len() <= MOST_ITEMS);
        let lists = items.and_then(|items| items.iter().map(list).collect());
        lists.ok_or_else(|| wrong(name, found))
    }

    /// The rate in Hz: a number, or a text such as "40k".
    fn rate_hz(&self) -> Result<u32, RvcError> {
        let found = match self.0.as_items() {
            Some(items) => items.last(),
            None => ["sr", "sample_rate", "sampling_rate"]
                .iter()
                .find_map(|name| self.0.get(name)),
        };
        let nothing = Value::None;
        let found = found.unwrap_or(&nothing);
        let rate = match found.as_str().map(str::trim) {
            Some(text) => match text.strip_suffix(['k', 'K']) {
                Some(thousands) => (thousands.parse().ok()).and_then(|k: u32| k.checked_mul(1000)),
                None => text.parse().ok(),
            },
            None => number(found).and_then(|rate| rate.try_into().ok()),
        };
        rate.ok_or_else(|| wrong("a rate", found))
    }

    /// Channels of the features, which some files give.
    fn embedding_channels(&self) -> Option<usize> {
        match self.0.as_items() {
            Some(items) if items.len() == 19 => size(&items[17]),
            Some(_) => None,
            None => size(self.0.get("emb_channels")?),
        }
    }
}

fn wrong(expected: &str, found: &Value) -> RvcError {
    let found = match found {
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Str(text) => format!("\"{}\"", clean(text, MOST_LABEL)),
        other => other.kind().to_owned(),
    };
    RvcError::Sizes {
        expected: expected.to_owned(),
        found,
    }
}

/// A whole number, as such, as text or with a point.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Str(text) => text.trim().parse().ok(),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e9 => Some(*number as i64),
        other => other.as_int(),
    }
}

fn size(value: &Value) -> Option<usize> {
    number(value)?.try_into().ok()
}

fn list(value: &Value) -> Option<Vec<usize>> {
    let items = value.as_items().filter(|items| items.len() <= MOST_ITEMS)?;
    items.iter().map(size).collect()
}

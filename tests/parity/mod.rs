//! Golden tensors of reference implementations, read from the test material.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::path::{Path, PathBuf};

use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::nn::Weights;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The folder `parity/<name>` of `../shared`, or `None` with a loud note where it is missing.
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AUTOVOICE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let found = root.join("parity").join(name);
    if found.is_dir() {
        return Some(found);
    }
    eprintln!("SKIPPED: no {} (set AUTOVOICE_SHARED)", found.display());
    None
}

/// The tensors of one file.
pub struct Golden {
    bytes: Vec<u8>,
    name: String,
}

impl Golden {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.display().to_string();
        Self { bytes, name }
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// Shape and values of a tensor of `f32` or `f64`.
    pub fn get(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensors = self.tensors();
        let view = tensors.tensor(name);
        let view = view.unwrap_or_else(|e| panic!("{}: {name}: {e}", self.name));
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => data
                .as_chunks()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b))
                .collect(),
            Dtype::F64 => {
                let values = data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b));
                values.map(|x| x as f32).collect()
            }
            other => panic!("{}: {name} is {other:?}", self.name),
        };
        (view.shape().to_vec(), values)
    }

    /// The values of a tensor.
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.get(name).1
    }

    /// Whether there is such a tensor.
    pub fn has(&self, name: &str) -> bool {
        self.tensors().tensor(name).is_ok()
    }

    /// The values of a tensor of whole numbers.
    pub fn integers(&self, name: &str) -> Vec<i64> {
        let tensors = self.tensors();
        let view = tensors.tensor(name);
        let view = view.unwrap_or_else(|e| panic!("{}: {name}: {e}", self.name));
        assert_eq!(view.dtype(), Dtype::I64, "{name}");
        let values = view.data().as_chunks().0.iter();
        values.map(|b| i64::from_le_bytes(*b)).collect()
    }

    /// A text in the file's header.
    pub fn text(&self, key: &str) -> Option<String> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).unwrap();
        header.metadata().as_ref()?.get(key).cloned()
    }

    /// All tensors of floats, as weights.
    pub fn weights(&self) -> Weights {
        let tensors = self.tensors();
        let floats = tensors
            .iter()
            .filter(|(_, view)| view.dtype() == Dtype::F32);
        let named = floats.map(|(name, _)| {
            let (shape, values) = self.get(name);
            (name.to_owned(), shape, values)
        });
        Weights::new(named.collect::<Vec<_>>()).unwrap()
    }
}

/// Holds values against golden ones, and says how far off the worst is.
pub fn close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let mut worst = (0f32, 0);
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (got - want).abs();
        assert!(error.is_finite(), "{what}, value {at}: {got} for {want}");
        if error > worst.0 {
            worst = (error, at);
        }
    }
    println!(
        "{what}: at most {:.2e} off, allowed {tolerance:.0e}",
        worst.0
    );
    let at = worst.1;
    assert!(
        worst.0 <= tolerance,
        "{what}, value {at} of {}: {} for {}, allowed {tolerance}",
        got.len(),
        got[at],
        want[at]
    );
}

/// `[channels, pixels]` as `[pixels, channels]`.
pub fn channels_last(values: &[f32], channels: usize) -> Vec<f32> {
    let pixels = values.len() / channels;
    let at = |n: usize| values[n % channels * pixels + n / channels];
    (0..values.len()).map(at).collect()
}

/// The sizes in the list that RVC's files hold.
pub fn rvc_config(golden: &Golden) -> RvcConfig {
    let text = |key: &str| golden.text(key).unwrap();
    let list: Value = serde_json::from_str(&text("config")).unwrap();
    let number = |at: usize| list[at].as_u64().unwrap() as usize;
    let numbers = |value: &Value| -> Vec<usize> {
        let values = value.as_array().unwrap().iter();
        values.map(|n| n.as_u64().unwrap() as usize).collect()
    };
    let config = RvcConfig {
        version: match text("version").as_str() {
            "v1" => Version::V1,
            _ => Version::V2,
        },
        has_pitch: text("f0") == "1",
        rate_hz: number(17) as u32,
        inter: number(2),
        hidden: number(3),
        filter: number(4),
        heads: number(5),
        layers: number(6),
        kernel: number(7),
        resblock_kernels: numbers(&list[10]),
        resblock_dilations: list[11].as_array().unwrap().iter().map(numbers).collect(),
        upsample_rates: numbers(&list[12]),
        upsample_initial: number(13),
        upsample_kernels: numbers(&list[14]),
        speakers: number(15),
        gin: number(16),
    };
    config.check().unwrap();
    config
}

/// The base encoder's weights, under the names the encoder knows.
pub fn hubert_base(folder: &Path) -> Weights {
    let weights = recipe(&folder.join("hubert_base_full.recipe.json"));
    let renamed = weights.shapes().map(|(name, shape)| {
        let values = weights.root().get(name, shape).unwrap();
        let name = name
            .replace("parametrizations.weight.original0", "weight_g")
            .replace("parametrizations.weight.original1", "weight_v");
        (name, shape.to_vec(), values.to_vec())
    });
    Weights::new(renamed.collect::<Vec<_>>()).unwrap()
}

/// The weights of a recipe: seeded values instead of a file of them (parity/README.md).
pub fn recipe(path: &Path) -> Weights {
    Weights::new(recipe_tensors(path)).unwrap()
}

/// The same tensor by tensor, in the order of the recipe.
pub fn recipe_tensors(path: &Path) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let recipe: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(recipe["round"], "f16");
    let seed = recipe["seed"].as_str().unwrap();
    let tensors = recipe["tensors"].as_array().unwrap().iter().map(|tensor| {
        let name = tensor["name"].as_str().unwrap();
        let shape = tensor["shape"].as_array().unwrap().iter();
        let shape: Vec<usize> = shape.map(|n| n.as_u64().unwrap() as usize).collect();
        let (low, high) = (
            tensor["lo"].as_f64().unwrap(),
            tensor["hi"].as_f64().unwrap(),
        );
        let count = shape.iter().product();
        (name.to_owned(), shape, seeded(seed, name, count, low, high))
    });
    tensors.collect()
}

fn seeded(seed: &str, name: &str, count: usize, low: f64, high: f64) -> Vec<f32> {
    // FNV-1a, then SplitMix64.
    let hash = format!("{seed}/{name}")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| {
            (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    let value = |i: usize| {
        let mut z = hash.wrapping_add((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let u = (z >> 40) as f64 / (1u64 << 24) as f64;
        through_half((low + (high - low) * u) as f32)
    };
    (0..count).map(value).collect()
}

/// Rounded to the nearest value of half precision.
fn through_half(x: f32) -> f32 {
    if x == 0.0 {
        return x;
    }
    let exponent = ((x.to_bits() >> 23) & 0xff) as i32 - 127;
    let quantum = 2f32.powi(exponent.max(-14) - 10);
    (x / quantum).round_ties_even() * quantum
}

#[test]
fn seeded_values_are_those_of_the_test_vector() {
    let got = seeded("demo", "a", 4, -1.0, 1.0);
    assert_eq!(
        got,
        [0.586_914_06, 0.439_453_13, 0.835_449_2, -0.206_542_97]
    );
}

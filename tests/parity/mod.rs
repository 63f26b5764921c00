//! Golden tensors of reference implementations, read from the test material.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::path::{Path, PathBuf};

use autovoice::nn::Weights;
use safetensors::{Dtype, SafeTensors};

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

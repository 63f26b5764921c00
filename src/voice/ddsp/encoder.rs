//! The content encoder that voices of our own are trained with and need: the one in the program,
//! or another that the user has put beside the models of others. Which one a voice needs, its hash
//! says. Worker threads and the command line only: it allocates and waits for disks.

use super::texts::{self, Kind};
use crate::io::checkpoint::{Checkpoint, CheckpointError, Layout, Limits, TensorRef};
use crate::model::ddsp::{ConfigError, Encoder, EncoderConfig};
use crate::nn::Weights;
use crate::voice::models::{sha256_of, sha256_of_bytes};
use crate::voice::shipped;
use crate::voice::tensors::{TensorsError, pick, read_tensors};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// The name of another in a folder of models.
pub const FILE: &str = "content.safetensors";

/// Digits of a hash that are shown.
const SHOWN: usize = 12;

/// A content encoder.
#[derive(Debug)]
pub struct ContentEncoder {
    /// The hash of its file.
    pub sha256: String,
    /// Its network; clones share its weights.
    pub network: Encoder,
}

/// Why there is no content encoder for a voice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// The voice was made for another one.
    #[error(
        "expected the content encoder that the voice was trained with ({}…), found that of this \
         AutoVoice ({}…)",
        start(wanted),
        start(found)
    )]
    Other {
        /// The hash of the one it needs.
        wanted: String,
        /// The hash of the one that is built in.
        found: String,
        /// Where another one would be.
        path: Option<PathBuf>,
    },
    /// A file that is no content encoder of ours.
    #[error("expected a content encoder in {file}, found {found}")]
    Wrong {
        /// The file.
        file: String,
        /// What it is.
        found: String,
    },
    /// A file that cannot be read.
    #[error("expected a content encoder in {file}: {error}")]
    Tensors {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: TensorsError,
    },
    /// It does not fit the voice, whatever its hash.
    #[error("expected a content encoder with {expected}, found one with {found}")]
    Unfit {
        /// What the voice takes.
        expected: String,
        /// What it gives.
        found: String,
    },
}

fn start(sha256: &str) -> &str {
    sha256.get(..SHOWN).unwrap_or(sha256)
}

impl EncoderError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Other { path, .. } => {
                let keep = path.as_ref().map_or(String::new(), |path| {
                    format!(", or put the encoder's file at {}", path.display())
                });
                format!(
                    "use the AutoVoice that the voice was made for, or train it again with this \
                     one: autovoice train voice{keep}"
                )
            }
            Self::Wrong { file, .. } | Self::Tensors { file, .. } => {
                format!("remove {file}, or replace it with the file that autovoice train wrote")
            }
            Self::Unfit { .. } => "the voice's file is damaged: import it again".to_owned(),
        }
    }
}

impl ContentEncoder {
    /// The one with this hash: that of the program, or [`FILE`] in a folder of models. Read once for
    /// as long as anybody has it.
    ///
    /// # Errors
    /// [`EncoderError::Other`] where there is none of this hash.
    pub fn find(sha256: &str, models: Option<&Path>) -> Result<Arc<Self>, EncoderError> {
        let built_in = built_in();
        if built_in.sha256 == sha256 {
            return Ok(Arc::clone(built_in));
        }
        static KEPT: Mutex<Weak<ContentEncoder>> = Mutex::new(Weak::new());
        // Held while it is read, so that it is read once.
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoder) = kept.upgrade().filter(|encoder| encoder.sha256 == sha256) {
            return Ok(encoder);
        }
        let path = models.map(|models| models.join(FILE));
        let has_it = |path: &&PathBuf| sha256_of(path).is_ok_and(|(found, _)| found == sha256);
        if let Some(path) = path.as_ref().filter(has_it) {
            let encoder = Arc::new(Self::read_file(path, sha256)?);
            *kept = Arc::downgrade(&encoder);
            return Ok(encoder);
        }
        Err(EncoderError::Other {
            wanted: sha256.to_owned(),
            found: built_in.sha256.clone(),
            path,
        })
    }

    fn read_file(path: &Path, sha256: &str) -> Result<Self, EncoderError> {
        let file = path.display().to_string();
        let checkpoint = Checkpoint::open(path, &Limits::default());
        Self::read(checkpoint, file, sha256.to_owned())
    }

    fn read(
        checkpoint: Result<Checkpoint, CheckpointError>,
        file: String,
        sha256: String,
    ) -> Result<Self, EncoderError> {
        let wrong = |found: String| EncoderError::Wrong {
            file: file.clone(),
            found,
        };
        let damaged = |error: TensorsError| EncoderError::Tensors {
            file: file.clone(),
            error,
        };
        let checkpoint = checkpoint.map_err(|error| damaged(error.into()))?;
        let dilations = match checkpoint.layout() {
            Layout::Safetensors(texts) => match texts::kind(texts) {
                Some(Kind::Other(kind)) if kind == texts::ENCODER => texts::dilations(texts),
                _ => return Err(wrong("another file".to_owned())),
            },
            _ => return Err(wrong("another file".to_owned())),
        };
        // What only training needs is there, too.
        let found = checkpoint.tensors("");
        let found: HashMap<String, TensorRef> = found
            .filter(|(name, _)| name.starts_with("encoder."))
            .collect();
        let config = config(dilations.map_err(|error| wrong(error.to_string()))?, &found);
        config
            .check()
            .map_err(|ConfigError { found, .. }| wrong(found))?;
        let tensors = pick(config.shapes(), found)
            .and_then(|tensors| read_tensors(&checkpoint, &tensors))
            .map_err(damaged)?;
        let tensors = tensors.into_iter();
        let tensors = tensors.map(|(name, tensor)| (name, tensor.shape.clone(), tensor.into_f32()));
        let network = Weights::new(tensors).and_then(|weights| {
            // Names and shapes are those of these sizes.
            Encoder::new(&config, &weights.root())
        });
        Ok(Self {
            sha256,
            network: network.map_err(|error| wrong(error.to_string()))?,
        })
    }
}

/// The sizes of an encoder: its blocks are given, the rest is read off two shapes. Whether all
/// others are as they must be is seen later.
fn config(dilations: Vec<usize>, found: &HashMap<String, TensorRef>) -> EncoderConfig {
    let shape = |name: &str| found.get(name).map_or(&[][..], TensorRef::shape);
    let usual = EncoderConfig::default();
    let (width, taps) = match *shape("encoder.input.weight") {
        [width, _, taps] => (width, taps),
        _ => (usual.width, 2 * usual.ahead + 1),
    };
    EncoderConfig {
        ahead: taps / 2,
        width,
        dilations,
        content: match *shape("encoder.content.weight") {
            [content, _] => content,
            _ => usual.content,
        },
    }
}

/// The one in the program.
fn built_in() -> &'static Arc<ContentEncoder> {
    static READ: OnceLock<Arc<ContentEncoder>> = OnceLock::new();
    READ.get_or_init(|| {
        let bytes = shipped::ENCODER;
        let checkpoint = Checkpoint::from_bytes(bytes.to_vec(), &Limits::default());
        let encoder = ContentEncoder::read(checkpoint, FILE.to_owned(), sha256_of_bytes(bytes));
        Arc::new(encoder.expect("what ships was tested"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_can_be_read_and_is_found_by_its_hash() {
        let found = ContentEncoder::find(&built_in().sha256, None).expect("in the program");
        assert!(Arc::ptr_eq(&found, built_in()));
        let error = ContentEncoder::find(&"5e".repeat(32), None).expect_err("no such encoder");
        assert!(matches!(error, EncoderError::Other { .. }), "{error}");
    }
}

//! The models of others that AutoVoice can use: where they lie in the user's folder, how they get
//! there, and how the rest of the program loads them. Worker threads and the command line only:
//! everything here allocates and waits for disks. Never fetches anything itself.

mod content;
mod layout;
mod recognise;
#[cfg(test)]
mod tests;

use crate::io::checkpoint::{
    Checkpoint, CheckpointError, Layout, Limits, Tensor, write_safetensors,
};
use crate::io::folders::{self, NoHome};
pub use content::{content_encoder, load_content_encoder};
pub use layout::{content as content_tensors, crepe as crepe_tensors, rmvpe as rmvpe_tensors};
use recognise::{Recognised, recognise};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A model of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// The smallest CREPE pitch tracker, 0.5 million values.
    CrepeTiny,
    /// The largest CREPE pitch tracker, 22 million values.
    CrepeFull,
    /// The RMVPE pitch tracker, 90 million values.
    Rmvpe,
    /// The content encoder of RVC voices: ContentVec, or HuBERT base; 95 million values.
    ContentVec,
}

impl ModelKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::CrepeTiny,
        Self::CrepeFull,
        Self::Rmvpe,
        Self::ContentVec,
    ];

    /// Its name on the command line, which is that of its file too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CrepeTiny => "crepe-tiny",
            Self::CrepeFull => "crepe-full",
            Self::Rmvpe => "rmvpe",
            Self::ContentVec => "contentvec",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What to run to get it.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::CrepeTiny | Self::CrepeFull => "autovoice models fetch crepe",
            Self::ContentVec => "autovoice models fetch contentvec",
            Self::Rmvpe => "autovoice models import rmvpe FILE, with an rmvpe.pt you have",
        }
    }
}

/// A model that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It is not in the user's folder.
    #[error("expected the model {} at {path}, found none", kind.name())]
    Missing {
        /// The model.
        kind: ModelKind,
        /// Where it would be.
        path: PathBuf,
    },
    /// Its file in the user's folder cannot be read.
    #[error("expected the model {} at {path}: {error}", kind.name())]
    Damaged {
        /// The model.
        kind: ModelKind,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        error: CheckpointError,
    },
    /// A file holds another model or none.
    #[error("expected the weights of {expected}, found {found}")]
    Wrong {
        /// The models that were asked for.
        expected: String,
        /// What the file holds.
        found: String,
        /// The model it is, where it is one.
        kind: Option<ModelKind>,
    },
    /// A file is no checkpoint, or a damaged one.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// There is no place for the user's models.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// The user's folder cannot be written to.
    #[error("expected a writable folder for models, found: {0}")]
    Folder(io::Error),
}

impl ModelError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing { kind, .. } => format!("run: {}", kind.command()),
            Self::Damaged { kind, .. } => {
                format!("run it again with --force: {}", kind.command())
            }
            Self::Wrong {
                kind: Some(kind), ..
            } => format!("import it as what it is: {}", kind.name()),
            Self::Wrong { kind: None, .. } => {
                "choose the file its authors published, unchanged".to_owned()
            }
            Self::Checkpoint(error) => error.remedy().to_owned(),
            Self::NoHome(_) => format!("set {} to a folder", folders::HOME_VARIABLE),
            Self::Folder(_) => "check that the folder may be written to and is not full".to_owned(),
        }
    }
}

/// Where a model is in a folder of models.
#[must_use]
pub fn path_in(folder: &Path, kind: ModelKind) -> PathBuf {
    folder.join(format!("{}.safetensors", kind.name()))
}

/// Its recorded hash, in the form `sha256sum -c` reads.
fn hash_path(model: &Path) -> PathBuf {
    model.with_extension("safetensors.sha256")
}

/// The tensors of a model in the user's folder: name, shape and values, in the order of its
/// layers. Names and shapes are those of the network. Its hash is not checked: [`state`] does.
///
/// # Errors
/// [`ModelError::Missing`] when it is not there, with the command that gets it as the remedy;
/// [`ModelError::Damaged`] when it cannot be read.
pub fn load(
    kind: ModelKind,
) -> Result<impl Iterator<Item = (String, Vec<usize>, Vec<f32>)>, ModelError> {
    load_from(&folders::models()?, kind)
}

/// [`load`] from another folder.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    folder: &Path,
    kind: ModelKind,
) -> Result<impl Iterator<Item = (String, Vec<usize>, Vec<f32>)> + use<>, ModelError> {
    let path = path_in(folder, kind);
    if !path.exists() {
        return Err(ModelError::Missing { kind, path });
    }
    let damaged = |error| ModelError::Damaged {
        kind,
        path: path.clone(),
        error,
    };
    let checkpoint = Checkpoint::open(&path, &Limits::default()).map_err(damaged)?;
    let tensors = recognise::tensors_at(&checkpoint, "");
    let tensors = recognise::pick(kind, &tensors).map_err(|found| ModelError::Wrong {
        expected: kind.name().to_owned(),
        found: format!("{} with {found}", path.display()),
        kind: None,
    })?;
    let mut loaded = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let tensor = checkpoint.tensor(&tensor).map_err(damaged)?;
        loaded.push((name, tensor.shape.clone(), tensor.into_f32()));
    }
    Ok(loaded.into_iter())
}

/// Where weights came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, and the file in it where it is an archive.
    pub name: String,
    /// The hash of the file.
    pub sha256: String,
}

/// A model that was put into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Which it is.
    pub kind: ModelKind,
    /// Where it is.
    pub path: PathBuf,
    /// The size of its file.
    pub bytes: u64,
    /// The hash of its file.
    pub sha256: String,
    /// What cannot be done with it, where it is not complete.
    pub lack: Option<&'static str>,
}

/// Which of the accepted models a checkpoint is.
///
/// # Errors
/// [`ModelError::Wrong`] when it is none of them.
pub fn identify(checkpoint: &Checkpoint, accepted: &[ModelKind]) -> Result<ModelKind, ModelError> {
    recognised(checkpoint, accepted).map(|(kind, _)| kind)
}

type Tensors = Vec<(String, crate::io::checkpoint::TensorRef)>;

fn recognised(
    checkpoint: &Checkpoint,
    accepted: &[ModelKind],
) -> Result<(ModelKind, Tensors), ModelError> {
    let (found, kind) = match recognise(checkpoint) {
        Recognised::Model(kind, tensors) if accepted.contains(&kind) => {
            return Ok((kind, tensors));
        }
        Recognised::Model(kind, _) => (format!("those of {}", kind.name()), Some(kind)),
        Recognised::Other(found) => (found, None),
    };
    let names: Vec<&str> = accepted.iter().map(|kind| kind.name()).collect();
    Err(ModelError::Wrong {
        expected: names.join(" or "),
        found,
        kind,
    })
}

/// Puts a model into a folder, made if missing: the tensors it needs as safetensors, and the hash
/// of that file beside it. Replaces what is there; a failure leaves what was there.
///
/// # Errors
/// [`ModelError::Wrong`] when the checkpoint is none of the accepted models,
/// [`ModelError::Checkpoint`] when its tensors cannot be read or written, [`ModelError::Folder`]
/// when the folder cannot be written to.
pub fn install(
    folder: &Path,
    checkpoint: &Checkpoint,
    accepted: &[ModelKind],
    origin: &Origin,
) -> Result<Installed, ModelError> {
    let (kind, tensors) = recognised(checkpoint, accepted)?;
    let lack = lack_of(kind, &tensors);
    let mut read: Vec<(String, Tensor)> = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        read.push((name, checkpoint.tensor(&tensor)?));
    }
    let texts = [
        ("model", kind.name()),
        ("source", &origin.name),
        ("source_sha256", &origin.sha256),
    ];
    let texts = texts.map(|(key, text)| (key.to_owned(), text.to_owned()));
    std::fs::create_dir_all(folder).map_err(ModelError::Folder)?;
    let path = path_in(folder, kind);
    let hash = hash_path(&path);
    // A hash of the file that was there would make the new one look damaged.
    match std::fs::remove_file(&hash) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(ModelError::Folder(error));
        }
        _ => {}
    }
    write_safetensors(&path, &read, &BTreeMap::from(texts))?;
    drop(read);
    let (sha256, bytes) = sha256_of(&path).map_err(ModelError::Folder)?;
    let line = format!("{sha256}  {}.safetensors\n", kind.name());
    std::fs::write(&hash, line).map_err(ModelError::Folder)?;
    Ok(Installed {
        kind,
        path,
        bytes,
        sha256,
        lack,
    })
}

/// What cannot be done with a model of these tensors.
fn lack_of(kind: ModelKind, tensors: &Tensors) -> Option<&'static str> {
    let is_partial = kind == ModelKind::ContentVec
        && !(tensors.iter()).any(|(name, _)| content::is_projection(name));
    is_partial.then_some(content::NO_PROJECTION)
}

/// What is known of a model in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not there.
    Missing,
    /// It is there, whole.
    Ready {
        /// The size of its file.
        bytes: u64,
        /// The hash of its file, as recorded when it was put there.
        sha256: String,
        /// Where it came from, where its file says so.
        origin: Option<Origin>,
        /// What cannot be done with it, where it is not complete.
        lack: Option<&'static str>,
    },
    /// It is there and cannot be used.
    Damaged {
        /// What is wrong with it.
        found: String,
    },
}

/// Looks at a model: its names, its shapes and its hash. Reads all of its file.
#[must_use]
pub fn state(folder: &Path, kind: ModelKind) -> State {
    let path = path_in(folder, kind);
    if path.symlink_metadata().is_err() {
        return State::Missing;
    }
    let damaged = |found: String| State::Damaged { found };
    let checkpoint = match Checkpoint::open(&path, &Limits::default()) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return damaged(error.to_string()),
    };
    let lack = match recognised(&checkpoint, &[kind]) {
        Ok((kind, tensors)) => lack_of(kind, &tensors),
        Err(error) => return damaged(error.to_string()),
    };
    let (sha256, bytes) = match sha256_of(&path) {
        Ok(hashed) => hashed,
        Err(error) => return damaged(error.to_string()),
    };
    match std::fs::read_to_string(hash_path(&path)) {
        Ok(line) if line.split_whitespace().next() != Some(&sha256) => damaged(format!(
            "expected the recorded hash {}, found {sha256}",
            line.trim()
        )),
        // A file that was put there by hand has no recorded hash, and may be whole.
        _ => State::Ready {
            bytes,
            sha256,
            origin: origin(&checkpoint),
            lack,
        },
    }
}

fn origin(checkpoint: &Checkpoint) -> Option<Origin> {
    match checkpoint.layout() {
        Layout::Safetensors(texts) => Some(Origin {
            name: texts.get("source")?.clone(),
            sha256: texts.get("source_sha256")?.clone(),
        }),
        _ => None,
    }
}

/// The hash of a file in hexadecimal digits, and its size.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((hexadecimal(hasher), bytes))
}

/// The hash of bytes in hexadecimal digits.
#[must_use]
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(bytes);
    hexadecimal(hasher)
}

fn hexadecimal(hasher: Sha256) -> String {
    let mut digits = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

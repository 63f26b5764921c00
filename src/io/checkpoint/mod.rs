//! Checkpoints of other programs: safetensors, and what `torch.save` writes, in both of its
//! layouts. Nothing in them is executed: pickles are read as data against an allow-list, within
//! [`Limits`]. Tensors are read when asked for. Worker threads and the command line only: it
//! allocates and waits for disks.

mod error;
mod foreign;
mod limits;
mod pickle;
mod read;
mod safetensors;
mod source;
mod tensor;
mod torch;
mod value;
mod zip;

pub use error::CheckpointError;
pub use foreign::Foreign;
pub use limits::{DEEPEST, Limits};
pub use safetensors::write_safetensors;
pub use tensor::{DType, Tensor, TensorData, TensorRef};
pub use value::{Dict, Value};
pub use zip::ZipArchive;

use read::{Bytes, Storage};
use source::Source;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// A checkpoint: its values are in memory, its tensors in the file.
#[derive(Debug)]
pub struct Checkpoint {
    contents: Contents,
}

/// What each layout's reader finds.
#[derive(Debug)]
struct Contents {
    layout: Layout,
    root: Value,
    unknown: Vec<Arc<str>>,
    storages: Vec<Storage>,
    bytes: Bytes,
}

/// How a checkpoint is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `torch.save` since torch 1.6: a zip archive.
    TorchZip,
    /// `torch.save` before torch 1.6: pickles, then the storages.
    TorchLegacy,
    /// A pickle alone, without tensors.
    Pickle,
    /// Safetensors, with the texts in its header.
    Safetensors(BTreeMap<String, String>),
}

impl Checkpoint {
    /// Opens a file and reads all of it but its tensors.
    ///
    /// # Errors
    /// [`CheckpointError`] when it is no checkpoint, damaged or beyond the limits.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, CheckpointError> {
        Self::new(Source::open(path)?, limits)
    }

    /// The same from memory.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_bytes(bytes: Vec<u8>, limits: &Limits) -> Result<Self, CheckpointError> {
        Self::new(Source::memory(bytes), limits)
    }

    fn new(source: Source, limits: &Limits) -> Result<Self, CheckpointError> {
        let mut head = Vec::new();
        source
            .span(0, foreign::HEAD_BYTES as u64)
            .read_to_end(&mut head)?;
        let contents = match head.as_slice() {
            head if head.starts_with(zip::SIGNATURE) => torch::read_zip(source, limits),
            // The opcode PROTO, with a protocol that exists.
            [0x80, 2..=5, ..] => torch::read_pickles(source, limits),
            head if safetensors::looks_like(head, source.len()) => {
                safetensors::read(source, limits)
            }
            head => Err(CheckpointError::Foreign(foreign::describe(head))),
        };
        Ok(Self {
            contents: contents?,
        })
    }

    /// How the file is laid out.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.contents.layout
    }

    /// What the file holds.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.contents.root
    }

    /// Dotted names of the classes and functions the file names that are not known here, in
    /// alphabetical order. None was run; their objects are [`Value::Opaque`].
    pub fn unknown_classes(&self) -> impl Iterator<Item = &str> {
        self.contents.unknown.iter().map(|class| &**class)
    }

    /// Refuses a file that names classes other than these.
    ///
    /// # Errors
    /// [`CheckpointError::UnknownClass`] with the first of them.
    pub fn refuse_unknown_except(&self, accepted: &[&str]) -> Result<(), CheckpointError> {
        match self
            .unknown_classes()
            .find(|class| !accepted.contains(class))
        {
            None => Ok(()),
            Some(class) => Err(CheckpointError::UnknownClass {
                class: class.to_owned(),
            }),
        }
    }

    /// Reads one tensor of this checkpoint. Its elements are checked against the CRC of the
    /// archive where they are all of one of its files.
    ///
    /// # Errors
    /// [`CheckpointError`] when the file has changed, is damaged, or memory is short.
    pub fn tensor(&self, tensor: &TensorRef) -> Result<Tensor, CheckpointError> {
        let view = tensor.view();
        let end = view.offset as u64 + view.span as u64;
        let bytes = end.saturating_mul(view.dtype.bytes() as u64);
        match self.contents.storages.get(view.storage) {
            Some(storage) if bytes <= storage.bytes => self.contents.bytes.read(storage, tensor),
            _ => Err(CheckpointError::damaged(
                "a tensor of this checkpoint",
                "one of another",
            )),
        }
    }

    /// Every tensor below the value with this dotted name, all with an empty one: nested
    /// dictionaries and lists become dotted names without that prefix. Empty where there is no
    /// such value.
    pub fn tensors(&self, prefix: &str) -> impl Iterator<Item = (String, TensorRef)> + use<> {
        let mut parts = prefix.split('.').filter(|part| !part.is_empty());
        let value = parts.try_fold(self.root(), |value, part| value.get(part));
        let mut found = Vec::new();
        if let Some(value) = value {
            value.flatten("", &mut found);
        }
        found.into_iter()
    }
}

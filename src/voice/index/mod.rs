//! The index of an RVC voice: the content features it was trained on, to draw others to
//! (`model::retrieval`). A faiss file is converted once; what is left is a safetensors file that
//! is mapped, not read. Worker threads and the command line only.
//!
//! `index.safetensors` holds, all little-endian and each beginning at a multiple of its size:
//!
//! | tensor | type | shape |
//! |---|---|---|
//! | `centroids` | f32 | `[lists, dim]` |
//! | `offsets` | u64 | `[lists + 1]`: list `l` is `vectors[offsets[l] .. offsets[l + 1]]` |
//! | `vectors` | f32 | `[count, dim]`, list after list |
//! | `ids` | i64 | `[count]`, which the faiss file gave them |
//!
//! and in its metadata `format` (`autovoice-index-1`) and `source_sha256`.

mod error;
mod faiss;
mod import;
mod open;
mod stream;

pub use error::IndexError;
pub use import::{ImportedIndex, import};
pub use open::VoiceIndex;

/// What `format` says in the metadata of a file of ours.
const FORMAT: &str = "autovoice-index-1";

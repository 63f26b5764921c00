//! Audio files: WAV, FLAC, MP3 and OGG in; WAV and FLAC out; checkpoints of other programs; small
//! documents; files that can be made anew; files mapped into memory; and where a user's files lie. Worker
//! threads, the command line and, for documents, the GUI thread: everything here allocates and waits for
//! disks.

pub mod checkpoint;
mod document;
pub mod folders;
mod format;
mod kept;
mod mapped;
mod pending;
mod quantize;
mod read;
mod sniff;
mod write;

pub use document::{DocumentError, read_document, write_document};
pub use format::{BitDepth, Container};
pub use kept::KeptFiles;
pub use mapped::MappedFile;
pub use pending::NewFile;
pub use read::{AudioInfo, AudioReader, Damage, ReadError};
pub use write::{AudioWriter, Existing, OutputSpec, WriteError, Written};

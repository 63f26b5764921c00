//! What voices are made with and of: the user's models, the files of others that are voices, and
//! the library that keeps them, beside those that ship with the program. Worker threads and the command line only: it allocates and waits
//! for disks. What comes out of a file is a stranger's: bounded, checked, never followed as a
//! path.

pub mod ddsp;
mod error;
mod image;
pub mod index;
mod library;
mod metadata;
pub mod models;
pub mod rvc;
pub(crate) mod shipped;
mod starters;
pub mod tensors;
mod warm;

pub use error::VoiceError;
pub use library::{
    Damaged, Import, Imported, IndexChoice, Library, Listing, MOST_VOICES, Note, Place, Voice,
};
pub use metadata::{Metadata, VoiceModel};
pub use starters::{Starter, Starters};
pub use warm::away::{Load, Shelf, StreamMaker};
pub use warm::card::{ContentOnCard, OnCard};
pub use warm::kinds::{ContentKind, CrepeKind, Kind, RmvpeKind, VoiceKind};
pub use warm::tracker::{TrackerOnCard, TrackerSupply};
pub use warm::{EngineSetup, WarmError, WarmVoice};

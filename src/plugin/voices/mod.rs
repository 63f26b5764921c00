//! Converted voices in the plugin: which voice is in which slot, who loads them, and what is shown
//! of it. Nothing here runs on the audio thread but what says that it is real-time safe.
//!
//! [`VoiceMaker`] is what the plugin knows of voice files and networks; [`Stock`] keeps what
//! instances share of them; [`Rack`] is one instance's slots, with a loader thread of its own.

mod corners;
mod library;
mod loader;
mod maker;
mod rack;
mod saved;
mod shown;
mod stock;
mod warm;

pub use crate::bridge::SLOTS;
pub use corners::CornerState;
pub use library::{Voices, of_user};
pub use maker::{Imported, Listed, PerSetup, VoiceMaker, VoiceSetup, Warm};
pub use rack::{Connection, Rack};
pub use saved::Saved;
pub use shown::{Said, Shown, SlotShown, SlotState};
pub use stock::Stock;

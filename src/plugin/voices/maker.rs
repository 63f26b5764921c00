//! What the plugin knows of voice files and networks. Loader thread unless said otherwise: reads
//! files, allocates, may take seconds.

use crate::engine::{Engine, EngineSpec, Quality};
use crate::preset::VoiceRef;
use std::path::Path;
use std::sync::Arc;

/// What a voice's engine is built for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoiceSetup {
    /// How much it hears before it decides.
    pub quality: Quality,
}

/// A voice that can be put into a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name and hash.
    pub voice: VoiceRef,
    /// How many speakers it has, at least 1.
    pub speakers: usize,
    /// What else there is to know, for people; may be empty.
    pub about: String,
}

/// A file that was taken into the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The voice it became.
    pub voice: VoiceRef,
    /// What the musician should know of it.
    pub notes: Vec<String>,
}

/// Makes engines out of voices. Errors are texts for people that name the remedy.
pub trait VoiceMaker: Send + Sync {
    /// Every voice there is.
    ///
    /// # Errors
    /// Where they cannot be listed.
    fn list(&self) -> Result<Vec<Listed>, String>;

    /// Whether there is such a voice. Main and GUI threads, too: it may read small files only.
    fn holds(&self, voice: &VoiceRef) -> bool;

    /// What the engine will be, without loading its weights: the delay is worked out from it.
    /// Main thread, too: it may read small files only.
    ///
    /// # Errors
    /// Where the voice is not here or is of a kind that cannot be played.
    fn spec(&self, voice: &VoiceRef, setup: &VoiceSetup) -> Result<EngineSpec, String>;

    /// Reads the voice.
    ///
    /// # Errors
    /// Where the voice is not here, is damaged, or lacks a model it needs.
    fn load(&self, voice: &VoiceRef) -> Result<Arc<dyn Warm>, String>;

    /// Takes a voice file into the library.
    ///
    /// # Errors
    /// Where it is no voice; nothing has changed then.
    fn import(&self, file: &Path) -> Result<Imported, String>;
}

/// A voice in memory: its weights, from which engines are made without reading a file again.
pub trait Warm: Send + Sync {
    /// An engine of this voice, sharing its weights.
    ///
    /// # Errors
    /// Where it cannot be built for this setup.
    fn engine(&self, setup: &VoiceSetup) -> Result<Box<dyn Engine>, String>;
}

//! The RVC engine behind a voice of the library. Loader thread; [`spec`] on the main thread, too.

use super::maker::{VoiceSetup, Warm};
use crate::engine::EngineSpec;
use crate::voice::{Library, Voice, VoiceError};
use std::sync::Arc;

/// What the engine of a voice will be. Reads nothing.
///
/// # Errors
/// Where there is no such engine.
pub fn spec(_voice: &Voice, _setup: &VoiceSetup) -> Result<EngineSpec, String> {
    Err(not_yet())
}

/// A voice in memory.
///
/// # Errors
/// Where the voice is damaged, or a model that it needs is missing.
pub fn warm(voice: &Voice) -> Result<Arc<dyn Warm>, String> {
    let said = |error: VoiceError| format!("{error}; {}", error.remedy());
    let (_config, _weights) = Library::load(voice).map_err(said)?;
    Err(not_yet())
}

fn not_yet() -> String {
    "expected an engine for RVC voices, found none in this build; use a newer one".to_owned()
}

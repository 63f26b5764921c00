//! The RVC engine behind a voice of the library. Loader thread; [`spec`] on the main thread, too.

use super::maker::{VoiceSetup, Warm};
use crate::engine::rvc::{Reach, Search};
use crate::engine::{Engine, EngineSpec};
use crate::voice::{EngineSetup, Voice, WarmError, WarmVoice};
use std::sync::Arc;

/// The seed of the noise: one for all, so that a bounce is the same every time.
const SEED: u64 = 0;

/// What the engine of a voice will be. Reads nothing.
#[must_use]
pub fn spec(voice: &Voice, setup: &VoiceSetup) -> EngineSpec {
    Reach::of(setup.quality).spec(&voice.metadata.config)
}

/// A voice in memory.
///
/// # Errors
/// Where the voice is damaged, or a model that it needs is missing.
pub fn warm(voice: &Voice) -> Result<Arc<dyn Warm>, String> {
    let warm = WarmVoice::load(voice).map_err(|error| said(&error))?;
    Ok(Arc::new(warm))
}

impl Warm for WarmVoice {
    fn engine(&self, setup: &VoiceSetup) -> Result<Box<dyn Engine>, String> {
        let setup = EngineSetup {
            reach: Reach::of(setup.quality),
            seed: SEED,
            search: Search::NearestList,
        };
        Self::engine(self, &setup).map_err(|error| said(&error))
    }
}

fn said(error: &WarmError) -> String {
    format!("{error}; {}", error.remedy())
}

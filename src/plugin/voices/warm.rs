//! The engine behind a voice of the library. Loader thread; [`spec`] on the main thread, too.

use super::maker::{VoiceSetup, Warm};
use crate::engine::ddsp::{Company, Speaker};
use crate::engine::rvc::{Reach, Search};
use crate::engine::{Engine, EngineSpec};
use crate::voice::{EngineSetup, Voice, WarmError, WarmVoice};
use std::path::Path;
use std::sync::Arc;

/// The seed of the noise: one for all, so that a bounce is the same every time.
const SEED: u64 = 0;

/// What the engine of a voice will be. Reads nothing.
#[must_use]
pub fn spec(voice: &Voice, setup: &VoiceSetup) -> EngineSpec {
    voice.spec(reach(setup))
}

/// How far a voice of RVC looks; one of our own looks as far as it was trained to.
fn reach(setup: &VoiceSetup) -> Reach {
    Reach::of(setup.quality).on(setup.threads)
}

/// A voice in memory, with the content encoder of this folder of models, or the user's.
///
/// # Errors
/// Where the voice is damaged, or a model that it needs is missing.
pub fn warm(voice: &Voice, models: Option<&Path>) -> Result<Arc<dyn Warm>, String> {
    let warm = match models {
        Some(models) => WarmVoice::load_with(voice, models),
        None => WarmVoice::load(voice),
    };
    Ok(Arc::new(warm.map_err(|error| said(&error))?))
}

impl Warm for WarmVoice {
    fn engine(&self, setup: &VoiceSetup) -> Result<Box<dyn Engine>, String> {
        Warm::engine_among(self, setup, Company::default())
    }

    fn encoder(&self) -> Option<&str> {
        Self::encoder(self)
    }

    fn speaker(&self) -> Option<Speaker> {
        Self::speaker(self)
    }

    fn engine_among(
        &self,
        setup: &VoiceSetup,
        company: Company,
    ) -> Result<Box<dyn Engine>, String> {
        let setup = EngineSetup {
            reach: reach(setup),
            seed: SEED,
            search: Search::NearestList,
        };
        Self::engine_among(self, &setup, company).map_err(|error| said(&error))
    }
}

fn said(error: &WarmError) -> String {
    format!("{error}; {}", error.remedy())
}

//! The maker over the user's voice library. Loader thread, but for what [`VoiceMaker`] says.

use super::maker::{Listed, VoiceMaker, VoiceSetup, Warm};
use super::stock::Stock;
use crate::engine::EngineSpec;
use crate::preset::VoiceRef;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The user's voices, shared by every instance in this process.
#[must_use]
pub fn of_user() -> Arc<Stock> {
    static STOCK: OnceLock<Arc<Stock>> = OnceLock::new();
    let stock = STOCK.get_or_init(|| Arc::new(Stock::new(Box::new(UserVoices))));
    Arc::clone(stock)
}

struct UserVoices;

fn not_here(voice: &VoiceRef) -> String {
    format!(
        "expected the voice \"{}\" in the library, found none of that name; import its file, or \
         choose another voice",
        voice.name
    )
}

impl VoiceMaker for UserVoices {
    fn list(&self) -> Result<Vec<Listed>, String> {
        Ok(Vec::new())
    }

    fn holds(&self, _voice: &VoiceRef) -> bool {
        false
    }

    fn spec(&self, voice: &VoiceRef, _setup: &VoiceSetup) -> Result<EngineSpec, String> {
        Err(not_here(voice))
    }

    fn load(&self, voice: &VoiceRef) -> Result<Arc<dyn Warm>, String> {
        Err(not_here(voice))
    }

    fn import(&self, file: &Path) -> Result<VoiceRef, String> {
        Err(format!("expected a voice file, found {}", file.display()))
    }
}

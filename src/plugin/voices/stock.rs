//! What the instances of one process share: the maker of voices, and voices that somebody has in
//! memory already. Loader threads; the lock is held for as long as a look takes, a voice's own for
//! as long as it is read.

use super::maker::{Imported, Listed, PerSetup, VoiceMaker, Warm};
use crate::engine::EngineSpec;
use crate::preset::VoiceRef;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

type Shelf = Arc<Mutex<Option<Weak<dyn Warm>>>>;

/// See the module. A maker that panics has failed, nothing more.
pub struct Stock {
    maker: Box<dyn VoiceMaker>,
    warm: Mutex<HashMap<String, Shelf>>,
}

impl Stock {
    /// Voices of this maker.
    #[must_use]
    pub fn new(maker: Box<dyn VoiceMaker>) -> Self {
        Self {
            maker,
            warm: Mutex::default(),
        }
    }

    /// As [`VoiceMaker::list`].
    ///
    /// # Errors
    /// As there.
    pub fn list(&self) -> Result<Vec<Listed>, String> {
        guarded(|| self.maker.list())
    }

    /// As [`VoiceMaker::holds`].
    #[must_use]
    pub fn holds(&self, voice: &VoiceRef) -> bool {
        guarded(|| Ok(self.maker.holds(voice))).unwrap_or(false)
    }

    /// As [`VoiceMaker::specs`].
    ///
    /// # Errors
    /// As there.
    pub fn specs(&self, voice: &VoiceRef) -> Result<PerSetup<EngineSpec>, String> {
        guarded(|| self.maker.specs(voice))
    }

    /// As [`VoiceMaker::import`].
    ///
    /// # Errors
    /// As there.
    pub fn import(&self, file: &Path) -> Result<Imported, String> {
        guarded(|| self.maker.import(file))
    }

    /// The voice in memory: the one that another instance has, or read now. Two that ask for the
    /// same one at once get the same one.
    ///
    /// # Errors
    /// As [`VoiceMaker::load`].
    pub fn load(&self, voice: &VoiceRef) -> Result<Arc<dyn Warm>, String> {
        let key = voice.sha256.clone().unwrap_or_else(|| voice.name.clone());
        let shelf = {
            let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody has, and nobody is about to have, are forgotten.
            warm.retain(|_, shelf| {
                Arc::strong_count(shelf) > 1 || shelf.try_lock().is_ok_and(|held| is_alive(&held))
            });
            warm.entry(key).or_default().clone()
        };
        let mut held = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(warm) = held.as_ref().and_then(Weak::upgrade) {
            return Ok(warm);
        }
        let warm = guarded(|| self.maker.load(voice))?;
        *held = Some(Arc::downgrade(&warm));
        Ok(warm)
    }
}

fn is_alive(held: &Option<Weak<dyn Warm>>) -> bool {
    held.as_ref().is_some_and(|warm| warm.strong_count() > 0)
}

/// Runs code that is not ours to trust: files of strangers, and networks made of them.
pub fn guarded<T>(body: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(
            "expected the voice to load, found a fault of AutoVoice in it; load it again, and \
             report it if it happens twice"
                .to_owned(),
        )
    })
}

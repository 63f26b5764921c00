//! Where a voice's networks run, as its keeper, its engine and whoever shows it see it. Any thread but the
//! audio thread; what the inference thread touches is atomic.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::{Place, Whereabouts};

/// See the module.
#[derive(Debug, Default)]
pub struct Status {
    /// Whether the device is what is heard. Written by the engine.
    is_heard: AtomicBool,
    /// Whether a voice on a device is to be given back. Written by the keeper.
    is_unwanted: AtomicBool,
    /// Whether the engine is gone.
    is_over: AtomicBool,
    texts: Mutex<Texts>,
}

/// What the keeper says.
#[derive(Clone, Debug, Default)]
struct Texts {
    device: String,
    note: Option<String>,
}

impl Status {
    pub(super) fn hear(&self, is_heard: bool) {
        self.is_heard.store(is_heard, Ordering::Release);
    }

    pub(super) fn is_unwanted(&self) -> bool {
        self.is_unwanted.load(Ordering::Acquire)
    }

    pub(super) fn want(&self, is_wanted: bool) {
        self.is_unwanted.store(!is_wanted, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// What the device is called, once a voice is on it.
    pub(super) fn name(&self, device: String) {
        self.texts().device = device;
    }

    /// What the user is to know.
    pub(super) fn say(&self, note: Option<String>) {
        self.texts().note = note;
    }

    fn texts(&self) -> MutexGuard<'_, Texts> {
        // A poisoned lock only means that another writer panicked; the texts are still whole.
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Whereabouts for Status {
    fn place(&self) -> Place {
        let texts = self.texts().clone();
        let is_away = self.is_heard.load(Ordering::Acquire);
        Place {
            device: is_away.then_some(texts.device),
            note: texts.note,
        }
    }
}

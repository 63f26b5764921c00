//! Where a voice's networks run, as its keeper, its engine and whoever shows it see it. Any thread but the
//! audio thread; what the inference thread touches is atomic.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::meter::Meter;
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
    /// What is taken of the device, by all of this process.
    meter: Option<Arc<Meter>>,
    note: Option<String>,
}

impl Texts {
    /// The device, with what is taken of it now.
    fn device(&self) -> String {
        let gigabytes = |bytes: usize| bytes as f64 / 1e9;
        let taken = self.meter.as_ref().map(|meter| {
            let (used, limit) = (gigabytes(meter.used()), gigabytes(meter.limit()));
            format!(", {used:.1} of {limit:.1} GB")
        });
        self.device.clone() + &taken.unwrap_or_default()
    }
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

    /// What the device is called, once a voice is on it, and what is taken of it.
    pub(super) fn name(&self, device: String, meter: Option<Arc<Meter>>) {
        let mut texts = self.texts();
        (texts.device, texts.meter) = (device, meter);
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
            device: is_away.then(|| texts.device()),
            note: texts.note,
        }
    }
}

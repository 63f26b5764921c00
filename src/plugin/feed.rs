//! What the plugin shows to whoever draws it. Written by the audio path, read by the editor's
//! thread; the lock is taken by the editor's and the main thread only, never by the audio thread.

use super::params::Wanted;
use crate::bridge::{Meters, MetersIn, MetersOut, meters};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The reading end of the newest audio path, and what happened outside of it.
pub struct Feed {
    meters: Mutex<MetersOut>,
    built_for: Mutex<Option<Wanted>>,
    glue_panicked: AtomicBool,
}

impl Default for Feed {
    fn default() -> Self {
        let (_, out) = meters();
        Self {
            meters: Mutex::new(out),
            built_for: Mutex::new(None),
            glue_panicked: AtomicBool::new(false),
        }
    }
}

impl Feed {
    /// The writing end for a new audio path built for this; what an older path writes is no
    /// longer seen. Allocates.
    #[must_use]
    pub fn connect(&self, wanted: Wanted) -> MetersIn {
        let (write, read) = meters();
        *self.meters.lock().unwrap_or_else(PoisonError::into_inner) = read;
        *self
            .built_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(wanted);
        self.glue_panicked.store(false, Ordering::Relaxed);
        write
    }

    /// The newest snapshot. Not for the audio thread.
    #[must_use]
    pub fn newest(&self) -> Meters {
        let mut out = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest = *out.read();
        newest.panicked |= self.glue_panicked.load(Ordering::Relaxed);
        newest
    }

    /// What the newest audio path was built for; `None` before the first. Not for the audio
    /// thread.
    #[must_use]
    pub fn built_for(&self) -> Option<Wanted> {
        *self
            .built_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a panic was caught outside the audio path. Real-time safe.
    pub fn note_panic(&self) {
        self.glue_panicked.store(true, Ordering::Relaxed);
    }
}

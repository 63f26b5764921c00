//! What the audio thread, the worker and the front end know of each other without waiting.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use atomic_float::AtomicF32;

use crate::engine::Controls;

/// Voice slots that a worker can hold: slots 1 to 4.
pub const VOICES: usize = 4;

/// State shared by one bridge's threads. Everything but the failures is atomic.
#[derive(Debug, Default)]
pub struct Shared {
    /// Instant up to which the audio thread has put out, in frames. Written by the audio thread;
    /// the worker reads it to see how old its input is.
    pub now: AtomicU64,
    /// Bit per slot: a voice is installed and has not failed. Written by worker and loader; the
    /// audio thread reads it to know whether a slot can be heard.
    pub playable: AtomicU32,
    /// Input frames the worker threw away because their time had passed. Written by the worker.
    pub skipped_frames: AtomicU64,
    /// Share of the hop period spent in the engine, smoothed. Written by the worker.
    pub worker_load: AtomicF32,
    /// Whether the worker has real-time priority. Written by the worker thread at its start.
    pub realtime_priority: AtomicBool,
    /// Tells the worker thread to end. Written by its owner.
    pub stop: AtomicBool,
    /// Why engines failed, with the remedy. Written by worker and loader, read by the front end;
    /// never touched by the audio thread.
    failures: Mutex<Failures>,
}

/// Why engines failed.
#[derive(Debug, Default)]
struct Failures {
    last: Option<String>,
    /// By slot, until another voice takes it.
    slots: [Option<String>; VOICES],
}

impl Shared {
    /// Whether the voice in this slot (1..=4) can be heard. Real-time safe.
    pub fn is_playable(&self, slot: usize) -> bool {
        (1..=VOICES).contains(&slot) && self.playable.load(Ordering::Acquire) & (1 << slot) != 0
    }

    /// Marks the voice in this slot (1..=4).
    pub fn set_playable(&self, slot: usize, playable: bool) {
        match playable {
            true => self.playable.fetch_or(1 << slot, Ordering::AcqRel),
            false => self.playable.fetch_and(!(1 << slot), Ordering::AcqRel),
        };
    }

    /// Tells the front end why the voice of this slot (1..=4) failed; `None` if it has left its slot
    /// already. Locks: not for the audio thread.
    pub fn report(&self, slot: Option<usize>, message: String) {
        let mut failures = self.failures();
        if let Some(failure) = slot.and_then(|slot| failures.slots.get_mut(slot - 1)) {
            *failure = Some(message.clone());
        }
        failures.last = Some(message);
    }

    /// Another voice takes this slot (1..=4): what the last one did there is over. Locks: not for
    /// the audio thread.
    pub fn forget(&self, slot: usize) {
        if let Some(failure) = self.failures().slots.get_mut(slot - 1) {
            *failure = None;
        }
    }

    /// Why the voice in this slot (1..=4) failed. Locks: not for the audio thread.
    pub fn failure(&self, slot: usize) -> Option<String> {
        self.failures().slots.get(slot.checked_sub(1)?)?.clone()
    }

    /// The last message. Locks: not for the audio thread.
    pub fn message(&self) -> Option<String> {
        self.failures().last.clone()
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        // A poisoned lock only means that another writer panicked; the texts are still whole.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Controls and slot from an instant on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamped {
    /// First frame they hold for.
    pub time: u64,
    /// Voice slot, 1..=4.
    pub slot: usize,
    /// What the engine is told.
    pub controls: Controls,
}

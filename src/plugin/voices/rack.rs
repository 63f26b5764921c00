//! One instance's slots: what is wanted in them, from whatever thread, and what came of it. The
//! work is the loader thread's, which runs while there is something to do for it.
//!
//! The lock is held to copy a few names and never while a file is read. The audio thread does not
//! take it: it asks [`Rack::restarts`] alone.

use super::loader;
use super::maker::VoiceSetup;
use super::saved::Saved;
use super::shown::{Said, Shown, SlotState};
use super::stock::Stock;
use crate::bridge::{HostConfig, SLOTS, Voices};
use crate::engine::{EngineSpec, ddsp};
use crate::preset::{Corners, VoiceRef};
use nice_plug::params::persist::PersistentField;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What an audio path offers to voices.
pub struct Connection {
    /// How the host runs it.
    pub host: HostConfig,
    /// The engine on the audio thread.
    pub direct: EngineSpec,
    /// What engines are to be built for.
    pub setup: VoiceSetup,
    /// The way to the worker; `None` where the path was built without one.
    pub voices: Option<Voices>,
}

/// A file to be taken in, and the slot for it.
pub(super) struct Import {
    pub file: PathBuf,
    pub slot: Option<usize>,
}

/// What is wanted of the loader.
#[derive(Default)]
pub(super) struct Desk {
    pub slots: [Option<VoiceRef>; SLOTS],
    /// Slots whose voice is to be loaded anew.
    pub again: [bool; SLOTS],
    /// Another audio path, or none.
    pub connection: Option<Option<Connection>>,
    pub imports: VecDeque<Import>,
    pub is_list_wanted: bool,
    /// Counts wishes, and up to which one they were fulfilled.
    pub asked: u64,
    pub done: u64,
    pub has_thread: bool,
    pub is_over: bool,
}

/// What a rack and its loader share.
pub(super) struct Inner {
    pub stock: Arc<Stock>,
    desk: Mutex<Desk>,
    bell: Condvar,
    shown: Mutex<Arc<Shown>>,
    restarts: AtomicU64,
    is_busy: AtomicBool,
}

impl Inner {
    pub fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until somebody wants something.
    pub fn wait<'a>(&self, desk: MutexGuard<'a, Desk>) -> MutexGuard<'a, Desk> {
        self.bell.wait(desk).unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for at most so long.
    pub fn wait_for<'a>(
        &self,
        desk: MutexGuard<'a, Desk>,
        time: std::time::Duration,
    ) -> MutexGuard<'a, Desk> {
        let waited = self.bell.wait_timeout(desk, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wishes up to this one are fulfilled.
    pub fn done(&self, number: u64) {
        let mut desk = self.desk();
        desk.done = number;
        self.is_busy
            .store(desk.done < desk.asked, Ordering::Release);
        self.bell.notify_all();
    }

    /// Nobody works here any more; the next wish starts another thread.
    pub fn thread_ended(&self) {
        let mut desk = self.desk();
        desk.has_thread = false;
        self.is_busy.store(false, Ordering::Release);
        self.bell.notify_all();
    }

    pub fn shown(&self) -> Arc<Shown> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shown)
    }

    pub fn show(&self, new: Shown) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if **shown != new {
            *shown = Arc::new(new);
        }
    }

    /// The audio path does not suffice.
    pub fn ask_for_restart(&self) {
        self.restarts.fetch_add(1, Ordering::AcqRel);
    }
}

/// See the module.
pub struct Rack(Arc<Inner>);

impl Rack {
    /// Empty slots for voices of this stock.
    #[must_use]
    pub fn new(stock: Arc<Stock>) -> Self {
        Self(Arc::new(Inner {
            stock,
            desk: Mutex::default(),
            bell: Condvar::new(),
            shown: Mutex::default(),
            restarts: AtomicU64::new(0),
            is_busy: AtomicBool::new(false),
        }))
    }

    /// What is shown of it. Not for the audio thread.
    #[must_use]
    pub fn shown(&self) -> Arc<Shown> {
        self.0.shown()
    }

    /// Grows whenever a voice needs another audio path. Real-time safe.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.0.restarts.load(Ordering::Acquire)
    }

    /// Puts a voice into a slot, 1..=4, or empties it. A voice that is there already and failed is
    /// tried again.
    pub fn put(&self, slot: usize, voice: Option<VoiceRef>) {
        let Some(at) = slot.checked_sub(1).filter(|at| *at < SLOTS) else {
            return;
        };
        self.ask(|desk| {
            desk.again[at] = desk.slots[at] == voice;
            desk.slots[at] = voice;
        });
    }

    /// The voice in a slot, 1..=4.
    #[must_use]
    pub fn voice_in(&self, slot: usize) -> Option<VoiceRef> {
        self.0.desk().slots.get(slot.checked_sub(1)?)?.clone()
    }

    /// Where a voice is, 1..=4.
    #[must_use]
    pub fn slot_of(&self, voice: &VoiceRef) -> Option<usize> {
        let desk = self.0.desk();
        let is_it = |held: &Option<VoiceRef>| held.as_ref().is_some_and(|held| held.is(voice));
        desk.slots.iter().position(is_it).map(|at| at + 1)
    }

    /// Where a voice is after it was put into a slot if need be: into the one selected, or where
    /// none is (0) into the first that is empty. `None` if there is no such voice.
    pub fn take_in(&self, voice: &VoiceRef, selected: usize) -> Option<usize> {
        if let Some(slot) = self.slot_of(voice) {
            return Some(slot);
        }
        if !self.0.stock.holds(voice) {
            return None;
        }
        let slot = match selected {
            1..=SLOTS => selected,
            _ => {
                let desk = self.0.desk();
                let empty = desk.slots.iter().position(Option::is_none);
                empty.map_or(1, |at| at + 1)
            }
        };
        self.put(slot, Some(voice.clone()));
        Some(slot)
    }

    /// Puts the voices of a preset to the corners of the morph pad, and takes away who else would
    /// be heard there: voices of our own where the preset has none. Those that are not here.
    /// Main and GUI threads: it reads small files.
    pub fn take_corners(&self, corners: &Corners) -> Vec<VoiceRef> {
        let mut missing = Vec::new();
        for (at, wanted) in corners.iter().enumerate() {
            let held = self.voice_in(at + 1);
            let is_there = wanted.as_ref().zip(held.as_ref());
            if is_there.is_some_and(|(wanted, held)| held.is(wanted)) {
                continue;
            }
            match wanted {
                Some(voice) if self.0.stock.holds(voice) => self.put(at + 1, wanted.clone()),
                wanted => {
                    missing.extend(wanted.clone());
                    if held.is_some_and(|held| self.is_ours(&held)) {
                        self.put(at + 1, None);
                    }
                }
            }
        }
        missing
    }

    /// Whether these voices are at their corners.
    #[must_use]
    pub fn has_corners(&self, corners: &Corners) -> bool {
        let desk = self.0.desk();
        let mut corners = desk.slots.iter().zip(corners);
        corners.all(|(held, wanted)| match (held, wanted) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(held), Some(wanted)) => held.is(wanted),
        })
    }

    /// Whether a voice can be morphed, as far as is known without reading it.
    fn is_ours(&self, voice: &VoiceRef) -> bool {
        let specs = self.0.stock.specs(voice);
        let setup = VoiceSetup::default();
        specs.is_ok_and(|specs| {
            specs
                .get(&setup)
                .is_some_and(|spec| spec.name == ddsp::NAME)
        })
    }

    /// What of the slots a preset of a morph has to hold: the voices that can be morphed with that
    /// in the slot selected, and those of which it is not known yet.
    #[must_use]
    pub fn corners(&self, selected: usize) -> Corners {
        let shown = self.shown();
        let encoder = shown.slot(selected).and_then(|slot| slot.encoder.as_ref());
        std::array::from_fn(|at| {
            let slot = &shown.slots[at];
            let is_other = slot.state == SlotState::Ready && slot.encoder.as_ref() != encoder;
            self.voice_in(at + 1).filter(|_| !is_other)
        })
    }

    /// Takes a file into the library and, if a slot is named, into that slot.
    pub fn import(&self, file: PathBuf, slot: Option<usize>) {
        self.ask(|desk| desk.imports.push_back(Import { file, slot }));
    }

    /// Looks for the voices there are.
    pub fn list(&self) {
        self.ask(|desk| desk.is_list_wanted = true);
    }

    /// What the voices wanted now are, for the delay of an audio path; those that cannot be played
    /// do not count. Main thread: reads small files.
    #[must_use]
    pub fn specs(&self, setup: &VoiceSetup) -> Vec<EngineSpec> {
        let slots = self.0.desk().slots.clone();
        let voices = slots.iter().flatten();
        let specs = voices.filter_map(|voice| self.0.stock.specs(voice).ok());
        specs
            .filter_map(|specs| specs.get(setup).copied())
            .collect()
    }

    /// Hands over a new audio path. The one before is forgotten; voices stay in memory.
    pub fn connect(&self, connection: Connection) {
        self.ask(|desk| desk.connection = Some(Some(connection)));
    }

    /// The audio path is gone; voices stay in memory.
    pub fn disconnect(&self) {
        // Without a thread there is nobody who has it.
        if self.0.desk().has_thread {
            self.ask(|desk| desk.connection = Some(None));
        }
    }

    /// Waits until all that was asked for is done: for offline rendering.
    pub fn wait(&self) {
        if !self.0.is_busy.load(Ordering::Acquire) {
            return;
        }
        let mut desk = self.0.desk();
        while desk.done < desk.asked && desk.has_thread {
            desk = self.0.wait(desk);
        }
    }

    /// Tells the musician of something that went wrong.
    pub fn say_error(&self, text: String) {
        let mut shown = Shown::clone(&self.0.shown());
        shown.said = Some(Said {
            text,
            is_error: true,
        });
        self.0.show(shown);
    }

    fn ask(&self, wish: impl FnOnce(&mut Desk)) {
        let mut desk = self.0.desk();
        wish(&mut desk);
        desk.asked += 1;
        self.0.is_busy.store(true, Ordering::Release);
        if !desk.has_thread {
            match loader::start(self.0.clone()) {
                Ok(()) => desk.has_thread = true,
                Err(error) => {
                    self.say_error(format!(
                        "expected a thread to load voices, found: {error}; close other programs"
                    ));
                    self.0.is_busy.store(false, Ordering::Release);
                }
            }
        }
        self.0.bell.notify_all();
    }
}

impl Drop for Rack {
    fn drop(&mut self) {
        // A load under way is not waited for: the thread ends after it, and frees what it has.
        self.0.desk().is_over = true;
        self.0.bell.notify_all();
    }
}

/// A project's slots.
impl<'a> PersistentField<'a, Saved> for Rack {
    fn set(&self, saved: Saved) {
        let slots = saved.slots();
        if self.0.desk().slots != slots {
            self.ask(|desk| desk.slots = slots);
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Saved) -> R,
    {
        let saved = Saved::of(&self.0.desk().slots);
        f(&saved)
    }
}

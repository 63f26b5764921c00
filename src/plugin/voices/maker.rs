//! What the plugin knows of voice files and networks. Loader thread unless said otherwise: reads
//! files, allocates, may take seconds.

use crate::engine::ddsp::{Company, Speaker};
use crate::engine::{Engine, EngineSpec, Quality, THREADS};
use crate::preset::VoiceRef;
use std::path::Path;
use std::sync::Arc;

/// What a voice's engine is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoiceSetup {
    /// How much it hears before it decides.
    pub quality: Quality,
    /// How many threads work on it: 1 or 2.
    pub threads: usize,
}

impl Default for VoiceSetup {
    fn default() -> Self {
        Self {
            quality: Quality::default(),
            threads: THREADS.1,
        }
    }
}

impl VoiceSetup {
    /// What these values of the parameters mean; `None` where they have no such value.
    #[must_use]
    pub fn from_values(quality: i32, threads: i32) -> Option<Self> {
        let quality = *Quality::ALL.get(usize::try_from(quality).ok()?)?;
        let threads = usize::try_from(threads).ok()?;
        let is_known = (THREADS.0..=THREADS.1).contains(&threads);
        is_known.then_some(Self { quality, threads })
    }
}

/// One thing for each setup that can be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerSetup<T>([[T; Quality::ALL.len()]; THREADS.1 - THREADS.0 + 1]);

impl<T> PerSetup<T> {
    /// Makes all of them.
    pub fn of(mut make: impl FnMut(&VoiceSetup) -> T) -> Self {
        Self(std::array::from_fn(|more| {
            let threads = THREADS.0 + more;
            Quality::ALL.map(|quality| make(&VoiceSetup { quality, threads }))
        }))
    }

    /// The one for a setup; `None` for numbers of threads that cannot be chosen.
    #[must_use]
    pub fn get(&self, setup: &VoiceSetup) -> Option<&T> {
        let more = setup.threads.checked_sub(THREADS.0)?;
        let at = Quality::ALL.iter().position(|q| *q == setup.quality)?;
        self.0.get(more)?.get(at)
    }
}

/// A voice that can be put into a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name and hash.
    pub voice: VoiceRef,
    /// How many speakers it has, at least 1.
    pub speakers: usize,
    /// Whether it came with the program.
    pub is_built_in: bool,
    /// What else there is to know, for people; may be empty.
    pub about: String,
}

/// A file that was taken into the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The voice it became.
    pub voice: VoiceRef,
    /// What the musician should know of it.
    pub notes: Vec<String>,
}

/// Makes engines out of voices. Errors are texts for people that name the remedy.
pub trait VoiceMaker: Send + Sync {
    /// Every voice there is.
    ///
    /// # Errors
    /// Where they cannot be listed.
    fn list(&self) -> Result<Vec<Listed>, String>;

    /// Whether there is such a voice. Main and GUI threads, too: it may read small files only.
    fn holds(&self, voice: &VoiceRef) -> bool;

    /// What the engine will be for each setup, without loading its weights: delays are worked out
    /// from it. Main thread, too: it may read small files only.
    ///
    /// # Errors
    /// Where the voice is not here or is of a kind that cannot be played.
    fn specs(&self, voice: &VoiceRef) -> Result<PerSetup<EngineSpec>, String>;

    /// Reads the voice.
    ///
    /// # Errors
    /// Where the voice is not here, is damaged, or lacks a model it needs.
    fn load(&self, voice: &VoiceRef) -> Result<Arc<dyn Warm>, String>;

    /// Takes a voice file into the library.
    ///
    /// # Errors
    /// Where it is no voice; nothing has changed then.
    fn import(&self, file: &Path) -> Result<Imported, String>;
}

/// A voice in memory: its weights, from which engines are made without reading a file again.
pub trait Warm: Send + Sync {
    /// An engine of this voice, sharing its weights.
    ///
    /// # Errors
    /// Where it cannot be built for this setup.
    fn engine(&self, setup: &VoiceSetup) -> Result<Box<dyn Engine>, String>;

    /// What it hears with: voices of the same can be morphed. `None` for one that stays alone.
    fn encoder(&self) -> Option<&str> {
        None
    }

    /// What the engine of another voice needs to be morphed with this one.
    fn speaker(&self) -> Option<Speaker> {
        None
    }

    /// As [`Self::engine`], of a voice that can be morphed with its company, all of the same
    /// [`Self::encoder`].
    ///
    /// # Errors
    /// As there.
    fn engine_among(
        &self,
        setup: &VoiceSetup,
        _company: Company,
    ) -> Result<Box<dyn Engine>, String> {
        self.engine(setup)
    }
}

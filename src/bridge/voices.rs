//! The loader's side of the worker: brings voices in, and frees those that left. Loader or main
//! thread, never the audio thread.

use std::sync::Arc;

use rtrb::{Consumer, Producer};

use super::handle::VOICE_CAPACITY;
use super::lane::{Lane, spec_of};
use super::latency::Latency;
use super::settings::HostConfig;
use super::shared::{Shared, VOICES};
use super::worker::Command;
use crate::engine::Engine;
use crate::units::Frames;

/// Why a voice could not be brought in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// There is no such slot.
    #[error("slots are 1 to {VOICES}, got {0}")]
    Slot(usize),
    /// The voice needs more delay than was reported to the host.
    #[error(
        "the voice needs {needed} frames of latency, {available} are reported; restart the audio engine"
    )]
    Latency {
        /// Frames the voice needs.
        needed: Frames,
        /// Frames there are.
        available: Frames,
    },
    /// It failed as it was warmed up.
    #[error("the voice does not run: {0}")]
    WarmUp(String),
    /// Too many voices are on their way.
    #[error("{VOICE_CAPACITY} voices are waiting to be taken over; try again in a moment")]
    Busy,
}

/// Voice slots 1 to 4 of one bridge.
pub struct Voices {
    pub(super) host: HostConfig,
    pub(super) latency: Latency,
    pub(super) commands: Producer<Command>,
    pub(super) graveyard: Consumer<Box<Lane>>,
    pub(super) shared: Arc<Shared>,
}

impl Voices {
    /// Puts a voice into a slot, 1..=4; it is heard there at once if the slot is selected,
    /// crossfaded from the one before. Allocates, and runs the engine once to warm it up.
    ///
    /// # Errors
    /// [`InstallError`]; nothing has changed then.
    pub fn install(&mut self, slot: usize, engine: Box<dyn Engine>) -> Result<(), InstallError> {
        self.check(slot)?;
        let spec = spec_of(&*engine).map_err(InstallError::WarmUp)?;
        let needed = Latency::of_worker(&self.host, &spec).total();
        let available = self.latency.total();
        if available < needed {
            return Err(InstallError::Latency { needed, available });
        }
        let lane = Lane::new(self.host, engine, spec).map_err(InstallError::WarmUp)?;
        self.shared.forget(slot);
        self.tell(Command::Install(slot, Box::new(lane)))
    }

    /// Empties a slot, 1..=4.
    ///
    /// # Errors
    /// [`InstallError::Slot`] or [`InstallError::Busy`]; nothing has changed then.
    pub fn remove(&mut self, slot: usize) -> Result<(), InstallError> {
        self.check(slot)?;
        self.tell(Command::Remove(slot))
    }

    /// Frees the voices that have left; how many.
    pub fn collect(&mut self) -> usize {
        std::iter::from_fn(|| self.graveyard.pop().ok()).count()
    }

    /// Why the last voice failed, with the remedy.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        self.shared.message()
    }

    /// Why the voice in a slot, 1..=4, failed, with the remedy; `None` while it runs.
    #[must_use]
    pub fn failure(&self, slot: usize) -> Option<String> {
        self.shared.failure(slot)
    }

    /// The delay there is for every voice.
    #[must_use]
    pub fn latency(&self) -> Latency {
        self.latency
    }

    fn check(&self, slot: usize) -> Result<(), InstallError> {
        match slot {
            1..=VOICES => Ok(()),
            _ => Err(InstallError::Slot(slot)),
        }
    }

    fn tell(&mut self, command: Command) -> Result<(), InstallError> {
        self.collect();
        self.commands.push(command).map_err(|_| InstallError::Busy)
    }
}

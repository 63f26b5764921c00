//! What the editor sees of an instance's voices. Written by the loader thread, read by the GUI
//! thread.

use super::maker::{Listed, PerSetup, VoiceSetup};
use crate::bridge::SLOTS;
use crate::engine::Place;
use crate::preset::VoiceRef;
use crate::units::Frames;

/// How a slot is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SlotState {
    /// It holds no voice.
    #[default]
    Empty,
    /// Its voice is being read.
    Loading,
    /// Its voice can be heard, or will be once the plugin is switched on.
    Ready,
    /// Its voice needs more delay than the host was told; a restart was asked for.
    AwaitsRestart,
    /// Its voice cannot be heard: why, and what to do.
    Failed(String),
}

/// A slot and the voice in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotShown {
    /// The voice.
    pub voice: Option<VoiceRef>,
    /// How it is.
    pub state: SlotState,
    /// The name of the engine that plays it, once its file was looked at.
    pub engine: Option<&'static str>,
    /// What its voice hears with, once it was read: those of the same can be morphed.
    pub encoder: Option<String>,
    /// Where its networks run, and what happened to the device.
    pub place: Place,
}

/// What is said to the musician.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Slots 1 to 4.
    pub slots: [SlotShown; SLOTS],
    /// The voices that can be chosen, once they were asked for.
    pub listed: Vec<Listed>,
    /// The delay in host frames that each setup would bring; `None` while nothing runs.
    pub delays: PerSetup<Option<Frames>>,
    /// The setup that runs.
    pub setup: Option<VoiceSetup>,
    /// Host rate in Hz, for showing frames as time.
    pub rate_hz: u32,
    /// Whether a file is being taken in.
    pub is_importing: bool,
    /// What came of the last thing done.
    pub said: Option<Said>,
}

impl Shown {
    /// The slot of this number, 1..=4.
    #[must_use]
    pub fn slot(&self, number: usize) -> Option<&SlotShown> {
        self.slots.get(number.checked_sub(1)?)
    }
}

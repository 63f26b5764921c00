//! Presets: a sound with a name, as a TOML file or as a short text for a chat. Main, GUI and
//! worker threads; but for [`Values`] everything here allocates.
//!
//! A preset that was shared is a stranger's text: sizes are bounded, values clamped, nothing in it
//! is followed as a path, and one that cannot be read changes nothing.

pub(crate) mod about;
mod choose;
mod code;
mod error;
pub mod factory;
mod file;
pub(crate) mod library;
mod notice;
pub mod parameter;
mod settings;
mod values;

pub use about::{About, VoiceRef};
pub use choose::Source;
pub use code::{from_code, looks_like_code, to_code};
pub use error::PresetError;
pub use file::{MOST_BYTES, from_toml, read_file, to_toml, write_file};
pub use library::{Damaged, Entry, Library, Origin};
pub use notice::Notice;
pub use parameter::{Id, Kind, PARAMETERS, Parameter, Scope};
pub use values::{Extent, Fit, Value, Values};

use crate::engine::morph::CORNERS;

/// A sound with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// What people read of it.
    pub about: About,
    /// The voice it was made with; none where it needs none.
    pub voice: Option<VoiceRef>,
    /// The voices at the corners of the morph pad, where they matter.
    pub corners: Corners,
    /// What it sets. [`Preset::resolve`] says what becomes of the others.
    pub values: Values,
}

/// A voice for each corner of the morph pad, in the order of slots; none at all where a preset does
/// not morph.
pub type Corners = [Option<VoiceRef>; CORNERS];

/// What a preset sets here and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Every parameter to set; one that is missing stays as it is.
    pub values: Values,
    /// What the musician should know.
    pub notices: Vec<Notice>,
}

impl Preset {
    /// A preset of these values. What is written of them is `extent`'s business.
    #[must_use]
    pub fn of(name: &str, values: &Values, extent: Extent) -> Self {
        Self {
            about: About {
                name: About::name_of(name).unwrap_or_default(),
                ..About::default()
            },
            voice: None,
            corners: Corners::default(),
            values: values.to_save(extent),
        }
    }

    /// What applying it sets: parameters written in it; parameters of the sound that are not
    /// written, to their defaults; parameters of the setup that are not written stay as they are.
    ///
    /// `slot_of` finds the slot that holds a voice, loading it if need be. A voice that is not
    /// here is told of, and the rest is applied without it.
    pub fn resolve(&self, slot_of: &dyn Fn(&VoiceRef) -> Option<usize>) -> Resolved {
        let mut values = self.values.over(&Values::sound());
        let mut notices = Vec::new();
        if let Some(voice) = &self.voice {
            let slot = slot_of(voice);
            if slot.is_none() {
                notices.push(Notice::VoiceMissing(voice.name.clone()));
            }
            values.set(Id::Slot, Value::Choice(slot.unwrap_or(0)));
        }
        Resolved { values, notices }
    }
}

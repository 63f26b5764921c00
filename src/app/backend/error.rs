//! Why a stream could not be opened, and what to do about it.

use super::Backend;
use crate::engine::EngineError;

/// Why a backend offers nothing or a stream did not open.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// The server or library is not there.
    #[error("expected {} to run, found: {found}; {remedy}", backend.label())]
    Unavailable {
        /// Which one.
        backend: Backend,
        /// What it said.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// No device of that name.
    #[error("expected the {way} \"{name}\", found {found}; connect it or choose another")]
    NoDevice {
        /// Input or output.
        way: &'static str,
        /// The name asked for.
        name: String,
        /// Those there are.
        found: String,
    },
    /// The devices cannot run like this.
    #[error("expected {expected}, found {found}; {remedy}")]
    Format {
        /// What was asked for.
        expected: String,
        /// What the device can do.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The device refused.
    #[error("expected the {way} \"{name}\" to open, found: {found}; {remedy}")]
    Refused {
        /// Input or output.
        way: &'static str,
        /// The device.
        name: String,
        /// What it said.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// No voice can be converted in this format.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl OpenError {
    /// A device that is not among these.
    pub(super) fn no_device(way: &'static str, name: &str, there: &[super::Device]) -> Self {
        let labels: Vec<&str> = there.iter().map(|device| device.id.as_str()).collect();
        Self::NoDevice {
            way,
            name: name.to_owned(),
            found: match labels.is_empty() {
                true => "none".to_owned(),
                false => labels.join(", "),
            },
        }
    }
}

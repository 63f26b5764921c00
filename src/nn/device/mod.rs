//! Streaming layers on a device. They know the trait [`Device`] and no card, so that tests run them on
//! an emulator. Any thread that may wait.
//!
//! Everything is allocated as a layer is built. A step is a list of launches that depends on the number
//! of its frames alone: the same kernels, with the same places and numbers, so that it can be recorded
//! once and go out as one. What differs between steps is read from memory of the device: which instant
//! it is ([`State::enter`]). [`Recorded`] does it. For the same reason the past of a signal is no ring: it is moved to the
//! front after every step, by one launch for all signals of a stream.
//!
//! [`Device`]: autovoice_kernels::gpu::Device

mod build;
mod condition;
mod conv1d;
mod error;
mod layer;
mod layout;
mod recorded;
mod state;
#[cfg(test)]
mod tests;

pub use build::{Build, exactly};
pub use condition::{Condition, Offset};
pub use conv1d::{Conv1d, Step, Target};
pub use error::DeviceError;
pub use layer::{LayerNorm, Rooms, copy, linear, projections};
pub use layout::{Instant, Layout, Line};
pub use recorded::Recorded;
pub use state::State;

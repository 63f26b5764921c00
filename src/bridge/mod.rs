//! The bridge: everything that crosses threads, and everything the audio thread does between the
//! host's buffers. Knows engines as the trait [`crate::engine::Engine`] alone.
//!
//! [`Processor`] is the audio thread's half, [`Worker`] the inference thread's, [`Voices`] the
//! loader's, [`Meters`] what is drawn.

mod handle;
mod lane;
mod latency;
mod meters;
mod mixer;
mod processor;
mod second;
mod settings;
mod shared;
mod stream;
mod thread;
mod voices;
mod worker;

pub use handle::Dropouts;
pub use latency::Latency;
pub use meters::{Meters, MetersIn, MetersOut, meters};
pub use processor::Processor;
pub use second::Second;
pub use settings::{DropoutMode, HostConfig, SILENCE_DB, Settings};
pub use shared::VOICES as SLOTS;
pub use voices::{InstallError, Voices};
pub use worker::{Progress, Worker};

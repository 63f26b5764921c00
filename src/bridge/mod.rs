//! The bridge: everything that crosses threads, and everything the audio thread does between the
//! host's buffers. Knows engines as the trait [`crate::engine::Engine`] alone.

mod latency;
mod meters;
mod processor;
mod settings;

pub use latency::Latency;
pub use meters::{Meters, MetersIn, MetersOut, meters};
pub use processor::Processor;
pub use settings::{DropoutMode, HostConfig, Settings};

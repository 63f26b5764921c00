//! The RVC synthesizer: content features and pitch in, a singing voice out (the network of the
//! Retrieval-based-Voice-Conversion project, after VITS: Kim, Kong & Son, "Conditional variational
//! autoencoder with adversarial learning for end-to-end text-to-speech", ICML 2021). Any thread;
//! no files.

mod config;
mod flow;
mod generator;
mod on_device;
mod source;
mod synthesizer;
mod text_encoder;

pub use config::{ConfigError, RvcConfig, Version};
pub use flow::Flow;
pub use flow::device::Flow as DeviceFlow;
pub use generator::device::Generator as DeviceGenerator;
pub use generator::{Closing, Generator, Opening};
pub use on_device::{DeviceSynthesizer, Phrase, Remote, Sounding};
pub use source::Source;
pub use synthesizer::{Spans, Speakers, Sung, Synthesizer, Whole, draw};
pub use text_encoder::device::TextEncoder as DeviceTextEncoder;
pub use text_encoder::{TextEncoder, coarse_pitch};

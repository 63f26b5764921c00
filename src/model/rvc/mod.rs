//! The RVC synthesizer: content features and pitch in, a singing voice out (the network of the
//! Retrieval-based-Voice-Conversion project, after VITS: Kim, Kong & Son, "Conditional variational
//! autoencoder with adversarial learning for end-to-end text-to-speech", ICML 2021). Any thread;
//! no files.

mod config;

pub use config::{ConfigError, RvcConfig, Version};

//! The CLAP and VST3 plugin.

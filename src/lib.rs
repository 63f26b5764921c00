//! AutoVoice: a real-time voice converter. One core behind a CLAP and VST3 plugin and a command
//! line. ARCHITECTURE.md is the map; modules stand here in reading order.

pub mod units;

pub mod dsp;
pub mod nn;

pub mod model;
pub mod pitch;

pub mod engine;

pub mod bridge;

pub mod io;
pub mod preset;

pub mod compute;
pub mod voice;

pub mod quality;

#[cfg(feature = "app")]
pub mod app;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "editor")]
pub mod editor;
#[cfg(feature = "plugin")]
pub mod plugin;
#[cfg(feature = "train")]
pub mod train;

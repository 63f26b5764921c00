//! The desktop app: the plugin's audio path and editor between sound devices instead of in a host.
//!
//! | thread | does | never |
//! |---|---|---|
//! | audio (JACK's, cpal's, the dummy's) | [`engine`] | allocates, locks, blocks |
//! | control | [`supervisor`]: opens, watches, rebuilds, measures | draws |
//! | writer, one per take | [`record`] | |
//! | clerk, trainer | [`new_voice`] | disturb the others |
//! | GUI | [`window`], [`panel`], the editor | blocks |
//!
//! Nobody in the crate knows this module but `main.rs`.

pub mod backend;
mod command;
pub mod control;
pub mod duplex;
pub mod engine;
pub mod host;
pub mod loopback;
pub mod new_voice;
mod panel;
pub mod record;
pub mod settings;
pub mod status;
pub mod supervisor;
mod virtual_mic;
mod window;

pub use command::run;

//! The bundled CLAP plugin in a host: what a DAW does with it, and what it must answer.
//!
//! `cargo xtask test` builds the bundle first and makes a missing one a failure; run by hand
//! without a bundle, these tests say loudly that they were skipped.

#![allow(clippy::unwrap_used)] // helpers outside `#[test]` functions are test code too

mod alignment;
mod automation;
mod command_line;
mod editor;
mod instances;
mod lifecycle;
mod notes;
mod params;
mod state;
mod support;
mod voices;

//! RVC's networks on a device against those on the CPU, step by step. The device is an emulator, so that
//! what runs here is what runs on a card; it also finds races, reads of what nobody wrote and whatever
//! leaves its array.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod cost;
mod flow;
mod generator;
mod nets;
mod synthesizer;
mod text_encoder;

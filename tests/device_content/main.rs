//! The content encoder on a device against that on the CPU, step by step. The device is an emulator, so that
//! what runs here is what runs on a card; it also finds races, reads of what nobody wrote and whatever
//! leaves its array.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod body;
mod cost;
mod encoder;
mod front;
mod nets;

//! Pitch networks on a device against those on the CPU, what they cost, and what becomes of trackers whose
//! network is there. The device is an emulator, so that what runs here is what runs on a card; it also finds
//! races, reads of what nobody wrote and whatever leaves its array.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "../device_slots/mod.rs"]
mod device_slots;
#[path = "../rvc_away_desk/mod.rs"]
mod rvc_away_desk;
#[path = "../rvc_nets/mod.rs"]
mod rvc_nets;

mod crepe;
mod neural;
mod rmvpe;
mod trackers;

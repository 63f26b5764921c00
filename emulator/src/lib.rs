//! Devices for tests, where there is no card: one that runs kernels on the CPU, and finds what they must
//! not do, and one that runs nothing and counts. No part of the program depends on this crate.

mod emulator;
mod tally;
mod twins;

pub use emulator::{Buffer, Emulator};
pub use tally::{Given, Launch, Room, Tally};
pub use twins::skipped;

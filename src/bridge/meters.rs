//! What the audio path shows: the newest value, to whoever draws it.

use super::{Dropouts, Latency};
use crate::engine::{MAX_CHANNELS, Observation};

/// One snapshot of the audio path, written once per block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meters {
    /// Peak of the input per channel after gain and gate, linear; it falls by 24 dB a second.
    pub input_peak: [f32; MAX_CHANNELS],
    /// Peak of the output per channel, linear; it falls by 24 dB a second.
    pub output_peak: [f32; MAX_CHANNELS],
    /// What the engine heard and did.
    pub observation: Observation,
    /// Share of the block period spent in the audio path, smoothed, 1 = all of it.
    pub load: f32,
    /// Share of the hop period spent by the worker engine, smoothed; 0 without one.
    pub worker_load: f32,
    /// What the worker was late with, since the path was built.
    pub dropouts: Dropouts,
    /// The delay and its parts in host frames.
    pub latency: Latency,
    /// Host rate in Hz, for showing frames as time.
    pub rate_hz: u32,
    /// Name of the engine on the audio thread.
    pub engine: &'static str,
    /// Slot that is heard: 0 is the engine on the audio thread, also while a voice is missing.
    pub slot: usize,
    /// Whether the audio path panicked and now passes the dry voice.
    pub panicked: bool,
    /// Whether the worker runs with real-time priority; `None` without a worker.
    pub realtime_priority: Option<bool>,
}

/// The writing end, held by the audio thread.
pub type MetersIn = triple_buffer::Input<Meters>;
/// The reading end, held by whoever draws.
pub type MetersOut = triple_buffer::Output<Meters>;

/// A pair of ends; reading gives the newest value, writing never waits.
#[must_use]
pub fn meters() -> (MetersIn, MetersOut) {
    triple_buffer::triple_buffer(&Meters::default())
}

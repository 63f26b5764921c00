//! The latency contract: how the delay D follows from the host and the engine, item by item.

use crate::units::Frames;

/// The delay from input to output in host frames, item by item. Computed once per activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Host blocks and engine hops do not fit each other.
    pub misfit: Frames,
    /// One hop must be complete before the worker can start on it.
    pub hop: Frames,
    /// The time the worker may take.
    pub budget: Frames,
    /// Future frames the engine needs.
    pub lookahead: Frames,
    /// Both resamplers' filters.
    pub resampling: Frames,
}

impl Latency {
    /// The delay reported to the host.
    #[must_use]
    pub fn total(&self) -> Frames {
        self.misfit + self.hop + self.budget + self.lookahead + self.resampling
    }
}

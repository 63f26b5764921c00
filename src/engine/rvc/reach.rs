//! How far an RVC engine looks, and what that costs in delay. Constants only.

use super::singer::Singer;
use crate::engine::{EngineSpec, Quality};
use crate::model::content::{self, HOP, RATE_HZ, WINDOW};
use crate::model::rvc::{RvcConfig, Spans};
use crate::units::Frames;

/// Frames of voices per frame of content: 10 ms and 20 ms.
pub(super) const PER_CONTENT: Frames = 2;

/// How much an engine hears at once. Frames of 20 ms, those of the content encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Frames of one step.
    pub hop: Frames,
    /// Frames after an instant that are heard before it is decided on, at least 1.
    pub ahead: Frames,
    /// Frames of the past that the content encoder attends to.
    pub past: Frames,
    /// Frames of the past that the text encoder attends to.
    pub text_past: Frames,
    /// Threads that work on it, 1 or 2. Two take a hop more.
    pub threads: usize,
}

/// The most frames that the generator is given at once: all that is between its layers has to be
/// in memory, 2 MB for most of them.
const SUNG_AT_ONCE: Frames = 16;

impl Reach {
    /// For files, where the delay does not matter: nearly what comes out if everything is seen at
    /// once, in memory that does not grow with the file.
    pub const OFFLINE: Self = Self {
        hop: 100,
        ahead: 100,
        past: 500,
        text_past: 100,
        threads: 2,
    };

    /// That of a quality.
    #[must_use]
    pub const fn of(quality: Quality) -> Self {
        match quality {
            Quality::Live => Self {
                hop: 4,
                ahead: 1,
                past: 80,
                text_past: 8,
                threads: 2,
            },
            Quality::Balanced => Self {
                hop: 8,
                ahead: 5,
                past: 80,
                text_past: 8,
                threads: 2,
            },
            Quality::Studio => Self {
                hop: 16,
                ahead: 20,
                past: 100,
                text_past: 16,
                threads: 2,
            },
        }
    }

    /// The same on so many threads, 1 or 2.
    #[must_use]
    pub const fn on(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Frames of the content encoder's step.
    pub(super) fn seen(&self) -> Frames {
        self.hop + self.ahead
    }

    /// For how many frames the voice's networks are to be built.
    #[must_use]
    pub fn spans(&self) -> Spans {
        Spans {
            window: PER_CONTENT * (self.text_past + self.seen()),
            flow: PER_CONTENT * self.seen(),
            generator: PER_CONTENT * self.hop.min(SUNG_AT_ONCE),
        }
    }

    /// What the content encoder sees.
    pub(super) fn attention(&self) -> content::Reach {
        content::Reach {
            most: self.seen(),
            past: self.past,
        }
    }

    /// Samples of 16 kHz that a stream begins with, so that frames are complete where hops end and
    /// those looked at are silence at first.
    pub(super) fn lead(&self) -> usize {
        WINDOW - HOP + self.ahead * HOP
    }

    /// Samples of a rate that are heard before a decision.
    pub(super) fn heard(&self, rate_hz: u32) -> Frames {
        of_16k(self.lead() + RESAMPLING, rate_hz)
    }

    /// Samples by which a second thread is behind, for hops of so many.
    pub(super) fn behind(&self, hop: Frames) -> Frames {
        (self.threads - 1) * hop
    }

    /// What an engine for a voice of these sizes is.
    #[must_use]
    pub fn spec(&self, config: &RvcConfig) -> EngineSpec {
        let rate_hz = config.rate_hz;
        EngineSpec {
            name: "rvc",
            rate_hz,
            channels: 1,
            hop: of_16k(self.hop * HOP, rate_hz),
            lookahead: self.delays(config).total(),
            budget_hops: 1,
            realtime_safe: false,
        }
    }

    /// What the lookahead consists of, for a voice of these sizes.
    #[must_use]
    pub fn delays(&self, config: &RvcConfig) -> Delays {
        let rate_hz = config.rate_hz;
        let generator = config.generator_lag();
        Delays {
            content: of_16k(self.lead(), rate_hz),
            resampling: of_16k(RESAMPLING, rate_hz),
            generator,
            formant: Singer::lag(rate_hz, generator) - generator,
            second: self.behind(of_16k(self.hop * HOP, rate_hz)),
        }
    }
}

/// By how much the parts of an engine lag, in samples of the voice's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// The frames ahead that the content encoder hears, and the rest of the window of the last.
    pub content: Frames,
    /// The way down to 16 kHz.
    pub resampling: Frames,
    /// What the generator's convolutions see ahead.
    pub generator: Frames,
    /// What moving formants takes, moved or not.
    pub formant: Frames,
    /// The hop that a second thread is behind.
    pub second: Frames,
}

impl Delays {
    /// The engine's lookahead.
    #[must_use]
    pub const fn total(&self) -> Frames {
        self.content + self.resampling + self.generator + self.formant + self.second
    }
}

/// Samples of 16 kHz at another rate. Whole ones for what is asked here.
fn of_16k(samples: usize, rate_hz: u32) -> Frames {
    samples * rate_hz as usize / RATE_HZ as usize
}

/// Samples of 16 kHz by which the way down to 16 kHz lags, at every rate voices have.
pub(super) const RESAMPLING: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::resample::Resampler;

    #[test]
    fn the_way_down_lags_as_much_as_is_said() {
        for rate_hz in [32_000, 40_000, 48_000] {
            let delay = Resampler::delay_between(rate_hz, RATE_HZ, 0);
            assert_eq!(delay, RESAMPLING);
            assert!((delay * rate_hz as usize).is_multiple_of(RATE_HZ as usize));
        }
    }
}

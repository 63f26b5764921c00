//! How far an RVC engine looks, and what that costs in delay. Constants only.

use std::time::Duration;

use super::singer::Singer;
use crate::engine::away::PATIENCE;
use crate::engine::{EngineSpec, Quality};
use crate::model::content::{self, HOP, RATE_HZ, WINDOW};
use crate::model::rvc::{RvcConfig, Spans};
use crate::units::{Frames, ms_to_frames};

/// Frames of voices per frame of content: 10 ms and 20 ms.
pub(super) const PER_CONTENT: Frames = 2;
/// Milliseconds of a frame of content.
const MS_PER_CONTENT: u64 = 20;

/// How much an engine hears at once. Frames of 20 ms, those of the content encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Frames of one step.
    pub hop: Frames,
    /// Frames after an instant that are heard before it is decided on.
    pub ahead: Frames,
    /// Frames of the past that the content encoder attends to.
    pub past: Frames,
    /// Frames of the past that the text encoder attends to.
    pub text_past: Frames,
    /// Threads that work on it, 1 or 2. Two take a hop more.
    pub threads: usize,
    /// Milliseconds that the generator hears after an instant before it is sung; `None` for all
    /// that its convolutions see, 94 of them at 48 kHz. With less, what was not heard yet counts
    /// as silence, and the generator works on that stretch again with every hop.
    pub sung_ahead_ms: Option<u32>,
    /// Milliseconds that a hop's work may take; `None` for as long as the hop is.
    pub budget_ms: Option<u32>,
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
        sung_ahead_ms: None,
        budget_ms: None,
    };

    /// For a device that has a hop's work done in 6 ms: less than 60 ms in all, where a CPU is not
    /// fast enough by far. Words come that late; a change of pitch, for which there is no time to
    /// wait, up to 25 ms later.
    pub const QUICK: Self = Self {
        hop: 1,
        ahead: 0,
        past: 80,
        text_past: 8,
        threads: 1,
        sung_ahead_ms: Some(5),
        budget_ms: Some(6),
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
                sung_ahead_ms: None,
                budget_ms: None,
            },
            Quality::Balanced => Self {
                hop: 8,
                ahead: 5,
                past: 80,
                text_past: 8,
                threads: 2,
                sung_ahead_ms: None,
                budget_ms: None,
            },
            Quality::Studio => Self {
                hop: 16,
                ahead: 20,
                past: 100,
                text_past: 16,
                threads: 2,
                sung_ahead_ms: None,
                budget_ms: None,
            },
            Quality::Quick => Self::QUICK,
        }
    }

    /// The same on so many threads, 1 or 2; on one where a device does the work, since a second would only
    /// take a hop more.
    #[must_use]
    pub const fn on(self, threads: usize) -> Self {
        match self.budget_ms {
            Some(_) => self,
            None => Self { threads, ..self },
        }
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

    /// Samples that the generator hears after what is sung, where that is not all it sees.
    pub(super) fn sung_ahead(&self, config: &RvcConfig) -> Option<Frames> {
        let samples = ms_to_frames(f64::from(self.sung_ahead_ms?), config.rate_hz);
        (samples < config.generator_lag()).then_some(samples)
    }

    /// Frames (of voices) after the newest that are sung as if the signal ended, so that it can be sung
    /// early.
    pub(super) fn beyond(&self, config: &RvcConfig) -> Frames {
        let lag = config.generator_lag().div_ceil(config.hop());
        self.sung_ahead(config).map_or(0, |_| lag)
    }

    /// [`Self::spans`] for a device, whose generator also sings what would follow at once.
    #[must_use]
    pub fn device_spans(&self, config: &RvcConfig) -> Spans {
        let spans = self.spans();
        Spans {
            generator: spans.generator.max(self.beyond(config)),
            ..spans
        }
    }

    /// How long a device may take for a hop before it counts as hung: a hop, where somebody listens.
    pub(super) fn limit(&self) -> Duration {
        match *self == Self::OFFLINE {
            true => PATIENCE,
            false => Duration::from_millis(MS_PER_CONTENT * self.hop as u64),
        }
    }

    /// Samples by which the sound lags what is to be sung.
    pub(super) fn sung_late(&self, config: &RvcConfig) -> Frames {
        let lag = config.generator_lag();
        self.sung_ahead(config).unwrap_or(lag)
    }

    /// What an engine for a voice of these sizes is.
    #[must_use]
    pub fn spec(&self, config: &RvcConfig) -> EngineSpec {
        let rate_hz = config.rate_hz;
        let hop = of_16k(self.hop * HOP, rate_hz);
        EngineSpec {
            name: "rvc",
            rate_hz,
            channels: 1,
            hop,
            lookahead: self.delays(config).total(),
            budget: match self.budget_ms {
                Some(ms) => ms_to_frames(f64::from(ms), rate_hz),
                None => hop,
            },
            realtime_safe: false,
        }
    }

    /// What the lookahead consists of, for a voice of these sizes.
    #[must_use]
    pub fn delays(&self, config: &RvcConfig) -> Delays {
        let rate_hz = config.rate_hz;
        let generator = self.sung_late(config);
        Delays {
            content: of_16k(self.lead(), rate_hz),
            resampling: of_16k(RESAMPLING, rate_hz),
            generator,
            formant: Singer::formant_delay(rate_hz),
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
    /// What the generator hears ahead.
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

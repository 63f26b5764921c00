//! Which tracker `shift` listens to. Allocates: for whoever builds engines.

use super::ShiftEngine;
use crate::engine::{Engine as _, EngineError};
use crate::pitch::{TrackerChoice, TrackerKind, VoiceRange};

impl ShiftEngine {
    /// An engine with the tracker chosen. `Auto` takes `neural` where the engine need not wait
    /// for it, that is where the delay stays [`Self::delay`], and `yin` elsewhere. What is not in
    /// this build is replaced by `yin`. Allocates.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn choose(
        rate_hz: u32,
        channels: usize,
        range: VoiceRange,
        choice: TrackerChoice,
    ) -> Result<Self, EngineError> {
        let (lowest, highest) = Self::RATES_HZ;
        let neural = match choice {
            TrackerChoice::Yin => None,
            // No tracker is made for rates that are refused below.
            _ if !(lowest..=highest).contains(&rate_hz) => None,
            _ => TrackerKind::Neural.embedded(rate_hz, range.lowest_hz()),
        };
        let Some(neural) = neural else {
            return Self::new(rate_hz, channels, range);
        };
        let engine = Self::with_tracker(rate_hz, channels, range, neural)?;
        let waits = Self::delay(rate_hz, range) < engine.spec().lookahead;
        match choice == TrackerChoice::Auto && waits {
            true => Self::new(rate_hz, channels, range),
            false => Ok(engine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_never_costs_delay_and_errors_stay_what_they_are() {
        for range in VoiceRange::ALL {
            for rate_hz in [8_000, 44_100, 48_000, 192_000] {
                for choice in TrackerChoice::ALL {
                    let engine = ShiftEngine::choose(rate_hz, 1, range, choice);
                    let lookahead = engine.expect("a rate it takes").spec().lookahead;
                    let least = ShiftEngine::delay(rate_hz, range);
                    match choice {
                        TrackerChoice::Neural => assert!(least <= lookahead),
                        _ => assert_eq!(lookahead, least, "{choice:?} {range:?} {rate_hz}"),
                    }
                }
            }
            for choice in TrackerChoice::ALL {
                for (rate_hz, channels) in [(0, 1), (7_999, 1), (48_000, 3)] {
                    assert!(ShiftEngine::choose(rate_hz, channels, range, choice).is_err());
                }
            }
        }
    }
}

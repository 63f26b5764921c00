//! Which pitch tracker, and making one: the one place that knows how each is built. What needs
//! weights from the user's folder gets them here.

use super::failure::Failure;
use crate::pitch::track::yin::Yin;
use crate::pitch::{PitchTracker, TrackerKind};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The tracker used where none is asked for.
pub(super) const DEFAULT: TrackerKind = TrackerKind::Yin;

/// Rates trackers are made for, in Hz.
pub(super) const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// A tracker for one channel at this rate that follows pitch down to `lowest_hz`.
///
/// # Errors
/// Where the tracker is not in this build or its weights are missing, and for rates outside
/// [`RATES_HZ`].
pub(super) fn build(
    kind: TrackerKind,
    rate_hz: u32,
    lowest_hz: f32,
) -> Result<Box<dyn PitchTracker>, Failure> {
    if !RATES_HZ.contains(&rate_hz) {
        return Err(Failure::work(
            format!(
                "expected audio of {} to {} Hz, got {rate_hz} Hz",
                RATES_HZ.start(),
                RATES_HZ.end()
            ),
            "resample it first, for instance: ffmpeg -i INPUT -ar 48000 output.wav",
        ));
    }
    match kind {
        TrackerKind::Yin => Ok(Box::new(Yin::new(rate_hz, lowest_hz))),
        TrackerKind::Neural
        | TrackerKind::CrepeTiny
        | TrackerKind::CrepeFull
        | TrackerKind::Rmvpe => Err(Failure::work(
            format!(
                "expected a tracker of this build, got {}, which is not in it yet",
                kind.name()
            ),
            format!("--tracker {}", DEFAULT.name()),
        )),
    }
}

/// Reads a `--tracker`.
pub(super) fn parser() -> impl TypedValueParser<Value = TrackerKind> {
    PossibleValuesParser::new(TrackerKind::ALL.map(TrackerKind::name))
        .try_map(|name| TrackerKind::from_name(&name).ok_or("no such tracker"))
}

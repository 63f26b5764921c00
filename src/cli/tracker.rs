//! Which pitch tracker, and making one: the one place that knows how each is built. What needs
//! weights from the user's folder gets them here.

use super::failure::Failure;
use crate::pitch::{PitchTracker, TrackerKind};
use crate::voice::models::{self, ModelKind};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The tracker used where none is asked for.
pub(super) const DEFAULT: TrackerKind = TrackerKind::Neural;

const AUTO: &str = "auto";

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
    if let Some(tracker) = kind.embedded(rate_hz, lowest_hz) {
        return Ok(tracker);
    }
    let model = match kind {
        TrackerKind::CrepeTiny => ModelKind::CrepeTiny,
        TrackerKind::CrepeFull => ModelKind::CrepeFull,
        TrackerKind::Rmvpe => ModelKind::Rmvpe,
        TrackerKind::Neural | TrackerKind::Yin => return Err(not_built(kind)),
    };
    let tensors = models::load(model)?;
    kind.with_weights(rate_hz, lowest_hz, tensors)
        .map_err(|error| {
            Failure::work(
                format!("expected the weights of {}: {error}", kind.name()),
                model.command(),
            )
        })?
        .ok_or_else(|| not_built(kind))
}

fn not_built(kind: TrackerKind) -> Failure {
    Failure::work(
        format!(
            "expected a tracker of this build, got {}, which is not in it yet",
            kind.name()
        ),
        format!("--tracker {}", DEFAULT.name()),
    )
}

/// A `--tracker` that may be left to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The best that costs no delay, as in the plugin.
    Auto,
    /// This one, and the engine waits for it.
    Kind(TrackerKind),
}

impl Wish {
    /// The name typed and shown.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auto => AUTO,
            Self::Kind(kind) => kind.name(),
        }
    }
}

/// Reads a `--tracker` that may be `auto`.
pub(super) fn wish_parser() -> impl TypedValueParser<Value = Wish> {
    let names = std::iter::once(AUTO).chain(TrackerKind::ALL.map(TrackerKind::name));
    PossibleValuesParser::new(names).map(|name| {
        // What is no tracker's name is the only other value there is.
        TrackerKind::from_name(&name).map_or(Wish::Auto, Wish::Kind)
    })
}

/// Reads a `--tracker`.
pub(super) fn parser() -> impl TypedValueParser<Value = TrackerKind> {
    PossibleValuesParser::new(TrackerKind::ALL.map(TrackerKind::name))
        .try_map(|name| TrackerKind::from_name(&name).ok_or("no such tracker"))
}

//! Which pitch tracker, and making one: the one place that knows how each is built. What needs
//! weights from the user's folder gets them here.

use std::cell::RefCell;
use std::sync::Arc;

use super::failure::Failure;
use crate::engine::away::{Elsewhere, PATIENCE};
use crate::engine::{Place, Whereabouts};
use crate::model::salience::Salience;
use crate::nn::Weights;
use crate::pitch::{PitchTracker, TrackerKind};
use crate::voice::models::{self, ModelKind};
use crate::voice::{TrackerOnCard, TrackerSupply};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The tracker used where none is asked for.
pub(super) const DEFAULT: TrackerKind = TrackerKind::Neural;

const AUTO: &str = "auto";

/// Rates trackers are made for, in Hz.
pub(super) const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// A tracker that was chosen: makes as many of it as there are signals, and says where the network of the last
/// one runs.
pub(super) struct Source {
    kind: TrackerKind,
    /// Its network on a card, once for all of them; none for trackers that need no weights of others.
    card: Option<(ModelKind, TrackerOnCard)>,
    whereabouts: RefCell<Option<Arc<dyn Whereabouts>>>,
}

impl Source {
    /// Of a kind. Reads nothing yet.
    pub(super) fn new(kind: TrackerKind) -> Self {
        let model = match kind {
            TrackerKind::CrepeTiny => Some(ModelKind::CrepeTiny),
            TrackerKind::CrepeFull => Some(ModelKind::CrepeFull),
            TrackerKind::Rmvpe => Some(ModelKind::Rmvpe),
            TrackerKind::Neural | TrackerKind::Yin => None,
        };
        let card = model.map(|model| {
            let load = move || match models::load(model) {
                Ok(tensors) => Weights::new(tensors)
                    .map(Arc::new)
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            (model, TrackerOnCard::new(kind, Box::new(load)))
        });
        Self {
            kind,
            card,
            whereabouts: RefCell::default(),
        }
    }

    /// The name typed and shown.
    pub(super) fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether one could be made at all, where that is to be known before there is anything to track.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub(super) fn check(&self, lowest_hz: f32) -> Result<(), Failure> {
        self.build_with(48_000, lowest_hz, None).map(|_| ())
    }

    /// A tracker for one channel at this rate that follows pitch down to `lowest_hz`. Its network is on the
    /// card that is chosen, where it gains by that.
    ///
    /// # Errors
    /// Where the tracker is not in this build or its weights are missing, and for rates outside
    /// [`RATES_HZ`].
    pub(super) fn build(
        &self,
        rate_hz: u32,
        lowest_hz: f32,
    ) -> Result<Box<dyn PitchTracker>, Failure> {
        let supply = match &self.card {
            None => None,
            Some((_, card)) => card.supply().map_err(|error| {
                Failure::work(
                    format!("expected a thread for the device, found: {error}"),
                    "close other programs",
                )
            })?,
        };
        *self.whereabouts.borrow_mut() = supply.as_ref().map(|supply| supply.whereabouts());
        self.build_with(rate_hz, lowest_hz, supply)
    }

    fn build_with(
        &self,
        rate_hz: u32,
        lowest_hz: f32,
        supply: TrackerSupply,
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
        if let Some(tracker) = self.kind.embedded(rate_hz, lowest_hz) {
            return Ok(tracker);
        }
        let Some((model, _)) = self.card else {
            return Err(not_built(self.kind));
        };
        let tensors = models::load(model)?;
        // Files are tracked: nobody listens meanwhile.
        let place = |here: Box<dyn Salience>| match supply {
            None => here,
            Some(supply) => Box::new(Elsewhere::new(here, supply, PATIENCE)),
        };
        let made = Weights::new(tensors)
            .and_then(|weights| self.kind.with_weights(rate_hz, lowest_hz, &weights, place));
        made.map_err(|error| {
            Failure::work(
                format!("expected the weights of {}: {error}", self.name()),
                model.command(),
            )
        })?
        .ok_or_else(|| not_built(self.kind))
    }

    /// Where the network of the tracker made last runs, or ran last, and what happened to the device.
    pub(super) fn place(&self) -> Place {
        let whereabouts = self.whereabouts.borrow();
        whereabouts
            .as_ref()
            .map(|told| told.place())
            .unwrap_or_default()
    }
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

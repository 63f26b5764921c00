//! Trackers out of weights that someone else has read: this module opens no files. Allocates.

use super::crepe::{CrepeConfig, CrepeTracker};
use super::rmvpe::{RmvpeTracker, Windows};
use super::{PitchTracker, TrackerKind};
use crate::model::crepe::{Capacity, Crepe};
use crate::model::rmvpe::{Rmvpe, RmvpeConfig};
use crate::model::salience::Salience;
use crate::nn::weights::{Weights, WeightsError};

impl TrackerKind {
    /// A tracker for one channel at a rate that engines take, following pitch down to
    /// `lowest_hz`, with the weights of its network. `place` says where that runs: it is given the one
    /// here, and may give it back. None where the kind takes no weights. Allocates.
    ///
    /// # Errors
    /// [`WeightsError`] where the tensors are not those of the network.
    pub fn with_weights(
        self,
        rate_hz: u32,
        lowest_hz: f32,
        weights: &Weights,
        place: impl FnOnce(Box<dyn Salience>) -> Box<dyn Salience>,
    ) -> Result<Option<Box<dyn PitchTracker>>, WeightsError> {
        let capacity = match self {
            Self::Neural | Self::Yin => return Ok(None),
            Self::CrepeTiny => Capacity::Tiny,
            Self::CrepeFull => Capacity::Full,
            Self::Rmvpe => {
                let windows = Windows::default();
                let rmvpe = Rmvpe::new(RmvpeConfig::FULL, windows.length, &weights.root())?;
                let network = (rmvpe.longest(), place(Box::new(rmvpe)));
                let tracker = RmvpeTracker::with(rate_hz, network, windows);
                return Ok(Some(Box::new(tracker)));
            }
        };
        let crepe = Crepe::new(capacity, &weights.root())?;
        let network = (capacity, place(Box::new(crepe)));
        let config = CrepeConfig {
            lowest_hz,
            ..CrepeConfig::default()
        };
        let tracker = CrepeTracker::with(rate_hz, network, config);
        Ok(Some(Box::new(tracker)))
    }
}

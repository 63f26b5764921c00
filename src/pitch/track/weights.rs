//! Trackers out of weights that someone else has read: this module opens no files. Allocates.

use super::crepe::{CrepeConfig, CrepeTracker};
use super::rmvpe::{RmvpeTracker, Windows};
use super::{PitchTracker, TrackerKind};
use crate::model::crepe::{Capacity, Crepe};
use crate::model::rmvpe::{Rmvpe, RmvpeConfig};
use crate::nn::weights::{Weights, WeightsError};

impl TrackerKind {
    /// A tracker for one channel at a rate that engines take, following pitch down to
    /// `lowest_hz`, with these tensors: name, shape, values row-major. None where the kind takes
    /// no weights. Allocates.
    ///
    /// # Errors
    /// [`WeightsError`] where the tensors are not those of the network.
    pub fn with_weights(
        self,
        rate_hz: u32,
        lowest_hz: f32,
        tensors: impl IntoIterator<Item = (String, Vec<usize>, Vec<f32>)>,
    ) -> Result<Option<Box<dyn PitchTracker>>, WeightsError> {
        let weights = Weights::new(tensors)?;
        let crepe = |capacity| -> Result<Box<dyn PitchTracker>, WeightsError> {
            let crepe = Crepe::new(capacity, &weights.root())?;
            let config = CrepeConfig {
                lowest_hz,
                ..CrepeConfig::default()
            };
            Ok(Box::new(CrepeTracker::new(rate_hz, crepe, config)))
        };
        match self {
            Self::Neural | Self::Yin => Ok(None),
            Self::CrepeTiny => crepe(Capacity::Tiny).map(Some),
            Self::CrepeFull => crepe(Capacity::Full).map(Some),
            Self::Rmvpe => {
                let windows = Windows::default();
                let rmvpe = Rmvpe::new(RmvpeConfig::FULL, windows.length, &weights.root())?;
                Ok(Some(Box::new(RmvpeTracker::new(rate_hz, rmvpe, windows))))
            }
        }
    }
}

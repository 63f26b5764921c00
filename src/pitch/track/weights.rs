//! Trackers out of weights that someone else has read: this module opens no files. Allocates.

use super::crepe::{CrepeConfig, CrepeTracker};
use super::{PitchTracker, TrackerKind};
use crate::model::crepe::{Capacity, Crepe};
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
        let capacity = match self {
            Self::CrepeTiny => Capacity::Tiny,
            Self::CrepeFull => Capacity::Full,
            Self::Neural | Self::Yin | Self::Rmvpe => return Ok(None),
        };
        let weights = Weights::new(tensors)?;
        let crepe = Crepe::new(capacity, &weights.root())?;
        let config = CrepeConfig {
            lowest_hz,
            ..CrepeConfig::default()
        };
        Ok(Some(Box::new(CrepeTracker::new(rate_hz, crepe, config))))
    }
}

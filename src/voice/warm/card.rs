//! A voice of RVC on NVIDIA's card, where this build knows cards. Loader threads and the command line.

#[cfg(feature = "gpu")]
use std::sync::Arc;

use super::away::Load;
#[cfg(feature = "gpu")]
use super::away::{Shelf, StreamMaker};
#[cfg(feature = "gpu")]
use crate::compute::{Nvidia, keep};
use crate::engine::rvc::{Reach, Supply};
use crate::model::rvc::RvcConfig;

/// See the module.
pub struct OnCard {
    #[cfg(feature = "gpu")]
    shelf: Arc<Shelf<Nvidia>>,
}

#[cfg(feature = "gpu")]
impl OnCard {
    /// A voice that is read so, once it is to be there. Reads nothing yet.
    #[must_use]
    pub fn new(config: &RvcConfig, load: Box<Load>) -> Self {
        Self {
            shelf: Arc::new(Shelf::new(Nvidia, config, load)),
        }
    }

    /// Who keeps the voice of one engine on the card that is chosen; none where there cannot be one. Waits
    /// until it is there, if it will be.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn supply(&self, reach: Reach) -> std::io::Result<Option<Box<dyn Supply>>> {
        if !Nvidia::is_possible() {
            return Ok(None);
        }
        let maker = StreamMaker::new(self.shelf.clone(), reach);
        Ok(Some(Box::new(keep(maker)?)))
    }
}

#[cfg(not(feature = "gpu"))]
impl OnCard {
    /// Nothing: this build knows no cards.
    #[must_use]
    pub fn new(_config: &RvcConfig, _load: Box<Load>) -> Self {
        Self {}
    }

    /// None.
    ///
    /// # Errors
    /// Never.
    pub fn supply(&self, _reach: Reach) -> std::io::Result<Option<Box<dyn Supply>>> {
        Ok(None)
    }
}

//! A voice of RVC on NVIDIA's card, where this build knows cards. Loader threads and the command line.

#[cfg(feature = "gpu")]
use std::sync::Arc;

use super::away::Load;
#[cfg(feature = "gpu")]
use super::away::{Shelf, StreamMaker};
#[cfg(feature = "gpu")]
use crate::compute::{Nvidia, keep};
use crate::engine::rvc::{Reach, Supplies};
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

    /// Who keeps things of one engine on the card that is chosen; nobody where there cannot be one. Waits
    /// until they are there, if they will be.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn supplies(&self, reach: Reach) -> std::io::Result<Supplies> {
        if !Nvidia::is_possible() {
            return Ok(Supplies::default());
        }
        let maker = StreamMaker::new(self.shelf.clone(), reach);
        Ok(Supplies {
            singing: Some(Box::new(keep(maker)?)),
            ..Supplies::default()
        })
    }
}

#[cfg(not(feature = "gpu"))]
impl OnCard {
    /// Nothing: this build knows no cards.
    #[must_use]
    pub fn new(_config: &RvcConfig, _load: Box<Load>) -> Self {
        Self {}
    }

    /// Nobody.
    ///
    /// # Errors
    /// Never.
    pub fn supplies(&self, _reach: Reach) -> std::io::Result<Supplies> {
        Ok(Supplies::default())
    }
}

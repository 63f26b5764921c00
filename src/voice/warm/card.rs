//! What a voice of RVC needs on NVIDIA's card, where this build knows cards. Loader threads and the command
//! line.

use std::sync::Arc;

use super::away::Load;
#[cfg(feature = "gpu")]
use super::away::{Shelf, StreamMaker};
#[cfg(feature = "gpu")]
use super::kinds::{ContentKind, VoiceKind};
#[cfg(feature = "gpu")]
use crate::compute::{Nvidia, keep};
use crate::engine::rvc::{Reach, Supplies};
use crate::model::content::{ContentConfig, Output};
use crate::model::rvc::RvcConfig;

/// A content encoder, which voices share.
pub struct ContentOnCard {
    #[cfg(feature = "gpu")]
    shelf: Arc<Shelf<Nvidia, ContentKind>>,
}

/// A voice, and the encoder it hears with.
pub struct OnCard {
    #[cfg(feature = "gpu")]
    shelf: Arc<Shelf<Nvidia, VoiceKind>>,
    #[cfg(feature = "gpu")]
    content: Arc<ContentOnCard>,
}

#[cfg(feature = "gpu")]
impl ContentOnCard {
    /// An encoder that is read so, once it is to be there, and what is taken from it. Reads nothing yet.
    #[must_use]
    pub fn new(config: &ContentConfig, output: Output, load: Box<Load>) -> Self {
        let kind = ContentKind(*config, output);
        Self {
            shelf: Arc::new(Shelf::new(Nvidia, kind, load)),
        }
    }
}

#[cfg(feature = "gpu")]
impl OnCard {
    /// A voice that is read so, once it is to be there. Reads nothing yet.
    #[must_use]
    pub fn new(config: &RvcConfig, load: Box<Load>, content: Arc<ContentOnCard>) -> Self {
        Self {
            shelf: Arc::new(Shelf::new(Nvidia, VoiceKind(config.clone()), load)),
            content,
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
        let hearing = StreamMaker::new(self.content.shelf.clone(), reach);
        let singing = StreamMaker::new(self.shelf.clone(), reach);
        Ok(Supplies {
            hearing: Some(Box::new(keep(hearing)?)),
            singing: Some(Box::new(keep(singing)?)),
        })
    }
}

#[cfg(not(feature = "gpu"))]
impl ContentOnCard {
    /// Nothing: this build knows no cards.
    #[must_use]
    pub fn new(_config: &ContentConfig, _output: Output, _load: Box<Load>) -> Self {
        Self {}
    }
}

#[cfg(not(feature = "gpu"))]
impl OnCard {
    /// Nothing: this build knows no cards.
    #[must_use]
    pub fn new(_config: &RvcConfig, _load: Box<Load>, _content: Arc<ContentOnCard>) -> Self {
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

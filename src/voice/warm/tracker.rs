//! The networks of trackers on NVIDIA's card, where this build knows cards. Loader threads and the command
//! line.

use std::io;
#[cfg(feature = "gpu")]
use std::sync::Arc;

use super::away::Load;
#[cfg(feature = "gpu")]
use super::away::{Shelf, StreamMaker};
#[cfg(feature = "gpu")]
use super::kinds::{CrepeKind, RmvpeKind};
#[cfg(feature = "gpu")]
use crate::compute::{Nvidia, keep};
use crate::engine::away::{Supply, Tracking};
#[cfg(feature = "gpu")]
use crate::model::crepe::Capacity;
#[cfg(feature = "gpu")]
use crate::model::rmvpe::RmvpeConfig;
use crate::pitch::TrackerKind;
#[cfg(feature = "gpu")]
use crate::pitch::track::rmvpe::Windows;

/// Who has the network of a tracker on a card; nobody where it stays on the CPU.
pub type TrackerSupply = Option<Box<dyn Supply<Tracking>>>;

/// The network of a kind of tracker, which all of that kind share.
pub struct TrackerOnCard {
    #[cfg(feature = "gpu")]
    network: Option<Network>,
}

#[cfg(feature = "gpu")]
enum Network {
    Crepe(Arc<Shelf<Nvidia, CrepeKind>>),
    Rmvpe(Arc<Shelf<Nvidia, RmvpeKind>>),
}

#[cfg(feature = "gpu")]
impl TrackerOnCard {
    /// Of a tracker whose weights are read so, once they are to be there. Those that cost a CPU little stay
    /// on it. Reads nothing yet.
    #[must_use]
    pub fn new(kind: TrackerKind, load: Box<Load>) -> Self {
        let network = match kind {
            TrackerKind::Neural | TrackerKind::Yin | TrackerKind::CrepeTiny => None,
            TrackerKind::CrepeFull => {
                let kind = CrepeKind(Capacity::Full);
                Some(Network::Crepe(Arc::new(Shelf::new(Nvidia, kind, load))))
            }
            TrackerKind::Rmvpe => {
                let kind = RmvpeKind(RmvpeConfig::FULL, Windows::default().length);
                Some(Network::Rmvpe(Arc::new(Shelf::new(Nvidia, kind, load))))
            }
        };
        Self { network }
    }

    /// Who keeps it on the card that is chosen, for one tracker; nobody where there cannot be one. Waits until
    /// it is there, if it will be.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn supply(&self) -> io::Result<TrackerSupply> {
        if !Nvidia::is_possible() {
            return Ok(None);
        }
        Ok(match &self.network {
            None => None,
            Some(Network::Crepe(shelf)) => {
                let maker = StreamMaker::new(shelf.clone(), ());
                Some(Box::new(keep(maker)?))
            }
            Some(Network::Rmvpe(shelf)) => {
                let maker = StreamMaker::new(shelf.clone(), ());
                Some(Box::new(keep(maker)?))
            }
        })
    }
}

#[cfg(not(feature = "gpu"))]
impl TrackerOnCard {
    /// Nothing: this build knows no cards.
    #[must_use]
    pub fn new(_kind: TrackerKind, _load: Box<Load>) -> Self {
        Self {}
    }

    /// Nobody.
    ///
    /// # Errors
    /// Never.
    pub fn supply(&self) -> io::Result<TrackerSupply> {
        Ok(None)
    }
}

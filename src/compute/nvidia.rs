//! The card that all voices of this process share. Threads of keepers: it may wait for the driver.

use std::env;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use autovoice_kernels::gpu::{Builds, Cuda, GpuError, Urgency};

use super::builds::KernelFiles;
use super::cards::{Absence, Card, cards};
use super::choice::Choice;
use super::chosen::{changes, chosen};
use super::keeper::Obstacle;
use super::meter::{Meter, Metered};
use super::open::{MEMORY_VARIABLE, Opened, Opener, budget, obstacle};
use super::pick::{Pick, pick};
use crate::io::folders;

/// NVIDIA's cards.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nvidia;

/// An open card. It is closed when the last voice has left it.
struct Open {
    card: Card,
    cuda: Cuda,
    meter: Arc<Meter>,
}

static OPEN: Mutex<Option<Weak<Open>>> = Mutex::new(None);

impl Nvidia {
    /// Whether a voice may come to be on a card, or somebody who asked for one is to hear why not: with no
    /// driver on this system nothing changes for as long as the process lives.
    #[must_use]
    pub fn is_possible() -> bool {
        let is_asked_for = matches!(chosen(), Choice::Cuda(_));
        is_asked_for || !matches!(cards(), Err(Absence::Gpu(GpuError::NoDriver)))
    }
}

impl Opener for Nvidia {
    type Device = Metered<Cuda>;

    fn open(&self) -> Result<Opened<Metered<Cuda>>, Obstacle> {
        let choice = chosen();
        let found = match choice {
            // Nobody is asked.
            Choice::Cpu => return Err(Obstacle::default()),
            _ => cards(),
        };
        let card = match pick(choice, &found) {
            Ok(Pick::Card { card, .. }) => card,
            Ok(Pick::Cpu { why }) => return Err(without_card(&found, why)),
            Err(error) => {
                return Err(Obstacle {
                    note: Some(format!("{error}; on the CPU instead")),
                    may_pass: false,
                });
            }
        };
        // Held while it is opened, so that it is opened once.
        let mut kept = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.as_ref().and_then(Weak::upgrade);
        let open = match known.filter(|open| open.card.ordinal == card.ordinal) {
            Some(open) => open,
            None => {
                let open = Arc::new(opened(card)?);
                *kept = Some(Arc::downgrade(&open));
                open
            }
        };
        drop(kept);
        let stream = open.cuda.another_stream();
        let stream = stream.map_err(|error| obstacle(&error))?;
        Ok(Opened {
            name: open.card.name.clone(),
            meter: open.meter.clone(),
            device: Metered::new(stream, open.meter.clone(), Some(open)),
        })
    }

    fn forget(&self) {
        *OPEN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn choices(&self) -> u64 {
        changes()
    }
}

/// Nothing is to be said where there is no card; but where there is one, why it is not used.
fn without_card(found: &Result<Vec<Card>, Absence>, why: String) -> Obstacle {
    match found {
        Err(Absence::NotBuilt | Absence::Gpu(GpuError::NoDriver | GpuError::NoDevice)) => {
            Obstacle::default()
        }
        Err(Absence::Gpu(error)) => obstacle(error),
        Ok(_) => Obstacle {
            note: Some(format!("{why}; on the CPU instead")),
            may_pass: false,
        },
    }
}

fn opened(card: Card) -> Result<Open, Obstacle> {
    let megabytes = env::var(MEMORY_VARIABLE).ok();
    let limit = budget(card.total_bytes, megabytes.as_deref()).map_err(|why| Obstacle {
        note: Some(format!("{why}; on the CPU instead")),
        may_pass: false,
    })?;
    // Without a home nothing is kept, and the driver compiles at every start.
    let builds = folders::kernels().ok().map(KernelFiles::new);
    let builds = builds.map(|files| Arc::new(files) as Arc<dyn Builds>);
    let cuda = Cuda::open_with(card.ordinal, Urgency::Sound, builds);
    let cuda = cuda.map_err(|error: GpuError| obstacle(&error))?;
    Ok(Open {
        meter: Meter::new(limit),
        card,
        cuda,
    })
}

//! Where networks run: the CPU or a card. What is asked for, what there is, what becomes of it, and who
//! sees to it that a voice is there, as long as that can be. Loader threads and threads of its own; no
//! audio thread knows it.

mod builds;
mod cards;
mod choice;
mod chosen;
mod keeper;
mod known;
mod meter;
#[cfg(feature = "gpu")]
mod nvidia;
mod open;
mod pick;
mod status;
mod thread;

pub use builds::KernelFiles;
pub use cards::{Absence, Card, cards};
pub use choice::{Choice, ChoiceError, VARIABLE};
pub use chosen::{changes, choose, chosen, from_environment, remember};
pub use keeper::{Counter, Keeper, Made, Maker, Obstacle, RETRY, SELDOM};
pub use known::known_cards;
pub use meter::{Meter, Metered, MeteredBuffer};
#[cfg(feature = "gpu")]
pub use nvidia::Nvidia;
pub use open::{MEMORY_VARIABLE, Movable, Opened, Opener, budget, obstacle};
pub use pick::{Pick, PickError, pick};
pub use status::Status;
pub use thread::keep;

//! Where networks run, hop by hop: here on the CPU, or away on a device. Inference thread;
//! real-time safe.
//!
//! Both give the same sound, up to the last digits. From the CPU to a device nothing is heard: both work
//! until the device knows all that it looks back at. From a device that failed to the CPU there is no time
//! for that: the CPU begins with silence behind it.

use std::sync::Arc;
use std::time::Duration;

use super::{Away, Task, Trouble};
use crate::engine::{Place, Whereabouts};

/// Who brings tasks on devices, and takes them back.
pub trait Supply<T: Task>: Send {
    /// A task on a device, at its beginning, if there is one by now. Real-time safe.
    fn take(&mut self) -> Option<Away<T>>;

    /// Takes one that is of no use any more, and why. Real-time safe, but for the texts in the reason.
    fn give_back(&mut self, away: Away<T>, why: Trouble);

    /// Hears whether the device is what is heard from now on. Real-time safe.
    fn heard(&mut self, is_away: bool);

    /// Whether a task that was taken is still wanted there. Real-time safe.
    fn is_wanted(&self) -> bool;

    /// Who tells where it is.
    fn whereabouts(&self) -> Arc<dyn Whereabouts>;
}

/// See the module.
pub(in crate::engine) struct Places<T: Task> {
    supply: Option<Box<dyn Supply<T>>>,
    away: Option<Away<T>>,
    /// Whether what is away is what is heard.
    is_heard: bool,
    /// How long a hop is waited for.
    limit: Duration,
}

impl<T: Task> Places<T> {
    /// Here; and away if there is a supply, at once if it has a task.
    pub fn new(supply: Option<Box<dyn Supply<T>>>, limit: Duration) -> Self {
        let mut made = Self {
            supply,
            away: None,
            is_heard: false,
            limit,
        };
        made.look();
        made.reset();
        made
    }

    /// Who tells where it is; none where it is always here.
    pub fn whereabouts(&self) -> Option<Arc<dyn Whereabouts>> {
        self.supply.as_ref().map(|supply| supply.whereabouts())
    }

    /// Whether it could ever be away.
    pub fn has_supply(&self) -> bool {
        self.supply.is_some()
    }

    /// Begins anew: what is away has missed nothing then.
    pub fn reset(&mut self) {
        if let Some(away) = &mut self.away {
            away.reset();
            self.hear(true);
        }
    }

    /// Whether what is done away is what is heard.
    pub fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// Before a hop: takes what there is, lets go what is not wanted. Whether a hop is to be sent.
    pub fn look(&mut self) -> bool {
        let Some(supply) = &mut self.supply else {
            return false;
        };
        if self.away.is_some() && !supply.is_wanted() {
            self.let_go(Trouble::Unwanted);
            return false;
        }
        if self.away.is_none() {
            self.away = supply.take();
        }
        self.away.is_some()
    }

    /// Sends a hop on its way.
    pub fn start(&mut self, give: impl FnOnce(&mut T)) {
        if let Some(Err(trouble)) = self.away.as_mut().map(|away| away.start(give)) {
            self.let_go(trouble);
        }
    }

    /// What became of it; none if it is to be done here, now and from now on.
    pub fn finish(&mut self) -> Option<&T> {
        if let Err(trouble) = self.away.as_mut()?.finish(self.limit) {
            self.let_go(trouble);
        }
        self.away.as_ref()?.task()
    }

    /// After a hop that was done in both places: what is away takes over once it knows enough.
    pub fn compare(&mut self) {
        if self.finish().is_some() && self.away.as_ref().is_some_and(Away::is_warm) {
            self.hear(true);
        }
    }

    fn let_go(&mut self, trouble: Trouble) {
        self.hear(false);
        if let (Some(away), Some(supply)) = (self.away.take(), &mut self.supply) {
            supply.give_back(away, trouble);
        }
    }

    fn hear(&mut self, is_away: bool) {
        self.is_heard = is_away;
        if let Some(supply) = &mut self.supply {
            supply.heard(is_away);
        }
    }
}

/// Who tells where what hears and what sings are; none where both are always here.
pub(in crate::engine) fn whereabouts(
    hearing: &Places<impl Task>,
    singing: &Places<impl Task>,
) -> Option<Arc<dyn Whereabouts>> {
    match (hearing.whereabouts(), singing.whereabouts()) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one),
        (Some(hearing), Some(singing)) => Some(Arc::new(Both { hearing, singing })),
    }
}

/// Where both tasks of an engine are.
struct Both {
    hearing: Arc<dyn Whereabouts>,
    singing: Arc<dyn Whereabouts>,
}

impl Whereabouts for Both {
    /// The device that sings, or else the one that hears; what happened to either.
    fn place(&self) -> Place {
        let (hearing, singing) = (self.hearing.place(), self.singing.place());
        Place {
            device: singing.device.or(hearing.device),
            note: singing.note.or(hearing.note),
        }
    }
}

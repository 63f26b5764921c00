//! Who sees to it that a voice is on the device that is chosen, for as long as its engine lives: makes it,
//! hands it over, takes back what failed, and tries again. It runs on a thread of its own, and is only ever
//! stepped, with the time as a number: tests need no clock.

use std::sync::Arc;
use std::time::Duration;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::meter::Meter;
use super::status::Status;
use crate::engine::Whereabouts;
use crate::engine::away::{Away, Supply, Task, Trouble};

/// Between two attempts to be back on a device that failed.
pub const RETRY: Duration = Duration::from_secs(1);
/// Between two attempts to come to one that never was, for want of memory, say.
pub const SELDOM: Duration = Duration::from_secs(5);

/// Makes a voice on the device that is chosen. May take seconds.
pub trait Maker: Send {
    /// What is done there.
    type Task: Task;

    /// Makes one, and says what the device is called and what the user is to know.
    ///
    /// # Errors
    /// Why it stays on the CPU.
    fn make(&mut self) -> Result<Made<Self::Task>, Obstacle>;

    /// One failed: what it shares with others is not to be used again.
    fn forget(&mut self);

    /// Grows with every change of the choice.
    fn choices(&self) -> u64;
}

/// A voice on a device.
pub struct Made<T: Task> {
    /// The voice.
    pub away: Away<T>,
    /// What the device is called, for people.
    pub device: String,
    /// What is taken of it, where that is counted.
    pub meter: Option<Arc<Meter>>,
    /// What the user is to know.
    pub note: Option<String>,
}

/// Why a voice is not on a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obstacle {
    /// For people; none where that is as it was wanted.
    pub note: Option<String>,
    /// Whether it may go away by itself.
    pub may_pass: bool,
}

/// See the module.
pub struct Keeper<M: Maker> {
    maker: M,
    ready: Producer<Away<M::Task>>,
    back: Consumer<(Away<M::Task>, Trouble)>,
    status: Arc<Status>,
    /// When to try next; none while there is nothing to do.
    due: Option<Duration>,
    /// Whether a voice is with the engine.
    is_out: bool,
    /// Why the last one failed.
    failure: Option<String>,
    choices: u64,
}

/// What an engine has of its keeper.
pub struct Counter<T: Task> {
    ready: Consumer<Away<T>>,
    back: Producer<(Away<T>, Trouble)>,
    status: Arc<Status>,
}

impl<M: Maker> Keeper<M> {
    /// A keeper, and what its engine gets. Allocates.
    pub fn new(maker: M) -> (Self, Counter<M::Task>) {
        let (ready, ready_out) = RingBuffer::new(1);
        let (back, back_out) = RingBuffer::new(2);
        let status = Arc::new(Status::default());
        let counter = Counter {
            ready: ready_out,
            back,
            status: status.clone(),
        };
        let keeper = Self {
            choices: maker.choices(),
            maker,
            ready,
            back: back_out,
            status,
            due: Some(Duration::ZERO),
            is_out: false,
            failure: None,
        };
        (keeper, counter)
    }

    /// Does what there is to do at this time. When to call again at the latest; none when its engine is
    /// gone.
    pub fn turn(&mut self, now: Duration) -> Option<Duration> {
        if self.status.is_over() {
            return None;
        }
        while let Ok((away, trouble)) = self.back.pop() {
            self.take_back(away, &trouble, now);
        }
        let choices = self.maker.choices();
        if choices != self.choices {
            self.choices = choices;
            self.failure = None;
            // What is out comes back before another is made.
            self.status.want(!self.is_out);
            self.due = (!self.is_out).then_some(now);
        }
        if self.due.is_some_and(|due| due <= now) {
            self.attempt(now);
        }
        Some(self.due.unwrap_or(now + RETRY))
    }

    fn take_back(&mut self, away: Away<M::Task>, trouble: &Trouble, now: Duration) {
        drop(away);
        self.is_out = false;
        self.status.want(true);
        if *trouble == Trouble::Unwanted {
            self.due = Some(now);
            return;
        }
        self.maker.forget();
        self.failure = Some(trouble.to_string());
        self.status.say(Some(format!(
            "{trouble}; it goes on on the CPU, and the device is tried again every second"
        )));
        self.due = Some(now + RETRY);
    }

    fn attempt(&mut self, now: Duration) {
        match self.maker.make() {
            Ok(Made {
                away,
                device,
                meter,
                note,
            }) => {
                let returned = self
                    .failure
                    .take()
                    .map(|failure| format!("back on the device, which had failed: {failure}"));
                self.status.name(device, meter);
                self.status.say(note.or(returned));
                // There is room for one, and none is out.
                if let Err(PushError::Full(away)) = self.ready.push(away) {
                    drop(away);
                }
                self.due = None;
                self.is_out = true;
            }
            Err(Obstacle { note, may_pass }) => {
                self.status.say(match (&self.failure, note) {
                    (None, note) => note,
                    (Some(failure), note) => {
                        let now = note.unwrap_or_else(|| "it is not there".to_owned());
                        Some(format!(
                            "{failure}; it goes on on the CPU; tried again: {now}"
                        ))
                    }
                });
                // What was there once may come again, whatever is said of it now.
                self.due = match self.failure {
                    Some(_) => Some(now + RETRY),
                    None => may_pass.then(|| now + SELDOM),
                };
            }
        }
    }
}

impl<T: Task> Counter<T> {
    /// What is shown of it.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        self.status.clone()
    }
}

impl<T: Task> Supply<T> for Counter<T> {
    fn take(&mut self) -> Option<Away<T>> {
        self.ready.pop().ok()
    }

    fn give_back(&mut self, away: Away<T>, why: Trouble) {
        // There is room: no more than one is out.
        if let Err(PushError::Full((away, _))) = self.back.push((away, why)) {
            drop(away);
        }
    }

    fn heard(&mut self, is_away: bool) {
        self.status.hear(is_away);
    }

    fn is_wanted(&self) -> bool {
        !self.status.is_unwanted()
    }

    fn whereabouts(&self) -> Arc<dyn Whereabouts> {
        self.status.clone()
    }
}

impl<T: Task> Drop for Counter<T> {
    fn drop(&mut self) {
        self.status.end();
    }
}

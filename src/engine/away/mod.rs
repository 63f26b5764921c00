//! What is done on a device, and the way there and back: a hop's work goes to another thread, which may wait
//! for the device as long as it likes. Nobody waits for that thread longer than a limit.

mod places;
mod tracking;

pub use places::Supply;
pub(super) use places::{Places, whereabouts};
pub use tracking::{Elsewhere, Tracking};

use std::time::Duration;

use autovoice_kernels::gpu::GpuError;

use crate::engine::beside::{Beside, Job};

/// How long a hop is waited for where nobody listens: it is better late than computed twice.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What is done hop by hop, with what it is given and what comes of it.
pub trait Task: Send + 'static {
    /// Begins anew with the hop that was given.
    ///
    /// # Errors
    /// If the device fails.
    fn begin(&mut self) -> Result<(), GpuError>;

    /// Does the hop that was given.
    ///
    /// # Errors
    /// If the device fails.
    fn hop(&mut self) -> Result<(), GpuError>;

    /// Whether what came of it consists of numbers.
    fn is_sound(&self) -> bool;

    /// Hops after which one that began anywhere is as one that began long before.
    fn memory(&self) -> usize;
}

/// A task on its way to a device.
pub struct Errand<T> {
    /// None when it is over.
    task: Option<T>,
    /// Whether it begins here.
    begins: bool,
    /// Whether it is to be freed instead.
    is_over: bool,
    result: Result<(), GpuError>,
}

impl<T: Task> Job for Box<Errand<T>> {
    fn run(&mut self) {
        if self.is_over {
            // Here it may wait for the device to let go of its memory.
            self.task = None;
            return;
        }
        self.result = self.hop();
    }
}

impl<T: Task> Errand<T> {
    fn hop(&mut self) -> Result<(), GpuError> {
        let Some(task) = &mut self.task else {
            return Ok(());
        };
        if std::mem::take(&mut self.begins) {
            task.begin()?;
        }
        task.hop()
    }
}

/// Why what is on a device is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The device says so.
    #[error(transparent)]
    Failed(#[from] GpuError),
    /// It gave no answer in time.
    #[error("the device gave no answer for {} ms", .0.as_millis())]
    Hung(Duration),
    /// The thread that waits for it ended.
    #[error("the thread of the device ended with an internal error")]
    Lost,
    /// What came from it is no sound.
    #[error("the device gave what is no number")]
    NoNumber,
    /// It is not wanted there any more.
    #[error("the device is to be left alone")]
    Unwanted,
}

/// See the module.
pub struct Away<T: Task> {
    beside: Box<dyn Beside<Box<Errand<T>>>>,
    /// Here unless it is under way, or lost.
    errand: Option<Box<Errand<T>>>,
    memory: usize,
    /// Hops that it has to hear until it knows all that it will look back at.
    unheard: usize,
}

impl<T: Task> Away<T> {
    /// A task, and who waits for it. It does one hop of silence, so that the first pays for no first use.
    /// Allocates, and waits for the device.
    ///
    /// # Errors
    /// What the device says to that.
    pub fn new(task: T, beside: Box<dyn Beside<Box<Errand<T>>>>) -> Result<Self, GpuError> {
        let memory = task.memory();
        let mut errand = Box::new(Errand {
            task: Some(task),
            begins: true,
            is_over: false,
            result: Ok(()),
        });
        errand.hop()?;
        errand.begins = true;
        Ok(Self {
            beside,
            errand: Some(errand),
            memory,
            unheard: memory,
        })
    }

    /// Begins anew with the next hop.
    pub(super) fn reset(&mut self) {
        self.unheard = self.memory;
        if let Some(errand) = &mut self.errand {
            errand.begins = true;
        }
    }

    /// Whether it knows all that it will look back at.
    pub(super) fn is_warm(&self) -> bool {
        self.unheard == 0
    }

    /// Sends a hop on its way, once it was given. Real-time safe.
    pub(super) fn start(&mut self, give: impl FnOnce(&mut T)) -> Result<(), Trouble> {
        let mut errand = self.errand.take().ok_or(Trouble::Lost)?;
        if let Some(task) = &mut errand.task {
            give(task);
        }
        self.beside.start(errand).map_err(|_| Trouble::Lost)
    }

    /// Waits for it, no longer than `limit`. Real-time safe.
    pub(super) fn finish(&mut self, limit: Duration) -> Result<(), Trouble> {
        let mut back = match self.beside.finish_within(limit) {
            Ok(Some(errand)) => errand,
            Ok(None) => return Err(Trouble::Hung(limit)),
            Err(_) => return Err(Trouble::Lost),
        };
        let result = std::mem::replace(&mut back.result, Ok(()));
        let errand = self.errand.insert(back);
        result?;
        if !errand.task.as_ref().is_some_and(Task::is_sound) {
            return Err(Trouble::NoNumber);
        }
        self.unheard = self.unheard.saturating_sub(1);
        Ok(())
    }

    /// With what came of the last hop; none while it is under way, or lost.
    pub(super) fn task(&self) -> Option<&T> {
        self.errand.as_ref()?.task.as_ref()
    }
}

impl<T: Task> Drop for Away<T> {
    /// What is on the device is freed by the thread that may wait for it.
    fn drop(&mut self) {
        if let Some(mut errand) = self.errand.take() {
            errand.is_over = true;
            // Where that thread is gone it is freed here.
            let _ = self.beside.start(errand);
        }
    }
}

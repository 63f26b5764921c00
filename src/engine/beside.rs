//! Work that an engine has done beside its own: what it asks of whoever has a thread to spare.
//! Engines start none.

use std::time::Duration;

/// Something to be done on another thread.
pub trait Job: Send + 'static {
    /// Does it. Real-time safe as the engine's step is.
    fn run(&mut self);
}

/// The job did not come back: it panicked, or its thread is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// Another thread that does one job at a time. Neither call allocates.
pub trait Beside<J: Job>: Send {
    /// Begins a job.
    ///
    /// # Errors
    /// [`Lost`] when the thread is gone.
    fn start(&mut self, job: J) -> Result<(), Lost>;

    /// Waits for the job that was begun, and gives it back.
    ///
    /// # Errors
    /// [`Lost`]; nothing can be started any more then.
    fn finish(&mut self) -> Result<J, Lost>;

    /// The same, no longer than `limit`: none if it is not done by then. It may still be asked for.
    ///
    /// # Errors
    /// As [`Self::finish`].
    fn finish_within(&mut self, limit: Duration) -> Result<Option<J>, Lost>;
}

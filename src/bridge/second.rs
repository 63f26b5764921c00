//! A second inference thread, for engines whose halves run beside each other. Its owner is the
//! worker, or whoever steps it; never the audio thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use autovoice_kernels::cpu::FlushDenormals;

use super::thread::ask_for_realtime_priority;
use crate::engine::beside::{Beside, Job, Lost};

/// The thread; it ends with its owner, or after what it does then.
pub struct Second<J> {
    /// Taken when the thread is to end.
    jobs: Option<SyncSender<J>>,
    done: Receiver<J>,
    /// None where nobody waits for its end.
    thread: Option<JoinHandle<()>>,
}

impl<J: Job> Second<J> {
    /// Starts it, with real-time priority where that is granted. Allocates.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn() -> std::io::Result<Self> {
        Self::start_with(|| {
            ask_for_realtime_priority();
        })
    }

    /// Starts it for work that nobody waits to hear: it takes nothing from others. Allocates.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn_offline() -> std::io::Result<Self> {
        Self::start_with(|| {})
    }

    /// Starts it as [`Self::spawn`] does, for jobs that may hang: its owner does not wait for its end.
    /// Allocates.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn_detached() -> std::io::Result<Self> {
        let mut made = Self::spawn()?;
        made.thread = None;
        Ok(made)
    }

    fn start_with(first: impl FnOnce() + Send + 'static) -> std::io::Result<Self> {
        // One job at a time, so neither end ever waits for room.
        let (jobs, todo) = sync_channel::<J>(1);
        let (finished, done) = sync_channel::<J>(1);
        let thread = Builder::new()
            .name("autovoice-second".into())
            .spawn(move || {
                first();
                run(&todo, &finished);
            })?;
        Ok(Self {
            jobs: Some(jobs),
            done,
            thread: Some(thread),
        })
    }
}

fn run<J: Job>(todo: &Receiver<J>, finished: &SyncSender<J>) {
    let _denormals = FlushDenormals::new();
    while let Ok(mut job) = todo.recv() {
        // What panicked is lost, and with it this thread: its owner sees the channel closed.
        if catch_unwind(AssertUnwindSafe(|| job.run())).is_err() || finished.send(job).is_err() {
            return;
        }
    }
}

impl<J: Job> Beside<J> for Second<J> {
    fn start(&mut self, job: J) -> Result<(), Lost> {
        let jobs = self.jobs.as_ref().ok_or(Lost)?;
        jobs.send(job).map_err(|_| Lost)
    }

    fn finish(&mut self) -> Result<J, Lost> {
        self.done.recv().map_err(|_| Lost)
    }

    fn finish_within(&mut self, limit: Duration) -> Result<Option<J>, Lost> {
        match self.done.recv_timeout(limit) {
            Ok(job) => Ok(Some(job)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Lost),
        }
    }
}

impl<J> Drop for Second<J> {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Panics of jobs are caught.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Square(i64);

    impl Job for Square {
        fn run(&mut self) {
            assert!(self.0 >= 0, "a job that cannot be done");
            self.0 *= self.0;
        }
    }

    #[test]
    fn jobs_are_done_one_after_the_other() {
        let mut second = Second::spawn().unwrap();
        for n in 0..100 {
            second.start(Square(n)).unwrap();
            assert_eq!(second.finish().map(|job| job.0), Ok(n * n));
        }
        second.start(Square(3)).unwrap();
        // Dropped with a job under way: it ends.
    }

    /// A job that takes until somebody says so.
    struct Hung(Receiver<()>);

    impl Job for Hung {
        fn run(&mut self) {
            let _ = self.0.recv();
        }
    }

    #[test]
    fn a_job_that_hangs_is_not_waited_for_and_may_still_come() {
        let mut second = Second::spawn_detached().unwrap();
        let (free, hang) = sync_channel(1);
        second.start(Hung(hang)).unwrap();
        let instant = Duration::from_millis(1);
        assert!(second.finish_within(instant).is_ok_and(|job| job.is_none()));
        free.send(()).unwrap();
        let long = Duration::from_secs(60);
        assert!(second.finish_within(long).is_ok_and(|job| job.is_some()));
        let (_free, hang) = sync_channel(1);
        second.start(Hung(hang)).unwrap();
        // Dropped while it hangs: nobody waits, or this test would not end.
    }

    #[test]
    fn a_job_that_panics_is_lost_and_nothing_waits_for_it() {
        let mut second = Second::spawn().unwrap();
        second.start(Square(-1)).unwrap();
        assert!(second.finish().is_err());
        let _ = second.start(Square(1));
        assert!(second.finish().is_err());
    }
}

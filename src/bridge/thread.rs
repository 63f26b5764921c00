//! The inference thread: steps the worker until it is told to stop. Not the audio thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use autovoice_kernels::cpu::FlushDenormals;

use super::shared::Shared;
use super::worker::{Progress, Worker};

/// Longest sleep while there is nothing to do. The audio thread cannot wake the worker, for that
/// would be a system call; so the worker looks by itself, often enough not to be noticed in a
/// hop of 10 ms.
const NAP: Duration = Duration::from_micros(250);
/// Priority asked for, of 99: above ordinary threads, below the audio servers' usual 60 to 90.
#[cfg(unix)]
const PRIORITY: u8 = 40;
/// Weight of the newest hop in the smoothed load.
const LOAD_WEIGHT: f32 = 0.1;

/// A running worker; stopped and joined when dropped.
pub struct WorkerThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerThread {
    /// Starts the worker on a thread of its own.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(worker: Worker, rate_hz: u32) -> std::io::Result<Self> {
        let shared = Arc::clone(worker.shared());
        let thread = Builder::new()
            .name("autovoice-worker".into())
            .spawn(move || run(worker, rate_hz))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // The worker catches its engines' panics; should it panic itself, it has ended.
            let _ = thread.join();
        }
    }
}

fn run(mut worker: Worker, rate_hz: u32) {
    let _denormals = FlushDenormals::new();
    let shared = Arc::clone(worker.shared());
    shared
        .realtime_priority
        .store(ask_for_realtime_priority(), Ordering::Release);
    while !shared.stop.load(Ordering::Acquire) {
        let began = Instant::now();
        match worker.run_hop() {
            Progress::Idle => std::thread::sleep(NAP),
            Progress::Hop(period) => {
                let load = began.elapsed().as_secs_f32() * rate_hz as f32 / period as f32;
                let smooth = shared.worker_load.load(Ordering::Relaxed);
                let smooth = smooth + (load - smooth) * LOAD_WEIGHT;
                shared.worker_load.store(smooth, Ordering::Relaxed);
            }
        }
    }
}

/// Asks the system for first-in-first-out scheduling; whether it was granted.
#[cfg(unix)]
pub(super) fn ask_for_realtime_priority() -> bool {
    use thread_priority::unix::{
        RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };
    use thread_priority::{ThreadPriority, ThreadPriorityValue};

    let Ok(priority) = ThreadPriorityValue::try_from(PRIORITY) else {
        return false;
    };
    set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
    )
    .is_ok()
}

/// Asks the system for its highest priority; whether it was granted.
#[cfg(not(unix))]
pub(super) fn ask_for_realtime_priority() -> bool {
    use thread_priority::{ThreadPriority, set_current_thread_priority};

    set_current_thread_priority(ThreadPriority::Max).is_ok()
}

//! Launches recorded once and replayed as one: a graph of the driver.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{CudaGraph, CudaStream};

use super::super::device::Argument;
use super::super::error::GpuError;
use super::failed;
use super::memory::{CudaBuffer, Memory};

/// Launches on a card, with the memory they work on.
pub struct CudaRecording {
    graph: CudaGraph,
    /// Its places must be there as long as it is.
    _memory: Vec<Arc<Memory>>,
    /// The one it was recorded on, and is replayed on.
    stream: Arc<CudaStream>,
}

// SAFETY: handles of the driver, which it takes from any thread, one at a time: whoever replays needs a
// reference, and without `Sync` there is none in another thread.
unsafe impl Send for CudaRecording {}

impl CudaRecording {
    pub(super) fn replay(&self, stream: &Arc<CudaStream>) -> Result<(), GpuError> {
        if !Arc::ptr_eq(&self.stream, stream) {
            return Err(GpuError::Recording {
                what: "replaying on another stream what was recorded on one",
            });
        }
        let launched = self.graph.launch();
        launched.map_err(|e| failed("replaying what was recorded", e))
    }
}

/// What one stream records at the moment.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    /// The memory that was used so far; none while nothing is recorded.
    used: Mutex<Option<Vec<Arc<Memory>>>>,
}

impl Recorder {
    /// What is in it is whole at every instant, whoever panicked.
    fn used(&self) -> MutexGuard<'_, Option<Vec<Arc<Memory>>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says no to what cannot be recorded.
    pub fn refuse(&self, what: &'static str) -> Result<(), GpuError> {
        match *self.used() {
            Some(_) => Err(GpuError::Recording { what }),
            None => Ok(()),
        }
    }

    /// Keeps what a launch works on, if it is recorded.
    pub fn keep(&self, arguments: &[Argument<'_, CudaBuffer>]) {
        if let Some(used) = &mut *self.used() {
            used.extend(arguments.iter().filter_map(|argument| match argument {
                Argument::Place { buffer, .. } => Some(buffer.keep()),
                _ => None,
            }));
        }
    }

    /// Records what `work` launches on the stream, from this thread.
    pub fn record(
        &self,
        stream: &Arc<CudaStream>,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<CudaRecording, GpuError> {
        let what = "recording launches";
        self.refuse(what)?;
        // What other threads do to the card is none of this one's business.
        stream
            .begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
            .map_err(|e| failed(what, e))?;
        *self.used() = Some(Vec::new());
        // A panic goes on when the stream is free again.
        let done = catch_unwind(AssertUnwindSafe(work));
        let memory = self.used().take().unwrap_or_default();
        // Ended in any case, or the stream would be of no use to anybody.
        let ended = stream.end_capture(CUgraphInstantiate_flags(0));
        match done {
            Ok(done) => done?,
            Err(panic) => resume_unwind(panic),
        }
        let graph = ended.map_err(|e| failed(what, e))?;
        Ok(CudaRecording {
            graph: graph.ok_or(GpuError::Recording {
                what: "the driver lost what was recorded",
            })?,
            _memory: memory,
            stream: stream.clone(),
        })
    }
}

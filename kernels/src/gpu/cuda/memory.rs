//! Memory of a card.

use std::sync::Arc;

use cudarc::driver::sys::{CUdeviceptr, CUresult};
use cudarc::driver::{CudaContext, result};

use super::super::error::GpuError;
use super::failed;

/// Memory of a card. It is freed when the buffer and every recording that works on it are gone.
#[derive(Debug)]
pub struct CudaBuffer {
    memory: Arc<Memory>,
}

/// What is freed once.
#[derive(Debug)]
pub(super) struct Memory {
    place: CUdeviceptr,
    bytes: usize,
    context: Arc<CudaContext>,
}

impl CudaBuffer {
    /// Of any content; the context is the thread's.
    pub(super) fn new(context: &Arc<CudaContext>, bytes: usize) -> Result<Self, GpuError> {
        // SAFETY: nothing is read that was not written: kernels and downloads are given what was.
        let place =
            unsafe { result::malloc_sync(bytes.max(1)) }.map_err(|error| match error.0 {
                CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                    let (free, total) = result::mem_get_info().unwrap_or_default();
                    GpuError::OutOfMemory {
                        wanted: bytes,
                        free,
                        total,
                    }
                }
                _ => failed("allocating memory on the card", error),
            })?;
        let memory = Memory {
            place,
            bytes,
            context: context.clone(),
        };
        Ok(Self {
            memory: Arc::new(memory),
        })
    }

    /// A stretch of it by its place, if it is within.
    pub(super) fn stretch(
        &self,
        what: &'static str,
        at: usize,
        bytes: usize,
    ) -> Result<CUdeviceptr, GpuError> {
        let Memory {
            place, bytes: all, ..
        } = *self.memory;
        match at.checked_add(bytes) {
            Some(end) if end <= all => Ok(place + at as CUdeviceptr),
            _ => Err(GpuError::Short {
                what,
                expected: at.saturating_add(bytes),
                found: all,
            }),
        }
    }

    /// What keeps it from being freed.
    pub(super) fn keep(&self) -> Arc<Memory> {
        self.memory.clone()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // What fails here fails again, and is told, at the next call.
        if self.context.bind_to_thread().is_ok() {
            // SAFETY: allocated by `malloc_sync` in this context and freed nowhere else. It waits for
            // kernels that still use it.
            let _ = unsafe { result::free_sync(self.place) };
        }
    }
}

//! A card, by its driver alone.
//!
//! The driver's library is opened when the first card is, never before: a program with this in it starts
//! where there is none. Whatever is called checks that the library is there, and knows the kernels'
//! PTX, before anything else of it is used.

mod modules;
mod probe;

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::driver::sys::{self, CUdevice_attribute, CUdeviceptr};
use cudarc::driver::{CudaContext, CudaStream, DriverError, result};

use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;
use modules::Modules;
pub use probe::{Card, NEEDED_DRIVER, devices};
use probe::{check_card, driver};

/// The most arguments of a kernel.
const ARGUMENTS: usize = 24;

/// A card with a stream of its own. Streams of one card run beside each other.
#[derive(Clone, Debug)]
pub struct Cuda {
    stream: Arc<CudaStream>,
    modules: Arc<Modules>,
    multiprocessors: usize,
}

/// Memory of a card, freed when it is dropped.
#[derive(Debug)]
pub struct CudaBuffer {
    place: CUdeviceptr,
    bytes: usize,
    context: Arc<CudaContext>,
}

impl Cuda {
    /// The card with this number, as [`devices`] counts them. Takes a fraction of a second, and memory
    /// of the card; kernels are loaded when they are first launched.
    ///
    /// # Errors
    /// If there is no driver, the driver or the card is too old, or there is no such card.
    pub fn open(ordinal: usize) -> Result<Self, GpuError> {
        driver()?;
        let count = probe::count()?;
        if count <= ordinal {
            return Err(GpuError::NoSuchDevice { ordinal, count });
        }
        let context = CudaContext::new(ordinal).map_err(|e| failed("opening the card", e))?;
        check_card(&context)?;
        let attribute = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        let multiprocessors = context
            .attribute(attribute)
            .map_err(|e| failed("asking for the card's multiprocessors", e))?;
        let modules = Arc::new(Modules::new(context.clone()));
        Ok(Self {
            stream: most_urgent(&context)?,
            modules,
            multiprocessors: usize::try_from(multiprocessors).unwrap_or(1).max(1),
        })
    }

    /// Another stream on the same card, with the kernels that are loaded.
    ///
    /// # Errors
    /// If the driver makes none.
    pub fn another_stream(&self) -> Result<Self, GpuError> {
        Ok(Self {
            stream: most_urgent(self.stream.context())?,
            ..self.clone()
        })
    }

    /// Makes the card that of the calling thread.
    fn bind(&self) -> Result<(), GpuError> {
        let context = self.stream.context();
        context
            .bind_to_thread()
            .map_err(|e| failed("turning to the card", e))
    }
}

/// A stream that goes before whatever else the card does: drawing can wait, sound cannot.
fn most_urgent(context: &Arc<CudaContext>) -> Result<Arc<CudaStream>, GpuError> {
    let what = "making a stream";
    context.bind_to_thread().map_err(|e| failed(what, e))?;
    // The lower the number, the more urgent.
    let (_, greatest) = result::stream::get_priority_range().map_err(|e| failed(what, e))?;
    context
        .new_stream_with_priority(greatest)
        .map_err(|e| failed(what, e))
}

/// A call to the driver that failed.
fn failed(what: &'static str, error: DriverError) -> GpuError {
    GpuError::Driver {
        what,
        reason: reason(error),
    }
}

/// What the driver says.
fn reason(error: DriverError) -> String {
    match error.error_string() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => format!("error {}", error.0 as u32),
    }
}

impl CudaBuffer {
    /// A stretch of it by its place, if it is within.
    fn stretch(
        &self,
        what: &'static str,
        at: usize,
        bytes: usize,
    ) -> Result<CUdeviceptr, GpuError> {
        match at.checked_add(bytes) {
            Some(end) if end <= self.bytes => Ok(self.place + at as CUdeviceptr),
            _ => Err(GpuError::Short {
                what,
                expected: at.saturating_add(bytes),
                found: self.bytes,
            }),
        }
    }
}

impl Drop for CudaBuffer {
    fn drop(&mut self) {
        // What fails here fails again, and is told, at the next call.
        if self.context.bind_to_thread().is_ok() {
            // SAFETY: allocated by `malloc_sync` in this context and freed nowhere else. It waits for
            // kernels that still use it.
            let _ = unsafe { result::free_sync(self.place) };
        }
    }
}

impl Device for Cuda {
    type Buffer = CudaBuffer;

    fn allocate(&self, bytes: usize) -> Result<CudaBuffer, GpuError> {
        self.bind()?;
        // SAFETY: nothing is read that was not written: kernels and `download` are given what was.
        let place =
            unsafe { result::malloc_sync(bytes.max(1)) }.map_err(|error| match error.0 {
                sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                    let (free, total) = result::mem_get_info().unwrap_or_default();
                    GpuError::OutOfMemory {
                        wanted: bytes,
                        free,
                        total,
                    }
                }
                _ => failed("allocating memory on the card", error),
            })?;
        Ok(CudaBuffer {
            place,
            bytes,
            context: self.stream.context().clone(),
        })
    }

    fn upload(&self, bytes: &[u8], to: &CudaBuffer, at: usize) -> Result<(), GpuError> {
        let place = to.stretch("bytes of a buffer copied to", at, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: the stretch is within the buffer; memory that is not pinned is read before the call
        // returns.
        unsafe { result::memcpy_htod_async(place, bytes, self.stream.cu_stream()) }
            .map_err(|e| failed("copying to the card", e))
    }

    fn download(&self, from: &CudaBuffer, at: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        let place = from.stretch("bytes of a buffer copied from", at, bytes.len())?;
        if bytes.is_empty() {
            return self.synchronize();
        }
        self.bind()?;
        // SAFETY: the stretch is within the buffer, and `bytes` is borrowed until all is there.
        unsafe { result::memcpy_dtoh_async(bytes, place, self.stream.cu_stream()) }
            .map_err(|e| failed("copying from the card", e))?;
        self.synchronize()
    }

    fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        arguments: &[Argument<'_, CudaBuffer>],
    ) -> Result<(), GpuError> {
        if grid.is_empty() {
            return Ok(());
        }
        if ARGUMENTS < arguments.len() {
            return Err(GpuError::Size {
                what: "arguments of a kernel",
                expected: "at most 24",
                found: arguments.len(),
            });
        }
        self.bind()?;
        let function = self.modules.function(kernel)?;
        // The driver reads each from its place, as many bytes as the kernel's own parameter has: the
        // lowest, on the systems that there are cards for.
        let mut values = [0u64; ARGUMENTS];
        let mut places = [std::ptr::null_mut::<c_void>(); ARGUMENTS];
        for ((value, place), argument) in values.iter_mut().zip(&mut places).zip(arguments) {
            *value = match argument {
                Argument::Place { buffer, at } => buffer.stretch("bytes of a buffer", *at, 0)?,
                Argument::Null => 0,
                Argument::Int(n) => u64::from(n.cast_unsigned()),
                Argument::Float(x) => u64::from(x.to_bits()),
                Argument::Double(x) => x.to_bits(),
            };
            *place = std::ptr::from_mut(value).cast();
        }
        let [x, y, z] = grid.blocks;
        // SAFETY: the function belongs to this context and lives as long; `places` are of values that
        // outlive the call, which copies them. That they are what the kernel takes, and that it stays
        // within its buffers, is what the operations see to and their tests look at.
        unsafe {
            result::launch_kernel(
                function,
                (x, y, z),
                (grid.threads, 1, 1),
                grid.shared_bytes,
                self.stream.cu_stream(),
                &mut places[..arguments.len()],
            )
        }
        .map_err(|error| GpuError::Launch {
            kernel,
            reason: reason(error),
        })
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        self.stream
            .synchronize()
            .map_err(|e| failed("waiting for the card", e))
    }

    fn multiprocessors(&self) -> usize {
        self.multiprocessors
    }
}

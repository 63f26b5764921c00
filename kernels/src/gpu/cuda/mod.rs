//! A card, by its driver alone.
//!
//! The driver's library is opened when the first card is, never before: a program with this in it starts
//! where there is none. Whatever is called checks that the library is there, and knows the kernels'
//! PTX, before anything else of it is used.

mod link;
mod memory;
mod modules;
mod probe;
mod recording;

use std::ffi::c_void;
use std::sync::Arc;

use cudarc::driver::sys::CUdevice_attribute;
use cudarc::driver::{CudaContext, CudaStream, DriverError, result};

use super::built::Builds;
use super::device::{Argument, Device, Grid};
use super::error::GpuError;
use super::kernel::Kernel;
pub use memory::CudaBuffer;
use modules::{Modules, Origin};
pub use probe::{Card, NEEDED_CARD, NEEDED_DRIVER, devices};
use probe::{check_card, driver};
pub use recording::CudaRecording;
use recording::Recorder;

/// The most arguments of a kernel.
const ARGUMENTS: usize = 24;

/// What goes first on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Before all else: sound cannot wait.
    Sound,
    /// When there is nothing more urgent.
    Other,
}

/// A card with a stream of its own. Streams of one card run beside each other.
#[derive(Clone, Debug)]
pub struct Cuda {
    stream: Arc<CudaStream>,
    modules: Arc<Modules>,
    multiprocessors: usize,
    recorder: Arc<Recorder>,
    urgency: Urgency,
}

impl Cuda {
    /// The card with this number, as [`devices`] counts them. Takes a fraction of a second, and memory
    /// of the card; kernels are loaded when they are first launched.
    ///
    /// # Errors
    /// If there is no driver, the driver or the card is too old, or there is no such card.
    pub fn open(ordinal: usize) -> Result<Self, GpuError> {
        Self::open_for(ordinal, Urgency::Sound)
    }

    /// [`Self::open`] for something as urgent as this.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_for(ordinal: usize, urgency: Urgency) -> Result<Self, GpuError> {
        Self::open_with(ordinal, urgency, None)
    }

    /// [`Self::open_for`], with what the driver makes of the kernels kept: linked once, loaded by every
    /// later start. Where that fails the driver is given the PTX, as without.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        ordinal: usize,
        urgency: Urgency,
        builds: Option<Arc<dyn Builds>>,
    ) -> Result<Self, GpuError> {
        let driver = driver()?;
        let count = probe::count()?;
        if count <= ordinal {
            return Err(GpuError::NoSuchDevice { ordinal, count });
        }
        let context = CudaContext::new(ordinal).map_err(|e| failed("opening the card", e))?;
        let compute = check_card(&context)?;
        let attribute = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        let multiprocessors = context
            .attribute(attribute)
            .map_err(|e| failed("asking for the card's multiprocessors", e))?;
        let origin = Origin {
            builds,
            compute,
            driver,
        };
        let modules = Arc::new(Modules::new(context.clone(), origin));
        Ok(Self {
            stream: stream(&context, urgency)?,
            urgency,
            modules,
            recorder: Arc::default(),
            multiprocessors: usize::try_from(multiprocessors).unwrap_or(1).max(1),
        })
    }

    /// Another stream on the same card, as urgent, with the kernels that are loaded. What one stream writes another
    /// sees when the one was waited for.
    ///
    /// # Errors
    /// If the driver makes none.
    pub fn another_stream(&self) -> Result<Self, GpuError> {
        Ok(Self {
            stream: stream(self.stream.context(), self.urgency)?,
            recorder: Arc::default(),
            ..self.clone()
        })
    }

    /// Loads all kernels now, not when each is first launched.
    ///
    /// # Errors
    /// If the driver takes neither what was kept of one nor its PTX.
    pub fn load_kernels(&self) -> Result<(), GpuError> {
        self.bind()?;
        self.modules.load_all()
    }

    /// Makes the card that of the calling thread.
    fn bind(&self) -> Result<(), GpuError> {
        let context = self.stream.context();
        context
            .bind_to_thread()
            .map_err(|e| failed("turning to the card", e))
    }
}

/// A stream as urgent as can be, or as little.
fn stream(context: &Arc<CudaContext>, urgency: Urgency) -> Result<Arc<CudaStream>, GpuError> {
    let what = "making a stream";
    context.bind_to_thread().map_err(|e| failed(what, e))?;
    // The lower the number, the more urgent.
    let (least, greatest) = result::stream::get_priority_range().map_err(|e| failed(what, e))?;
    let priority = match urgency {
        Urgency::Sound => greatest,
        Urgency::Other => least,
    };
    context
        .new_stream_with_priority(priority)
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

impl Device for Cuda {
    type Buffer = CudaBuffer;

    type Recording = CudaRecording;

    fn allocate(&self, bytes: usize) -> Result<CudaBuffer, GpuError> {
        self.recorder.refuse("allocating memory")?;
        self.bind()?;
        CudaBuffer::new(self.stream.context(), bytes)
    }

    fn upload(&self, bytes: &[u8], to: &CudaBuffer, at: usize) -> Result<(), GpuError> {
        self.recorder.refuse("copying to the card")?;
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
        self.recorder.refuse("copying from the card")?;
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
        self.recorder.keep(arguments);
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
        self.recorder.refuse("waiting for the card")?;
        self.stream
            .synchronize()
            .map_err(|e| failed("waiting for the card", e))
    }

    fn record(
        &self,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<CudaRecording, GpuError> {
        // Nothing can be loaded while launches are recorded.
        self.load_kernels()?;
        self.recorder.record(&self.stream, work)
    }

    fn replay(&self, recording: &CudaRecording) -> Result<(), GpuError> {
        self.recorder.refuse("replaying")?;
        recording.replay(&self.stream)
    }

    fn multiprocessors(&self) -> usize {
        self.multiprocessors
    }
}

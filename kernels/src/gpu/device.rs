//! Where kernels run.

use super::error::GpuError;
use super::kernel::Kernel;

/// The shape of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Blocks along x, y and z: at most 2^31 - 1, 65,535 and 65,535.
    pub blocks: [u32; 3],
    /// Threads of a block, along x.
    pub threads: u32,
    /// Shared memory of a block beside what the kernel declares.
    pub shared_bytes: u32,
}

impl Grid {
    /// Without shared memory of its own.
    ///
    /// # Errors
    /// If there are more blocks than a launch can have.
    pub fn new(blocks: [usize; 3], threads: u32) -> Result<Self, GpuError> {
        let along = |n: usize, most: usize| match u32::try_from(n) {
            Ok(blocks) if n <= most => Ok(blocks),
            _ => Err(GpuError::Size {
                what: "blocks of a launch",
                expected: "at most 2147483647 along x, 65535 along y and z",
                found: n,
            }),
        };
        let [x, y, z] = blocks;
        Ok(Self {
            blocks: [along(x, 0x7fff_ffff)?, along(y, 65_535)?, along(z, 65_535)?],
            threads,
            shared_bytes: 0,
        })
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.contains(&0)
    }
}

/// What a kernel is given.
#[derive(Debug)]
pub enum Argument<'a, B> {
    /// A place in memory of the device.
    Place {
        /// What it lies in.
        buffer: &'a B,
        /// Bytes from its beginning.
        at: usize,
    },
    /// No place.
    Null,
    /// `int`
    Int(i32),
    /// `float`
    Float(f32),
    /// `double`
    Double(f64),
}

impl<B> Argument<'_, B> {
    /// A size or a place in an array as an `int`.
    ///
    /// # Errors
    /// If it is 2^31 or more.
    pub fn int(n: usize) -> Result<Self, GpuError> {
        match i32::try_from(n) {
            Ok(n) => Ok(Self::Int(n)),
            Err(_) => Err(GpuError::Size {
                what: "a size",
                expected: "less than 2147483648",
                found: n,
            }),
        }
    }
}

/// A card, or what stands for one. What is launched and copied happens in the order of the calls.
///
/// Kernels write through shared references to buffers: whoever launches sees to it that nobody else
/// uses the same stretch at the same time. On one device with one stream nobody can.
pub trait Device {
    /// Memory of the device, freed when it is dropped and no recording needs it.
    type Buffer;

    /// Launches that were recorded, with the memory they work on.
    type Recording;

    /// Memory of any content. Allocates, and waits.
    ///
    /// # Errors
    /// If there is not enough.
    fn allocate(&self, bytes: usize) -> Result<Self::Buffer, GpuError>;

    /// Copies to a buffer, from `at` bytes on. The bytes may be used again when it returns.
    ///
    /// # Errors
    /// If the buffer is too short, or the device fails.
    fn upload(&self, bytes: &[u8], to: &Self::Buffer, at: usize) -> Result<(), GpuError>;

    /// Waits for what was launched, and copies from a buffer, from `at` bytes on.
    ///
    /// # Errors
    /// If the buffer is too short, or the device fails.
    fn download(&self, from: &Self::Buffer, at: usize, bytes: &mut [u8]) -> Result<(), GpuError>;

    /// Runs a kernel. It may not have run when this returns. An empty grid is nothing to do.
    ///
    /// # Errors
    /// If it does not start, or something before it failed.
    fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), GpuError>;

    /// Waits until all that was launched is done.
    ///
    /// # Errors
    /// If any of it failed.
    fn synchronize(&self) -> Result<(), GpuError>;

    /// Records what `work` launches, without running it: the same kernels on the same places, whatever
    /// these hold when it is replayed. Allocates, and waits.
    ///
    /// # Errors
    /// What `work` fails with, if it does anything but launch, or if the device fails.
    fn record(
        &self,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<Self::Recording, GpuError>;

    /// Runs what was recorded on this device, as one launch. It may not have run when this returns.
    ///
    /// # Errors
    /// If it does not start, or something before it failed.
    fn replay(&self, recording: &Self::Recording) -> Result<(), GpuError>;

    /// Units that run blocks side by side, by which products choose their form.
    fn multiprocessors(&self) -> usize;
}

/// A device that somebody else has.
impl<D: Device> Device for &D {
    type Buffer = D::Buffer;

    type Recording = D::Recording;

    fn allocate(&self, bytes: usize) -> Result<Self::Buffer, GpuError> {
        D::allocate(self, bytes)
    }

    fn upload(&self, bytes: &[u8], to: &Self::Buffer, at: usize) -> Result<(), GpuError> {
        D::upload(self, bytes, to, at)
    }

    fn download(&self, from: &Self::Buffer, at: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        D::download(self, from, at, bytes)
    }

    fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), GpuError> {
        D::launch(self, kernel, grid, arguments)
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        D::synchronize(self)
    }

    fn record(
        &self,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<Self::Recording, GpuError> {
        D::record(self, work)
    }

    fn replay(&self, recording: &Self::Recording) -> Result<(), GpuError> {
        D::replay(self, recording)
    }

    fn multiprocessors(&self) -> usize {
        D::multiprocessors(self)
    }
}

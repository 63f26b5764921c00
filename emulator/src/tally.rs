//! A device that does nothing but count: what a step of a network costs, and that it is always the same,
//! can be said without running it.

use std::cell::{Cell, RefCell};

use autovoice_kernels::gpu::{Argument, Device, GpuError, Grid, Kernel};

/// See the module. What is read from it is 0.
#[derive(Debug)]
pub struct Tally {
    multiprocessors: usize,
    allocations: Cell<usize>,
    bytes: Cell<usize>,
    uploads: Cell<usize>,
    downloads: Cell<usize>,
    calls: Cell<usize>,
    launches: RefCell<Vec<Launch>>,
}

/// Memory of a [`Tally`]: its number, and its size in bytes.
#[derive(Debug)]
pub struct Room(usize, usize);

/// A launch, with all that it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// What was launched.
    pub kernel: Kernel,
    /// Its shape.
    pub grid: Grid,
    /// What it was given.
    pub arguments: Vec<Given>,
}

/// An argument of a launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Given {
    /// A place: the number of the memory, and bytes from its beginning.
    Place(usize, usize),
    /// No place.
    Null,
    /// A number.
    Number(f64),
}

impl Tally {
    /// As a card with so many multiprocessors.
    #[must_use]
    pub fn new(multiprocessors: usize) -> Self {
        Self {
            multiprocessors,
            allocations: Cell::default(),
            bytes: Cell::default(),
            uploads: Cell::default(),
            downloads: Cell::default(),
            calls: Cell::default(),
            launches: RefCell::default(),
        }
    }

    /// How often memory was allocated.
    #[must_use]
    pub fn allocations(&self) -> usize {
        self.allocations.get()
    }

    /// Bytes that were allocated, freed or not.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// Copies to the device.
    #[must_use]
    pub fn uploads(&self) -> usize {
        self.uploads.get()
    }

    /// Copies from the device.
    #[must_use]
    pub fn downloads(&self) -> usize {
        self.downloads.get()
    }

    /// How often something was launched: a kernel by itself, or a recording, whatever is in it.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    /// What was launched since this was last asked.
    #[must_use]
    pub fn launched(&self) -> Vec<Launch> {
        self.launches.take()
    }
}

fn count(cell: &Cell<usize>, more: usize) {
    cell.set(cell.get() + more);
}

fn within(room: &Room, at: usize, bytes: usize) -> Result<(), GpuError> {
    match at + bytes <= room.1 {
        true => Ok(()),
        false => Err(GpuError::Short {
            what: "bytes of a buffer",
            expected: at + bytes,
            found: room.1,
        }),
    }
}

impl Device for Tally {
    type Buffer = Room;

    type Recording = Vec<Launch>;

    fn allocate(&self, bytes: usize) -> Result<Room, GpuError> {
        count(&self.allocations, 1);
        count(&self.bytes, bytes);
        Ok(Room(self.allocations.get(), bytes))
    }

    fn upload(&self, bytes: &[u8], to: &Room, at: usize) -> Result<(), GpuError> {
        count(&self.uploads, 1);
        within(to, at, bytes.len())
    }

    fn download(&self, from: &Room, at: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        count(&self.downloads, 1);
        bytes.fill(0);
        within(from, at, bytes.len())
    }

    fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        arguments: &[Argument<'_, Room>],
    ) -> Result<(), GpuError> {
        if grid.is_empty() {
            return Ok(());
        }
        let given = arguments.iter().map(|argument| match *argument {
            Argument::Place { buffer, at } => Given::Place(buffer.0, at),
            Argument::Null => Given::Null,
            Argument::Int(n) => Given::Number(f64::from(n)),
            Argument::Float(x) => Given::Number(f64::from(x)),
            Argument::Double(x) => Given::Number(x),
        });
        count(&self.calls, 1);
        self.launches.borrow_mut().push(Launch {
            kernel,
            grid,
            arguments: given.collect(),
        });
        Ok(())
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        Ok(())
    }

    fn record(
        &self,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<Vec<Launch>, GpuError> {
        let before = (self.launches.take(), self.calls.get());
        let done = work();
        let recorded = self.launches.replace(before.0);
        self.calls.set(before.1);
        done.map(|()| recorded)
    }

    fn replay(&self, recording: &Vec<Launch>) -> Result<(), GpuError> {
        count(&self.calls, 1);
        self.launches.borrow_mut().extend_from_slice(recording);
        Ok(())
    }

    fn multiprocessors(&self) -> usize {
        self.multiprocessors
    }
}

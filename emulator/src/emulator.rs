//! A device that is an emulator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use autovoice_kernels::gpu::{Argument, Device, GpuError, Grid, Kernel, Module};
use autovoice_ptx as ptx;

/// An emulated card.
#[derive(Default)]
pub struct Emulator {
    memory: Arc<Mutex<ptx::Memory>>,
    modules: Mutex<HashMap<Module, Arc<ptx::Module>>>,
    /// What was launched so far; none while nothing is recorded.
    recorded: Mutex<Option<Recording>>,
}

/// Memory of an [`Emulator`], freed when the buffer and every recording that works on it are gone.
pub struct Buffer(Arc<Stretch>);

struct Stretch {
    memory: Arc<Mutex<ptx::Memory>>,
    address: ptx::Address,
    bytes: usize,
}

/// Launches in their order.
pub type Recording = Vec<Launch>;

pub struct Launch {
    kernel: Kernel,
    grid: ptx::Grid,
    arguments: Vec<ptx::Argument>,
    _memory: Vec<Arc<Stretch>>,
}

impl Drop for Stretch {
    fn drop(&mut self) {
        let freed = held(&self.memory).free(self.address);
        freed.expect("what was allocated is freed once");
    }
}

impl Buffer {
    fn at(&self, at: usize, bytes: usize) -> Result<ptx::Address, GpuError> {
        if self.0.bytes < at + bytes {
            return Err(GpuError::Short {
                what: "bytes of a buffer",
                expected: at + bytes,
                found: self.0.bytes,
            });
        }
        Ok(self.0.address.plus(at as u64))
    }
}

impl Emulator {
    fn refuse(&self, what: &'static str) -> Result<(), GpuError> {
        match *held(&self.recorded) {
            Some(_) => Err(GpuError::Recording { what }),
            None => Ok(()),
        }
    }

    fn run(&self, launch: &Launch) -> Result<(), GpuError> {
        let kernel = launch.kernel;
        let module = kernel.module();
        let module = {
            let mut modules = held(&self.modules);
            let made = modules.entry(module).or_insert_with(|| {
                let parsed = ptx::Module::parse(module.ptx());
                Arc::new(parsed.unwrap_or_else(|e| panic!("{}.ptx: {e}", module.stem())))
            });
            made.clone()
        };
        let mut memory = held(&self.memory);
        let (grid, arguments) = (&launch.grid, &launch.arguments);
        let done = module.launch(&mut memory, kernel.entry(), grid, arguments);
        match done {
            Ok(_) => Ok(()),
            Err(error) => Err(GpuError::Launch {
                kernel,
                reason: error.to_string(),
            }),
        }
    }
}

/// What is held is whole at every instant, whoever panicked.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(what: &'static str, error: &ptx::MemoryError) -> GpuError {
    GpuError::Driver {
        what,
        reason: error.to_string(),
    }
}

impl Device for Emulator {
    type Buffer = Buffer;

    type Recording = Recording;

    fn allocate(&self, bytes: usize) -> Result<Buffer, GpuError> {
        self.refuse("allocating memory")?;
        Ok(Buffer(Arc::new(Stretch {
            address: held(&self.memory).allocate(bytes),
            memory: self.memory.clone(),
            bytes,
        })))
    }

    fn upload(&self, bytes: &[u8], to: &Buffer, at: usize) -> Result<(), GpuError> {
        self.refuse("copying to the card")?;
        let address = to.at(at, bytes.len())?;
        let mut memory = held(&self.memory);
        memory
            .write(address, bytes)
            .map_err(|e| failed("copying to the emulator", &e))
    }

    fn download(&self, from: &Buffer, at: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        self.refuse("copying from the card")?;
        let address = from.at(at, bytes.len())?;
        let memory = held(&self.memory);
        let found = memory
            .read::<u8>(address, bytes.len())
            .map_err(|e| failed("copying from the emulator", &e))?;
        bytes.copy_from_slice(&found);
        Ok(())
    }

    fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        arguments: &[Argument<'_, Buffer>],
    ) -> Result<(), GpuError> {
        if grid.is_empty() {
            return Ok(());
        }
        let memory = arguments.iter().filter_map(|argument| match argument {
            Argument::Place { buffer, .. } => Some(buffer.0.clone()),
            _ => None,
        });
        let memory = memory.collect();
        let arguments = arguments.iter().map(|argument| {
            Ok(match argument {
                Argument::Place { buffer, at } => ptx::Argument::Address(buffer.at(*at, 0)?),
                Argument::Null => ptx::Argument::U64(0),
                Argument::Int(n) => ptx::Argument::I32(*n),
                Argument::Float(x) => ptx::Argument::F32(*x),
                Argument::Double(x) => ptx::Argument::F64(*x),
            })
        });
        let arguments: Vec<ptx::Argument> = arguments.collect::<Result<_, GpuError>>()?;
        let mut shape = ptx::Grid::new(grid.blocks, [grid.threads, 1, 1]);
        shape.shared_bytes = grid.shared_bytes;
        let launch = Launch {
            kernel,
            grid: shape,
            arguments,
            _memory: memory,
        };
        if let Some(recorded) = &mut *held(&self.recorded) {
            recorded.push(launch);
            return Ok(());
        }
        self.run(&launch)
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        self.refuse("waiting for the card")
    }

    fn record(
        &self,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<Recording, GpuError> {
        self.refuse("recording launches")?;
        *held(&self.recorded) = Some(Vec::new());
        let done = work();
        let recorded = held(&self.recorded).take();
        done?;
        Ok(recorded.unwrap_or_default())
    }

    fn replay(&self, recording: &Recording) -> Result<(), GpuError> {
        self.refuse("replaying")?;
        recording.iter().try_for_each(|launch| self.run(launch))
    }

    /// As a small card.
    fn multiprocessors(&self) -> usize {
        14
    }
}

//! A device that is an emulator.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use autovoice_kernels::gpu::{Argument, Device, GpuError, Grid, Kernel, Module};
use autovoice_ptx as ptx;

/// An emulated card.
#[derive(Default)]
pub struct Emulator {
    memory: Rc<RefCell<ptx::Memory>>,
    modules: RefCell<HashMap<Module, Rc<ptx::Module>>>,
}

/// Memory of an [`Emulator`].
pub struct Buffer {
    memory: Rc<RefCell<ptx::Memory>>,
    address: ptx::Address,
    bytes: usize,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let freed = self.memory.borrow_mut().free(self.address);
        freed.expect("what was allocated is freed once");
    }
}

impl Buffer {
    fn at(&self, at: usize, bytes: usize) -> Result<ptx::Address, GpuError> {
        if self.bytes < at + bytes {
            return Err(GpuError::Short {
                what: "bytes of a buffer",
                expected: at + bytes,
                found: self.bytes,
            });
        }
        Ok(self.address.plus(at as u64))
    }
}

fn failed(what: &'static str, error: &ptx::MemoryError) -> GpuError {
    GpuError::Driver {
        what,
        reason: error.to_string(),
    }
}

impl Device for Emulator {
    type Buffer = Buffer;

    fn allocate(&self, bytes: usize) -> Result<Buffer, GpuError> {
        Ok(Buffer {
            address: self.memory.borrow_mut().allocate(bytes),
            memory: self.memory.clone(),
            bytes,
        })
    }

    fn upload(&self, bytes: &[u8], to: &Buffer, at: usize) -> Result<(), GpuError> {
        let address = to.at(at, bytes.len())?;
        let mut memory = self.memory.borrow_mut();
        memory
            .write(address, bytes)
            .map_err(|e| failed("copying to the emulator", &e))
    }

    fn download(&self, from: &Buffer, at: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        let address = from.at(at, bytes.len())?;
        let memory = self.memory.borrow();
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
        let failed = |reason: String| GpuError::Launch { kernel, reason };
        let module = kernel.module();
        let module = {
            let mut modules = self.modules.borrow_mut();
            let made = modules.entry(module).or_insert_with(|| {
                let parsed = ptx::Module::parse(module.ptx());
                Rc::new(parsed.unwrap_or_else(|e| panic!("{}.ptx: {e}", module.stem())))
            });
            made.clone()
        };
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
        let mut memory = self.memory.borrow_mut();
        module
            .launch(&mut memory, kernel.entry(), &shape, &arguments)
            .map_err(|error| failed(error.to_string()))?;
        Ok(())
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        Ok(())
    }

    /// As a small card.
    fn multiprocessors(&self) -> usize {
        14
    }
}

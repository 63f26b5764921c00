//! Kernels on a card, each file of them loaded when the first of it is launched.

use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::{CUfunction, CUmodule};
use cudarc::driver::{CudaContext, DriverError, result};

use super::super::built::{Build, Builds, load_built};
use super::super::error::GpuError;
use super::super::kernel::{Kernel, Module};
use super::link::linked;
use super::reason;

/// The kernels of one card, shared by its streams.
#[derive(Debug)]
pub(super) struct Modules {
    context: Arc<CudaContext>,
    origin: Origin,
    loaded: Mutex<Loaded>,
}

/// Where machine code comes from.
#[derive(Debug)]
pub(super) struct Origin {
    /// What was made of PTX before, if that is kept.
    pub builds: Option<Arc<dyn Builds>>,
    /// The compute capability of the card.
    pub compute: (u32, u32),
    /// The version of CUDA that the driver serves.
    pub driver: (u32, u32),
}

#[derive(Debug)]
struct Loaded {
    modules: Vec<Option<CUmodule>>,
    functions: Vec<Option<CUfunction>>,
}

// SAFETY: handles of the driver, which it takes from any thread.
unsafe impl Send for Loaded {}

impl Modules {
    pub fn new(context: Arc<CudaContext>, origin: Origin) -> Self {
        Self {
            context,
            origin,
            loaded: Mutex::new(Loaded {
                modules: vec![None; Module::ALL.len()],
                functions: vec![None; Kernel::ALL.len()],
            }),
        }
    }

    /// What is in it is whole at every instant, whoever panicked.
    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every kernel; the context is the thread's.
    pub fn load_all(&self) -> Result<(), GpuError> {
        let mut all = Kernel::ALL.iter();
        all.try_for_each(|kernel| self.function(*kernel).map(|_| ()))
    }

    /// A kernel as the driver knows it; the context is the thread's. The first of a file takes the time
    /// of the driver's compiler, unless its work is kept here or by the driver.
    pub fn function(&self, kernel: Kernel) -> Result<CUfunction, GpuError> {
        let mut loaded = self.loaded();
        if let Some(function) = loaded.functions[kernel as usize] {
            return Ok(function);
        }
        let module = kernel.module();
        let load = |reason: String| GpuError::Load { module, reason };
        let handle = match loaded.modules[module as usize] {
            Some(handle) => handle,
            None => {
                let ptx = CString::new(module.ptx()).map_err(|e| load(e.to_string()))?;
                let handle = match self.origin.kept(module, &ptx) {
                    Some(handle) => handle,
                    // SAFETY: text that ends with 0, as the driver takes PTX.
                    None => unsafe { result::module::load_data(ptx.as_ptr().cast()) }
                        .map_err(|e| load(reason(e)))?,
                };
                loaded.modules[module as usize] = Some(handle);
                handle
            }
        };
        let name = CString::new(kernel.entry()).map_err(|e| load(e.to_string()))?;
        // SAFETY: the module is loaded, and unloaded with `self` only.
        let function = unsafe { result::module::get_function(handle, name) }
            .map_err(|e| load(format!("{}: {}", kernel.entry(), reason(e))))?;
        loaded.functions[kernel as usize] = Some(function);
        Ok(function)
    }
}

impl Origin {
    /// A module by an image that is kept from now on, if it was not before; the context is the thread's.
    fn kept(&self, module: Module, ptx: &CStr) -> Option<CUmodule> {
        let build = Build {
            module,
            ptx: module.ptx(),
            compute: self.compute,
            driver: self.driver,
        };
        let load = |image: &[u8]| -> Result<CUmodule, DriverError> {
            // SAFETY: an image whole as the driver's linker made it, by its length and hash if it was kept.
            unsafe { result::module::load_data(image.as_ptr().cast()) }
        };
        load_built(&**self.builds.as_ref()?, &build, || linked(ptx), load)
    }
}

impl Drop for Modules {
    fn drop(&mut self) {
        if self.context.bind_to_thread().is_err() {
            return;
        }
        let loaded = self
            .loaded
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for module in loaded.modules.iter().flatten() {
            // SAFETY: loaded in this context, and no stream is left that could launch its kernels. What
            // fails here leaves memory behind, of which nobody can make anything.
            let _ = unsafe { result::module::unload(*module) };
        }
    }
}

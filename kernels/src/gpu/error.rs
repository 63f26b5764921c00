//! What can go wrong on a card.

use super::kernel::{Kernel, Module};

/// Why something on a card did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// There is no driver.
    #[error(
        "no NVIDIA driver found: its library (libcuda.so.1, on Windows nvcuda.dll) is not on this \
         system; install the driver of the card, nothing else is needed"
    )]
    NoDriver,
    /// The driver does not know the PTX that the kernels are in.
    #[error(
        "the NVIDIA driver serves CUDA {}.{}, the kernels need {}.{}: update the driver to 535 or newer",
        found.0, found.1, needed.0, needed.1
    )]
    OldDriver {
        /// Of CUDA that the driver serves.
        found: (u32, u32),
        /// Of CUDA that is needed.
        needed: (u32, u32),
    },
    /// There is a driver and no card.
    #[error("the NVIDIA driver finds no card")]
    NoDevice,
    /// No card has this number.
    #[error("expected a card below {count}, found {ordinal}")]
    NoSuchDevice {
        /// The number asked for.
        ordinal: usize,
        /// Cards there are.
        count: usize,
    },
    /// The card lacks the instructions of the kernels.
    #[error(
        "{name} has compute capability {}.{}, the kernels need {}.{} (GeForce GTX 16, RTX 20 or newer)",
        found.0, found.1, needed.0, needed.1
    )]
    OldDevice {
        /// What the card is called.
        name: String,
        /// Its compute capability.
        found: (u32, u32),
        /// The one that is needed.
        needed: (u32, u32),
    },
    /// There is not enough memory left on the card.
    #[error(
        "out of memory on the card: {wanted} bytes wanted, {free} of {total} free; close what else \
         uses the card, or use fewer voices"
    )]
    OutOfMemory {
        /// Bytes asked for.
        wanted: usize,
        /// Bytes that were free.
        free: usize,
        /// Bytes there are.
        total: usize,
    },
    /// The driver did not take the PTX.
    #[error("the driver does not load the kernels of {}: {reason}", module.stem())]
    Load {
        /// What was to be loaded.
        module: Module,
        /// What the driver says.
        reason: String,
    },
    /// A kernel did not start, or one before it failed.
    #[error("the kernel {} failed: {reason}", kernel.entry())]
    Launch {
        /// What was to be run.
        kernel: Kernel,
        /// What the driver says.
        reason: String,
    },
    /// Another call to the driver failed.
    #[error("{what}: {reason}")]
    Driver {
        /// What was done.
        what: &'static str,
        /// What the driver says.
        reason: String,
    },
    /// Something that cannot be recorded.
    #[error("{what} while launches are recorded: only launches can be")]
    Recording {
        /// What was done.
        what: &'static str,
    },
    /// An array is too short for what is to be done with it.
    #[error("{what}: expected at least {expected} values, found {found}")]
    Short {
        /// Which one.
        what: &'static str,
        /// Values needed.
        expected: usize,
        /// Values there are.
        found: usize,
    },
    /// A size is not one that the kernels can do.
    #[error("{what}: expected {expected}, found {found}")]
    Size {
        /// Which one.
        what: &'static str,
        /// What can be done.
        expected: &'static str,
        /// What was asked for.
        found: usize,
    },
}

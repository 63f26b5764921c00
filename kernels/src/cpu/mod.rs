//! Kernels for the CPU.

mod denormals;

pub use denormals::FlushDenormals;

//! Kernels for the CPU.

mod denormals;
mod dot;

pub use denormals::FlushDenormals;
pub use dot::dot;

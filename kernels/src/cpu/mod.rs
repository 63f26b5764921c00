//! Kernels for the CPU.

mod denormals;
mod dot;
mod matmul;
mod vector;

pub use denormals::FlushDenormals;
pub use dot::dot;
pub use matmul::{PackedMatrix, Start, matmul};

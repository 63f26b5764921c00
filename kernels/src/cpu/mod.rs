//! Kernels for the CPU.

mod activation;
mod conv1d;
mod denormals;
mod distance;
mod dot;
mod gru;
mod lstm;
mod matmul;
mod vector;

pub use activation::{exp, leaky_relu, relu, sigmoid, softmax, tanh};
pub use conv1d::{Conv1dShape, PackedConv1d, conv1d};
pub use denormals::FlushDenormals;
pub use distance::squared_distances;
pub use dot::dot;
pub use gru::PackedGru;
pub use lstm::PackedLstm;
pub use matmul::{PackedMatrix, Start, matmul};

//! Kernels for the CPU.

mod activation;
mod conv1d;
mod denormals;
mod distance;
mod dot;
mod footprint;
mod fourier;
mod gru;
mod half;
mod harmonics;
mod large_pages;
mod lstm;
mod matmul;
mod resample;
mod separation;
mod spectral;
#[cfg(test)]
mod testing;
mod vector;
mod vocoder;

pub use activation::{exp, gelu, leaky_relu, relu, sigmoid, softmax, tanh};
pub use conv1d::{Conv1dShape, PackedConv1d, conv1d};
pub use denormals::FlushDenormals;
pub use distance::squared_distances;
pub use dot::dot;
pub use footprint::Footprint;
pub use gru::PackedGru;
pub use harmonics::{Glide, harmonic_sum};
pub use lstm::PackedLstm;
pub use matmul::{PackedMatrix, Start, Unpacked, matmul, matmul_unpacked};
pub use resample::{Polyphase, resample};
pub use separation::{Along, MOST_REACH, median, shares};
pub use spectral::{BlockSize, Into, SpectralConv1d};
pub use vector::instructions;
pub use vocoder::{PhaseVocoder, Phases, Stretch};

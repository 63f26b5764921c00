//! Kernels for NVIDIA cards, with nothing installed but the driver.
//!
//! An operation is a `.cu` in `kernels/cu`, a `.rs` of the same name here that says what it takes,
//! checks sizes and chooses its form, and a test that holds it against its twin in [`crate::cpu`]
//! (`kernels/tests/gpu_twins`). The `.cu` are compiled to PTX by `cargo xtask kernels`; the PTX is
//! committed and part of the program, and the driver compiles it for the card it finds.
//!
//! Where kernels run is a [`Device`]: a card (`Cuda`, with the feature `gpu`), or in tests an emulator,
//! so that all of them are tested where there is no card.
//!
//! Arrays are channels last, as everywhere. All that a launch needs is allocated beforehand: a step of
//! a stream allocates nothing and waits for nothing but its result. The launches of a step can be
//! recorded and go out as one ([`Device::record`]). Sums run in the order of the form
//! chosen, which depends on sizes and card, never on time: the same card gives the same bits.

mod activation;
mod array;
mod attention;
mod bigru;
mod built;
mod conv1d;
mod conv2d;
#[cfg(feature = "gpu")]
mod cuda;
mod device;
mod elementwise;
mod embedding;
mod error;
mod fourier;
mod group_norm;
mod gru;
mod half;
mod harmonics;
mod kernel;
mod layer_norm;
mod lines;
mod lstm;
mod matmul;
mod overlap_add;
mod pool;
mod recurrent;
mod resample;
mod running_norm;
mod separation;
mod source;
mod transposed;
mod vocoder;

pub use activation::{Activation, activate, activate_shifted, gate};
pub use array::{Array, Slice};
pub use attention::{Attention, Near, RingAttention, attend, attend_ring};
pub use bigru::{BiGru, Direction};
pub use built::{Build, Builds, load_built};
pub use conv1d::{Conv1d, conv1d, conv1d_within};
pub use conv2d::{Conv2d, Doubling, Image, conv2d, double, halve, image_len};
#[cfg(feature = "gpu")]
pub use cuda::{
    Card, Cuda, CudaBuffer, CudaRecording, NEEDED_CARD, NEEDED_DRIVER, Urgency, devices,
};
pub use device::{Argument, Device, Grid};
pub use elementwise::{
    Rows, combine, draw, log_at_least, mask_rows, multiply, scale_shift, shift_rows,
};
pub use embedding::{Embedding, embed};
pub use error::GpuError;
pub use fourier::{Fourier, magnitude};
pub use group_norm::group_norm;
pub use gru::Gru;
pub use harmonics::harmonic_sum;
pub use kernel::{Kernel, Module};
pub use layer_norm::layer_norm;
pub use lines::{Line, Lines};
pub use lstm::Lstm;
pub use matmul::{Form, Input, Matrix, Output, Plan, Precision, matmul, matmul_as};
pub use overlap_add::overlap_add;
pub use pool::pool_scaled;
pub use recurrent::Recurrent;
pub use resample::Resampler;
pub use running_norm::{Moments, Pieces, RunningNorm};
pub use separation::{Medians, Spectrogram, median, separate};
pub use source::Source;
pub use transposed::transposed;
pub use vocoder::PhaseVocoder;

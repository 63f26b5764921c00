//! Streaming layers of networks over the compute kernels: weights, and the state a stream needs.
//! Knows units and dsp only. A layer is built from [`Weights`] once; after that nothing
//! allocates but what says so.
//!
//! Signals are `[frames, channels]`, channels last, so that a frame is one slice. Every layer has
//! `forward` (whole signal) and, where time matters, `step` (a stream) over one set of weights.

pub mod conv1d;
pub mod conv2d;
pub mod device;
pub mod gru;
pub mod layer_norm;
pub mod line;
pub mod linear;
pub mod lstm;
pub mod norm;
pub mod same_conv1d;
#[cfg(test)]
mod testing;
pub mod weight_norm;
pub mod weights;

pub use conv1d::{Conv1d, Conv1dConfig};
pub use conv2d::{Conv2d, ConvTranspose2d};
pub use gru::{BiGru, Gru};
pub use layer_norm::LayerNorm;
pub use line::{Bounds, Line};
pub use linear::Linear;
pub use lstm::Lstm;
pub use norm::Affine;
pub use same_conv1d::SameConv1d;
pub use weights::{Scope, Weights, WeightsError};

//! Encoder and decoder on a device: the twins of [`super::Encoder`] and [`super::Decoder`]. Any thread that
//! may wait.

mod block;
mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::Encoder;

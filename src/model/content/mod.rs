//! The content encoder: what is said, without who says it. HuBERT (Hsu et al., "HuBERT", 2021) and
//! its retrained form ContentVec (Qian et al., ICML 2022), which RVC voices are trained on. Any
//! thread; no files.
//!
//! [`Front`] turns sound of 16 kHz into 50 frames per second and is a stream; [`Body`] is attention,
//! which would look at everything: it looks at what it has heard, and at some frames ahead.

mod body;
mod device;
mod encoder;
mod front;
mod on_device;
mod remote;

pub use body::{Body, Reach};
pub use device::{Body as DeviceBody, Encoder as DeviceEncoder, Front as DeviceFront, Hearing};
pub use encoder::Encoder;
pub use front::{Front, Loudness};
pub use on_device::DeviceListener;
pub use remote::RemoteEncoder;

/// Rate of the sound it hears.
pub const RATE_HZ: u32 = 16_000;
/// Samples from one frame to the next.
pub const HOP: usize = 320;
/// Samples that a frame sees.
pub const WINDOW: usize = 400;

/// Sizes of a content encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentConfig {
    /// Channels of the convolutions.
    pub conv: usize,
    /// Channels of the attention layers.
    pub hidden: usize,
    /// Channels inside the feed-forward layers.
    pub filter: usize,
    /// Attention heads.
    pub heads: usize,
    /// Attention layers.
    pub layers: usize,
    /// Channels of the final projection.
    pub projected: usize,
}

impl ContentConfig {
    /// HuBERT base and ContentVec.
    pub const BASE: Self = Self {
        conv: 512,
        hidden: 768,
        filter: 3072,
        heads: 12,
        layers: 12,
        projected: 256,
    };
}

/// What is taken from the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// After so many attention layers.
    pub layers: usize,
    /// Through the final projection.
    pub is_projected: bool,
}

impl Output {
    /// What voices of version 1 take.
    pub const V1: Self = Self {
        layers: 9,
        is_projected: true,
    };
    /// What voices of version 2 take.
    pub const V2: Self = Self {
        layers: 12,
        is_projected: false,
    };
}

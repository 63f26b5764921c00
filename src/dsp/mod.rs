//! Signal processing: slices in, slices out. Knows no threads, files or networks.

pub mod cut;
pub mod decimate;
pub mod envelope;
pub mod gate;
pub mod harmonics;
pub mod history;
pub mod interpolate;
pub mod limiter;
pub mod loudness;
pub mod mel;
pub mod minimum_phase;
pub mod noise;
pub mod noise_bank;
pub mod psola;
pub mod ramp;
pub mod resample;
pub mod stft;

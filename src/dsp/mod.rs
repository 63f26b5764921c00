//! Signal processing: slices in, slices out. Knows no threads, files or networks.

pub mod delay;
pub mod gate;
pub mod limiter;
pub mod ramp;
pub mod resample;

//! Signal processing: slices in, slices out. Knows no threads, files or networks.

pub mod decimate;
pub mod history;
pub mod interpolate;
pub mod psola;

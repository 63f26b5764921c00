//! The pitch network of the tracker `neural`.

pub mod features;

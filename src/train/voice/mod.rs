//! Training of our own voices: a base of many speakers, and single voices from it.

mod batch;
mod clip;
mod front;
mod labels;
mod loss;
mod network;
mod perturb;
mod recordings;
mod steps;
#[cfg(test)]
mod tests;

use crate::io::checkpoint::CheckpointError;

/// Why training stopped early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Arithmetic failed: shapes, memory.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
    /// There was nothing to learn from.
    #[error("expected WAV, FLAC, OGG or MP3 recordings of a voice in the folders, found none")]
    NoRecordings,
    /// A run cannot go on from a file.
    #[error("expected a run of the same kind to go on with, found {0}; run it without --resume")]
    Resume(String),
    /// A file of weights could not be read or written.
    #[error("weights could not be read or written: {0}")]
    File(#[from] CheckpointError),
    /// The user wants it to.
    #[error("interrupted")]
    Stopped,
}

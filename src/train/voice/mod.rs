//! Training of our own voices: a base of many speakers, and single voices from it.

mod balance;
mod base;
mod batch;
mod begin;
mod clip;
mod contrast;
mod copy;
mod critic;
mod drive;
mod finish;
mod hearing;
mod held;
mod labels;
mod lessons;
mod listed;
mod looks;
mod loss;
mod network;
mod page;
mod parallel;
mod perturb;
mod picture;
mod recordings;
mod report;
mod sample;
mod single;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod weights;

use std::path::{Path, PathBuf};

use crate::io::WriteError;
use crate::io::checkpoint::CheckpointError;
use crate::voice::ddsp::DdspError;
use crate::voice::models::sha256_of;

pub use base::{BasePlan, RATE, checkpoint, train_base};
pub use clip::Source;
pub use copy::copy;
pub use drive::Event;
pub use finish::{Finish, FinishPlan, finish_voice};
pub use perturb::Perturbation;
pub use recordings::{Findings, Flaw, Recording};
pub use single::{About, BLUR, CONSISTENCY, VOICE_STAGES, VoicePlan, train_voice};
pub use steps::Losses;
pub use weights::{BASE_FILE, Given, Weights};

/// Why training stopped early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Arithmetic failed: shapes, memory.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
    /// There was nothing to learn from.
    #[error("expected WAV, FLAC, OGG or MP3 recordings of a voice in the folders, found none")]
    NoRecordings,
    /// A recording could not be read; the message says what to do.
    #[error("expected a recording: {0}")]
    Recording(String),
    /// A corpus is not what its manifest says.
    #[error("expected the corpus as its manifest has it: {0}")]
    Corpus(String),
    /// There was too little to learn from.
    #[error("expected at least {least_s:.0} s of a voice, found {found_s:.1} s")]
    TooShort {
        /// Seconds found.
        found_s: f64,
        /// Seconds needed.
        least_s: f64,
    },
    /// There was nothing that has a pitch.
    #[error("expected recordings of a voice, found none in which anybody speaks or sings")]
    NoPitch,
    /// There is less memory than it takes.
    #[error("expected {needed_mib} MiB of free memory to learn with, found {free_mib} MiB")]
    Memory {
        /// MiB needed.
        needed_mib: u64,
        /// MiB that can be had.
        free_mib: u64,
    },
    /// What should compute is not there.
    #[error("expected a card to train on, found {0}")]
    Processor(String),
    /// There is no folder for what is to be written.
    #[error("expected a folder to write to, found none at {}", .0.display())]
    NoFolder(PathBuf),
    /// A run cannot go on from a file.
    #[error("expected a run of the same kind to go on with, found {0}")]
    Resume(String),
    /// A base or its encoder is not one.
    #[error("expected a base and its encoder, found {0}")]
    Base(String),
    /// A file could not be read.
    #[error("expected a readable file, found: {0}")]
    Io(#[from] std::io::Error),
    /// The page could not be written.
    #[error("the page about the training could not be written: {0}")]
    Page(#[from] WriteError),
    /// A file of weights could not be read or written.
    #[error("weights could not be read or written: {0}")]
    File(#[from] CheckpointError),
    /// The voice could not be read or written.
    #[error("the voice could not be read or written: {0}")]
    Voice(#[from] DdspError),
    /// The user wants it to.
    #[error("interrupted")]
    Stopped,
}

impl TrainError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Compute(_) => "check the free memory, then run it again with --resume",
            Self::Recording(_) => "name a WAV, FLAC, OGG or MP3 file of a voice",
            Self::NoRecordings => "name a folder with recordings, one voice alone in each",
            Self::Corpus(_) => {
                "run `cargo xtask corpus` with the folder as --output: it makes what is missing or \
                 was changed"
            }
            Self::TooShort { .. } => "record more: three to ten minutes are best",
            Self::Memory { .. } => {
                "close other programs, or learn from fewer recordings; --corpus-s limits them"
            }
            Self::Processor(_) => {
                "build the command in trainer/, which has cards (README.md says how), and look at \
                 `nvidia-smi`; or train with --device cpu"
            }
            Self::NoPitch => "name a folder with recordings of one voice alone",
            Self::NoFolder(_) => "make it first, or name another",
            Self::Resume(_) => "run it without --resume to begin anew",
            Self::Base(_) => "pass --base and --encoder as `autovoice train base` made them",
            Self::Io(_) | Self::Page(_) | Self::File(_) | Self::Voice(_) => {
                "check the names, the rights and the free space"
            }
            Self::Stopped => "run the same command with --resume to go on",
        }
    }
}

/// Bytes that learning takes beside what is learnt from: networks, a batch, and all that is kept of
/// it to find the way back. A base had 760 MiB more while it learnt than when all had been read.
const LEARNING: u64 = 900 << 20;

/// Whether there is memory to learn with.
fn have_memory(free: Option<u64>) -> Result<(), TrainError> {
    match free {
        Some(free) if free < LEARNING => Err(TrainError::Memory {
            needed_mib: LEARNING >> 20,
            free_mib: free >> 20,
        }),
        _ => Ok(()),
    }
}

/// Whether there is a folder for these files: better known before hours of training than after.
fn have_folders(files: &[&Path]) -> Result<(), TrainError> {
    for folder in files.iter().filter_map(|file| file.parent()) {
        if !folder.as_os_str().is_empty() && !folder.is_dir() {
            return Err(TrainError::NoFolder(folder.to_owned()));
        }
    }
    Ok(())
}

/// The hash of a file in hexadecimal digits.
fn sha256(path: &Path) -> std::io::Result<String> {
    Ok(sha256_of(path)?.0)
}

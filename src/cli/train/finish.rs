//! `autovoice train finish`: what training ends with, for voices that were trained before.

use std::path::PathBuf;

use clap::Args;

use super::voice::{gain, watched};
use crate::cli::failure::{Exit, Failure};
use crate::io::folders;
use crate::train::voice::{Finish, FinishPlan, Source, Weights, finish_voice};

/// Arguments of `train finish`.
#[derive(Args, Debug)]
pub(super) struct FinishArgs {
    /// The file of the voice
    #[arg(value_name = "VOICE")]
    voice: PathBuf,
    /// Folders of recordings of it
    #[arg(long, value_name = "FOLDER", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Hear only what this speaker of a corpus says
    #[arg(long, value_name = "NAME")]
    speaker: Option<String>,
    /// The encoder that the voice was made with [default: that of AutoVoice, or content.safetensors
    /// in the folder of models]
    #[arg(long, value_name = "FILE")]
    encoder: Option<PathBuf>,
    /// How many times as much what is said counts as it does now
    #[arg(long, value_name = "X", default_value_t = Finish::BALANCE.clearer, value_parser = gain())]
    clearer: f32,
    /// How many times as much the finer shapes of its spectra vary as they do now
    #[arg(long, value_name = "X", default_value_t = Finish::BALANCE.varied, value_parser = gain())]
    varied: f32,
    /// Where the voice goes; may be the same file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(arguments: &FinishArgs) -> Result<Exit, Failure> {
    let encoder = match &arguments.encoder {
        Some(encoder) => encoder.clone().into(),
        None => Weights::find(folders::models().ok().as_deref()).encoder,
    };
    let plan = FinishPlan {
        voice: arguments.voice.clone(),
        source: Source {
            folders: arguments.data.clone(),
            seconds: f64::INFINITY,
            speaker: None,
            only: arguments.speaker.clone(),
            labels: None,
        },
        encoder,
        finish: Finish {
            clearer: arguments.clearer,
            varied: arguments.varied,
        },
        output: arguments.output.clone(),
    };
    watched(arguments.quiet, &plan.output, |stop, report| {
        finish_voice(&plan, stop, report)
    })
}

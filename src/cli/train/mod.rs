//! `autovoice train`: makes weights of ours anew, and voices.

mod copy;
mod finish;
mod pitch;
mod voice;
mod watch;

use super::failure::{Exit, Failure};
use clap::{Args, Subcommand};

/// Arguments of `train`.
#[derive(Args, Debug)]
pub(super) struct TrainArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// The pitch network of the tracker `neural`
    Pitch(pitch::PitchArgs),
    /// The encoder of all our own voices, and the decoder that new ones begin from
    Base(voice::BaseArgs),
    /// A voice of yours, from recordings of it
    Voice(voice::VoiceArgs),
    /// A voice of yours, trained before, with what training ends with: the tonal balance of
    /// recordings of it, and more of what is said
    Finish(finish::FinishArgs),
    /// What the synthesis of our own voices makes of a recording without networks: the most that a
    /// voice can reach
    Copy(copy::CopyArgs),
}

pub(super) fn run(arguments: &TrainArgs) -> Result<Exit, Failure> {
    match &arguments.what {
        What::Pitch(arguments) => pitch::run(arguments),
        What::Base(arguments) => voice::run_base(arguments),
        What::Voice(arguments) => voice::run_voice(arguments),
        What::Finish(arguments) => finish::run(arguments),
        What::Copy(arguments) => copy::run(arguments),
    }
}

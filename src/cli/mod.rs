//! The command line: `convert`, `presets`, `voices`, `pitch`, `bench`, `models`, `doctor`. The main
//! thread of a process of its own; never imports `plugin` or `editor`. Results go to stdout, progress and errors to
//! stderr.

mod bench;
mod convert;
mod device;
mod doctor;
mod failure;
mod interrupt;
mod machine;
mod models;
mod out;
mod pitch;
mod plan;
mod preset;
mod presets;
mod progress;
mod tracker;
#[cfg(feature = "train")]
mod train;
mod voice;
mod voices;

use clap::{Parser, Subcommand};
use failure::{Exit, Failure};
use std::ffi::OsString;
use std::process::ExitCode;

const EXIT_CODES: &str = "\
Exit codes:
  0    everything asked for was done
  1    at least one thing failed; the others are complete
  2    the command line makes no sense; nothing was touched
  130  interrupted; unfinished files were removed";

/// Real-time voice conversion for singers.
#[derive(Parser)]
#[command(name = "autovoice", version, after_help = EXIT_CODES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Convert audio files: another pitch, another formant, corrected tuning
    Convert(Box<convert::ConvertArgs>),
    /// List, show, share and keep presets
    Presets(presets::PresetsArgs),
    /// Import, list, share and remove voices
    Voices(voices::VoicesArgs),
    /// Track the pitch of audio files: a table, a picture, a MIDI file
    Pitch(Box<pitch::PitchArgs>),
    /// Measure speed and latency on this machine
    Bench(bench::BenchArgs),
    /// List, import and fetch the models of others that AutoVoice can use
    Models(models::ModelsArgs),
    /// Look for what keeps AutoVoice from running well here, and say what to do about it
    Doctor(doctor::DoctorArgs),
    /// Make the weights of a network anew
    #[cfg(feature = "train")]
    Train(train::TrainArgs),
    /// Sing through it live: the app, which also opens without a command (builds with the
    /// feature `app`)
    #[command(disable_help_flag = true)]
    App {
        /// Passed on
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        _rest: Vec<OsString>,
    },
    /// List what the app can sing through: backends, devices, rates, buffers (builds with the
    /// feature `app`)
    #[command(disable_help_flag = true)]
    Devices {
        /// Passed on
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        _rest: Vec<OsString>,
    },
}

/// Runs the command line on these arguments, the first being the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap, but not to anyone else.
            let code = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            let _ = error.print();
            return code.into();
        }
    };
    let outcome = match cli.command {
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Presets(arguments) => presets::run(&arguments),
        Command::Voices(arguments) => voices::run(&arguments),
        Command::Pitch(arguments) => pitch::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Models(arguments) => models::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        #[cfg(feature = "train")]
        Command::Train(arguments) => train::run(&arguments),
        Command::App { .. } | Command::Devices { .. } => Err(Failure::usage(
            "expected a build with the app, this one was built without it",
            "build it with: cargo build --release --features app",
        )),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            out::complain(&failure);
            failure.exit.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}

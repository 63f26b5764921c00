//! `autovoice train copy`: a recording taken apart and put together again, to measure voices against.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::out::say;
use crate::io::{AudioWriter, BitDepth, Container, Existing, OutputSpec, WriteError};
use crate::train::voice::copy;

/// Arguments of `train copy`.
#[derive(Args, Debug)]
pub(super) struct CopyArgs {
    /// A recording of a voice
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The WAV file to write, 48 kHz
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Replace an existing output
    #[arg(short, long)]
    force: bool,
}

pub(super) fn run(arguments: &CopyArgs) -> Result<Exit, Failure> {
    let failed = |of: &Path, message: String, remedy: &str| {
        Failure::work(format!("{}: {message}", of.display()), remedy)
    };
    let sound = copy(&arguments.input)
        .map_err(|error| failed(&arguments.input, error.to_string(), error.remedy()))?;
    write(arguments, &sound)
        .map_err(|error| failed(&arguments.output, error.to_string(), error.remedy()))?;
    say(format_args!("{}", arguments.output.display()));
    Ok(Exit::Done)
}

fn write(arguments: &CopyArgs, sound: &[f32]) -> Result<(), WriteError> {
    let spec = OutputSpec {
        container: Container::Wav,
        depth: BitDepth::Float32,
        rate_hz: 48_000,
        channels: 1,
    };
    let existing = match arguments.force {
        true => Existing::Replace,
        false => Existing::Keep,
    };
    let mut writer = AudioWriter::create(&arguments.output, spec, existing)?;
    writer.write(&[sound])?;
    writer.finish()?;
    Ok(())
}

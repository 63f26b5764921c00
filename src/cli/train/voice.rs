//! `autovoice train base` and `autovoice train voice`: our own voices.

use super::watch::Watch;
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::stop_flag;
use crate::cli::out::say;
use crate::cli::voice::within;
use crate::io::folders;
use crate::model::ddsp::DdspConfig;
use crate::train::processor::{Precision, Processor};
use crate::train::voice::{
    About, BLUR, BasePlan, CONSISTENCY, Event, Finish, Perturbation, RATE, Source, TrainError,
    VoicePlan, Weights, train_base, train_voice,
};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Arguments of `train base`.
#[derive(Args, Debug)]
pub(in crate::cli) struct BaseArgs {
    /// Folders of recordings of many speakers; a file's name up to its first `-` says who speaks.
    /// Where a folder has a corpus.toml, that is held against its files first
    #[arg(long, value_name = "FOLDER", required = true, num_args = 1..)]
    corpus: Vec<PathBuf>,
    /// Where the decoder and the speakers go
    #[arg(short, long, value_name = "FILE", default_value = "base.safetensors")]
    output: PathBuf,
    /// Where the encoder goes
    #[arg(long, value_name = "FILE", default_value = "content.safetensors")]
    encoder: PathBuf,
    /// A folder with the phones of recordings, NAME.json for each: {"phones": [["AH", first frame,
    /// frames], ..]}, in frames of 10 ms
    #[arg(long, value_name = "FOLDER")]
    labels: Option<PathBuf>,
    /// Seconds to take of the recordings
    #[arg(long, value_name = "S", default_value_t = 20_000.0)]
    corpus_s: f64,
    /// Begin from this base instead of random weights
    #[arg(long, value_name = "FILE", requires = "start_encoder")]
    start: Option<PathBuf>,
    /// The encoder that the base to begin from was made with
    #[arg(long, value_name = "FILE", requires = "start")]
    start_encoder: Option<PathBuf>,
    /// Frames of 10 ms that the encoder may look ahead
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    ahead: u8,
    /// Steps of 32 s of audio each
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    steps: u64,
    /// The highest rate of learning
    #[arg(long, value_name = "R", default_value_t = RATE)]
    rate: f64,
    /// Let the encoder hear recordings as they are, to see what bending them brings
    #[arg(long)]
    unbent: bool,
    /// Learn nothing from three minutes of it at most, and tell every half minute what the networks
    /// make of those: where that gets worse, they only remember
    #[arg(long)]
    hold_out: bool,
    /// Write both files every half minute, too: for a machine that may be gone before the end
    #[arg(long)]
    snapshots: bool,
    #[command(flatten)]
    usual: UsualArgs,
}

/// Arguments of `train voice`.
#[derive(Args, Debug)]
pub(in crate::cli) struct VoiceArgs {
    /// Folders of recordings of one voice alone: one minute at least, three to ten are best
    #[arg(long, value_name = "FOLDER", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Learn only what this speaker of a corpus says, and how others sound who say the same: the
    /// folders then may have a corpus.toml and other voices
    #[arg(long, value_name = "NAME")]
    speaker: Option<String>,
    /// What the voice is called
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where the voice goes, NAME.safetensors if nowhere else
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The base to begin from [default: that of AutoVoice, or base.safetensors in the folder of
    /// models]
    #[arg(long, value_name = "FILE", requires = "encoder")]
    base: Option<PathBuf>,
    /// The encoder that the base was made with [default: as for the base, content.safetensors]
    #[arg(long, value_name = "FILE", requires = "base")]
    encoder: Option<PathBuf>,
    /// Whose voice it is and that they agreed: kept in the voice's file
    #[arg(long, value_name = "TEXT", default_value = "")]
    consent: String,
    /// Who made the voice, at most 64 characters
    #[arg(long, value_name = "TEXT", default_value = "")]
    author: String,
    /// How it may be used, at most 64 characters
    #[arg(long, value_name = "TEXT", default_value = "")]
    licence: String,
    /// What its users should know, at most 1,000 characters
    #[arg(long, value_name = "TEXT", default_value = "")]
    notes: String,
    /// Steps to find who speaks
    #[arg(long, value_name = "N", default_value_t = 60)]
    first_steps: u64,
    /// Steps to learn to speak so, of 32 s of audio each
    #[arg(long, value_name = "N", default_value_t = 400)]
    steps: u64,
    /// Let a second network judge the spectra in the second half: less blurred, and slower
    #[arg(long)]
    critic: bool,
    /// Deviation of the noise on what the encoder says while the voice is learnt: more of it, less
    /// of the singer is left in the sound, and less of what is sung is understood
    #[arg(long, value_name = "S", default_value_t = BLUR as f32, value_parser = within(0.0, 10.0))]
    blur: f32,
    /// How much it counts that the voice is understood: that the encoder hears in it what it heard
    /// in the singer
    #[arg(long, value_name = "W", default_value_t = CONSISTENCY as f32, value_parser = within(0.0, 100.0))]
    consistency: f32,
    /// Leave spectra as flat as learning makes them, not as varied as those of the recordings: to
    /// hear the difference
    #[arg(long)]
    no_contrast: bool,
    /// How many times as much what is said counts in the voice as while it was learnt: more of it is
    /// understood better, and too much sounds overdone
    #[arg(long, value_name = "X", default_value_t = Finish::default().clearer, value_parser = gain())]
    clearer: f32,
    #[command(flatten)]
    usual: UsualArgs,
}

/// What trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Device {
    /// The processor
    Cpu,
    /// The first card of NVIDIA's
    Cuda,
}

/// How precise the factors of matrix products are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Factors {
    /// 24 bits
    F32,
    /// 11 bits: faster on cards, and nearly as good
    Tf32,
}

#[derive(Args, Debug)]
struct UsualArgs {
    /// What trains; cards need the command that trainer/ builds
    #[arg(long, value_enum, default_value_t = Device::Cpu)]
    device: Device,
    /// How precise the factors of matrix products are on a card
    #[arg(long, value_enum, default_value_t = Factors::F32)]
    precision: Factors,
    /// As many steps as fit into so many minutes, whatever --steps says
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// Seed of weights and batches
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Go on where a run with the same arguments was stopped
    #[arg(long)]
    resume: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

impl UsualArgs {
    fn processor(&self) -> Result<Processor, Failure> {
        match (self.device, self.precision) {
            (Device::Cpu, Factors::F32) => Ok(Processor::Cpu),
            (Device::Cpu, Factors::Tf32) => Err(Failure::usage(
                "expected --precision tf32 with --device cuda, found it with the processor",
                "leave --precision out, or pass --device cuda",
            )),
            (Device::Cuda, Factors::F32) => Ok(Processor::Cuda(Precision::F32)),
            (Device::Cuda, Factors::Tf32) => Ok(Processor::Cuda(Precision::Tf32)),
        }
    }

    fn at_most(&self) -> Option<Duration> {
        let minutes = self.minutes.map(|minutes| minutes.clamp(0.1, 1e5));
        minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes))
    }
}

pub(super) fn run_base(arguments: &BaseArgs) -> Result<Exit, Failure> {
    let mut config = DdspConfig::default();
    config.encoder.ahead = usize::from(arguments.ahead);
    let start = arguments
        .start
        .as_ref()
        .zip(arguments.start_encoder.as_ref());
    let plan = BasePlan {
        source: Source {
            folders: arguments.corpus.clone(),
            seconds: arguments.corpus_s,
            speaker: None,
            only: None,
            labels: arguments.labels.clone(),
        },
        output: arguments.output.clone(),
        encoder: arguments.encoder.clone(),
        config,
        steps: arguments.steps.max(1),
        at_most: arguments.usual.at_most(),
        start: start.map(|(base, encoder)| Weights {
            base: base.clone().into(),
            encoder: encoder.clone().into(),
        }),
        seed: arguments.usual.seed,
        resume: arguments.usual.resume,
        processor: arguments.usual.processor()?,
        rate: arguments.rate.clamp(1e-6, 1e-1),
        bend: match arguments.unbent {
            true => Perturbation::NONE,
            false => Perturbation::default(),
        },
        hold_out: arguments.hold_out,
        snapshots: arguments.snapshots,
    };
    watched(arguments.usual.quiet, &plan.output, |stop, report| {
        train_base(&plan, stop, report)
    })
}

pub(super) fn run_voice(arguments: &VoiceArgs) -> Result<Exit, Failure> {
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None => file_name(&arguments.name)?,
    };
    let weights = match (&arguments.base, &arguments.encoder) {
        (Some(base), Some(encoder)) => Weights {
            base: base.clone().into(),
            encoder: encoder.clone().into(),
        },
        _ => Weights::find(folders::models().ok().as_deref()),
    };
    let plan = VoicePlan {
        source: Source {
            folders: arguments.data.clone(),
            seconds: f64::INFINITY,
            speaker: Some(arguments.name.clone()),
            only: arguments.speaker.clone(),
            labels: None,
        },
        name: arguments.name.clone(),
        about: About {
            author: arguments.author.clone(),
            licence: arguments.licence.clone(),
            notes: arguments.notes.clone(),
            consent: arguments.consent.clone(),
        },
        output,
        base: weights.base,
        encoder: weights.encoder,
        steps: [arguments.first_steps.max(1), arguments.steps.max(1)],
        at_most: arguments.usual.at_most(),
        critic: arguments.critic,
        blur: arguments.blur.into(),
        consistency: arguments.consistency.into(),
        contrast: !arguments.no_contrast,
        finish: Finish {
            clearer: arguments.clearer,
            varied: match arguments.no_contrast {
                true => Finish::BALANCE.varied,
                false => Finish::default().varied,
            },
        },
        seed: arguments.usual.seed,
        resume: arguments.usual.resume,
        processor: arguments.usual.processor()?,
    };
    watched(arguments.usual.quiet, &plan.output, |stop, report| {
        train_voice(&plan, stop, report)
    })
}

/// What a voice may be changed by when it is finished.
pub(super) fn gain() -> impl Fn(&str) -> Result<f32, String> + Clone {
    within(0.1, 10.0)
}

/// A file of the voice's name in the current folder.
fn file_name(name: &str) -> Result<PathBuf, Failure> {
    let plain = !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || " -_.".contains(c));
    match plain {
        true => Ok(PathBuf::from(format!("{name}.safetensors"))),
        false => Err(Failure::usage(
            format!("expected a name of letters, digits, blanks, `-`, `_` and `.`, got {name:?}"),
            "pass --output FILE to call the file something else",
        )),
    }
}

pub(super) fn watched(
    quiet: bool,
    output: &Path,
    train: impl FnOnce(&AtomicBool, &mut dyn FnMut(Event)) -> Result<(), TrainError>,
) -> Result<Exit, Failure> {
    let stop = stop_flag();
    let mut watch = Watch::new(quiet);
    let outcome = train(&stop, &mut |event| watch.event(event));
    watch.end();
    match outcome {
        Ok(()) => {
            say(format_args!("{}", output.display()));
            Ok(Exit::Done)
        }
        Err(error) => Err(Failure {
            message: error.to_string(),
            remedy: error.remedy().to_owned(),
            exit: match error {
                TrainError::Stopped => Exit::Interrupted,
                _ => Exit::Failed,
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files_or_are_refused() {
        for (name, file) in [
            ("Anna", Some("Anna.safetensors")),
            ("Jürgen 2", Some("Jürgen 2.safetensors")),
            ("../etc", None),
            ("a/b", None),
            ("", None),
        ] {
            let found = file_name(name).ok();
            assert_eq!(found, file.map(PathBuf::from), "{name}");
        }
    }
}

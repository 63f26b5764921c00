//! `autovoice convert`: files through the same streaming path that runs in a host.

mod report;
pub(super) use report::latency_json;
mod singer;
mod stream;

use super::device::DeviceArgs;
use super::failure::{Exit, Failure};
use super::interrupt::stop_flag;
use super::out::{complain, say};
use super::plan::{self, Outputs};
use super::progress::{self, Progress};
use super::voice::VoiceArgs;
use crate::io::{BitDepth, Container, Damage, Existing};
use clap::{Args, ValueEnum};
use singer::SingerArgs;
use std::path::{Path, PathBuf};
use stream::Conversion;

const DETAILS: &str = "\
Inputs may be WAV, FLAC, MP3 or OGG Vorbis files with 1 or 2 channels, folders (their audio files;
with --recursive those of their sub-folders too) and patterns such as \"takes/*.wav\".

One file alone is written to the file OUT, whose name chooses WAV or FLAC. Several files, a folder
or a pattern go into the folder OUT, made if missing, each under its own name; MP3 and OGG become
WAV unless --format says otherwise.

With --voice somebody else sings. For a voice of RVC the whole of a file is heard, a few seconds at a
time; it needs a content encoder once: autovoice models fetch contentvec. A voice of AutoVoice's own
sings as it does in the plugin and needs nothing.

The output has the channels, the length and, without --rate, the rate of the input and lies exactly
on it: the latency of the conversion is removed. Integer samples are rounded to the nearest step
without dither; samples beyond full scale are clipped and counted.

Exit codes:
  0    every file was converted
  1    at least one file was not; the others are complete
  2    the command line makes no sense; nothing was touched
  130  interrupted; unfinished files were removed";

/// Arguments of `convert`.
#[derive(Args, Debug)]
#[command(after_help = DETAILS)]
pub(super) struct ConvertArgs {
    /// Files, folders or patterns to convert
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,
    /// The file to write, or the folder for several
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Enter sub-folders of input folders
    #[arg(short, long)]
    recursive: bool,
    /// Replace existing outputs
    #[arg(short, long)]
    force: bool,
    /// Kind of file written into a folder
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Rate of the output in Hz, 8000 to 192000; as in the input where it is left out
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=192_000))]
    rate: Option<u32>,
    /// Bits of one sample; as in the input where it is left out, 24 for MP3 and OGG
    #[arg(long, value_name = "BITS")]
    bits: Option<Bits>,
    /// Convert what can be read of damaged files, with silence where audio is lost
    #[arg(long)]
    salvage: bool,
    /// Report to stdout as JSON
    #[arg(long)]
    json: bool,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    singer: SingerArgs,
    #[command(flatten)]
    voice: VoiceArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Wav,
    Flac,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bits {
    /// 16-bit integers
    #[value(name = "16")]
    Int16,
    /// 24-bit integers
    #[value(name = "24")]
    Int24,
    /// 32-bit floats; in FLAC 24-bit integers
    #[value(name = "32f", alias = "32")]
    Float32,
}

/// Converts every file that can be converted.
pub(super) fn run(arguments: &ConvertArgs) -> Result<Exit, Failure> {
    let jobs = plan::plan(&plan::Request {
        inputs: &arguments.inputs,
        output: &arguments.output,
        recursive: arguments.recursive,
        outputs: &AudioFiles(arguments.format.map(|format| match format {
            Format::Wav => Container::Wav,
            Format::Flac => Container::Flac,
        })),
    })?;
    let mut preset = arguments.voice.preset()?;
    if let (Some(preset), Some(_)) = (&mut preset, &arguments.singer.voice) {
        preset.forget_voice();
    }
    let voice = arguments.voice.voice(preset.as_ref())?;
    arguments.device.choose()?;
    // From here on there is something to take away.
    let stop = stop_flag();
    let singer = arguments.singer.singer(preset.as_ref())?;
    if singer.is_some() {
        arguments.voice.refuse_tracker()?;
    }
    let conversion = Conversion {
        voice,
        singer,
        rate_hz: arguments.rate,
        depth: arguments.bits.map(|bits| match bits {
            Bits::Int16 => BitDepth::Int16,
            Bits::Int24 => BitDepth::Int24,
            Bits::Float32 => BitDepth::Float32,
        }),
        damage: match arguments.salvage {
            true => Damage::Patch,
            false => Damage::Refuse,
        },
        existing: match arguments.force {
            true => Existing::Replace,
            false => Existing::Keep,
        },
    };
    if let Some(preset) = &preset {
        preset.complain();
    }
    let mut files = Vec::with_capacity(jobs.len());
    for (index, job) in jobs.iter().enumerate() {
        let label = progress::label(index, jobs.len());
        let mut progress = Progress::new(arguments.quiet, &label, job, &stop);
        let outcome = stream::convert(job, &conversion, &mut progress);
        progress.bar.finish_and_clear();
        let interrupted = matches!(&outcome, Err(failure) if failure.exit == Exit::Interrupted);
        let file = report::File {
            job: job.clone(),
            outcome,
        };
        file.print(&conversion, arguments.json, arguments.quiet);
        let singer = conversion.singer.as_ref();
        let notes = [
            singer.and_then(|singer| singer.place().note),
            conversion.voice.place().note,
        ];
        for note in notes.into_iter().flatten() {
            complain(format_args!("note: {note}"));
        }
        files.push(file);
        if interrupted {
            break;
        }
    }
    if arguments.json {
        say(format_args!(
            "{:#}",
            report::json(&files, &conversion, preset.as_ref())
        ));
    }
    Ok(exit_of(&files))
}

fn exit_of(files: &[report::File]) -> Exit {
    let failures = || files.iter().filter_map(|file| file.outcome.as_ref().err());
    if failures().any(|failure| failure.exit == Exit::Interrupted) {
        return Exit::Interrupted;
    }
    match failures().next() {
        Some(_) => Exit::Failed,
        None => Exit::Done,
    }
}

/// WAV or FLAC, as the name or `--format` says; into a folder as the input where it is one of
/// them.
struct AudioFiles(Option<Container>);

impl Outputs for AudioFiles {
    fn is_file_name(&self, output: &Path) -> bool {
        Container::from_path(output).is_some()
    }

    fn check_file(&self, output: &Path) -> Result<(), Failure> {
        match (Container::from_path(output), self.0) {
            (Some(named), Some(asked)) if named != asked => Err(Failure::usage(
                format!(
                    "expected one output format, got {} and --format {}",
                    output.display(),
                    asked.extension()
                ),
                "drop --format or rename the output",
            )),
            (Some(_), _) => Ok(()),
            (None, _) => Err(Failure::usage(
                format!(
                    "expected an output named *.wav or *.flac, got {}",
                    output.display()
                ),
                "name the output file, or end the name of a folder with a slash",
            )),
        }
    }

    fn extension(&self, input: &Path) -> &'static str {
        let container = self.0.or_else(|| Container::from_path(input));
        container.unwrap_or(Container::Wav).extension()
    }
}

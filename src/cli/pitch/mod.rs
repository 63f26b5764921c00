//! `autovoice pitch`: the pitch of audio files as a table, a picture and a MIDI file. Files go
//! through the same trackers, sample by sample, that run live.

mod midi;
mod notes;
mod plot;
mod report;
mod stream;
mod table;

use super::device::DeviceArgs;
use super::failure::{Exit, Failure};
use super::interrupt::stop_flag;
use super::out::{complain, say};
use super::plan::{self, Outputs};
use super::progress::{self, Progress};
use super::tracker::{self, Source};
use crate::io::{Damage, Existing};
use crate::pitch::{TrackerKind, VoiceRange};
use clap::Args;
use std::path::{Path, PathBuf};
use stream::{Analysis, Job};

const DETAILS: &str = "\
Inputs may be WAV, FLAC, MP3 or OGG Vorbis files with 1 or 2 channels, folders (their audio files;
with --recursive those of their sub-folders too) and patterns such as \"takes/*.wav\". Stereo is
mixed down.

The table has the columns time_s,f0_hz,confidence. Times are those of the signal: the tracker's
delay is taken out. f0_hz is the best guess even where no voice is heard; a confidence of 0.5 or
more means that one is, whatever the tracker.

One file alone is written to the files OUT. Several files, a folder or a pattern go into the folder
OUT, made if missing, each under its own name; --plot and --midi then name folders, too.

Exit codes:
  0    every file was tracked
  1    at least one file was not; the others are complete
  2    the command line makes no sense; nothing was touched
  130  interrupted; unfinished files were removed";

/// Arguments of `pitch`.
#[derive(Args, Debug)]
#[command(after_help = DETAILS)]
pub(super) struct PitchArgs {
    /// Files, folders or patterns to track
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,
    /// The table to write (*.csv), or the folder for several
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Draw the pitch over the spectrogram (*.png)
    #[arg(long, value_name = "OUT")]
    plot: Option<PathBuf>,
    /// Write the notes as a standard MIDI file (*.mid)
    #[arg(long, value_name = "OUT")]
    midi: Option<PathBuf>,
    /// What tracks
    #[arg(long, value_name = "TRACKER", default_value = tracker::DEFAULT.name(), ignore_case = true,
          value_parser = tracker::parser())]
    tracker: TrackerKind,
    /// Lowest pitch expected in Hz, 40 to 400; neural and rmvpe have their own
    #[arg(long, value_name = "HZ", default_value_t = VoiceRange::Bass.lowest_hz(),
          value_parser = super::voice::within(40.0, 400.0))]
    lowest: f32,
    /// Milliseconds from row to row, 1 to 100; as the tracker measures where it is left out
    #[arg(long, value_name = "MS", value_parser = super::voice::within(1.0, 100.0))]
    hop: Option<f32>,
    /// Frequency of A4 in Hz for notes, 400 to 480
    #[arg(long, value_name = "HZ", default_value_t = 440.0,
          value_parser = super::voice::within(400.0, 480.0))]
    tuning: f32,
    /// Enter sub-folders of input folders
    #[arg(short, long)]
    recursive: bool,
    /// Replace existing outputs
    #[arg(short, long)]
    force: bool,
    /// Track what can be read of damaged files, with silence where audio is lost
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
}

/// Tracks every file that can be tracked.
pub(super) fn run(arguments: &PitchArgs) -> Result<Exit, Failure> {
    let jobs = jobs(arguments)?;
    arguments.device.choose()?;
    let analysis = Analysis {
        tracker: Source::new(arguments.tracker),
        lowest_hz: arguments.lowest,
        hop_s: arguments.hop.map(|ms| f64::from(ms) * 1e-3),
        tuning_hz: arguments.tuning,
        damage: match arguments.salvage {
            true => Damage::Patch,
            false => Damage::Refuse,
        },
        existing: match arguments.force {
            true => Existing::Replace,
            false => Existing::Keep,
        },
    };
    // What no file could be tracked with is said once, before any of them.
    analysis.tracker.check(analysis.lowest_hz)?;
    let stop = stop_flag();
    let mut files = Vec::with_capacity(jobs.len());
    for (index, job) in jobs.iter().enumerate() {
        let label = progress::label(index, jobs.len());
        let mut progress = Progress::new(arguments.quiet, &label, &job.table, &stop);
        let outcome = stream::track(job, &analysis, &mut progress);
        progress.bar.finish_and_clear();
        let interrupted = matches!(&outcome, Err(failure) if failure.exit == Exit::Interrupted);
        let file = report::File { job, outcome };
        file.print(&analysis, arguments.json, arguments.quiet);
        if let Some(note) = analysis.tracker.place().note {
            complain(format_args!("note: {note}"));
        }
        files.push(file);
        if interrupted {
            break;
        }
    }
    if arguments.json {
        say(format_args!("{:#}", report::json(&files, &analysis)));
    }
    let failures = || files.iter().filter_map(|file| file.outcome.as_ref().err());
    let interrupted = failures().any(|failure| failure.exit == Exit::Interrupted);
    Ok(match (interrupted, failures().next()) {
        (true, _) => Exit::Interrupted,
        (false, Some(_)) => Exit::Failed,
        (false, None) => Exit::Done,
    })
}

/// What to read, and up to three files to write for each.
fn jobs(arguments: &PitchArgs) -> Result<Vec<Job>, Failure> {
    let planned = |output: &Path, kind: Kind| {
        plan::plan(&plan::Request {
            inputs: &arguments.inputs,
            output,
            recursive: arguments.recursive,
            outputs: &kind,
        })
    };
    let optional = |output: &Option<PathBuf>, kind| {
        let jobs = output.as_deref().map(|output| planned(output, kind));
        jobs.transpose()
    };
    let tables = planned(&arguments.output, Kind::Table)?;
    let plots = optional(&arguments.plot, Kind::Plot)?;
    let midis = optional(&arguments.midi, Kind::Midi)?;
    // The same inputs give the same list every time.
    let nth = |jobs: &Option<Vec<plan::Job>>, index: usize| {
        let job = jobs.as_ref().and_then(|jobs| jobs.get(index));
        job.map(|job| job.output.clone())
    };
    Ok(tables
        .into_iter()
        .enumerate()
        .map(|(index, table)| Job {
            plot: nth(&plots, index),
            midi: nth(&midis, index),
            table,
        })
        .collect())
}

/// A kind of file written.
#[derive(Clone, Copy)]
enum Kind {
    Table,
    Plot,
    Midi,
}

impl Kind {
    /// Its extensions, the one given first.
    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Table => &["csv"],
            Self::Plot => &["png"],
            Self::Midi => &["mid", "midi"],
        }
    }
}

impl Outputs for Kind {
    fn is_file_name(&self, output: &Path) -> bool {
        let extension = output.extension().unwrap_or_default();
        let mut known = self.extensions().iter();
        known.any(|known| extension.eq_ignore_ascii_case(known))
    }

    fn check_file(&self, output: &Path) -> Result<(), Failure> {
        if self.is_file_name(output) {
            return Ok(());
        }
        Err(Failure::usage(
            format!(
                "expected an output named *.{}, got {}",
                self.extension(output),
                output.display()
            ),
            "name the output file, or end the name of a folder with a slash",
        ))
    }

    fn extension(&self, _: &Path) -> &'static str {
        self.extensions()[0]
    }
}

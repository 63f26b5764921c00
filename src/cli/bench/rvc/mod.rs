//! What an RVC voice costs, how long it delays, and how far its stream is from the whole.

mod nets;
mod report;
mod speed;
mod streaming;

use super::BenchArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::machine::Machine;
use crate::cli::out::say;
use crate::cli::voice::threads_parser;
use crate::engine::rvc::Reach;
use crate::engine::{Quality, THREADS};
use crate::model::rvc::Version;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nets::Nets;
use std::path::PathBuf;

/// Arguments that only `--engine rvc` has.
#[derive(Args, Debug)]
#[command(next_help_heading = "Engine rvc")]
pub(super) struct RvcArgs {
    /// A voice of the library, with the content encoder imported; a full-size one of no meaning
    /// where it is left out
    #[arg(long, value_name = "NAME", conflicts_with = "voice_version")]
    voice: Option<String>,
    /// Version of the voice of no meaning; its rate is --rate
    #[arg(long, value_name = "VERSION", default_value = "v2", ignore_case = true,
          value_parser = version_parser())]
    voice_version: Version,
    /// Which qualities, those for processors where it is left out; quick is for a card that has a
    /// hop done in 6 ms
    #[arg(long, value_name = "QUALITY", value_delimiter = ',', ignore_case = true,
          value_parser = quality_parser())]
    quality: Vec<Mode>,
    /// On how many threads, 1 or 2; on each where it is left out
    #[arg(long, value_name = "N", value_parser = threads_parser(), conflicts_with = "streaming")]
    threads: Option<usize>,
    /// Measure instead how far the stream is from the whole signal, with these recordings; of each
    /// --seconds are heard, at most 30
    #[arg(long, value_name = "FILE", num_args = 1..)]
    streaming: Vec<PathBuf>,
    /// With --streaming: more and less ahead and past, too, for content alone
    #[arg(long, requires = "streaming")]
    sweep: bool,
}

impl RvcArgs {
    /// Whether any was given that has no default.
    pub(super) fn is_given(&self) -> bool {
        let is_empty = self.quality.is_empty() && self.streaming.is_empty();
        self.voice.is_some() || self.threads.is_some() || !is_empty
    }

    fn threads(&self) -> Vec<usize> {
        let one = self.threads.map(|threads| vec![threads]);
        one.unwrap_or_else(|| (THREADS.0..=THREADS.1).collect())
    }

    fn modes(&self) -> Vec<Mode> {
        match self.quality.is_empty() {
            true => on_cpu().map(Mode::of).collect(),
            false => self.quality.clone(),
        }
    }
}

/// How far an engine looks, by name.
#[derive(Clone, Copy, Debug)]
struct Mode {
    name: &'static str,
    reach: Reach,
}

impl Mode {
    fn of(quality: Quality) -> Self {
        Self {
            name: quality.name(),
            reach: Reach::of(quality),
        }
    }
}

/// Those that a processor may keep up with.
fn on_cpu() -> impl Iterator<Item = Quality> {
    let all = Quality::ALL.into_iter();
    all.filter(|quality| !quality.is_for_cards())
}

/// Names without regard to case; the parser behind it gives them in the spelling listed.
fn quality_parser() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(["live", "balanced", "studio", "quick"])
        .try_map(|name| mode(&name).ok_or("no such quality"))
}

fn mode(name: &str) -> Option<Mode> {
    let mut all = Quality::ALL.map(Mode::of).into_iter();
    all.find(|mode| mode.name.eq_ignore_ascii_case(name))
}

fn version_parser() -> impl TypedValueParser<Value = Version> {
    PossibleValuesParser::new(["v1", "v2"]).map(|name| match name.eq_ignore_ascii_case("v1") {
        true => Version::V1,
        false => Version::V2,
    })
}

/// Measures and reports.
pub(super) fn run(arguments: &BenchArgs) -> Result<Exit, Failure> {
    let rvc = &arguments.rvc;
    let before = Machine::here().own_memory();
    let nets = match &rvc.voice {
        Some(name) => Nets::of_user(name)?,
        None => Nets::seeded(rvc.voice_version, arguments.rate)?,
    };
    if !rvc.streaming.is_empty() {
        let (modes, files) = (rvc.modes(), &rvc.streaming);
        let table = streaming::table(&nets, &modes, rvc.sweep, files, arguments.seconds)?;
        match arguments.json {
            true => say(format_args!("{:#}", report::streaming_json(&nets, &table))),
            false => report::print_streaming(&nets, &table),
        }
        return Ok(Exit::Done);
    }
    let modes = rvc.modes();
    let memory = speed::memory(&nets, modes[0].reach, before)?;
    let speeds = modes
        .iter()
        .map(|mode| speed::figures(&nets, *mode, &rvc.threads(), arguments.seconds))
        .collect::<Result<Vec<_>, _>>()?;
    match arguments.json {
        true => say(format_args!(
            "{:#}",
            report::speed_json(arguments.seconds, &nets, &memory, &speeds)
        )),
        false => report::print_speed(arguments.seconds, &nets, &memory, &speeds),
    }
    Ok(Exit::Done)
}

//! Chores: `cargo xtask bench-report | bundle | corpus | demo | editor-cost | fixtures |
//! judge | kernels | screenshots | test`. Needs Rust and a C linker, nothing else; what more a chore
//! needs it installs or asks for.

mod bench_report;
mod bundle;
mod check;
mod corpus;
mod demo;
mod editor_cost;
mod fixtures;
mod judge;
mod kernels;
mod packages;
mod python;
mod screenshots;
mod step;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask <chore>

  bench-report run every bench, write target/bench-report.md
  bundle       build target/bundled/AutoVoice.clap and .vst3, and target/release/autovoice
  corpus       make the labelled corpus that our own voices are trained on; `corpus --help`
  demo         bundle, then run the demo recording through the plugin and the command line
  editor-cost  bundle, then measure what the open and the closed editor take
  fixtures     write the voices that the tests in real hosts use
  judge        measure how voices sound, with recordings of people whom nobody trained with; `judge --help`
  kernels      compile kernels/cu to kernels/ptx; `--check` compares with what is committed
  screenshots  bundle, then take pictures of every view of the editor without a screen
  test         formatting, lints, unit and integration tests, bundle, tests in real hosts

All but `bench-report`, `bundle`, `fixtures` and `kernels` first look for missing system packages (Debian, Ubuntu) and install them when
they may; otherwise they print the line to run.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    std::env::set_current_dir(xtask::paths::root())?;
    match arguments[..] {
        ["bench-report"] => bench_report::run(),
        ["bundle"] => bundle::run(),
        ["corpus", ref options @ ..] => corpus::run(options),
        ["demo"] => demo::run(),
        ["editor-cost"] => editor_cost::run(),
        [editor_cost::MEASURE, clap] => editor_cost::measure(clap),
        ["fixtures"] => fixtures::run(),
        ["judge", ref options @ ..] => judge::run(options),
        ["kernels", ref options @ ..] => kernels::run(options),
        ["screenshots"] => screenshots::run(),
        [screenshots::SHOOT, clap, file] => screenshots::shoot(clap, file),
        [screenshots::SHOOT_APP, program, file, ref flags @ ..] => {
            screenshots::shoot_app(program, file, flags)
        }
        ["test"] => check::run(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!(
            "expected one chore, got `{}`\n\n{USAGE}",
            arguments.join(" ")
        ),
    }
}

//! `cargo xtask kernels`: compiles the CUDA C++ of `kernels/cu` to the PTX of `kernels/ptx`, which is
//! committed, so that nobody needs a compiler for it who does not change it. Main thread.
//!
//! PTX is for the oldest card that is served, of compute capability 7.5 (Turing, 2018, the first with
//! the matrix instructions the kernels use); the driver compiles it for the card at hand.

mod source;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use xtask::paths;

use crate::{python, step};
use source::{Source, most_common, sources, stamped, strays};

/// Whether the pinned compiler runs here.
pub const COMPILES: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

const REQUIREMENTS: &str = "xtask/src/kernels/requirements.txt";
const SCRIPT: &str = "xtask/src/kernels/compile.py";
const SOURCES: &str = "kernels/cu";
const PTX: &str = "kernels/ptx";

/// What the compiler is told. Not `--use_fast_math`: it makes division, square roots and sines
/// approximate and small numbers 0, and the kernels are held against those of the CPU to a few units
/// in the last place. Where an approximation is good enough, a kernel names it.
const OPTIONS: [&str; 3] = [
    "--gpu-architecture=compute_75",
    "--std=c++17",
    // Products and sums in one rounding: the default, written down since results depend on it.
    "--fmad=true",
];

/// Compilations of which the most common result is written, and those that may be needed to find it
/// again. What the compiler makes depends a little on where its memory happens to lie: of 24
/// compilations of the largest source 21 were the same, and the others differed in the numbers of
/// registers and in a load that nothing needs.
const ROUNDS: usize = 5;
const TRIES: usize = 12;

/// `options` is nothing, or `--check`: compile, and compare with what is committed.
pub fn run(options: &[&str]) -> Result<()> {
    let is_check = match options {
        [] => false,
        ["--check"] => true,
        _ => bail!("expected nothing or `--check`, got `{}`", options.join(" ")),
    };
    if !COMPILES {
        bail!(
            "`cargo xtask kernels` needs Linux on x86-64, where its compiler is pinned \
             ({REQUIREMENTS}). The kernels in {PTX} serve all systems: only who changes {SOURCES} \
             needs this"
        );
    }
    let mut steps = step::Steps::new(2);
    steps.next("Installing the compiler");
    let python = python::environment(&paths::target()?.join("venv-kernels"), REQUIREMENTS)?;
    steps.next("Compiling");
    let sources = sources(Path::new(SOURCES))?;
    if is_check {
        check(&python, &sources)?;
        println!("    {} kernels are what is committed", sources.len());
    } else {
        write(&python, &sources)?;
    }
    steps.done();
    Ok(())
}

/// Where the PTX of a source lies.
fn file(source: &Source) -> PathBuf {
    Path::new(PTX).join(format!("{}.ptx", source.stem))
}

/// Writes what the compiler makes of each source most often.
fn write(python: &Path, sources: &[Source]) -> Result<()> {
    let all: Vec<&Source> = sources.iter().collect();
    let rounds = (0..ROUNDS).map(|_| compile(python, &all));
    let rounds = rounds.collect::<Result<Vec<_>>>()?;
    std::fs::create_dir_all(PTX).context(PTX)?;
    for (n, source) in sources.iter().enumerate() {
        let file = file(source);
        let ptx = most_common(rounds.iter().map(|round| &*round[n]));
        let ptx = stamped(&source.hash, ptx);
        std::fs::write(&file, &ptx).with_context(|| file.display().to_string())?;
        println!("    {} ({} bytes)", file.display(), ptx.len());
    }
    for file in stray(sources)? {
        std::fs::remove_file(&file).with_context(|| file.display().to_string())?;
        println!("    {} has no source any more and is gone", file.display());
    }
    Ok(())
}

/// Fails if any PTX is none that the compiler makes of its source.
fn check(python: &Path, sources: &[Source]) -> Result<()> {
    let mut left: Vec<&Source> = sources.iter().collect();
    for _ in 0..TRIES {
        let made = compile(python, &left)?;
        let mut made = made.iter();
        left.retain(|source| {
            let ptx = made.next().map(|ptx| stamped(&source.hash, ptx));
            std::fs::read_to_string(file(source)).ok() != ptx
        });
        if left.is_empty() {
            break;
        }
    }
    let wrong = left.iter().map(|source| {
        let file = file(source);
        match file.exists() {
            true => format!("{} is not what its source gives", file.display()),
            false => format!("{} is missing", file.display()),
        }
    });
    let stray = stray(sources)?;
    let stray = stray
        .iter()
        .map(|file| format!("{} has no source", file.display()));
    let wrong: Vec<String> = wrong.chain(stray).collect();
    if !wrong.is_empty() {
        bail!(
            "{}\nrun `cargo xtask kernels` and commit what it writes",
            wrong.join("\n")
        );
    }
    Ok(())
}

fn stray(sources: &[Source]) -> Result<Vec<PathBuf>> {
    let made: Vec<PathBuf> = sources.iter().map(file).collect();
    strays(Path::new(PTX), &made)
}

/// The PTX of every source, in their order.
fn compile(python: &Path, sources: &[&Source]) -> Result<Vec<String>> {
    let mut compiler = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{SCRIPT} did not start"))?;
    let jobs: Vec<String> = sources
        .iter()
        .map(|source| {
            let job = json!({
                "name": format!("{}.cu", source.stem),
                "source": source.text,
                "headers": source.headers,
                "options": OPTIONS,
            });
            format!("{job}\n")
        })
        .collect();
    let mut to = compiler.stdin.take().context("a pipe to the compiler")?;
    // From a thread of its own: a pipe that is full waits for one that nobody reads.
    let writer =
        std::thread::spawn(move || jobs.iter().try_for_each(|job| to.write_all(job.as_bytes())));
    let output = compiler.wait_with_output()?;
    let written = writer.join();
    if !output.status.success() {
        bail!("{SCRIPT} failed with {}", output.status);
    }
    if !matches!(written, Ok(Ok(()))) {
        bail!("{SCRIPT} did not read all it was given");
    }
    let answers = String::from_utf8(output.stdout).context("what the compiler answered")?;
    let answers: Vec<&str> = answers.lines().collect();
    if answers.len() != sources.len() {
        bail!(
            "expected an answer for each of {} sources, got {}",
            sources.len(),
            answers.len()
        );
    }
    let pairs = sources.iter().zip(answers);
    pairs
        .map(|(source, answer)| {
            let answer: Value =
                serde_json::from_str(answer).context("an answer of the compiler")?;
            match (answer["ptx"].as_str(), answer["error"].as_str()) {
                (Some(ptx), _) => Ok(ptx.to_owned()),
                (None, error) => bail!(
                    "{SOURCES}/{}.cu does not compile:\n{}",
                    source.stem,
                    error.unwrap_or("no reason given")
                ),
            }
        })
        .collect()
}

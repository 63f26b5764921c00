//! `cargo xtask test`: everything a change must pass, cheapest first; stops at the first failure.
//! The closing lines are the test runners' own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use xtask::paths;

use crate::{bundle, packages, step};

/// Feature sets that must compile, each alone, without a warning.
const FEATURE_SETS: [&str; 5] = ["", "cli", "train", "plugin", "app"];
const REQUIREMENTS: &str = "tests/hosts/requirements.txt";

pub fn run() -> Result<()> {
    let mut steps = step::Steps::new(8);
    steps.next("Looking for missing system packages");
    packages::ensure(packages::TEST)?;
    toolchain()?;

    steps.next("Checking the formatting");
    step::run(&mut step::command("cargo fmt --all --check"))?;

    steps.next("Linting every feature set");
    lint()?;

    steps.next("Unit and integration tests");
    let packages = "--package autovoice --package autovoice-kernels --features";
    // With `train`, whose tests hold the trained networks against the ones that run.
    // With `app`, whose tests start the program on a display of their own.
    let required = [("AUTOVOICE_REQUIRE_HOSTS", "1".to_owned())];
    cargo_test(
        &format!("{packages} {},train,app", bundle::FEATURES),
        &required,
    )?;

    steps.next("Documentation tests");
    let features = bundle::FEATURES;
    step::run(&mut step::command(&format!(
        "cargo test --doc {packages} {features}"
    )))?;

    steps.next("Building the plugin and the command line");
    let products = bundle::build()?;

    steps.next("CLAP in an in-process host");
    let display = Display::open()?;
    let mut environment = vec![("AUTOVOICE_REQUIRE_HOSTS", "1".to_owned())];
    environment.extend(display.environment());
    cargo_test("--package xtask", &environment)?;
    drop(display);

    steps.next("VST3 in pedalboard");
    let python = python_environment(&paths::target()?)?;
    println!(
        "    everything before this took {}",
        step::clock(steps.elapsed())
    );
    step::run(
        Command::new(python)
            .args(["-m", "pytest", "-p", "no:cacheprovider", "tests/hosts"])
            .env("AUTOVOICE_VST3", &products.vst3),
    )
}

/// Formatter and linter come with rustup's default profile but not with its minimal one.
fn toolchain() -> Result<()> {
    for (tool, component) in [("cargo fmt", "rustfmt"), ("cargo clippy", "clippy")] {
        if step::succeeds(&format!("{tool} --version")) {
            continue;
        }
        println!("    missing: {component}");
        if !step::succeeds("rustup --version") {
            bail!("`{tool}` is missing; install {component} for this toolchain");
        }
        step::run(&mut step::command(&format!(
            "rustup component add {component}"
        )))?;
    }
    Ok(())
}

fn lint() -> Result<()> {
    let deny = "-- --deny warnings";
    let all = format!("cargo clippy --workspace --all-targets --all-features {deny}");
    step::run(&mut step::command(&all))?;
    for features in FEATURE_SETS {
        let features = match features {
            "" => String::new(),
            features => format!("--features {features}"),
        };
        let line = format!("cargo clippy --package autovoice --all-targets {features} {deny}");
        step::run(&mut step::command(&line))?;
    }
    Ok(())
}

/// Runs tests with nextest where it is installed, with cargo's own runner otherwise.
fn cargo_test(arguments: &str, environment: &[(&str, String)]) -> Result<()> {
    let runner = if step::succeeds("cargo nextest --version") {
        "cargo nextest run --profile ci --no-fail-fast"
    } else {
        "cargo test --no-fail-fast --lib --bins --tests"
    };
    let mut command = step::command(&format!("{runner} {arguments}"));
    for (key, value) in environment {
        command.env(key, value);
    }
    step::run(&mut command)
}

/// An X display without a screen, ended on drop.
struct Display {
    server: Child,
    number: u32,
}

impl Display {
    /// Starts Xvfb on a free display; it says which.
    fn open() -> Result<Self> {
        println!("    starting Xvfb");
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "4096x2160x24",
                "+extension",
                "GLX",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb did not start")?;
        let mut said = String::new();
        if let Some(output) = server.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let number = said.trim().parse();
        let number = number.with_context(|| format!("expected a display number, got {said:?}"))?;
        Ok(Self { server, number })
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("DISPLAY", format!(":{}", self.number)),
            ("LIBGL_ALWAYS_SOFTWARE", "1".to_owned()),
        ]
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Nothing is lost if it is already gone.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The interpreter of a virtual environment that holds the pinned packages.
fn python_environment(target: &Path) -> Result<PathBuf> {
    let home = target.join("venv");
    let python = home.join("bin/python");
    let wanted = std::fs::read_to_string(REQUIREMENTS).context(REQUIREMENTS)?;
    let stamp = home.join("installed-requirements.txt");
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        println!("    the packages of {REQUIREMENTS} are installed");
        return Ok(python);
    }
    println!("    installing the packages of {REQUIREMENTS}");
    step::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&home),
    )?;
    step::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--requirement", REQUIREMENTS]),
    )?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}

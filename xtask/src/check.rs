//! `cargo xtask test`: everything a change must pass, cheapest first; stops at the first failure.
//! The closing lines are the test runners' own.

use std::process::Command;

use anyhow::{Result, bail};
use xtask::display::Display;
use xtask::paths;

use crate::{bundle, fixtures, kernels, packages, python, step};

/// Feature sets in which the product must compile, each alone, without a warning. Tests and benches
/// are looked at once, with everything.
const FEATURE_SETS: [&str; 4] = ["", "cli", "plugin", "app"];
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

    steps.next("Holding the kernels for cards against their sources");
    match kernels::COMPILES {
        true => kernels::run(&["--check"])?,
        false => println!("    SKIPPED: their compiler is for Linux on x86-64"),
    }

    steps.next("Unit and integration tests");
    // With `train`, whose tests hold the trained networks against the ones that run, and with
    // `app`, whose tests start the program on a display of their own.
    let required = [("AUTOVOICE_REQUIRE_HOSTS", "1".to_owned())];
    let features = format!("--features {},train,app", bundle::FEATURES);
    let packages = "--package autovoice --package autovoice-corpus --package autovoice-kernels \
                    --package autovoice-ptx";
    cargo_test(&format!("{packages} {features}"), &required)?;
    fixtures::write(&features)?;

    steps.next("Building the plugin and the command line");
    let products = bundle::build()?;

    steps.next("CLAP in an in-process host");
    let display = Display::open()?;
    // Voices are there, and the editor remembers how its window looks: nothing of the user's own.
    let home = fixtures::home()?.to_string_lossy().into_owned();
    let mut environment = vec![
        ("AUTOVOICE_REQUIRE_HOSTS", "1".to_owned()),
        ("AUTOVOICE_HOME", home.clone()),
    ];
    environment.extend(display.environment());
    cargo_test("--package xtask", &environment)?;
    drop(display);

    steps.next("VST3 in pedalboard");
    let python = python::environment(&paths::target()?.join("venv"), REQUIREMENTS)?;
    println!(
        "    everything before this took {}",
        step::clock(steps.elapsed())
    );
    step::run(
        Command::new(python)
            .args(["-m", "pytest", "-p", "no:cacheprovider", "tests/hosts"])
            .env("AUTOVOICE_HOME", home)
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
        let line = format!("cargo clippy --package autovoice --lib --bins {features} {deny}");
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

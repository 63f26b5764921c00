//! `cargo xtask bench-report`: runs every bench of the product and writes what it says to one page,
//! `target/bench-report.md`, with the machine's name. Main thread.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use xtask::paths;

use crate::step;

/// What is run, under which heading.
const BENCHES: [(&str, &str); 6] = [
    ("Audio path", "cargo run --release --features cli -- bench"),
    (
        "Pitch trackers",
        "cargo run --release --features cli -- bench --pitch",
    ),
    (
        "RVC voices",
        "cargo run --release --features cli -- bench --engine rvc",
    ),
    (
        "Our own voices",
        "cargo run --release --features cli -- bench --engine ddsp",
    ),
    ("Retrieval", "cargo bench --bench retrieval"),
    ("Kernels", "cargo bench --bench kernels"),
];

pub fn run() -> Result<()> {
    let mut steps = step::Steps::new(BENCHES.len());
    let mut page = String::from("# Bench report\n\n");
    page += &format!("- machine: {}\n", machine());
    for (what, line) in [
        ("date", "date -u +%Y-%m-%d"),
        ("compiler", "rustc --version"),
        ("commit", "git describe --always --dirty"),
    ] {
        let said = output(line).unwrap_or_else(|_| "unknown".to_owned());
        page += &format!("- {what}: {}\n", said.trim());
    }
    for (heading, line) in BENCHES {
        steps.next(heading);
        println!("    $ {line}");
        let said = output(line)?;
        println!("{said}");
        page += &format!(
            "\n## {heading}\n\n`{line}`\n\n```text\n{}\n```\n",
            said.trim_end()
        );
    }
    steps.done();
    let path = paths::target()?.join("bench-report.md");
    fs::write(&path, page).with_context(|| format!("writing {}", path.display()))?;
    println!("\n{}", path.display());
    Ok(())
}

/// What a command says; what it complains of is seen at once.
fn output(line: &str) -> Result<String> {
    let mut command: Command = step::command(line);
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("`{line}` did not start; is it installed?"))?;
    if !output.status.success() {
        bail!("`{line}` failed with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .filter(|line| line.starts_with("model name"))
        .find_map(|line| Some(line.split_once(':')?.1.trim().to_owned()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let name = name.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{name}, {threads} threads")
}

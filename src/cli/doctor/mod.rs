//! `autovoice doctor`: looks at the machine, changes nothing, and says for each problem what to do
//! about it.

mod audio;
mod device;
mod places;
mod system;

use super::failure::{Exit, Failure};
use super::machine::{self, Machine};
use super::out::say;
use crate::compute::{self, Absence, Card, Choice, ChoiceError};
use clap::Args;
use serde_json::{Value, json};
use std::env;
use std::ffi::OsString;

const DETAILS: &str = "\
ok       works
note     works, but could be better, or is not needed for what you do
problem  keeps part of AutoVoice from working

Exit codes: 0 without problems, 1 with at least one.";

/// Arguments of `doctor`.
#[derive(Args, Debug)]
#[command(after_help = DETAILS)]
pub(super) struct DoctorArgs {
    /// Report as JSON
    #[arg(long)]
    json: bool,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok,
    Note,
    Problem,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// Frozen name for programs.
    id: &'static str,
    status: Status,
    found: String,
    /// What to do; empty where nothing is to be done.
    remedy: String,
}

impl Finding {
    fn ok(id: &'static str, found: impl Into<String>) -> Self {
        Self {
            id,
            status: Status::Ok,
            found: found.into(),
            remedy: String::new(),
        }
    }

    fn note(id: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            id,
            status: Status::Note,
            found: found.into(),
            remedy: remedy.into(),
        }
    }

    fn problem(id: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            id,
            status: Status::Problem,
            found: found.into(),
            remedy: remedy.into(),
        }
    }
}

/// What is looked at: a machine and an environment.
struct Patient<'a> {
    machine: Machine,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// What the driver says, and what is chosen.
    cards: Result<Vec<Card>, Absence>,
    choice: Result<Choice, ChoiceError>,
}

/// Looks at everything and reports.
pub(super) fn run(arguments: &DoctorArgs) -> Result<Exit, Failure> {
    let findings = examine(&Patient {
        machine: Machine::here(),
        variable: &|name| env::var_os(name),
        cards: compute::cards(),
        choice: compute::from_environment().map(|said| said.unwrap_or_else(compute::chosen)),
    });
    match arguments.json {
        true => say(format_args!("{:#}", report(&findings))),
        false => print(&findings),
    }
    let worst = findings.iter().any(|f| f.status == Status::Problem);
    Ok(if worst { Exit::Failed } else { Exit::Done })
}

fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings = vec![
        system::build(),
        system::cpu(&patient.machine),
        system::governor(&patient.machine),
        system::realtime(&patient.machine),
        system::gpu(&patient.machine),
    ];
    findings.extend(device::cards(&patient.cards));
    findings.push(device::device(
        patient.choice.as_ref().copied(),
        &patient.cards,
    ));
    findings.extend(audio::backends(patient));
    findings.push(places::home(patient));
    findings.extend(places::plugins(patient));
    findings
}

fn report(findings: &[Finding]) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "id": finding.id,
            "status": finding.status.name(),
            "found": finding.found,
            "remedy": (!finding.remedy.is_empty()).then_some(&finding.remedy),
        })
    };
    let problems = findings.iter().filter(|f| f.status == Status::Problem);
    json!({
        "command": "doctor",
        "machine": machine::json(&Machine::here()),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        "problems": problems.count(),
    })
}

fn print(findings: &[Finding]) {
    for finding in findings {
        let status = finding.status.name();
        say(format_args!(
            "{status:8} {:12} {}",
            finding.id, finding.found
        ));
        if !finding.remedy.is_empty() {
            say(format_args!("{:22}try: {}", "", finding.remedy));
        }
    }
}

#[cfg(test)]
mod tests;

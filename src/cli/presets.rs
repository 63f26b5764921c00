//! `autovoice presets`: the presets there are, and how they come and go.

use super::failure::{Exit, Failure};
use super::out::{complain, say};
use super::preset::{choose, complain_of, library, notices_json, of_file};
use crate::io::Existing;
use crate::preset::{
    About, Entry, Library, Origin, Preset, Source, from_code, looks_like_code, read_file, to_code,
    to_toml, write_file,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const DETAILS: &str = "\
Presets of yours lie in the folder `presets` of the user data folder, one TOML file each; those
that came with AutoVoice are in the program. Of two with the same name yours is used.

A code is a preset as a text that fits a chat message; it begins with AV1: and holds its own check.
Files and codes of others are read as data: values beyond their range are clamped, and nothing in
them is run, opened or fetched.";

/// Arguments of `presets`.
#[derive(Args, Debug)]
#[command(after_help = DETAILS)]
pub(super) struct PresetsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List presets with their tags
    List {
        /// Only those with this tag; given again, with all of them
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
        /// Only those with each of these words in name, author, tags or comment
        #[arg(
            long,
            value_name = "WORDS",
            default_value = "",
            hide_default_value = true
        )]
        search: String,
        /// Report to stdout as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a preset as TOML
    Show {
        /// Its name, file or code
        #[arg(value_name = "NAME")]
        preset: String,
    },
    /// Keep a preset as one of yours
    Import {
        /// The file or the code
        #[arg(value_name = "FILE|CODE")]
        source: String,
        /// Keep it under this name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Replace the preset of yours with this name
        #[arg(short, long)]
        force: bool,
    },
    /// Write a preset to a file, for others
    Export {
        /// Its name or code
        #[arg(value_name = "NAME")]
        preset: String,
        /// The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Replace an existing file
        #[arg(short, long)]
        force: bool,
    },
    /// Show a preset as a code that fits a chat message
    Code {
        /// Its name or file
        #[arg(value_name = "NAME")]
        preset: String,
    },
    /// Remove a preset of yours
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        preset: String,
    },
}

/// Does what the arguments say.
pub(super) fn run(arguments: &PresetsArgs) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::List { tag, search, json } => list(search, tag, *json),
        Command::Show { preset } => {
            let chosen = choose(preset)?;
            chosen.complain();
            say(to_toml(&chosen.preset).trim_end());
        }
        Command::Import {
            source,
            name,
            force,
        } => import(source, name.as_deref(), existing(*force))?,
        Command::Export {
            preset,
            output,
            force,
        } => {
            let chosen = choose(preset)?;
            chosen.complain();
            let path = write_file(output, &chosen.preset, existing(*force));
            let path = path.map_err(|error| of_file(output, error))?;
            said(&chosen.preset, &path);
        }
        Command::Code { preset } => {
            let chosen = choose(preset)?;
            chosen.complain();
            say(to_code(&chosen.preset));
        }
        Command::Remove { preset } => Library::of_user()?.remove(preset)?,
    }
    Ok(Exit::Done)
}

fn existing(force: bool) -> Existing {
    match force {
        true => Existing::Replace,
        false => Existing::Keep,
    }
}

fn list(search: &str, tags: &[String], as_json: bool) {
    let library = library();
    let found: Vec<&Entry> = library.search(search, tags).collect();
    if as_json {
        let damaged = library.damaged().iter().map(|damaged| {
            json!({
                "path": damaged.path.to_string_lossy(),
                "error": { "message": damaged.error.to_string(), "remedy": damaged.error.remedy() },
            })
        });
        say(format_args!(
            "{:#}",
            json!({
                "presets": found.iter().map(|entry| entry_json(entry)).collect::<Vec<_>>(),
                "damaged": damaged.collect::<Vec<_>>(),
            })
        ));
        return;
    }
    let names = found
        .iter()
        .map(|entry| entry.preset.about.name.chars().count());
    let width = names.max().unwrap_or(0);
    for entry in found {
        let About { name, tags, .. } = &entry.preset.about;
        let origin = Source::from(&entry.origin).name();
        let line = format!("{name:<width$}  {origin:<7}  {}", tags.join(", "));
        say(line.trim_end());
        complain_of(&entry.preset, &entry.notices);
    }
    for damaged in library.damaged() {
        let failure = Failure::work(damaged.error.to_string(), damaged.error.remedy());
        complain(failure.of_file(&damaged.path));
    }
}

fn entry_json(entry: &Entry) -> Value {
    let About {
        name,
        author,
        tags,
        comment,
        licence,
        version,
    } = &entry.preset.about;
    let path = match &entry.origin {
        Origin::Factory => None,
        Origin::User(path) => Some(path.to_string_lossy()),
    };
    json!({
        "name": name,
        "origin": Source::from(&entry.origin).name(),
        "path": path,
        "author": author,
        "tags": tags,
        "comment": comment,
        "licence": licence,
        "version": version,
        "voice": entry.preset.voice.as_ref().map(|voice| &voice.name),
        "notices": notices_json(&entry.notices),
    })
}

fn import(source: &str, name: Option<&str>, existing: Existing) -> Result<(), Failure> {
    let (mut preset, notices) = match looks_like_code(source) {
        true => from_code(source)?,
        false => {
            let path = Path::new(source);
            read_file(path).map_err(|error| of_file(path, error))?
        }
    };
    if let Some(name) = name {
        preset.about.name = About::name_of(name).ok_or_else(|| {
            Failure::usage(
                "expected a name, found none",
                "write it as --name \"My sound\"",
            )
        })?;
    }
    let path = Library::of_user()?.save(&preset, existing)?;
    complain_of(&preset, &notices);
    said(&preset, &path);
    Ok(())
}

fn said(preset: &Preset, path: &Path) {
    say(format_args!("{}: {}", preset.about.name, path.display()));
}

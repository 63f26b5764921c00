//! `autovoice voices`: the voices there are, and how they come and go.

use super::failure::{Exit, Failure};
use super::out::{complain, say};
use super::progress::spinner;
use crate::io::Existing;
use crate::voice::{
    Damaged, Import, Imported, IndexChoice, Library, Listing, Voice, VoiceError, VoiceModel,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const DETAILS: &str = "\
Voices lie in the folder `voices` of the user data folder, one folder each: voice.toml with what is
known of it, the weights as safetensors, and where there are some an index and a picture.

Some voices are built in: they are there at first start and stay. A voice of your own may have the
name of one of them, and is then the one that is meant.

Import takes the .pth of an RVC voice (v1 or v2), the .safetensors of a voice trained with AutoVoice,
a folder or a zip archive with one in it, and what `autovoice voices export` wrote. Checkpoints are
read as data: nothing in them is ever run. An RVC voice's index called added_*.index is taken along
where it lies in the same folder and its name holds that of the voice; in a folder or an archive of
its own, whatever its name. A voice of RVC needs a content encoder once: autovoice models fetch
contentvec.";

/// Arguments of `voices`.
#[derive(Args, Debug)]
#[command(after_help = DETAILS)]
pub(super) struct VoicesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a voice from a .pth, a .safetensors, a folder, a zip archive or an exported voice
    Import(Box<ImportArgs>),
    /// List voices
    List {
        /// Report to stdout as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is known of a voice
    Info {
        /// Its name
        #[arg(value_name = "NAME")]
        voice: String,
        /// Report to stdout as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a voice
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        voice: String,
    },
    /// Write a voice to one file, for others
    Export {
        /// Its name
        #[arg(value_name = "NAME")]
        voice: String,
        /// The file to write, usually *.avvoice
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Replace an existing file
        #[arg(short, long)]
        force: bool,
    },
}

#[derive(Args, Debug)]
struct ImportArgs {
    /// The .pth, the .safetensors, the folder or the archive
    #[arg(value_name = "FILE|FOLDER")]
    source: PathBuf,
    /// The faiss index that belongs to it; by default one that lies beside it
    #[arg(long, value_name = "FILE", conflicts_with = "no_index")]
    index: Option<PathBuf>,
    /// Leave out an index that lies beside it
    #[arg(long)]
    no_index: bool,
    /// What to call it; by default as its file
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its picture: PNG, JPEG or WebP
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Who made it
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// How it may be used
    #[arg(long, value_name = "WORDS")]
    licence: Option<String>,
    /// What to remember of it
    #[arg(long, value_name = "WORDS")]
    notes: Option<String>,
    /// Replace the voice of this name
    #[arg(short, long)]
    force: bool,
    /// Report to stdout as JSON
    #[arg(long)]
    json: bool,
}

impl From<VoiceError> for Failure {
    fn from(error: VoiceError) -> Self {
        let remedy = match &error {
            VoiceError::Exists { .. } => {
                "pass --force to replace it, or another name with --name".to_owned()
            }
            VoiceError::NoName => "write it as --name \"My voice\"".to_owned(),
            other => other.remedy(),
        };
        Self::work(error.to_string(), remedy)
    }
}

/// Does what the arguments say.
pub(super) fn run(arguments: &VoicesArgs) -> Result<Exit, Failure> {
    let library = Library::of_user()?;
    match &arguments.command {
        Command::Import(arguments) => import(&library, arguments)?,
        Command::List { json } => list(&library, *json),
        Command::Info { voice, json } => info(&library.named(voice)?, *json),
        Command::Remove { voice } => {
            let voice = library.named(voice)?;
            library.remove(&voice)?;
            say(format_args!("removed {}", voice.metadata.name));
        }
        Command::Export {
            voice,
            output,
            force,
        } => {
            let voice = library.named(voice)?;
            let existing = match force {
                true => Existing::Replace,
                false => Existing::Keep,
            };
            let written = Library::export(&voice, output, existing);
            let path = written.map_err(|error| of_file(output, error))?;
            say(format_args!("{}: {}", voice.metadata.name, path.display()));
        }
    }
    Ok(Exit::Done)
}

fn of_file(path: &Path, error: VoiceError) -> Failure {
    let failure = Failure::from(error);
    let message = format!("{}: {}", path.display(), failure.message);
    Failure { message, ..failure }
}

fn import(library: &Library, arguments: &ImportArgs) -> Result<(), Failure> {
    let options = Import {
        name: arguments.name.clone(),
        index: match (&arguments.index, arguments.no_index) {
            (Some(path), _) => IndexChoice::File(path.clone()),
            (None, true) => IndexChoice::None,
            (None, false) => IndexChoice::Beside,
        },
        image: arguments.image.clone(),
        author: arguments.author.clone(),
        licence: arguments.licence.clone(),
        notes: arguments.notes.clone(),
        replace: arguments.force,
    };
    let spinner = spinner(format!("importing {}", arguments.source.display()));
    let imported = library.import(&arguments.source, &options);
    spinner.finish_and_clear();
    let Imported { voice, notes } = imported.map_err(|error| of_file(&arguments.source, error))?;
    if arguments.json {
        let mut report = voice_json(&voice);
        report["notices"] = notes.iter().map(|note| json!(note.to_string())).collect();
        say(format_args!("{report:#}"));
        return Ok(());
    }
    say(format_args!("{}: {}", voice.metadata.name, place(&voice)));
    say(format_args!("  {}", in_short(&voice)));
    for note in notes {
        complain(format_args!("note: {}: {note}", voice.metadata.name));
    }
    Ok(())
}

/// What a voice is, in one line.
fn in_short(voice: &Voice) -> String {
    let model = &voice.metadata.model;
    let mut words = vec![
        kind(model),
        format!("{} kHz", model.rate_hz() / 1000),
        match model.has_pitch() {
            true => "sings".to_owned(),
            false => "speaks (no pitch)".to_owned(),
        },
    ];
    if 1 < model.speakers() {
        words.push(format!("{} speakers", model.speakers()));
    }
    if voice.index.is_some() {
        words.push("index".to_owned());
    }
    words.push(match voice.is_built_in() {
        true => "built in".to_owned(),
        false => format!("{:.1} MB", voice.bytes as f64 / 1e6),
    });
    words.join(", ")
}

/// The engine, and its version where there are several.
fn kind(model: &VoiceModel) -> String {
    match model.rvc() {
        Some(config) => format!("{} {}", model.engine(), config.version.name()),
        None => model.engine().to_owned(),
    }
}

/// Where a voice lies, for people.
fn place(voice: &Voice) -> String {
    match voice.folder() {
        Some(folder) => folder.display().to_string(),
        None => "built in".to_owned(),
    }
}

fn list(library: &Library, as_json: bool) {
    let Listing { voices, damaged } = library.list();
    if as_json {
        let damaged = damaged.iter().map(|Damaged { folder, error }| {
            json!({
                "folder": folder.to_string_lossy(),
                "error": { "message": error.to_string(), "remedy": error.remedy() },
            })
        });
        say(format_args!(
            "{:#}",
            json!({
                "folder": library.folder().to_string_lossy(),
                "voices": voices.iter().map(voice_json).collect::<Vec<_>>(),
                "damaged": damaged.collect::<Vec<_>>(),
            })
        ));
        return;
    }
    let widths = voices.iter().map(|v| v.metadata.name.chars().count());
    let width = widths.max().unwrap_or(0);
    for voice in &voices {
        let line = in_short(voice);
        say(format_args!("{:<width$}  {line}", voice.metadata.name));
    }
    for Damaged { folder, error } in damaged {
        complain(Failure::from(error).of_file(&folder));
    }
}

fn info(voice: &Voice, as_json: bool) {
    if as_json {
        say(format_args!("{:#}", voice_json(voice)));
        return;
    }
    say(&voice.metadata.name);
    let metadata = &voice.metadata;
    let index = voice.index.as_ref().map(|path| path.display().to_string());
    let image = voice.image.as_ref().map(|path| path.display().to_string());
    let ours = metadata.model.ddsp();
    let pitch = ours.map(|of| format!("{:.0} Hz in the mean", of.mean_pitch_hz));
    for (label, text) in [
        ("what", in_short(voice).as_str()),
        ("pitch", pitch.as_deref().unwrap_or("")),
        ("author", &metadata.author),
        ("licence", &metadata.licence),
        ("notes", &metadata.notes),
        ("info", &metadata.info),
        ("consent", &metadata.consent),
        ("source", &metadata.source),
        ("sha256", &metadata.sha256),
        ("imported", &metadata.imported),
        ("index", index.as_deref().unwrap_or("")),
        ("picture", image.as_deref().unwrap_or("")),
        ("folder", &place(voice)),
    ] {
        if !text.is_empty() {
            say(format_args!("  {label:<9} {text}"));
        }
    }
}

fn voice_json(voice: &Voice) -> Value {
    let metadata = &voice.metadata;
    let model = &metadata.model;
    json!({
        "name": metadata.name,
        "engine": metadata.engine(),
        "version": model.rvc().map(|config| config.version.name()),
        "rate_hz": model.rate_hz(),
        "pitch": model.has_pitch(),
        "speakers": model.speakers(),
        "author": metadata.author,
        "licence": metadata.licence,
        "notes": metadata.notes,
        "info": metadata.info,
        "consent": metadata.consent,
        "source": metadata.source,
        "sha256": metadata.sha256,
        "imported": metadata.imported,
        "folder": voice.folder().map(|path| path.to_string_lossy()),
        "built_in": voice.is_built_in(),
        "index": voice.index.as_ref().map(|path| path.to_string_lossy()),
        "image": voice.image.as_ref().map(|path| path.to_string_lossy()),
        "bytes": voice.bytes,
        "ddsp": metadata.model.ddsp().map(|voice| json!({
            "ahead": voice.ahead,
            "bandwidth_hz": voice.bandwidth_hz,
            "mean_pitch_hz": voice.mean_pitch_hz,
            "encoder_sha256": voice.encoder_sha256,
        })),
    })
}

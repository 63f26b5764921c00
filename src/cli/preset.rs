//! A preset named on the command line: by its name, as a file or as a code.

use super::failure::Failure;
use super::out;
use crate::preset::{
    Entry, Library, Notice, Origin, Preset, PresetError, Values, from_code, looks_like_code,
    read_file,
};
use serde_json::{Value, json};
use std::path::Path;

/// A preset that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) preset: Preset,
    source: &'static str,
    /// What it sets.
    pub(super) values: Values,
    /// What is to be known of it.
    notices: Vec<Notice>,
}

impl From<PresetError> for Failure {
    fn from(error: PresetError) -> Self {
        let remedy = match &error {
            PresetError::Exists { .. } => {
                "pass --force to replace it, or another name with --name".to_owned()
            }
            other => other.remedy(),
        };
        Self::work(error.to_string(), remedy)
    }
}

/// The user's presets, or where there is no home for them the factory's alone.
pub(super) fn library() -> Library {
    Library::of_user().unwrap_or_else(|_| Library::factory())
}

/// Finds a preset: a code by how it begins, then a name, then a file.
pub(super) fn choose(wanted: &str) -> Result<Chosen, Failure> {
    if looks_like_code(wanted) {
        return Ok(Chosen::new(from_code(wanted)?, "code"));
    }
    let path = Path::new(wanted);
    match library().find(wanted) {
        Ok(Entry {
            preset,
            origin,
            notices,
        }) => {
            let source = origin_name(origin);
            Ok(Chosen::new((preset.clone(), notices.clone()), source))
        }
        Err(_) if path.exists() => {
            let read = read_file(path).map_err(|error| of_file(path, error))?;
            Ok(Chosen::new(read, "file"))
        }
        Err(error) => Err(error.into()),
    }
}

/// The failure of one file.
pub(super) fn of_file(path: &Path, error: PresetError) -> Failure {
    let failure = Failure::from(error);
    let message = format!("{}: {}", path.display(), failure.message);
    Failure { message, ..failure }
}

/// Where a preset comes from, in one word.
pub(super) fn origin_name(origin: &Origin) -> &'static str {
    match origin {
        Origin::Factory => "factory",
        Origin::User(_) => "user",
    }
}

/// Notices as programs read them.
pub(super) fn notices_json(notices: &[Notice]) -> Value {
    notices
        .iter()
        .map(|notice| json!(notice.to_string()))
        .collect()
}

/// Notices as people read them, to stderr.
pub(super) fn complain_of(preset: &Preset, notices: &[Notice]) {
    for notice in notices {
        out::complain(format_args!("note: {}: {notice}", preset.about.name));
    }
}

impl Chosen {
    fn new((preset, mut notices): (Preset, Vec<Notice>), source: &'static str) -> Self {
        // No voices can be loaded yet.
        let resolved = preset.resolve(&|_| None);
        notices.extend(resolved.notices);
        Self {
            preset,
            source,
            values: resolved.values,
            notices,
        }
    }

    /// Says on stderr what is to be known of it.
    pub(super) fn complain(&self) {
        complain_of(&self.preset, &self.notices);
    }

    /// Which preset it is, for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.preset.about.name,
            "source": self.source,
            "notices": notices_json(&self.notices),
        })
    }
}

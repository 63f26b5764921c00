//! A preset named on the command line: by its name, as a file or as a code.

use super::failure::Failure;
use super::out;
use crate::preset::{Library, Notice, Preset, PresetError, Source, Values, looks_like_code};
use crate::voice;
use serde_json::{Value, json};
use std::path::Path;

/// A preset that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) preset: Preset,
    source: Source,
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

/// Finds the preset that is meant: by a code, a name or a file.
pub(super) fn choose(wanted: &str) -> Result<Chosen, Failure> {
    let voices = voice::Library::of_user().ok();
    let (preset, mut notices, source) = library().choose(wanted).map_err(|error| {
        match looks_like_code(wanted) || matches!(error, PresetError::Unknown { .. }) {
            true => error.into(),
            false => of_file(Path::new(wanted), error),
        }
    })?;
    // One voice sings in files, and it does so in slot 1.
    let resolved = preset.resolve(&|voice| voices.as_ref()?.find(voice).map(|_| 1));
    notices.extend(resolved.notices);
    Ok(Chosen {
        preset,
        source,
        values: resolved.values,
        notices,
    })
}

/// The failure of one file.
pub(super) fn of_file(path: &Path, error: PresetError) -> Failure {
    let failure = Failure::from(error);
    let message = format!("{}: {}", path.display(), failure.message);
    Failure { message, ..failure }
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
    /// Another voice sings than its own, which need not be here.
    pub(super) fn forget_voice(&mut self) {
        self.preset.voice = None;
        let is_of_voice = |notice: &Notice| matches!(notice, Notice::VoiceMissing(_));
        self.notices.retain(|notice| !is_of_voice(notice));
    }

    /// Says on stderr what is to be known of it.
    pub(super) fn complain(&self) {
        complain_of(&self.preset, &self.notices);
    }

    /// Which preset it is, for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.preset.about.name,
            "source": self.source.name(),
            "notices": notices_json(&self.notices),
        })
    }
}

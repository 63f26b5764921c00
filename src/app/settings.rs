//! What the app remembers between runs: devices and switches. Control thread and
//! start-up only. A file that is damaged is replaced by the defaults, and that is said.

use super::backend::Choice;
use crate::io::{self, DocumentError, Existing, read_document, write_document};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// No settings of ours are longer.
const MOST_BYTES: usize = 64 << 10;

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether what is converted goes out.
    pub monitor: bool,
    /// Whether one is heard only while talking.
    pub push_to_talk: bool,
    /// Whether the key turns talking on and off, instead of holding it.
    pub talk_toggles: bool,
    /// The key's name.
    pub talk_key: String,
    /// Where takes go; the user data folder if `None`.
    pub takes_folder: Option<PathBuf>,
    /// Devices; `None` takes what there is.
    pub audio: Option<Choice>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            monitor: true,
            push_to_talk: false,
            talk_toggles: false,
            talk_key: "Space".to_owned(),
            takes_folder: None,
            audio: None,
        }
    }
}

/// The file, if the environment names a place for it.
#[must_use]
pub fn file() -> Option<PathBuf> {
    Some(io::folders::settings().ok()?.join("app.toml"))
}

impl Settings {
    /// Reads them; the second value says what was wrong, if anything.
    #[must_use]
    pub fn load(path: &Path) -> (Self, Option<String>) {
        let damaged = |found: String| {
            let place = path.display();
            let notice = format!("expected settings in {place}, found {found}; defaults are used");
            (Self::default(), Some(notice))
        };
        match read_document(path, MOST_BYTES) {
            Ok(text) => match toml::from_str(&text) {
                Ok(settings) => (settings, None),
                Err(error) => damaged(error.message().to_owned()),
            },
            Err(DocumentError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                (Self::default(), None)
            }
            Err(error) => damaged(error.to_string()),
        }
    }

    /// Writes them.
    ///
    /// # Errors
    /// What went wrong, as people read it.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let text = toml::to_string(self).map_err(|error| error.to_string())?;
        write_document(path, &text, Existing::Replace)
            .map(drop)
            .map_err(|error| format!("expected to write {}, found: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::backend::{Backend, Source};

    #[test]
    fn settings_go_there_and_back_and_survive_damage() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("settings/app.toml");
        assert_eq!(Settings::load(&path), (Settings::default(), None));
        let settings = Settings {
            push_to_talk: true,
            audio: Some(Choice {
                backend: Backend::Alsa,
                input: Some("hw:1".to_owned()),
                rate_hz: Some(96_000),
                source: Source::Channel(3),
                ..Choice::default()
            }),
            ..Settings::default()
        };
        settings.save(&path).expect("writable");
        assert_eq!(Settings::load(&path), (settings, None));
        for damage in ["monitor = 3", "\u{0}", "[audio]\nbackend = \"x\""] {
            std::fs::write(&path, damage).expect("writable");
            let (loaded, notice) = Settings::load(&path);
            assert_eq!(loaded, Settings::default(), "{damage}");
            assert!(notice.expect("said").contains("app.toml"), "{damage}");
        }
    }
}

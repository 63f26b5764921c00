//! What is chosen for this process: by the environment, by what was chosen in the window once, or since.
//! Any thread but the audio thread; the document is read at the first look.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::choice::{Choice, ChoiceError, VARIABLE};
use crate::io::{DocumentError, Existing, folders, read_document, write_document};

const FILE: &str = "device.toml";
const MOST_BYTES: usize = 1_024;

static CHOSEN: Mutex<Option<Choice>> = Mutex::new(None);
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// What is remembered.
#[derive(Serialize, Deserialize)]
struct Remembered {
    device: String,
}

/// What the environment says.
///
/// # Errors
/// If that is none of the words.
pub fn from_environment() -> Result<Option<Choice>, ChoiceError> {
    match env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => value.to_string_lossy().parse().map(Some),
    }
}

/// What is chosen now.
#[must_use]
pub fn chosen() -> Choice {
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    *chosen.get_or_insert_with(|| match from_environment() {
        Ok(Some(choice)) => choice,
        // Somebody made a mistake in a word: who runs a command is told, a plugin goes on.
        Ok(None) | Err(_) => file()
            .and_then(|path| remembered(&path).ok())
            .unwrap_or_default(),
    })
}

/// Chooses for this process, from now on.
pub fn choose(choice: Choice) {
    let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    if chosen.replace(choice) != Some(choice) {
        CHANGES.fetch_add(1, Ordering::AcqRel);
    }
}

/// Grows with every change of the choice.
#[must_use]
pub fn changes() -> u64 {
    CHANGES.load(Ordering::Acquire)
}

/// Remembers a choice for the next start. Does nothing without a home.
///
/// # Errors
/// What kept it from being written, for the musician.
pub fn remember(choice: Choice) -> Result<(), String> {
    match file() {
        None => Ok(()),
        Some(path) => write(&path, choice),
    }
}

fn file() -> Option<PathBuf> {
    folders::settings().ok().map(|folder| folder.join(FILE))
}

fn write(path: &Path, choice: Choice) -> Result<(), String> {
    let device = choice.to_string();
    let text = toml::to_string(&Remembered { device }).map_err(|error| error.to_string())?;
    write_document(path, &text, Existing::Replace)
        .map(|_| ())
        .map_err(|error| {
            format!(
                "The device is not remembered in {}: {error}",
                path.display()
            )
        })
}

/// What was remembered; nothing usable is as nothing.
fn remembered(path: &Path) -> Result<Choice, DocumentError> {
    let text = read_document(path, MOST_BYTES)?;
    let remembered = toml::from_str::<Remembered>(&text).ok();
    let choice = remembered.and_then(|remembered| remembered.device.parse().ok());
    Ok(choice.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remembered_and_nonsense_is_nothing() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("settings").join(FILE);
        assert!(remembered(&path).is_err());
        for choice in [Choice::Cpu, Choice::Cuda(Some(1)), Choice::Auto] {
            write(&path, choice).expect("writable");
            assert_eq!(remembered(&path).ok(), Some(choice));
        }
        for text in ["", "device = 7", "device = \"toaster\"", "\u{0}"] {
            std::fs::write(&path, text).expect("writable");
            assert_eq!(remembered(&path).ok(), Some(Choice::Auto), "{text}");
        }
    }
}

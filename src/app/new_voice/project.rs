//! A voice in the making, on disk: a folder below the user's recordings with `project.toml`, what
//! was read, and later the trained voice. Nothing is lost when the app is closed: whatever is there
//! can be taken up again. Clerk thread; it waits for disks.

use super::script;
use crate::app::record;
use crate::io::{DocumentError, Existing, read_document, write_document};
use crate::preset::library::portable_stem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE: &str = "project.toml";
/// The format written, and the only one that is read.
const FORMAT: u32 = 1;
/// No description of ours is longer.
const MOST_BYTES: usize = 64 << 10;
/// Voices in the making that are looked at.
const MOST: usize = 200;
/// The folder of what was read.
const READ: &str = "sentences";

/// What has to be said before a voice may be made of anybody.
pub const STATEMENT: &str =
    "This is my voice, or its owner has agreed that I make a voice of it and use it.";

/// What is known of a voice in the making.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    format: u32,
    /// What it will be called.
    pub name: String,
    /// Whose voice it is.
    pub owner: String,
    /// When [`STATEMENT`] was confirmed: UTC, as `2026-11-26T05:08:30Z`.
    pub agreed: String,
    /// Recordings elsewhere; `None` where the script is read.
    pub folder: Option<PathBuf>,
    /// Minutes that the training may take.
    pub minutes: f64,
    /// How far it is.
    pub stage: Saved,
}

/// How far a voice in the making was when it was last written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Saved {
    /// Being read.
    #[default]
    Reading,
    /// Being trained: goes on by itself.
    Training,
    /// Stopped by the user: goes on when asked.
    Paused,
    /// In the library.
    Finished,
}

impl Project {
    /// A new one.
    #[must_use]
    pub fn new(name: &str, owner: &str, agreed: String, folder: Option<PathBuf>) -> Self {
        Self {
            format: FORMAT,
            name: name.to_owned(),
            owner: owner.to_owned(),
            agreed,
            folder,
            minutes: 0.0,
            stage: Saved::Reading,
        }
    }

    /// What the voice's file says of it.
    #[must_use]
    pub fn consent(&self) -> String {
        format!(
            "Voice of {}. Confirmed on {}: \"{STATEMENT}\"",
            self.owner, self.agreed
        )
    }
}

/// A voice in the making and its folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its folder.
    pub home: PathBuf,
    /// What is known of it.
    pub project: Project,
    /// The newest file of each sentence that was read.
    pub read: BTreeMap<usize, String>,
}

/// The places in the folder of a voice in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home(pub PathBuf);

impl Home {
    /// The folder of what is read.
    #[must_use]
    pub fn sentences(&self) -> PathBuf {
        self.0.join(READ)
    }

    /// The trained voice; its checkpoint and page lie beside it.
    #[must_use]
    pub fn voice(&self) -> PathBuf {
        self.0.join("voice.safetensors")
    }

    /// The page about the training.
    #[must_use]
    pub fn page(&self) -> PathBuf {
        self.voice().with_extension("html")
    }
}

/// The file of a sentence, counted from 0, read for the `attempt`-th time. Never used twice.
#[must_use]
pub fn file_name(sentence: usize, attempt: u32) -> String {
    format!("{:03}-{attempt:03}.wav", sentence + 1)
}

/// Sentence and attempt of a file.
fn numbers(name: &str) -> Option<(usize, u32)> {
    let (sentence, attempt) = name.strip_suffix(".wav")?.split_once('-')?;
    let sentence: usize = sentence.parse().ok()?;
    let sentence = sentence.checked_sub(1)?;
    (sentence < script::count()).then_some((sentence, attempt.parse().ok()?))
}

/// The next attempt after a file.
#[must_use]
pub fn next_attempt(last: Option<&str>) -> u32 {
    let last = last.and_then(numbers);
    last.map_or(1, |(_, attempt)| attempt.saturating_add(1))
}

/// Makes the folder of a new voice below that of all, with a name that none has.
///
/// # Errors
/// Those of the file system, as people read them.
pub fn create(all: &Path, project: &Project) -> Result<PathBuf, String> {
    let refused = |error: std::io::Error| {
        format!(
            "expected to make a folder in {}, found: {error}; check its rights and the free space",
            all.display()
        )
    };
    std::fs::create_dir_all(all).map_err(refused)?;
    let stem = portable_stem(&project.name, "voice");
    for number in 1..=MOST {
        let home = match number {
            1 => all.join(&stem),
            _ => all.join(format!("{stem}-{number}")),
        };
        match std::fs::create_dir(&home) {
            Ok(()) => {
                save(&home, project)?;
                std::fs::create_dir_all(Home(home.clone()).sentences()).map_err(refused)?;
                return Ok(home);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Err(format!(
        "expected fewer than {MOST} voices called {}, found more; choose another name",
        project.name
    ))
}

/// Writes down what is known of it.
///
/// # Errors
/// As people read them.
pub fn save(home: &Path, project: &Project) -> Result<(), String> {
    let path = home.join(FILE);
    let text = toml::to_string(project).map_err(|error| error.to_string())?;
    let written = write_document(&path, &text, Existing::Replace);
    written.map(drop).map_err(|error| {
        format!(
            "expected to write {}, found: {error}; check the free space",
            path.display()
        )
    })
}

/// Reads one, and gives what a crash left of a recording its name.
///
/// # Errors
/// Why it is none.
pub fn open(home: &Path) -> Result<Found, String> {
    let wrong = |found: String| {
        format!(
            "expected a voice in the making in {}, found {found}",
            home.display()
        )
    };
    let text = read_document(&home.join(FILE), MOST_BYTES).map_err(|error| match error {
        DocumentError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            wrong(format!("no {FILE}"))
        }
        error => wrong(error.to_string()),
    })?;
    let project: Project = toml::from_str(&text).map_err(|error| wrong(error.message().into()))?;
    if project.format != FORMAT || project.agreed.is_empty() || project.name.is_empty() {
        return Err(wrong(
            "one of another AutoVoice, or a damaged one".to_owned(),
        ));
    }
    let sentences = Home(home.to_owned()).sentences();
    // A folder that is not there has nothing to recover, and nothing was read.
    let _ = record::recover(&sentences);
    let mut read = BTreeMap::<usize, String>::new();
    for entry in std::fs::read_dir(&sentences)
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((sentence, _)) = numbers(&name) else {
            continue;
        };
        let newest = read.entry(sentence).or_default();
        if numbers(newest) < numbers(&name) {
            let older = std::mem::replace(newest, name);
            if !older.is_empty() {
                // It was replaced already when the app ended.
                let _ = std::fs::remove_file(sentences.join(older));
            }
        }
    }
    Ok(Found {
        home: home.to_owned(),
        project,
        read,
    })
}

/// Every voice in the making that is not finished, by name; what is damaged is left alone.
#[must_use]
pub fn unfinished(all: &Path) -> Vec<Found> {
    let entries = std::fs::read_dir(all).into_iter().flatten().flatten();
    let homes = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir());
    let mut found: Vec<Found> = homes
        .take(MOST)
        .filter_map(|home| open(&home).ok())
        .collect();
    found.retain(|found| found.project.stage != Saved::Finished);
    found.sort_by(|a, b| (&a.project.name, &a.home).cmp(&(&b.project.name, &b.home)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        let agreed = "2026-11-26T05:08:30Z".to_owned();
        Project::new("Anna / B", "Anna", agreed, None)
    }

    #[test]
    fn a_voice_in_the_making_goes_there_and_back() {
        let all = tempfile::tempdir().expect("a temporary folder");
        let homes = [(); 2].map(|()| create(all.path(), &project()).expect("writable"));
        assert_ne!(homes[0], homes[1]);
        let mut changed = project();
        changed.stage = Saved::Finished;
        changed.folder = Some("/some/where".into());
        save(&homes[1], &changed).expect("writable");
        assert_eq!(open(&homes[1]).expect("there").project, changed);
        let found = unfinished(all.path());
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].home, &found[0].project), (&homes[0], &project()));
        assert!(
            found[0]
                .project
                .consent()
                .starts_with("Voice of Anna. Confirmed on 2026")
        );
        assert!(unfinished(&all.path().join("nowhere")).is_empty());
    }

    #[test]
    fn what_was_read_is_found_again_after_a_crash() {
        let all = tempfile::tempdir().expect("a temporary folder");
        let home = create(all.path(), &project()).expect("writable");
        let sentences = Home(home.clone()).sentences();
        for name in [
            "001-001.wav",
            "001-002.wav",
            "003-001.wav.unfinished",
            "notes.txt",
            "999-1.wav",
        ] {
            std::fs::write(sentences.join(name), b"x").expect("writable");
        }
        let read = open(&home).expect("there").read;
        let wanted = [(0, "001-002.wav"), (2, "003-001.wav")];
        assert_eq!(read, wanted.map(|(n, name)| (n, name.to_owned())).into());
        assert!(!sentences.join("001-001.wav").exists(), "an older one");
        assert_eq!(next_attempt(read.get(&0).map(String::as_str)), 3);
        assert_eq!(next_attempt(None), 1);
        assert_eq!(numbers(&file_name(7, 12)), Some((7, 12)));
    }

    #[test]
    fn what_is_damaged_is_no_voice_in_the_making() {
        let all = tempfile::tempdir().expect("a temporary folder");
        let home = create(all.path(), &project()).expect("writable");
        for text in ["", "format = 2", "\0", "format = 1\nname = 3"] {
            std::fs::write(home.join(FILE), text).expect("writable");
            assert!(open(&home).is_err(), "{text}");
        }
        let nobody = Project::new("Anna", "Anna", String::new(), None);
        save(&home, &nobody).expect("writable");
        assert!(open(&home).is_err(), "without consent there is none");
        assert!(unfinished(all.path()).is_empty());
    }
}

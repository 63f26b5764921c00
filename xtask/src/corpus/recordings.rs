//! Recordings of real people that join the corpus: where they are, whose they are, who speaks and
//! what they say. Reads files; main thread.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::phones::Label;

/// Where they are.
pub const FOLDER: &str = "../shared/corpus";
const SCRIPT: &str = "xtask/src/corpus/phones.py";

/// A collection of recordings.
#[derive(Clone, Copy, Debug)]
pub struct Collection {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// What its recordings come from.
    pub source: &'static str,
    /// Under which licence.
    pub licence: &'static str,
    /// What goes before the names of its files, to say who speaks.
    prefix: &'static str,
    /// What goes before its speakers where recordings to measure with name them.
    apart: &'static str,
    /// Synthesizers' voices that say again what is said in it, by name.
    pub readers: &'static [&'static str],
}

/// All of them. Barista tells no speakers: every recording of it counts as one of its own.
pub const COLLECTIONS: [Collection; 3] = [
    Collection {
        name: "librispeech",
        source: "LibriSpeech",
        licence: "CC-BY-4.0",
        prefix: "",
        apart: "LS",
        readers: &["rms", "kal", "slthts"],
    },
    Collection {
        name: "barista",
        source: "Barista, crowd-sourced orders",
        licence: "Apache-2.0",
        prefix: "",
        apart: "Barista-",
        // Short orders over bad microphones: too little of them is recognised.
        readers: &[],
    },
    Collection {
        name: "ljspeech",
        source: "LJSpeech",
        licence: "public domain",
        prefix: "LJ-",
        // To be trained on, though she is measured with, too; by other recordings.
        apart: "LJSpeech-",
        readers: &["rms", "kal", "slthts", "slt", "awb", "ked"],
    },
];

/// A recording to be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in the corpus.
    pub name: String,
    /// Who speaks.
    pub speaker: String,
    /// What is said, where that is known.
    pub text: Option<String>,
}

impl Collection {
    /// Its recordings in a folder, by name.
    ///
    /// # Errors
    /// When the folder is missing or empty.
    pub fn recordings(&self, folder: &Path) -> Result<Vec<Recording>> {
        let folder = folder.join(self.name);
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("expected recordings in {}", folder.display()))?;
        let texts = std::fs::read_to_string(folder.join("metadata.csv")).unwrap_or_default();
        let texts = texts_by_name(&texts);
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let ending = path
                .extension()
                .and_then(|ending| ending.to_str())
                .unwrap_or("");
            if !matches!(ending, "wav" | "flac" | "ogg") {
                continue;
            }
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let name = format!("{}{stem}.{ending}", self.prefix);
            let speaker = name.split(['-', '.']).next().unwrap_or_default().to_owned();
            let text = texts.get(&stem).cloned();
            found.push(Recording {
                path,
                name,
                speaker,
                text,
            });
        }
        ensure!(
            !found.is_empty(),
            "expected recordings in {}, found none",
            folder.display()
        );
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// A speaker as lists of recordings to measure with call them.
    pub fn apart(&self, recording: &Recording) -> String {
        format!("{}{}", self.apart, recording.speaker)
    }
}

/// Lines `name|text|text as it is read`.
fn texts_by_name(table: &str) -> BTreeMap<String, String> {
    let row = |line: &str| {
        let mut cells = line.split('|');
        let (name, text) = (cells.next()?, cells.next()?);
        Some((name.to_owned(), cells.next().unwrap_or(text).to_owned()))
    };
    table.lines().filter_map(row).collect()
}

/// A recording to be listened to.
pub struct Unheard {
    /// Where it is.
    pub path: PathBuf,
    /// What is said, where that is known.
    pub text: Option<String>,
    /// Whether that is wanted.
    pub words: bool,
}

/// How labels were found.
#[derive(Debug, PartialEq)]
pub struct Found {
    /// The recording.
    pub path: PathBuf,
    /// Its phones, or why there are none.
    pub labels: Result<Vec<Label>, String>,
    /// Whether a text was aligned to the recording.
    pub by_text: bool,
    /// Words that were recognised.
    pub words: Option<String>,
}

/// Finds the phones of recordings with pocketsphinx, as many at a time as there are cores; `each`
/// gets one at a time, in any order.
///
/// # Errors
/// When the script fails, or `each` does.
pub fn find_phones(
    python: &Path,
    recordings: &[Unheard],
    mut each: impl FnMut(Found) -> Result<()>,
) -> Result<()> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let (lines, received) = mpsc::channel();
        let listeners: Vec<_> = (0..count)
            .map(|n| {
                let share: Vec<&Unheard> = recordings.iter().skip(n).step_by(count).collect();
                let lines = lines.clone();
                scope.spawn(move || listen(python, &share, &lines))
            })
            .collect();
        drop(lines);
        received.iter().try_for_each(|line| each(answer(&line?)?))?;
        // Nobody listens any more to those that are left after an error.
        drop(received);
        for listener in listeners {
            listener
                .join()
                .unwrap_or_else(|_| bail!("a thread that waits for {SCRIPT} panicked"))?;
        }
        Ok(())
    })
}

/// Has the script listen to some recordings; its answers go to `lines` until nobody wants them.
fn listen(
    python: &Path,
    recordings: &[&Unheard],
    lines: &mpsc::Sender<std::io::Result<String>>,
) -> Result<()> {
    let mut child = Command::new(python)
        // One thread: the numbers are small.
        .env("OMP_NUM_THREADS", "1")
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} did not start", python.display()))?;
    let tasks: Vec<String> = recordings
        .iter()
        .map(|Unheard { path, text, words }| {
            json!({ "path": path, "text": text, "words": words }).to_string()
        })
        .collect();
    let stdin = child.stdin.take();
    // On a thread of its own: answers come before all tasks are told.
    let teller = std::thread::spawn(move || -> std::io::Result<()> {
        let Some(mut stdin) = stdin else {
            return Ok(());
        };
        tasks.iter().try_for_each(|task| writeln!(stdin, "{task}"))
    });
    let stdout = child.stdout.take().context("the script has no output")?;
    let mut answers = 0;
    for line in BufReader::new(stdout).lines() {
        if lines.send(line).is_err() {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
        answers += 1;
    }
    let status = child.wait()?;
    let told = teller.join();
    ensure!(
        status.success() && answers == recordings.len(),
        "{SCRIPT} answered {answers} of {} and ended with {status}",
        recordings.len()
    );
    Ok(told.unwrap_or(Ok(()))?)
}

fn answer(line: &str) -> Result<Found> {
    let wrong = || format!("expected an answer of {SCRIPT}, found {line:?}");
    let value: Value = serde_json::from_str(line).with_context(wrong)?;
    let labels = match value["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(serde_json::from_value(value["phones"].clone()).with_context(wrong)?),
    };
    Ok(Found {
        path: PathBuf::from(value["path"].as_str().with_context(wrong)?),
        labels,
        by_text: value["how"] == "text",
        words: value["words"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_who_speaks() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            (
                "librispeech",
                "103-1240-0000.ogg",
                "103-1240-0000.ogg",
                "103",
                "LS103",
            ),
            (
                "barista",
                "0075d273-51bb.ogg",
                "0075d273-51bb.ogg",
                "0075d273",
                "Barista-0075d273",
            ),
            (
                "ljspeech",
                "LJ001-0002.flac",
                "LJ-LJ001-0002.flac",
                "LJ",
                "LJSpeech-LJ",
            ),
        ];
        for (collection, (name, file, wanted, speaker, apart)) in COLLECTIONS.iter().zip(files) {
            assert_eq!(collection.name, name);
            std::fs::create_dir(folder.path().join(name)).unwrap();
            collection.recordings(folder.path()).unwrap_err();
            for file in [file, "LICENSE", "labels.json"] {
                std::fs::write(folder.path().join(name).join(file), "x").unwrap();
            }
            let table = "LJ001-0002|in 1455.|in fourteen fifty-five.\nLJ001-0003|so\nnonsense\n";
            std::fs::write(folder.path().join(name).join("metadata.csv"), table).unwrap();
            let found = collection.recordings(folder.path()).unwrap();
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(
                (found[0].name.as_str(), found[0].speaker.as_str()),
                (wanted, speaker)
            );
            assert_eq!(collection.apart(&found[0]), apart);
            let text = (speaker == "LJ").then_some("in fourteen fifty-five.");
            assert_eq!(found[0].text.as_deref(), text);
        }
    }

    #[test]
    fn answers_are_understood_or_refused() {
        let line =
            r#"{"path": "a.ogg", "how": "text", "phones": [["SIL", 0, 3], ["+NSN+", 3, 1]]}"#;
        let found = answer(line).unwrap();
        assert!(found.by_text && found.words.is_none());
        let heard = line.replace("]]}", r#"]], "words": "so they say"}"#);
        assert_eq!(
            answer(&heard).unwrap().words.as_deref(),
            Some("so they say")
        );
        let labels = found.labels.unwrap();
        assert_eq!(
            labels,
            [("SIL".to_owned(), 0, 3), ("+NSN+".to_owned(), 3, 1)]
        );
        let found = answer(r#"{"path": "a.ogg", "error": "no audio"}"#).unwrap();
        assert_eq!(
            (found.labels, found.by_text),
            (Err("no audio".to_owned()), false)
        );
        for line in [
            "",
            "Traceback",
            r#"{"path": "a"}"#,
            r#"{"path": 1, "phones": []}"#,
        ] {
            answer(line).unwrap_err();
        }
    }
}

//! What a folder of recordings to train on says of itself: `corpus.toml`, written by
//! `cargo xtask corpus`, read by `autovoice train base`. Text in, text out: knows no files, no
//! audio and no hashes. Any thread.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The manifest's name in its folder.
pub const FILE: &str = "corpus.toml";
/// The folder beside it that has the labels, `NAME.json` for a recording `NAME.wav`.
pub const LABELS: &str = "labels";
/// A manifest is no longer than this, in bytes.
pub const LONGEST: usize = 1 << 24;
/// The version of the form that is read and written here.
pub const VERSION: u32 = 1;

/// All that is in a folder.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    /// The set of texts that the synthesizers spoke: the first digits of its SHA-256.
    pub sentences: String,
    /// The recordings, by name.
    #[serde(default, rename = "file")]
    pub files: Vec<Entry>,
}

/// One recording.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// File in the folder of the manifest.
    pub name: String,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// Who speaks: the file's name up to its first `-`.
    pub speaker: String,
    /// What it comes from.
    pub source: String,
    /// Under which licence that is.
    pub licence: String,
    /// Length in seconds.
    pub seconds: f64,
    /// What is said, where that is known, or what a recogniser made of it: recordings of one text
    /// say the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// SHA-256 of its labels in [`LABELS`], where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_sha256: Option<String>,
}

/// Why a text is no manifest.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ManifestError {
    /// It is no TOML of this form.
    #[error("expected a manifest of recordings, found: {0}")]
    Form(String),
    /// It is of another version.
    #[error("expected version {VERSION} of the manifest, found {0}")]
    Version(u32),
    /// A name leads elsewhere, or to no file.
    #[error("expected the plain name of a file, found {0:?}")]
    Name(String),
    /// Two entries of one name: they would share their labels.
    #[error("expected every recording once, found {0:?} twice")]
    Twice(String),
    /// A name says that somebody else speaks.
    #[error("expected {name:?} to be spoken by who its name says, found {speaker:?}")]
    Speaker {
        /// The recording.
        name: String,
        /// Who speaks.
        speaker: String,
    },
    /// Something that should be a hash is none.
    #[error("expected 64 hexadecimal digits as the hash of {0:?}, found something else")]
    Hash(String),
    /// A length that no recording has.
    #[error("expected {name:?} to have a length, found {seconds} s")]
    Seconds {
        /// The recording.
        name: String,
        /// Its length.
        seconds: f64,
    },
}

impl Manifest {
    /// Reads a text.
    ///
    /// # Errors
    /// [`ManifestError`]: whatever is read back holds what [`Entry`] promises.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        // A later version may have another form.
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let wrong = |error: toml::de::Error| ManifestError::Form(error.message().to_owned());
        let Version { version } = toml::from_str(text).map_err(wrong)?;
        if version != VERSION {
            return Err(ManifestError::Version(version));
        }
        let manifest: Self = toml::from_str(text).map_err(wrong)?;
        let mut stems = BTreeSet::new();
        for entry in &manifest.files {
            entry.check()?;
            if !stems.insert(entry.stem()) {
                return Err(ManifestError::Twice(entry.name.clone()));
            }
        }
        Ok(manifest)
    }

    /// The text of it, recordings in the order of their names.
    ///
    /// # Errors
    /// [`ManifestError::Form`] where it cannot be written down.
    pub fn text(&self) -> Result<String, ManifestError> {
        let mut sorted = self.clone();
        sorted.files.sort_by(|a, b| a.name.cmp(&b.name));
        toml::to_string(&sorted).map_err(|error| ManifestError::Form(error.to_string()))
    }
}

impl Entry {
    /// The name without its ending: what the labels are called.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.name
            .rsplit_once('.')
            .map_or(&self.name, |(stem, _)| stem)
    }

    /// The labels' file in [`LABELS`].
    #[must_use]
    pub fn labels_name(&self) -> String {
        format!("{}.json", self.stem())
    }

    fn check(&self) -> Result<(), ManifestError> {
        let name = || self.name.clone();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let leads_nowhere = self.name.chars().all(plain) && !self.name.starts_with('.');
        if !leads_nowhere || self.stem() == self.name {
            return Err(ManifestError::Name(name()));
        }
        if self.stem().split('-').next() != Some(&self.speaker) {
            let speaker = self.speaker.clone();
            return Err(ManifestError::Speaker {
                name: name(),
                speaker,
            });
        }
        let is_hash = |text: &String| {
            let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            text.len() == 64 && text.bytes().all(digit)
        };
        if !is_hash(&self.sha256) || !self.labels_sha256.as_ref().is_none_or(is_hash) {
            return Err(ManifestError::Hash(name()));
        }
        if !(0.0..1e6).contains(&self.seconds) {
            let seconds = self.seconds;
            return Err(ManifestError::Seconds {
                name: name(),
                seconds,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            sha256: "0123456789abcdef".repeat(4),
            speaker: name.split('-').next().unwrap().to_owned(),
            source: "flite, voice slt".to_owned(),
            licence: "as it comes".to_owned(),
            seconds: 1.82,
            text: Some("Quotes \" and\nlines = [".to_owned()),
            labels_sha256: Some("f".repeat(64)),
        }
    }

    fn manifest(files: Vec<Entry>) -> Manifest {
        Manifest {
            version: VERSION,
            sentences: "0123abcd".to_owned(),
            files,
        }
    }

    #[test]
    fn it_goes_there_and_back_in_the_order_of_names() {
        let mut plain = entry("a-1.ogg");
        (plain.text, plain.labels_sha256) = (None, None);
        let text = manifest(vec![entry("b-2.wav"), plain.clone()])
            .text()
            .unwrap();
        let found = Manifest::parse(&text).unwrap();
        assert_eq!(found, manifest(vec![plain, entry("b-2.wav")]));
        assert_eq!(found.text().unwrap(), text);
        assert_eq!(found.files[1].labels_name(), "b-2.json");
        let empty = manifest(Vec::new());
        assert_eq!(Manifest::parse(&empty.text().unwrap()), Ok(empty));
    }

    #[test]
    fn what_would_mislead_is_refused() {
        let with = |change: &dyn Fn(&mut Entry)| {
            let mut entry = entry("a-1.wav");
            change(&mut entry);
            manifest(vec![entry])
        };
        let named = |name: &str| with(&|entry| entry.name = name.to_owned());
        let table = [
            (named("../a-1.wav"), "plain name"),
            (named("/etc/a-1.wav"), "plain name"),
            (named("a-1"), "plain name"),
            (named(".a-1.wav"), "plain name"),
            (named("a\\b-1.wav"), "plain name"),
            (named(""), "plain name"),
            (named("b-1.wav"), "spoken by who its name says"),
            (
                with(&|e| e.sha256 = "F".repeat(64)),
                "64 hexadecimal digits",
            ),
            (
                with(&|e| {
                    e.sha256.pop();
                }),
                "64 hexadecimal digits",
            ),
            (
                with(&|e| e.labels_sha256 = Some(String::new())),
                "64 hexadecimal digits",
            ),
            (with(&|e| e.seconds = f64::NAN), "a length"),
            (with(&|e| e.seconds = -1.0), "a length"),
            // They would have the same labels.
            (manifest(vec![entry("a-1.wav"), entry("a-1.ogg")]), "twice"),
        ];
        for (manifest, wanted) in table {
            let text = manifest.text().unwrap();
            let error = Manifest::parse(&text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}\n{text}");
        }
        let good = manifest(Vec::new()).text().unwrap();
        for (text, wanted) in [
            ("", "manifest of recordings"),
            ("version = \"x\"", "manifest of recordings"),
            ("version = 2\nfuture = true", "version 1"),
            (&format!("{good}more = 1\n"), "manifest of recordings"),
        ] {
            let error = Manifest::parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}\n{text}");
        }
    }
}

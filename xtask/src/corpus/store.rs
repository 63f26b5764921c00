//! The folder that the corpus is made in: recordings, their labels and `corpus.toml`. Every file
//! gets its name once it is complete; what is there already and is what it should be stays. Main
//! thread.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use autovoice_corpus::{Entry, FILE, LABELS, Manifest, VERSION};

use super::phones::{self, Label};
use super::texts::{self, sha256};

/// The manifest is written after so many changes, so that a run that is cut short was not in vain.
const OFTEN: usize = 50;

/// A folder and what its manifest says.
pub struct Store {
    folder: PathBuf,
    entries: BTreeMap<String, Entry>,
    unsaved: usize,
}

impl Store {
    /// Opens a folder, or makes it.
    ///
    /// # Errors
    /// When it cannot be written to, or has a manifest that is none of ours.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder.join(LABELS))
            .with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join(FILE);
        let mut entries = BTreeMap::new();
        if path.exists() {
            let text = std::fs::read_to_string(&path)?;
            let manifest = Manifest::parse(&text)
                .with_context(|| format!("{}: move it away to begin anew", path.display()))?;
            entries.extend(
                manifest
                    .files
                    .into_iter()
                    .map(|entry| (entry.name.clone(), entry)),
            );
        }
        Ok(Self {
            folder: folder.to_owned(),
            entries,
            unsaved: 0,
        })
    }

    /// The entry of this name, where the file and its labels are what it says.
    pub fn whole(&self, name: &str) -> Option<&Entry> {
        let entry = self.entries.get(name)?;
        let has = |path: PathBuf, wanted: &str| {
            std::fs::read(path).is_ok_and(|bytes| sha256(&bytes) == wanted)
        };
        let labels = self.folder.join(LABELS).join(entry.labels_name());
        let whole = has(self.folder.join(name), &entry.sha256)
            && entry
                .labels_sha256
                .as_ref()
                .is_none_or(|wanted| has(labels, wanted));
        whole.then_some(entry)
    }

    /// Puts a recording there; its hash is filled in.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, mut entry: Entry, bytes: &[u8], labels: Option<&[Label]>) -> Result<()> {
        entry.sha256 = sha256(bytes);
        write(&self.folder.join(&entry.name), bytes)?;
        self.entries.insert(entry.name.clone(), entry.clone());
        self.label(&entry.name, labels)
    }

    /// Gives a recording labels, or takes away what it had.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn label(&mut self, name: &str, labels: Option<&[Label]>) -> Result<()> {
        let entry = self.entries.get_mut(name);
        let entry = entry.with_context(|| format!("{name} is not in the corpus"))?;
        let path = self.folder.join(LABELS).join(entry.labels_name());
        entry.labels_sha256 = match labels {
            Some(labels) => {
                let text = phones::document(labels);
                write(&path, text.as_bytes())?;
                Some(sha256(text.as_bytes()))
            }
            None => {
                remove(&path)?;
                None
            }
        };
        self.unsaved += 1;
        match self.unsaved < OFTEN {
            true => Ok(()),
            false => self.save(),
        }
    }

    /// Says what a recording says.
    pub fn say(&mut self, name: &str, text: String) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.text = Some(text);
            self.unsaved += 1;
        }
    }

    /// Removes the recordings of which this holds: nothing makes them any more.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove(&mut self, unwanted: impl Fn(&Entry) -> bool) -> Result<usize> {
        let gone: Vec<Entry> = self
            .entries
            .values()
            .filter(|entry| unwanted(entry))
            .cloned()
            .collect();
        for entry in &gone {
            remove(&self.folder.join(&entry.name))?;
            remove(&self.folder.join(LABELS).join(entry.labels_name()))?;
            self.entries.remove(&entry.name);
            self.unsaved += 1;
        }
        Ok(gone.len())
    }

    /// What the manifest says of them all.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// A file of the corpus.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn save(&mut self) -> Result<()> {
        let manifest = Manifest {
            version: VERSION,
            sentences: texts::version(),
            files: self.entries.values().cloned().collect(),
        };
        let text = manifest.text()?;
        // What could not be read again would be found out too late.
        Manifest::parse(&text).context("the manifest would not be readable")?;
        write(&self.folder.join(FILE), text.as_bytes())?;
        self.unsaved = 0;
        Ok(())
    }
}

/// Under its name once it is complete.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let complete = || -> Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".corpus-").suffix(".tmp");
        #[cfg(unix)]
        {
            // As any other file: what the user's mask leaves of it.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    complete().with_context(|| format!("writing {}", path.display()))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            sha256: String::new(),
            speaker: name.split('-').next().unwrap().to_owned(),
            source: "test".to_owned(),
            licence: "ours".to_owned(),
            seconds: 1.0,
            text: None,
            labels_sha256: None,
        }
    }

    #[test]
    fn what_is_whole_stays_and_what_was_touched_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let labels = [("AH".to_owned(), 0, 5)];
        store
            .put(entry("a-1.wav"), b"sound", Some(&labels))
            .unwrap();
        store.put(entry("b-1.wav"), b"other", None).unwrap();
        store.save().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.entries().count(), 2);
        assert!(store.whole("a-1.wav").unwrap().labels_sha256.is_some());
        assert!(store.whole("b-1.wav").unwrap().labels_sha256.is_none());
        assert!(store.whole("c-1.wav").is_none());
        std::fs::write(folder.path().join("labels/a-1.json"), "{}").unwrap();
        assert!(store.whole("a-1.wav").is_none(), "other labels");
        std::fs::write(folder.path().join("b-1.wav"), "others").unwrap();
        assert!(store.whole("b-1.wav").is_none(), "another sound");
        std::fs::remove_file(folder.path().join("b-1.wav")).unwrap();
        assert!(store.whole("b-1.wav").is_none(), "no sound");
    }

    #[test]
    fn what_nothing_makes_any_more_goes_with_its_labels() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        for name in ["a-1.wav", "b-1.wav"] {
            store
                .put(entry(name), b"x", Some(&[("AH".to_owned(), 0, 5)]))
                .unwrap();
        }
        assert_eq!(store.remove(|entry| entry.speaker == "a").unwrap(), 1);
        store.save().unwrap();
        let there = |name: &str| folder.path().join(name).exists();
        assert!(!there("a-1.wav") && !there("labels/a-1.json"));
        assert!(there("b-1.wav") && there("labels/b-1.json"));
        assert_eq!(Store::open(folder.path()).unwrap().entries().count(), 1);
    }

    #[test]
    fn a_manifest_of_somebody_else_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "version = 7").unwrap();
        let error = Store::open(folder.path()).err().unwrap();
        assert!(format!("{error:#}").contains("move it away"), "{error:#}");
    }
}

//! Which recordings of a folder are learnt from. Where a manifest lies in it (`cargo xtask corpus`
//! writes one), those it lists, as it lists them; elsewhere all. Reads files; worker threads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use autovoice_corpus::{Entry, FILE, LONGEST, Manifest};

use super::TrainError;
use super::clip::Source;
use super::recordings::audio_files;
use crate::io::read_document;

/// Recordings by path, with their texts.
pub type Files = BTreeMap<PathBuf, Option<String>>;

/// Files to learn from with what is said in them, where that is known, and what to do about others.
///
/// # Errors
/// [`TrainError::Corpus`] where a folder is not what its manifest says.
pub fn files(source: &Source) -> Result<(Files, Vec<String>), TrainError> {
    let (mut files, mut advice) = (Files::new(), Vec::new());
    for folder in &source.folders {
        let found = audio_files(std::slice::from_ref(folder));
        match manifest(folder)? {
            Some(manifest) => {
                let labels = source.labels.as_deref();
                files.extend(listed(folder, &manifest, labels, &found, &mut advice)?);
            }
            None => files.extend(found.into_iter().map(|path| (path, None))),
        }
    }
    Ok((files, advice))
}

/// The manifest of a folder. `None` where it has none.
fn manifest(folder: &Path) -> Result<Option<Manifest>, TrainError> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let wrong = |why: String| TrainError::Corpus(format!("{}: {why}", path.display()));
    let text = read_document(&path, LONGEST).map_err(|error| wrong(error.to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(manifest))
}

/// What the manifest lists, once all of it is there and has its hash.
fn listed(
    folder: &Path,
    manifest: &Manifest,
    labels: Option<&Path>,
    found: &[PathBuf],
    advice: &mut Vec<String>,
) -> Result<Files, TrainError> {
    let mut entries: BTreeMap<PathBuf, &Entry> = BTreeMap::new();
    for entry in &manifest.files {
        entries.insert(folder.join(&entry.name), entry);
    }
    for (path, entry) in &entries {
        check(path, &entry.sha256)?;
        if let (Some(labels), Some(sha256)) = (labels, &entry.labels_sha256) {
            check(&labels.join(entry.labels_name()), sha256)?;
        }
    }
    let mut beside = found.iter().filter(|path| !entries.contains_key(*path));
    if let Some(first) = beside.next() {
        let others = match beside.count() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        advice.push(format!(
            "{}{others}: not in {FILE} beside it, so left out; put recordings of your own into \
             another folder",
            first.display()
        ));
    }
    let texts = entries
        .into_iter()
        .map(|(path, entry)| (path, entry.text.clone()));
    Ok(texts.collect())
}

fn check(path: &Path, wanted: &str) -> Result<(), TrainError> {
    let shown = path.display();
    let wrong = match super::sha256(path) {
        Ok(found) if found == wanted => return Ok(()),
        Ok(found) => format!("{shown} with SHA-256 {wanted}, found {found}"),
        Err(error) => format!("{shown}, found: {error}"),
    };
    Err(TrainError::Corpus(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;
    use autovoice_corpus::{LABELS, VERSION};

    /// A folder of two recordings, one with labels, and its manifest.
    fn corpus() -> (tempfile::TempDir, Source) {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            std::fs::write(&path, text).unwrap();
            super::super::sha256(&path).unwrap()
        };
        std::fs::create_dir(home.path().join(LABELS)).unwrap();
        let entry = |name: &str, sha256, labels_sha256| Entry {
            name: name.to_owned(),
            sha256,
            speaker: name[..1].to_owned(),
            source: "test".to_owned(),
            licence: "ours".to_owned(),
            seconds: 1.0,
            text: name.starts_with('a').then(|| "one".to_owned()),
            labels_sha256,
        };
        let labels = write("labels/a-1.json", r#"{"phones": []}"#);
        let manifest = Manifest {
            version: VERSION,
            sentences: String::new(),
            files: vec![
                entry("a-1.wav", write("a-1.wav", "one"), Some(labels)),
                entry("b-1.ogg", write("b-1.ogg", "two"), None),
            ],
        };
        write(FILE, &manifest.text().unwrap());
        let source = Source {
            folders: vec![home.path().to_owned()],
            seconds: 1e3,
            speaker: None,
            only: None,
            labels: Some(home.path().join(LABELS)),
        };
        (home, source)
    }

    #[test]
    fn what_is_listed_is_taken_and_what_lies_beside_it_is_not() {
        let (home, source) = corpus();
        let wanted = ["a-1.wav", "b-1.ogg"].map(|name| home.path().join(name));
        let (found, advice) = files(&source).unwrap();
        let text = Some("one".to_owned());
        let listed = Files::from([(wanted[0].clone(), text), (wanted[1].clone(), None)]);
        assert_eq!((&found, advice.len()), (&listed, 0));
        std::fs::write(home.path().join("c-1.wav"), "three").unwrap();
        std::fs::write(home.path().join("labels/d.wav"), "four").unwrap();
        let (found, advice) = files(&source).unwrap();
        assert_eq!((&found, advice.len()), (&listed, 1));
        assert!(
            advice[0].contains("c-1.wav and 1 more: not in corpus.toml"),
            "{advice:?}"
        );
        // Without a manifest all are taken.
        std::fs::remove_file(home.path().join(FILE)).unwrap();
        let (found, advice) = files(&source).unwrap();
        assert_eq!((found.len(), advice.len()), (4, 0));
    }

    #[test]
    fn what_is_not_as_listed_is_refused() {
        type Break<'a> = &'a dyn Fn(&Path);
        let table: [(Break, &str); 6] = [
            (
                &|home| std::fs::write(home.join("a-1.wav"), "other").unwrap(),
                "a-1.wav with SHA-256",
            ),
            (
                &|home| std::fs::remove_file(home.join("b-1.ogg")).unwrap(),
                "b-1.ogg, found:",
            ),
            (
                &|home| std::fs::write(home.join("labels/a-1.json"), "{}").unwrap(),
                "a-1.json with",
            ),
            (
                &|home| std::fs::remove_file(home.join("labels/a-1.json")).unwrap(),
                "a-1.json, found:",
            ),
            (
                &|home| std::fs::write(home.join(FILE), "version = 9").unwrap(),
                "version 1",
            ),
            (
                &|home| std::fs::write(home.join(FILE), [0xff]).unwrap(),
                "UTF-8",
            ),
        ];
        for (change, wanted) in table {
            let (home, source) = corpus();
            change(home.path());
            let error = files(&source).unwrap_err();
            assert!(matches!(error, TrainError::Corpus(_)), "{error}");
            assert!(error.to_string().contains(wanted), "{error}");
            assert!(error.remedy().contains("cargo xtask corpus"));
        }
        // Who wants no labels needs none.
        let (home, mut source) = corpus();
        std::fs::remove_file(home.path().join("labels/a-1.json")).unwrap();
        source.labels = None;
        files(&source).unwrap();
    }
}

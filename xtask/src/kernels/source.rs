//! Sources of kernels, and how PTX says which it was made of. Reads files; writes none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};

/// The beginning of a PTX file's first line, before the hash. `kernels/tests/ptx.rs` reads it.
const STAMP: &str = "// Made by `cargo xtask kernels` of sources with SHA-256 ";

/// One file of kernels.
#[derive(Debug)]
pub struct Source {
    /// Its name without `.cu`.
    pub stem: String,
    pub text: String,
    /// Those of the folder, by name.
    pub headers: BTreeMap<String, String>,
    /// Of text and headers, in hexadecimal.
    pub hash: String,
}

/// The sources in a folder, by name. Every header counts as one of each: they are few, and nobody
/// keeps a list of who includes what.
pub fn sources(folder: &Path) -> Result<Vec<Source>> {
    let headers = read(folder, "cuh")?;
    let found = read(folder, "cu")?;
    if found.is_empty() {
        bail!("expected files *.cu in {}, found none", folder.display());
    }
    let made = found.into_iter().map(|(name, text)| Source {
        stem: name.trim_end_matches(".cu").to_owned(),
        hash: hash(&text, &headers),
        headers: headers.clone(),
        text,
    });
    Ok(made.collect())
}

/// The files with an extension, by name.
fn read(folder: &Path, extension: &str) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for path in listed(folder, extension)? {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // As a checkout on Linux has it.
        files.insert(name.into_owned(), text.replace("\r\n", "\n"));
    }
    Ok(files)
}

fn listed(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Of a source and the headers it may include, each with its length before it.
fn hash(text: &str, headers: &BTreeMap<String, String>) -> String {
    let mut sha = Sha256::new();
    for part in std::iter::once(text).chain(headers.values().map(String::as_str)) {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part.as_bytes());
    }
    sha.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// PTX with a first line that says what it was made of.
pub fn stamped(hash: &str, ptx: &str) -> String {
    format!("{STAMP}{hash}\n{}\n", ptx.trim_end_matches(['\0', '\n']))
}

/// The text that is there most often; of several the first by its letters.
pub fn most_common<'a>(texts: impl Iterator<Item = &'a str>) -> &'a str {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_insert(0) += 1;
    }
    let most = counts.values().copied().max();
    let found = counts.iter().find(|(_, count)| Some(**count) == most);
    found.map_or("", |(text, _)| text)
}

/// Files of PTX that are not among those made.
pub fn strays(folder: &Path, made: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = listed(folder, "ptx")?;
    found.retain(|path| !made.contains(path));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn hashes(files: &[(&str, &str)]) -> Vec<String> {
        let folder = folder(files);
        let found = sources(folder.path()).unwrap();
        found.into_iter().map(|source| source.hash).collect()
    }

    #[test]
    fn sources_come_by_name_with_every_header() {
        let folder = folder(&[
            ("b.cu", "b"),
            ("a.cu", "a"),
            ("h.cuh", "h"),
            ("notes.md", ""),
        ]);
        let found = sources(folder.path()).unwrap();
        let stems: Vec<&str> = found.iter().map(|source| &*source.stem).collect();
        assert_eq!(stems, ["a", "b"]);
        assert_eq!(found[1].text, "b");
        assert_eq!(found[1].headers["h.cuh"], "h");
    }

    #[test]
    fn a_hash_changes_with_source_and_header_and_not_with_line_ends() {
        let first = hashes(&[("a.cu", "one\n"), ("h.cuh", "two\n")]);
        let same = hashes(&[("a.cu", "one\r\n"), ("h.cuh", "two\r\n")]);
        assert_eq!(first, same);
        for other in [
            hashes(&[("a.cu", "One\n"), ("h.cuh", "two\n")]),
            hashes(&[("a.cu", "one\n"), ("h.cuh", "Two\n")]),
            hashes(&[("a.cu", "one\nt"), ("h.cuh", "wo\n")]),
            hashes(&[("a.cu", "one\n")]),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_folder_without_sources_is_refused() {
        let folder = folder(&[("h.cuh", "h")]);
        let error = sources(folder.path()).unwrap_err().to_string();
        assert!(error.contains("*.cu"), "{error}");
    }

    #[test]
    fn ptx_is_stamped_and_ends_with_one_line_end() {
        assert_eq!(
            stamped("0f", ".version 8.2\n\n\0"),
            format!("{STAMP}0f\n.version 8.2\n")
        );
    }

    #[test]
    fn the_most_common_text_is_found_whatever_the_order() {
        for (texts, want) in [
            (vec!["a", "b", "b"], "b"),
            (vec!["b", "a"], "a"),
            (vec!["a", "b"], "a"),
            (vec!["c"], "c"),
        ] {
            assert_eq!(most_common(texts.into_iter()), want);
        }
    }

    #[test]
    fn ptx_without_a_source_is_found() {
        let folder = folder(&[("a.ptx", ""), ("b.ptx", ""), ("a.cu", "")]);
        let made = [folder.path().join("a.ptx")];
        let stray = strays(folder.path(), &made).unwrap();
        assert_eq!(stray, [folder.path().join("b.ptx")]);
        let missing = folder.path().join("missing");
        assert!(strays(&missing, &made).unwrap().is_empty());
    }
}

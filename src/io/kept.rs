//! Files that can be made anew: what took long to compute, kept in a folder of its own. Whatever is wrong
//! with one is as if there were none. Threads that may wait for disks.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::{Existing, NewFile, WriteError};

/// How a file begins: what it is, then the number of bytes, the lowest first, and their SHA-256.
const MAGIC: [u8; 8] = *b"AVKEPT\x01\n";
const HEADER: usize = MAGIC.len() + 8 + 32;
/// No file is longer.
const MOST_BYTES: u64 = 1 << 26;

/// A folder in which nobody else keeps anything.
#[derive(Clone, Debug)]
pub struct KeptFiles {
    folder: PathBuf,
    most: usize,
}

impl KeptFiles {
    /// A folder of so many files at most, made when the first is written.
    #[must_use]
    pub fn new(folder: PathBuf, most: usize) -> Self {
        Self { folder, most }
    }

    /// The bytes that were written under a name; none if they are not there as they were.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(name);
        let found = fs::metadata(&path).ok()?;
        if !found.is_file() || MOST_BYTES < found.len() {
            return None;
        }
        let mut file = Vec::new();
        let mut bounded = File::open(path).ok()?.take(MOST_BYTES);
        bounded.read_to_end(&mut file).ok()?;
        if file.len() < HEADER {
            return None;
        }
        let bytes = file.split_off(HEADER);
        (file == header(&bytes)).then_some(bytes)
    }

    /// Keeps bytes under a name: the file is there when it is complete. Removes those whose names are stale,
    /// and the oldest of too many.
    ///
    /// # Errors
    /// [`WriteError`]; what was there before is then untouched.
    pub fn write(
        &self,
        name: &str,
        bytes: &[u8],
        is_stale: impl Fn(&str) -> bool,
    ) -> Result<(), WriteError> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(name);
        let mut file = NewFile::create(&path, Existing::Replace)?;
        file.write_all(&header(bytes))?;
        file.write_all(bytes)?;
        file.finish()?;
        self.tidy(&path, is_stale);
        Ok(())
    }

    /// Removes what is stale and what is too much, but not what was just written. What cannot be removed
    /// stays until the next time.
    fn tidy(&self, newest: &Path, is_stale: impl Fn(&str) -> bool) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten();
        let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            let written = entry.metadata().ok().filter(fs::Metadata::is_file);
            let Some(written) = written.and_then(|file| file.modified().ok()) else {
                continue;
            };
            match is_stale(&entry.file_name().to_string_lossy()) {
                _ if path == newest => {}
                true => drop(fs::remove_file(path)),
                false => kept.push((written, path)),
            }
        }
        kept.sort_unstable();
        let too_many = (kept.len() + 1).saturating_sub(self.most);
        for (_, path) in kept.iter().take(too_many) {
            drop(fs::remove_file(path));
        }
    }
}

fn header(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&MAGIC[..], &length, &Sha256::digest(bytes)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("readable");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|e| name(e.expect("readable"))).collect();
        names.sort();
        names
    }

    #[test]
    fn bytes_are_there_as_they_were_or_not_at_all() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("new/folder");
        let files = KeptFiles::new(folder.clone(), 9);
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(files.read("a"), None);
        for bytes in [&bytes[..], &[]] {
            files.write("a", bytes, |_| false).expect("writable");
            assert_eq!(files.read("a").as_deref(), Some(bytes));
        }
        files.write("a", &bytes, |_| false).expect("writable");
        let whole = fs::read(folder.join("a")).expect("readable");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            for damaged in [&changed[..], &whole[..at]] {
                fs::write(folder.join("a"), damaged).expect("writable");
                assert_eq!(files.read("a"), None, "byte {at}");
            }
        }
        fs::write(folder.join("a"), [&whole[..], b"."].concat()).expect("writable");
        assert_eq!(files.read("a"), None);
        fs::create_dir(folder.join("b")).expect("writable");
        assert_eq!(files.read("b"), None, "a folder");
    }

    #[test]
    fn what_is_stale_goes_and_then_the_oldest_of_too_many() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let files = KeptFiles::new(home.path().to_owned(), 3);
        let keep = |name: &str, age_s: u64| {
            files
                .write(name, b"x", |name| name.starts_with("old"))
                .expect("writable");
            let file = File::options().append(true).open(home.path().join(name));
            let then = SystemTime::now() - Duration::from_secs(age_s);
            file.and_then(|file| file.set_modified(then))
                .expect("writable");
        };
        for (name, age_s, want) in [
            ("b", 10, &["b"][..]),
            ("a", 40, &["a", "b"]),
            // What is written stays, whatever it is called.
            ("old", 0, &["a", "b", "old"]),
            ("c", 20, &["a", "b", "c"]),
            ("d", 50, &["b", "c", "d"]),
            ("e", 0, &["b", "c", "e"]),
        ] {
            keep(name, age_s);
            assert_eq!(names(home.path()), want, "after {name}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error_and_no_more() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = home.path().join("file");
        fs::write(&file, "").expect("writable");
        let files = KeptFiles::new(file.join("folder"), 3);
        assert!(files.write("a", b"x", |_| false).is_err());
        assert_eq!(files.read("a"), None);
    }
}

//! Small text files of the user's: presets and settings. What is read is bounded, what is written
//! is complete or not there. Worker and GUI threads, the command line; never the audio thread.

use super::{Existing, NewFile, WriteError};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not there, or may not be read.
    #[error("expected a readable file, found: {0}")]
    Io(#[from] io::Error),
    /// A folder, a device, a pipe: reading one might never end.
    #[error("expected a file, found something else of that name")]
    NoFile,
    /// No document of ours is so long.
    #[error("expected a text of at most {most} bytes, found a longer one")]
    TooLong {
        /// The most that is read.
        most: usize,
    },
    /// Something else than text.
    #[error("expected text in UTF-8, found other bytes")]
    NotText,
}

/// Reads a text of at most this many bytes.
///
/// # Errors
/// [`DocumentError`].
pub fn read_document(path: &Path, most: usize) -> Result<String, DocumentError> {
    if !fs::metadata(path)?.is_file() {
        return Err(DocumentError::NoFile);
    }
    let mut bytes = Vec::new();
    // One more than is allowed tells a text that is too long, whatever the file's size is said to be.
    let mut bounded = File::open(path)?.take(most as u64 + 1);
    bounded.read_to_end(&mut bytes)?;
    if most < bytes.len() {
        return Err(DocumentError::TooLong { most });
    }
    String::from_utf8(bytes).map_err(|_| DocumentError::NotText)
}

/// Writes a text, making its folder where there is none.
///
/// # Errors
/// [`WriteError`]; what was there before is then untouched.
pub fn write_document(path: &Path, text: &str, existing: Existing) -> Result<PathBuf, WriteError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = NewFile::create(path, existing)?;
    file.write_all(text.as_bytes())?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_there_and_back_within_its_bound() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("new/folder/a.toml");
        write_document(&path, "größe = 1\n", Existing::Keep).expect("writable");
        assert_eq!(
            read_document(&path, 12).expect("twelve bytes"),
            "größe = 1\n"
        );
        assert!(matches!(
            read_document(&path, 11),
            Err(DocumentError::TooLong { most: 11 })
        ));
        let again = write_document(&path, "", Existing::Keep);
        assert!(matches!(again, Err(WriteError::Exists)));
        write_document(&path, "", Existing::Replace).expect("may be replaced");
        assert_eq!(read_document(&path, 0).expect("empty"), "");
    }

    #[test]
    fn what_is_no_text_file_is_refused() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let binary = home.path().join("b");
        fs::write(&binary, [0xff, 0xfe]).expect("writable");
        assert!(matches!(
            read_document(&binary, 9),
            Err(DocumentError::NotText)
        ));
        assert!(matches!(
            read_document(home.path(), 9),
            Err(DocumentError::NoFile)
        ));
        assert!(matches!(
            read_document(&home.path().join("none"), 9),
            Err(DocumentError::Io(_))
        ));
    }
}

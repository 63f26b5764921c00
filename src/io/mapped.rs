//! Files as memory: what is read of them is read when it is looked at, and the system may take
//! it away again, so that a gigabyte costs little. Any thread but the audio thread, for looking
//! at them waits for disks.
#![allow(
    unsafe_code,
    reason = "the compiler cannot know that nobody changes a file that is mapped"
)]

use std::fs::File;
use std::io;
use std::path::Path;

/// A file's bytes, read only, as they were said to be when it was opened.
///
/// For files of our own making only: they are written under another name, given their own when
/// complete ([`super::NewFile`]), and never changed again. Replacing or removing one is safe, for
/// a map keeps the file it was made of. Who writes into a mapped file with another program changes
/// what is read, so nobody may rely on having checked a value before; who cuts it short stops this
/// program at the next look beyond the new end. No check can prevent that, and only a copy in
/// memory could.
#[derive(Debug)]
pub struct MappedFile(memmap2::Mmap);

impl MappedFile {
    /// Maps a whole file.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidInput`] for what is no file: a folder, a
    /// device, a pipe.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file"));
        }
        // A private map: nothing can be written through it, here or elsewhere.
        let options = memmap2::MmapOptions::new();
        // SAFETY: the file is one of ours, which no one changes in place; what happens where
        // somebody does is told above.
        let map = unsafe { options.map_copy_read_only(&file) }?;
        Ok(Self(map))
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_as_it_was_when_it_is_replaced_or_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        std::fs::write(&path, b"before").expect("writable");
        let mapped = MappedFile::open(&path).expect("a file");
        let other = folder.path().join("b");
        std::fs::write(&other, b"after").expect("writable");
        // Windows does not let a mapped file go.
        if std::fs::rename(&other, &path).is_ok() {
            assert_eq!(MappedFile::open(&path).expect("a file").bytes(), b"after");
            std::fs::remove_file(&path).expect("removable");
        }
        assert_eq!(mapped.bytes(), b"before");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(MappedFile::open(folder.path()).is_err());
        assert!(MappedFile::open(&folder.path().join("none")).is_err());
        let empty = folder.path().join("empty");
        std::fs::write(&empty, b"").expect("writable");
        assert_eq!(MappedFile::open(&empty).expect("a file").bytes(), b"");
    }
}

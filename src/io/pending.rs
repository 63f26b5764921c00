//! Files that take their name only when they are complete: until then they are hidden files in
//! the same folder, and dropped they leave nothing behind. Worker threads only.

use super::{Existing, WriteError};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The name that a file will have.
pub(super) struct Pending {
    target: PathBuf,
    existing: Existing,
    temporary: tempfile::TempPath,
}

impl Pending {
    /// Opens a file under a temporary name. Its folder must exist.
    ///
    /// # Errors
    /// [`WriteError::Exists`] when the target is there and may not be replaced,
    /// [`WriteError::Io`] otherwise.
    pub(super) fn create(path: &Path, existing: Existing) -> Result<(File, Self), WriteError> {
        if existing == Existing::Keep && path.symlink_metadata().is_ok() {
            return Err(WriteError::Exists);
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".autovoice-").suffix(".tmp");
        #[cfg(unix)]
        {
            // The default is for secrets; a recording gets what the umask leaves.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let (file, temporary) = builder.tempfile_in(folder)?.into_parts();
        let pending = Self {
            target: path.to_owned(),
            existing,
            temporary,
        };
        Ok((file, pending))
    }

    /// Gives the file its name. It must have been closed.
    ///
    /// # Errors
    /// [`WriteError`]; nothing is then left behind.
    pub(super) fn finish(self) -> Result<PathBuf, WriteError> {
        let target = &self.target;
        let moved = match self.existing {
            Existing::Keep => self.temporary.persist_noclobber(target).or_else(|failed| {
                // Some network file systems know neither this kind of rename nor hard links.
                let taken = failed.error.kind() == io::ErrorKind::AlreadyExists
                    || target.symlink_metadata().is_ok();
                match taken {
                    true => Err(failed),
                    false => failed.path.persist(target),
                }
            }),
            Existing::Replace => self.temporary.persist(target),
        };
        moved.map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => WriteError::Exists,
            _ => WriteError::Io(failed.error),
        })?;
        Ok(self.target)
    }
}

/// A file of any kind being written. Dropped before [`NewFile::finish`] it leaves nothing behind.
pub struct NewFile {
    // Fields drop in this order: the file is let go of before its name goes.
    file: BufWriter<File>,
    pending: Pending,
}

impl NewFile {
    /// Starts a file. Its folder must exist.
    ///
    /// # Errors
    /// [`WriteError::Exists`] when it is there and may not be replaced, [`WriteError::Io`]
    /// otherwise.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, WriteError> {
        let (file, pending) = Pending::create(path, existing)?;
        Ok(Self {
            file: BufWriter::new(file),
            pending,
        })
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// [`WriteError`]; nothing is then left behind.
    pub fn finish(self) -> Result<PathBuf, WriteError> {
        let file = self.file.into_inner().map_err(io::Error::from)?;
        drop(file);
        self.pending.finish()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// For headers that are known only when all is written.
impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_once_it_is_complete() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.csv");
        let names = || std::fs::read_dir(folder.path()).expect("readable").count();
        for (finished, expected) in [(false, 0), (true, 1)] {
            let mut file = NewFile::create(&path, Existing::Keep).expect("free");
            file.write_all(b"1,2\n").expect("writable");
            assert!(!path.exists());
            if finished {
                assert_eq!(file.finish().expect("still free"), path);
            } else {
                drop(file);
            }
            assert_eq!(names(), expected);
        }
        let again = NewFile::create(&path, Existing::Keep);
        assert!(matches!(again, Err(WriteError::Exists)));
        let file = NewFile::create(&path, Existing::Replace).expect("may be replaced");
        file.finish().expect("replaced");
        assert_eq!(std::fs::read(&path).expect("readable"), b"");
    }
}

//! Where the bytes of a checkpoint are: a file or memory, read at any place. Worker threads and
//! the command line only: it waits for disks.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that can be read at any place, from any thread.
#[derive(Clone)]
pub(super) struct Source {
    store: Store,
    len: u64,
}

#[derive(Clone)]
enum Store {
    // The lock spans seek and read: the file has one position for all.
    File(Arc<Mutex<File>>),
    // Not a slice: making one of it would copy it.
    Memory(Arc<Vec<u8>>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

impl Source {
    /// A file. Its length is taken once: a file that shrinks later reads as truncated.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder"));
        }
        Ok(Self {
            store: Store::File(Arc::new(Mutex::new(file))),
            len: metadata.len(),
        })
    }

    /// Bytes in memory.
    pub(super) fn memory(bytes: Vec<u8>) -> Self {
        Self {
            len: bytes.len() as u64,
            store: Store::Memory(Arc::new(bytes)),
        }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Reads from a place on; less than asked for at the end, or as the system likes.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.store {
            Store::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(at))?;
                file.read(buffer)
            }
            Store::Memory(bytes) => {
                let at = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                (&bytes[at..]).read(buffer)
            }
        }
    }

    /// Fills `buffer` from a place on.
    pub(super) fn read_exact_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.span(at, buffer.len() as u64).read_exact(buffer)
    }

    /// The bytes `at .. at + len`, as far as there are so many.
    pub(super) fn span(&self, at: u64, len: u64) -> Span<'_> {
        Span {
            source: self,
            at,
            end: at.saturating_add(len).min(self.len),
        }
    }
}

/// A part of a [`Source`], read from its start. Unbuffered.
#[derive(Debug)]
pub(super) struct Span<'a> {
    source: &'a Source,
    at: u64,
    end: u64,
}

impl Span<'_> {
    /// Leaves out so many bytes.
    pub(super) fn skip(&mut self, bytes: u64) {
        self.at = self.at.saturating_add(bytes);
    }
}

impl Read for Span<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.at);
        let want = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        let read = self.source.read_at(self.at, &mut buffer[..want])?;
        self.at += read as u64;
        Ok(read)
    }
}

//! The bytes of an index file, read once from front to back: counted, hashed, and never more at
//! a time than fit a small buffer. Worker threads and the command line only.

use super::error::IndexError;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 18;
/// Bytes that tell what kind of file it is.
const HEAD_BYTES: u64 = 512;

/// A file of known length, at a place in it.
pub(super) struct Stream {
    file: File,
    at: u64,
    /// Where it ends: taken once, and never believed to be longer.
    end: u64,
    hash: Sha256,
    chunk: Vec<u8>,
}

impl Stream {
    pub(super) fn open(path: &Path) -> Result<Self, IndexError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "no file of that name");
            return Err(error.into());
        }
        Ok(Self {
            file,
            at: 0,
            end: metadata.len(),
            hash: Sha256::new(),
            chunk: vec![0; CHUNK_BYTES],
        })
    }

    /// The first bytes, enough to tell what kind of file it is. They are read again afterwards.
    pub(super) fn peek(&mut self) -> Result<Vec<u8>, IndexError> {
        let mut head = Vec::new();
        Read::by_ref(&mut self.file)
            .take(HEAD_BYTES)
            .read_to_end(&mut head)?;
        self.file.rewind()?;
        Ok(head)
    }

    /// Bytes already read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Bytes in the file.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The bytes that `count` things of `each` bytes take, if the file has so many left.
    pub(super) fn need(&self, count: u64, each: u64, what: &str) -> Result<u64, IndexError> {
        let bytes = count.checked_mul(each);
        match bytes.filter(|bytes| *bytes <= self.end - self.at) {
            Some(bytes) => Ok(bytes),
            None => Err(self.truncated(format!("{count} {what} from byte {} on", self.at))),
        }
    }

    fn truncated(&self, expected: String) -> IndexError {
        IndexError::Truncated {
            expected,
            end: self.end,
        }
    }

    /// Hands on the next `bytes` bytes, in pieces of a multiple of 8 bytes but for the last.
    pub(super) fn pass(
        &mut self,
        bytes: u64,
        mut to: impl FnMut(&[u8]) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let mut left = bytes;
        while 0 < left {
            let some = left.min(CHUNK_BYTES as u64);
            let piece = &mut self.chunk[..some as usize];
            // A file may shrink while it is read.
            match self.file.read_exact(piece) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(self.truncated(format!("{left} bytes from byte {} on", self.at)));
                }
                Err(error) => return Err(error.into()),
            }
            self.hash.update(&*piece);
            self.at += some;
            left -= some;
            to(piece)?;
        }
        Ok(())
    }

    /// The next few bytes.
    pub(super) fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N], IndexError> {
        if self.end - self.at < N as u64 {
            return Err(self.truncated(format!("{what} at byte {}", self.at)));
        }
        let mut bytes = [0; N];
        self.pass(N as u64, |piece| {
            bytes.copy_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, IndexError> {
        Ok(u64::from_le_bytes(self.bytes(what)?))
    }

    pub(super) fn i32(&mut self, what: &str) -> Result<i32, IndexError> {
        Ok(i32::from_le_bytes(self.bytes(what)?))
    }

    /// Reads what is left, and gives the hash of all.
    pub(super) fn finish(mut self) -> Result<[u8; 32], IndexError> {
        self.pass(self.end - self.at, |_| Ok(()))?;
        Ok(self.hash.finalize().into())
    }
}

/// A table of so many entries, or the error that says what it would have taken.
pub(super) fn table<T: Copy>(count: u64, value: T) -> Result<Vec<T>, IndexError> {
    let bytes = count.saturating_mul(size_of::<T>() as u64);
    let mut table = Vec::new();
    let count = usize::try_from(count).map_err(|_| IndexError::OutOfMemory { bytes })?;
    match table.try_reserve_exact(count) {
        Ok(()) => table.resize(count, value),
        Err(_) => return Err(IndexError::OutOfMemory { bytes }),
    }
    Ok(table)
}

//! The bytes of a pickle, read in order. Nothing is allocated on the word of a length field: what
//! is read grows as it comes.

use super::super::error::{CheckpointError, within};
use std::io::{BufRead, Read as _};

/// A pickle being read.
pub(super) struct Input<R> {
    inner: R,
    /// Bytes read so far.
    pub(super) position: u64,
    limit: u64,
}

impl<R: BufRead> Input<R> {
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            position: 0,
            limit,
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, CheckpointError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|error| CheckpointError::reading(error, "more of the pickle"))?;
        Ok(bytes)
    }

    pub(super) fn bytes(&mut self, len: u64) -> Result<Vec<u8>, CheckpointError> {
        self.claim(len)?;
        let mut bytes = Vec::new();
        self.inner.by_ref().take(len).read_to_end(&mut bytes)?;
        match bytes.len() as u64 == len {
            true => Ok(bytes),
            false => Err(CheckpointError::Truncated {
                expected: format!("{len} bytes of a value in the pickle"),
            }),
        }
    }

    /// A line without its end.
    pub(super) fn line(&mut self) -> Result<Vec<u8>, CheckpointError> {
        let left = self.limit - self.position;
        let mut line = Vec::new();
        self.inner
            .by_ref()
            .take(left)
            .read_until(b'\n', &mut line)?;
        self.claim(line.len() as u64)?;
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err(CheckpointError::Truncated {
                expected: "the end of a line in the pickle".to_owned(),
            }),
        }
    }

    /// Counts bytes about to be read.
    fn claim(&mut self, len: u64) -> Result<(), CheckpointError> {
        let position = self.position.saturating_add(len);
        within("bytes of pickle", position, self.limit)?;
        self.position = position;
        Ok(())
    }
}

//! Reads the elements of tensors out of their storages: once, in pieces, straight into the vector
//! the caller gets. Worker threads and the command line only: it waits for disks.

use super::error::CheckpointError;
use super::source::Source;
use super::tensor::{DType, Tensor, TensorData, TensorRef, View};
use super::zip::{Entry, ZipArchive};
use std::io::{self, Read};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 1 << 16;

/// Bytes that tensors are views of.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) place: StoragePlace,
    pub(super) bytes: u64,
}

/// Where they are.
#[derive(Clone, Debug)]
pub(super) enum StoragePlace {
    /// In the file itself, from this byte on.
    File(u64),
    /// In a file of the archive.
    Zip(String, Entry),
}

/// Everything tensors can be read from.
#[derive(Debug)]
pub(super) enum Bytes {
    File(Source),
    Zip(ZipArchive),
}

impl Bytes {
    /// Reads one tensor.
    pub(super) fn read(
        &self,
        storage: &Storage,
        tensor: &TensorRef,
    ) -> Result<Tensor, CheckpointError> {
        let part = Part {
            bytes: self,
            storage,
            view: tensor.view(),
        };
        let data = match tensor.dtype() {
            DType::F16 => TensorData::F16(part.elements(u16::from_le_bytes)?),
            DType::Bf16 => TensorData::Bf16(part.elements(u16::from_le_bytes)?),
            DType::F32 => TensorData::F32(part.elements(f32::from_le_bytes)?),
            DType::F64 => TensorData::F64(part.elements(f64::from_le_bytes)?),
            DType::I64 => TensorData::I64(part.elements(i64::from_le_bytes)?),
            DType::I32 => TensorData::I32(part.elements(i32::from_le_bytes)?),
            DType::I16 => TensorData::I16(part.elements(i16::from_le_bytes)?),
            DType::I8 => TensorData::I8(part.elements(i8::from_le_bytes)?),
            DType::U8 => TensorData::U8(part.elements(u8::from_le_bytes)?),
            DType::Bool => TensorData::Bool(part.elements(|[byte]| byte != 0)?),
        };
        Ok(Tensor {
            shape: tensor.shape().to_vec(),
            data,
        })
    }
}

/// One tensor about to be read.
struct Part<'a> {
    bytes: &'a Bytes,
    storage: &'a Storage,
    view: &'a View,
}

impl Part<'_> {
    fn elements<T: Copy, const N: usize>(
        &self,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, CheckpointError> {
        let span = self.span(decode)?;
        if self.view.is_contiguous() {
            return Ok(span);
        }
        let mut rows = reserved(self.view.len)?;
        self.view.gather(&span, &mut rows);
        Ok(rows)
    }

    /// The elements from the first to the last that is used.
    fn span<T: Copy, const N: usize>(
        &self,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, CheckpointError> {
        let mut elements = reserved(self.view.span)?;
        let skip = self.view.offset as u64 * N as u64;
        let mut left = self.view.span * N;
        let (mut reader, checked) = self.reader(skip)?;
        // Only all of a file can be held against its CRC.
        let whole = skip == 0 && left as u64 == self.storage.bytes;
        let checked = checked.filter(|_| whole && left != 0);
        let mut hasher = crc32fast::Hasher::new();
        let mut piece = vec![0; left.min(PIECE_BYTES)];
        while left != 0 {
            let piece = &mut piece[..left.min(PIECE_BYTES)];
            reader
                .read_exact(piece)
                .map_err(|error| CheckpointError::reading(error, "the elements of a tensor"))?;
            if checked.is_some() {
                hasher.update(piece);
            }
            let (chunks, _) = piece.as_chunks::<N>();
            elements.extend(chunks.iter().map(|&bytes| decode(bytes)));
            left -= piece.len();
        }
        if let Some((name, entry)) = checked {
            entry.check_crc(name, hasher.finalize())?;
        }
        Ok(elements)
    }

    /// Reads the storage from a byte on; with it the entry whose CRC is known.
    #[allow(
        clippy::type_complexity,
        reason = "named once, where it is taken apart"
    )]
    fn reader(
        &self,
        skip: u64,
    ) -> Result<(Box<dyn Read + '_>, Option<(&str, &Entry)>), CheckpointError> {
        match (self.bytes, &self.storage.place) {
            (Bytes::File(source), StoragePlace::File(at)) => {
                let span = source.span(at + skip, self.storage.bytes - skip);
                Ok((Box::new(span), None))
            }
            (Bytes::Zip(archive), StoragePlace::Zip(name, entry)) => {
                let mut reader = archive.reader(entry)?;
                reader
                    .skip(skip)
                    .map_err(|error| CheckpointError::reading(error, "a deflated storage"))?;
                Ok((Box::new(reader), Some((name, entry))))
            }
            _ => Err(CheckpointError::Io(io::Error::other(
                "a tensor of another checkpoint",
            ))),
        }
    }
}

/// An empty vector with room for so many; they are checked against the file before.
fn reserved<T>(len: usize) -> Result<Vec<T>, CheckpointError> {
    let mut vector = Vec::new();
    vector
        .try_reserve_exact(len)
        .map_err(|_| CheckpointError::OutOfMemory {
            bytes: len as u64 * size_of::<T>() as u64,
        })?;
    Ok(vector)
}

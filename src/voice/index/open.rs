//! Opens an index of ours: the vectors stay in the file, which is mapped. Worker threads and the
//! command line only.

use super::FORMAT;
use super::error::IndexError;
use super::stream::table;
use crate::io::MappedFile;
use crate::model::retrieval::{IndexData, IndexView};
use crate::model::rvc::Version;
use safetensors::{Dtype, SafeTensors};
use std::ops::Range;
use std::path::Path;

/// The longest header that is read: ours take a kilobyte.
const HEADER_BYTES: u64 = 1 << 16;

/// An index in a mapped file. Searching it reads what it needs of the file and waits for the disk
/// meanwhile; the system keeps what was read as long as it has memory to spare.
///
/// The file may be replaced or removed meanwhile, not changed: see [`MappedFile`]. Where each list
/// begins is kept in memory, so that even then nothing outside the file's arrays is read.
#[derive(Debug)]
pub struct VoiceIndex {
    file: MappedFile,
    dim: usize,
    offsets: Vec<u64>,
    centroids: Place<f32>,
    vectors: Place<f32>,
    ids: Place<i64>,
    source_sha256: String,
}

/// Where an array is.
#[derive(Debug)]
enum Place<T> {
    /// Bytes of the file, aligned for `T`, in the machine's byte order.
    File(Range<usize>),
    /// Everywhere else it is a copy.
    Memory(Vec<T>),
}

impl VoiceIndex {
    /// Opens the index of a voice of this version. Reads the header and the offsets alone.
    ///
    /// # Errors
    /// [`IndexError`] when it is none of ours, damaged, or another version's.
    pub fn open(path: &Path, version: Version) -> Result<Self, IndexError> {
        let file = MappedFile::open(path)?;
        let (tensors, source_sha256) = tensors(file.bytes())?;
        let shape = |name: &str, dtype: Dtype| {
            let tensor = tensors.tensor(name).ok();
            let tensor = tensor.filter(|tensor| tensor.dtype() == dtype);
            let found = || not_ours(format!("no tensor `{name}` of {dtype:?}"));
            tensor.ok_or_else(found)
        };
        let centroids = shape("centroids", Dtype::F32)?;
        let vectors = shape("vectors", Dtype::F32)?;
        let offsets = shape("offsets", Dtype::U64)?;
        let ids = shape("ids", Dtype::I64)?;
        let dim = match (centroids.shape(), vectors.shape()) {
            ([_, dim], [_, of_vectors]) if dim == of_vectors => *dim,
            (a, b) => return Err(not_ours(format!("centroids {a:?} and vectors {b:?}"))),
        };
        if dim != version.features() {
            let found = dim as u64;
            return Err(IndexError::Dimension { version, found });
        }
        let bytes = file.bytes();
        let index = Self {
            dim,
            offsets: decode(offsets.data(), u64::from_le_bytes)?,
            centroids: Place::new(bytes, centroids.data(), f32::from_le_bytes)?,
            vectors: Place::new(bytes, vectors.data(), f32::from_le_bytes)?,
            ids: Place::new(bytes, ids.data(), i64::from_le_bytes)?,
            source_sha256,
            file,
        };
        match index.view().check() {
            Ok(()) => Ok(index),
            Err(error) => Err(not_ours(format!("{}, not {}", error.found, error.expected))),
        }
    }

    /// Of the faiss file it was made of, in hexadecimal digits.
    #[must_use]
    pub fn source_sha256(&self) -> &str {
        &self.source_sha256
    }

    /// How many vectors there are.
    #[must_use]
    pub fn vectors(&self) -> usize {
        self.view().ids.len()
    }
}

impl IndexData for VoiceIndex {
    fn view(&self) -> IndexView<'_> {
        let bytes = self.file.bytes();
        IndexView {
            dim: self.dim,
            centroids: self.centroids.get(bytes),
            offsets: &self.offsets,
            vectors: self.vectors.get(bytes),
            ids: self.ids.get(bytes),
        }
    }
}

impl<T: bytemuck::Pod> Place<T> {
    /// `part` is a part of `file`.
    fn new<const N: usize>(
        file: &[u8],
        part: &[u8],
        from_le: impl Fn([u8; N]) -> T,
    ) -> Result<Self, IndexError> {
        let begin = part.as_ptr().addr() - file.as_ptr().addr();
        let aligned = bytemuck::try_cast_slice::<u8, T>(part).is_ok();
        Ok(match aligned && cfg!(target_endian = "little") {
            true => Self::File(begin..begin + part.len()),
            false => Self::Memory(decode(part, from_le)?),
        })
    }

    fn get<'a>(&'a self, file: &'a [u8]) -> &'a [T] {
        match self {
            Self::File(place) => bytemuck::cast_slice(&file[place.clone()]),
            Self::Memory(values) => values,
        }
    }
}

fn decode<T: bytemuck::Pod, const N: usize>(
    bytes: &[u8],
    from_le: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, IndexError> {
    let values = bytes.as_chunks().0;
    let mut decoded = table(values.len() as u64, T::zeroed())?;
    for (to, bytes) in decoded.iter_mut().zip(values) {
        *to = from_le(*bytes);
    }
    Ok(decoded)
}

/// The tensors of a file whose header says it is one of ours, and the hash of what it was made of.
fn tensors(bytes: &[u8]) -> Result<(SafeTensors<'_>, String), IndexError> {
    let length = bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    if length.is_none_or(|length| HEADER_BYTES < length) {
        return Err(not_ours("no header of ours".to_owned()));
    }
    let whole = |error| not_ours(format!("no whole safetensors file ({error})"));
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(whole)?;
    let text = |key: &str| metadata.metadata().as_ref()?.get(key).cloned();
    match text("format") {
        Some(format) if format == FORMAT => {}
        other => {
            let other = other.unwrap_or_else(|| "none".to_owned());
            return Err(not_ours(format!("a file of the format {other}")));
        }
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(whole)?;
    Ok((tensors, text("source_sha256").unwrap_or_default()))
}

fn not_ours(found: String) -> IndexError {
    IndexError::NotOurs { found }
}

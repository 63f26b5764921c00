//! Converts a faiss index to a file of ours, in one pass from front to back: its vectors are never
//! in memory together. Worker threads and the command line only.

use super::FORMAT;
use super::error::IndexError;
use super::faiss::{self, Shape};
use super::stream::{Stream, table};
use crate::io::{Existing, NewFile, WriteError};
use crate::model::rvc::Version;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Where the tensors begin: a multiple of a cache line, with room for any header of ours.
const DATA_AT: usize = 1024;

/// What was converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedIndex {
    /// Values of a vector.
    pub dim: usize,
    /// Vectors.
    pub vectors: u64,
    /// Lists they lie in.
    pub lists: u64,
    /// Of the faiss file, in hexadecimal digits.
    pub source_sha256: String,
}

/// Converts the faiss index at `path` for a voice of this version and writes it to `to`, replacing
/// what is there. The file takes its name only when it is complete. Takes memory for the tables of
/// an index, about a hundredth of its vectors; tells `progress` of bytes read, and how many there
/// are.
///
/// # Errors
/// [`IndexError`]; what lies at `to` is then untouched.
pub fn import(
    path: &Path,
    to: &Path,
    version: Version,
    mut progress: impl FnMut(u64, u64),
) -> Result<ImportedIndex, IndexError> {
    let mut stream = Stream::open(path)?;
    let shape = faiss::head(&mut stream, version)?;
    let mut output = Output::create(to, shape)?;
    let bytes = shape.lists * shape.vector_bytes();
    output.floats(&mut stream, bytes, "centroids")?;
    let offsets = faiss::offsets(&mut stream, shape)?;
    for offset in &offsets {
        output.write(&offset.to_le_bytes())?;
    }
    let mut ids = Ids::new(shape)?;
    for list in offsets.windows(2) {
        let count = list[1] - list[0];
        output.floats(&mut stream, count * shape.vector_bytes(), "vectors")?;
        ids.read(&mut stream, count)?;
        progress(stream.at(), stream.end());
    }
    for id in &ids.ids {
        output.write(&id.to_le_bytes())?;
    }
    let hash = stream.finish()?;
    let source_sha256 = data_encoding::HEXLOWER.encode(&hash);
    output.finish(&source_sha256)?;
    Ok(ImportedIndex {
        dim: shape.dim,
        vectors: shape.count,
        lists: shape.lists,
        source_sha256,
    })
}

/// The ids in the order of the lists. RVC counts vectors from 0 on as it adds them, so that each
/// number below their count is there once.
struct Ids {
    ids: Vec<u64>,
    seen: Vec<u8>,
    count: u64,
}

impl Ids {
    fn new(shape: Shape) -> Result<Self, IndexError> {
        let mut ids = table(shape.count, 0)?;
        ids.clear();
        Ok(Self {
            ids,
            seen: table(shape.count.div_ceil(8), 0)?,
            count: shape.count,
        })
    }

    fn read(&mut self, stream: &mut Stream, count: u64) -> Result<(), IndexError> {
        stream.pass(8 * count, |piece| {
            for id in piece.as_chunks().0 {
                let id = u64::from_le_bytes(*id);
                let bit = 1 << (id % 8);
                let seen = self.seen.get_mut((id / 8) as usize);
                match seen.filter(|seen| id < self.count && **seen & bit == 0) {
                    Some(seen) => *seen |= bit,
                    None => {
                        let expected = format!("each id below {} once", self.count);
                        return Err(IndexError::damaged(expected, format!("{}", id as i64)));
                    }
                }
                self.ids.push(id);
            }
            Ok(())
        })
    }
}

/// The file being written.
struct Output<'a> {
    file: NewFile,
    path: &'a Path,
    shape: Shape,
}

impl<'a> Output<'a> {
    fn create(path: &'a Path, shape: Shape) -> Result<Self, IndexError> {
        let file = NewFile::create(path, Existing::Replace).map_err(|e| not_written(path, e))?;
        let mut output = Self { file, path, shape };
        output.write(&[0; DATA_AT])?;
        Ok(output)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), IndexError> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| not_written(self.path, error.into()))
    }

    /// Copies floats, all of which are numbers.
    fn floats(&mut self, stream: &mut Stream, bytes: u64, what: &str) -> Result<(), IndexError> {
        stream.pass(bytes, |piece| {
            let floats = piece.as_chunks().0.iter();
            let floats = floats.map(|bytes| f32::from_le_bytes(*bytes));
            // No early end: so it is vector code.
            if !floats.clone().fold(true, |all, x| all & x.is_finite()) {
                let found = floats.clone().find(|x| !x.is_finite());
                return Err(IndexError::damaged(
                    format!("{what} of finite values"),
                    format!("{}", found.unwrap_or(f32::NAN)),
                ));
            }
            self.write(piece)
        })
    }

    /// Writes the header, which needs the hash of all that was read, and gives the file its name.
    fn finish(mut self, source_sha256: &str) -> Result<(), IndexError> {
        let mut header = header(self.shape, source_sha256);
        header.resize(DATA_AT - 8, b' ');
        let begin = self.file.seek(SeekFrom::Start(0));
        begin.map_err(|error| not_written(self.path, error.into()))?;
        self.write(&(header.len() as u64).to_le_bytes())?;
        self.write(&header)?;
        match self.file.finish() {
            Ok(_) => Ok(()),
            Err(error) => Err(not_written(self.path, error)),
        }
    }
}

/// The header of a safetensors file.
fn header(shape: Shape, source_sha256: &str) -> Vec<u8> {
    let Shape { dim, count, lists } = shape;
    let bytes = shape.vector_bytes();
    let mut at = 0;
    let mut tensor = |name: &str, dtype: &str, shape: &str, bytes: u64| {
        let begin = at;
        at += bytes;
        format!(
            "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":[{shape}],\"data_offsets\":[{begin},{at}]}}"
        )
    };
    let tensors = [
        tensor("centroids", "F32", &format!("{lists},{dim}"), lists * bytes),
        tensor("offsets", "U64", &format!("{}", lists + 1), 8 * (lists + 1)),
        tensor("vectors", "F32", &format!("{count},{dim}"), count * bytes),
        tensor("ids", "I64", &format!("{count}"), 8 * count),
    ];
    let texts = format!("\"format\":\"{FORMAT}\",\"source_sha256\":\"{source_sha256}\"");
    format!("{{\"__metadata__\":{{{texts}}},{}}}", tensors.join(",")).into_bytes()
}

fn not_written(path: &Path, error: WriteError) -> IndexError {
    IndexError::NotWritten {
        path: path.display().to_string(),
        error: match error {
            WriteError::Io(error) => error,
            other => io::Error::other(other),
        },
    }
}

//! The layout of a faiss `IVF,Flat` index, as `write_index` leaves it; read off files of faiss
//! 1.15. Nothing a file claims is believed before the file is seen to be long enough for it.
//! Worker threads and the command line only.
//!
//! ```text
//! index      "IwFl" dim:i32 count:i64 i64 i64 trained:u8 metric:i32  lists:u64 probes:u64
//! quantizer  "IxF2" dim:i32 lists:i64 i64 i64 trained:u8 metric:i32  values:u64 f32...
//! map        kind:u8 entries:u64 i64...  (kind 2: pairs:u64 (i64 i64)...)
//! lists      "ilar" lists:u64 bytes:u64  "full" lists:u64 size:u64...
//!                                   or   "sprs" values:u64 (list:u64 size:u64)...
//! each list  f32... id:i64...
//! ```

use super::error::IndexError;
use super::stream::{Stream, table};
use crate::io::checkpoint::Foreign;
use crate::model::rvc::Version;

/// What an RVC voice has.
const IVF_FLAT: &str = "a faiss index of the type IVF,Flat (`IwFl`)";
/// Bytes of an id.
const ID_BYTES: u64 = 8;

/// Types faiss writes, for the error message alone.
const TYPES: &[(&[u8; 4], &str)] = &[
    (b"IxF2", "a flat index without lists"),
    (b"IxFI", "a flat index of inner products"),
    (b"IxFl", "a flat index of an old faiss"),
    (b"IvFl", "an IVF,Flat index of an old faiss"),
    (b"IvFL", "an IVF,Flat index of an old faiss"),
    (b"IwFd", "an IVF,Flat index without duplicates"),
    (b"IwPQ", "an index of product-quantized vectors"),
    (b"IwQR", "an index of product-quantized vectors"),
    (b"IwSq", "an index of scalar-quantized vectors"),
    (b"IwSQ", "an index of scalar-quantized vectors"),
    (b"IxSQ", "an index of scalar-quantized vectors"),
    (b"IxPq", "an index of product-quantized vectors"),
    (b"IHNf", "a graph index (HNSW)"),
    (b"IHNs", "a graph index (HNSW)"),
    (b"IHNp", "a graph index (HNSW)"),
    (b"IxPT", "an index behind a transform"),
    (b"IxMp", "an index with ids of its own"),
    (b"IxM2", "an index with ids of its own"),
    (b"IBwF", "an index of bits"),
    (b"IBxF", "an index of bits"),
    (b"ilod", "lists in another file"),
    (b"il00", "no lists"),
];

/// The sizes of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Values of a vector.
    pub dim: usize,
    /// Vectors, at least one.
    pub count: u64,
    /// Lists, at least one.
    pub lists: u64,
}

impl Shape {
    /// Bytes of a vector.
    pub(super) fn vector_bytes(self) -> u64 {
        4 * self.dim as u64
    }
}

/// Reads up to the first centroid.
pub(super) fn head(stream: &mut Stream, version: Version) -> Result<Shape, IndexError> {
    recognise(stream)?;
    let index = Common::read(stream, "index")?;
    if index.dim != version.features() as u64 {
        return Err(IndexError::Dimension {
            version,
            found: index.dim,
        });
    }
    if index.count == 0 {
        return Err(IndexError::Empty);
    }
    let lists = stream.u64("the number of lists")?;
    if lists == 0 {
        return Err(IndexError::damaged("at least one list", "none"));
    }
    stream.u64("how many lists are looked at")?;
    let shape = Shape {
        dim: version.features(),
        count: index.count,
        lists,
    };
    // What follows takes at least so much.
    stream.need(lists, shape.vector_bytes(), "centroids")?;
    stream.need(shape.count, shape.vector_bytes() + ID_BYTES, "vectors")?;

    expect(stream, b"IxF2", "centroids in a flat index (`IxF2`)")?;
    let centroids = Common::read(stream, "centroids")?;
    same("values in a centroid", centroids.dim, index.dim)?;
    same("centroids", centroids.count, lists)?;
    let values = stream.u64("the number of values of the centroids")?;
    same("values of the centroids", values, lists * index.dim)?;
    stream.need(lists, shape.vector_bytes(), "centroids")?;
    Ok(shape)
}

/// Reads what lies between the last centroid and the first list: where each list begins, counted
/// in vectors, and where the last ends.
pub(super) fn offsets(stream: &mut Stream, shape: Shape) -> Result<Vec<u64>, IndexError> {
    skip_map(stream)?;
    expect(stream, b"ilar", "lists in the file (`ilar`)")?;
    same("lists", stream.u64("the number of lists")?, shape.lists)?;
    let bytes = stream.u64("the size of a vector")?;
    same("bytes in a vector", bytes, shape.vector_bytes())?;
    let mut sizes = sizes(stream, shape)?;
    // Each size becomes where the list begins.
    let mut sum = 0u64;
    for size in &mut sizes {
        let begin = sum;
        sum = sum.checked_add(*size).unwrap_or(u64::MAX);
        *size = begin;
    }
    same("vectors in the lists", sum, shape.count)?;
    stream.need(shape.count, shape.vector_bytes() + ID_BYTES, "vectors")?;
    Ok(sizes)
}

/// The size of each list, and a 0 after the last.
fn sizes(stream: &mut Stream, shape: Shape) -> Result<Vec<u64>, IndexError> {
    let form = stream.bytes("the form of the list sizes")?;
    let values = stream.u64("the number of list sizes")?;
    let bytes = stream.need(values, 8, "list sizes")?;
    let mut at = 0;
    match &form {
        b"full" => {
            same("list sizes", values, shape.lists)?;
            let mut sizes = table(shape.lists + 1, 0u64)?;
            stream.pass(bytes, |piece| {
                for size in piece.as_chunks().0 {
                    sizes[at] = u64::from_le_bytes(*size);
                    at += 1;
                }
                Ok(())
            })?;
            Ok(sizes)
        }
        b"sprs" => {
            if !values.is_multiple_of(2) || shape.lists < values / 2 {
                let expected = format!("pairs of list and size, at most {}", shape.lists);
                return Err(IndexError::damaged(expected, format!("{values} values")));
            }
            let mut sizes = table(shape.lists + 1, 0u64)?;
            let mut list = 0;
            stream.pass(bytes, |piece| {
                for value in piece.as_chunks().0 {
                    let value = u64::from_le_bytes(*value);
                    at += 1;
                    match at % 2 {
                        1 => list = value,
                        _ if list < shape.lists => sizes[list as usize] = value,
                        _ => {
                            let expected = format!("a list below {}", shape.lists);
                            return Err(IndexError::damaged(expected, format!("list {list}")));
                        }
                    }
                }
                Ok(())
            })?;
            Ok(sizes)
        }
        other => Err(IndexError::damaged(
            "list sizes in one of two forms (`full`, `sprs`)",
            format!("`{}`", other.escape_ascii()),
        )),
    }
}

/// A table from ids to places, which RVC neither writes nor needs.
fn skip_map(stream: &mut Stream) -> Result<(), IndexError> {
    let [kind] = stream.bytes("the kind of the map of ids")?;
    if 2 < kind {
        let expected = "a map of ids of kind 0, 1 or 2";
        return Err(IndexError::damaged(expected, format!("kind {kind}")));
    }
    let tables: &[u64] = if kind == 2 { &[8, 16] } else { &[8] };
    for each in tables {
        let entries = stream.u64("the size of the map of ids")?;
        let bytes = stream.need(entries, *each, "entries in the map of ids")?;
        stream.pass(bytes, |_| Ok(()))?;
    }
    Ok(())
}

/// Takes the first four bytes, which are those of the right type.
fn recognise(stream: &mut Stream) -> Result<(), IndexError> {
    let head = stream.peek()?;
    let zipped = Foreign::of(&head) == Foreign::Zip;
    let faiss = matches!(head.as_slice(), [b'I', b'x' | b'w' | b'v' | b'H' | b'B' | b'N', _, _, rest @ ..]
        // The highest byte of a size that is none too large for the real ones.
        if rest.get(3).is_none_or(|byte| *byte == 0));
    match head.as_slice() {
        head if faiss || head.starts_with(b"IwFl") => expect(stream, b"IwFl", IVF_FLAT),
        [_, _, _, _, _, _, _, _, b'{', ..] => Err(IndexError::Foreign {
            found: "a safetensors file",
        }),
        _ if zipped => Err(IndexError::Foreign {
            found: "a zip archive (the .pth of a voice is one)",
        }),
        head => Err(IndexError::Foreign {
            found: Foreign::of(head).name(),
        }),
    }
}

/// Takes four letters, and refuses others by what they mean.
fn expect(stream: &mut Stream, code: &[u8; 4], expected: &'static str) -> Result<(), IndexError> {
    let found: [u8; 4] = stream.bytes(expected)?;
    if found == *code {
        return Ok(());
    }
    let known = TYPES.iter().find(|(code, _)| **code == found);
    let letters = found.iter().all(u8::is_ascii_alphanumeric);
    match (known, letters) {
        (Some((_, name)), _) => Err(IndexError::OtherType {
            expected,
            found: name,
            code: found.escape_ascii().to_string(),
        }),
        (None, true) => Err(IndexError::OtherType {
            expected,
            found: "another type",
            code: found.escape_ascii().to_string(),
        }),
        (None, false) => Err(IndexError::damaged(
            expected,
            format!("`{}`", found.escape_ascii()),
        )),
    }
}

/// Refuses a number that is not the one it has to be.
fn same(what: &str, found: u64, expected: u64) -> Result<(), IndexError> {
    match found == expected {
        true => Ok(()),
        false => Err(IndexError::damaged(
            format!("{expected} {what}"),
            format!("{found}"),
        )),
    }
}

/// What every faiss index begins with.
struct Common {
    dim: u64,
    count: u64,
}

impl Common {
    fn read(stream: &mut Stream, of: &str) -> Result<Self, IndexError> {
        let number = |what: &str, value: i64| match u64::try_from(value) {
            Ok(value) => Ok(value),
            Err(_) => Err(IndexError::damaged(
                format!("{what} of the {of} that is not negative"),
                format!("{value}"),
            )),
        };
        let dim = number("a size", i64::from(stream.i32("the size of a vector")?))?;
        let count = number("a count", stream.u64("the number of vectors")? as i64)?;
        // Two numbers without a meaning.
        stream.bytes::<16>("the head of an index")?;
        let [trained] = stream.bytes("whether the index is trained")?;
        if trained != 1 {
            return Err(IndexError::damaged(
                format!("{of} that faiss has trained"),
                format!("a mark of {trained}"),
            ));
        }
        match stream.i32("the metric")? {
            1 => Ok(Self { dim, count }),
            0 => Err(IndexError::Metric {
                found: "inner products (metric 0)".to_owned(),
            }),
            other => Err(IndexError::Metric {
                found: format!("metric {other}"),
            }),
        }
    }
}

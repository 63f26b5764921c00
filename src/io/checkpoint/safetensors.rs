//! Safetensors files: the header is read by the `safetensors` crate, the tensors as those of any
//! checkpoint; and written, under a temporary name until complete. Worker threads and the command
//! line only.

use super::error::{CheckpointError, within};
use super::limits::Limits;
use super::read::{Bytes, Storage, StoragePlace};
use super::source::Source;
use super::tensor::{DType, Tensor, TensorData, TensorRef};
use super::value::{Dict, Value};
use super::{Contents, Layout};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::Path;

/// Bytes of the header's length.
const LENGTH_BYTES: u64 = 8;

/// Whether a file may be one: a length that is possible and the start of a JSON object.
pub(super) fn looks_like(head: &[u8], file_bytes: u64) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<8>() else {
        return false;
    };
    let length = u64::from_le_bytes(*length);
    rest.first() == Some(&b'{') && (2..=file_bytes.max(1 << 32)).contains(&length)
}

/// Reads the header; a flat dictionary of tensors.
pub(super) fn read(source: Source, limits: &Limits) -> Result<Contents, CheckpointError> {
    let mut length = [0; LENGTH_BYTES as usize];
    source
        .read_exact_at(0, &mut length)
        .map_err(|error| CheckpointError::reading(error, "the length of the header"))?;
    let length = u64::from_le_bytes(length);
    within("bytes of header", length, limits.pickle_bytes)?;
    let mut header = Vec::new();
    source.span(LENGTH_BYTES, length).read_to_end(&mut header)?;
    if (header.len() as u64) < length {
        return Err(CheckpointError::Truncated {
            expected: format!("{length} bytes of header"),
        });
    }
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| CheckpointError::damaged("a safetensors header", error.to_string()))?;
    drop(header);
    let data_at = LENGTH_BYTES + length;
    let data_end = data_at.saturating_add(metadata.data_len() as u64);
    if source.len() < data_end {
        return Err(CheckpointError::Truncated {
            expected: format!(
                "{data_end} bytes in the file, of which {} are there",
                source.len()
            ),
        });
    }
    let names = metadata.offset_keys();
    within("tensors", names.len() as u64, limits.tensors as u64)?;
    within(
        "bytes of tensors",
        metadata.data_len() as u64,
        limits.tensor_bytes,
    )?;
    let mut pairs = Vec::with_capacity(names.len());
    let mut storages = Vec::with_capacity(names.len());
    for name in names {
        let info = metadata.info(&name).ok_or_else(|| {
            CheckpointError::damaged("a safetensors header", format!("nothing about {name}"))
        })?;
        let (start, end) = info.data_offsets;
        let bytes = (end - start) as u64;
        let value = match dtype_of(info.dtype) {
            Some(dtype) => {
                let len = (end - start) / dtype.bytes();
                let at = storages.len();
                let tensor = TensorRef::contiguous(at, dtype, &info.shape, len, limits)?;
                storages.push(Storage {
                    place: StoragePlace::File(data_at + start as u64),
                    bytes,
                });
                Value::Tensor(tensor)
            }
            None => Value::Opaque {
                class: format!("safetensors.{:?}", info.dtype).into(),
            },
        };
        pairs.push((Value::Str(name.into()), value));
    }
    Ok(Contents {
        layout: Layout::Safetensors(texts(&metadata)),
        root: Value::Dict(Dict(pairs)),
        unknown: Vec::new(),
        storages,
        bytes: Bytes::File(source),
    })
}

/// The texts in the header.
fn texts(metadata: &Metadata) -> BTreeMap<String, String> {
    let texts = metadata.metadata().iter().flatten();
    texts
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect()
}

fn dtype_of(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::Bf16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool,
        _ => return None,
    })
}

/// Writes named tensors and texts. The file grows under a temporary name beside its place and
/// takes its own, replacing what is there, only when it is complete. The same tensors and texts
/// make the same bytes.
///
/// # Errors
/// [`CheckpointError::NotWritten`] when the disk refuses, [`CheckpointError::Unwritable`] when
/// two tensors have one name or one has other than the elements of its shape. Nothing is then
/// left behind.
pub fn write_safetensors(
    path: &Path,
    tensors: &[(String, Tensor)],
    texts: &BTreeMap<String, String>,
) -> Result<(), CheckpointError> {
    let header = header(tensors, texts)?;
    save(path, &header, tensors).map_err(|error| CheckpointError::NotWritten {
        path: path.display().to_string(),
        error,
    })
}

fn save(path: &Path, header: &[u8], tensors: &[(String, Tensor)]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".autovoice-").suffix(".tmp");
    #[cfg(unix)]
    {
        // The default is for secrets; weights get what the umask leaves.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let temporary = builder.tempfile_in(folder)?;
    let mut file = BufWriter::with_capacity(1 << 16, temporary.as_file());
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header)?;
    for (_, tensor) in tensors {
        write_elements(&mut file, &tensor.data)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}

/// JSON, padded with blanks to a multiple of eight bytes.
fn header(
    tensors: &[(String, Tensor)],
    texts: &BTreeMap<String, String>,
) -> Result<Vec<u8>, CheckpointError> {
    let mut entries = Vec::with_capacity(tensors.len() + 1);
    let json = |text: &str| serde_json::Value::from(text).to_string();
    if !texts.is_empty() {
        let pairs = texts
            .iter()
            .map(|(k, v)| format!("{}:{}", json(k), json(v)));
        let pairs: Vec<String> = pairs.collect();
        entries.push(format!("\"__metadata__\":{{{}}}", pairs.join(",")));
    }
    let mut names = BTreeSet::from(["__metadata__"]);
    let mut at = 0u64;
    for (name, Tensor { shape, data }) in tensors {
        let len = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
        if len != Some(data.len()) {
            let found = format!("{} values for the shape {shape:?} of {name}", data.len());
            return Err(CheckpointError::Unwritable { found });
        }
        if !names.insert(name) {
            let found = format!("{name} twice");
            return Err(CheckpointError::Unwritable { found });
        }
        let dtype = data.dtype();
        let end = at + data.len() as u64 * dtype.bytes() as u64;
        entries.push(format!(
            "{}:{{\"dtype\":\"{}\",\"shape\":{shape:?},\"data_offsets\":[{at},{end}]}}",
            json(name),
            dtype.name(),
        ));
        at = end;
    }
    let mut header = format!("{{{}}}", entries.join(",")).into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

fn write_elements(file: &mut BufWriter<&File>, data: &TensorData) -> io::Result<()> {
    match data {
        TensorData::F16(bits) | TensorData::Bf16(bits) => write_all(file, bits, u16::to_le_bytes),
        TensorData::F32(numbers) => write_all(file, numbers, f32::to_le_bytes),
        TensorData::F64(numbers) => write_all(file, numbers, f64::to_le_bytes),
        TensorData::I64(numbers) => write_all(file, numbers, i64::to_le_bytes),
        TensorData::I32(numbers) => write_all(file, numbers, i32::to_le_bytes),
        TensorData::I16(numbers) => write_all(file, numbers, i16::to_le_bytes),
        TensorData::I8(numbers) => write_all(file, numbers, i8::to_le_bytes),
        TensorData::U8(numbers) => write_all(file, numbers, u8::to_le_bytes),
        TensorData::Bool(truths) => write_all(file, truths, |truth| [u8::from(truth)]),
    }
}

fn write_all<T: Copy, const N: usize>(
    file: &mut BufWriter<&File>,
    elements: &[T],
    encode: impl Fn(T) -> [u8; N],
) -> io::Result<()> {
    for element in elements {
        file.write_all(&encode(*element))?;
    }
    Ok(())
}

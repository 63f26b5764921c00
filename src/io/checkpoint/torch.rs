//! The two layouts of `torch.save`: a zip archive since torch 1.6, and before it pickles followed
//! by the raw storages. Worker threads and the command line only.

use super::error::{CheckpointError, within};
use super::foreign::{Foreign, describe_zip};
use super::limits::Limits;
use super::pickle::{Unpickled, unpickle};
use super::read::{Bytes, Storage, StoragePlace};
use super::source::Source;
use super::zip::ZipArchive;
use super::{Contents, Layout};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// The number that the layout before torch 1.6 begins with, the least byte first.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The only version of that layout.
const LEGACY_PROTOCOL: i64 = 1001;

/// Reads a zip archive of `torch.save`: `<any>/data.pkl`, `<any>/byteorder`, `<any>/data/<name>`.
pub(super) fn read_zip(source: Source, limits: &Limits) -> Result<Contents, CheckpointError> {
    let archive = ZipArchive::new(source, limits)?;
    let pickle = archive
        .names()
        .filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
        .min_by_key(|name| (name.len(), *name))
        .ok_or_else(|| CheckpointError::Foreign(describe_zip(archive.names())))?
        .to_owned();
    let prefix = pickle.trim_end_matches("data.pkl").to_owned();
    let code = format!("{prefix}code/");
    let scripted = archive.has(&format!("{prefix}constants.pkl"))
        || archive.names().any(|name| name.starts_with(&code));
    if scripted {
        return Err(CheckpointError::Foreign(Foreign::TorchScript));
    }
    check_byte_order(&archive, &format!("{prefix}byteorder"))?;
    let entry = archive.entry(&pickle)?;
    within("bytes of pickle", entry.bytes, limits.pickle_bytes)?;
    let bytes = archive.read(&pickle)?;
    let mut find = |name: &str, bytes: u64| {
        let file = format!("{prefix}data/{name}");
        let entry = archive.entry(&file)?;
        if entry.bytes < bytes {
            return Err(CheckpointError::damaged(
                format!("{bytes} bytes in {file}"),
                entry.bytes.to_string(),
            ));
        }
        Ok(Storage {
            bytes: entry.bytes,
            place: StoragePlace::Zip(file, entry),
        })
    };
    let unpickled = unpickle(bytes.as_slice(), limits, &mut find)?;
    let storages = unpickled.storages.into_iter().map(|(_, storage)| storage);
    Ok(Contents {
        layout: Layout::TorchZip,
        root: unpickled.root,
        unknown: unpickled.unknown,
        storages: storages.collect(),
        bytes: Bytes::Zip(archive),
    })
}

/// The entry is missing before torch 2.1, where everything was little-endian.
fn check_byte_order(archive: &ZipArchive, name: &str) -> Result<(), CheckpointError> {
    if !archive.has(name) {
        return Ok(());
    }
    within("bytes of byte order", archive.entry(name)?.bytes, 64)?;
    match archive.read(name)?.as_slice() {
        b"little" => Ok(()),
        b"big" => Err(CheckpointError::Foreign(Foreign::BigEndian)),
        other => Err(CheckpointError::damaged(
            "the byte order little or big",
            String::from_utf8_lossy(other),
        )),
    }
}

/// Reads a pickle: torch's old layout where it begins with the magic number, plain otherwise.
pub(super) fn read_pickles(source: Source, limits: &Limits) -> Result<Contents, CheckpointError> {
    let mut input = BufReader::with_capacity(1 << 16, source.span(0, source.len()));
    let first = plain(&mut input, limits)?;
    let contents = match first.big_int {
        Some(number) if *number == MAGIC => legacy(&mut input, first.bytes, limits)?,
        _ => Legacy {
            layout: Layout::Pickle,
            unpickled: first,
            at: 0,
            keys: Vec::new(),
        },
    };
    let unpickled = contents.unpickled;
    let storages = place_storages(&source, unpickled.storages, &contents.keys, contents.at)?;
    Ok(Contents {
        layout: contents.layout,
        root: unpickled.root,
        unknown: unpickled.unknown,
        storages,
        bytes: Bytes::File(source),
    })
}

/// What the pickles at the beginning of the file say.
struct Legacy {
    layout: Layout,
    unpickled: Unpickled,
    /// Where the storages begin.
    at: u64,
    /// Their names in the order in which they follow.
    keys: Vec<String>,
}

/// The magic number, the version of the layout, facts about the machine, the object, the names of
/// the storages: five pickles.
fn legacy(
    input: &mut impl BufRead,
    magic_bytes: u64,
    limits: &Limits,
) -> Result<Legacy, CheckpointError> {
    let version = plain(input, limits)?;
    if version.root.as_int() != Some(LEGACY_PROTOCOL) {
        return Err(CheckpointError::Unsupported {
            expected: "version 1001 of torch's layout",
            found: format!("{:?}", version.root.as_int()),
        });
    }
    let machine = plain(input, limits)?;
    if let Some(little) = machine.root.get("little_endian")
        && little.as_int() == Some(0)
    {
        return Err(CheckpointError::Foreign(Foreign::BigEndian));
    }
    let mut anywhere = |_: &str, bytes| {
        Ok(Storage {
            // Set once it is known.
            place: StoragePlace::File(0),
            bytes,
        })
    };
    let unpickled = unpickle(&mut *input, limits, &mut anywhere)?;
    let names = plain(input, limits)?;
    let keys = names.root.as_items().and_then(|items| {
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<String>>>()
    });
    let keys = keys
        .ok_or_else(|| CheckpointError::damaged("the names of the storages", names.root.kind()))?;
    let at = magic_bytes + version.bytes + machine.bytes + unpickled.bytes + names.bytes;
    Ok(Legacy {
        layout: Layout::TorchLegacy,
        unpickled,
        at,
        keys,
    })
}

/// A pickle without tensors.
fn plain(input: &mut impl BufRead, limits: &Limits) -> Result<Unpickled, CheckpointError> {
    let mut none = |name: &str, _| {
        Err(CheckpointError::damaged(
            "a pickle without storages",
            format!("the storage {name}"),
        ))
    };
    unpickle(input, limits, &mut none)
}

/// Finds where each storage begins: elements as 64 bits, then its bytes, one after the other.
fn place_storages(
    source: &Source,
    storages: Vec<(String, Storage)>,
    keys: &[String],
    mut at: u64,
) -> Result<Vec<Storage>, CheckpointError> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, (name, _)) in storages.iter().enumerate() {
        places.insert(name, index);
    }
    let mut found: Vec<Option<Storage>> = vec![None; storages.len()];
    for key in keys {
        // A storage that nothing refers to would have a size of elements we do not know.
        let Some(&index) = places.get(key.as_str()) else {
            return Err(CheckpointError::damaged(
                "storages that tensors refer to",
                format!("{key}, to which none does"),
            ));
        };
        let storage = &storages[index].1;
        let mut elements = [0; 8];
        source
            .span(at, 8)
            .read_exact(&mut elements)
            .map_err(|error| CheckpointError::reading(error, "the size of a storage"))?;
        let elements = u64::from_le_bytes(elements);
        at += 8;
        let fits = match elements {
            0 => storage.bytes == 0,
            // 1, 2, 4 or 8 bytes each; the pickle says which.
            _ => storage.bytes.is_multiple_of(elements) && storage.bytes / elements <= 8,
        };
        if !fits {
            return Err(CheckpointError::damaged(
                format!("{} bytes in the storage {key}", storage.bytes),
                format!("{elements} elements"),
            ));
        }
        let end = at.checked_add(storage.bytes);
        let Some(end) = end.filter(|end| *end <= source.len()) else {
            return Err(CheckpointError::Truncated {
                expected: format!("{} bytes of the storage {key}", storage.bytes),
            });
        };
        found[index] = Some(Storage {
            place: StoragePlace::File(at),
            bytes: storage.bytes,
        });
        at = end;
    }
    let missing = |index: usize| {
        CheckpointError::damaged(format!("the storage {}", storages[index].0), "none")
    };
    let placed = found.into_iter().enumerate();
    placed
        .map(|(index, storage)| storage.ok_or_else(|| missing(index)))
        .collect()
}

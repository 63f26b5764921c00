//! Zip archives, as far as checkpoints and Python wheels need them: stored and deflated files,
//! zip64, no encryption, no spanning (APPNOTE.TXT 6.3.10, PKWARE). Only the directory is kept;
//! a file's bytes are read when asked for. Worker threads and the command line only.

use super::error::{CheckpointError, within};
use super::foreign::Foreign;
use super::limits::Limits;
use super::source::{Source, Span};
use flate2::read::DeflateDecoder;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::Path;

/// First bytes of a zip archive that is not empty.
pub(super) const SIGNATURE: &[u8] = b"PK\x03\x04";
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const LOCATOR64: &[u8] = b"PK\x06\x07";
const LOCATOR64_BYTES: u64 = 20;
const END64: &[u8] = b"PK\x06\x06";
const END64_BYTES: usize = 56;
/// The longest directory that is read.
const DIRECTORY_LIMIT_BYTES: u64 = 64 << 20;

/// The directory of a zip archive.
#[derive(Debug)]
pub struct ZipArchive {
    source: Source,
    entries: HashMap<String, Entry>,
    limits: Limits,
}

/// One file of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    method: u16,
    /// 0 where none was recorded, as torch does when told to be quick.
    crc: u32,
    packed_bytes: u64,
    /// Its length once inflated.
    pub(super) bytes: u64,
    header_at: u64,
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Where the directory is.
#[derive(Clone, Copy)]
struct Directory {
    entries: u64,
    bytes: u64,
    at: u64,
}

impl ZipArchive {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// [`CheckpointError`] when it is none, damaged, encrypted or beyond the limits.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, CheckpointError> {
        Self::new(Source::open(path)?, limits)
    }

    pub(super) fn new(source: Source, limits: &Limits) -> Result<Self, CheckpointError> {
        let directory = find_directory(&source)?;
        within(
            "files in the zip archive",
            directory.entries,
            limits.zip_entries as u64,
        )?;
        within(
            "bytes of zip directory",
            directory.bytes,
            DIRECTORY_LIMIT_BYTES,
        )?;
        let inside = directory.at.checked_add(directory.bytes);
        if inside.is_none_or(|end| source.len() < end) {
            return Err(CheckpointError::damaged(
                "a zip directory within the file",
                format!("one of {} bytes at byte {}", directory.bytes, directory.at),
            ));
        }
        let mut bytes = Vec::new();
        source
            .span(directory.at, directory.bytes)
            .read_to_end(&mut bytes)?;
        let entries = parse_directory(&bytes, directory.entries)?;
        Ok(Self {
            source,
            entries,
            limits: limits.clone(),
        })
    }

    /// The names of its files, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// All bytes of one file, checked against its CRC.
    ///
    /// # Errors
    /// [`CheckpointError`] when there is no such file, or it is damaged or beyond the limits.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, CheckpointError> {
        let entry = self.entry(name)?;
        let mut bytes = Vec::new();
        // A file that claims to have been packed very well gets its memory as it comes.
        let likely = entry.bytes.min(entry.packed_bytes.saturating_mul(8));
        let capacity = usize::try_from(likely).unwrap_or(usize::MAX);
        bytes
            .try_reserve_exact(capacity)
            .map_err(|_| CheckpointError::OutOfMemory { bytes: entry.bytes })?;
        let mut reader = self.reader(&entry)?;
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| CheckpointError::reading(error, "a deflated file"))?;
        if (bytes.len() as u64) < entry.bytes {
            return Err(CheckpointError::Truncated {
                expected: format!("{} bytes of {name}", entry.bytes),
            });
        }
        entry.check_crc(name, crc32fast::hash(&bytes))?;
        Ok(bytes)
    }

    /// Writes all bytes of one file somewhere, checked against its CRC, without holding them; how
    /// many there were. What was written of a damaged file is to be thrown away.
    ///
    /// # Errors
    /// As [`ZipArchive::read`], and [`CheckpointError::Io`] when writing fails.
    pub fn copy(&self, name: &str, into: &mut impl Write) -> Result<u64, CheckpointError> {
        let entry = self.entry(name)?;
        let mut reader = self.reader(&entry)?;
        let mut hasher = crc32fast::Hasher::new();
        let mut piece = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            let read = match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CheckpointError::reading(error, "a deflated file")),
            };
            hasher.update(&piece[..read]);
            into.write_all(&piece[..read])?;
            bytes += read as u64;
        }
        if bytes < entry.bytes {
            return Err(CheckpointError::Truncated {
                expected: format!("{} bytes of {name}", entry.bytes),
            });
        }
        entry.check_crc(name, hasher.finalize())?;
        Ok(bytes)
    }

    /// One file's place and size, checked against the limits.
    pub(super) fn entry(&self, name: &str) -> Result<Entry, CheckpointError> {
        let entry = *self.entries.get(name).ok_or_else(|| {
            CheckpointError::damaged(format!("the file {name} in the zip archive"), "none")
        })?;
        match entry.method {
            STORED if entry.packed_bytes == entry.bytes => {}
            STORED => {
                return Err(CheckpointError::damaged(
                    format!("one size for the stored file {name}"),
                    format!("{} and {} bytes", entry.packed_bytes, entry.bytes),
                ));
            }
            DEFLATED => {
                let swell = entry.packed_bytes.saturating_mul(self.limits.inflation);
                let limit = swell
                    .max(Limits::FREE_INFLATION)
                    .min(self.limits.inflated_bytes);
                within(
                    "bytes in a compressed file of this size",
                    entry.bytes,
                    limit,
                )?;
            }
            other => {
                return Err(CheckpointError::Unsupported {
                    expected: "stored or deflated files in the zip archive",
                    found: format!("compression method {other}"),
                });
            }
        }
        let end = entry.header_at.checked_add(entry.packed_bytes);
        match end {
            Some(end) if end <= self.source.len() => Ok(entry),
            _ => Err(CheckpointError::Truncated {
                expected: format!("{} bytes of {name}", entry.packed_bytes),
            }),
        }
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Reads a file's bytes, inflated, from its start; never more than its directory says.
    pub(super) fn reader(&self, entry: &Entry) -> Result<EntryReader<'_>, CheckpointError> {
        const HEADER: &str = "the header of a file in the zip archive";
        let mut header = [0; 30];
        self.source
            .read_exact_at(entry.header_at, &mut header)
            .map_err(|error| CheckpointError::reading(error, HEADER))?;
        if !header.starts_with(SIGNATURE) {
            let found = format!("other bytes at byte {}", entry.header_at);
            return Err(CheckpointError::damaged(HEADER, found));
        }
        let lengths = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let at = entry.header_at + header.len() as u64 + lengths;
        let packed = self.source.span(at, entry.packed_bytes);
        Ok(match entry.method {
            STORED => EntryReader::Stored(packed),
            _ => {
                let inflated = DeflateDecoder::new(packed).take(entry.bytes);
                EntryReader::Deflated(Box::new(inflated))
            }
        })
    }
}

impl Entry {
    /// Compares the CRC of all of the file's bytes with the recorded one.
    pub(super) fn check_crc(&self, name: &str, crc: u32) -> Result<(), CheckpointError> {
        match self.crc {
            0 => Ok(()),
            recorded if recorded == crc => Ok(()),
            recorded => Err(CheckpointError::damaged(
                format!("the bytes of {name} with the CRC {recorded:08x}"),
                format!("{crc:08x}"),
            )),
        }
    }
}

/// The bytes of one file, inflated.
pub(super) enum EntryReader<'a> {
    Stored(Span<'a>),
    Deflated(Box<io::Take<DeflateDecoder<Span<'a>>>>),
}

impl EntryReader<'_> {
    /// Leaves out so many bytes; without reading them where the file is stored.
    pub(super) fn skip(&mut self, bytes: u64) -> io::Result<()> {
        match self {
            Self::Stored(span) => span.skip(bytes),
            Self::Deflated(inflated) => {
                io::copy(&mut inflated.by_ref().take(bytes), &mut io::sink())?;
            }
        }
        Ok(())
    }
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(span) => span.read(buffer),
            Self::Deflated(inflated) => inflated.read(buffer),
        }
    }
}

/// Finds the directory by the record at the end of the archive, which a comment may follow.
fn find_directory(source: &Source) -> Result<Directory, CheckpointError> {
    let tail_bytes = source.len().min((END_BYTES + usize::from(u16::MAX)) as u64);
    let tail_at = source.len() - tail_bytes;
    let mut tail = Vec::new();
    source.span(tail_at, tail_bytes).read_to_end(&mut tail)?;
    let is_end = |at: &usize| {
        let record = &tail[*at..];
        record.starts_with(END) && END_BYTES + usize::from(u16_at(record, 20)) <= record.len()
    };
    let Some(at) = (0..(tail.len() + 1).saturating_sub(END_BYTES))
        .rev()
        .find(is_end)
    else {
        return Err(CheckpointError::Foreign(Foreign::TruncatedZip));
    };
    let record = &tail[at..];
    let end_at = tail_at + at as u64;
    if let Some(found) = find_directory64(source, end_at)? {
        return Ok(found);
    }
    one_volume(u32::from(u16_at(record, 4)), u32::from(u16_at(record, 6)))?;
    Ok(Directory {
        entries: u64::from(u16_at(record, 10)),
        bytes: u64::from(u32_at(record, 12)),
        at: u64::from(u32_at(record, 16)),
    })
}

/// The zip64 record, where a locator stands before the record at the end.
fn find_directory64(source: &Source, end_at: u64) -> Result<Option<Directory>, CheckpointError> {
    const RECORD: &str = "a zip64 record";
    let Some(locator_at) = end_at.checked_sub(LOCATOR64_BYTES) else {
        return Ok(None);
    };
    let mut locator = [0; LOCATOR64_BYTES as usize];
    source.read_exact_at(locator_at, &mut locator)?;
    if !locator.starts_with(LOCATOR64) {
        return Ok(None);
    }
    let at = u64_at(&locator, 8);
    let mut record = [0; END64_BYTES];
    source
        .read_exact_at(at, &mut record)
        .map_err(|error| CheckpointError::reading(error, RECORD))?;
    if !record.starts_with(END64) {
        let found = format!("other bytes at byte {at}");
        return Err(CheckpointError::damaged(RECORD, found));
    }
    one_volume(u32_at(&record, 16), u32_at(&record, 20))?;
    Ok(Some(Directory {
        entries: u64_at(&record, 32),
        bytes: u64_at(&record, 40),
        at: u64_at(&record, 48),
    }))
}

fn one_volume(this: u32, first: u32) -> Result<(), CheckpointError> {
    match (this, first) {
        (0, 0) => Ok(()),
        _ => Err(CheckpointError::Unsupported {
            expected: "a zip archive in one file",
            found: format!("part {this} of several"),
        }),
    }
}

fn parse_directory(bytes: &[u8], expected: u64) -> Result<HashMap<String, Entry>, CheckpointError> {
    let mut entries = HashMap::new();
    let mut rest = bytes;
    for _ in 0..expected {
        let (header, after) = rest
            .split_at_checked(46)
            .filter(|(header, _)| header.starts_with(DIRECTORY_ENTRY))
            .ok_or_else(|| {
                CheckpointError::damaged(
                    format!("{expected} files in the zip directory"),
                    entries.len().to_string(),
                )
            })?;
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(header, at)));
        let [name_bytes, extra_bytes, comment_bytes] = lengths;
        let variable = after
            .get(..name_bytes + extra_bytes + comment_bytes)
            .ok_or_else(|| CheckpointError::Truncated {
                expected: "the name of a file in the zip directory".to_owned(),
            })?;
        rest = &after[variable.len()..];
        // Bit 0: the file is encrypted; bit 13: so is the directory.
        if u16_at(header, 8) & 0x2001 != 0 {
            return Err(CheckpointError::Foreign(Foreign::EncryptedZip));
        }
        let name = String::from_utf8_lossy(&variable[..name_bytes]).into_owned();
        let extra = &variable[name_bytes..name_bytes + extra_bytes];
        let entry = parse_entry(header, extra);
        if entries.insert(name.clone(), entry).is_some() {
            return Err(CheckpointError::damaged(
                "different names in the zip directory",
                format!("{name} twice"),
            ));
        }
    }
    Ok(entries)
}

/// One entry; sizes that do not fit 32 bits stand in the extra field 1, in this order.
fn parse_entry(header: &[u8], extra: &[u8]) -> Entry {
    let mut wide = extra_field(extra, 1).chunks_exact(8);
    let mut widen = |at: usize| match u32_at(header, at) {
        u32::MAX => wide
            .next()
            .map_or(u64::from(u32::MAX), |bytes| u64_at(bytes, 0)),
        narrow => u64::from(narrow),
    };
    let bytes = widen(24);
    let packed_bytes = widen(20);
    let header_at = widen(42);
    Entry {
        method: u16_at(header, 10),
        crc: u32_at(header, 16),
        packed_bytes,
        bytes,
        header_at,
    }
}

/// The extra field of this kind; empty where there is none.
fn extra_field(mut extra: &[u8], kind: u16) -> &[u8] {
    while 4 <= extra.len() {
        let bytes = usize::from(u16_at(extra, 2));
        let Some(field) = extra.get(4..4 + bytes) else {
            break;
        };
        if u16_at(extra, 0) == kind {
            return field;
        }
        extra = &extra[4 + bytes..];
    }
    &[]
}

/// Little-endian numbers; the caller has checked the length.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

//! A voice as one file for others: a zip archive of the files of its folder, stored as they are,
//! which [`Library::import`] takes. Weights do not compress, and a reader can check every byte.

use super::{DESCRIPTION, INDEX, Library, Place, Voice, WEIGHTS, file_bytes};
use crate::io::{Existing, NewFile, WriteError};
use crate::voice::VoiceError;
use crate::voice::image::Image;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

/// A file of the archive.
struct Entry {
    name: &'static str,
    from: From,
    bytes: u32,
    crc: u32,
    at: u32,
}

/// Where its bytes are.
enum From {
    File(PathBuf),
    Memory(Cow<'static, [u8]>),
}

impl Library {
    /// Writes a voice to a file, complete or not at all; where it is.
    ///
    /// # Errors
    /// [`VoiceError::LargeExport`], [`VoiceError::Read`], [`VoiceError::Write`].
    pub fn export(voice: &Voice, file: &Path, existing: Existing) -> Result<PathBuf, VoiceError> {
        // Room for headers and directory is far below this.
        if u64::from(u32::MAX) - (1 << 16) < voice.bytes {
            let bytes = voice.bytes;
            return Err(VoiceError::LargeExport { bytes });
        }
        let mut entries = Vec::new();
        for (name, from) in files(voice) {
            entries.push(measured(name, from).map_err(VoiceError::Read)?);
        }
        let mut archive = NewFile::create(file, existing)?;
        write(&mut archive, &mut entries).map_err(WriteError::Io)?;
        Ok(archive.finish()?)
    }
}

/// The files that a voice consists of, or would if it had a folder.
fn files(voice: &Voice) -> Vec<(&'static str, From)> {
    let folder = match &voice.place {
        Place::Folder(folder) => folder,
        Place::BuiltIn(weights) => {
            let description = voice.metadata.to_toml().into_bytes();
            return vec![
                (DESCRIPTION, From::Memory(description.into())),
                (WEIGHTS, From::Memory((*weights).into())),
            ];
        }
    };
    let names = [DESCRIPTION, WEIGHTS, INDEX];
    let names = names.into_iter().chain(Image::ALL.map(Image::file));
    let files = names.map(|name| (name, folder.join(name)));
    let there = files.filter(|(_, path)| file_bytes(path).is_some());
    there.map(|(name, path)| (name, From::File(path))).collect()
}

/// Reads a file for its size and CRC, which stand before its bytes.
fn measured(name: &'static str, from: From) -> io::Result<Entry> {
    let mut hasher = crc32fast::Hasher::new();
    let mut bytes = 0u64;
    each_piece(&from, |piece| {
        hasher.update(piece);
        bytes += piece.len() as u64;
        Ok(())
    })?;
    let bytes = u32::try_from(bytes).map_err(|_| io::Error::other("a file of 4 GiB or more"))?;
    Ok(Entry {
        name,
        from,
        bytes,
        crc: hasher.finalize(),
        at: 0,
    })
}

fn each_piece(from: &From, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut file = match from {
        From::File(path) => File::open(path)?,
        From::Memory(bytes) => return take(bytes),
    };
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => take(&piece[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A zip archive of stored files (APPNOTE.TXT 6.3.10, PKWARE).
fn write(archive: &mut impl Write, entries: &mut [Entry]) -> io::Result<()> {
    let mut at = 0u64;
    let narrow = |at: u64| u32::try_from(at).map_err(|_| io::Error::other("4 GiB or more"));
    for entry in entries.iter_mut() {
        entry.at = narrow(at)?;
        let mut header = b"PK\x03\x04".to_vec();
        header.extend(entry.common());
        header.extend(entry.name.as_bytes());
        archive.write_all(&header)?;
        let mut written = 0u64;
        let mut hasher = crc32fast::Hasher::new();
        each_piece(&entry.from, |piece| {
            written += piece.len() as u64;
            hasher.update(piece);
            archive.write_all(piece)
        })?;
        if (written, hasher.finalize()) != (u64::from(entry.bytes), entry.crc) {
            return Err(io::Error::other("the voice changed meanwhile"));
        }
        at += header.len() as u64 + written;
    }
    let mut directory = Vec::new();
    for entry in entries.iter() {
        // Made by version 2.0; then no comment, first disk, no attributes.
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(entry.common());
        directory.extend([0; 10]);
        directory.extend(entry.at.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    archive.write_all(&directory)?;
    let count = entries.len() as u16;
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    end.extend(narrow(directory.len() as u64)?.to_le_bytes());
    end.extend(narrow(at)?.to_le_bytes());
    end.extend([0; 2]);
    archive.write_all(&end)
}

impl Entry {
    /// What stands in both headers: version 2.0, no flags, stored, the first day there is, CRC,
    /// sizes, lengths of the name and of nothing more.
    fn common(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(26);
        for half in [20u16, 0, 0, 0, 0x21] {
            bytes.extend(half.to_le_bytes());
        }
        for word in [self.crc, self.bytes, self.bytes] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }
}

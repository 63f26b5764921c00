//! What is to be imported: a checkpoint, an exported voice, or a folder or an archive with one of
//! them in it. Finds the files; links are not followed, what is hidden is left out, and names in
//! archives are compared, never used as paths.

use super::{DESCRIPTION, INDEX, WEIGHTS, limits};
use crate::io::checkpoint::{Checkpoint, CheckpointError, ZipArchive};
use crate::preset::about::{MOST_LABEL, MOST_NAME, clean};
use crate::voice::VoiceError;
use crate::voice::models::{sha256_of, sha256_of_bytes};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Most files that are looked at, and how deep in folders.
const MOST_FILES: usize = 4_096;
const MOST_DEPTH: usize = 3;
/// The most names told of.
const MOST_TOLD: usize = 4;

/// What was found.
pub(super) enum Source {
    /// A checkpoint of another program.
    Checkpoint(Item),
    /// A voice that was exported, or its folder.
    Own(Own),
}

/// The files of a voice of ours.
pub(super) struct Own {
    pub(super) description: Item,
    pub(super) weights: Item,
    pub(super) index: Option<Item>,
    pub(super) images: Vec<Item>,
}

/// A file that was found: its bare name and its place among the others.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    Entry(String),
}

/// Where files are found.
pub(super) enum Files {
    /// On the disk.
    Disk,
    /// In an archive.
    Archive(ZipArchive),
}

/// A source and what was beside it.
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) files: Files,
    /// Indexes in the same folder or archive.
    pub(super) indexes: Vec<Item>,
    /// Whether those belong to this voice, there being no other.
    pub(super) is_alone: bool,
}

impl Item {
    /// A file on the disk.
    pub(super) fn of_path(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: name.to_string_lossy().into_owned(),
            place: Place::File(path.to_owned()),
        }
    }

    fn of_entry(entry: &str) -> Self {
        let name = entry.rsplit(['/', '\\']).next().unwrap_or(entry);
        Self {
            name: name.to_owned(),
            place: Place::Entry(entry.to_owned()),
        }
    }

    /// Its name without what stands behind the last dot.
    pub(super) fn stem(&self) -> &str {
        self.name
            .rsplit_once('.')
            .map_or(self.name.as_str(), |(stem, _)| stem)
    }

    /// The folder it lies in.
    fn folder(&self) -> String {
        match &self.place {
            Place::File(path) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                folder.to_string_lossy().into_owned()
            }
            Place::Entry(entry) => match entry.rsplit_once('/') {
                Some((folder, _)) => folder.to_owned(),
                None => String::new(),
            },
        }
    }

    fn has_extension(&self, wanted: &str) -> bool {
        let extension = self.name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    }

    /// Whether it may be a voice by its name: one of RVC, or of our own.
    fn is_voice(&self) -> bool {
        self.has_extension("pth") || self.has_extension("safetensors")
    }

    fn is_hidden(&self) -> bool {
        self.name.starts_with('.')
            || matches!(&self.place, Place::Entry(entry) if entry.contains("__MACOSX/"))
    }
}

impl Files {
    /// Opens a checkpoint, with the hash of its file.
    pub(super) fn checkpoint(&self, item: &Item) -> Result<(Checkpoint, String), VoiceError> {
        match (&item.place, self) {
            (Place::File(path), _) => {
                let checkpoint = Checkpoint::open(path, &limits())?;
                let (sha256, _) = sha256_of(path).map_err(VoiceError::Read)?;
                Ok((checkpoint, sha256))
            }
            (Place::Entry(entry), Self::Archive(archive)) => {
                let bytes = archive.read(entry)?;
                let sha256 = sha256_of_bytes(&bytes);
                Ok((Checkpoint::from_bytes(bytes, &limits())?, sha256))
            }
            (Place::Entry(_), Self::Disk) => Err(VoiceError::NoVoice),
        }
    }

    /// Reads a file of at most so many bytes; one more where it is longer.
    pub(super) fn read(&self, item: &Item, most: u64) -> Result<Vec<u8>, VoiceError> {
        let mut bytes = Vec::new();
        match (&item.place, self) {
            (Place::File(path), _) => {
                let file = File::open(path).map_err(VoiceError::Read)?;
                let mut bounded = file.take(most + 1);
                bounded.read_to_end(&mut bytes).map_err(VoiceError::Read)?;
            }
            (Place::Entry(entry), Self::Archive(archive)) => {
                let mut bounded = Bounded(&mut bytes, most);
                match archive.copy(entry, &mut bounded) {
                    Err(_) if most < bytes.len() as u64 => {}
                    other => drop(other?),
                }
            }
            (Place::Entry(_), Self::Disk) => return Err(VoiceError::NoVoice),
        }
        Ok(bytes)
    }

    /// A file on the disk with these contents: itself, or one unpacked at `to`.
    pub(super) fn on_disk(&self, item: &Item, to: &Path) -> Result<PathBuf, VoiceError> {
        if let Place::File(path) = &item.place {
            return Ok(path.clone());
        }
        self.copy(item, to)?;
        Ok(to.to_owned())
    }

    /// Copies a file to `to`, where none is.
    pub(super) fn copy(&self, item: &Item, to: &Path) -> Result<(), VoiceError> {
        let mut file = File::create_new(to).map_err(VoiceError::Folder)?;
        match (&item.place, self) {
            (Place::File(path), _) => {
                let mut source = File::open(path).map_err(VoiceError::Read)?;
                io::copy(&mut source, &mut file).map_err(VoiceError::Folder)?;
            }
            (Place::Entry(entry), Self::Archive(archive)) => drop(archive.copy(entry, &mut file)?),
            (Place::Entry(_), Self::Disk) => return Err(VoiceError::NoVoice),
        }
        file.flush().map_err(VoiceError::Folder)
    }
}

/// Takes bytes up to one more than allowed.
struct Bounded<'a>(&'a mut Vec<u8>, u64);

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1 < self.0.len() as u64 {
            return Err(io::Error::other("longer than allowed"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Finds what is to be imported.
pub(super) fn find(path: &Path) -> Result<Found, VoiceError> {
    let metadata = fs::metadata(path).map_err(CheckpointError::Io)?;
    if metadata.is_dir() {
        let mut items = Vec::new();
        collect(path, 0, &mut items)?;
        return choose(items, Files::Disk);
    }
    if let Some(archive) = archive_of_files(path)? {
        let names = archive.names().filter(|name| !name.ends_with('/'));
        let mut items: Vec<Item> = names.map(Item::of_entry).collect();
        items.retain(|item| !item.is_hidden());
        items.sort_by(|a, b| a.name.cmp(&b.name));
        if MOST_FILES < items.len() {
            return Err(VoiceError::TooMany { most: MOST_FILES });
        }
        return choose(items, Files::Archive(archive));
    }
    let mut beside = Vec::new();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // What else is there is a help, no condition.
    let _ = collect(folder.unwrap_or(Path::new(".")), MOST_DEPTH, &mut beside);
    Ok(Found {
        source: Source::Checkpoint(Item::of_path(path)),
        files: Files::Disk,
        indexes: indexes(beside),
        is_alone: false,
    })
}

/// The archive, where the file is one of files, and not a checkpoint, which is an archive too.
fn archive_of_files(path: &Path) -> Result<Option<ZipArchive>, VoiceError> {
    let mut head = [0; 4];
    let mut file = File::open(path).map_err(CheckpointError::Io)?;
    match file.read_exact(&mut head) {
        Ok(()) if head == *b"PK\x03\x04" => {}
        _ => return Ok(None),
    }
    let archive = ZipArchive::open(path, &limits())?;
    let is_checkpoint = |name: &str| name == "data.pkl" || name.ends_with("/data.pkl");
    let has_files = |name: &str| {
        let item = Item::of_entry(name);
        item.is_voice() || item.name == DESCRIPTION
    };
    match archive.names().any(is_checkpoint) || !archive.names().any(has_files) {
        true => Ok(None),
        false => Ok(Some(archive)),
    }
}

/// The files of a folder and those in it, by path.
fn collect(folder: &Path, depth: usize, into: &mut Vec<Item>) -> Result<(), VoiceError> {
    let entries = fs::read_dir(folder).map_err(VoiceError::Read)?;
    let mut paths = Vec::new();
    for entry in entries.flatten() {
        let item = Item::of_path(&entry.path());
        if item.is_hidden() {
            continue;
        }
        // A link is neither.
        match entry.file_type() {
            Ok(kind) if kind.is_file() => into.push(item),
            Ok(kind) if kind.is_dir() && depth < MOST_DEPTH => paths.push(entry.path()),
            _ => {}
        }
        if MOST_FILES < into.len() + paths.len() {
            return Err(VoiceError::TooMany { most: MOST_FILES });
        }
    }
    paths.sort();
    for path in paths {
        collect(&path, depth + 1, into)?;
    }
    into.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// The one voice among these files.
fn choose(items: Vec<Item>, files: Files) -> Result<Found, VoiceError> {
    if let Some(own) = own(&items)? {
        return Ok(Found {
            source: Source::Own(own),
            files,
            indexes: Vec::new(),
            is_alone: true,
        });
    }
    let voices: Vec<&Item> = items.iter().filter(|item| item.is_voice()).collect();
    // What was left of a training beside what came out of it.
    let is_training = |item: &&&Item| item.name.starts_with("G_") || item.name.starts_with("D_");
    let exported: Vec<&Item> = (voices.iter().filter(|item| !is_training(item)).copied()).collect();
    let candidates = if exported.is_empty() {
        &voices
    } else {
        &exported
    };
    match candidates[..] {
        [] => Err(VoiceError::NoVoice),
        [voice] => Ok(Found {
            source: Source::Checkpoint(voice.clone()),
            files,
            indexes: indexes(items),
            is_alone: true,
        }),
        _ => Err(VoiceError::Several {
            names: (candidates.iter().take(MOST_TOLD))
                .map(|item| clean(&item.name, MOST_NAME))
                .collect(),
        }),
    }
}

/// A voice of ours among these files: all of it in one folder.
fn own(items: &[Item]) -> Result<Option<Own>, VoiceError> {
    let is_weights = |item: &&Item| item.name == WEIGHTS;
    let weights: Vec<&Item> = items.iter().filter(is_weights).collect();
    let folder = match weights[..] {
        [] => return Ok(None),
        [weights] => weights.folder(),
        _ => {
            let folders = weights.iter().take(MOST_TOLD).map(|item| item.folder());
            return Err(VoiceError::Several {
                names: folders.map(|folder| clean(&folder, MOST_LABEL)).collect(),
            });
        }
    };
    let beside = || items.iter().filter(|item| item.folder() == folder);
    let named = |name: &str| beside().find(|item| item.name == name).cloned();
    let (Some(description), Some(weights)) = (named(DESCRIPTION), named(WEIGHTS)) else {
        return Ok(None);
    };
    Ok(Some(Own {
        description,
        weights,
        index: named(INDEX),
        images: beside()
            .filter(|item| item.stem() == "image")
            .cloned()
            .collect(),
    }))
}

/// Those that are indexes by their names; of trained and added ones those that were added to.
fn indexes(items: Vec<Item>) -> Vec<Item> {
    let is_index = |item: &Item| item.has_extension("index") && !item.name.starts_with("trained_");
    items.into_iter().filter(is_index).collect()
}

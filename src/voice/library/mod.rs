//! The voices there are: one folder each in one folder, with a description, the weights, and where
//! there are some an index and a picture. Everything in there is read as a stranger's. Nobody
//! watches the folder: what is asked for is looked up anew. Worker threads and the command line;
//! it allocates and waits for disks.

mod export;
mod import;
mod source;

pub use import::{Import, Imported, IndexChoice, Note};

use super::image::Image;
use super::index::VoiceIndex;
use super::metadata::{self, Metadata, VoiceModel};
use super::starters::Starters;
use super::tensors::{TensorsError, pick, read_tensors};
use super::{VoiceError, rvc};
use crate::io::checkpoint::{Checkpoint, CheckpointError, Limits, TensorRef};
use crate::io::{folders, read_document};
use crate::nn::Weights;
use crate::preset::VoiceRef;
use crate::preset::about::{MOST_NAME, clean};
use crate::preset::library::folded;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Most voices of a folder that are read.
pub const MOST_VOICES: usize = 4_096;

/// The files of a voice.
pub(super) const DESCRIPTION: &str = "voice.toml";
pub(super) const WEIGHTS: &str = "voice.safetensors";
pub(super) const INDEX: &str = "index.safetensors";

/// What the file of a voice may ask for: an order of magnitude more than any of RVC's.
pub(super) fn limits() -> Limits {
    Limits {
        tensor_bytes: 2 << 30,
        tensors: 10_000,
        ..Limits::default()
    }
}

/// Where a voice is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In this folder of a library.
    Folder(PathBuf),
    /// In the program: the bytes of its weights' file.
    BuiltIn(&'static [u8]),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::BuiltIn(file) => write!(f, "{} bytes built in", file.len()),
        }
    }
}

/// A voice of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// What is known of it.
    pub metadata: Metadata,
    /// Where it is.
    pub place: Place,
    /// Its index, where it has one; [`Library::open_index`] opens it.
    pub index: Option<PathBuf>,
    /// Its picture, where it has one: PNG, JPEG or WebP by its first bytes, not decoded yet.
    pub image: Option<PathBuf>,
    /// Bytes of its files together.
    pub bytes: u64,
}

impl Voice {
    /// How presets name it.
    #[must_use]
    pub fn reference(&self) -> VoiceRef {
        VoiceRef {
            name: self.metadata.name.clone(),
            sha256: Some(self.metadata.sha256.clone()),
        }
    }

    /// Its folder; `None` for one that is built in.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            Place::BuiltIn(_) => None,
        }
    }

    /// Whether it came with the program.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.folder().is_none()
    }

    /// Opens the file of its weights.
    fn open(&self) -> Result<Checkpoint, CheckpointError> {
        match &self.place {
            Place::Folder(folder) => Checkpoint::open(&folder.join(WEIGHTS), &limits()),
            Place::BuiltIn(file) => Checkpoint::from_bytes(file.to_vec(), &limits()),
        }
    }
}

/// A folder that is no voice that can be used.
#[derive(Debug)]
pub struct Damaged {
    /// The folder.
    pub folder: PathBuf,
    /// What is wrong with it.
    pub error: VoiceError,
}

/// What is in the library.
#[derive(Debug, Default)]
pub struct Listing {
    /// Voices by name.
    pub voices: Vec<Voice>,
    /// Folders that are none, by path.
    pub damaged: Vec<Damaged>,
}

/// The folder of voices, and those that are in the program.
///
/// Of two voices of one name the user's own is meant, unless a hash says otherwise. A voice of the
/// program that the user has imported, too, is one voice.
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    folder: PathBuf,
    starters: Starters,
}

impl Library {
    /// The library of the user, with the voices that ship.
    ///
    /// # Errors
    /// [`VoiceError::NoHome`]. A folder that is not there holds no voices, and is no error.
    pub fn of_user() -> Result<Self, VoiceError> {
        Ok(Self::open(&folders::voices()?).with(Starters::shipped()))
    }

    /// The library in this folder, which need not be there, and nothing beside it.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            starters: Starters::default(),
        }
    }

    /// The same beside these voices of the program.
    #[must_use]
    pub fn with(self, starters: Starters) -> Self {
        Self { starters, ..self }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every voice there is, and what is damaged. Reads descriptions and headers, no weights.
    #[must_use]
    pub fn list(&self) -> Listing {
        let mut listing = self.own();
        let own = &listing.voices;
        let has = |starter: &&Voice| {
            let sha256 = &starter.metadata.sha256;
            own.iter().any(|voice| voice.metadata.sha256 == *sha256)
        };
        let starters = self.starters.voices().iter();
        let starters: Vec<Voice> = starters.filter(|voice| !has(voice)).cloned().collect();
        listing.voices.extend(starters);
        // The user's own stay before others of their name.
        (listing.voices).sort_by_cached_key(|voice| folded(&voice.metadata.name));
        listing
    }

    /// What is in the folder, by path.
    fn own(&self) -> Listing {
        let mut listing = Listing::default();
        for folder in self.folders(&mut listing.damaged) {
            match read_voice(&folder) {
                Ok(voice) => listing.voices.push(voice),
                Err(error) => listing.damaged.push(Damaged { folder, error }),
            }
        }
        listing
    }

    /// The voice a preset names: the one with its hash, else the one with its name, in any case.
    /// Reads descriptions, and no more than that but of the voice itself: the main thread of a host
    /// waits for it.
    #[must_use]
    pub fn find(&self, wanted: &VoiceRef) -> Option<Voice> {
        let name = folded(&wanted.name);
        let near = |folder: PathBuf| {
            let (metadata, _) = read_description(&folder).ok()?;
            let has_hash = Some(&metadata.sha256) == wanted.sha256.as_ref();
            let its_name = folded(&metadata.name);
            (has_hash || its_name == name).then_some((!has_hash, its_name, folder))
        };
        let folders = self.folders(&mut Vec::new()).into_iter();
        let mut near: Vec<_> = folders.filter_map(near).collect();
        // As they are listed; those with its hash first.
        near.sort();
        let is_other = near.partition_point(|(is_other, ..)| !is_other);
        let (with_hash, others) = near.split_at(is_other);
        let own = |near: &[(bool, String, PathBuf)]| {
            near.iter().find_map(|(.., folder)| read_voice(folder).ok())
        };
        let starter = |is_it: &dyn Fn(&Metadata) -> bool| {
            let mut starters = self.starters.voices().iter();
            starters.find(|voice| is_it(&voice.metadata)).cloned()
        };
        own(with_hash)
            .or_else(|| starter(&|known| Some(&known.sha256) == wanted.sha256.as_ref()))
            .or_else(|| own(others))
            .or_else(|| starter(&|known| folded(&known.name) == name))
    }

    /// The voice of this name, in any case.
    ///
    /// # Errors
    /// [`VoiceError::Unknown`], with a name that is near where there is one. The error of a
    /// damaged voice where its folder has that name.
    pub fn named(&self, name: &str) -> Result<Voice, VoiceError> {
        let Listing { voices, damaged } = self.list();
        let wanted = folded(name);
        let names = || voices.iter().map(|voice| folded(&voice.metadata.name));
        if let Some(at) = names().position(|name| name == wanted) {
            return Ok(voices.into_iter().nth(at).expect("just found there"));
        }
        let is_called = |damaged: &Damaged| {
            let folder = damaged.folder.file_name().unwrap_or_default();
            folded(&folder.to_string_lossy()) == wanted
        };
        if let Some(damaged) = damaged.into_iter().find(is_called) {
            return Err(damaged.error);
        }
        let near: [fn(&str, &str) -> bool; 3] = [
            |name, wanted| name.starts_with(wanted),
            |name, wanted| name.contains(wanted),
            |name, wanted| wanted.contains(name),
        ];
        let mut near = (near.iter().filter(|_| !wanted.is_empty()))
            .filter_map(|is_near| names().position(|name| is_near(&name, &wanted)));
        Err(VoiceError::Unknown {
            name: clean(name, MOST_NAME),
            near: near.next().map(|at| voices[at].metadata.name.clone()),
        })
    }

    /// Loads a voice's weights in single precision, under the names of its file; those of RVC have
    /// their weight norm still in two parts.
    ///
    /// # Errors
    /// [`VoiceError::Weights`] when the file is damaged or memory is short.
    pub fn load(voice: &Voice) -> Result<Weights, VoiceError> {
        let read = || -> Result<Weights, TensorsError> {
            let checkpoint = voice.open()?;
            let tensors = tensors_of(&voice.metadata.model, &checkpoint)?;
            let mut loaded = Vec::with_capacity(tensors.len());
            for tensor in tensors {
                for (name, tensor) in read_tensors(&checkpoint, &[tensor])? {
                    loaded.push((name, tensor.shape.clone(), tensor.into_f32()));
                }
            }
            Ok(Weights::new(loaded).expect("a tensor has as many values as its shape says"))
        };
        read().map_err(VoiceError::Weights)
    }

    /// Opens a voice's index, where it has one.
    ///
    /// # Errors
    /// [`VoiceError::Index`] when it is damaged or of another version.
    pub fn open_index(voice: &Voice) -> Result<Option<VoiceIndex>, VoiceError> {
        let (Some(path), Some(config)) = (&voice.index, voice.metadata.model.rvc()) else {
            return Ok(None);
        };
        let opened = VoiceIndex::open(path, config.version);
        opened.map(Some).map_err(|error| VoiceError::Index {
            file: INDEX.to_owned(),
            error,
        })
    }

    /// Removes a voice: all of its folder. It is gone at once, or as it was.
    ///
    /// # Errors
    /// [`VoiceError::Folder`]; [`VoiceError::BuiltIn`] for one that came with the program.
    pub fn remove(&self, voice: &Voice) -> Result<(), VoiceError> {
        match voice.folder() {
            Some(folder) => self.discard(folder).map_err(VoiceError::Folder),
            None => Err(VoiceError::BuiltIn {
                name: voice.metadata.name.clone(),
            }),
        }
    }

    /// Takes a folder out of sight and removes it. What cannot be removed now goes later.
    fn discard(&self, folder: &Path) -> io::Result<()> {
        let mut hidden = tempfile::Builder::new();
        let hidden = hidden.prefix(REMOVED).tempdir_in(&self.folder)?;
        fs::rename(folder, hidden.path().join("voice"))
        // The hidden folder goes with its guard.
    }

    /// Removes what interrupted imports and removals left.
    fn tidy(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Another process may be at work on it, but not for an hour.
            let is_old = || {
                let modified = entry.metadata().and_then(|metadata| metadata.modified());
                let age = modified.ok().and_then(|at| at.elapsed().ok());
                age.is_some_and(|age| 3_600 < age.as_secs())
            };
            let is_ours = name.starts_with(REMOVED) || name.starts_with(IMPORTING);
            if is_ours && is_old() {
                // It may be in use on Windows; the next import tries again.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Folders that may be voices, by path: no links, nothing hidden.
    fn folders(&self, damaged: &mut Vec<Damaged>) -> Vec<PathBuf> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    damaged.push(Damaged {
                        folder: self.folder.clone(),
                        error: VoiceError::Read(error),
                    });
                }
                return Vec::new();
            }
        };
        let folders = entries.filter_map(Result::ok).filter(|entry| {
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_dir())
        });
        let folders = folders.map(|entry| entry.path());
        let mut folders: Vec<PathBuf> = folders.take(MOST_VOICES + 1).collect();
        if MOST_VOICES < folders.len() {
            folders.truncate(MOST_VOICES);
            damaged.push(Damaged {
                folder: self.folder.clone(),
                error: VoiceError::Full { most: MOST_VOICES },
            });
        }
        folders.sort();
        folders
    }
}

/// What folders begin with that are being made or removed.
const IMPORTING: &str = ".import-";
const REMOVED: &str = ".removed-";

/// The size of a file that is one, and no link to one.
fn file_bytes(path: &Path) -> Option<u64> {
    let metadata = path.symlink_metadata().ok()?;
    metadata.is_file().then_some(metadata.len())
}

fn missing(file: &str) -> VoiceError {
    let found = format!("no file {file}");
    VoiceError::Read(io::Error::new(io::ErrorKind::NotFound, found))
}

/// Reads a voice's description; with it, how many bytes it has.
fn read_description(folder: &Path) -> Result<(Metadata, u64), VoiceError> {
    let path = folder.join(DESCRIPTION);
    let bytes = file_bytes(&path).ok_or_else(|| missing(DESCRIPTION))?;
    let text = read_document(&path, metadata::MOST_BYTES).map_err(VoiceError::of_description)?;
    Ok((Metadata::from_toml(&text)?, bytes))
}

/// The tensors that a voice's network needs, out of those of its file.
fn tensors_of(
    model: &VoiceModel,
    checkpoint: &Checkpoint,
) -> Result<Vec<(String, TensorRef)>, TensorsError> {
    let found = checkpoint.tensors("").collect();
    match model {
        VoiceModel::Rvc(config) => rvc::pick(config, found),
        VoiceModel::Ddsp(voice) => pick(voice.tensors(), found),
    }
}

/// Reads a voice's description and holds the names and shapes of its weights against it.
fn read_voice(folder: &Path) -> Result<Voice, VoiceError> {
    let path = |file: &str| folder.join(file);
    let (metadata, described) = read_description(folder)?;
    let weights = file_bytes(&path(WEIGHTS)).ok_or_else(|| missing(WEIGHTS))?;
    let checkpoint = Checkpoint::open(&path(WEIGHTS), &limits())
        .map_err(|error| VoiceError::Weights(error.into()))?;
    tensors_of(&metadata.model, &checkpoint).map_err(VoiceError::Weights)?;
    let with_size = |file: &str| Some((path(file), file_bytes(&path(file))?));
    let index = with_size(INDEX);
    let image = Image::ALL.iter().find_map(|image| with_size(image.file()));
    let size_of = |file: &Option<(PathBuf, u64)>| file.as_ref().map_or(0, |(_, bytes)| *bytes);
    Ok(Voice {
        metadata,
        place: Place::Folder(folder.to_owned()),
        bytes: described + weights + size_of(&index) + size_of(&image),
        index: index.map(|(path, _)| path),
        image: image.map(|(path, _)| path),
    })
}

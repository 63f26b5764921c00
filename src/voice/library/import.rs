//! How a voice comes into the library: it is built in a hidden folder beside the others, which
//! takes its name when it is complete. A voice it replaces stays until then.

use super::source::{Files, Found, Item, Own, Source};
use super::{
    DESCRIPTION, IMPORTING, INDEX, Library, MOST_VOICES, Voice, WEIGHTS, read_voice, source,
    tensors_of,
};
use crate::io::checkpoint::{Tensor, write_safetensors};
use crate::io::{Existing, write_document};
use crate::model::retrieval::IndexData as _;
use crate::model::rvc::Version;
use crate::preset::about::{MOST_COMMENT, MOST_LABEL, MOST_NAME, clean};
use crate::preset::library::{folded, portable_stem};
use crate::voice::VoiceError;
use crate::voice::image::{self, Image};
use crate::voice::index::{self, IndexError, VoiceIndex};
use crate::voice::metadata::{self, Metadata, VoiceModel, written_time};
use crate::voice::tensors::read_tensors;
use crate::voice::{ddsp, rvc};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is to be imported beside the file, and how.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// What to call it; by default as its file, or as it was called where it was exported.
    pub name: Option<String>,
    /// Which index goes with it.
    pub index: IndexChoice,
    /// Its picture: PNG, JPEG or WebP.
    pub image: Option<PathBuf>,
    /// Who made it, where its file does not say.
    pub author: Option<String>,
    /// How it may be used.
    pub licence: Option<String>,
    /// What the user should know.
    pub notes: Option<String>,
    /// Whether a voice of this name may be replaced.
    pub replace: bool,
}

/// Which index goes with a voice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IndexChoice {
    /// The one that lies beside it: in a folder or an archive the only `added_*.index`, beside a
    /// file the only one whose name holds the voice's.
    #[default]
    Beside,
    /// This one.
    File(PathBuf),
    /// None.
    None,
}

/// A voice that was imported.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The voice.
    pub voice: Voice,
    /// What the user should know.
    pub notes: Vec<Note>,
}

/// What the user should know of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An index was found and taken.
    IndexTaken {
        /// Its file.
        file: String,
    },
    /// An index was found and cannot be used; the voice goes without.
    IndexLeft {
        /// Its file.
        file: String,
        /// Why.
        error: String,
    },
    /// There are several; none was taken.
    Indexes {
        /// Their files.
        files: Vec<String>,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IndexTaken { file } => {
                write!(
                    f,
                    "took the index {file} beside it (--no-index leaves it out)"
                )
            }
            Self::IndexLeft { file, error } => {
                write!(f, "left out the index {file} beside it: {error}")
            }
            Self::Indexes { files } => write!(
                f,
                "found several indexes and took none: {}; choose with --index",
                files.join(", ")
            ),
        }
    }
}

impl Library {
    /// Imports a voice from a checkpoint, from what [`Library::export`] wrote, or from a folder or
    /// a zip archive that holds one of these. Complete or not at all: a failure changes nothing.
    ///
    /// # Errors
    /// [`VoiceError`]: what the file is instead, or what cannot be written.
    pub fn import(&self, path: &Path, options: &Import) -> Result<Imported, VoiceError> {
        let Found {
            source,
            files,
            indexes,
            is_alone,
        } = source::find(path)?;
        let mut new = match &source {
            Source::Checkpoint(item) => New::of_checkpoint(&files, item)?,
            Source::Own(own) => New::of_own(&files, own)?,
        };
        new.describe(options)?;
        if let Some(path) = &options.image {
            new.image = Some(image::read(path)?);
        }
        let replaced = self.same_name(&new.metadata.name);
        if !options.replace
            && let Some(there) = replaced.first()
        {
            let name = there.metadata.name.clone();
            return Err(VoiceError::Exists { name });
        }
        fs::create_dir_all(&self.folder).map_err(VoiceError::Folder)?;
        self.tidy();
        let making = self.hidden_folder()?;
        let mut notes = Vec::new();
        let index = match (&options.index, &source) {
            (IndexChoice::None, _) => None,
            (IndexChoice::File(path), _) => Some((Item::of_path(path), true)),
            (IndexChoice::Beside, Source::Own(own)) => own.index.clone().map(|item| (item, true)),
            // Nor is one looked for where none is used.
            (IndexChoice::Beside, _) if new.metadata.model.rvc().is_none() => None,
            (IndexChoice::Beside, Source::Checkpoint(item)) => {
                beside(item, &indexes, is_alone, &mut notes).map(|item| (item, false))
            }
        };
        let index = index.as_ref().map(|(item, is_meant)| (item, *is_meant));
        new.write(making.path(), &files, index, &mut notes)?;
        let folder = self.give_name(making, &new.metadata.name)?;
        self.replace(&folder, &replaced)?;
        Ok(Imported {
            voice: read_voice(&folder)?,
            notes,
        })
    }

    /// The user's voices of this name, in any case.
    fn same_name(&self, name: &str) -> Vec<Voice> {
        let wanted = folded(name);
        let mut voices = self.own().voices;
        voices.retain(|voice| folded(&voice.metadata.name) == wanted);
        voices
    }

    fn hidden_folder(&self) -> Result<tempfile::TempDir, VoiceError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(IMPORTING);
        #[cfg(unix)]
        {
            // The default is for secrets; a voice gets what the umask leaves.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o777));
        }
        let made = builder.tempdir_in(&self.folder);
        made.map_err(VoiceError::Folder)
    }

    /// Gives a complete folder a name that none has.
    fn give_name(&self, made: tempfile::TempDir, name: &str) -> Result<PathBuf, VoiceError> {
        let stem = portable_stem(name, "voice");
        for number in 1..=MOST_VOICES {
            let folder = match number {
                1 => self.folder.join(&stem),
                _ => self.folder.join(format!("{stem}-{number}")),
            };
            if folder.symlink_metadata().is_ok() {
                continue;
            }
            fs::rename(made.path(), &folder).map_err(VoiceError::Folder)?;
            // It has moved; there is nothing left to remove.
            let _ = made.keep();
            return Ok(folder);
        }
        Err(VoiceError::Full { most: MOST_VOICES })
    }

    /// Takes away what a new voice replaces, or the new one where that fails.
    fn replace(&self, new: &Path, replaced: &[Voice]) -> Result<(), VoiceError> {
        for folder in replaced.iter().filter_map(Voice::folder) {
            if let Err(error) = self.discard(folder) {
                let _ = self.discard(new);
                return Err(VoiceError::Folder(error));
            }
        }
        Ok(())
    }
}

/// A voice about to be written.
struct New {
    metadata: Metadata,
    tensors: Vec<(String, Tensor)>,
    image: Option<(Image, Vec<u8>)>,
}

impl New {
    fn of_checkpoint(files: &Files, item: &Item) -> Result<Self, VoiceError> {
        let (checkpoint, sha256) = files.checkpoint(item)?;
        let of_file = Some(clean(item.stem(), MOST_NAME)).filter(|name| !name.is_empty());
        let (metadata, tensors) = match ddsp::is_ours(&checkpoint) {
            true => {
                let voice = ddsp::read(&checkpoint)?;
                let tensors = read_tensors(&checkpoint, &voice.tensors);
                let mut metadata = Metadata::of_described(voice.described, sha256);
                if metadata.name.is_empty() {
                    metadata.name = of_file.unwrap_or_default();
                }
                (metadata, tensors.map_err(ddsp::DdspError::from)?)
            }
            false => {
                let voice = rvc::read(&checkpoint)?;
                let tensors = read_tensors(&checkpoint, &voice.tensors);
                let metadata = Metadata {
                    name: of_file.or(voice.name).unwrap_or_default(),
                    author: voice.author,
                    licence: String::new(),
                    notes: String::new(),
                    info: voice.info,
                    consent: String::new(),
                    sha256,
                    source: String::new(),
                    imported: String::new(),
                    model: VoiceModel::Rvc(voice.config),
                };
                (metadata, tensors.map_err(rvc::RvcError::from)?)
            }
        };
        Ok(Self {
            metadata: Metadata {
                source: clean(&item.name, MOST_LABEL),
                imported: written_time(SystemTime::now()),
                ..metadata
            },
            tensors,
            image: None,
        })
    }

    fn of_own(files: &Files, own: &Own) -> Result<Self, VoiceError> {
        let text = files.read(&own.description, metadata::MOST_BYTES as u64)?;
        let text = String::from_utf8_lossy(&text);
        let metadata = Metadata::from_toml(&text)?;
        let opened = files.checkpoint(&own.weights);
        let (checkpoint, _) = opened.map_err(|error| match error {
            VoiceError::Rvc(rvc::RvcError::Checkpoint(error)) => VoiceError::Weights(error.into()),
            other => other,
        })?;
        let tensors = tensors_of(&metadata.model, &checkpoint)
            .and_then(|tensors| read_tensors(&checkpoint, &tensors))
            .map_err(VoiceError::Weights)?;
        let image = match own.images.first() {
            Some(item) => Some(image::check(files.read(item, image::MOST_BYTES)?)?),
            None => None,
        };
        Ok(Self {
            metadata,
            tensors,
            image,
        })
    }

    /// What the user says of it instead.
    fn describe(&mut self, options: &Import) -> Result<(), VoiceError> {
        let metadata = &mut self.metadata;
        for (written, kept, most) in [
            (&options.name, &mut metadata.name, MOST_NAME),
            (&options.author, &mut metadata.author, MOST_LABEL),
            (&options.licence, &mut metadata.licence, MOST_LABEL),
            (&options.notes, &mut metadata.notes, MOST_COMMENT),
        ] {
            if let Some(written) = written {
                *kept = clean(written, most);
            }
        }
        match metadata.name.is_empty() {
            true => Err(VoiceError::NoName),
            false => Ok(()),
        }
    }

    /// Writes everything into a folder. `index`: the file, and whether the voice must not go
    /// without it.
    fn write(
        &self,
        folder: &Path,
        files: &Files,
        index: Option<(&Item, bool)>,
        notes: &mut Vec<Note>,
    ) -> Result<(), VoiceError> {
        // A file of ours says what it is wherever it goes.
        let texts = match self.metadata.described() {
            Some(described) => described.texts(),
            None => BTreeMap::from([("engine".to_owned(), self.metadata.engine().to_owned())]),
        };
        write_safetensors(&folder.join(WEIGHTS), &self.tensors, &texts)?;
        if let Some((image, bytes)) = &self.image {
            fs::write(folder.join(image.file()), bytes).map_err(VoiceError::Folder)?;
        }
        if let Some((item, is_meant)) = index {
            let file = clean(&item.name, MOST_LABEL);
            match (self.bring_index(folder, files, item), is_meant) {
                (Ok(()), true) => {}
                (Ok(()), false) => notes.push(Note::IndexTaken { file }),
                (Err(error), true) => return Err(error),
                (Err(error), false) => notes.push(Note::IndexLeft {
                    file,
                    error: error.to_string(),
                }),
            }
        }
        // The description comes last: a folder without one is no voice.
        let description = folder.join(DESCRIPTION);
        write_document(&description, &self.metadata.to_toml(), Existing::Keep)?;
        Ok(())
    }

    /// Brings an index to [`INDEX`]: converts one of faiss, checks one of ours.
    fn bring_index(&self, folder: &Path, files: &Files, item: &Item) -> Result<(), VoiceError> {
        let file = || clean(&item.name, MOST_LABEL);
        let Some(config) = self.metadata.model.rvc() else {
            return Err(VoiceError::NeedlessIndex { file: file() });
        };
        let version = config.version;
        let named = |error| VoiceError::Index {
            file: file(),
            error,
        };
        let to = folder.join(INDEX);
        if item.name == INDEX {
            files.copy(item, &to)?;
            return check_index(&to, version).map_err(named);
        }
        let unpacked = folder.join(".index");
        let source = files.on_disk(item, &unpacked)?;
        let imported = index::import(&source, &to, version, |_, _| ());
        if source == unpacked {
            fs::remove_file(&unpacked).map_err(VoiceError::Folder)?;
        }
        imported.map(drop).map_err(named)
    }
}

/// Holds an index of ours against what one may be: a stranger may have made it.
fn check_index(path: &Path, version: Version) -> Result<(), IndexError> {
    let index = VoiceIndex::open(path, version)?;
    let view = index.view();
    let is_finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    match is_finite(view.centroids) && is_finite(view.vectors) {
        true => Ok(()),
        false => Err(IndexError::NotOurs {
            found: "values that are no numbers".to_owned(),
        }),
    }
}

/// The index that belongs to a voice, of those beside it.
fn beside(voice: &Item, indexes: &[Item], is_alone: bool, notes: &mut Vec<Note>) -> Option<Item> {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let name = plain(voice.stem());
    let is_named = |item: &&Item| !name.is_empty() && plain(item.stem()).contains(&name);
    let named: Vec<&Item> = indexes.iter().filter(is_named).collect();
    let candidates = match (is_alone, &named[..]) {
        (true, []) => indexes.iter().collect(),
        _ => named,
    };
    match candidates[..] {
        [] => None,
        [item] => Some(item.clone()),
        _ => {
            let files = candidates.iter().map(|item| clean(&item.name, MOST_LABEL));
            notes.push(Note::Indexes {
                files: files.take(4).collect(),
            });
            None
        }
    }
}

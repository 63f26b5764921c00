//! The weights that a new voice begins from: a base and its content encoder, in the program or in
//! files, and where they are looked for. Worker threads and the command line: it waits for disks.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::io::checkpoint::{Checkpoint, CheckpointError, Limits};
use crate::voice::ddsp::ENCODER_FILE;
use crate::voice::models::sha256_of_bytes;
use crate::voice::shipped;

/// The name of a base in a folder of models.
pub const BASE_FILE: &str = "base.safetensors";
/// Where recipes put weights, below the folder they run in.
const RECIPES: &str = "models";

/// Where a file of weights is.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// Here.
    File(PathBuf),
    /// In the program.
    BuiltIn(&'static [u8]),
}

impl From<PathBuf> for Given {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::BuiltIn(_) => f.write_str("the one in AutoVoice"),
        }
    }
}

/// Without the bytes.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Given {
    pub(super) fn open(&self) -> Result<Checkpoint, CheckpointError> {
        match self {
            Self::File(path) => Checkpoint::open(path, &Limits::default()),
            Self::BuiltIn(bytes) => Checkpoint::from_bytes(bytes.to_vec(), &Limits::default()),
        }
    }

    pub(super) fn sha256(&self) -> std::io::Result<String> {
        match self {
            Self::File(path) => super::sha256(path),
            Self::BuiltIn(bytes) => Ok(sha256_of_bytes(bytes)),
        }
    }
}

/// A base and its encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// The base.
    pub base: Given,
    /// The encoder that it was made with.
    pub encoder: Given,
}

/// There is no base to begin from.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected {BASE_FILE} and {ENCODER_FILE} in AutoVoice or in one of the folders {}, found none",
    list(folders)
)]
pub struct WeightsMissing {
    /// Where they were looked for.
    pub folders: Vec<PathBuf>,
}

fn list(folders: &[PathBuf]) -> String {
    let folders: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    folders.join(" and ")
}

impl WeightsMissing {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        "use an AutoVoice that has them, put both files there, or make them with `autovoice train \
         base`"
    }
}

impl Weights {
    /// Those that training begins from where nobody names others: both in the user's folder of
    /// models, both in the program, or both where recipes put them. Never one from here and one
    /// from there, for they belong together.
    ///
    /// # Errors
    /// [`WeightsMissing`].
    pub fn find(models: Option<&Path>) -> Result<Self, WeightsMissing> {
        let built_in = shipped::BASE.zip(shipped::ENCODER);
        Self::among(models, built_in, Path::new(RECIPES))
    }

    fn among(
        models: Option<&Path>,
        built_in: Option<(&'static [u8], &'static [u8])>,
        recipes: &Path,
    ) -> Result<Self, WeightsMissing> {
        let of_folder = |folder: &Path| {
            let [base, encoder] = [BASE_FILE, ENCODER_FILE].map(|file| folder.join(file));
            (base.is_file() && encoder.is_file()).then(|| Self {
                base: base.into(),
                encoder: encoder.into(),
            })
        };
        let in_program = || {
            let (base, encoder) = built_in?;
            Some(Self {
                base: Given::BuiltIn(base),
                encoder: Given::BuiltIn(encoder),
            })
        };
        models
            .and_then(of_folder)
            .or_else(in_program)
            .or_else(|| of_folder(recipes))
            .ok_or_else(|| WeightsMissing {
                folders: models
                    .into_iter()
                    .chain([recipes])
                    .map(Path::to_owned)
                    .collect(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_come_from_one_place_and_the_users_own_come_first() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let [models, recipes] = ["a", "b"].map(|name| home.path().join(name));
        let put = |folder: &Path, file: &str| {
            std::fs::create_dir_all(folder).expect("writable");
            std::fs::write(folder.join(file), b"weights").expect("writable");
        };
        let built_in: Option<(&[u8], &[u8])> = Some((b"base", b"encoder"));
        let of = |folder: &Path| Weights {
            base: folder.join(BASE_FILE).into(),
            encoder: folder.join(ENCODER_FILE).into(),
        };
        let missing = Weights::among(Some(&models), None, &recipes).expect_err("nothing is there");
        assert!(missing.to_string().contains(&*models.to_string_lossy()));
        put(&models, BASE_FILE);
        put(&recipes, ENCODER_FILE);
        assert!(Weights::among(Some(&models), None, &recipes).is_err());
        put(&recipes, BASE_FILE);
        let found = Weights::among(Some(&models), None, &recipes);
        assert_eq!(found, Ok(of(&recipes)));
        let found = Weights::among(Some(&models), built_in, &recipes).expect("in the program");
        assert_eq!(found.base, Given::BuiltIn(b"base"));
        put(&models, ENCODER_FILE);
        let found = Weights::among(Some(&models), built_in, &recipes);
        assert_eq!(found, Ok(of(&models)));
    }

    #[test]
    fn what_ships_is_whole() {
        assert!(shipped::BASE.is_none() || shipped::ENCODER.is_some());
    }
}

//! The weights that a new voice begins from: a base and its content encoder, in the program or in
//! files, and where they are looked for. Worker threads and the command line: it waits for disks.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::TrainError;
use super::state::Found;
use crate::io::checkpoint::{Checkpoint, CheckpointError, Layout, Limits};
use crate::model::ddsp::EncoderConfig;
use crate::voice::ddsp::ENCODER_FILE;
use crate::voice::models::sha256_of_bytes;
use crate::voice::shipped;

/// The name of a base in a folder of models.
pub const BASE_FILE: &str = "base.safetensors";

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
    fn open(&self) -> Result<Checkpoint, CheckpointError> {
        match self {
            Self::File(path) => Checkpoint::open(path, &Limits::default()),
            Self::BuiltIn(bytes) => Checkpoint::from_bytes(bytes.to_vec(), &Limits::default()),
        }
    }

    /// Its tensors, and what it says of itself.
    pub(super) fn read(&self) -> Result<(Found, BTreeMap<String, String>), TrainError> {
        let file = self.open()?;
        let texts = match file.layout() {
            Layout::Safetensors(texts) => texts.clone(),
            _ => return Err(TrainError::Base(format!("another kind of file: {self}"))),
        };
        Ok((Found::read(&file)?, texts))
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

impl Weights {
    /// Those that training begins from where nobody names others: both in the user's folder of
    /// models, or both in the program. Never one from here and one from there, for they belong
    /// together.
    #[must_use]
    pub fn find(models: Option<&Path>) -> Self {
        let of_folder = |folder: &Path| {
            let [base, encoder] = [BASE_FILE, ENCODER_FILE].map(|file| folder.join(file));
            (base.is_file() && encoder.is_file()).then(|| Self {
                base: base.into(),
                encoder: encoder.into(),
            })
        };
        models.and_then(of_folder).unwrap_or(Self {
            base: Given::BuiltIn(shipped::BASE),
            encoder: Given::BuiltIn(shipped::ENCODER),
        })
    }
}

/// The shape of a tensor of two or three dimensions; taps are 1 where there are none.
pub(super) fn shape(found: &Found, name: &str) -> Result<[usize; 3], TrainError> {
    match found.shape(name) {
        Some([outs, ins]) => Ok([*outs, *ins, 1]),
        Some([outs, ins, taps]) => Ok([*outs, *ins, *taps]),
        _ => Err(TrainError::Base(format!("a file without {name}"))),
    }
}

/// The dilations that a file of ours says its blocks have.
pub(super) fn dilations(texts: &BTreeMap<String, String>) -> Result<Vec<usize>, TrainError> {
    let text = texts.get("dilations").map(String::as_str);
    let found = serde_json::from_str::<Vec<usize>>(text.unwrap_or_default());
    found.map_err(|_| TrainError::Base("a file without dilations".to_owned()))
}

/// The sizes of an encoder in a file.
pub(super) fn encoder_of(
    encoder: &Found,
    texts: &BTreeMap<String, String>,
) -> Result<EncoderConfig, TrainError> {
    let [width, _, taps] = shape(encoder, "encoder.input.weight")?;
    let [content, _, _] = shape(encoder, "encoder.content.weight")?;
    Ok(EncoderConfig {
        ahead: taps / 2,
        width,
        dilations: dilations(texts)?,
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_come_from_one_place_and_the_users_own_come_first() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let found = Weights::find(Some(home.path()));
        assert_eq!(found, Weights::find(None));
        assert_eq!(found.base, Given::BuiltIn(shipped::BASE));
        std::fs::write(home.path().join(BASE_FILE), b"weights").expect("writable");
        assert_eq!(Weights::find(Some(home.path())), found, "half of them");
        std::fs::write(home.path().join(ENCODER_FILE), b"weights").expect("writable");
        let found = Weights::find(Some(home.path()));
        assert_eq!(found.base, home.path().join(BASE_FILE).into());
        assert_eq!(found.encoder, home.path().join(ENCODER_FILE).into());
    }
}

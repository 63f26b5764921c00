//! The voices that ship with the program: in its binary, so that they are there at first start and
//! cannot be lost. Read once for a process. Worker threads and the command line; it allocates.

use super::library::{Place, Voice, limits};
use super::metadata::Metadata;
use super::models::sha256_of_bytes;
use super::{VoiceError, ddsp, shipped};
use crate::io::checkpoint::Checkpoint;
use std::sync::{Arc, OnceLock};

/// The file of a voice in the program, as [`ddsp::write`] writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starter {
    /// Its bytes.
    pub file: &'static [u8],
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Starters(Arc<[Voice]>);

impl Starters {
    /// Those that ship.
    ///
    /// # Panics
    /// If the program was built with a damaged file; a test reads them.
    #[must_use]
    pub fn shipped() -> Self {
        static READ: OnceLock<Starters> = OnceLock::new();
        let read =
            READ.get_or_init(|| Self::read(&shipped::VOICES).expect("what ships was tested"));
        read.clone()
    }

    /// Voices out of these files.
    ///
    /// # Errors
    /// [`VoiceError`] where one is no voice of ours.
    pub fn read(files: &[Starter]) -> Result<Self, VoiceError> {
        let voices = files.iter().map(voice).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(voices.into()))
    }

    /// The voices.
    #[must_use]
    pub fn voices(&self) -> &[Voice] {
        &self.0
    }
}

fn voice(starter: &Starter) -> Result<Voice, VoiceError> {
    let Starter { file } = *starter;
    let checkpoint = Checkpoint::from_bytes(file.to_vec(), &limits())?;
    let described = ddsp::read(&checkpoint)?.described;
    if described.name.is_empty() {
        return Err(VoiceError::NoName);
    }
    Ok(Voice {
        metadata: Metadata::of_described(described, sha256_of_bytes(file)),
        place: Place::BuiltIn(file),
        index: None,
        image: None,
        bytes: file.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_can_be_read_and_has_names_of_its_own() {
        let voices = Starters::shipped();
        let names: std::collections::BTreeSet<_> = (voices.voices().iter())
            .map(|voice| voice.metadata.name.to_lowercase())
            .collect();
        assert_eq!(names.len(), shipped::VOICES.len());
        for voice in voices.voices() {
            super::super::Library::load(voice).expect("its weights");
            assert!(!voice.metadata.licence.is_empty());
            let of = voice.metadata.model.ddsp().expect("one of ours");
            ddsp::ContentEncoder::find(&of.encoder_sha256, None).expect("it ships, too");
        }
    }
}

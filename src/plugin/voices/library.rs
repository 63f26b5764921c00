//! The maker over the user's voice library. Loader thread, but for what [`VoiceMaker`] says.

use super::maker::{Imported, Listed, PerSetup, VoiceMaker, Warm};
use super::rvc;
use super::stock::Stock;
use crate::engine::EngineSpec;
use crate::preset::VoiceRef;
use crate::voice::{Import, Library, Voice, VoiceError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The user's voices, shared by every instance in this process.
#[must_use]
pub fn of_user() -> Arc<Stock> {
    static STOCK: OnceLock<Arc<Stock>> = OnceLock::new();
    let stock = STOCK.get_or_init(|| Arc::new(Stock::new(Box::new(Voices::default()))));
    Arc::clone(stock)
}

/// Voices of a library.
#[derive(Default)]
pub struct Voices {
    /// Its folder and that of the models; `None` for the user's own.
    folders: Option<(PathBuf, PathBuf)>,
}

impl Voices {
    /// Those in this folder, with the models of another.
    #[must_use]
    pub fn of(library: &Path, models: &Path) -> Self {
        Self {
            folders: Some((library.to_owned(), models.to_owned())),
        }
    }

    fn library(&self) -> Result<Library, String> {
        match &self.folders {
            Some((library, _)) => Ok(Library::open(library)),
            None => Library::of_user().map_err(|error| said(&error)),
        }
    }

    fn find(&self, wanted: &VoiceRef) -> Result<Voice, String> {
        let library = self.library()?;
        match library.find(wanted) {
            Some(voice) => Ok(voice),
            // It is not there; this says so with what is near, or why it cannot be read.
            None => library.named(&wanted.name).map_err(|error| said(&error)),
        }
    }
}

fn said(error: &VoiceError) -> String {
    format!("{error}; {}", error.remedy())
}

impl VoiceMaker for Voices {
    fn list(&self) -> Result<Vec<Listed>, String> {
        let voices = self.library()?.list().voices;
        Ok(voices.iter().map(listed).collect())
    }

    fn holds(&self, voice: &VoiceRef) -> bool {
        self.find(voice).is_ok()
    }

    fn specs(&self, voice: &VoiceRef) -> Result<PerSetup<EngineSpec>, String> {
        let voice = self.find(voice)?;
        Ok(PerSetup::of(|setup| rvc::spec(&voice, setup)))
    }

    fn load(&self, voice: &VoiceRef) -> Result<Arc<dyn Warm>, String> {
        let voice = self.find(voice)?;
        rvc::warm(&voice, self.folders.as_ref().map(|(_, models)| &**models))
    }

    fn import(&self, file: &Path) -> Result<Imported, String> {
        let imported = self.library()?.import(file, &Import::default());
        let imported = imported.map_err(|error| said(&error))?;
        Ok(Imported {
            voice: imported.voice.reference(),
            notes: imported.notes.iter().map(ToString::to_string).collect(),
        })
    }
}

fn listed(voice: &Voice) -> Listed {
    let metadata = &voice.metadata;
    let config = &metadata.config;
    let pitch = if config.has_pitch { "sings" } else { "speaks" };
    let kind = format!(
        "RVC {}, {} kHz, {pitch}",
        config.version.name(),
        config.rate_hz / 1_000
    );
    let about = [&kind, &metadata.author, &metadata.licence, &metadata.notes];
    let about = about.map(String::as_str).into_iter();
    let about: Vec<&str> = about.filter(|text| !text.is_empty()).collect();
    Listed {
        voice: voice.reference(),
        speakers: config.speakers,
        about: about.join("\n"),
    }
}

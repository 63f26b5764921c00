//! The maker over the user's voice library. Loader thread, but for what [`VoiceMaker`] says.

use super::maker::{Imported, Listed, PerSetup, VoiceMaker, Warm};
use super::stock::Stock;
use super::warm;
use crate::engine::EngineSpec;
use crate::preset::VoiceRef;
use crate::voice::{Import, Library, Starters, Voice, VoiceError, VoiceModel};
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
    /// Those of the program, in folders that are not the user's own.
    starters: Starters,
}

impl Voices {
    /// Those in this folder, with the models of another, and nothing beside them.
    #[must_use]
    pub fn of(library: &Path, models: &Path) -> Self {
        Self {
            folders: Some((library.to_owned(), models.to_owned())),
            starters: Starters::default(),
        }
    }

    /// The same beside these voices of the program.
    #[must_use]
    pub fn with(self, starters: Starters) -> Self {
        Self { starters, ..self }
    }

    fn library(&self) -> Result<Library, String> {
        match &self.folders {
            Some((library, _)) => Ok(Library::open(library).with(self.starters.clone())),
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
        Ok(PerSetup::of(|setup| warm::spec(&voice, setup)))
    }

    fn load(&self, voice: &VoiceRef) -> Result<Arc<dyn Warm>, String> {
        let voice = self.find(voice)?;
        warm::warm(&voice, self.folders.as_ref().map(|(_, models)| &**models))
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
    let rate_khz = metadata.model.rate_hz() / 1_000;
    let kind = match &metadata.model {
        VoiceModel::Rvc(config) => {
            let pitch = if config.has_pitch { "sings" } else { "speaks" };
            format!("RVC {}, {rate_khz} kHz, {pitch}", config.version.name())
        }
        VoiceModel::Ddsp(_) => format!("AutoVoice, {rate_khz} kHz, sings"),
    };
    let built_in = if voice.is_built_in() { "Built in" } else { "" };
    let about = [
        &kind,
        &metadata.author,
        &metadata.licence,
        &metadata.notes,
        &metadata.consent,
    ];
    let about = about.map(String::as_str).into_iter();
    let about = [built_in].into_iter().chain(about);
    let about: Vec<&str> = about.filter(|text| !text.is_empty()).collect();
    Listed {
        voice: voice.reference(),
        speakers: metadata.model.speakers(),
        is_built_in: voice.is_built_in(),
        about: about.join("\n"),
    }
}

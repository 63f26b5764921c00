//! The voice of somebody else that sings in converted files: found by name or in a file, read once,
//! and made an engine of for each file. The main thread of the command line.

use crate::cli::failure::Failure;
use crate::cli::out::complain;
use crate::cli::preset::Chosen;
use crate::cli::progress::spinner;
use crate::cli::voice::threads_parser;
use crate::engine::ddsp::Company;
use crate::engine::morph::CORNERS;
use crate::engine::rvc::{Reach, Search};
use crate::engine::{Engine, EngineSpec, Place, Quality, THREADS, Whereabouts};
use crate::preset::{Corners, VoiceRef};
use crate::voice::{
    EngineSetup, Import, Imported, Library, Note, Voice, VoiceError, WarmError, WarmVoice,
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

/// Options of the voice that sings.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Another voice")]
pub(super) struct SingerArgs {
    /// Sing with this voice: the name of one in the library, or a file or folder to use without
    /// importing it (.pth, .safetensors, .zip, exported voice) [default: that of the preset]
    #[arg(long, value_name = "NAME|PATH")]
    pub(super) voice: Option<String>,
    /// How much a voice of RVC hears before it decides; one of AutoVoice's own has no choice
    #[arg(long, value_enum, value_name = "QUALITY", default_value_t = Hearing::Offline)]
    quality: Hearing,
    /// How many threads work on a voice of RVC, 1 or 2; one of AutoVoice's own needs one
    #[arg(long, value_name = "N", default_value_t = THREADS.1, value_parser = threads_parser())]
    threads: usize,
    /// Seed of the voice's breath: the same one gives the same samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Search all of the voice's index, not just the nearest list: slower, as exact as it gets
    #[arg(long)]
    exact_index: bool,
}

/// The qualities of the plugin, and the one for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Hearing {
    /// As in the plugin's quality Live
    Live,
    /// As in the plugin's quality Balanced
    Balanced,
    /// As in the plugin's quality Studio
    Studio,
    /// As in the plugin's quality Quick
    Quick,
    /// Two seconds ahead and ten back: best, and the delay does not matter
    Offline,
}

impl Hearing {
    fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Balanced => "balanced",
            Self::Studio => "studio",
            Self::Quick => "quick",
            Self::Offline => "offline",
        }
    }

    fn reach(self) -> Reach {
        match self {
            Self::Live => Reach::of(Quality::Live),
            Self::Balanced => Reach::of(Quality::Balanced),
            Self::Studio => Reach::of(Quality::Studio),
            Self::Quick => Reach::of(Quality::Quick),
            Self::Offline => Reach::OFFLINE,
        }
    }
}

/// See the module.
pub(super) struct Singer {
    voice: Voice,
    warm: WarmVoice,
    hearing: Hearing,
    setup: EngineSetup,
    partners: Partners,
    /// Of the engine that was made last.
    whereabouts: RefCell<Option<Arc<dyn Whereabouts>>>,
    /// Where a voice lies that is not in the library, until the end.
    _borrowed: Option<tempfile::TempDir>,
}

impl SingerArgs {
    /// The voice asked for, or that of a preset where it is here.
    ///
    /// # Errors
    /// Where there is no such voice, or it cannot be used.
    pub(super) fn singer(&self, preset: Option<&Chosen>) -> Result<Option<Singer>, Failure> {
        let (voice, borrowed) = match (&self.voice, preset.and_then(voice_of)) {
            (Some(wanted), _) => find(wanted)?,
            (None, Some(voice)) => (voice, None),
            (None, None) => return Ok(None),
        };
        let name = voice.metadata.name.clone();
        let spinner = spinner(format!("loading {name}"));
        let warm = WarmVoice::load(&voice);
        spinner.finish_and_clear();
        let setup = EngineSetup {
            reach: self.quality.reach().on(self.threads),
            seed: self.seed,
            search: match self.exact_index {
                true => Search::All,
                false => Search::NearestList,
            },
        };
        let warm = warm.map_err(|error| of_voice(&name, &error))?;
        let corners = preset.map(|preset| &preset.preset.corners);
        let corners = corners.filter(|_| self.voice.is_none());
        Ok(Some(Singer {
            partners: match corners {
                Some(corners) => Partners::find(corners, &voice.reference(), &warm),
                None => Partners::default(),
            },
            warm,
            voice,
            hearing: self.quality,
            setup,
            whereabouts: RefCell::default(),
            _borrowed: borrowed,
        }))
    }
}

/// Whom a preset morphs its voice with.
#[derive(Default)]
struct Partners {
    /// The corner of the voice itself.
    corner: Option<usize>,
    others: [Option<WarmVoice>; CORNERS],
}

impl Partners {
    /// Those that are in the library and hear as the voice does; what keeps others away is said.
    fn find(corners: &Corners, own: &VoiceRef, warm: &WarmVoice) -> Self {
        let is_own = |voice: &Option<VoiceRef>| voice.as_ref().is_some_and(|voice| voice.is(own));
        let corner = corners.iter().position(is_own);
        let library = Library::of_user().ok();
        let others = std::array::from_fn(|at| {
            let wanted = corners[at].as_ref().filter(|_| corner != Some(at))?;
            let Some(voice) = library.as_ref()?.find(wanted) else {
                left_out(&wanted.name, "it is not here");
                return None;
            };
            match WarmVoice::load(&voice) {
                Ok(other) if other.encoder() == warm.encoder() => return Some(other),
                Ok(_) => left_out(&wanted.name, "it was made for another content encoder"),
                Err(error) => left_out(&wanted.name, &error.to_string()),
            }
            None
        });
        Self { corner, others }
    }

    fn company(&self) -> Company {
        Company {
            corner: self.corner,
            others: self
                .others
                .each_ref()
                .map(|other| other.as_ref()?.speaker()),
        }
    }
}

fn left_out(name: &str, why: &str) {
    complain(format_args!(
        "note: \"{name}\" is left out of the morph: {why}"
    ));
}

/// The voice of a preset, where it is in the library.
fn voice_of(preset: &Chosen) -> Option<Voice> {
    let wanted: &VoiceRef = preset.preset.voice.as_ref()?;
    Library::of_user().ok()?.find(wanted)
}

/// By its name in the library, else by its path.
fn find(wanted: &str) -> Result<(Voice, Option<tempfile::TempDir>), Failure> {
    match Library::of_user().and_then(|library| library.named(wanted)) {
        Ok(voice) => Ok((voice, None)),
        Err(VoiceError::Unknown { .. } | VoiceError::NoHome(_)) if Path::new(wanted).exists() => {
            let (voice, folder) = borrow(Path::new(wanted))?;
            Ok((voice, Some(folder)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes a voice into a library that goes away with its folder.
fn borrow(path: &Path) -> Result<(Voice, tempfile::TempDir), Failure> {
    let of_file = |error: VoiceError| {
        let failure = Failure::from(error);
        let message = format!("{}: {}", path.display(), failure.message);
        Failure { message, ..failure }
    };
    let folder = tempfile::tempdir().map_err(|error| of_file(VoiceError::Folder(error)))?;
    let spinner = spinner(format!("reading {}", path.display()));
    let imported = Library::open(folder.path()).import(path, &Import::default());
    spinner.finish_and_clear();
    let Imported { voice, notes } = imported.map_err(of_file)?;
    for note in notes {
        let said = match &note {
            Note::IndexTaken { file } => format!("with the index {file} beside it"),
            Note::Indexes { files } => format!(
                "found several indexes and took none: {}; import the voice with one: autovoice \
                 voices import --index",
                files.join(", ")
            ),
            note => note.to_string(),
        };
        complain(format_args!("note: {}: {said}", voice.metadata.name));
    }
    Ok((voice, folder))
}

fn of_voice(name: &str, error: &WarmError) -> Failure {
    Failure::work(format!("voice \"{name}\": {error}"), error.remedy())
}

impl Singer {
    /// An engine that starts anew.
    pub(super) fn engine(&self) -> Result<Box<dyn Engine>, Failure> {
        let company = self.partners.company();
        let engine = self.warm.engine_among(&self.setup, company);
        let engine = engine.map_err(|error| of_voice(self.name(), &error))?;
        *self.whereabouts.borrow_mut() = engine.whereabouts();
        Ok(engine)
    }

    /// Where its networks run, or ran last, and what happened to the device.
    pub(super) fn place(&self) -> Place {
        let whereabouts = self.whereabouts.borrow();
        whereabouts
            .as_ref()
            .map(|told| told.place())
            .unwrap_or_default()
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.voice.metadata.name
    }

    /// The name of its engine.
    pub(super) fn engine_name(&self) -> &'static str {
        self.spec().name
    }

    /// How it sings, for people: its engine and, where there is a choice, its quality.
    pub(super) fn manner(&self) -> String {
        match self.voice.metadata.model.rvc() {
            Some(_) => {
                let manner = format!("{}, {}", self.engine_name(), self.hearing.name());
                match self.place().device {
                    Some(device) => format!("{manner}, on {device}"),
                    None => manner,
                }
            }
            None => self.engine_name().to_owned(),
        }
    }

    fn spec(&self) -> EngineSpec {
        self.voice.spec(self.setup.reach)
    }

    /// What it is, for programs. What only voices of RVC have is null for others.
    pub(super) fn json(&self) -> Value {
        let metadata = &self.voice.metadata;
        let rvc = metadata.model.rvc();
        json!({
            "name": metadata.name,
            "sha256": metadata.sha256,
            "engine": self.engine_name(),
            "version": rvc.map(|config| config.version.name()),
            "rate_hz": metadata.model.rate_hz(),
            "index": self.voice.index.is_some(),
            "quality": rvc.map(|_| self.hearing.name()),
            "threads": rvc.map_or(1, |_| self.setup.reach.threads),
            "seed": self.setup.seed,
            "device": self.place().device.as_deref().unwrap_or("cpu"),
            "device_note": self.place().note,
            "exact_index": rvc.map(|_| self.setup.search == Search::All),
        })
    }
}

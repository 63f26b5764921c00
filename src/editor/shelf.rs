//! The presets as the window has them: which one is set, which are looked for, and what is done
//! with them. Files are the library's business, parameters the hand's. GUI thread.

use super::hand::Hand;
use crate::io::Existing;
use crate::plugin::AutoVoiceParams;
use crate::plugin::presets::{Change, capture, changes, take_in};
use crate::preset::{
    About, Corners, Entry, Extent, Library, Notice, Origin, Preset, PresetError, Resolved, Values,
    VoiceRef, from_code, looks_like_code, to_code,
};
use nice_plug::params::Param;
use std::path::{Path, PathBuf};

/// The presets of a window.
pub struct Shelf {
    /// Where the user's own lie; `None` for the user's folder.
    folder: Option<PathBuf>,
    library: Option<Library>,
    listed: Option<Listed>,
    current: Option<Current>,
    /// What is looked for.
    pub query: String,
    /// Tags that everything shown has.
    pub tags: Vec<String>,
    /// What is being filled in.
    pub form: Option<Form>,
    /// What came of the last thing done.
    pub said: Option<Said>,
}

/// What is listed, until something else is looked for: thousands of presets are searched once, not
/// with every frame.
struct Listed {
    query: String,
    tags: Vec<String>,
    all_tags: Vec<String>,
    found: Vec<Entry>,
    damaged: Vec<String>,
}

/// The preset that was set last.
struct Current {
    preset: Preset,
    /// What it set.
    values: Values,
}

/// What is being filled in.
pub enum Form {
    /// A preset to be saved.
    Save(SaveForm),
    /// A code or the path of a file to be taken in.
    Take {
        /// What was pasted or typed.
        text: String,
    },
    /// The path of a file to be written.
    Export {
        /// What was typed.
        path: String,
    },
}

/// A preset to be saved.
pub struct SaveForm {
    /// Its name.
    pub name: String,
    /// Who made it.
    pub author: String,
    /// Tags, parted by commas.
    pub tags: String,
    /// What it is for.
    pub comment: String,
    /// Whether levels, range and tracker are saved, too.
    pub with_setup: bool,
    /// Whether one of this name is there, and the next click replaces it.
    pub replaces: bool,
}

/// What is said to the musician.
pub struct Said {
    /// The words.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
}

impl Shelf {
    /// The presets of the user, or those with this folder instead.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            library: None,
            listed: None,
            current: None,
            query: String::new(),
            tags: Vec::new(),
            form: None,
            said: None,
        }
    }

    /// Reads the presets if that was not done yet, and finds out which one is set; lists what is
    /// looked for now.
    pub fn wake(&mut self, params: &AutoVoiceParams) {
        if self.library.is_none() {
            self.read(params);
        }
        self.list();
    }

    fn read(&mut self, params: &AutoVoiceParams) {
        let loaded = match &self.folder {
            Some(folder) => Ok(Library::load(folder)),
            None => Library::of_user(),
        };
        let library = loaded.unwrap_or_else(|error| {
            self.said = Some(Said::error(&error));
            Library::factory()
        });
        // A project that is opened again shows what it was saved with.
        let set = library.entries().iter().find_map(|entry| {
            let slot_of = |voice: &VoiceRef| params.rack.slot_of(voice);
            let current = Current::of(&entry.preset, &slot_of);
            current.is_set(params).then_some(current)
        });
        self.current = self.current.take().or(set);
        self.library = Some(library);
    }

    fn list(&mut self) {
        let is_listed = |listed: &Listed| listed.query == self.query && listed.tags == self.tags;
        if self.listed.as_ref().is_some_and(is_listed) {
            return;
        }
        let Some(library) = &self.library else { return };
        let damaged = library.damaged().iter().map(|damaged| {
            let name = damaged.path.file_name().unwrap_or_default();
            format!("{}: {}", name.to_string_lossy(), damaged.error)
        });
        self.listed = Some(Listed {
            query: self.query.clone(),
            tags: self.tags.clone(),
            all_tags: library.tags().into_iter().map(str::to_owned).collect(),
            found: library.search(&self.query, &self.tags).cloned().collect(),
            damaged: damaged.collect(),
        });
    }

    /// Every tag in use.
    pub fn all_tags(&self) -> &[String] {
        self.listed.as_ref().map_or(&[], |listed| &listed.all_tags)
    }

    /// What is shown of the presets, as query and tags have it.
    pub fn found(&self) -> &[Entry] {
        self.listed.as_ref().map_or(&[], |listed| &listed.found)
    }

    /// Files that are no presets, and why.
    pub fn damaged(&self) -> &[String] {
        self.listed.as_ref().map_or(&[], |listed| &listed.damaged)
    }

    /// Name of the preset set last, and whether something was changed since.
    pub fn current(&self, params: &AutoVoiceParams) -> Option<(&str, bool)> {
        let current = self.current.as_ref()?;
        let name = current.preset.about.name.as_str();
        Some((name, !current.is_set(params)))
    }

    /// Whether this is the preset set last.
    pub fn is_current(&self, entry: &Entry) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.preset == entry.preset)
    }

    /// Whether the preset set last is the user's own.
    pub fn is_own(&self) -> bool {
        let mut entries = self.library.iter().flat_map(Library::entries);
        entries.any(|entry| entry.origin != Origin::Factory && self.is_current(entry))
    }

    /// Sets a preset.
    pub fn set(&mut self, preset: &Preset, params: &AutoVoiceParams, hand: &Hand<'_>) {
        let selected = usize::try_from(params.voice.slot.value()).unwrap_or(0);
        let Resolved { values, notices } = take_in(preset, &params.rack, selected);
        let current = Current {
            preset: preset.clone(),
            values,
        };
        let moves: Vec<_> = changes(params, &current.values)
            .filter_map(|change| as_move(hand, change))
            .collect();
        hand.apply(&preset.about.name, &moves);
        self.said = (!notices.is_empty()).then(|| Said::notices(&notices));
        self.current = Some(current);
    }

    /// Sets the next of the presets found, or the one before: from the last on to the first.
    pub fn step(&mut self, way: isize, params: &AutoVoiceParams, hand: &Hand<'_>) {
        self.list();
        let found = self.found();
        if found.is_empty() {
            return;
        }
        let count = found.len() as isize;
        let at = found.iter().position(|entry| self.is_current(entry));
        let next = match (at, way < 0) {
            (Some(at), _) => (at as isize + way).rem_euclid(count),
            (None, true) => count - 1,
            (None, false) => 0,
        };
        let preset = found[next as usize].preset.clone();
        self.set(&preset, params, hand);
    }

    /// A form to save what is set.
    pub fn begin_saving(&mut self) {
        let about = self.current.as_ref().map(|current| &current.preset.about);
        let about = about.cloned().unwrap_or_default();
        // What came with AutoVoice keeps its author: the user's is another preset.
        let is_own = self.is_own();
        self.form = Some(Form::Save(SaveForm {
            name: about.name,
            author: if is_own { about.author } else { String::new() },
            tags: about.tags.join(", "),
            comment: about.comment,
            with_setup: false,
            replaces: false,
        }));
        self.said = None;
    }

    /// Saves what is set under what was filled in. A name that is taken is told of first.
    pub fn save(&mut self, params: &AutoVoiceParams) {
        let Some(Form::Save(form)) = &mut self.form else {
            return;
        };
        let extent = match form.with_setup {
            true => Extent::Everything,
            false => Extent::Sound,
        };
        let mut preset = Preset::of(&form.name, &capture(params), extent);
        (preset.voice, preset.corners) = voices_of(params);
        preset.about = About::written(&form.name, &form.author, &form.tags, &form.comment);
        let existing = match form.replaces {
            true => Existing::Replace,
            false => Existing::Keep,
        };
        let Some(library) = &mut self.library else {
            return;
        };
        match library.save(&preset, existing) {
            Ok(path) => {
                self.said = Some(Said::done(format!("Saved as {}", path.display())));
                let slot_of = |voice: &VoiceRef| params.rack.slot_of(voice);
                self.current = Some(Current::of(&preset, &slot_of));
                self.form = None;
                self.listed = None;
            }
            Err(error) => {
                form.replaces = matches!(error, PresetError::Exists { .. });
                self.said = Some(Said::error(&error));
            }
        }
    }

    /// The code of what is set, as it sounds now.
    pub fn code(&mut self, params: &AutoVoiceParams) -> String {
        let about = self.current.as_ref().map(|current| &current.preset.about);
        let name = about.map_or("Shared sound", |about| about.name.as_str());
        let mut preset = Preset::of(name, &capture(params), Extent::Sound);
        (preset.voice, preset.corners) = voices_of(params);
        if let Some(about) = about {
            preset.about = about.clone();
        }
        let code = to_code(&preset);
        let length = code.chars().count();
        let text = format!("Copied a code of {length} characters: paste it into a chat.");
        self.said = Some(Said::done(text));
        code
    }

    /// Takes in what was pasted or typed: a code is set, a file joins the user's own and is set.
    pub fn take(&mut self, params: &AutoVoiceParams, hand: &Hand<'_>) {
        let Some(Form::Take { text }) = &self.form else {
            return;
        };
        let text = text.trim();
        match looks_like_code(text) || text.is_empty() {
            true => {
                let taken = from_code(text);
                self.taken(taken, params, hand);
            }
            false => {
                let path = PathBuf::from(text);
                self.take_file(&path, params, hand);
            }
        }
    }

    /// Takes a file into the user's own, and sets it.
    pub fn take_file(&mut self, path: &Path, params: &AutoVoiceParams, hand: &Hand<'_>) {
        if let Some(library) = &mut self.library {
            let taken = library.import(path, Existing::Keep);
            self.taken(taken, params, hand);
        }
    }

    fn taken(
        &mut self,
        taken: Result<(Preset, Vec<Notice>), PresetError>,
        params: &AutoVoiceParams,
        hand: &Hand<'_>,
    ) {
        match taken {
            Ok((preset, notices)) => {
                self.listed = None;
                self.set(&preset, params, hand);
                if self.said.is_none() && !notices.is_empty() {
                    self.said = Some(Said::notices(&notices));
                }
                self.form = None;
            }
            Err(error) => self.said = Some(Said::error(&error)),
        }
    }

    /// Writes the preset set last, as it was saved, to the file that was typed.
    pub fn export(&mut self) {
        let Some(Form::Export { path }) = &self.form else {
            return;
        };
        let path = PathBuf::from(path.trim());
        self.export_to(&path, Existing::Keep);
    }

    /// Writes the preset set last, as it was saved, to a file.
    pub fn export_to(&mut self, path: &Path, existing: Existing) {
        let (Some(current), Some(library)) = (&self.current, &self.library) else {
            return;
        };
        let name = &current.preset.about.name;
        match library.export(name, path, existing) {
            Ok(path) => {
                self.said = Some(Said::done(format!("Wrote {}", path.display())));
                self.form = None;
            }
            Err(error) => self.said = Some(Said::error(&error)),
        }
    }

    /// Removes the preset set last from the user's own; the sound stays.
    pub fn remove(&mut self) {
        let (Some(current), Some(library)) = (&self.current, &mut self.library) else {
            return;
        };
        let name = current.preset.about.name.clone();
        match library.remove(&name) {
            Ok(()) => {
                self.said = Some(Said::done(format!("Removed {name}.")));
                self.current = None;
                self.listed = None;
            }
            Err(error) => self.said = Some(Said::error(&error)),
        }
    }
}

impl Current {
    fn of(preset: &Preset, slot_of: &dyn Fn(&VoiceRef) -> Option<usize>) -> Self {
        Self {
            preset: preset.clone(),
            values: preset.resolve(slot_of).values,
        }
    }

    fn is_set(&self, params: &AutoVoiceParams) -> bool {
        let voice = self.preset.voice.as_ref();
        let is_held = voice.is_none_or(|voice| params.rack.slot_of(voice).is_some());
        let is_held = is_held && params.rack.has_corners(&self.preset.corners);
        is_held && changes(params, &self.values).next().is_none()
    }
}

impl Said {
    fn done(text: String) -> Self {
        Self {
            text,
            is_error: false,
        }
    }

    fn error(error: &PresetError) -> Self {
        Self {
            text: format!("{error}: {}", error.remedy()),
            is_error: true,
        }
    }

    fn notices(notices: &[Notice]) -> Self {
        let texts: Vec<String> = notices.iter().map(Notice::to_string).collect();
        Self {
            text: texts.join("; "),
            is_error: true,
        }
    }
}

/// The voice that is selected, and those it is morphed with.
fn voices_of(params: &AutoVoiceParams) -> (Option<VoiceRef>, Corners) {
    let slot = usize::try_from(params.voice.slot.value()).unwrap_or(0);
    let voice = params.rack.voice_in(slot);
    let corners = match voice.is_some() && params.morph.on.value() {
        true => params.rack.corners(slot),
        false => Corners::default(),
    };
    (voice, corners)
}

/// A change as the hand takes it.
fn as_move(hand: &Hand<'_>, change: Change<'_>) -> Option<(&'static str, f32)> {
    Some(match change {
        Change::Float(param, value) => (hand.id_of(param)?, param.preview_normalized(value)),
        Change::Int(param, value) => (hand.id_of(param)?, param.preview_normalized(value)),
        Change::Bool(param, value) => (hand.id_of(param)?, param.preview_normalized(value)),
    })
}

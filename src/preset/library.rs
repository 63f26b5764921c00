//! The presets there are: those that came with AutoVoice and the user's own, one file each in one
//! folder. Nobody watches the folder: [`Library::load`] reads it anew. GUI thread and command
//! line.

use super::about::About;
use super::{Notice, Preset, PresetError, factory, read_file, write_file};
use crate::io::{Existing, folders};
use std::fs;
use std::path::{Path, PathBuf};

/// Most files of a folder that are read.
pub const MOST_FILES: usize = 4_096;

/// Where a preset comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It came with AutoVoice.
    Factory,
    /// The user's own, with its file.
    User(PathBuf),
}

/// A preset of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The preset.
    pub preset: Preset,
    /// Where it comes from.
    pub origin: Origin,
    /// What of its file is not taken as it is written.
    pub notices: Vec<Notice>,
}

/// A file that is no preset, though it is called one.
#[derive(Debug)]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: PresetError,
}

/// Every preset, as of the last [`Library::load`], [`Library::save`] or [`Library::remove`].
#[derive(Debug)]
pub struct Library {
    folder: PathBuf,
    entries: Vec<Entry>,
    damaged: Vec<Damaged>,
}

impl Library {
    /// The library of the user.
    ///
    /// # Errors
    /// [`PresetError::NoHome`]. A folder that is not there holds no presets, and is no error.
    pub fn of_user() -> Result<Self, PresetError> {
        Ok(Self::load(&folders::presets()?))
    }

    /// Factory presets alone, for where there is no place for the user's own.
    #[must_use]
    pub fn factory() -> Self {
        Self::load(Path::new(""))
    }

    /// The library with this folder of the user's. What cannot be read is told of by
    /// [`Library::damaged`].
    #[must_use]
    pub fn load(folder: &Path) -> Self {
        let mut library = Self {
            folder: folder.to_owned(),
            entries: Vec::new(),
            damaged: Vec::new(),
        };
        library.reload();
        library
    }

    /// Reads everything again.
    pub fn reload(&mut self) {
        self.damaged.clear();
        self.entries = factory::presets()
            .into_iter()
            .map(|preset| Entry {
                preset,
                origin: Origin::Factory,
                notices: Vec::new(),
            })
            .collect();
        for path in files_in(&self.folder, &mut self.damaged) {
            match read_file(&path) {
                Ok((preset, notices)) => self.entries.push(Entry {
                    preset,
                    origin: Origin::User(path),
                    notices,
                }),
                Err(error) => self.damaged.push(Damaged { path, error }),
            }
        }
        // The user's own stand before the factory's of the same name: they are found first.
        self.entries.sort_by_cached_key(|entry| {
            let is_factory = entry.origin == Origin::Factory;
            (folded(&entry.preset.about.name), is_factory)
        });
    }

    /// Every preset, by name.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Files in the folder that are no presets.
    #[must_use]
    pub fn damaged(&self) -> &[Damaged] {
        &self.damaged
    }

    /// The preset of this name, in any case; of two the user's own.
    ///
    /// # Errors
    /// [`PresetError::Unknown`], with a name that is near where there is one.
    pub fn find(&self, name: &str) -> Result<&Entry, PresetError> {
        let wanted = folded(name);
        let mut entries = self.entries.iter();
        let found = entries.find(|entry| folded(&entry.preset.about.name) == wanted);
        found.ok_or_else(|| PresetError::Unknown {
            name: super::about::clean(name, super::about::MOST_NAME),
            near: self.near(&wanted),
        })
    }

    /// A name that begins with, holds or lies in what was written.
    fn near(&self, wanted: &str) -> Option<String> {
        let names = || self.entries.iter().map(|entry| &entry.preset.about.name);
        let near: [fn(&str, &str) -> bool; 3] = [
            |name, wanted| name.starts_with(wanted),
            |name, wanted| name.contains(wanted),
            |name, wanted| wanted.contains(name),
        ];
        let is_asked = !wanted.is_empty();
        let mut found = near
            .iter()
            .filter_map(|is_near| names().find(|name| is_asked && is_near(&folded(name), wanted)));
        found.next().cloned()
    }

    /// The presets that have all of these tags, and every word of the query somewhere in name,
    /// author, tags or comment, in any case.
    pub fn search<'a>(
        &'a self,
        query: &str,
        tags: &'a [String],
    ) -> impl Iterator<Item = &'a Entry> {
        let words: Vec<String> = query.split_whitespace().map(folded).collect();
        self.entries.iter().filter(move |entry| {
            let about = &entry.preset.about;
            let has_tag = |tag: &String| about.tags.contains(&folded(tag));
            let text = searched(about);
            tags.iter().all(has_tag) && words.iter().all(|word| text.contains(word.as_str()))
        })
    }

    /// Every tag in use, by name.
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        let tags = self
            .entries
            .iter()
            .flat_map(|entry| &entry.preset.about.tags);
        let mut tags: Vec<&str> = tags.map(String::as_str).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Saves a preset as the user's own; its file. [`Existing::Replace`] replaces the user's own
    /// preset of the same name, never another.
    ///
    /// # Errors
    /// [`PresetError::NoName`], [`PresetError::Exists`], [`PresetError::Full`],
    /// [`PresetError::Write`]; nothing has changed then.
    pub fn save(&mut self, preset: &Preset, existing: Existing) -> Result<PathBuf, PresetError> {
        let preset = Preset {
            about: preset.about.cleaned(),
            ..preset.clone()
        };
        let name = &preset.about.name;
        if name.is_empty() {
            return Err(PresetError::NoName);
        }
        if self.folder.as_os_str().is_empty() {
            self.folder = folders::presets()?;
        }
        // Another window may have saved one meanwhile.
        self.reload();
        let path = match self.file_of(name) {
            Some(_) if existing == Existing::Keep => {
                return Err(PresetError::Exists { name: name.clone() });
            }
            Some(path) => path.to_owned(),
            None => self.free_file(name)?,
        };
        let path = write_file(&path, &preset, existing)?;
        self.reload();
        Ok(path)
    }

    /// Removes a preset of the user's.
    ///
    /// # Errors
    /// [`PresetError::Unknown`], [`PresetError::Factory`], [`PresetError::Remove`].
    pub fn remove(&mut self, name: &str) -> Result<(), PresetError> {
        self.reload();
        let entry = self.find(name)?;
        let Origin::User(path) = &entry.origin else {
            let name = entry.preset.about.name.clone();
            return Err(PresetError::Factory { name });
        };
        fs::remove_file(path).map_err(PresetError::Remove)?;
        self.reload();
        Ok(())
    }

    /// Takes a preset from a file as the user's own; its name and what was said of it.
    ///
    /// # Errors
    /// Those of [`read_file`] and [`Library::save`].
    pub fn import(
        &mut self,
        file: &Path,
        existing: Existing,
    ) -> Result<(Preset, Vec<Notice>), PresetError> {
        let (preset, notices) = read_file(file)?;
        self.save(&preset, existing)?;
        Ok((preset, notices))
    }

    /// Writes a preset to a file anywhere, for others.
    ///
    /// # Errors
    /// [`PresetError::Unknown`], [`PresetError::Write`].
    pub fn export(
        &self,
        name: &str,
        file: &Path,
        existing: Existing,
    ) -> Result<PathBuf, PresetError> {
        write_file(file, &self.find(name)?.preset, existing)
    }

    /// The file of the user's preset of this name.
    fn file_of(&self, name: &str) -> Option<&Path> {
        let wanted = folded(name);
        self.entries.iter().find_map(|entry| match &entry.origin {
            Origin::User(path) if folded(&entry.preset.about.name) == wanted => {
                Some(path.as_path())
            }
            _ => None,
        })
    }

    /// A name that no file has, whatever it holds.
    fn free_file(&self, name: &str) -> Result<PathBuf, PresetError> {
        let stem = file_stem(name);
        (1..=MOST_FILES)
            .map(|number| match number {
                1 => self.folder.join(format!("{stem}.toml")),
                _ => self.folder.join(format!("{stem}-{number}.toml")),
            })
            .find(|path| path.symlink_metadata().is_err())
            .ok_or(PresetError::Full { most: MOST_FILES })
    }
}

/// The files that may be presets, by name: no links, nothing hidden, nothing in sub-folders.
fn files_in(folder: &Path, damaged: &mut Vec<Damaged>) -> Vec<PathBuf> {
    if folder.as_os_str().is_empty() {
        return Vec::new();
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                damaged.push(Damaged {
                    path: folder.to_owned(),
                    error: PresetError::Read(error.into()),
                });
            }
            return Vec::new();
        }
    };
    let files = entries.filter_map(Result::ok).filter(|entry| {
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        is_file && !is_hidden
    });
    let paths = files.map(|entry| entry.path()).filter(|path| {
        path.extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
    });
    let mut paths: Vec<PathBuf> = paths.take(MOST_FILES + 1).collect();
    if MOST_FILES < paths.len() {
        paths.truncate(MOST_FILES);
        damaged.push(Damaged {
            path: folder.to_owned(),
            error: PresetError::Full { most: MOST_FILES },
        });
    }
    paths.sort();
    paths
}

/// The name of a file for a preset.
fn file_stem(name: &str) -> String {
    portable_stem(name, "preset")
}

/// A name of a file or folder for what people call so, the same and allowed on every system.
/// `fallback` is what it is called where nothing of the name is left.
pub(crate) fn portable_stem(name: &str, fallback: &str) -> String {
    let mut stem = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            stem.push(c);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem = stem.trim_end_matches('-');
    // Windows keeps the names of its devices, whatever follows the dot.
    let is_device = matches!(stem, "con" | "prn" | "aux" | "nul")
        || stem
            .strip_prefix("com")
            .or(stem.strip_prefix("lpt"))
            .is_some_and(|port| port.len() == 1);
    match stem {
        "" => fallback.to_owned(),
        _ if is_device => format!("{fallback}-{stem}"),
        _ => stem.to_owned(),
    }
}

/// As names are compared.
pub(crate) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn searched(about: &About) -> String {
    let About {
        name,
        author,
        tags,
        comment,
        ..
    } = about;
    folded(&format!("{name} {author} {} {comment}", tags.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::{Extent, Id, Value, Values};

    fn preset(name: &str, pitch: f32) -> Preset {
        let mut values = Values::defaults();
        values.set(Id::Pitch, Value::Number(pitch));
        Preset::of(name, &values, Extent::Sound)
    }

    fn pitch_of(library: &Library, name: &str) -> Option<Value> {
        library.find(name).ok()?.preset.values.get(Id::Pitch)
    }

    #[test]
    fn names_become_names_of_files() {
        for (name, stem) in [
            ("Hard Tune", "hard-tune"),
            ("../../etc/passwd", "etc-passwd"),
            ("C:\\x", "c-x"),
            ("Größe 7!", "gr-e-7"),
            ("声", "preset"),
            ("CON", "preset-con"),
            ("Lpt1", "preset-lpt1"),
            ("Comet", "comet"),
            ("...", "preset"),
        ] {
            assert_eq!(file_stem(name), stem);
        }
    }

    #[test]
    fn presets_are_saved_found_replaced_and_removed() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("presets");
        let mut library = Library::load(&folder);
        let shipped = library.entries().len();
        assert!(library.damaged().is_empty());

        let path = library
            .save(&preset("My Low", -3.0), Existing::Keep)
            .expect("free");
        assert_eq!(path, folder.join("my-low.toml"));
        let again = library.save(&preset("MY LOW", -4.0), Existing::Keep);
        assert!(matches!(again, Err(PresetError::Exists { .. })));
        assert_eq!(pitch_of(&library, " my low"), Some(Value::Number(-3.0)));
        // Of the same file name, but not of the same name.
        let other = library
            .save(&preset("My-Low", 1.0), Existing::Replace)
            .expect("another");
        assert_eq!(other, folder.join("my-low-2.toml"));
        library
            .save(&preset("MY LOW", -4.0), Existing::Replace)
            .expect("replaced");
        assert_eq!(pitch_of(&library, "my low"), Some(Value::Number(-4.0)));
        assert_eq!(library.entries().len(), shipped + 2);

        // What was typed is kept as it will be read.
        let mut loud = preset("LOUD", 0.0);
        loud.about.comment = "x\ny\u{202e}".repeat(1_000);
        loud.about.tags = vec!["A".to_owned(), "a".to_owned()];
        library.save(&loud, Existing::Keep).expect("free");
        let entry = library.find("loud").expect("saved");
        assert_eq!(entry.notices, []);
        assert_eq!(entry.preset.about, loud.about.cleaned());
        library.remove("loud").expect("there");

        // The user's own hides the factory's of the same name, and gives it back.
        let factory = library
            .entries()
            .iter()
            .find(|entry| entry.origin == Origin::Factory)
            .map(|entry| entry.preset.about.name.clone())
            .expect("factory presets");
        let refused = library.remove(&factory);
        assert!(matches!(refused, Err(PresetError::Factory { .. })));
        library
            .save(&preset(&factory, 7.0), Existing::Keep)
            .expect("free");
        assert_eq!(pitch_of(&library, &factory), Some(Value::Number(7.0)));
        library.remove(&factory).expect("the user's own");
        assert_eq!(
            library.find(&factory).expect("still there").origin,
            Origin::Factory
        );

        assert!(matches!(
            library.remove("nobody"),
            Err(PresetError::Unknown { .. })
        ));
        assert!(matches!(
            library.save(&preset("\u{202e}", 0.0), Existing::Keep),
            Err(PresetError::NoName)
        ));
    }

    #[test]
    fn what_is_no_preset_is_listed_and_links_are_not_followed() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("presets");
        fs::create_dir_all(folder.join("sub.toml")).expect("writable");
        for (name, text) in [
            ("good.toml", "format = 1\nname = \"Good\"\n"),
            ("bad.TOML", "format = "),
            (".hidden.toml", "format = "),
            ("notes.txt", "format = "),
        ] {
            fs::write(folder.join(name), text).expect("writable");
        }
        #[cfg(unix)]
        {
            let outside = home.path().join("secret.toml");
            fs::write(&outside, "format = 1\nname = \"Secret\"\n").expect("writable");
            std::os::unix::fs::symlink(&outside, folder.join("link.toml")).expect("writable");
        }
        let library = Library::load(&folder);
        assert!(library.find("good").is_ok() && library.find("secret").is_err());
        let damaged: Vec<_> = library
            .damaged()
            .iter()
            .map(|d| d.path.file_name())
            .collect();
        assert_eq!(damaged, [Some(std::ffi::OsStr::new("bad.TOML"))]);
    }

    #[test]
    fn presets_are_searched_by_words_and_tags() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut library = Library::load(home.path());
        let mut one = preset("Zebra Choir", 1.0);
        one.about.tags = vec!["zoo".to_owned(), "wide".to_owned()];
        one.about.comment = "Stripes for verses".to_owned();
        library.save(&one, Existing::Keep).expect("free");
        library
            .save(&preset("Zebra", 2.0), Existing::Keep)
            .expect("free");
        for (query, tags, expected) in [
            ("zebra", &[][..], &["Zebra", "Zebra Choir"][..]),
            ("VERSES zeb", &[], &["Zebra Choir"]),
            ("zebra lion", &[], &[]),
            ("", &["zoo"], &["Zebra Choir"]),
            ("", &["ZOO", "wide"], &["Zebra Choir"]),
            ("zebra", &["zoo", "narrow"], &[]),
        ] {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let found = library.search(query, &tags);
            let names: Vec<&str> = found.map(|e| e.preset.about.name.as_str()).collect();
            assert_eq!(names, expected, "{query} {tags:?}");
        }
        assert!(library.tags().contains(&"zoo"));
        let near = library.find("zeb").expect_err("no such name");
        assert!(near.remedy().contains("\"Zebra\""), "{}", near.remedy());
    }

    #[test]
    fn files_come_and_go() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut library = Library::load(&home.path().join("mine"));
        library
            .save(&preset("Mine", 5.0), Existing::Keep)
            .expect("free");
        let file = home.path().join("for-you.toml");
        library.export("mine", &file, Existing::Keep).expect("free");
        assert!(matches!(
            library.export("mine", &file, Existing::Keep),
            Err(PresetError::Write(_))
        ));
        let mut other = Library::load(&home.path().join("yours"));
        let (preset, notices) = other.import(&file, Existing::Keep).expect("a preset");
        assert_eq!((preset.about.name.as_str(), notices.len()), ("Mine", 0));
        assert_eq!(pitch_of(&other, "mine"), Some(Value::Number(5.0)));
        assert!(matches!(
            other.import(&file, Existing::Keep),
            Err(PresetError::Exists { .. })
        ));
    }
}

//! What must stay out of the corpus: the recordings that voices are measured with. Found by name,
//! by speaker and by sound. Reads files; main thread.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::audio::{Print, Sound};

/// Where they are.
pub const FOLDER: &str = "../shared/audio";
/// Known without looking there.
const NAMES: [&str; 3] = ["LJ001-0001", "LJ001-0005", "LJ001-0007"];

/// The recordings that must stay out.
pub struct Apart {
    names: BTreeSet<String>,
    speakers: BTreeSet<String>,
    prints: Vec<(String, Print)>,
}

impl Apart {
    /// Reads them all. A folder that is missing leaves the names known here.
    ///
    /// # Errors
    /// When one of them cannot be read: what is in it could not be kept out.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut apart = Self {
            names: NAMES.iter().map(|name| (*name).to_owned()).collect(),
            speakers: BTreeSet::new(),
            prints: Vec::new(),
        };
        if !folder.is_dir() {
            return Ok(apart);
        }
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if !matches!(ending, Some("wav" | "flac" | "ogg" | "mp3")) {
                continue;
            }
            let name = stem(&path.to_string_lossy());
            apart
                .prints
                .push((name.clone(), Sound::read(&path)?.print()));
            apart.names.insert(name);
        }
        let manifest = folder.join("manifest.json");
        if manifest.is_file() {
            let text = std::fs::read_to_string(&manifest)?;
            let known: Vec<Value> = serde_json::from_str(&text).with_context(|| {
                format!("expected a list of recordings in {}", manifest.display())
            })?;
            for recording in &known {
                apart.names.extend(recording["path"].as_str().map(stem));
                apart
                    .speakers
                    .extend(recording["speaker"].as_str().map(str::to_owned));
            }
        }
        Ok(apart)
    }

    /// How many there are to compare with.
    pub fn sounds(&self) -> usize {
        self.prints.len()
    }

    /// Whether a recording's name, or its speaker, is one of theirs; and whose.
    pub fn by_name(&self, name: &str, speaker: &str) -> Option<String> {
        if self.names.contains(name) {
            return Some(name.to_owned());
        }
        let theirs = self.speakers.contains(speaker);
        theirs.then(|| format!("the speaker {speaker}"))
    }

    /// Whether a recording sounds as one of them does, and which.
    pub fn by_sound(&self, sound: &Sound) -> Option<String> {
        let print = sound.print();
        let same = self.prints.iter().find(|(_, theirs)| theirs.is(&print));
        same.map(|(name, _)| name.clone())
    }
}

fn stem(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::audio::testing::{babble, write};
    use super::*;

    #[test]
    fn what_is_measured_with_is_found_by_name_and_by_sound() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("ls_174.wav"), &babble(1, 16_000, 3.0));
        let manifest =
            r#"[{"file": "ls_174.wav", "path": "wavs/174-50561-0000.wav", "speaker": "LS174"}]"#;
        std::fs::write(folder.path().join("manifest.json"), manifest).unwrap();
        let apart = Apart::read(folder.path()).unwrap();
        assert_eq!(apart.sounds(), 1);
        for (name, speaker, stays_out) in [
            ("174-50561-0000", "LS1", true),
            ("ls_174", "LS1", true),
            ("174-1-0000", "LS174", true),
            ("LJ001-0005", "LJ", true),
            ("LJ001-0002", "LJ", false),
            ("175-50561-0000", "LS175", false),
        ] {
            assert_eq!(apart.by_name(name, speaker).is_some(), stays_out, "{name}");
        }
        let mut quieter = babble(1, 16_000, 3.0);
        quieter.samples.iter_mut().for_each(|x| *x *= 0.5);
        assert_eq!(apart.by_sound(&quieter).as_deref(), Some("ls_174"));
        assert_eq!(apart.by_sound(&babble(2, 16_000, 3.0)), None);
        // Nothing may go unseen.
        std::fs::write(folder.path().join("broken.wav"), "no audio").unwrap();
        assert!(Apart::read(folder.path()).is_err());
        let none = Apart::read(&folder.path().join("none")).unwrap();
        assert!(none.by_name("LJ001-0001", "LJ").is_some());
    }

    /// With the recordings themselves, where they are.
    #[test]
    fn the_same_clips_of_ljspeech_are_found_whatever_they_are_called() {
        let root = xtask::paths::root();
        let clips = root.join("../shared/corpus/ljspeech");
        let folder = root.join(FOLDER);
        if !folder.is_dir() || !clips.is_dir() {
            eprintln!("SKIPPED: no recordings in {}", folder.display());
            return;
        }
        let apart = Apart::read(&folder).unwrap();
        for (name, wanted) in [
            ("LJ001-0001", Some("lj_0001")),
            ("LJ001-0002", None),
            ("LJ001-0005", Some("lj_0005")),
            ("LJ001-0006", None),
            ("LJ001-0007", Some("lj_0007")),
        ] {
            let sound = Sound::read(&clips.join(format!("{name}.flac"))).unwrap();
            assert_eq!(apart.by_sound(&sound).as_deref(), wanted, "{name}");
        }
    }
}

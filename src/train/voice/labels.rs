//! Labels of phones, where somebody made them: for a recording `NAME.wav` a text `NAME.json`,
//! `{"phones": [["AH", first, count], ..]}`, in frames of 10 ms.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::io::read_document;
use crate::model::ddsp::features::{HOP, RATE_HZ};

/// A text of labels is no longer than this.
const LONGEST: usize = 1 << 20;
/// What a frame without a label is.
pub const UNKNOWN: u32 = u32::MAX;
/// What noises are called that are no phones; aligners mark them with a `+`.
const SILENCE: &str = "SIL";

#[derive(Deserialize)]
struct Document {
    phones: Vec<(String, usize, usize)>,
}

/// Phones by name, numbered as they come.
#[derive(Default)]
pub struct Labels {
    folder: Option<PathBuf>,
    numbers: BTreeMap<String, u32>,
}

/// The phones of one recording: first frame, the one after the last, and number.
pub struct Label {
    phones: Vec<(usize, usize, u32)>,
}

impl Labels {
    /// Labels in this folder, or none.
    pub fn new(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Path::to_owned),
            numbers: BTreeMap::new(),
        }
    }

    /// The labels of a recording. `None` where there are none, or they make no sense.
    pub fn of(&mut self, recording: &Path) -> Option<Label> {
        let mut name = recording.file_stem()?.to_owned();
        name.push(".json");
        let text = read_document(&self.folder.as_ref()?.join(name), LONGEST).ok()?;
        let document: Document = serde_json::from_str(&text).ok()?;
        let mut phones = Vec::new();
        for (name, first, count) in document.phones {
            let name = match name.starts_with('+') {
                true => SILENCE.to_owned(),
                false => name,
            };
            let next = self.numbers.len() as u32;
            let number = *self.numbers.entry(name).or_insert(next);
            phones.push((first, first.saturating_add(count), number));
        }
        Some(Label { phones })
    }

    /// The names of the phones in the order of their numbers.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.numbers.iter().collect();
        names.sort_by_key(|(_, number)| **number);
        names.into_iter().map(|(name, _)| name.clone()).collect()
    }
}

impl Label {
    /// The phone of each frame from a second of the recording on.
    pub fn frames(&self, start_s: f64, frames: usize) -> Vec<u32> {
        let first = (start_s * f64::from(RATE_HZ) / HOP as f64).round() as usize;
        let mut found = vec![UNKNOWN; frames];
        for (from, to, number) in &self.phones {
            let (from, to) = (from.saturating_sub(first), to.saturating_sub(first));
            if let Some(frames) = found.get_mut(from..to.min(frames)) {
                frames.fill(*number);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_frame_by_frame() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"phones": [["SIL", 0, 2], ["H", 2, 1], ["+NSN+", 4, 1], ["A", 5, 99]]}"#;
        std::fs::write(folder.path().join("x.json"), text).unwrap();
        std::fs::write(folder.path().join("z.json"), "nonsense").unwrap();
        let mut labels = Labels::new(Some(folder.path()));
        let label = labels.of(Path::new("elsewhere/x.wav")).unwrap();
        assert_eq!(labels.names(), ["SIL", "H", "A"]);
        assert_eq!(label.frames(0.0, 6), [0, 0, 1, UNKNOWN, 0, 2]);
        assert_eq!(label.frames(0.02, 3), [1, UNKNOWN, 0]);
        assert_eq!(label.frames(2.0, 2), [UNKNOWN, UNKNOWN]);
        assert!(labels.of(Path::new("y.wav")).is_none());
        assert!(labels.of(Path::new("z.wav")).is_none());
    }
}

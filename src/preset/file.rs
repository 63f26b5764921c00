//! Presets as TOML: plain units and words that can be read and written by hand.
//!
//! ```toml
//! format = 1
//! name = "Deep minor"
//! tags = ["low", "tuned"]
//!
//! [parameters]
//! pitch = -5.0
//! correct = true
//! key = "c#"
//! scale = "minor"
//! custom_scale = "C D E"
//! ```
//!
//! `[voice]` has the name and the hash of the voice; where voices are morphed, `[corners.a]` to
//! `[corners.d]` have those of the voices at the corners of the pad.
//!
//! What cannot be used of a file is told of and ignored; a file that is no preset is an error.

use super::about::{self, About, VoiceRef, clean, clean_tags, is_sha256};
use super::values::{Fit, Value, Values};
use super::{Corners, Id, Kind, Notice, Preset, PresetError};
use crate::engine::morph::CORNERS;
use crate::io::{DocumentError, Existing, read_document, write_document};
use crate::pitch::text::{format_notes, parse_notes};
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Value as Toml;

/// No preset is longer.
pub const MOST_BYTES: usize = 64 * 1024;

/// The format written, and the newest that is known.
const FORMAT: i64 = 1;
/// The names of the corners of the morph pad.
const CORNER_KEYS: [&str; CORNERS] = ["a", "b", "c", "d"];
/// How many unknown names are told of, and how many characters of each.
const MOST_UNKNOWN: (usize, usize) = (4, 32);

/// Reads a preset from a file.
///
/// # Errors
/// [`PresetError`] when there is no such file or it is no preset.
pub fn read_file(path: &Path) -> Result<(Preset, Vec<Notice>), PresetError> {
    let text = read_document(path, MOST_BYTES).map_err(|error| match error {
        DocumentError::TooLong { .. } => PresetError::TooLong,
        other => other.into(),
    })?;
    from_toml(&text)
}

/// Writes a preset to a file, complete or not at all; where it is.
///
/// # Errors
/// [`PresetError::Write`].
pub fn write_file(
    path: &Path,
    preset: &Preset,
    existing: Existing,
) -> Result<PathBuf, PresetError> {
    Ok(write_document(path, &to_toml(preset), existing)?)
}

/// Reads a preset, and what of it is not taken as it is written.
///
/// # Errors
/// [`PresetError`] when it is no preset.
pub fn from_toml(text: &str) -> Result<(Preset, Vec<Notice>), PresetError> {
    if MOST_BYTES < text.len() {
        return Err(PresetError::TooLong);
    }
    let table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        PresetError::NotToml {
            line: before.map_or(1, |before| before.matches('\n').count() + 1),
            reason: clean(error.message(), 200),
        }
    })?;
    let mut reader = Reader::new(table);
    let format = reader.format()?;
    let about = reader.about()?;
    let voice = reader.voice();
    let corners = reader.corners();
    let values = reader.parameters();
    let preset = Preset {
        about,
        voice,
        corners,
        values,
    };
    Ok((preset, reader.notices(format)))
}

/// A preset's file on its way in.
struct Reader {
    table: toml::Table,
    clamped: Vec<&'static str>,
    unreadable: Vec<&'static str>,
    shortened: Vec<&'static str>,
    unknown: Vec<String>,
}

impl Reader {
    fn new(table: toml::Table) -> Self {
        Self {
            table,
            clamped: Vec::new(),
            unreadable: Vec::new(),
            shortened: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn format(&mut self) -> Result<i64, PresetError> {
        let found = match self.table.remove("format") {
            Some(Toml::Integer(format)) if FORMAT <= format => return Ok(format),
            Some(other) => format!("format = {}", clean(&other.to_string(), 40)),
            None => "no format".to_owned(),
        };
        Err(PresetError::NoFormat { found })
    }

    fn about(&mut self) -> Result<About, PresetError> {
        let name = self.text("name", about::MOST_NAME);
        let about = About {
            name: name
                .filter(|name| !name.is_empty())
                .ok_or(PresetError::NoName)?,
            author: self.text("author", about::MOST_LABEL).unwrap_or_default(),
            tags: self.tags(),
            comment: self
                .text("comment", about::MOST_COMMENT)
                .unwrap_or_default(),
            licence: self.text("licence", about::MOST_LABEL).unwrap_or_default(),
            version: self.text("version", about::MOST_LABEL).unwrap_or_default(),
        };
        Ok(about)
    }

    fn text(&mut self, key: &'static str, most: usize) -> Option<String> {
        let value = self.table.remove(key)?;
        self.text_of(&value, key, most)
    }

    fn text_of(&mut self, value: &Toml, key: &'static str, most: usize) -> Option<String> {
        let Toml::String(written) = value else {
            self.unreadable.push(key);
            return None;
        };
        let text = clean(written, most);
        if text.len() < clean(written, usize::MAX).len() {
            self.shortened.push(key);
        }
        Some(text)
    }

    fn tags(&mut self) -> Vec<String> {
        let Some(value) = self.table.remove("tags") else {
            return Vec::new();
        };
        let words: Option<Vec<&str>> = value
            .as_array()
            .and_then(|tags| tags.iter().map(Toml::as_str).collect());
        let Some(words) = words else {
            self.unreadable.push("tags");
            return Vec::new();
        };
        let (tags, is_cut) = clean_tags(words);
        if is_cut {
            self.shortened.push("tags");
        }
        tags
    }

    fn voice(&mut self) -> Option<VoiceRef> {
        let voice = self.table.remove("voice")?;
        self.voice_of(voice, "voice")
    }

    /// The voices at the corners of the morph pad.
    fn corners(&mut self) -> Corners {
        let mut corners = Corners::default();
        let mut table = match self.table.remove("corners") {
            Some(Toml::Table(table)) => table,
            Some(_) => {
                self.unreadable.push("corners");
                return corners;
            }
            None => return corners,
        };
        for (corner, key) in corners.iter_mut().zip(CORNER_KEYS) {
            let voice = table.remove(key);
            *corner = voice.and_then(|voice| self.voice_of(voice, "corners"));
        }
        self.unknown
            .extend(table.keys().map(|key| format!("corners.{key}")));
        corners
    }

    /// A voice in a table of this name.
    fn voice_of(&mut self, table: Toml, key: &'static str) -> Option<VoiceRef> {
        let Toml::Table(mut voice) = table else {
            self.unreadable.push(key);
            return None;
        };
        let name = voice.remove("name").unwrap_or(Toml::Boolean(false));
        let name = self.text_of(&name, key, about::MOST_NAME)?;
        let sha256 = voice.remove("sha256").and_then(|value| {
            let hash = value.as_str().map(str::to_ascii_lowercase);
            let hash = hash.filter(|hash| is_sha256(hash));
            if hash.is_none() {
                self.unreadable.push("sha256");
            }
            hash
        });
        self.unknown
            .extend(voice.keys().map(|unknown| format!("{key}.{unknown}")));
        if name.is_empty() {
            self.unreadable.push(key);
            return None;
        }
        Some(VoiceRef { name, sha256 })
    }

    fn parameters(&mut self) -> Values {
        let mut values = Values::default();
        let parameters = match self.table.remove("parameters") {
            Some(Toml::Table(parameters)) => parameters,
            Some(_) => {
                self.unreadable.push("parameters");
                return values;
            }
            None => return values,
        };
        for (key, written) in parameters {
            let Some(id) = Id::from_name(&key) else {
                self.unknown.push(key);
                continue;
            };
            let parameter = id.parameter();
            let value = read_value(&parameter.kind, &written);
            match value.map_or(Fit::Refused, |value| values.set(id, value)) {
                Fit::Good => {}
                Fit::Clamped => self.clamped.push(parameter.id),
                Fit::Refused => self.unreadable.push(parameter.id),
            }
        }
        values
    }

    fn notices(mut self, format: i64) -> Vec<Notice> {
        self.unknown.extend(self.table.keys().cloned());
        let mut notices = Vec::new();
        if FORMAT < format {
            notices.push(Notice::Newer { format });
        }
        for (ids, notice) in [
            (self.clamped, Notice::Clamped as fn(_) -> _),
            (self.unreadable, Notice::Unreadable),
            (self.shortened, Notice::Shortened),
        ] {
            if !ids.is_empty() {
                notices.push(notice(ids));
            }
        }
        if !self.unknown.is_empty() {
            let (most, most_characters) = MOST_UNKNOWN;
            let shown = self.unknown.iter().take(most);
            notices.push(Notice::Unknown {
                names: shown.map(|name| clean(name, most_characters)).collect(),
                more: self.unknown.len().saturating_sub(most),
            });
        }
        notices
    }
}

/// The value that is written, `None` where it is of another kind.
fn read_value(kind: &Kind, written: &Toml) -> Option<Value> {
    match (kind, written) {
        (Kind::Switch { .. }, Toml::Boolean(on)) => Some(Value::Switch(*on)),
        // Infinity is no number that anyone means; NaN the values refuse themselves.
        (Kind::Number { .. }, Toml::Float(number)) if !number.is_infinite() => {
            Some(Value::Number(*number as f32))
        }
        (Kind::Number { .. }, Toml::Integer(number)) => Some(Value::Number(*number as f32)),
        (Kind::Choice { words, .. }, Toml::String(word)) => words
            .iter()
            .position(|known| known.eq_ignore_ascii_case(word.trim()))
            .map(Value::Choice),
        (Kind::Count { .. }, Toml::Integer(count)) => {
            usize::try_from(*count).ok().map(Value::Choice)
        }
        (Kind::Notes, Toml::String(notes)) => parse_notes(notes).ok().map(Value::Notes),
        _ => None,
    }
}

/// Writes a preset, in the order of the fields below.
#[must_use]
pub fn to_toml(preset: &Preset) -> String {
    let About {
        name,
        author,
        tags,
        comment,
        licence,
        version,
    } = &preset.about;
    let document = Document {
        format: FORMAT,
        name,
        author,
        tags,
        comment,
        licence,
        version,
        voice: preset.voice.as_ref().map(Voice::of),
        corners: corners_of(preset),
        parameters: Parameters(&preset.values),
    };
    toml::to_string(&document).expect("texts, numbers and switches are TOML")
}

#[derive(serde::Serialize)]
struct Document<'a> {
    format: i64,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    licence: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<Voice<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    corners: BTreeMap<&'static str, Voice<'a>>,
    parameters: Parameters<'a>,
}

#[derive(serde::Serialize)]
struct Voice<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
}

impl<'a> Voice<'a> {
    fn of(voice: &'a VoiceRef) -> Self {
        Self {
            name: &voice.name,
            sha256: voice.sha256.as_deref(),
        }
    }
}

fn corners_of(preset: &Preset) -> BTreeMap<&'static str, Voice<'_>> {
    let corners = CORNER_KEYS.iter().zip(&preset.corners);
    corners
        .filter_map(|(key, voice)| Some((*key, Voice::of(voice.as_ref()?))))
        .collect()
}

/// Values under their ids, in the order of the table of parameters.
struct Parameters<'a>(&'a Values);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(parameter, value)| {
            let written = write_value(&parameter.kind, value);
            (parameter.id, written)
        }))
    }
}

fn write_value(kind: &Kind, value: Value) -> Toml {
    match (kind, value) {
        (_, Value::Switch(on)) => Toml::Boolean(on),
        (_, Value::Number(number)) => Toml::Float(plain(number)),
        (Kind::Choice { words, .. }, Value::Choice(at)) => Toml::String(words[at].to_lowercase()),
        (_, Value::Choice(at)) => Toml::Integer(at as i64),
        (_, Value::Notes(mask)) => Toml::String(format_notes(mask)),
    }
}

/// The number with the fewest digits that is this one: 3.2, not 3.200000047683716.
fn plain(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| number.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Extent;

    fn read(parameters: &str) -> (Values, String) {
        let text = format!("format = 1\nname = \"x\"\n[parameters]\n{parameters}");
        let (preset, notices) = from_toml(&text).expect(parameters);
        let notices: Vec<String> = notices.iter().map(Notice::to_string).collect();
        (preset.values, notices.join("; "))
    }

    #[test]
    fn values_are_read_as_they_are_written_by_hand() {
        for (line, id, expected, notice) in [
            ("pitch = 3.2", Id::Pitch, Some(Value::Number(3.2)), ""),
            ("pitch = -5", Id::Pitch, Some(Value::Number(-5.0)), ""),
            (
                "pitch = 99",
                Id::Pitch,
                Some(Value::Number(24.0)),
                "clamped to its range: pitch",
            ),
            (
                "pitch = -1e300",
                Id::Pitch,
                Some(Value::Number(-24.0)),
                "clamped to its range: pitch",
            ),
            (
                "pitch = nan",
                Id::Pitch,
                None,
                "unreadable and ignored: pitch",
            ),
            (
                "pitch = -inf",
                Id::Pitch,
                None,
                "unreadable and ignored: pitch",
            ),
            (
                "pitch = \"high\"",
                Id::Pitch,
                None,
                "unreadable and ignored: pitch",
            ),
            (
                "pitch.x = 3",
                Id::Pitch,
                None,
                "unreadable and ignored: pitch",
            ),
            (
                "pitch = 2020-01-01",
                Id::Pitch,
                None,
                "unreadable and ignored: pitch",
            ),
            ("limiter = true", Id::Limiter, Some(Value::Switch(true)), ""),
            (
                "limiter = 1",
                Id::Limiter,
                None,
                "unreadable and ignored: limiter",
            ),
            ("key = \"C#\"", Id::Key, Some(Value::Choice(1)), ""),
            ("speaker = 7", Id::Speaker, Some(Value::Choice(7)), ""),
            (
                "speaker = 7000",
                Id::Speaker,
                Some(Value::Choice(108)),
                "clamped to its range: speaker",
            ),
            (
                "speaker = -1",
                Id::Speaker,
                None,
                "unreadable and ignored: speaker",
            ),
            ("scale = \"Minor\"", Id::Scale, Some(Value::Choice(2)), ""),
            (
                "range = \"alto\"",
                Id::Range,
                None,
                "unreadable and ignored: range",
            ),
            (
                "midi_mode = \"last note\"",
                Id::MidiMode,
                Some(Value::Choice(1)),
                "",
            ),
            (
                "custom_scale = \"H\"",
                Id::CustomScale,
                None,
                "unreadable and ignored: custom_scale",
            ),
            ("reverb = 1", Id::Mix, None, "unknown and ignored: reverb"),
            (
                "'../../etc' = 1",
                Id::Mix,
                None,
                "unknown and ignored: ../../etc",
            ),
        ] {
            let (values, said) = read(line);
            assert_eq!(
                (values.get(id), said.as_str()),
                (expected, notice),
                "{line}"
            );
        }
        let (values, _) = read("custom_scale = \"C D E\"");
        let Some(Value::Notes(mask)) = values.get(Id::CustomScale) else {
            panic!("{values:?}");
        };
        assert_eq!(mask.bits(), 0b1_0101);
    }

    #[test]
    fn what_is_no_preset_is_refused() {
        for (text, expected) in [
            ("", "found no format"),
            ("name = \"x\"", "found no format"),
            ("format = 0\nname = \"x\"", "found format = 0"),
            ("format = \"1\"\nname = \"x\"", "found format = \"1\""),
            ("format = 1", "expected a name"),
            ("format = 1\nname = \" \\u202E \"", "expected a name"),
            ("format = 1\nname = 7", "expected a name"),
            (
                "format = 1\nname = \"x\"\nname = \"y\"",
                "found in line 3: duplicate key",
            ),
            ("format = 1\n{{{{", "found in line 2"),
            (&"x".repeat(MOST_BYTES + 1), "at most 65536 bytes"),
            (
                &format!("format = {}", "[".repeat(20_000)),
                "expected a preset in TOML",
            ),
        ] {
            let error = from_toml(text).expect_err(expected);
            assert!(error.to_string().contains(expected), "{text:.40}: {error}");
            assert!(!error.remedy().is_empty());
        }
    }

    #[test]
    fn texts_are_bounded_and_the_rest_is_told_of() {
        let long = "y".repeat(5_000);
        let text = format!(
            "format = 3\nname = \"{long}\"\nauthor = 7\ntags = [\"A\", \"b\"]\n\
             comment = \"\"\"two\nlines\"\"\"\nversion = \"2\"\nflavour = 1\n\
             [voice]\nname = \"Anna\"\nsha256 = \"../x\"\nurl = \"http://x\"\n\
             [corners]\nc.name = \"Cy\"\nd = 7\ne.name = \"Ed\"\n"
        );
        let (preset, notices) = from_toml(&text).expect("a preset");
        assert_eq!(preset.about.name.len(), about::MOST_NAME);
        assert_eq!(preset.about.tags, ["a", "b"]);
        assert_eq!(preset.about.comment, "two lines");
        let voice = VoiceRef {
            name: "Anna".to_owned(),
            sha256: None,
        };
        assert_eq!(preset.voice, Some(voice));
        let corners = [None, None, VoiceRef::written("Cy", None), None];
        assert_eq!(preset.corners, corners);
        let said: Vec<String> = notices.iter().map(Notice::to_string).collect();
        assert_eq!(
            said,
            [
                "written by a newer AutoVoice (format 3), used as far as it is known",
                "unreadable and ignored: author, sha256, corners",
                "shortened: name",
                "unknown and ignored: voice.url, corners.e, flavour",
            ]
        );
    }

    #[test]
    fn a_preset_is_written_as_it_is_read() {
        let mut values = Values::defaults();
        values.set(Id::Pitch, Value::Number(3.2));
        values.set(Id::Key, Value::Choice(1));
        values.set(Id::Limiter, Value::Switch(true));
        let mut preset = Preset::of("He said \"hi\" \\ 'x'", &values, Extent::Everything);
        preset.about.tags = vec!["low".to_owned()];
        preset.voice = Some(VoiceRef {
            name: "Anna".to_owned(),
            sha256: Some("0a".repeat(32)),
        });
        preset.corners[0] = preset.voice.clone();
        preset.corners[3] = VoiceRef::written("Bo", None);
        let text = to_toml(&preset);
        assert!(text.starts_with("format = 1\nname = "), "{text}");
        assert!(text.contains("\npitch = 3.2\n"), "{text}");
        assert!(text.contains("\nkey = \"c#\"\n"), "{text}");
        let (back, notices) = from_toml(&text).expect(&text);
        assert_eq!((back, notices), (preset, vec![]));
    }
}

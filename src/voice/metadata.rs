//! What is known of a voice, and its file: TOML beside the weights, written by us and read as a
//! stranger's. Texts are bounded and cleaned, sizes are checked, nothing is followed as a path.
//!
//! ```toml
//! format = 1
//! name = "Anna"
//! engine = "rvc"
//! sha256 = "<64 hexadecimal digits>"
//! source = "Anna.pth"
//! imported = "2026-11-26T05:08:30Z"
//!
//! [rvc]
//! version = "v2"
//! f0 = true
//! rate_hz = 48000
//! inter = 192
//! ```

use super::VoiceError;
use crate::model::rvc::{RvcConfig, Version};
use crate::preset::about::{MOST_COMMENT, MOST_LABEL, MOST_NAME, clean};
use serde::Serialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use toml::{Table, Value};

/// The format written, and the newest that is read: a later one may hold another network.
pub(super) const FORMAT: i64 = 1;
/// No description is longer.
pub(super) const MOST_BYTES: usize = 64 * 1024;
/// The one engine whose voices are files.
const ENGINE: &str = "rvc";
/// Most items of a list of sizes.
const MOST_ITEMS: usize = 64;

/// What is known of a voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// 1..=64 characters.
    pub name: String,
    /// Who made it, at most 64 characters; empty where nobody says.
    pub author: String,
    /// How it may be used, at most 64 characters: an SPDX expression, or words; may be empty.
    pub licence: String,
    /// What the user should know, at most 1,000 characters; may be empty.
    pub notes: String,
    /// What the file says of itself, such as a count of epochs; at most 1,000 characters.
    pub info: String,
    /// The SHA-256 of the file it was imported from: 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The name of that file, at most 64 characters.
    pub source: String,
    /// When it was imported: UTC, as `2026-11-26T05:08:30Z`.
    pub imported: String,
    /// The sizes of its network, among them its rate, version, pitch and speakers.
    pub config: RvcConfig,
}

impl Metadata {
    /// The engine that plays it, as presets and files call it.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        ENGINE
    }

    /// The file of the voice's description.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let config = &self.config;
        let document = Document {
            format: FORMAT,
            name: &self.name,
            engine: ENGINE,
            author: &self.author,
            licence: &self.licence,
            notes: &self.notes,
            info: &self.info,
            sha256: &self.sha256,
            source: &self.source,
            imported: &self.imported,
            rvc: Rvc {
                version: config.version.name(),
                f0: config.has_pitch,
                rate_hz: config.rate_hz,
                speakers: config.speakers,
                inter: config.inter,
                hidden: config.hidden,
                filter: config.filter,
                heads: config.heads,
                layers: config.layers,
                kernel: config.kernel,
                gin: config.gin,
                upsample_initial: config.upsample_initial,
                upsample_rates: &config.upsample_rates,
                upsample_kernels: &config.upsample_kernels,
                resblock_kernels: &config.resblock_kernels,
                resblock_dilations: &config.resblock_dilations,
            },
        };
        toml::to_string(&document).expect("texts, numbers and lists are TOML")
    }

    /// Reads a description.
    ///
    /// # Errors
    /// [`VoiceError::NotToml`], [`VoiceError::Newer`], [`VoiceError::Description`].
    pub fn from_toml(text: &str) -> Result<Self, VoiceError> {
        if MOST_BYTES < text.len() {
            return Err(wrong(format!("at most {MOST_BYTES} bytes"), "more"));
        }
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            VoiceError::NotToml {
                line: before.map_or(1, |before| before.matches('\n').count() + 1),
                reason: clean(error.message(), 2 * MOST_LABEL),
            }
        })?;
        match table.get("format") {
            Some(Value::Integer(FORMAT)) => {}
            Some(Value::Integer(found)) if FORMAT < *found => {
                return Err(VoiceError::Newer { found: *found });
            }
            found => return Err(wrong(format!("format = {FORMAT}"), shown(found))),
        }
        match table.get("engine") {
            Some(Value::String(engine)) if engine == ENGINE => {}
            found => return Err(wrong(format!("engine = \"{ENGINE}\""), shown(found))),
        }
        let written = |key: &str, most| match table.get(key) {
            Some(Value::String(text)) => clean(text, most),
            _ => String::new(),
        };
        let name = written("name", MOST_NAME);
        if name.is_empty() {
            return Err(wrong("a name", shown(table.get("name"))));
        }
        let sha256 = written("sha256", MOST_LABEL).to_ascii_lowercase();
        if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong("sha256", shown(table.get("sha256"))));
        }
        let sizes = match table.get("rvc") {
            Some(Value::Table(sizes)) => Sizes(sizes),
            found => return Err(wrong("the table rvc", shown(found))),
        };
        Ok(Self {
            name,
            author: written("author", MOST_LABEL),
            licence: written("licence", MOST_LABEL),
            notes: written("notes", MOST_COMMENT),
            info: written("info", MOST_COMMENT),
            sha256,
            source: written("source", MOST_LABEL),
            imported: written("imported", MOST_LABEL),
            config: sizes.config()?,
        })
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format: i64,
    name: &'a str,
    engine: &'a str,
    author: &'a str,
    licence: &'a str,
    notes: &'a str,
    info: &'a str,
    sha256: &'a str,
    source: &'a str,
    imported: &'a str,
    rvc: Rvc<'a>,
}

#[derive(Serialize)]
struct Rvc<'a> {
    version: &'a str,
    f0: bool,
    rate_hz: u32,
    speakers: usize,
    inter: usize,
    hidden: usize,
    filter: usize,
    heads: usize,
    layers: usize,
    kernel: usize,
    gin: usize,
    upsample_initial: usize,
    upsample_rates: &'a [usize],
    upsample_kernels: &'a [usize],
    resblock_kernels: &'a [usize],
    resblock_dilations: &'a [Vec<usize>],
}

/// The table of sizes.
struct Sizes<'a>(&'a Table);

impl Sizes<'_> {
    fn config(&self) -> Result<RvcConfig, VoiceError> {
        let version = match self.0.get("version") {
            Some(Value::String(text)) if text == Version::V1.name() => Version::V1,
            Some(Value::String(text)) if text == Version::V2.name() => Version::V2,
            found => return Err(wrong("version = \"v1\" or \"v2\"", shown(found))),
        };
        let Some(Value::Boolean(has_pitch)) = self.0.get("f0") else {
            return Err(wrong("f0 = true or false", shown(self.0.get("f0"))));
        };
        let config = RvcConfig {
            version,
            has_pitch: *has_pitch,
            rate_hz: u32::try_from(self.size("rate_hz")?).unwrap_or(u32::MAX),
            inter: self.size("inter")?,
            hidden: self.size("hidden")?,
            filter: self.size("filter")?,
            heads: self.size("heads")?,
            layers: self.size("layers")?,
            kernel: self.size("kernel")?,
            resblock_kernels: self.list("resblock_kernels")?,
            resblock_dilations: self.lists("resblock_dilations")?,
            upsample_rates: self.list("upsample_rates")?,
            upsample_initial: self.size("upsample_initial")?,
            upsample_kernels: self.list("upsample_kernels")?,
            speakers: self.size("speakers")?,
            gin: self.size("gin")?,
        };
        config
            .check()
            .map_err(|error| wrong(error.expected, error.found))?;
        Ok(config)
    }

    fn size(&self, key: &str) -> Result<usize, VoiceError> {
        let found = self.0.get(key);
        found
            .and_then(size)
            .ok_or_else(|| wrong(format!("the number {key}"), shown(found)))
    }

    fn list(&self, key: &str) -> Result<Vec<usize>, VoiceError> {
        let found = self.0.get(key);
        found
            .and_then(list)
            .ok_or_else(|| wrong(format!("the list {key}"), shown(found)))
    }

    fn lists(&self, key: &str) -> Result<Vec<Vec<usize>>, VoiceError> {
        let found = self.0.get(key);
        let items = found
            .and_then(Value::as_array)
            .filter(|items| items.len() <= MOST_ITEMS);
        items
            .and_then(|items| items.iter().map(list).collect())
            .ok_or_else(|| wrong(format!("the lists {key}"), shown(found)))
    }
}

fn size(value: &Value) -> Option<usize> {
    usize::try_from(value.as_integer()?).ok()
}

fn list(value: &Value) -> Option<Vec<usize>> {
    let items = value.as_array().filter(|items| items.len() <= MOST_ITEMS)?;
    items.iter().map(size).collect()
}

fn wrong(expected: impl Into<String>, found: impl Into<String>) -> VoiceError {
    VoiceError::Description {
        expected: expected.into(),
        found: found.into(),
    }
}

/// What stands in a file, for a message.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(value) => clean(&value.to_string(), MOST_LABEL),
    }
}

/// A time as in a description.
pub(super) fn written_time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let date = crate::units::Civil::from_seconds(since.as_secs());
    format!(
        "{}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year, date.month, date.day, date.hour, date.minute, date.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Metadata {
        Metadata {
            name: "Anna \"A\" 'x' \\".to_owned(),
            author: "somebody".to_owned(),
            licence: "CC0-1.0".to_owned(),
            notes: "größer".to_owned(),
            info: "300epoch".to_owned(),
            sha256: "0a".repeat(32),
            source: "Anna.pth".to_owned(),
            imported: written_time(UNIX_EPOCH + Duration::from_secs(1_795_669_710)),
            config: RvcConfig::original(Version::V2, 48_000).expect("it is trained at"),
        }
    }

    #[test]
    fn a_description_is_read_as_it_is_written() {
        let anna = anna();
        assert_eq!(anna.imported, "2026-11-26T05:08:30Z");
        let text = anna.to_toml();
        assert!(text.starts_with("format = 1\nname = "), "{text}");
        assert_eq!(Metadata::from_toml(&text).expect(&text), anna);
    }

    #[test]
    fn what_is_no_description_is_refused() {
        let good = anna().to_toml();
        for (from, to, expected) in [
            ("format = 1", "format = 2", "newer AutoVoice, format 2"),
            ("format = 1", "format = 0", "expected format = 1"),
            ("format = 1", "", "found nothing"),
            ("format = 1", "{{", "found in line 1"),
            ("engine = \"rvc\"", "engine = \"ddsp\"", "found \"ddsp\""),
            ("name = ", "name = 7 #", "expected a name"),
            ("sha256 = \"0a", "sha256 = \"../", "expected sha256"),
            ("[rvc]", "[vits]", "the table rvc"),
            ("version = \"v2\"", "version = \"v3\"", "\"v1\" or \"v2\""),
            ("f0 = true", "f0 = 1", "f0 = true or false"),
            ("inter = 192", "inter = -1", "the number inter"),
            ("inter = 192", "inter = 1000000000", "1 to 1024 channels"),
            ("rate_hz = 48000", "rate_hz = 44100", "44100"),
            ("layers = 6", "", "the number layers"),
            (
                "upsample_kernels = [24, 20, 4, 4]",
                "upsample_kernels = [24, \"20\", 4, 4]",
                "the list upsample_kernels",
            ),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let error = Metadata::from_toml(&text).expect_err(expected);
            assert!(error.to_string().contains(expected), "{to}: {error}");
            assert!(!error.remedy().is_empty());
        }
        let long = format!("{good}#{}", "x".repeat(MOST_BYTES));
        assert!(Metadata::from_toml(&long).is_err());
    }

    #[test]
    fn texts_are_bounded_and_cleaned() {
        let mut anna = anna();
        anna.name = "\u{202e}x".repeat(500);
        anna.notes = "y\n".repeat(5_000);
        let back = Metadata::from_toml(&anna.to_toml()).expect("a voice");
        assert_eq!(back.name, "x".repeat(MOST_NAME));
        assert!(back.notes.chars().count() <= MOST_COMMENT);
    }
}

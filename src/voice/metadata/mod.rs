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
//!
//! A voice of our own has `engine = "ddsp"` and the table `ddsp`.

mod ddsp;
mod read;
mod rvc;

use super::VoiceError;
use super::ddsp::{DdspVoice, Described};
use crate::model::ddsp::synthesis;
use crate::model::rvc::RvcConfig;
use crate::preset::about::{MOST_COMMENT, MOST_LABEL, MOST_NAME, clean, is_sha256};
use read::{shown, wrong};
use serde::Serialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use toml::{Table, Value};

/// The format written, and the newest that is read: a later one may hold another network.
pub(super) const FORMAT: i64 = 1;
/// No description is longer.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// The network of a voice, and so the engine that plays it.
#[derive(Clone, Debug, PartialEq)]
pub enum VoiceModel {
    /// A voice of RVC: the sizes of its network, among them its rate, version, pitch and speakers.
    Rvc(RvcConfig),
    /// A voice of our own.
    Ddsp(DdspVoice),
}

impl VoiceModel {
    /// The engine that plays it, as presets and files call it.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Rvc(_) => rvc::TABLE,
            Self::Ddsp(_) => ddsp::TABLE,
        }
    }

    /// The rate of its sound, in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        match self {
            Self::Rvc(config) => config.rate_hz,
            Self::Ddsp(_) => synthesis::RATE_HZ,
        }
    }

    /// Speakers it has, at least 1.
    #[must_use]
    pub fn speakers(&self) -> usize {
        match self {
            Self::Rvc(config) => config.speakers,
            Self::Ddsp(_) => 1,
        }
    }

    /// Whether it sings the pitch that it is given.
    #[must_use]
    pub fn has_pitch(&self) -> bool {
        match self {
            Self::Rvc(config) => config.has_pitch,
            Self::Ddsp(_) => true,
        }
    }

    /// The sizes of a voice of RVC.
    #[must_use]
    pub fn rvc(&self) -> Option<&RvcConfig> {
        match self {
            Self::Rvc(config) => Some(config),
            Self::Ddsp(_) => None,
        }
    }

    /// A voice of our own.
    #[must_use]
    pub fn ddsp(&self) -> Option<&DdspVoice> {
        match self {
            Self::Rvc(_) => None,
            Self::Ddsp(voice) => Some(voice),
        }
    }
}

/// What is known of a voice.
#[derive(Clone, Debug, PartialEq)]
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
    /// Whose voice it is and that they agreed, with the date, at most 1,000 characters; empty where
    /// nobody says.
    pub consent: String,
    /// The SHA-256 of the file it was imported from: 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The name of that file, at most 64 characters.
    pub source: String,
    /// When it was imported: UTC, as `2026-11-26T05:08:30Z`.
    pub imported: String,
    /// Its network.
    pub model: VoiceModel,
}

impl Metadata {
    /// The engine that plays it, as presets and files call it.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        self.model.engine()
    }

    /// What is known of a voice of ours in a file with this hash.
    #[must_use]
    pub(super) fn of_described(described: Described, sha256: String) -> Self {
        Self {
            name: described.name,
            author: described.author,
            licence: described.licence,
            notes: described.notes,
            info: described.info,
            consent: described.consent,
            sha256,
            source: String::new(),
            imported: String::new(),
            model: VoiceModel::Ddsp(described.voice),
        }
    }

    /// What the file of a voice of ours says of itself; `None` for voices of others.
    #[must_use]
    pub(super) fn described(&self) -> Option<Described> {
        Some(Described {
            name: self.name.clone(),
            author: self.author.clone(),
            licence: self.licence.clone(),
            notes: self.notes.clone(),
            info: self.info.clone(),
            consent: self.consent.clone(),
            voice: self.model.ddsp()?.clone(),
        })
    }

    /// The file of the voice's description.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let document = Document {
            format: FORMAT,
            name: &self.name,
            engine: self.engine(),
            author: &self.author,
            licence: &self.licence,
            notes: &self.notes,
            info: &self.info,
            consent: &self.consent,
            sha256: &self.sha256,
            source: &self.source,
            imported: &self.imported,
            rvc: self.model.rvc().map(rvc::Written::from),
            ddsp: self.model.ddsp().map(ddsp::Written::from),
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
        let written = |key: &str, most| match table.get(key) {
            Some(Value::String(text)) => clean(text, most),
            _ => String::new(),
        };
        let name = written("name", MOST_NAME);
        if name.is_empty() {
            return Err(wrong("a name", shown(table.get("name"))));
        }
        let sha256 = written("sha256", MOST_LABEL).to_ascii_lowercase();
        if !is_sha256(&sha256) {
            return Err(wrong("sha256", shown(table.get("sha256"))));
        }
        Ok(Self {
            name,
            author: written("author", MOST_LABEL),
            licence: written("licence", MOST_LABEL),
            notes: written("notes", MOST_COMMENT),
            info: written("info", MOST_COMMENT),
            consent: written("consent", MOST_COMMENT),
            sha256,
            source: written("source", MOST_LABEL),
            imported: written("imported", MOST_LABEL),
            model: model(&table)?,
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
    #[serde(skip_serializing_if = "str::is_empty")]
    consent: &'a str,
    sha256: &'a str,
    source: &'a str,
    imported: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rvc: Option<rvc::Written<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ddsp: Option<ddsp::Written<'a>>,
}

/// The network that a description is of.
fn model(table: &Table) -> Result<VoiceModel, VoiceError> {
    let of = |name: &str| match table.get(name) {
        Some(Value::Table(table)) => Ok(table),
        found => Err(wrong(format!("the table {name}"), shown(found))),
    };
    match table.get("engine") {
        Some(Value::String(engine)) if engine == rvc::TABLE => {
            Ok(VoiceModel::Rvc(rvc::read(of(rvc::TABLE)?)?))
        }
        Some(Value::String(engine)) if engine == ddsp::TABLE => {
            Ok(VoiceModel::Ddsp(ddsp::read(of(ddsp::TABLE)?)?))
        }
        found => Err(wrong(
            format!("engine = \"{}\" or \"{}\"", rvc::TABLE, ddsp::TABLE),
            shown(found),
        )),
    }
}

/// A time as in a description.
pub(super) fn written_time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    crate::units::Civil::from_seconds(since.as_secs()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ddsp::DecoderConfig;
    use crate::model::rvc::Version;

    fn anna() -> Metadata {
        Metadata {
            name: "Anna \"A\" 'x' \\".to_owned(),
            author: "somebody".to_owned(),
            licence: "CC0-1.0".to_owned(),
            notes: "größer".to_owned(),
            info: "300epoch".to_owned(),
            consent: "Anna agreed on 2026-11-26".to_owned(),
            sha256: "0a".repeat(32),
            source: "Anna.pth".to_owned(),
            imported: written_time(UNIX_EPOCH + Duration::from_secs(1_795_669_710)),
            model: VoiceModel::Rvc(
                RvcConfig::original(Version::V2, 48_000).expect("it is trained at"),
            ),
        }
    }

    /// A voice of our own.
    fn olga() -> Metadata {
        Metadata {
            name: "Olga".to_owned(),
            model: VoiceModel::Ddsp(DdspVoice {
                decoder: DecoderConfig::default(),
                ahead: 1,
                encoder_sha256: "9f".repeat(32),
                bandwidth_hz: 11_025.0,
                mean_pitch_hz: 187.3,
            }),
            ..anna()
        }
    }

    #[test]
    fn a_description_is_read_as_it_is_written() {
        let anna = anna();
        assert_eq!(anna.imported, "2026-11-26T05:08:30Z");
        let text = anna.to_toml();
        assert!(text.starts_with("format = 1\nname = "), "{text}");
        assert_eq!(Metadata::from_toml(&text).expect(&text), anna);
        assert_eq!(anna.engine(), "rvc");
        let text = olga().to_toml();
        assert_eq!(Metadata::from_toml(&text).expect(&text), olga());
        assert_eq!((olga().engine(), olga().model.rate_hz()), ("ddsp", 48_000));
    }

    /// What files of before there were others look like.
    #[test]
    fn an_old_description_is_read() {
        let text = format!(
            "format = 1\nname = \"Anna\"\nengine = \"rvc\"\nauthor = \"\"\nlicence = \"\"\n\
             notes = \"\"\ninfo = \"\"\nsha256 = \"{}\"\nsource = \"Anna.pth\"\n\
             imported = \"2026-11-26T05:08:30Z\"\n\n[rvc]\nversion = \"v2\"\nf0 = true\n\
             rate_hz = 48000\nspeakers = 109\ninter = 192\nhidden = 192\nfilter = 768\n\
             heads = 2\nlayers = 6\nkernel = 3\ngin = 256\nupsample_initial = 512\n\
             upsample_rates = [12, 10, 2, 2]\nupsample_kernels = [24, 20, 4, 4]\n\
             resblock_kernels = [3, 7, 11]\n\
             resblock_dilations = [[1, 3, 5], [1, 3, 5], [1, 3, 5]]\n",
            "0a".repeat(32)
        );
        let read = Metadata::from_toml(&text).expect("a voice");
        assert_eq!(read.model, anna().model);
    }

    #[test]
    fn what_is_no_description_is_refused() {
        let good = anna().to_toml();
        for (from, to, expected) in [
            ("format = 1", "format = 2", "newer AutoVoice, format 2"),
            ("format = 1", "format = 0", "expected format = 1"),
            ("format = 1", "", "found nothing"),
            ("format = 1", "{{", "found in line 1"),
            ("engine = \"rvc\"", "engine = \"vits\"", "found \"vits\""),
            ("engine = \"rvc\"", "engine = \"ddsp\"", "the table ddsp"),
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
        let good = olga().to_toml();
        for (from, to, expected) in [
            ("width = 192", "width = 0", "1 to 1024 channels"),
            ("content = 64", "content = -1", "the number content"),
            ("embedding = 64", "embedding = 4096", "1 to 1024 values of"),
            ("[1, 2, 4, 1, 2, 4]", "[]", "1 to 32 blocks"),
            ("[1, 2, 4, 1, 2, 4]", "[1, 99]", "dilations of 1 to 64"),
            ("ahead = 1", "ahead = 3", "0, 1 or 2 frames"),
            ("bandwidth_hz = 11025.0", "bandwidth_hz = 12", "a bandwidth"),
            (
                "bandwidth_hz = 11025.0",
                "bandwidth_hz = nan",
                "a bandwidth",
            ),
            (
                "mean_pitch_hz = 187.3",
                "mean_pitch_hz = true",
                "mean_pitch_hz",
            ),
            (
                "mean_pitch_hz = 187.3",
                "mean_pitch_hz = -inf",
                "a mean pitch",
            ),
            ("sha256 = \"9f", "sha256 = \"../", "of a content encoder"),
            ("[ddsp]", "[rvc]", "the table ddsp"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let error = Metadata::from_toml(&text).expect_err(expected);
            assert!(error.to_string().contains(expected), "{to}: {error}");
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

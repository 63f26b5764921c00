//! What the file of a voice of ours says of itself: the texts in the header of a safetensors file.
//! Written by us and read as a stranger's. Sizes that follow from the shapes of tensors are not
//! among them.
//!
//! | key | value |
//! |---|---|
//! | `kind` | `voice`; `content encoder` and `base voice` are other files of ours |
//! | `version` | `1` |
//! | `name`, `author`, `licence`, `notes`, `info` | for people; all but the name may be missing |
//! | `consent` | whose voice it is, and that they agreed; may be missing |
//! | `encoder_sha256` | of the content encoder's file |
//! | `ahead` | frames that it hears ahead; 1 where it is missing |
//! | `dilations` | of the decoder's blocks: `[1, 2, 4]` |
//! | `bandwidth_hz`, `log2_f0` | of the recordings: where they end, and the mean of the logarithm of their pitch in Hz |

use super::{DdspError, DdspVoice, tensors};
use crate::io::checkpoint::{Tensor, TensorRef, write_safetensors};
use crate::model::ddsp::{DecoderConfig, EncoderConfig, SUNG};
use crate::preset::about::{MOST_COMMENT, MOST_LABEL, MOST_NAME, clean};
use crate::voice::tensors::TensorsError;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

const KIND: &str = "kind";
const VOICE: &str = "voice";
/// Other files of ours.
const OTHERS: [&str; 2] = [ENCODER, "base voice"];
pub(super) const ENCODER: &str = "content encoder";
/// What a training that is under way keeps has these instead.
const TRAINING: [&str; 2] = ["plan", "step"];
const VERSION: &str = "version";
/// The version written, and the only one that is read.
const CURRENT: &str = "1";
/// The longest list of dilations, in bytes.
const MOST_LIST: usize = 512;

/// Everything that the file of a voice says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// What it is called, at most 64 characters; may be empty.
    pub name: String,
    /// Who made it, at most 64 characters; empty where nobody says.
    pub author: String,
    /// How it may be used, at most 64 characters; may be empty.
    pub licence: String,
    /// What the user should know, at most 1,000 characters; may be empty.
    pub notes: String,
    /// How it was made, such as the seconds of recordings; at most 1,000 characters.
    pub info: String,
    /// Whose voice it is and that they agreed, with the date, at most 1,000 characters; may be empty.
    pub consent: String,
    /// Its sizes and measures.
    pub voice: DdspVoice,
}

/// What a file says that it is.
pub(super) enum Kind {
    Voice,
    Other(&'static str),
}

pub(super) fn kind(texts: &BTreeMap<String, String>) -> Option<Kind> {
    let Some(kind) = texts.get(KIND) else {
        let is_training = TRAINING.iter().all(|key| texts.contains_key(*key));
        return is_training.then_some(Kind::Other("state of a training"));
    };
    let others = OTHERS.into_iter().find(|other| other == kind);
    match kind.as_str() {
        VOICE => Some(Kind::Voice),
        _ => others.map(Kind::Other),
    }
}

/// Writes a voice's file, complete or not at all; replaces what is there. What a library, or
/// anybody, imports.
///
/// # Errors
/// [`DdspError::Unfit`] and [`DdspError::Tensors`] where nobody could read it again,
/// [`DdspError::Checkpoint`] where the disk refuses.
pub fn write(
    path: &Path,
    described: &Described,
    tensors: &[(String, Tensor)],
) -> Result<(), DdspError> {
    described.voice.check()?;
    let needed = described.voice.tensors();
    for (name, expected) in &needed {
        let (name, expected) = (name.clone(), expected.clone());
        match tensors.iter().find(|(known, _)| *known == name) {
            None => return Err(TensorsError::Missing { name, expected }.into()),
            Some((_, tensor)) if tensor.shape != expected => {
                let found = tensor.shape.clone();
                return Err(TensorsError::Shape {
                    name,
                    expected,
                    found,
                }
                .into());
            }
            Some(_) => {}
        }
    }
    let is_needed = |name: &str| needed.iter().any(|(known, _)| known == name);
    if let Some((name, _)) = tensors.iter().find(|(name, _)| !is_needed(name)) {
        let name = name.clone();
        return Err(TensorsError::Surplus { name }.into());
    }
    Ok(write_safetensors(path, tensors, &described.texts())?)
}

impl Described {
    /// The texts of its file.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<String, String> {
        let voice = &self.voice;
        let texts = [
            (KIND, VOICE.to_owned()),
            (VERSION, CURRENT.to_owned()),
            ("name", clean(&self.name, MOST_NAME)),
            ("author", clean(&self.author, MOST_LABEL)),
            ("licence", clean(&self.licence, MOST_LABEL)),
            ("notes", clean(&self.notes, MOST_COMMENT)),
            ("info", clean(&self.info, MOST_COMMENT)),
            ("consent", clean(&self.consent, MOST_COMMENT)),
            ("encoder_sha256", voice.encoder_sha256.clone()),
            ("ahead", voice.ahead.to_string()),
            ("dilations", format!("{:?}", voice.decoder.dilations)),
            ("bandwidth_hz", voice.bandwidth_hz.to_string()),
            ("log2_f0", f64::from(voice.mean_pitch_hz).log2().to_string()),
        ];
        let filled = texts.into_iter().filter(|(_, text)| !text.is_empty());
        filled.map(|(key, text)| (key.to_owned(), text)).collect()
    }
}

/// Reads the texts of a voice's file, and the sizes that the shapes of its tensors give.
pub(super) fn read(
    texts: &BTreeMap<String, String>,
    found: &HashMap<String, TensorRef>,
) -> Result<Described, DdspError> {
    let reader = Reader(texts);
    match texts.get(VERSION).map(String::as_str) {
        Some(CURRENT) => {}
        Some(version) if 1 < version.parse::<u32>().unwrap_or(0) => {
            let found = version.to_owned();
            return Err(DdspError::Newer { found });
        }
        _ => return Err(reader.wrong("version 1", VERSION)),
    }
    let dilations = dilations(texts)?;
    let ahead = match texts.get("ahead") {
        None => EncoderConfig::default().ahead,
        Some(text) => text
            .parse()
            .map_err(|_| reader.wrong("a number of frames ahead", "ahead"))?,
    };
    let voice = DdspVoice {
        decoder: decoder(dilations, found)?,
        ahead,
        encoder_sha256: reader
            .text("encoder_sha256", 2 * MOST_LABEL)
            .to_ascii_lowercase(),
        bandwidth_hz: reader.number("bandwidth_hz")? as f32,
        mean_pitch_hz: reader.number("log2_f0")?.exp2() as f32,
    };
    voice.check()?;
    Ok(Described {
        name: reader.text("name", MOST_NAME),
        author: reader.text("author", MOST_LABEL),
        licence: reader.text("licence", MOST_LABEL),
        notes: reader.text("notes", MOST_COMMENT),
        info: reader.text("info", MOST_COMMENT),
        consent: reader.text("consent", MOST_COMMENT),
        voice,
    })
}

/// The dilations of a network's blocks.
pub(super) fn dilations(texts: &BTreeMap<String, String>) -> Result<Vec<usize>, DdspError> {
    let reader = Reader(texts);
    let list = reader.text("dilations", MOST_LIST);
    serde_json::from_str(&list).map_err(|_| reader.wrong("a list of dilations", "dilations"))
}

/// The sizes of a decoder: its blocks are given, the rest is read off two shapes. Whether all
/// others are as they must be is seen later.
fn decoder(
    dilations: Vec<usize>,
    found: &HashMap<String, TensorRef>,
) -> Result<DecoderConfig, DdspError> {
    let usual = DecoderConfig::default();
    let shape = |name: &str| found.get(name).map_or(&[][..], TensorRef::shape);
    let missing = |name: &str| {
        let needed = tensors(&usual);
        let shapes = needed.into_iter().find(|(known, _)| known == name);
        let expected = shapes.map(|(_, shape)| shape).unwrap_or_default();
        let name = name.to_owned();
        DdspError::from(match found.get(&name) {
            None => TensorsError::Missing { name, expected },
            Some(tensor) => TensorsError::Shape {
                found: tensor.shape().to_vec(),
                name,
                expected,
            },
        })
    };
    let (input, embedding) = ("decoder.input.weight", "voice.embedding");
    let [width, ins] = *shape(input) else {
        return Err(missing(input));
    };
    let [values] = *shape(embedding) else {
        return Err(missing(embedding));
    };
    Ok(DecoderConfig {
        content: ins.saturating_sub(SUNG),
        embedding: values,
        width,
        dilations,
    })
}

struct Reader<'a>(&'a BTreeMap<String, String>);

impl Reader<'_> {
    fn text(&self, key: &str, most: usize) -> String {
        clean(self.0.get(key).map_or("", String::as_str), most)
    }

    fn number(&self, key: &str) -> Result<f64, DdspError> {
        let number = self.0.get(key).and_then(|text| text.parse().ok());
        number.ok_or_else(|| self.wrong(&format!("the number {key}"), key))
    }

    fn wrong(&self, expected: &str, key: &str) -> DdspError {
        DdspError::Text {
            expected: expected.to_owned(),
            found: match self.0.get(key) {
                Some(text) => format!("\"{}\"", clean(text, MOST_LABEL)),
                None => "nothing".to_owned(),
            },
        }
    }
}

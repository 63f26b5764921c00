//! A preset as a short text that fits a chat message: `AV1:`, then base64url of a checksum and
//! the deflated TOML. What a chat adds (blanks, line breaks, quotes, backticks) does no harm; what
//! it loses is noticed.

use super::{MOST_BYTES, Notice, Preset, PresetError, about, from_toml, to_toml};
use data_encoding::BASE64URL_NOPAD;
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use std::io::Read as _;

const MARK: &str = "AV";
const PREFIX: &str = "AV1:";
const CHECKSUM_BYTES: usize = 4;
/// No code that we write is longer, and no other is read.
const MOST_CHARACTERS: usize = 2 * MOST_BYTES;

/// Writes a preset as a code.
#[must_use]
pub fn to_code(preset: &Preset) -> String {
    let toml = to_toml(preset);
    let mut bytes = vec![0; CHECKSUM_BYTES];
    DeflateEncoder::new(toml.as_bytes(), Compression::best())
        .read_to_end(&mut bytes)
        .expect("memory is readable");
    let checksum = crc32fast::hash(&bytes[CHECKSUM_BYTES..]);
    bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
}

/// Whether a text is meant as a code, whole or not.
#[must_use]
pub fn looks_like_code(text: &str) -> bool {
    let bare = unwrapped(text);
    let version = bare
        .get(..MARK.len())
        .filter(|mark| mark.eq_ignore_ascii_case(MARK));
    version.is_some_and(|_| {
        let rest = &bare[MARK.len()..];
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < rest.len() && digits.starts_with(':')
    })
}

/// Reads a code, and what of it is not taken as it is written.
///
/// # Errors
/// [`PresetError`] when it is no code, not a whole one, or holds no preset.
pub fn from_code(text: &str) -> Result<(Preset, Vec<Notice>), PresetError> {
    if MOST_CHARACTERS < text.len() {
        return Err(PresetError::TooLong);
    }
    let bare = unwrapped(text);
    let found = || about::clean(bare, 12);
    if !looks_like_code(bare) {
        return Err(PresetError::NoCode { found: found() });
    }
    let known = bare.get(..PREFIX.len());
    if !known.is_some_and(|known| known.eq_ignore_ascii_case(PREFIX)) {
        return Err(PresetError::NewerCode { found: found() });
    }
    let digits: String = bare[PREFIX.len()..].chars().filter_map(digit).collect();
    let bytes = BASE64URL_NOPAD
        .decode(digits.as_bytes())
        .map_err(|_| PresetError::Incomplete)?;
    let (checksum, deflated) = bytes
        .split_first_chunk::<CHECKSUM_BYTES>()
        .ok_or(PresetError::Incomplete)?;
    if crc32fast::hash(deflated) != u32::from_le_bytes(*checksum) {
        return Err(PresetError::Incomplete);
    }
    from_toml(&inflate(deflated)?)
}

/// A few bytes may stand for gigabytes: no more of them is made than a preset has.
fn inflate(deflated: &[u8]) -> Result<String, PresetError> {
    let mut bytes = Vec::new();
    let mut bounded = DeflateDecoder::new(deflated).take(MOST_BYTES as u64 + 1);
    bounded
        .read_to_end(&mut bytes)
        .map_err(|_| PresetError::Incomplete)?;
    if MOST_BYTES < bytes.len() {
        return Err(PresetError::TooLong);
    }
    String::from_utf8(bytes).map_err(|_| PresetError::Incomplete)
}

/// Without what surrounds it: blanks, quotes, backticks, brackets, a full stop.
fn unwrapped(text: &str) -> &str {
    text.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || "-_+/:".contains(c)))
}

/// The digit a character stands for; blanks and what is not seen stand for none.
fn digit(c: char) -> Option<char> {
    match c {
        '+' => Some('-'),
        '/' => Some('_'),
        '=' | '\u{200b}' | '\u{2060}' | '\u{feff}' => None,
        c if c.is_whitespace() => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::{Extent, Id, Value, Values};

    fn preset() -> Preset {
        let mut values = Values::defaults();
        values.set(Id::Pitch, Value::Number(-5.0));
        values.set(Id::Correct, Value::Switch(true));
        let mut preset = Preset::of("Deep", &values, Extent::Sound);
        preset.about.author = "Ada".to_owned();
        preset
    }

    fn sealed(deflated: &[u8]) -> String {
        let mut bytes = crc32fast::hash(deflated).to_le_bytes().to_vec();
        bytes.extend_from_slice(deflated);
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    #[test]
    fn a_code_survives_a_chat() {
        let code = to_code(&preset());
        assert!(code.len() < 200, "{}: {code}", code.len());
        let broken = code
            .as_bytes()
            .chunks(20)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect::<Vec<_>>()
            .join("\r\n  ");
        for text in [
            code.clone(),
            format!("  {code}\n"),
            format!("```\n{code}\n```"),
            format!("“{code}”"),
            format!("<{code}>"),
            format!("(**{code}**)."),
            broken,
            code.replacen("AV1", "av1", 1),
            code.replacen(':', ": ", 1),
            format!("{}==", code.replace('-', "+").replace('_', "/")),
        ] {
            assert!(looks_like_code(&text), "{text}");
            let (back, notices) = from_code(&text).expect(&text);
            assert_eq!((back, notices), (preset(), vec![]), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_code_is_refused() {
        let code = to_code(&preset());
        let swapped = code.replacen(&code[10..12], "zz", 1);
        let bomb = {
            let zeros = vec![b' '; 20_000_000];
            let mut deflated = Vec::new();
            DeflateEncoder::new(&zeros[..], Compression::best())
                .read_to_end(&mut deflated)
                .expect("memory is readable");
            assert!(deflated.len() < MOST_BYTES);
            sealed(&deflated)
        };
        for (text, expected) in [
            ("", "begins with AV1:"),
            ("hello", "found \"hello\""),
            ("AV1", "begins with AV1:"),
            ("AV1:", "incomplete"),
            ("AV1:AAAA", "incomplete"),
            ("AV2:AAAA", "a newer AutoVoice, AV2:AAAA"),
            (&code[..code.len() - 1], "incomplete"),
            (&code[..code.len() / 2], "incomplete"),
            (&swapped, "incomplete"),
            (&format!("{code} and more"), "incomplete"),
            (&bomb, "at most 65536 bytes"),
            (&sealed(b"\xff\xff\xff"), "incomplete"),
            (&sealed(b""), "incomplete"),
            (&"AV1:".repeat(100_000), "at most 65536 bytes"),
        ] {
            let error = from_code(text).expect_err(expected).to_string();
            assert!(error.contains(expected), "{text:.40}: {error}");
        }
    }
}

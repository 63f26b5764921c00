//! Musicians' text to values and back: "+3 st 20 ct", "C# minor", "C D E G A", "-6 dB". Shared by
//! the command line and the plugin's parameters. Pure functions; they allocate, so never call them
//! on the audio thread. Ranges are the caller's business: these read what is written.

use super::{Key, Scale, ScaleMask};

/// A text that says no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got \"{got}\"")]
pub struct TextError {
    /// What would have been understood.
    pub expected: &'static str,
    /// What was written.
    pub got: String,
}

impl TextError {
    fn new(expected: &'static str, got: &str) -> Self {
        Self {
            expected,
            got: got.trim().to_owned(),
        }
    }
}

const SEMITONES: &str = "semitones and cents such as 4, -5, 3.5, \"+3 st 20 ct\" or \"-50 ct\"";
const KEY_SCALE: &str = "a key and a scale such as \"C# minor\", \"Bb\", \"F#m\", \
     \"A minor pentatonic\" or \"chromatic\"";
const NOTES: &str = "notes such as \"C D Eb G\", or twelve digits 0 and 1 from C to B";
const DECIBELS: &str = "decibels such as -6, \"3.5 dB\" or \"-inf\"";

/// Reads a transposition in semitones. A bare number is semitones; `st` and `ct` (also spelled
/// out) name the unit, `oct` is twelve semitones. Cents without a sign of their own go the way of
/// the semitones: "-3 st 20 ct" is -3.2.
///
/// # Errors
/// [`TextError`] when the text is no such amount.
pub fn parse_semitones(text: &str) -> Result<f32, TextError> {
    let fail = || TextError::new(SEMITONES, text);
    let tokens = numbers_with_units(text).ok_or_else(fail)?;
    let mut total = 0.0;
    let mut sign = 1.0;
    let mut seen = [false; 3];
    for token in &tokens {
        let (slot, size) = match token.unit.as_str() {
            "" if tokens.len() == 1 => (1, 1.0),
            "oct" | "octave" | "octaves" => (0, 12.0),
            "st" | "semi" | "semis" | "semitone" | "semitones" => (1, 1.0),
            "ct" | "cent" | "cents" | "¢" => (2, 0.01),
            _ => return Err(fail()),
        };
        if std::mem::replace(&mut seen[slot], true) {
            return Err(fail());
        }
        sign = token.sign.unwrap_or(sign);
        total += sign * token.magnitude * size;
    }
    finite(total).ok_or_else(fail)
}

/// Writes a transposition in semitones and whole cents: "+3 st 20 ct", "-50 ct", "0 st".
/// [`parse_semitones`] reads it back to the nearest cent.
#[must_use]
pub fn format_semitones(semitones: f32) -> String {
    let total_cents = (f64::from(semitones) * 100.0).round();
    let sign = if total_cents < 0.0 { '-' } else { '+' };
    let (st, ct) = (
        (total_cents.abs() / 100.0).floor(),
        total_cents.abs() % 100.0,
    );
    match (st > 0.0, ct > 0.0) {
        (false, false) => "0 st".to_owned(),
        (true, false) => format!("{sign}{st} st"),
        (false, true) => format!("{sign}{ct} ct"),
        (true, true) => format!("{sign}{st} st {ct} ct"),
    }
}

/// Reads a key and its scale. A key alone is major, a key with `m` is minor; "chromatic" and
/// "custom" need no key and then stand on C.
///
/// # Errors
/// [`TextError`] when the key or the scale is none of those known.
pub fn parse_key_scale(text: &str) -> Result<(Key, Scale), TextError> {
    let fail = || TextError::new(KEY_SCALE, text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let joined = words.join(" ");
    if let Some(scale @ (Scale::Chromatic | Scale::Custom)) = Scale::from_name(&joined) {
        return Ok((Key::default(), scale));
    }
    let (first, rest) = words.split_first().ok_or_else(fail)?;
    let rest = rest.join(" ");
    if let Some(key) = Key::from_name(first) {
        return Ok((key, scale_word(&rest).ok_or_else(fail)?));
    }
    // "F#m", "Amin", "Cmaj": the quality written onto the key
    let letter_end = first
        .char_indices()
        .skip(1)
        .find(|(_, c)| !matches!(c, '#' | '♯' | 'b' | '♭'))
        .map_or(first.len(), |(at, _)| at);
    let (key, quality) = first.split_at(letter_end);
    let key = Key::from_name(key).ok_or_else(fail)?;
    let scale = [quality, &rest]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    Ok((key, scale_word(&scale).ok_or_else(fail)?))
}

fn scale_word(word: &str) -> Option<Scale> {
    // Upper and lower m differ in chord names, so they are told apart before case is dropped.
    match word {
        "" | "M" => return Some(Scale::Major),
        "m" | "-" => return Some(Scale::Minor),
        _ => {}
    }
    match word.to_lowercase().replace(['-', '_'], " ").as_str() {
        "maj" | "ionian" => Some(Scale::Major),
        "min" | "aeolian" | "natural minor" => Some(Scale::Minor),
        "pentatonic" => Some(Scale::MajorPentatonic),
        other => Scale::from_name(other),
    }
}

/// Writes a key and its scale: "C# minor"; scales that no key moves stand alone.
#[must_use]
pub fn format_key_scale(key: Key, scale: Scale) -> String {
    match scale {
        Scale::Chromatic | Scale::Custom => scale.name().to_owned(),
        _ => format!("{} {}", key.name(), scale.name()),
    }
}

/// Reads a set of notes: names parted by blanks or commas, or twelve digits from C to B, 1 for
/// a note that is in the set.
///
/// # Errors
/// [`TextError`] when a note is unknown or the set is empty.
pub fn parse_notes(text: &str) -> Result<ScaleMask, TextError> {
    let fail = || TextError::new(NOTES, text);
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bits = if digits.len() == 12 && digits.chars().all(|c| matches!(c, '0' | '1')) {
        digits
            .chars()
            .enumerate()
            .fold(0u16, |bits, (at, c)| bits | u16::from(c == '1') << at)
    } else {
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'))
            .filter(|name| !name.is_empty())
            .try_fold(0u16, |bits, name| {
                Key::from_name(name).map(|key| bits | 1 << key.pitch_class())
            })
            .ok_or_else(fail)?
    };
    match bits {
        0 => Err(fail()),
        bits => Ok(ScaleMask::from_bits(bits)),
    }
}

/// Writes a set of notes as names from C up: "C D E G A".
#[must_use]
pub fn format_notes(mask: ScaleMask) -> String {
    (0i32..)
        .zip(Key::NAMES)
        .filter(|&(note, _)| mask.contains(note))
        .map(|(_, name)| name)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Writes a fractional MIDI note as the nearest note and the cents from it: "A4 +12 ct".
#[must_use]
pub fn format_note(note: f32) -> String {
    let nearest = note.round();
    // The cast saturates; no pitch is that far from A4.
    let number = nearest as i32;
    let name = Key::from_pitch_class(number.rem_euclid(12) as u8).name();
    let octave = number.div_euclid(12) - 1;
    format!("{name}{octave} {:+.0} ct", (note - nearest) * 100.0)
}

/// Reads decibels, with or without the unit; "-inf" is minus infinity.
///
/// # Errors
/// [`TextError`] when the text is no level.
pub fn parse_db(text: &str) -> Result<f32, TextError> {
    let fail = || TextError::new(DECIBELS, text);
    let lower = text.trim().replace('−', "-").to_lowercase();
    let number = lower
        .trim_end_matches("fs")
        .trim_end_matches("db")
        .trim_end();
    if matches!(number, "-inf" | "-∞") {
        return Ok(f32::NEG_INFINITY);
    }
    match numbers_with_units(number).as_deref() {
        Some([only]) if only.unit.is_empty() => {
            finite(only.sign.unwrap_or(1.0) * only.magnitude).ok_or_else(fail)
        }
        _ => Err(fail()),
    }
}

/// Writes decibels with one decimal: "+3.5 dB", "-6.0 dB"; at or below `floor_db` "-inf dB".
#[must_use]
pub fn format_db(db: f32, floor_db: f32) -> String {
    if db <= floor_db {
        return "-inf dB".to_owned();
    }
    let tenths = (db * 10.0).round();
    match tenths == 0.0 {
        true => "0.0 dB".to_owned(),
        false => format!("{:+.1} dB", tenths / 10.0),
    }
}

/// One number and the unit behind it, lower case.
struct Amount {
    sign: Option<f64>,
    magnitude: f64,
    unit: String,
}

/// Splits "+3 st 20 ct" into amounts; `None` when something is neither number nor unit.
fn numbers_with_units(text: &str) -> Option<Vec<Amount>> {
    let mut rest = text.trim();
    let mut amounts = Vec::new();
    while !rest.is_empty() {
        let (sign, unsigned) = match rest.chars().next()? {
            '+' => (Some(1.0), &rest[1..]),
            '-' => (Some(-1.0), &rest[1..]),
            minus @ '−' => (Some(-1.0), &rest[minus.len_utf8()..]),
            _ => (None, rest),
        };
        let unsigned = unsigned.trim_start();
        let end = unsigned
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))
            .unwrap_or(unsigned.len());
        let magnitude = unsigned[..end].replace(',', ".").parse().ok()?;
        let after = unsigned[end..].trim_start();
        let unit_end = after
            .find(|c: char| !(c.is_alphabetic() || c == '¢'))
            .unwrap_or(after.len());
        amounts.push(Amount {
            sign,
            magnitude,
            unit: after[..unit_end].to_lowercase(),
        });
        rest = after[unit_end..].trim_start();
    }
    (!amounts.is_empty()).then_some(amounts)
}

fn finite(value: f64) -> Option<f32> {
    let narrow = value as f32;
    narrow.is_finite().then_some(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semitones_are_read_in_every_spelling() {
        for (text, expected) in [
            ("4", 4.0),
            ("+4", 4.0),
            (" -5 ", -5.0),
            ("−5", -5.0),
            ("- 5 st", -5.0),
            ("3.5", 3.5),
            ("3,5 st", 3.5),
            ("+3 st 20 ct", 3.2),
            ("+3st20ct", 3.2),
            ("-3 st 20 ct", -3.2),
            ("-3 st +20 ct", -2.8),
            ("3 semitones -20 cents", 2.8),
            ("-50 ct", -0.5),
            ("1 oct", 12.0),
            ("-1 octave 1 semitone", -13.0),
            (".5", 0.5),
            ("0 st", 0.0),
        ] {
            let got = parse_semitones(text).expect(text);
            assert!((got - expected).abs() < 1e-5, "{text}: {got}");
        }
        for text in [
            "",
            "st",
            "four",
            "3 st 4 st",
            "3 4",
            "1 2 ct",
            "3 x",
            "--3",
            "1.2.3",
            "nan",
            "inf",
            "1e5",
            "+",
            "3 st ct",
        ] {
            let error = parse_semitones(text).expect_err(text);
            assert_eq!(error.got, text.trim());
        }
    }

    #[test]
    fn semitones_are_written_in_semitones_and_cents() {
        for (value, expected) in [
            (0.0, "0 st"),
            (-0.001, "0 st"),
            (4.0, "+4 st"),
            (-12.0, "-12 st"),
            (3.2, "+3 st 20 ct"),
            (-3.2, "-3 st 20 ct"),
            (0.07, "+7 ct"),
            (-0.5, "-50 ct"),
            (2.999, "+3 st"),
        ] {
            assert_eq!(format_semitones(value), expected, "{value}");
        }
    }

    #[test]
    fn every_cent_round_trips() {
        for cents in -2_400i16..=2_400 {
            let value = f32::from(cents) / 100.0;
            let text = format_semitones(value);
            let back = parse_semitones(&text).expect(&text);
            assert!((back - value).abs() < 1e-4, "{text}: {back}");
            assert_eq!(format_semitones(back), text);
        }
    }

    #[test]
    fn keys_and_scales_are_read_in_every_spelling() {
        for (text, pitch_class, scale) in [
            ("C# minor", 1, Scale::Minor),
            ("c# MINOR", 1, Scale::Minor),
            ("Db  major", 1, Scale::Major),
            ("Bb", 10, Scale::Major),
            ("b", 11, Scale::Major),
            ("bb", 10, Scale::Major),
            ("F#m", 6, Scale::Minor),
            ("Am", 9, Scale::Minor),
            ("A m", 9, Scale::Minor),
            ("AM", 9, Scale::Major),
            ("Bbmin", 10, Scale::Minor),
            ("Gmaj", 7, Scale::Major),
            ("E♭ harmonic minor", 3, Scale::HarmonicMinor),
            ("A minor pentatonic", 9, Scale::MinorPentatonic),
            ("A minor-pentatonic", 9, Scale::MinorPentatonic),
            ("G pentatonic", 7, Scale::MajorPentatonic),
            ("D dorian", 2, Scale::Dorian),
            ("E blues", 4, Scale::Blues),
            ("chromatic", 0, Scale::Chromatic),
            ("D chromatic", 2, Scale::Chromatic),
            ("Custom", 0, Scale::Custom),
        ] {
            let (key, got) = parse_key_scale(text).expect(text);
            assert_eq!((key.pitch_class(), got), (pitch_class, scale), "{text}");
        }
        for text in ["", "H minor", "minor", "C funky", "Cx", "#"] {
            assert!(parse_key_scale(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_and_scales_round_trip() {
        for pitch_class in 0..12 {
            for scale in Scale::ALL {
                let key = Key::from_pitch_class(pitch_class);
                let text = format_key_scale(key, scale);
                let (back, back_scale) = parse_key_scale(&text).expect(&text);
                assert_eq!(back_scale, scale, "{text}");
                if !matches!(scale, Scale::Chromatic | Scale::Custom) {
                    assert_eq!(back, key, "{text}");
                }
            }
        }
    }

    #[test]
    fn note_sets_are_names_or_digits() {
        for (text, bits) in [
            ("C D E", 0b1_0101),
            ("C,D,E", 0b1_0101),
            ("c, eb; Bb", 0b0100_0000_1001),
            ("101010000000", 0b1_0101),
            ("1000 0000 0001", 0b1000_0000_0001),
        ] {
            let mask = parse_notes(text).expect(text);
            assert_eq!(mask.bits(), bits, "{text}");
        }
        for text in ["", ",", "000000000000", "C H", "1010", "102010000000"] {
            assert!(parse_notes(text).is_err(), "{text}");
        }
        for bits in 1..=0xfff {
            let mask = ScaleMask::from_bits(bits);
            assert_eq!(parse_notes(&format_notes(mask)), Ok(mask));
        }
        assert_eq!(format_notes(ScaleMask::from_bits(0b1_0101)), "C D E");
    }

    #[test]
    fn levels_are_read_and_written() {
        for (text, expected) in [
            ("-6", -6.0),
            ("3.5 dB", 3.5),
            ("+3 db", 3.0),
            ("-20 dBFS", -20.0),
            ("−6 dB", -6.0),
            ("-inf dB", f32::NEG_INFINITY),
        ] {
            assert_eq!(parse_db(text), Ok(expected), "{text}");
        }
        for text in ["", "dB", "loud", "inf", "nan", "3 st", "1 2"] {
            assert!(parse_db(text).is_err(), "{text}");
        }
        for (db, expected) in [
            (-60.0, "-inf dB"),
            (-59.9, "-59.9 dB"),
            (0.0, "0.0 dB"),
            (-0.01, "0.0 dB"),
            (3.5, "+3.5 dB"),
        ] {
            assert_eq!(format_db(db, -60.0), expected);
        }
    }

    #[test]
    fn notes_have_names_and_cents() {
        for (note, expected) in [
            (69.0, "A4 +0 ct"),
            (60.12, "C4 +12 ct"),
            (60.7, "C#4 -30 ct"),
            (-0.4, "C-1 -40 ct"),
        ] {
            assert_eq!(format_note(note), expected);
        }
    }
}

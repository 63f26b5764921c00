//! Parameter values as musicians read and type them: "+3 st 20 ct", "C# minor", "off". Main and
//! editor threads only: every function allocates.

use crate::pitch::text::{
    format_db, format_notes, format_semitones, parse_db, parse_key_scale, parse_notes,
    parse_semitones,
};
use crate::pitch::{Key, Scale, ScaleMask};
use std::sync::Arc;

/// Writes a plain value.
pub type Write<T> = Arc<dyn Fn(T) -> String + Send + Sync>;
/// Reads a plain value; out of range is the parameter's business.
pub type Read<T> = Arc<dyn Fn(&str) -> Option<T> + Send + Sync>;
/// Both directions.
pub type Text<T> = (Write<T>, Read<T>);

/// Semitones with cents: "+3 st 20 ct".
#[must_use]
pub fn semitones() -> Text<f32> {
    (
        Arc::new(format_semitones),
        Arc::new(|text| parse_semitones(text).ok()),
    )
}

/// Decibels; at the lowest value the word for it, "off" or "-inf dB".
#[must_use]
pub fn decibels(lowest_db: f32, word: &'static str) -> Text<f32> {
    (
        Arc::new(move |db| match lowest_db < db {
            true => format_db(db, lowest_db),
            false => word.to_owned(),
        }),
        Arc::new(move |text| {
            if text.trim().eq_ignore_ascii_case(word) || is_no(text) {
                return Some(lowest_db);
            }
            parse_db(text).ok().map(|db| db.max(lowest_db))
        }),
    )
}

/// A number with at most one decimal; the unit, one of these spellings, may follow it.
#[must_use]
pub fn number(scale: f32, units: &'static [&'static str]) -> Text<f32> {
    (
        Arc::new(move |value| {
            let text = format!("{:.1}", value * scale);
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        }),
        Arc::new(move |text| {
            let text = text.trim().to_lowercase().replace(',', ".");
            let number = units
                .iter()
                .find_map(|unit| text.strip_suffix(unit))
                .unwrap_or(&text);
            let value: f32 = number.trim().parse().ok()?;
            value.is_finite().then_some(value / scale)
        }),
    )
}

/// A cutoff: "120 Hz", "3.2 kHz"; where it is `off_hz` the word "off".
#[must_use]
pub fn hertz(off_hz: f32) -> Text<f32> {
    (
        Arc::new(move |hz| {
            if hz == off_hz {
                "off".to_owned()
            } else if hz.round() < 1_000.0 {
                format!("{hz:.0} Hz")
            } else {
                format!("{} kHz", (hz / 10.0).round() / 100.0)
            }
        }),
        Arc::new(move |text| {
            if is_no(text) {
                return Some(off_hz);
            }
            let text = text.trim().to_lowercase().replace(',', ".");
            let text = text.strip_suffix("hz").unwrap_or(&text).trim_end();
            let (number, scale) = match text.strip_suffix('k') {
                Some(number) => (number, 1_000.0),
                None => (text, 1.0),
            };
            let value: f32 = number.trim().parse().ok()?;
            (value * scale).is_finite().then_some(value * scale)
        }),
    )
}

/// A whole number.
#[must_use]
pub fn count() -> Text<i32> {
    (
        Arc::new(|count| count.to_string()),
        Arc::new(|text| text.trim().parse().ok()),
    )
}

/// "on" and "off".
#[must_use]
pub fn switch() -> Text<bool> {
    (
        Arc::new(|on| if on { "on" } else { "off" }.to_owned()),
        Arc::new(|text| match is_no(text) {
            true => Some(false),
            false => ["on", "yes", "true", "1"]
                .iter()
                .any(|word| text.trim().eq_ignore_ascii_case(word))
                .then_some(true),
        }),
    )
}

fn is_no(text: &str) -> bool {
    ["off", "no", "false", "0"]
        .iter()
        .any(|word| text.trim().eq_ignore_ascii_case(word))
}

/// One of these words, in any case.
#[must_use]
pub fn words(all: &'static [&'static str]) -> Text<i32> {
    (
        Arc::new(|index| {
            usize::try_from(index)
                .ok()
                .and_then(|index| all.get(index))
                .map_or_else(String::new, |word| (*word).to_owned())
        }),
        Arc::new(|text| {
            let at = all
                .iter()
                .position(|word| word.eq_ignore_ascii_case(text.trim()))?;
            i32::try_from(at).ok()
        }),
    )
}

/// A key: "C#"; of "C# minor" the key is taken.
#[must_use]
pub fn key() -> Text<i32> {
    (
        Arc::new(|index| key_of(index).name().to_owned()),
        Arc::new(|text| {
            let key = Key::from_name(text).or_else(|| Some(parse_key_scale(text).ok()?.0))?;
            Some(i32::from(key.pitch_class()))
        }),
    )
}

/// A scale: "minor"; of "C# minor" the scale is taken.
#[must_use]
pub fn scale() -> Text<i32> {
    (
        Arc::new(|index| scale_of(index).name().to_owned()),
        Arc::new(|text| {
            let scale = Scale::from_name(text)
                .or_else(|| {
                    // A key alone would be major, nothing at all is nothing.
                    let text = (!text.trim().is_empty()).then_some(text)?;
                    Some(parse_key_scale(&format!("C {text}")).ok()?.1)
                })
                .or_else(|| Some(parse_key_scale(text).ok()?.1))?;
            let at = Scale::ALL.iter().position(|other| *other == scale)?;
            i32::try_from(at).ok()
        }),
    )
}

/// A set of notes: "C D E G A"; a scale by its name, "C# minor", is turned into its notes.
#[must_use]
pub fn notes() -> Text<i32> {
    (
        Arc::new(|bits| format_notes(mask_of(bits))),
        Arc::new(|text| {
            let mask = parse_notes(text).ok().or_else(|| {
                let (key, scale) = parse_key_scale(text).ok()?;
                let mask = scale.mask(key, ScaleMask::CHROMATIC);
                (scale != Scale::Custom).then_some(mask)
            })?;
            Some(i32::from(mask.bits()))
        }),
    )
}

/// The key at a position; outside 0..=11 it wraps. Real-time safe.
#[must_use]
pub fn key_of(index: i32) -> Key {
    Key::from_pitch_class(index.rem_euclid(12) as u8)
}

/// The scale at a position of [`Scale::ALL`]; chromatic where there is none. Real-time safe.
#[must_use]
pub fn scale_of(index: i32) -> Scale {
    pick(&Scale::ALL, index)
}

/// The mask with these bits. Real-time safe.
#[must_use]
pub fn mask_of(bits: i32) -> ScaleMask {
    ScaleMask::from_bits((bits & 0xfff) as u16)
}

/// What stands at a position, the default where there is nothing. Real-time safe.
#[must_use]
pub fn pick<T: Copy + Default>(all: &[T], index: i32) -> T {
    usize::try_from(index)
        .ok()
        .and_then(|index| all.get(index))
        .copied()
        .unwrap_or_default()
}

//! Frequencies as notes and cents, for showing. Pure.

use crate::pitch::Key;
use crate::units::hz_to_midi;

/// A pitch as a musician reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoteName {
    /// Name of the nearest note.
    pub name: &'static str,
    /// Its octave; A4 is the reference.
    pub octave: i32,
    /// Distance from it in cents, -50..=50.
    pub cents: f32,
}

/// The note nearest to a frequency; `None` where nothing is sung.
#[must_use]
pub fn nearest_note(hz: f32, tuning_hz: f32) -> Option<NoteName> {
    let note = midi_note(hz, tuning_hz)?;
    let nearest = note.round();
    // Bounded by `midi_note` to -69..=200.
    let number = nearest as i32;
    Some(NoteName {
        name: Key::from_pitch_class(number.rem_euclid(12) as u8).name(),
        octave: number.div_euclid(12) - 1,
        cents: (note - nearest) * 100.0,
    })
}

/// Fractional MIDI note of a frequency; `None` where nothing is sung or nobody could.
#[must_use]
pub fn midi_note(hz: f32, tuning_hz: f32) -> Option<f32> {
    let note = hz_to_midi(hz, tuning_hz);
    (note.is_finite() && (-69.0..=200.0).contains(&note)).then_some(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_have_names() {
        for (hz, tuning_hz, name, octave, cents) in [
            (440.0, 440.0, "A", 4, 0.0),
            (432.0, 432.0, "A", 4, 0.0),
            (261.626, 440.0, "C", 4, 0.0),
            (246.94, 440.0, "B", 3, 0.0),
            (445.0, 440.0, "A", 4, 19.56),
            (82.41, 440.0, "E", 2, 0.0),
            (8.176, 440.0, "C", -1, 0.0),
        ] {
            let note = nearest_note(hz, tuning_hz).expect("audible");
            assert_eq!((note.name, note.octave), (name, octave), "{hz}");
            assert!((note.cents - cents).abs() < 0.1, "{hz}: {}", note.cents);
        }
        for hz in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(nearest_note(hz, 440.0), None, "{hz}");
        }
    }
}

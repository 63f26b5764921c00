//! What the sung pitch should become: transposition, correction and the notes held on a keyboard.

use super::ScaleMask;

/// How notes from a keyboard steer correction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MidiMode {
    /// Notes are ignored; the scale rules.
    #[default]
    Off,
    /// The note pressed last is the target; with none held, the scale rules.
    Last,
    /// The held note nearest to what is sung is the target; with none held, the scale rules.
    Nearest,
}

impl MidiMode {
    /// Every mode in the order shown; positions are frozen, they are saved in projects.
    pub const ALL: [Self; 3] = [Self::Off, Self::Last, Self::Nearest];

    /// The name shown and parsed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Last => "Last note",
            Self::Nearest => "Nearest note",
        }
    }
}

/// The notes held on a MIDI keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldNotes {
    held: u128,
    last: Option<u8>,
}

impl HeldNotes {
    /// A key goes down. Notes above 127 are ignored. Real-time safe.
    pub fn press(&mut self, note: u8) {
        if note < 128 {
            self.held |= 1 << note;
            self.last = Some(note);
        }
    }

    /// A key goes up. If it was the last one pressed, the highest held one takes over.
    /// Real-time safe.
    pub fn release(&mut self, note: u8) {
        if note < 128 {
            self.held &= !(1 << note);
            if self.last == Some(note) {
                self.last = 127u8.checked_sub(self.held.leading_zeros() as u8);
            }
        }
    }

    /// All keys go up. Real-time safe.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The note pressed last among those held.
    #[must_use]
    pub fn last(&self) -> Option<u8> {
        self.last
    }

    /// Whether a key is held.
    #[must_use]
    pub fn is_held(&self, note: u8) -> bool {
        note < 128 && self.held & (1 << note) != 0
    }

    /// The held note nearest to a fractional MIDI note; the lower one when two are as near.
    #[must_use]
    pub fn nearest(&self, note: f32) -> Option<u8> {
        (0..128u8)
            .filter(|&n| self.held & (1 << n) != 0)
            .min_by(|&a, &b| {
                (f32::from(a) - note)
                    .abs()
                    .total_cmp(&(f32::from(b) - note).abs())
            })
    }
}

/// Settings of pitch correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// Whether the pitch is corrected at all.
    pub enabled: bool,
    /// The notes corrected to.
    pub scale: ScaleMask,
    /// Frequency of A4 in Hz, 400..=480.
    pub tuning_hz: f32,
    /// Time constant of the way to the target in milliseconds, 0..=400; 0 is immediate.
    pub retune_ms: f32,
    /// Share of the error that is removed, 0..=1.
    pub amount: f32,
    /// How far sustained notes keep their vibrato, 0..=1.
    pub humanize: f32,
    /// How a keyboard steers the target.
    pub midi: MidiMode,
}

impl Default for Correction {
    fn default() -> Self {
        Self {
            enabled: false,
            scale: ScaleMask::CHROMATIC,
            tuning_hz: 440.0,
            retune_ms: 30.0,
            amount: 1.0,
            humanize: 0.0,
            midi: MidiMode::Off,
        }
    }
}

/// All that is asked of the pitch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PitchSettings {
    /// Transposition in semitones, -24..=24, applied after correction.
    pub transpose: f32,
    /// Pitch correction.
    pub correction: Correction,
    /// Keys held on a MIDI keyboard.
    pub notes: HeldNotes,
}

impl PitchSettings {
    /// The transposition within its range, 0 where it is no number. Real-time safe.
    #[must_use]
    pub fn transposition(&self) -> f32 {
        if self.transpose.is_nan() {
            0.0
        } else {
            self.transpose.clamp(-24.0, 24.0)
        }
    }

    /// Whether the pitch stays as it is. Real-time safe.
    #[must_use]
    pub fn is_neutral(&self) -> bool {
        self.transposition() == 0.0 && !self.correction.enabled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releasing_the_last_note_falls_back_to_the_highest_held() {
        let mut notes = HeldNotes::default();
        notes.press(60);
        notes.press(67);
        notes.press(64);
        assert_eq!(notes.last(), Some(64));
        notes.release(64);
        assert_eq!(notes.last(), Some(67));
        notes.release(67);
        notes.release(60);
        assert_eq!(notes.last(), None);
        assert_eq!(notes.nearest(60.0), None);
    }

    #[test]
    fn the_nearest_held_note_wins() {
        let mut notes = HeldNotes::default();
        notes.press(0);
        notes.press(60);
        notes.press(127);
        assert_eq!(notes.nearest(58.0), Some(60));
        assert_eq!(notes.nearest(120.0), Some(127));
        assert_eq!(notes.nearest(3.0), Some(0));
    }
}

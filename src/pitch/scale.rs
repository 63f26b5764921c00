//! Keys and scales as sets of pitch classes.

/// A set of pitch classes: bit 0 is C, bit 11 is B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleMask(u16);

impl ScaleMask {
    /// All twelve notes.
    pub const CHROMATIC: Self = Self(0xfff);

    /// The set with these bits; bits above the twelfth are dropped and an empty set becomes
    /// chromatic, since correction towards no note has no meaning.
    #[must_use]
    pub fn from_bits(bits: u16) -> Self {
        match bits & 0xfff {
            0 => Self::CHROMATIC,
            bits => Self(bits),
        }
    }

    /// The set as bits, never 0.
    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Whether a MIDI note belongs to the set.
    #[must_use]
    pub fn contains(self, note: i32) -> bool {
        self.0 & (1 << note.rem_euclid(12)) != 0
    }

    /// Moves every note up by this many semitones.
    #[must_use]
    pub fn transposed(self, semitones: u32) -> Self {
        let shift = semitones % 12;
        let wide = u32::from(self.0) << shift;
        Self(((wide | (wide >> 12)) & 0xfff) as u16)
    }
}

/// The tonic of a scale, C to B.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u8);

impl Key {
    /// Names in sharps, C first.
    pub const NAMES: [&'static str; 12] = [
        "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B",
    ];

    /// The key with this pitch class, taken modulo 12; 0 is C.
    #[must_use]
    pub fn from_pitch_class(pitch_class: u8) -> Self {
        Self(pitch_class % 12)
    }

    /// 0 for C to 11 for B.
    #[must_use]
    pub fn pitch_class(self) -> u8 {
        self.0
    }

    /// The name in sharps.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.0)]
    }

    /// Reads a note name: a letter and any number of `#`, `b`, `♯`, `♭`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut letters = name.trim().chars();
        let natural: i32 = match letters.next()?.to_ascii_uppercase() {
            'C' => 0,
            'D' => 2,
            'E' => 4,
            'F' => 5,
            'G' => 7,
            'A' => 9,
            'B' => 11,
            _ => return None,
        };
        let accidental: i32 = letters
            .map(|c| match c {
                '#' | '♯' => Some(1),
                'b' | '♭' => Some(-1),
                _ => None,
            })
            .sum::<Option<i32>>()?;
        Some(Self((natural + accidental).rem_euclid(12) as u8))
    }
}

/// A scale relative to its tonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// All twelve notes.
    #[default]
    Chromatic,
    /// Ionian.
    Major,
    /// Natural minor, aeolian.
    Minor,
    /// Minor with a raised seventh.
    HarmonicMinor,
    /// Major pentatonic.
    MajorPentatonic,
    /// Minor pentatonic.
    MinorPentatonic,
    /// Minor pentatonic with the flattened fifth.
    Blues,
    /// Second mode of major.
    Dorian,
    /// Third mode of major.
    Phrygian,
    /// Fourth mode of major.
    Lydian,
    /// Fifth mode of major.
    Mixolydian,
    /// Seventh mode of major.
    Locrian,
    /// Whatever the custom mask says, in absolute pitch classes: the key does not move it.
    Custom,
}

impl Scale {
    /// Every scale in the order shown; positions are frozen, they are saved in projects.
    pub const ALL: [Self; 13] = [
        Self::Chromatic,
        Self::Major,
        Self::Minor,
        Self::HarmonicMinor,
        Self::MajorPentatonic,
        Self::MinorPentatonic,
        Self::Blues,
        Self::Dorian,
        Self::Phrygian,
        Self::Lydian,
        Self::Mixolydian,
        Self::Locrian,
        Self::Custom,
    ];

    /// The name shown and parsed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chromatic => "chromatic",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::HarmonicMinor => "harmonic minor",
            Self::MajorPentatonic => "major pentatonic",
            Self::MinorPentatonic => "minor pentatonic",
            Self::Blues => "blues",
            Self::Dorian => "dorian",
            Self::Phrygian => "phrygian",
            Self::Lydian => "lydian",
            Self::Mixolydian => "mixolydian",
            Self::Locrian => "locrian",
            Self::Custom => "custom",
        }
    }

    /// The scale of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scale| scale.name().eq_ignore_ascii_case(name.trim()))
    }

    /// The notes of this scale on this tonic; `custom` is used by [`Scale::Custom`] alone.
    #[must_use]
    pub fn mask(self, key: Key, custom: ScaleMask) -> ScaleMask {
        let degrees: &[u32] = match self {
            Self::Custom => return custom,
            Self::Chromatic => return ScaleMask::CHROMATIC,
            Self::Major => &[0, 2, 4, 5, 7, 9, 11],
            Self::Minor => &[0, 2, 3, 5, 7, 8, 10],
            Self::HarmonicMinor => &[0, 2, 3, 5, 7, 8, 11],
            Self::MajorPentatonic => &[0, 2, 4, 7, 9],
            Self::MinorPentatonic => &[0, 3, 5, 7, 10],
            Self::Blues => &[0, 3, 5, 6, 7, 10],
            Self::Dorian => &[0, 2, 3, 5, 7, 9, 10],
            Self::Phrygian => &[0, 1, 3, 5, 7, 8, 10],
            Self::Lydian => &[0, 2, 4, 6, 7, 9, 11],
            Self::Mixolydian => &[0, 2, 4, 5, 7, 9, 10],
            Self::Locrian => &[0, 1, 3, 5, 6, 8, 10],
        };
        let bits = degrees.iter().fold(0, |bits, degree| bits | 1 << degree);
        ScaleMask::from_bits(bits).transposed(u32::from(key.pitch_class()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_every_spelling() {
        for (text, pitch_class) in [
            ("C", 0),
            ("c#", 1),
            ("Db", 1),
            ("B♭", 10),
            ("Cb", 11),
            ("E#", 5),
        ] {
            assert_eq!(
                Key::from_name(text).map(Key::pitch_class),
                Some(pitch_class),
                "{text}"
            );
        }
        for text in ["", "H", "C minor", "#"] {
            assert_eq!(Key::from_name(text), None, "{text}");
        }
    }

    #[test]
    fn scales_lie_on_their_tonic() {
        let d_major = Scale::Major.mask(Key::from_pitch_class(2), ScaleMask::CHROMATIC);
        let notes: Vec<i32> = (0..12).filter(|&n| d_major.contains(n)).collect();
        assert_eq!(notes, [1, 2, 4, 6, 7, 9, 11]);
        let custom = ScaleMask::from_bits(0b1001);
        assert_eq!(Scale::Custom.mask(Key::from_pitch_class(5), custom), custom);
    }

    #[test]
    fn an_empty_mask_is_chromatic() {
        assert_eq!(ScaleMask::from_bits(0), ScaleMask::CHROMATIC);
        assert_eq!(ScaleMask::from_bits(0xf000), ScaleMask::CHROMATIC);
    }

    #[test]
    fn names_round_trip() {
        for scale in Scale::ALL {
            assert_eq!(Scale::from_name(scale.name()), Some(scale));
        }
    }
}

//! Units and their conversions. Names carry the unit: `_hz _db _cents _ms _frames`.

use std::fmt;

/// A count of frames; a frame is one instant of all channels.
pub type Frames = usize;

/// Decibels to linear amplitude. Real-time safe.
#[must_use]
pub fn db_to_gain(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// Linear amplitude to decibels, floored at -200 dB. Real-time safe.
#[must_use]
pub fn gain_to_db(gain: f32) -> f32 {
    20.0 * gain.abs().max(1e-10).log10()
}

/// Semitones to a frequency ratio (equal temperament). Real-time safe.
#[must_use]
pub fn semitones_to_ratio(semitones: f32) -> f32 {
    (semitones / 12.0).exp2()
}

/// MIDI note number (69 = A4) of a frequency, fractional. Real-time safe.
#[must_use]
pub fn hz_to_midi(hz: f32, tuning_hz: f32) -> f32 {
    69.0 + 12.0 * (hz / tuning_hz).log2()
}

/// Frequency of a fractional MIDI note number. Real-time safe.
#[must_use]
pub fn midi_to_hz(note: f32, tuning_hz: f32) -> f32 {
    tuning_hz * semitones_to_ratio(note - 69.0)
}

/// Milliseconds to the nearest whole number of frames.
#[must_use]
pub fn ms_to_frames(ms: f64, rate_hz: u32) -> Frames {
    (ms * 1e-3 * f64::from(rate_hz)).round().max(0.0) as Frames
}

/// Frames to milliseconds.
#[must_use]
pub fn frames_to_ms(frames: Frames, rate_hz: u32) -> f64 {
    frames as f64 * 1e3 / f64::from(rate_hz)
}

/// An instant of the calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// From 1970.
    pub year: u64,
    /// 1..=12.
    pub month: u64,
    /// 1..=31.
    pub day: u64,
    /// 0..=23.
    pub hour: u64,
    /// 0..=59.
    pub minute: u64,
    /// 0..=59.
    pub second: u64,
}

impl Civil {
    /// The civil date of seconds since 1970 (Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms").
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day,
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

/// As ISO 8601 has it: `2026-11-26T05:08:30Z`.
impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_agree_with_their_definitions() {
        assert!((db_to_gain(6.0206) - 2.0).abs() < 1e-4);
        assert!((gain_to_db(0.5) + 6.0206).abs() < 1e-3);
        assert!((semitones_to_ratio(12.0) - 2.0).abs() < 1e-6);
        assert!((hz_to_midi(440.0, 440.0) - 69.0).abs() < 1e-5);
        assert!((midi_to_hz(57.0, 440.0) - 220.0).abs() < 1e-3);
        assert_eq!(ms_to_frames(10.0, 48_000), 480);
        assert!((frames_to_ms(480, 48_000) - 10.0).abs() < 1e-12);
    }
}

//! How loud the singer is, and how loud the voice is to be. Inference thread; real-time safe.

use crate::model::ddsp::features::STANDARD_LEVEL;

/// Frames of 10 ms in which the mean follows a level by all but a third: 3 s.
const FRAMES: f32 = 300.0;
/// Frames that count as heard before the first, all of them as loud as a voice is: what makes the
/// first sounds of a quiet singer louder within half a second, and not the first frame alone.
const AT_FIRST: f32 = 30.0;
/// The most that a singer is made louder or softer, as a logarithm of power: 30 dB.
const MOST: f32 = 6.9;

/// Below this level there is no voice, in dB of full scale.
const GATE_DB: f32 = -65.0;
/// How many decibels softer each one below that becomes.
const GATE_SLOPE: f32 = 4.0;
/// What comes out at this level and below is nothing.
const SILENT_DB: f32 = -80.0;

/// Brings the singer to the level at which voices are trained.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loudness {
    /// The mean level of the singer lately, while voiced.
    singer: f32,
    /// Frames that it is the mean of.
    frames: f32,
}

impl Loudness {
    pub fn new() -> Self {
        Self {
            singer: STANDARD_LEVEL,
            frames: AT_FIRST,
        }
    }

    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// By how much the power of the singer is to be multiplied.
    pub fn gain(&self) -> f32 {
        (STANDARD_LEVEL - self.singer).clamp(-MOST, MOST).exp()
    }

    /// The mean level of the singer lately, in dB of full scale.
    pub fn singer_db(&self) -> f32 {
        10.0 * std::f32::consts::LOG10_E * self.singer
    }

    /// Takes the level of a frame that is known to be voiced.
    pub fn hear(&mut self, level: f32) {
        self.frames = (self.frames + 1.0).min(FRAMES);
        self.singer += (level - self.singer) / self.frames;
    }
}

/// The gain of amplitudes that belongs to what is hardly there: 1 down to -65 dB of full scale, 0
/// from -80 dB on.
pub(super) fn gate(mean_square: f32) -> f32 {
    let db = 10.0 * mean_square.max(1e-20).log10();
    match db {
        db if GATE_DB <= db => 1.0,
        db if db <= SILENT_DB => 0.0,
        db => 10f32.powf(GATE_SLOPE * (db - GATE_DB) / 20.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_singer_comes_to_the_level_of_voices() {
        let mut loudness = Loudness::new();
        assert_eq!(loudness.gain(), 1.0);
        assert!((loudness.singer_db() + 26.06).abs() < 0.01);
        // A singer so many dB softer than that, for so many frames: the gain in dB.
        let after = |loudness: &mut Loudness, frames: usize, db: f32| {
            let level = STANDARD_LEVEL - db / (10.0 * std::f32::consts::LOG10_E);
            (0..frames).for_each(|_| loudness.hear(level));
            10.0 * loudness.gain().log10()
        };
        // A true mean, in which silence before counts as 0.3 s of voice.
        for (frames, counted) in [(30, 30.0 / 60.0), (30, 60.0 / 90.0), (90, 150.0 / 180.0)] {
            let db = after(&mut loudness, frames, 12.0);
            assert!((db - 12.0 * counted).abs() < 0.02, "{frames}: {db}");
        }
        // Later it follows in 3 s.
        after(&mut loudness, 3_000, 12.0);
        let db = after(&mut loudness, 300, 0.0);
        assert!((db - 12.0 * 0.367).abs() < 0.05, "{db}");
        let db = after(&mut loudness, 5_000, 60.0);
        assert!((db - 29.97).abs() < 0.01, "no more than 30 dB: {db}");
        loudness.reset();
        assert_eq!(loudness.gain(), 1.0);
    }

    #[test]
    fn what_is_hardly_there_fades() {
        let at = |db: f32| gate(10f32.powf(db / 10.0));
        let table = [
            (0.0, 1.0),
            (-64.9, 1.0),
            (-70.0, 0.1),
            (-75.0, 0.01),
            (-80.1, 0.0),
        ];
        for (db, want) in table {
            assert!((at(db) - want).abs() <= 1e-3 * want, "{db} dB: {}", at(db));
        }
        assert_eq!(gate(0.0), 0.0);
    }
}

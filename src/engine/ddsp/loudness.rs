//! How loud the singer is, and how loud the voice is to be. Inference thread; real-time safe.

use crate::model::ddsp::features::gain;

/// Frames of 10 ms in which the mean follows a level by all but a third: 3 s.
const FRAMES: f32 = 300.0;
/// The most that a singer is made louder or softer, as a ratio of powers: 30 dB.
const MOST: f32 = 1_000.0;

/// Below this level there is no voice, in dB of full scale.
const GATE_DB: f32 = -65.0;
/// How many decibels softer each one below that becomes.
const GATE_SLOPE: f32 = 4.0;
/// What comes out at this level and below is nothing.
const SILENT_DB: f32 = -80.0;

/// Brings the singer to the level that the voice was recorded at.
#[derive(Clone, Debug)]
pub(super) struct Loudness {
    /// The mean level of the voice.
    voice: f32,
    /// That of the singer lately, while voiced.
    singer: f32,
}

impl Loudness {
    /// For a voice of this mean level; the singer counts as being as loud at first.
    pub fn new(voice: f32) -> Self {
        Self {
            voice,
            singer: voice,
        }
    }

    pub fn reset(&mut self) {
        self.singer = self.voice;
    }

    /// By how much the power of the singer is to be multiplied.
    pub fn gain(&self) -> f32 {
        gain(self.singer, self.voice).clamp(1.0 / MOST, MOST)
    }

    /// Takes the level of a frame that is known to be voiced.
    pub fn hear(&mut self, level: f32) {
        self.singer += (level - self.singer) / FRAMES;
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
    use crate::model::ddsp::features::level;

    #[test]
    fn a_singer_comes_to_the_level_of_the_voice() {
        let voice = level(0.01);
        let mut loudness = Loudness::new(voice);
        assert_eq!(loudness.gain(), 1.0);
        let after = |loudness: &mut Loudness, frames: usize, mean_square: f32| {
            (0..frames).for_each(|_| loudness.hear(level(mean_square)));
            10.0 * loudness.gain().log10()
        };
        // 12 dB softer: two thirds of that are made up in 3 s, all in time.
        let db = after(&mut loudness, 300, 0.01 / 16.0);
        assert!((db - 12.04 * 0.632).abs() < 0.1, "{db}");
        let db = after(&mut loudness, 3_000, 0.01 / 16.0);
        assert!((db - 12.04).abs() < 0.05, "{db}");
        assert!(
            after(&mut loudness, 5_000, 1e-9) < 30.01,
            "no more than 30 dB"
        );
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

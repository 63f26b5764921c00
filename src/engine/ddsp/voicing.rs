//! Whether what a tracker takes for a voice is sung. A decoder that is told so puts harmonics out,
//! and where that was a breath or a click, a ghost is heard. Inference thread; real-time safe.
//!
//! Nothing waits for it: a frame is decided on by itself and what was before it. So a voice that
//! begins in doubt begins 10 ms late, and one that is clear does not.

use crate::model::ddsp::features::RATE_HZ;
use crate::pitch::PitchFrame;

/// Below this level nobody sings, in dB of full scale: there are rooms.
const LEAST_DB: f32 = -60.0;
/// Nor is anything sung that is so many decibels softer than the singer has been lately: of frames
/// with a pitch in thirty recordings of speech and singing, one in a thousand is 25 dB below their
/// mean.
const BELOW_SINGER_DB: f32 = 32.0;

/// A tracker's confidence from which on a beginning is taken at once: three in four are so.
const CLEAR: f32 = 0.9;
/// Milliseconds for which a beginning must have been there otherwise: more than one decision of a
/// tracker that decides every 10 ms.
const DOUBT_MS: f32 = 9.0;

/// Decides frame by frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Voicing {
    /// The instant of the last frame.
    at: f64,
    /// For how long there has been a pitch, in ms.
    since_ms: f32,
    /// Whether it is taken for sung.
    sung: bool,
}

impl Voicing {
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether a frame is sung, in sound of this mean square; `singer_db` is the level of the singer
    /// lately, in dB of full scale.
    pub fn decide(&mut self, frame: &PitchFrame, mean_square: f32, singer_db: f32) -> bool {
        let elapsed_ms = (1e3 * (frame.at - self.at) / f64::from(RATE_HZ)) as f32;
        self.at = frame.at;
        let db = 10.0 * mean_square.max(1e-12).log10();
        let least_db = LEAST_DB.max(singer_db - BELOW_SINGER_DB);
        if !frame.voiced || db < least_db {
            self.sung = false;
            self.since_ms = 0.0;
            return false;
        }
        self.sung |= CLEAR <= frame.confidence || DOUBT_MS <= self.since_ms;
        self.since_ms += elapsed_ms;
        self.sung
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINGER_DB: f32 = -26.0;

    /// What becomes of frames every 2 ms, of a pitch, confidence and level in dB each.
    fn decided(voicing: &mut Voicing, frames: &[(f32, f32, f32)]) -> Vec<bool> {
        let frames = frames.iter().map(|(f0_hz, confidence, db)| {
            let frame = PitchFrame {
                at: voicing.at + 32.0,
                f0_hz: *f0_hz,
                confidence: *confidence,
                voiced: 0.8 <= *confidence,
                ..PitchFrame::default()
            };
            voicing.decide(&frame, 10f32.powf(0.1 * db), SINGER_DB)
        });
        frames.collect()
    }

    #[test]
    fn what_is_clear_is_sung_at_once_and_what_is_in_doubt_a_frame_later() {
        for (confidence, late) in [(0.99, 0), (0.85, 5)] {
            let frames: Vec<_> = (0..20)
                .map(|n| (200.0 + n as f32, confidence, -30.0))
                .collect();
            let found = decided(&mut Voicing::default(), &frames);
            let first = found.iter().position(|sung| *sung);
            assert_eq!(first, Some(late), "{confidence}");
            assert!(found[late..].iter().all(|sung| *sung));
        }
        // Doubt begins anew after a pause.
        let mut voicing = Voicing::default();
        decided(&mut voicing, &[(200.0, 0.99, -30.0), (200.0, 0.2, -30.0)]);
        assert_eq!(decided(&mut voicing, &[(200.0, 0.85, -30.0)]), [false]);
    }

    #[test]
    fn what_is_far_softer_than_the_singer_or_than_any_is_not_sung() {
        for (db, sung) in [(-20.0, true), (-55.0, true), (-61.0, false), (-80.0, false)] {
            let found = decided(&mut Voicing::default(), &[(200.0, 0.99, db)]);
            assert_eq!(found, [sung], "{db} dB");
        }
        let frame = PitchFrame {
            f0_hz: 200.0,
            confidence: 0.99,
            voiced: true,
            ..PitchFrame::default()
        };
        let loud = Voicing::default().decide(&frame, 1e-5, -5.0);
        assert!(!loud, "-50 dB after a singer at -5 dB");
    }
}

//! Whether what a tracker takes for a voice is sung. A decoder that is told so puts harmonics out,
//! and where that was a breath, a hum or a click, a ghost is heard. Inference thread; real-time safe.
//!
//! Nothing waits for it: a frame is decided on by itself and what was before it. So a voice that
//! begins in doubt begins 10 ms late, and one that is clear does not.

use crate::model::ddsp::features::RATE_HZ;
use crate::pitch::PitchFrame;

/// Below this level nobody sings, in dB of full scale: there are rooms.
const LEAST_DB: f32 = -58.0;
/// Nor is anything sung that is so many decibels softer than the singer has been lately: it is what
/// is heard between the words.
const BELOW_SINGER_DB: f32 = 42.0;

/// A tracker's confidence from which on a beginning is taken at once.
const CLEAR: f32 = 0.97;
/// Milliseconds for which a beginning must be there otherwise.
const DOUBT_MS: f32 = 9.0;

/// What hums is at one of these, in Hz, to so many cents, and as steady for so many milliseconds.
/// Nobody sings so, and who does has a choir of synthesizers.
const MAINS_HZ: [f32; 4] = [50.0, 60.0, 100.0, 120.0];
const NEAR_CENTS: f32 = 20.0;
const STEADY_CENTS: f32 = 4.0;
const STEADY_MS: f32 = 200.0;

/// Decides frame by frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Voicing {
    /// The instant of the last frame.
    at: f64,
    /// For how long there has been a pitch, in ms.
    since_ms: f32,
    /// Whether it is taken for sung.
    sung: bool,
    hum: Hum,
}

/// A pitch that does not move.
#[derive(Clone, Copy, Debug, Default)]
struct Hum {
    /// Where it is, in Hz, and for how long it has been there, in ms.
    hz: f32,
    since_ms: f32,
}

impl Hum {
    /// Whether a pitch, so many milliseconds after the last, is the mains.
    fn is_heard(&mut self, hz: f32, elapsed_ms: f32) -> bool {
        let cents = |a: f32, b: f32| (1_200.0 * (a / b).log2()).abs();
        let is_near = MAINS_HZ.iter().any(|mains| cents(hz, *mains) < NEAR_CENTS);
        if is_near && cents(hz, self.hz) < STEADY_CENTS {
            self.since_ms += elapsed_ms;
        } else {
            (self.hz, self.since_ms) = (hz, 0.0);
        }
        STEADY_MS <= self.since_ms
    }
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
        let is_heard = frame.voiced && least_db <= db;
        if !is_heard || self.hum.is_heard(frame.f0_hz, elapsed_ms) {
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
        for (db, sung) in [(-20.0, true), (-55.0, true), (-59.0, false), (-80.0, false)] {
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

    #[test]
    fn a_hum_is_told_from_a_low_voice() {
        let steady = |hz: f32| vec![(hz, 0.99, -30.0); 300];
        for hz in MAINS_HZ {
            let found = decided(&mut Voicing::default(), &steady(hz));
            assert!(
                found[..100].iter().all(|sung| *sung),
                "{hz} Hz, as it begins"
            );
            assert!(!found[102..].iter().any(|sung| *sung), "{hz} Hz");
        }
        // Another pitch, and one that moves as voices do.
        let moving = |n: usize| 100.0 * (0.01 * (0.05 * n as f32).sin()).exp2();
        let voices = [
            steady(110.0),
            (0..300).map(|n| (moving(n), 0.99, -30.0)).collect(),
        ];
        for voice in voices {
            assert!(
                decided(&mut Voicing::default(), &voice)
                    .iter()
                    .all(|sung| *sung)
            );
        }
    }
}

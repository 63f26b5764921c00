//! Leaps of an octave that nobody sang. Audio thread: never allocates.

use crate::pitch::PitchFrame;

/// A leap is believed after this time.
const DOUBT_MS: f32 = 30.0;

/// It is believed sooner where the new pitch has been steady for this time, and the loudness has
/// changed by so much since the old one.
const STEADY_MS: f32 = 8.0;
const LOUDNESS_DB: f32 = 6.0;

/// How far from whole octaves a leap may be, and how far a steady pitch may move, in octaves.
const NEAR: f32 = 0.08;
const STEADY: f32 = 0.06;

/// Keeps a voice in its octave until a leap has proved itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OctaveGuard {
    last: Option<Last>,
    silent_ms: f32,
    leap: Option<Leap>,
}

/// The newest voiced frame, as given.
#[derive(Clone, Copy, Debug)]
struct Last {
    octave: f32,
    loudness_db: f32,
}

/// A leap that is in doubt.
#[derive(Clone, Copy, Debug)]
struct Leap {
    /// Octaves it is undone by.
    undo: f32,
    /// Where it went, and how loud it was before.
    to: f32,
    from_db: f32,
    age_ms: f32,
    steady_ms: f32,
    louder_or_softer: bool,
}

impl OctaveGuard {
    /// The pitch to believe in, in Hz.
    pub(super) fn update(&mut self, frame: &PitchFrame, mean_square: f32, elapsed_ms: f32) -> f32 {
        if !frame.voiced {
            self.silent_ms += elapsed_ms;
            if DOUBT_MS <= self.silent_ms {
                *self = Self::default();
            }
            return frame.f0_hz;
        }
        let octave = frame.f0_hz.log2();
        let loudness_db = 10.0 * mean_square.max(1e-10).log10();
        // What was silent for a moment has changed its loudness.
        let paused = 0.0 < self.silent_ms;
        self.silent_ms = 0.0;
        if let Some(leap) = &mut self.leap {
            leap.go_on(octave, loudness_db, elapsed_ms);
            if leap.is_believed() {
                self.leap = None;
                self.last = None;
            }
        }
        let undo = self.leap.map_or(0.0, |leap| leap.undo);
        if let Some(last) = self.last {
            let step = octave + undo - last.octave;
            let octaves = step.round();
            if octaves != 0.0 && (step - octaves).abs() < NEAR {
                self.leap = (undo != octaves).then_some(Leap {
                    undo: undo - octaves,
                    to: octave,
                    from_db: last.loudness_db,
                    age_ms: 0.0,
                    steady_ms: 0.0,
                    louder_or_softer: paused,
                });
            }
        }
        let undo = self.leap.map_or(0.0, |leap| leap.undo);
        self.last = Some(Last {
            octave: octave + undo,
            loudness_db,
        });
        if undo == 0.0 {
            frame.f0_hz
        } else {
            frame.f0_hz * undo.exp2()
        }
    }
}

impl Leap {
    fn go_on(&mut self, octave: f32, loudness_db: f32, elapsed_ms: f32) {
        self.age_ms += elapsed_ms;
        self.louder_or_softer |= LOUDNESS_DB <= (loudness_db - self.from_db).abs();
        if (octave - self.to).abs() < STEADY {
            self.steady_ms += elapsed_ms;
        } else {
            (self.to, self.steady_ms) = (octave, 0.0);
        }
    }

    fn is_believed(&self) -> bool {
        DOUBT_MS <= self.age_ms || self.louder_or_softer && STEADY_MS <= self.steady_ms
    }
}

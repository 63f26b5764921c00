//! The pitch of the recent past and how far it is to be moved, by time. Audio thread: never
//! allocates.

use crate::pitch::PitchFrame;

/// Instants kept.
const KEPT: usize = 64;

/// Instants a trend is taken over.
const TREND: usize = 5;

/// Steepest trend followed, in octaves per second.
const STEEPEST: f64 = 6.0;

/// What was sung at one instant and what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pitch {
    /// Period in input frames.
    pub period: f64,
    /// Correction in semitones.
    pub correction: f32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Instant {
    at: f64,
    voiced: bool,
    pitch: Pitch,
    pitch_at: f64,
}

/// A short history of pitch.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Newest first.
    instants: [Instant; KEPT],
    count: usize,
    longest: f64,
    rate_hz: f64,
}

impl Track {
    /// A track for periods up to `longest` input frames.
    pub(super) fn new(rate_hz: u32, longest: f64) -> Self {
        Self {
            instants: [Instant::default(); KEPT],
            count: 0,
            longest,
            rate_hz: f64::from(rate_hz),
        }
    }

    pub(super) fn reset(&mut self) {
        self.count = 0;
    }

    /// The longest period expected.
    pub(super) fn longest(&self) -> f64 {
        self.longest
    }

    /// The newest period, voiced or not.
    pub(super) fn newest_period(&self) -> f64 {
        match self.count {
            0 => self.longest,
            _ => self.instants[0].pitch.period,
        }
    }

    pub(super) fn push(&mut self, frame: &PitchFrame, correction: f32) {
        self.instants.rotate_right(1);
        self.instants[0] = Instant {
            at: frame.at,
            voiced: frame.voiced,
            pitch: Pitch {
                period: (self.rate_hz / f64::from(frame.f0_hz)).min(1.1 * self.longest),
                correction,
            },
            pitch_at: frame.f0_at,
        };
        self.count = (self.count + 1).min(KEPT);
    }

    /// The pitch at an input frame, none where unvoiced. Past the newest instant the voice goes
    /// on as it is.
    pub(super) fn at(&self, frame: f64) -> Option<Pitch> {
        let known = &self.instants[..self.count];
        let voiced = known
            .iter()
            .find(|i| i.at <= frame)
            .or(known.last())
            .is_some_and(|i| i.voiced);
        if !voiced {
            return None;
        }
        // Instants without a voice measure nothing.
        let mut later: Option<&Instant> = None;
        for instant in known.iter().filter(|i| i.voiced) {
            if instant.pitch_at <= frame {
                return Some(match later {
                    Some(later) => between(instant, later, frame),
                    None => self.beyond(instant, frame),
                });
            }
            later = Some(instant);
        }
        later.map(|only| only.pitch)
    }

    /// The earliest voiced instant after an input frame.
    pub(super) fn voice_after(&self, frame: f64) -> Option<(f64, Pitch)> {
        self.instants[..self.count]
            .iter()
            .rev()
            .find(|i| i.voiced && i.at > frame)
            .map(|i| (i.at, i.pitch))
    }

    /// The pitch after the newest instant, on the trend of the last ones.
    fn beyond(&self, newest: &Instant, frame: f64) -> Pitch {
        let Some(oldest) = self.instants[..self.count].get(TREND - 1) else {
            return newest.pitch;
        };
        let span = newest.pitch_at - oldest.pitch_at;
        let steady = self.instants[..TREND].windows(2).all(|pair| {
            let ratio = pair[0].pitch.period / pair[1].pitch.period;
            pair[0].voiced && pair[1].voiced && (0.97..1.03).contains(&ratio)
        });
        if !steady || span <= 0.0 {
            return newest.pitch;
        }
        let octaves = (newest.pitch.period / oldest.pitch.period).log2();
        let steepest = STEEPEST / self.rate_hz;
        let slope = (octaves / span).clamp(-steepest, steepest);
        let ahead = (frame - newest.pitch_at).min(span);
        let moved = slope * ahead;
        let correcting = newest.pitch.correction != 0.0;
        Pitch {
            period: newest.pitch.period * moved.exp2(),
            // What is asked for stays where it is while the voice moves on under it.
            correction: newest.pitch.correction
                + if correcting { 12.0 * moved as f32 } else { 0.0 },
        }
    }
}

fn between(a: &Instant, b: &Instant, frame: f64) -> Pitch {
    let mix = ((frame - a.pitch_at) / (b.pitch_at - a.pitch_at).max(1e-9)).clamp(0.0, 1.0);
    let ratio = b.pitch.period / a.pitch.period;
    // A leap is a leap: nothing in between was sung.
    if !(0.8..1.25).contains(&ratio) {
        return if mix < 0.5 { a.pitch } else { b.pitch };
    }
    Pitch {
        period: a.pitch.period + mix * (b.pitch.period - a.pitch.period),
        correction: a.pitch.correction + mix as f32 * (b.pitch.correction - a.pitch.correction),
    }
}

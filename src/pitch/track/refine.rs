//! What a period-by-period engine needs of any tracker: its octave and its voicing, and the exact
//! period in between its frames. Audio thread where the tracker may run there: never allocates
//! after construction.

use super::neural::Neural;
use super::period::PeriodMeter;
use super::{PitchFrame, PitchTracker};
use crate::units::Frames;

/// Seconds between two frames, at most. More often only where the tracker itself is faster.
const STEP_S: f64 = 0.002;

/// A pitch further than this many octaves from the tracker's is not a better measurement of it.
const REACH_OCTAVES: f32 = 0.08;

/// The lowest pitch of `neural` that is measured again, in Hz.
const LOWEST_HZ: f32 = 50.0;

/// A tracker whose pitch is measured again by local correlation.
///
/// It gives frames every 2 ms: between two of a slow tracker its last decision holds, so a change
/// of voicing or of octave comes up to one of its hops late; the period itself is followed all the
/// while. A tracker's hop should be a multiple of 2 ms. Runs on the audio thread if the tracker may.
pub struct Refine {
    tracker: Box<dyn PitchTracker>,
    meter: PeriodMeter,
    step: Frames,
    since: Frames,
    decided: Option<PitchFrame>,
    /// Where the next measurement looks, at first and now.
    first_hz: f32,
    guess_hz: f32,
}

impl Refine {
    /// `tracker` must run at `rate_hz`; pitches below `lowest_hz` are passed on as they are.
    /// Allocates.
    #[must_use]
    pub fn new(rate_hz: u32, lowest_hz: f32, tracker: Box<dyn PitchTracker>) -> Self {
        let step = ((STEP_S * f64::from(rate_hz)) as Frames).max(1);
        // The oldest frame measured around is a tracker's hop, 10 ms at most, behind the newest.
        let past = tracker.lookahead() + rate_hz as Frames / 50;
        Self {
            meter: PeriodMeter::new(rate_hz, lowest_hz, past),
            tracker,
            step,
            since: 0,
            decided: None,
            first_hz: lowest_hz,
            guess_hz: lowest_hz,
        }
    }

    /// [`Neural`], right to a few cents, measured again to about one. Allocates.
    #[must_use]
    pub fn neural(rate_hz: u32) -> Self {
        Self::new(rate_hz, LOWEST_HZ, Box::new(Neural::new(rate_hz)))
    }

    /// The frame `since` input frames after the tracker's last one.
    fn refined(&mut self, decided: &PitchFrame) -> PitchFrame {
        let mut frame = PitchFrame {
            at: decided.at + self.since as f64,
            f0_at: decided.f0_at + self.since as f64,
            ..*decided
        };
        if frame.voiced && self.meter.reaches(self.guess_hz) {
            let (at, hz) = self.meter.around(frame.at, self.guess_hz);
            if (hz / decided.f0_hz).log2().abs() < REACH_OCTAVES {
                (frame.f0_at, frame.f0_hz) = (at, hz);
                self.guess_hz = hz;
            } else {
                self.guess_hz = decided.f0_hz;
            }
        }
        frame
    }
}

impl PitchTracker for Refine {
    fn name(&self) -> &'static str {
        self.tracker.name()
    }

    fn lookahead(&self) -> Frames {
        self.tracker.lookahead()
    }

    fn threshold(&self) -> f32 {
        self.tracker.threshold()
    }

    fn reset(&mut self) {
        self.tracker.reset();
        self.meter.reset();
        self.since = 0;
        self.decided = None;
        self.guess_hz = self.first_hz;
    }

    fn push(&mut self, sample: f32) -> Option<PitchFrame> {
        self.meter.push(sample);
        self.since += 1;
        if let Some(frame) = self.tracker.push(sample) {
            self.since = 0;
            // What was measured last is nearer than what a coarse tracker says, while they agree.
            if REACH_OCTAVES < (self.guess_hz / frame.f0_hz).log2().abs() {
                self.guess_hz = frame.f0_hz;
            }
            self.decided = Some(frame);
        }
        if !self.since.is_multiple_of(self.step) {
            return None;
        }
        let decided = self.decided?;
        Some(self.refined(&decided))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;
    const HOP: Frames = 480;
    const LOOKAHEAD: Frames = 1_056;

    /// Up by most of an octave in a second, with a vibrato of 50 cents.
    fn sung(frame: f64) -> f64 {
        let seconds = frame / f64::from(RATE_HZ);
        let vibrato = (5.5 * std::f64::consts::TAU * seconds).sin() / 24.0;
        180.0 * (0.8 * seconds + vibrato).exp2()
    }

    /// A tracker that is half a semitone off, every 10 ms, and hears a voice from frame 9,600 on.
    struct Coarse(Frames);

    impl PitchTracker for Coarse {
        fn name(&self) -> &'static str {
            "coarse"
        }

        fn lookahead(&self) -> Frames {
            LOOKAHEAD
        }

        fn threshold(&self) -> f32 {
            0.5
        }

        fn reset(&mut self) {
            self.0 = 0;
        }

        fn push(&mut self, _: f32) -> Option<PitchFrame> {
            self.0 += 1;
            let at = (self.0 - 1).checked_sub(LOOKAHEAD)?;
            at.is_multiple_of(HOP).then(|| PitchFrame {
                at: at as f64,
                f0_hz: (sung(at as f64) * 1.029) as f32,
                f0_at: at as f64,
                confidence: 0.8,
                voiced: 9_600 <= at,
            })
        }
    }

    #[test]
    fn a_coarse_pitch_is_measured_at_the_instant_it_claims_every_two_milliseconds() {
        let mut phase = 0.0f64;
        let signal: Vec<f32> = (0..48_000)
            .map(|i| {
                phase += sung(f64::from(i)) / f64::from(RATE_HZ);
                let partials = (1..=12).map(f64::from);
                let sum: f64 = partials
                    .map(|k| (std::f64::consts::TAU * k * phase).cos() / k)
                    .sum();
                (0.2 * sum) as f32
            })
            .collect();
        let mut refine = Refine::new(RATE_HZ, 80.0, Box::new(Coarse(0)));
        assert_eq!(refine.lookahead(), LOOKAHEAD);
        for pass in 0..2 {
            let mut last = None::<PitchFrame>;
            for (newest, x) in signal.iter().enumerate() {
                let Some(frame) = refine.push(*x) else {
                    continue;
                };
                assert!(frame.at <= (newest - LOOKAHEAD) as f64);
                assert!(last.is_none_or(|last| frame.at - last.at == 96.0));
                last = Some(frame);
                assert_eq!(frame.voiced, 9_600.0 <= frame.at, "pass {pass}");
                if frame.voiced {
                    let error = 1200.0 * (f64::from(frame.f0_hz) / sung(frame.f0_at)).log2();
                    assert!(error.abs() < 1.0, "{error} ct at {frame:?}");
                    assert_eq!(frame.f0_at, frame.at);
                }
            }
            assert!(last.is_some_and(|last| last.voiced));
            refine.reset();
        }
    }
}

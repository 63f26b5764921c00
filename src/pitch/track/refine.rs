//! What a period-by-period engine needs of any tracker: its octave and its voicing, and the exact
//! period in between its frames. Audio thread where the tracker may run there: never allocates
//! after construction.

use super::period::PeriodMeter;
use super::{PitchFrame, PitchTracker};
use crate::units::Frames;

/// Seconds between two frames, at most. More often only where the tracker itself is faster.
const STEP_S: f64 = 0.002;

/// A pitch further than this many octaves from the tracker's is not a better measurement of it.
const REACH_OCTAVES: f32 = 0.08;

/// When a period may be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Around the instant the tracker has decided for.
    AtTheInstant,
    /// As late as the signal allows, ahead of what the tracker knows: for engines that cannot
    /// wait for it.
    AsLateAsPossible,
}

/// A tracker whose pitch is measured again by local correlation.
///
/// Between two frames of a slow tracker its last decision holds, so a change of voicing or of
/// octave comes up to one of its hops late; the period itself is followed all the while.
pub struct Refine {
    tracker: Box<dyn PitchTracker>,
    meter: PeriodMeter,
    measure: Measure,
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
    pub fn new(
        rate_hz: u32,
        lowest_hz: f32,
        tracker: Box<dyn PitchTracker>,
        measure: Measure,
    ) -> Self {
        let step = ((STEP_S * f64::from(rate_hz)) as Frames).max(1);
        // The oldest frame measured around is a tracker's hop, 10 ms at most, behind the newest.
        let past = tracker.lookahead() + rate_hz as Frames / 50;
        Self {
            meter: PeriodMeter::new(rate_hz, lowest_hz, past),
            tracker,
            measure,
            step,
            since: 0,
            decided: None,
            first_hz: lowest_hz,
            guess_hz: lowest_hz,
        }
    }

    /// Input frames by which [`PitchFrame::at`] lies behind the newest input frame, at most.
    #[must_use]
    pub fn lookahead(&self) -> Frames {
        self.tracker.lookahead()
    }

    /// When periods are measured.
    #[must_use]
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// Forgets the past; input frames count from 0 again. Real-time safe.
    pub fn reset(&mut self) {
        self.tracker.reset();
        self.meter.reset();
        self.since = 0;
        self.decided = None;
        self.guess_hz = self.first_hz;
    }

    /// Takes one input frame; every 2 ms or more often gives the pitch at an earlier instant.
    /// Instants come in order. Real-time safe where the tracker is.
    pub fn push(&mut self, sample: f32) -> Option<PitchFrame> {
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

    /// The frame `since` input frames after the tracker's last one.
    fn refined(&mut self, decided: &PitchFrame) -> PitchFrame {
        let mut frame = PitchFrame {
            at: decided.at + self.since as f64,
            f0_at: decided.f0_at + self.since as f64,
            ..*decided
        };
        if frame.voiced && self.meter.reaches(self.guess_hz) {
            let (at, hz) = match self.measure {
                Measure::AtTheInstant => (frame.at, self.meter.at(frame.at, self.guess_hz, 0.0)),
                Measure::AsLateAsPossible => self.meter.newest(self.guess_hz),
            };
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

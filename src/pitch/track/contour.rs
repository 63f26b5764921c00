//! The pitch of a whole signal, as a file has it: every instant from its start to its end, each
//! with the pitch measured around it, the tracker's delay taken out. Any thread; its memory does
//! not grow with the signal.

use super::{PitchFrame, PitchTracker};
use std::collections::VecDeque;

/// The pitch at one instant of a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Seconds from the start of the signal.
    pub time_s: f64,
    /// Fundamental frequency in Hz; the best guess where unvoiced, and always above 0.
    pub f0_hz: f32,
    /// Confidence that a voice with this pitch is heard, 0..=1. It says what the tracker decided:
    /// from [`Contour::VOICED`] on a voice, below it none, whatever the tracker's own threshold.
    pub confidence: f32,
}

impl Point {
    /// Whether a voice is heard.
    #[must_use]
    pub fn voiced(&self) -> bool {
        Contour::VOICED <= self.confidence
    }
}

/// Takes a signal in and gives its points in order.
pub struct Contour {
    tracker: Box<dyn PitchTracker>,
    rate_hz: f64,
    pushed: u64,
    // Instants measured around, in input frames, and the pitch there; oldest first.
    measured: VecDeque<(f64, f32)>,
    last_at: f64,
    hop: f64,
}

impl Contour {
    /// The confidence from which on a point is voiced.
    pub const VOICED: f32 = 0.5;
    /// What a confidence at or above it becomes where the tracker decided against a voice.
    const JUST_UNVOICED: f32 = 0.499;
    /// Measurements further apart, in hops, have nothing in between.
    const APART_HOPS: f64 = 2.5;
    /// Neighbours further apart, as a ratio, are a leap: nothing in between was sung (300 cents).
    const LEAP: f32 = 1.189_2;
    /// Seconds that measurements are kept.
    const KEPT_S: f64 = 0.25;

    /// Follows one channel at this rate with a tracker made for it, from its reset on. Allocates.
    #[must_use]
    pub fn new(mut tracker: Box<dyn PitchTracker>, rate_hz: u32) -> Self {
        tracker.reset();
        Self {
            tracker,
            rate_hz: f64::from(rate_hz),
            pushed: 0,
            measured: VecDeque::new(),
            last_at: f64::NEG_INFINITY,
            hop: f64::INFINITY,
        }
    }

    /// The tracker at work.
    #[must_use]
    pub fn tracker(&self) -> &dyn PitchTracker {
        &*self.tracker
    }

    /// Takes one input frame; gives the point of an earlier instant, or none.
    pub fn push(&mut self, sample: f32) -> Option<Point> {
        self.pushed += 1;
        self.listen(sample)
    }

    /// Ends the signal: the points still owed, up to its end. Gives the tracker back.
    pub fn finish(mut self, mut put: impl FnMut(Point)) -> Box<dyn PitchTracker> {
        let end = self.pushed as f64;
        // A tracker that never reaches the end would keep us here.
        let longest = self.tracker.lookahead() + self.rate_hz as usize;
        for _ in 0..longest {
            let point = self.listen(0.0);
            if end <= self.last_at {
                break;
            }
            if let Some(point) = point {
                put(point);
            }
        }
        self.tracker
    }

    fn listen(&mut self, sample: f32) -> Option<Point> {
        let frame = self.tracker.push(sample)?;
        self.remember(&frame);
        (0.0 <= frame.at).then(|| Point {
            time_s: frame.at / self.rate_hz,
            f0_hz: self.f0_at(&frame),
            confidence: self.confidence(&frame),
        })
    }

    fn remember(&mut self, frame: &PitchFrame) {
        self.hop = self.hop.min(frame.at - self.last_at);
        self.last_at = frame.at;
        // Where unvoiced a tracker may have measured nothing new.
        if self.measured.back().is_none_or(|last| last.0 < frame.f0_at) {
            self.measured.push_back((frame.f0_at, frame.f0_hz));
        }
        let oldest = frame.at - Self::KEPT_S * self.rate_hz;
        while self.measured.get(1).is_some_and(|second| second.0 < oldest) {
            self.measured.pop_front();
        }
    }

    /// The pitch at the instant of the newest frame, from what was measured around it.
    fn f0_at(&self, frame: &PitchFrame) -> f32 {
        let after = self.measured.partition_point(|m| m.0 <= frame.at);
        let before = after.checked_sub(1).and_then(|i| self.measured.get(i));
        match (before, self.measured.get(after)) {
            (Some(a), Some(b)) if b.0 - a.0 < Self::APART_HOPS * self.hop => {
                let mix = ((frame.at - a.0) / (b.0 - a.0)) as f32;
                log_mix(a.1, b.1, mix)
            }
            // Out of a pause: the first measurement after it is of this voice.
            (_, Some(b)) if frame.voiced => b.1,
            (Some(a), _) => a.1,
            (None, _) => frame.f0_hz,
        }
    }

    /// The confidence on a scale where every tracker decides at the same value.
    fn confidence(&self, frame: &PitchFrame) -> f32 {
        let threshold = self.tracker.threshold().clamp(1e-3, 1.0 - 1e-3);
        let c = frame.confidence.clamp(0.0, 1.0);
        let scaled = if c < threshold {
            Self::VOICED * c / threshold
        } else {
            Self::VOICED + (1.0 - Self::VOICED) * (c - threshold) / (1.0 - threshold)
        };
        match frame.voiced {
            true => scaled.max(Self::VOICED),
            false => scaled.min(Self::JUST_UNVOICED),
        }
    }
}

/// Between two pitches on a logarithmic scale; the nearer one across a leap.
#[must_use]
pub fn log_mix(a: f32, b: f32, mix: f32) -> f32 {
    let ratio = b / a;
    if (1.0 / Contour::LEAP..Contour::LEAP).contains(&ratio) {
        a * ratio.powf(mix)
    } else if mix < 0.5 {
        a
    } else {
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pitch::track::yin::Yin;
    use crate::units::Frames;

    /// Decides at frame `at` what it measures `later` frames later; pitch is the instant in Hz.
    struct Told {
        now: f64,
        later: f64,
        voiced: fn(f64) -> bool,
    }

    impl PitchTracker for Told {
        fn name(&self) -> &'static str {
            "told"
        }
        fn lookahead(&self) -> Frames {
            30
        }
        fn threshold(&self) -> f32 {
            0.8
        }
        fn reset(&mut self) {
            self.now = 0.0;
        }
        fn push(&mut self, _: f32) -> Option<PitchFrame> {
            self.now += 1.0;
            (self.now % 10.0 == 0.0).then(|| {
                let at = self.now - 30.0;
                PitchFrame {
                    at,
                    f0_hz: (200.0 + at + self.later) as f32,
                    f0_at: at + self.later,
                    confidence: 0.79,
                    voiced: (self.voiced)(at),
                }
            })
        }
    }

    fn points(later: f64, frames: usize, voiced: fn(f64) -> bool) -> Vec<Point> {
        let told = Told {
            now: 7.0,
            later,
            voiced,
        };
        let mut contour = Contour::new(Box::new(told), 1_000);
        let mut points: Vec<Point> = (0..frames).filter_map(|_| contour.push(0.0)).collect();
        contour.finish(|point| points.push(point));
        points
    }

    #[test]
    fn points_cover_the_signal_and_nothing_else() {
        for (frames, expected) in [(0, 0), (1, 1), (10, 1), (11, 2), (95, 10), (100, 10)] {
            let points = points(0.0, frames, |_| true);
            assert_eq!(points.len(), expected, "{frames}");
            for (i, point) in points.iter().enumerate() {
                assert!((point.time_s - 0.01 * i as f64).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn pitch_measured_later_is_put_where_it_was_sung() {
        for later in [0.0, 4.0, 20.0] {
            for point in &points(later, 200, |_| true)[3..] {
                let expected = 200.0 + 1e3 * point.time_s as f32;
                assert!((point.f0_hz - expected).abs() < 0.1, "{later}: {point:?}");
            }
        }
    }

    #[test]
    fn confidence_says_what_was_decided() {
        // Both have a confidence just below the tracker's threshold.
        for point in points(0.0, 200, |at| at < 100.0) {
            assert_eq!(point.voiced(), point.time_s < 0.0995, "{point:?}");
            assert!((point.confidence - 0.5).abs() < 0.01);
        }
    }

    #[test]
    fn a_glide_is_followed_in_time() {
        // An octave up in a second: 10 ms late would be 12 cents.
        let rate_hz = 44_100;
        let mut contour = Contour::new(Box::new(Yin::new(rate_hz, 80.0)), rate_hz);
        let mut phase = 0.0f64;
        let mut points = Vec::new();
        for i in 0..rate_hz {
            let t = f64::from(i) / f64::from(rate_hz);
            phase += 150.0 * t.exp2() / f64::from(rate_hz);
            let sample = (1..6).map(|k| (std::f64::consts::TAU * phase * f64::from(k)).sin());
            points.extend(contour.push(0.15 * sample.sum::<f64>() as f32));
        }
        contour.finish(|point| points.push(point));
        let last = points.last().expect("a second has points");
        assert!((0.995..1.0).contains(&last.time_s), "{last:?}");
        for point in points.iter().filter(|p| (0.1..0.9).contains(&p.time_s)) {
            let expected = 150.0 * point.time_s.exp2();
            let cents = 1_200.0 * (f64::from(point.f0_hz) / expected).log2();
            assert!(point.voiced() && cents.abs() < 2.0, "{point:?}: {cents}");
        }
    }
}

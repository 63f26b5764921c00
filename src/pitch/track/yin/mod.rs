//! Following the pitch of one voice as it comes in. Audio thread: never allocates after
//! construction, and its work is spread evenly over time.
//!
//! [`Yin`] correlates the signal with itself over a short window, and where that says little over
//! a longer one too; picks the cheapest path through the peaks (the idea of Talkin's RAPT, 1995,
//! made causal); takes for a voice what is still like itself some periods later; and measures the
//! period found at a higher rate.

mod correlate;
mod path;
#[cfg(test)]
mod tests;
mod voicing;

use super::period::PeriodMeter;
use super::{PitchFrame, PitchTracker};
use crate::dsp::decimate::Decimator;
use crate::dsp::history::History;
use crate::units::Frames;
use correlate::{Correlator, weakness};
use path::{Candidate, MAX_CANDIDATES, PathTracker};
use voicing::{Doubt, Loudness, THRESHOLD, confidence};

/// The highest pitch tracked, in Hz.
pub const HIGHEST_HZ: f32 = 1_500.0;

/// Pitch below the lowest of the range that is still tracked, as a ratio.
const BELOW_RANGE: f32 = 0.97;

/// Seconds between two estimates.
const HOP_S: f64 = 0.001_5;

/// The rate candidates are looked for at is this one or the next whole fraction above it.
const COARSE_HZ: f64 = 7_000.0;

/// The shortest correlation window, in seconds. Shorter ones find pitch in noise.
const SHORTEST_WINDOW_S: f64 = 0.007_5;

/// Cut-off of what is too slow to be a voice, as a share of the lowest pitch.
const SLOW: f64 = 1.0;

/// Frames quieter than this mean square are never voiced (-80 dBFS).
const FLOOR: f32 = 1e-8;

/// Nor are those with a smaller share of their power at low frequencies.
const LEAST_LOW_SHARE: f32 = 0.02;

/// Amplitudes beyond this are no signal. One that is no number would never leave a running sum.
const LARGEST: f32 = 1e6;

/// The tracker of the time domain.
#[derive(Clone, Debug)]
pub struct Yin {
    rate_hz: f64,
    meter: PeriodMeter,
    decimator: Decimator,
    slow: HighPass,
    coarse: History,
    /// Decimated frames of the meter per coarse one.
    to_coarse: usize,
    hop: usize,
    until_hop: usize,
    correlator: Correlator,
    path: PathTracker,
    /// Mean squares of the input between estimates, for the share of low frequencies.
    loudness: Loudness,
    doubt: Doubt,
    /// What is said before any voice was heard, and the newest pitch.
    first_hz: f32,
    last_hz: f32,
}

impl Yin {
    /// A tracker for pitches down to `lowest_hz`. Allocates.
    #[must_use]
    pub fn new(rate_hz: u32, lowest_hz: f32) -> Self {
        let lowest = lowest_hz * BELOW_RANGE;
        let mut meter = PeriodMeter::new(rate_hz, lowest, 0);
        let fine_hz = f64::from(rate_hz) / meter.factor() as f64;
        let to_coarse = ((fine_hz / COARSE_HZ) as usize).max(1);
        let coarse_hz = fine_hz / to_coarse as f64;
        let longest = (coarse_hz / f64::from(lowest)).ceil() as usize + 1;
        let shortest = (coarse_hz / f64::from(HIGHEST_HZ)).floor() as usize;
        let window =
            (coarse_hz * SHORTEST_WINDOW_S.max(1.0 / f64::from(lowest_hz))).ceil() as usize;
        let hop = ((coarse_hz * HOP_S).round() as usize).max(1);
        let correlator = Correlator::new(coarse_hz, hop, window, (shortest, longest));
        let per_coarse = meter.factor() * to_coarse;
        let late = correlator.centre() as usize + 1 + hop;
        meter = PeriodMeter::new(rate_hz, lowest, 2 * late * per_coarse);
        Self {
            rate_hz: f64::from(rate_hz),
            meter,
            decimator: Decimator::new(to_coarse),
            slow: HighPass::new(SLOW * f64::from(lowest) / coarse_hz),
            coarse: History::new(correlator.span()),
            to_coarse,
            hop,
            until_hop: 0,
            correlator,
            path: PathTracker::default(),
            loudness: Loudness::default(),
            doubt: Doubt::default(),
            first_hz: 2.0 * lowest,
            last_hz: 2.0 * lowest,
        }
    }

    /// Input frames per coarse one.
    fn per_coarse(&self) -> usize {
        self.to_coarse * self.meter.factor()
    }

    /// Input frames by which the coarse signal lags.
    fn coarse_delay(&self) -> Frames {
        self.decimator.delay() * self.meter.factor() + self.meter.delay()
    }

    /// Input frame at the centre of the correlator's short window.
    fn centre(&self) -> f64 {
        let coarse = self.coarse.written() as f64 - 0.5 - self.correlator.centre();
        coarse * self.per_coarse() as f64 - self.coarse_delay() as f64
    }

    fn estimate(&mut self) -> PitchFrame {
        let span = self.correlator.span();
        let region = self.coarse.past(0, span);
        let mut candidates = [Candidate::default(); MAX_CANDIDATES];
        let scan = self.correlator.scan(region, &mut candidates);
        let heard = scan.mean_square > FLOOR;
        let low_share = scan.mean_square / self.loudness.mean_square().max(FLOOR);
        let (count, strength) = if heard && low_share > LEAST_LOW_SHARE {
            (scan.count, scan.strength)
        } else {
            (0, 0.0)
        };
        let voiced_above = self.doubt.update(strength, low_share);
        for candidate in &mut candidates[..count] {
            candidate.doubt = self.doubt.of(candidate, voiced_above);
        }
        let decided = self.path.push(&candidates[..count], strength, voiced_above);
        let at = self.centre();
        if let Some(best) = decided.best {
            if decided.voiced {
                self.doubt.heard(&best);
            }
            let guess_hz = self.rate_hz / (f64::from(best.lag) * self.per_coarse() as f64);
            self.last_hz = self.meter.at(at, guess_hz as f32, weakness(strength));
        }
        PitchFrame {
            at,
            f0_hz: self.last_hz,
            f0_at: at,
            confidence: confidence(strength, decided.voiced),
            voiced: decided.voiced,
        }
    }
}

/// A first-order high-pass.
#[derive(Clone, Copy, Debug)]
struct HighPass {
    pole: f32,
    last: (f32, f32),
}

impl HighPass {
    /// `cut_off` in cycles per frame.
    fn new(cut_off: f64) -> Self {
        Self {
            pole: (-std::f64::consts::TAU * cut_off).exp() as f32,
            last: (0.0, 0.0),
        }
    }

    fn push(&mut self, x: f32) -> f32 {
        let y = x - self.last.0 + self.pole * self.last.1;
        self.last = (x, y);
        y
    }
}

impl PitchTracker for Yin {
    fn reset(&mut self) {
        self.meter.reset();
        self.decimator.reset();
        self.slow.last = (0.0, 0.0);
        self.coarse.reset();
        self.correlator.reset();
        self.until_hop = 0;
        self.path = PathTracker::default();
        self.loudness = Loudness::default();
        self.doubt = Doubt::default();
        self.last_hz = self.first_hz;
    }

    fn push(&mut self, sample: f32) -> Option<PitchFrame> {
        let sample = if sample.abs() < LARGEST { sample } else { 0.0 };
        self.loudness.push(sample);
        let fine = self.meter.push(sample)?;
        let coarse = self.decimator.push(fine)?;
        self.coarse.push(self.slow.push(coarse));
        if self.until_hop > 0 {
            self.until_hop -= 1;
            return None;
        }
        self.until_hop = self.hop - 1;
        self.loudness.close();
        Some(self.estimate())
    }

    fn name(&self) -> &'static str {
        "yin"
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    fn lookahead(&self) -> Frames {
        let coarse = self.correlator.centre() as usize + 1 + self.hop;
        coarse * self.per_coarse() + self.coarse_delay()
    }
}

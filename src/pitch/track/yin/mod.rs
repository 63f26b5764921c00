//! Following the pitch of one voice as it comes in. Audio thread: never allocates after
//! construction, and its work is spread evenly over time.
//!
//! [`Yin`] correlates the signal with itself and picks the cheapest path through the peaks (the
//! idea of Talkin's RAPT, 1995, made causal).

mod correlate;
mod path;
#[cfg(test)]
mod tests;

use super::{PitchFrame, PitchTracker};
use crate::dsp::decimate::Decimator;
use crate::dsp::history::History;
use crate::units::Frames;
use correlate::Correlator;
use path::{Candidate, MAX_CANDIDATES, PathTracker};

/// The highest pitch followed, in Hz.
pub const HIGHEST_HZ: f32 = 1_250.0;

/// Pitch below the lowest of the range that is still followed, as a ratio.
const BELOW_RANGE: f32 = 0.97;

/// Seconds between two estimates.
const HOP_S: f64 = 0.001_5;

/// The shortest correlation window, in seconds. Shorter ones find pitch in noise.
const SHORTEST_WINDOW_S: f64 = 0.007_5;

/// The window a period is measured over, in periods and at least in seconds.
const MEASURED_PERIODS: f64 = 1.25;
const SHORTEST_MEASURED_S: f64 = 0.005;

/// Frames quieter than this mean square are never voiced (-80 dBFS).
const FLOOR: f32 = 1e-8;

/// The tracker of the time domain.
#[derive(Clone, Debug)]
pub struct Yin {
    rate_hz: f64,
    fine: Stage,
    coarse: Stage,
    /// Fine frames per coarse one, and input frames per fine one.
    ratios: (usize, usize),
    hop: usize,
    until_hop: usize,
    correlator: Correlator,
    path: PathTracker,
    /// Mean squares of the input between estimates, for the share of low frequencies.
    loudness: Loudness,
    doubt: Doubt,
    /// The shortest window a period is measured over.
    shortest_window: f64,
    /// What is said before any voice was heard, the newest period, and the instant it was
    /// measured around, in fine frames.
    first_period: f64,
    last_period: f64,
    measured_at: f64,
}

/// A decimated copy of the signal.
#[derive(Clone, Debug)]
struct Stage {
    decimator: Decimator,
    history: History,
}

impl Stage {
    fn new(factor: usize, frames: Frames) -> Self {
        Self {
            decimator: Decimator::new(factor),
            history: History::new(frames),
        }
    }

    fn push(&mut self, sample: f32) -> Option<f32> {
        let kept = self.decimator.push(sample)?;
        self.history.push(kept);
        Some(kept)
    }

    fn reset(&mut self) {
        self.decimator.reset();
        self.history.reset();
    }
}

impl Yin {
    /// A follower for pitches down to `lowest_hz`. Allocates.
    #[must_use]
    pub fn new(rate_hz: u32, lowest_hz: f32) -> Self {
        let to_fine = (rate_hz / 22_050).max(1) as usize;
        let fine_hz = f64::from(rate_hz) / to_fine as f64;
        let to_coarse = ((fine_hz / 8_000.0) as usize).max(1);
        let coarse_hz = fine_hz / to_coarse as f64;
        let lowest = f64::from(lowest_hz * BELOW_RANGE);
        let longest = (coarse_hz / lowest).ceil() as usize + 1;
        let shortest = (coarse_hz / f64::from(HIGHEST_HZ)).floor() as usize;
        let window =
            (coarse_hz * SHORTEST_WINDOW_S.max(1.0 / f64::from(lowest_hz))).ceil() as usize;
        let hop = ((coarse_hz * HOP_S).round() as usize).max(1);
        let span = window + longest + 8;
        Self {
            rate_hz: f64::from(rate_hz),
            fine: Stage::new(
                to_fine,
                (PathTracker::LAG + 2) * hop * to_coarse + 2 * span * to_coarse,
            ),
            coarse: Stage::new(to_coarse, 2 * span),
            ratios: (to_coarse, to_fine),
            hop,
            until_hop: 0,
            correlator: Correlator::new(window, shortest, longest),
            path: PathTracker::new(HOP_S as f32),
            loudness: Loudness::default(),
            doubt: Doubt::default(),
            shortest_window: fine_hz * SHORTEST_MEASURED_S,
            first_period: fine_hz / (2.0 * lowest),
            last_period: fine_hz / (2.0 * lowest),
            measured_at: 0.0,
        }
    }

    /// The frame of the fine signal at the centre of the coarse region that ends now.
    fn fine_centre(&self) -> f64 {
        let (to_coarse, _) = self.ratios;
        let newest = self.coarse.history.written() as f64 - 1.0;
        let centre = newest - 0.5 * (self.correlator.span() as f64 - 1.0);
        centre * to_coarse as f64 - self.coarse.decimator.delay() as f64
    }

    /// Input frame number of a fine frame.
    fn input_frame(&self, fine: f64) -> f64 {
        let (_, to_fine) = self.ratios;
        fine * to_fine as f64 - self.fine.decimator.delay() as f64
    }

    fn estimate(&mut self) -> Option<PitchFrame> {
        let (to_coarse, to_fine) = self.ratios;
        let span = self.correlator.span();
        let start = self.coarse.history.written() - span as i64;
        let region = self.coarse.history.range(start, span);
        let mut candidates = [Candidate::default(); MAX_CANDIDATES];
        let scan = self.correlator.scan(region, &mut candidates);
        let heard = scan.mean_square > FLOOR;
        let low_share = scan.mean_square / self.loudness.mean_square().max(FLOOR);
        let count = if heard && low_share > 0.02 {
            scan.count
        } else {
            0
        };
        let strength = scan.strength;
        let voiced_above = self.doubt.update(strength, low_share);
        for candidate in &mut candidates[..count] {
            candidate.doubt = self.doubt.of(candidate.lag, voiced_above);
        }
        let centre = self.fine_centre();
        let decided = self
            .path
            .push(&candidates[..count], strength, voiced_above, centre)?;
        if let Some(best) = decided.best {
            self.doubt.heard(&best);
            self.measure(f64::from(best.lag) * to_coarse as f64);
        }
        Some(PitchFrame {
            at: self.input_frame(decided.at),
            f0_hz: (self.rate_hz / (self.last_period * to_fine as f64)) as f32,
            f0_at: self.input_frame(self.measured_at),
            confidence: decided.strength.clamp(0.0, 1.0),
            voiced: decided.best.is_some(),
        })
    }

    /// Measures the period near a guess, as late as the signal allows, both in fine frames.
    fn measure(&mut self, guess: f64) {
        let window = (MEASURED_PERIODS * guess).max(self.shortest_window) as usize;
        let reach = correlate::REACH as f64;
        let centre = self.fine.history.written() as f64 - 0.5 * (window as f64 + guess) - reach;
        let refined = correlate::refine(&self.fine.history, centre, window, guess as f32);
        self.last_period = f64::from(refined);
        self.measured_at = centre;
    }
}

impl PitchTracker for Yin {
    fn reset(&mut self) {
        self.fine.reset();
        self.coarse.reset();
        self.until_hop = 0;
        self.path.reset();
        self.loudness = Loudness::default();
        self.doubt = Doubt::default();
        self.last_period = self.first_period;
        self.measured_at = 0.0;
    }

    fn push(&mut self, sample: f32) -> Option<PitchFrame> {
        self.loudness.push(sample);
        let fine = self.fine.push(sample)?;
        self.coarse.push(fine)?;
        if self.until_hop > 0 {
            self.until_hop -= 1;
            return None;
        }
        self.until_hop = self.hop - 1;
        self.loudness.close();
        self.estimate()
    }

    fn name(&self) -> &'static str {
        "yin"
    }

    fn threshold(&self) -> f32 {
        Doubt::FIRST
    }

    fn lookahead(&self) -> Frames {
        let (to_coarse, to_fine) = self.ratios;
        let coarse = self.correlator.span() / 2 + 1 + (PathTracker::LAG + 1) * self.hop;
        (coarse * to_coarse + self.coarse.decimator.delay()) * to_fine + self.fine.decimator.delay()
    }
}

/// How strong a correlation has to be to pass for a voice. Noise alone correlates by chance, more
/// so in narrow bands; but where a clear voice has just been heard, what correlates weakly is its
/// end, its echo or a voiced consonant, unless the treble says it is a fricative.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// Time since a clear voice was heard, and its period in coarse frames.
    since_s: f64,
    clear_lag: f32,
}

impl Default for Doubt {
    fn default() -> Self {
        Self {
            since_s: f64::INFINITY,
            clear_lag: 0.0,
        }
    }
}

impl Doubt {
    /// Correlation of a clear voice.
    const CLEAR: f32 = 0.8;
    /// Correlations above which a voice is heard: from silence, and just after a clear one.
    const FIRST: f32 = 0.6;
    const AFTER_CLEAR: f32 = 0.2;
    /// The second applies until the first of these times, less and less until the other.
    const FADES_S: (f64, f64) = (0.1, 0.3);
    /// Shares of low frequencies of a fricative and of a voice.
    const SHARES: (f32, f32) = (0.4, 0.8);

    /// Octaves from a clear voice within which a weak one may belong to it.
    const NEAR_OCTAVES: f32 = 0.4;

    /// Takes note of the voice that was decided for.
    fn heard(&mut self, voice: &Candidate) {
        if Self::CLEAR < voice.strength {
            self.clear_lag = voice.lag;
        }
    }

    /// Cost of believing in a candidate far from the clear voice: it has to be as strong as one
    /// out of silence.
    fn of(&self, lag: f32, voiced_above: f32) -> f32 {
        let near = (lag / self.clear_lag).log2().abs() < Self::NEAR_OCTAVES;
        if near {
            0.0
        } else {
            2.0 * (Self::FIRST - voiced_above)
        }
    }

    fn update(&mut self, strength: f32, low_share: f32) -> f32 {
        self.since_s = if Self::CLEAR < strength {
            0.0
        } else {
            self.since_s + HOP_S
        };
        let (fades, gone) = Self::FADES_S;
        let recent = ((gone - self.since_s) / (gone - fades)).clamp(0.0, 1.0) as f32;
        let (fricative, voice) = Self::SHARES;
        let dark = ((low_share - fricative) / (voice - fricative)).clamp(0.0, 1.0);
        Self::FIRST + (Self::AFTER_CLEAR - Self::FIRST) * recent * dark
    }
}

/// Mean square of the whole band over about the length of a correlation region.
#[derive(Clone, Copy, Debug, Default)]
struct Loudness {
    sum: f32,
    frames: f32,
    hops: [f32; 8],
    next: usize,
}

impl Loudness {
    fn push(&mut self, sample: f32) {
        self.sum += sample * sample;
        self.frames += 1.0;
    }

    fn close(&mut self) {
        self.hops[self.next] = self.sum / self.frames.max(1.0);
        self.next = (self.next + 1) % self.hops.len();
        (self.sum, self.frames) = (0.0, 0.0);
    }

    fn mean_square(&self) -> f32 {
        self.hops.iter().sum::<f32>() / self.hops.len() as f32
    }
}

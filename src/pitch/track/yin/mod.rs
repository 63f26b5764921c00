//! Following the pitch of one voice as it comes in. Audio thread: never allocates after
//! construction, and its work is spread evenly over time.
//!
//! [`Yin`] correlates the signal with itself and picks the cheapest path through the peaks (the
//! idea of Talkin's RAPT, 1995, made causal).

mod correlate;
mod path;
#[cfg(test)]
mod tests;

use super::period::PeriodMeter;
use super::{PitchFrame, PitchTracker};
use crate::dsp::decimate::Decimator;
use crate::dsp::history::History;
use crate::units::Frames;
use correlate::{Correlator, weakness};
use path::{Candidate, MAX_CANDIDATES, PathTracker};

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
        let late = correlator.centre() as usize + 1 + (PathTracker::LAG + 2) * hop;
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
            path: PathTracker::new(HOP_S as f32),
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

    fn estimate(&mut self) -> Option<PitchFrame> {
        let span = self.correlator.span();
        let region = self.coarse.past(0, span);
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
            candidate.doubt = self.doubt.of(candidate, voiced_above);
        }
        let centre = self.centre();
        let decided = self
            .path
            .push(&candidates[..count], strength, voiced_above, centre)?;
        if let Some(best) = decided.best {
            if decided.voiced {
                self.doubt.heard(&best);
            }
            let guess_hz = self.rate_hz / (f64::from(best.lag) * self.per_coarse() as f64);
            self.last_hz = self
                .meter
                .at(decided.at, guess_hz as f32, weakness(decided.strength));
        }
        Some(PitchFrame {
            at: decided.at,
            f0_hz: self.last_hz,
            f0_at: decided.at,
            confidence: confidence(decided.strength, decided.voiced),
            voiced: decided.voiced,
        })
    }
}

/// Above the threshold exactly where voiced, and more so the stronger the correlation.
fn confidence(strength: f32, voiced: bool) -> f32 {
    let half = 0.5 * strength.clamp(0.0, 1.0);
    if voiced { 0.5 + half } else { 0.98 * half }
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
        self.path.reset();
        self.loudness = Loudness::default();
        self.doubt = Doubt::default();
        self.last_hz = self.first_hz;
    }

    fn push(&mut self, sample: f32) -> Option<PitchFrame> {
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
        self.estimate()
    }

    fn name(&self) -> &'static str {
        "yin"
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn lookahead(&self) -> Frames {
        let coarse = self.correlator.centre() as usize + 1 + (PathTracker::LAG + 1) * self.hop;
        coarse * self.per_coarse() + self.coarse_delay()
    }
}

/// How strong a correlation has to be to pass for a voice. Noise alone correlates by chance, more
/// so in narrow bands; but where a clear voice has just been heard, what correlates weakly is its
/// end, its echo or a voiced consonant, unless the treble says it is a fricative.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// Time since a clear voice was heard, and the logarithm of its period.
    since_s: f64,
    clear_octave: f32,
}

impl Default for Doubt {
    fn default() -> Self {
        Self {
            since_s: f64::INFINITY,
            clear_octave: f32::INFINITY,
        }
    }
}

impl Doubt {
    /// Correlation of a clear voice.
    const CLEAR: f32 = 0.8;
    /// Correlations above which a voice is heard: from silence, and just after a clear one.
    const FIRST: f32 = 0.5;
    const AFTER_CLEAR: f32 = 0.25;
    /// The second applies until the first of these times, less and less until the other.
    const FADES_S: (f64, f64) = (0.1, 0.3);
    /// Shares of low frequencies of a fricative and of a voice.
    const SHARES: (f32, f32) = (0.4, 0.8);

    /// Octaves from a clear voice within which a weak one may belong to it.
    const NEAR_OCTAVES: f32 = 0.4;

    /// Takes note of the voice that was decided for.
    fn heard(&mut self, voice: &Candidate) {
        if Self::CLEAR < voice.strength {
            self.clear_octave = voice.octave;
        }
    }

    /// Cost of believing in a weak candidate far from the clear voice: it has to be as strong as
    /// one out of silence.
    fn of(&self, candidate: &Candidate, voiced_above: f32) -> f32 {
        let near = (candidate.octave - self.clear_octave).abs() < Self::NEAR_OCTAVES;
        if near {
            return 0.0;
        }
        let weak = (Self::CLEAR - candidate.strength) / (Self::CLEAR - Self::FIRST);
        2.0 * (Self::FIRST - voiced_above) * weak.clamp(0.0, 1.0)
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

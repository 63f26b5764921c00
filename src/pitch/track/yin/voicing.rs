//! Whether what correlates is a voice. Audio thread: never allocates.

use super::HOP_S;
use super::path::Candidate;

/// The confidence from which on a frame is voiced.
pub(super) const THRESHOLD: f32 = 0.5;

/// At the threshold or above it exactly where voiced, and the higher the stronger the correlation.
pub(super) fn confidence(strength: f32, voiced: bool) -> f32 {
    let sure = strength.clamp(0.0, 1.0);
    if voiced {
        THRESHOLD + (1.0 - THRESHOLD) * sure
    } else {
        0.98 * THRESHOLD * sure
    }
}

/// How strong a correlation has to be to pass for a voice. Noise alone correlates by chance, more
/// so in narrow bands; but where a clear voice has just been heard, what correlates weakly is its
/// end, its echo or a voiced consonant, unless the treble says it is a fricative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
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
    const AFTER_CLEAR: f32 = 0.2;
    /// The second applies until the first of these times, less and less until the other.
    const FADES_S: (f64, f64) = (0.1, 0.3);
    /// Shares of low frequencies of a fricative and of a voice.
    const SHARES: (f32, f32) = (0.4, 0.8);

    /// Octaves from a clear voice within which a weak one may belong to it.
    const NEAR_OCTAVES: f32 = 0.4;

    /// Takes note of the voice that was decided for.
    pub(super) fn heard(&mut self, voice: &Candidate) {
        if Self::CLEAR < voice.strength {
            self.clear_octave = voice.octave;
        }
    }

    /// Cost of believing in a weak candidate far from the clear voice: it has to be as strong as
    /// one out of silence.
    pub(super) fn of(&self, candidate: &Candidate, voiced_above: f32) -> f32 {
        let near = (candidate.octave - self.clear_octave).abs() < Self::NEAR_OCTAVES;
        if near {
            return 0.0;
        }
        let weak = (Self::CLEAR - candidate.strength) / (Self::CLEAR - Self::FIRST);
        2.0 * (Self::FIRST - voiced_above) * weak.clamp(0.0, 1.0)
    }

    /// Takes the next correlation and share of low frequencies; gives the correlation above which
    /// there is a voice.
    pub(super) fn update(&mut self, strength: f32, low_share: f32) -> f32 {
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
pub(super) struct Loudness {
    sum: f32,
    frames: f32,
    hops: [f32; 8],
    next: usize,
}

impl Loudness {
    pub(super) fn push(&mut self, sample: f32) {
        self.sum += sample * sample;
        self.frames += 1.0;
    }

    pub(super) fn close(&mut self) {
        self.hops[self.next] = self.sum / self.frames.max(1.0);
        self.next = (self.next + 1) % self.hops.len();
        (self.sum, self.frames) = (0.0, 0.0);
    }

    pub(super) fn mean_square(&self) -> f32 {
        self.hops.iter().sum::<f32>() / self.hops.len() as f32
    }
}

//! Tracking pitch with RMVPE. Inference thread: the work of a window is done at once, a tenth of
//! a second and more for the published network; made for files, and for hosts that can wait.
//! Never allocates after construction.
//!
//! The network sees a window in both directions, so a stream runs it on windows that overlap and
//! takes what is not too close to the newest end. Windows begin at multiples of 32 spectra, as
//! those of a whole signal do: the network halves time five times, and on another grid it would
//! give other values everywhere.
//!
//! 128 spectra with 32 of them ahead are where more stops paying. Against the network over a
//! whole signal of 4.5 s, half speech and half singing, with the seeded weights of the tests at
//! full size, salience is off by (mean, worst): 64 spectra, none ahead .0040, .041; 64 and 32
//! .0033, .089; 128 and none .0036, .041; 128 and 32 .0010, .008; 128 and 64 .0008, .006. Each
//! spectrum is computed four times then: 220 ms of work per 320 ms of signal on one core of Zen 3.

use super::at_16k::At16k;
use super::{PitchFrame, PitchTracker};
use crate::dsp::history::History;
use crate::model::rmvpe::{BANDS, HOP, LogMel, MULTIPLE, Rmvpe, WINDOW};
use crate::model::salience::Salience;
use crate::model::{PITCH_BINS, bin_to_cents, cents_to_hz};
use crate::units::Frames;

/// Bins on either side that weigh in.
const REACH: usize = 4;
/// The salience from which on there is a voice, in RVC.
const THRESHOLD: f32 = 0.03;

/// The pitch of one frame: the mean around the most salient bin, in Hz, and its salience. As in
/// RVC, which says 0 Hz where the salience is not above .03. Real-time safe.
#[must_use]
pub fn decode(salience: &[f32; PITCH_BINS]) -> (f32, f32) {
    let mut best = 0;
    for bin in 1..PITCH_BINS {
        if salience[bin] > salience[best] {
            best = bin;
        }
    }
    let (mut sum, mut cents) = (0f64, 0f64);
    let around = best.saturating_sub(REACH)..(best + REACH + 1).min(PITCH_BINS);
    for (bin, weight) in around.clone().zip(&salience[around]) {
        sum += f64::from(*weight);
        cents += f64::from(*weight) * bin_to_cents(bin as f64);
    }
    // Where all is 0, any bin is as good.
    let cents = if sum > 0.0 {
        cents / sum
    } else {
        bin_to_cents(best as f64)
    };
    (cents_to_hz(cents) as f32, salience[best])
}

/// How a stream is cut into windows, in spectra of 10 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Length of a window, a multiple of 32, at least 64. There is one every 32 spectra, so that
    /// each spectrum is computed `length / 32` times.
    pub length: Frames,
    /// Spectra at the newest end that are left to the next window, at most `length - 32`.
    pub ahead: Frames,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            length: 128,
            ahead: 32,
        }
    }
}

/// The tracker `rmvpe`.
pub struct RmvpeTracker {
    front: At16k,
    analysis: Analysis,
}

/// What happens at 16 kHz.
struct Analysis {
    network: Box<dyn Salience>,
    windows: Windows,
    log_mel: LogMel,
    history: History,
    until_spectrum: Frames,
    window: [f32; WINDOW],
    /// Spectra so far; the newest of them, and what the network says of them.
    count: Frames,
    held: Frames,
    spectra: Vec<f32>,
    salience: Vec<[f32; PITCH_BINS]>,
    /// Pitch and salience of 32 frames, told one by one.
    decided: [(f32, f32); MULTIPLE],
}

impl RmvpeTracker {
    /// For input at `rate_hz`. Allocates.
    ///
    /// # Panics
    /// If the rate is 0, `windows` are not as said, or longer than the network was built for.
    #[must_use]
    pub fn new(rate_hz: u32, rmvpe: Rmvpe, windows: Windows) -> Self {
        let longest = rmvpe.longest();
        Self::with(rate_hz, (longest, Box::new(rmvpe)), windows)
    }

    /// The same with a network that was built for so many spectra, and that may be elsewhere. Allocates.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn with(
        rate_hz: u32,
        (longest, network): (Frames, Box<dyn Salience>),
        windows: Windows,
    ) -> Self {
        let Windows { length, ahead } = windows;
        assert!(
            length.is_multiple_of(MULTIPLE) && length > MULTIPLE,
            "a multiple of 32 from 64 on"
        );
        assert!(
            length <= longest,
            "the network was built for as long a window"
        );
        assert!(ahead + MULTIPLE <= length, "a window says something new");
        let mut analysis = Analysis {
            network,
            windows,
            log_mel: LogMel::new(),
            history: History::new(WINDOW + 1),
            until_spectrum: 0,
            window: [0.0; WINDOW],
            count: 0,
            held: 0,
            spectra: vec![0.0; length * BANDS],
            salience: vec![[0.0; PITCH_BINS]; length],
            decided: [(0.0, 0.0); MULTIPLE],
        };
        analysis.reset();
        Self {
            front: At16k::new(rate_hz),
            analysis,
        }
    }
}

impl Analysis {
    fn reset(&mut self) {
        self.history.reset();
        // One frame more than half a window: the first is mirrored around frame 0.
        self.until_spectrum = WINDOW / 2 + 1;
        (self.count, self.held) = (0, 0);
    }

    /// Takes one frame; now and then says which frame of spectra has been decided, and how.
    fn push(&mut self, sample: f32) -> Option<(Frames, f32, f32)> {
        self.history.push(sample);
        self.until_spectrum -= 1;
        if self.until_spectrum > 0 {
            return None;
        }
        self.until_spectrum = HOP;
        self.take_spectrum();
        let Windows { ahead, .. } = self.windows;
        if self.count.is_multiple_of(MULTIPLE) && ahead < self.count {
            self.decide();
        }
        let frame = self.count.checked_sub(MULTIPLE + ahead)?;
        let (f0_hz, salience) = self.decided[self.count % MULTIPLE];
        Some((frame, f0_hz, salience))
    }

    /// The spectrum around the next multiple of the hop.
    fn take_spectrum(&mut self) {
        let start = (self.count * HOP) as i64 - (WINDOW / 2) as i64;
        if start < 0 {
            // The signal is mirrored around its first frame.
            for (n, x) in self.window.iter_mut().enumerate() {
                *x = self.history.range((start + n as i64).abs(), 1)[0];
            }
        } else {
            self.window
                .copy_from_slice(self.history.range(start, WINDOW));
        }
        if self.held == self.windows.length {
            self.spectra.copy_within(MULTIPLE * BANDS.., 0);
            self.held -= MULTIPLE;
        }
        let out = &mut self.spectra[self.held * BANDS..][..BANDS];
        self.log_mel.frame(&self.window, out);
        self.held += 1;
        self.count += 1;
    }

    /// Runs the network over all that is held, and keeps what is far enough from the end.
    fn decide(&mut self) {
        let salience = &mut self.salience[..self.held];
        let spectra = &self.spectra[..self.held * BANDS];
        self.network.salience(spectra, salience.as_flattened_mut());
        // At the start of a stream the first of them would lie before it.
        for (n, decided) in self.decided.iter_mut().enumerate() {
            let at = (self.held + n).checked_sub(MULTIPLE + self.windows.ahead);
            if let Some(at) = at {
                *decided = decode(&salience[at]);
            }
        }
    }
}

impl PitchTracker for RmvpeTracker {
    fn name(&self) -> &'static str {
        "rmvpe"
    }

    fn lookahead(&self) -> Frames {
        let spectra = self.analysis.windows.ahead + MULTIPLE - 1;
        self.front.lookahead(WINDOW / 2 + spectra * HOP)
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    fn reset(&mut self) {
        self.front.reset();
        self.analysis.reset();
    }

    fn push(&mut self, sample: f32) -> Option<PitchFrame> {
        // A hop is longer than what one input frame can complete: there is at most one.
        let mut decided = None;
        for sample in self.front.push(sample) {
            decided = self.analysis.push(*sample).or(decided);
        }
        let (frame, f0_hz, salience) = decided?;
        let at = self.front.instant((frame * HOP) as f64);
        Some(PitchFrame {
            at,
            f0_hz,
            f0_at: at,
            confidence: salience,
            voiced: salience > THRESHOLD,
        })
    }
}

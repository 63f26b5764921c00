//! Tracking pitch with CREPE. Inference thread: the work of a window, most of a millisecond for
//! the tiny network and tens for the full one, is done at once. Never allocates after
//! construction.

pub mod decode;

use std::ops::Range;

use super::at_16k::At16k;
use super::viterbi::Viterbi;
use super::{PitchFrame, PitchTracker};
use crate::dsp::history::History;
use crate::model::PITCH_BINS;
use crate::model::crepe::{Capacity, Crepe, WINDOW, normalise};
use crate::model::salience::Salience;
use crate::units::Frames;

/// Frames at 16 kHz from one window to the next: 100 windows a second.
const HOP: Frames = 160;

/// How the pitch is chosen among the probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoder {
    /// The most probable bin.
    Argmax,
    /// The mean around the most probable bin.
    Weighted,
    /// The most probable path, decided `lag` hops late.
    Viterbi {
        /// In hops of 10 ms.
        lag: usize,
    },
}

/// What a tracker with CREPE is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrepeConfig {
    /// How the pitch is chosen.
    pub decoder: Decoder,
    /// The lowest pitch followed, in Hz.
    pub lowest_hz: f32,
    /// The highest pitch followed, in Hz.
    pub highest_hz: f32,
}

impl Default for CrepeConfig {
    fn default() -> Self {
        Self {
            decoder: Decoder::Viterbi { lag: 4 },
            lowest_hz: 50.0,
            highest_hz: 1_500.0,
        }
    }
}

/// The tracker `crepe-tiny` or `crepe-full`.
pub struct CrepeTracker {
    front: At16k,
    analysis: Analysis,
    name: &'static str,
}

/// What happens at 16 kHz.
struct Analysis {
    network: Box<dyn Salience>,
    decoder: Decoder,
    bins: Range<usize>,
    viterbi: Viterbi,
    history: History,
    until_window: Frames,
    windows: usize,
    frame: Box<[f32; WINDOW]>,
    /// Probabilities of the last `lag + 1` windows.
    recent: Vec<[f32; PITCH_BINS]>,
}

/// What has been decided for one window.
struct Decided {
    window: usize,
    f0_hz: f32,
    confidence: f32,
}

impl CrepeTracker {
    /// For input at `rate_hz`. Allocates.
    ///
    /// # Panics
    /// If the rate is 0.
    #[must_use]
    pub fn new(rate_hz: u32, crepe: Crepe, config: CrepeConfig) -> Self {
        Self::with(rate_hz, (crepe.capacity(), Box::new(crepe)), config)
    }

    /// The same with a network of a capacity that may be elsewhere. Allocates.
    ///
    /// # Panics
    /// If the rate is 0.
    #[must_use]
    pub fn with(
        rate_hz: u32,
        (capacity, network): (Capacity, Box<dyn Salience>),
        config: CrepeConfig,
    ) -> Self {
        let lag = match config.decoder {
            Decoder::Viterbi { lag } => lag,
            Decoder::Argmax | Decoder::Weighted => 0,
        };
        Self {
            name: match capacity {
                Capacity::Tiny => "crepe-tiny",
                Capacity::Full => "crepe-full",
            },
            front: At16k::new(rate_hz),
            analysis: Analysis {
                network,
                decoder: config.decoder,
                bins: decode::bins_between(config.lowest_hz, config.highest_hz),
                viterbi: Viterbi::new(PITCH_BINS, decode::TRANSITION_WIDTH, lag),
                history: History::new(WINDOW),
                until_window: WINDOW / 2,
                windows: 0,
                frame: Box::new([0.0; WINDOW]),
                recent: vec![[0.0; PITCH_BINS]; lag + 1],
            },
        }
    }
}

impl Analysis {
    fn lag(&self) -> usize {
        self.recent.len() - 1
    }

    fn reset(&mut self) {
        self.viterbi.reset();
        self.history.reset();
        self.until_window = WINDOW / 2;
        self.windows = 0;
    }

    fn push(&mut self, sample: f32) -> Option<Decided> {
        self.history.push(sample);
        self.until_window -= 1;
        if self.until_window > 0 {
            return None;
        }
        self.until_window = HOP;
        self.frame.copy_from_slice(self.history.past(0, WINDOW));
        normalise(&mut self.frame);
        let slot = self.windows % self.recent.len();
        self.windows += 1;
        self.network
            .salience(&self.frame[..], &mut self.recent[slot]);
        self.decide(slot)
    }

    /// Chooses among the probabilities, the newest of which are in `slot`.
    fn decide(&mut self, slot: usize) -> Option<Decided> {
        let newest = &self.recent[slot];
        let best = decode::argmax(newest, &self.bins);
        let (bin, f0_hz, probabilities) = match self.decoder {
            Decoder::Argmax => (best, decode::bin_hz(best), newest),
            Decoder::Weighted => (best, decode::weighted_hz(newest, &self.bins, best), newest),
            Decoder::Viterbi { .. } => {
                let mut observation = [0.0; PITCH_BINS];
                decode::observation(newest, &self.bins, &mut observation);
                self.viterbi.push(&observation);
                let bin = self.viterbi.decided()?;
                // The oldest that is kept is where the next will be written.
                let oldest = &self.recent[(slot + 1) % self.recent.len()];
                (bin, decode::bin_hz(bin), oldest)
            }
        };
        let heard = self.bins.contains(&bin);
        Some(Decided {
            window: self.windows - 1 - self.lag(),
            f0_hz,
            confidence: if heard { probabilities[bin] } else { 0.0 },
        })
    }
}

impl PitchTracker for CrepeTracker {
    fn name(&self) -> &'static str {
        self.name
    }

    fn lookahead(&self) -> Frames {
        self.front
            .lookahead(WINDOW / 2 - 1 + self.analysis.lag() * HOP)
    }

    fn threshold(&self) -> f32 {
        0.3
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
        let decided = decided?;
        let at = self.front.instant((decided.window * HOP) as f64);
        Some(PitchFrame {
            at,
            f0_hz: decided.f0_hz,
            f0_at: at,
            confidence: decided.confidence,
            voiced: decided.confidence >= self.threshold(),
        })
    }
}

//! The tracker `neural`, our own small network: accurate in noise, 20 ms behind and a resampler's
//! delay. Any thread; never allocates after construction, but a tenth of its calls does all the
//! work.

use super::at_16k::At16k;
use super::{PitchFrame, PitchTracker};
use crate::dsp::history::History;
use crate::model::pitch::features::{Features, HOP, LOOKAHEAD, SPAN};
use crate::model::pitch::{PitchNet, embedded};
use crate::units::Frames;

/// Probability of a voice from which on a frame is voiced.
const THRESHOLD: f32 = 0.5;

/// The tracker.
pub struct Neural {
    front: At16k,
    past: History,
    features: Features,
    net: PitchNet,
}

impl Neural {
    /// A tracker of a signal at `rate_hz`. Allocates.
    ///
    /// # Panics
    /// If the rate is 0.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        Self {
            front: At16k::new(rate_hz),
            past: History::new(SPAN),
            features: Features::new(),
            net: PitchNet::new(embedded()).expect("the weights built in fit"),
        }
    }
}

impl PitchTracker for Neural {
    fn name(&self) -> &'static str {
        "neural"
    }

    fn lookahead(&self) -> Frames {
        self.front.lookahead(LOOKAHEAD)
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    fn reset(&mut self) {
        self.front.reset();
        self.past.reset();
        self.net.reset();
    }

    fn push(&mut self, sample: f32) -> Option<PitchFrame> {
        let mut found = None;
        for frame in self.front.push(sample) {
            // What is no number would stay in the network for ever.
            self.past.push(if frame.is_finite() { *frame } else { 0.0 });
            // The first instant is 0, `LOOKAHEAD` frames ago when that many have followed it.
            let instant = self.past.written() - 1 - LOOKAHEAD as i64;
            if instant < 0 || instant % HOP as i64 != 0 {
                continue;
            }
            let end = instant + LOOKAHEAD as i64;
            let signal = self.past.range(end - SPAN as i64, SPAN);
            self.features.frame(signal, self.net.features());
            found = Some((instant, self.net.step()));
        }
        found.map(|(instant, estimate)| {
            let at = self.front.instant(instant as f64);
            PitchFrame {
                at,
                f0_hz: estimate.f0_hz,
                f0_at: at,
                confidence: estimate.voicing,
                voiced: THRESHOLD <= estimate.voicing,
            }
        })
    }
}

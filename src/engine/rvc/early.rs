//! Singing before the generator has heard all that it looks at: what it has not heard yet counts as
//! silence, and is sung again when it has. Inference thread; real-time safe after construction.

use crate::model::rvc::Closing;
use crate::nn::Bounds;
use crate::units::Frames;

/// The end of what is sung, ahead of its time.
pub(super) struct Early {
    copy: Closing,
    silence: Vec<f32>,
    /// The newest hop that is sung for good, then what would follow it.
    sung: Vec<f32>,
    /// Where in it the samples are that go out.
    from: usize,
    /// What the last hop would have been followed by.
    expected: Vec<f32>,
}

impl Early {
    /// For hops of so many samples of a part that lags by `lag`, to be sung when `ahead` samples
    /// after it are heard, where it is given `beyond` samples after each hop, at least `lag`.
    pub fn new(closing: &Closing, hop: Frames, lag: Frames, ahead: Frames, beyond: Frames) -> Self {
        Self {
            copy: closing.clone(),
            silence: vec![0.0; beyond],
            sung: vec![0.0; hop + beyond],
            from: lag - ahead,
            expected: vec![0.0; ahead],
        }
    }

    pub fn reset(&mut self) {
        self.expected.fill(0.0);
    }

    /// Sings one hop of what the opening gave, with what would follow.
    pub fn step(&mut self, closing: &mut Closing, begun: &[f32], source: &[f32], y: &mut [f32]) {
        let hop = y.len();
        let (now, beyond) = begun.split_at(begun.len() * hop / self.sung.len());
        let (sung, next) = self.sung.split_at_mut(hop);
        closing.step(now, source, Bounds::OPEN, sung);
        closing.beyond(&mut self.copy, beyond, &self.silence, next);
        self.give(y);
    }

    /// Gives one hop of what was sung elsewhere, with what would follow.
    pub fn take(&mut self, sung: &[f32], y: &mut [f32]) {
        self.sung.copy_from_slice(sung);
        self.give(y);
    }

    fn give(&mut self, y: &mut [f32]) {
        let hop = y.len();
        let sung = &self.sung[self.from..];
        y.copy_from_slice(&sung[..hop]);
        // Both sing the same pitch in the same phase: from one into the other.
        let step = 1.0 / (self.expected.len() + 1) as f32;
        for (n, (y, expected)) in y.iter_mut().zip(&self.expected).enumerate() {
            *y = expected + (n + 1) as f32 * step * (*y - expected);
        }
        let ahead = self.expected.len();
        self.expected.copy_from_slice(&sung[hop..hop + ahead]);
    }
}

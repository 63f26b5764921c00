//! The residual blocks of a stage. Real-time safe after construction.

use autovoice_kernels::cpu::{Conv1dShape, Footprint, Into};

use super::{SLOPE, same};
use crate::nn::{Bounds, Line, SameConv1d, Scope, WeightsError};
use crate::units::Frames;

/// A residual block: pairs of convolutions, each added to what it hears.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pairs: Vec<Pair>,
    /// Frames by which it starts later than the slowest block beside it.
    pub delay: Frames,
}

#[derive(Clone, Debug)]
struct Pair {
    dilated: SameConv1d,
    plain: SameConv1d,
    /// Between the two.
    between: Line,
    /// What the pair gives; unused for the last.
    after: Line,
}

impl Pair {
    fn lag(&self) -> Frames {
        self.dilated.lag() + self.plain.lag()
    }

    /// Frames before its newest input that it looks at.
    fn sees(&self) -> Frames {
        (2 * self.dilated.lag()).max(self.lag())
    }
}

impl Block {
    pub fn new(
        channels: usize,
        kernel: usize,
        dilations: &[usize],
        most: Frames,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let mut pairs = Vec::with_capacity(dilations.len());
        for (n, dilation) in dilations.iter().enumerate() {
            let plain = Conv1dShape::new(channels, channels, kernel);
            let dilated = Conv1dShape {
                dilation: *dilation,
                ..plain
            };
            let plain = same(plain, most, &weights.part("convs2").part(n))?;
            pairs.push(Pair {
                dilated: same(dilated, most, &weights.part("convs1").part(n))?,
                between: Line::new(channels, 2 * plain.lag(), most),
                plain,
                after: Line::new(0, 0, 0),
            });
        }
        for n in 1..pairs.len() {
            pairs[n - 1].after = Line::new(channels, pairs[n].sees(), most);
        }
        Ok(Self { pairs, delay: 0 })
    }

    pub fn footprint(&self) -> Footprint {
        let pairs = self.pairs.iter();
        pairs
            .map(|pair| pair.dilated.footprint() + pair.plain.footprint())
            .sum()
    }

    pub fn lag(&self) -> Frames {
        self.pairs.iter().map(Pair::lag).sum()
    }

    pub fn sees(&self) -> Frames {
        self.pairs.first().map_or(0, Pair::sees)
    }

    pub fn work_len(&self, frames: Frames) -> usize {
        let lens = self.pairs.iter().map(|pair| {
            let dilated = pair.dilated.work_len(frames);
            dilated.max(pair.plain.work_len(frames))
        });
        lens.max().unwrap_or(0)
    }

    pub fn reset(&mut self) {
        for pair in &mut self.pairs {
            pair.between.reset();
            pair.after.reset();
        }
    }

    /// Stands where another of the same kind does.
    pub fn resume(&mut self, other: &Self) {
        for (pair, other) in self.pairs.iter_mut().zip(&other.pairs) {
            pair.between.resume(&other.between);
            pair.after.resume(&other.after);
        }
    }

    /// Adds what it makes of the newest frames of `x`, the first of them at `at`, to `y`.
    pub fn add(
        &mut self,
        x: &Line,
        frames: Frames,
        bounds: Bounds,
        at: i64,
        y: &mut [f32],
        work: &mut [f32],
    ) {
        let mut at = at - self.delay as i64;
        let mut delay = self.delay;
        let count = self.pairs.len();
        for n in 0..count {
            let (before, rest) = self.pairs.split_at_mut(n);
            let pair = &mut rest[0];
            let input = before.last().map_or(x, |pair| &pair.after);
            let (outer, inner) = (pair.dilated.lag(), pair.plain.lag());
            let channels = pair.plain.shape().outs;

            let between = pair.between.newest(frames);
            let window = input.since(delay + 2 * outer);
            pair.dilated
                .run(window, frames, SLOPE, Into::Replace, between, work);
            at -= outer as i64;
            bounds.mask(between, channels, at);

            let heard = &input.since(delay + outer + inner)[..frames * channels];
            let window = pair.between.since(2 * inner);
            at -= inner as i64;
            if n + 1 < count {
                let after = pair.after.newest(frames);
                after.copy_from_slice(heard);
                pair.plain
                    .run(window, frames, SLOPE, Into::Add, after, work);
                bounds.mask(after, channels, at);
            } else {
                for (y, heard) in y.iter_mut().zip(heard) {
                    *y += heard;
                }
                pair.plain.run(window, frames, SLOPE, Into::Add, y, work);
            }
            pair.between.advance(frames);
            if let Some(pair) = before.last_mut() {
                pair.after.advance(frames);
            }
            delay = 0;
        }
    }
}

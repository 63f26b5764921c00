//! The residual blocks of a stage, on a device.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Device, GpuError, Slice};

use super::layers::same;
use crate::model::rvc::generator::SLOPE;
use crate::nn::Scope;
use crate::nn::device::{Build, Conv1d, DeviceError, Instant, Line, Step, Target};
use crate::units::Frames;

/// A residual block: pairs of convolutions, each added to what it hears.
#[derive(Debug)]
pub(super) struct Block<B> {
    pairs: Vec<Pair<B>>,
    /// Frames by which it starts later than the slowest block beside it.
    delay: Frames,
}

#[derive(Debug)]
struct Pair<B> {
    dilated: Conv1d<B>,
    plain: Conv1d<B>,
    /// Between the two.
    between: (Line, Instant),
    /// What the pair gives; the last gives what the block does.
    after: Option<Line>,
    after_at: Instant,
}

/// What a block is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    pub channels: usize,
    pub kernel: usize,
    pub dilations: &'a [usize],
}

impl Shape<'_> {
    /// Frames by which a block of this shape lags.
    pub fn lag(&self) -> Frames {
        let spans = self.dilations.iter().map(|dilation| dilation + 1);
        self.kernel / 2 * spans.sum::<usize>()
    }

    /// Frames before its newest input that the pair of a dilation looks at.
    fn sees(&self, dilation: usize) -> Frames {
        self.kernel / 2 * (2 * dilation).max(dilation + 1)
    }

    /// Frames before its newest input that a block looks at.
    pub fn history(&self) -> Frames {
        self.dilations.first().map_or(0, |first| self.sees(*first))
    }
}

impl<B> Block<B> {
    /// For frames of which there are `rate` to one of the stream, `late` of them behind it, for the
    /// slowest block and so for all that start late enough. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        shape: Shape<'_>,
        (rate, late, delay): (usize, Frames, Frames),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let Shape {
            channels,
            kernel,
            dilations,
        } = shape;
        let plain = Conv1dShape::new(channels, channels, kernel);
        let inner = kernel / 2;
        let mut late = late + delay;
        let mut pairs = Vec::with_capacity(dilations.len());
        for (n, dilation) in dilations.iter().enumerate() {
            let dilated = Conv1dShape {
                dilation: *dilation,
                ..plain
            };
            late += inner * dilation;
            let between_at = build.layout.instant(rate, late);
            late += inner;
            let after = dilations.get(n + 1).map(|next| {
                let history = shape.sees(*next);
                build.layout.line(channels, rate, history)
            });
            pairs.push(Pair {
                dilated: same(build, (dilated, rate), &weights.part("convs1").part(n))?,
                plain: same(build, (plain, rate), &weights.part("convs2").part(n))?,
                between: (build.layout.line(channels, rate, 2 * inner), between_at),
                after,
                after_at: build.layout.instant(rate, late),
            });
        }
        Ok(Self { pairs, delay })
    }

    /// What it makes of the newest frames of `x`, one behind the other in `y`: two convolutions a pair.
    pub fn run<D: Device<Buffer = B>>(
        &self,
        step: &Step<'_, D>,
        x: Line,
        frames: Frames,
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let (mut input, mut delay) = (x, self.delay);
        for pair in &self.pairs {
            let (outer, inner) = (pair.dilated.lag(), pair.plain.lag());
            let (between, between_at) = pair.between;
            let window = step.state.since(input, delay + 2 * outer)?;
            let target = Target::within(step.state.newest(between)?, between_at);
            pair.dilated.run(step, (window, frames, SLOPE), target)?;

            let heard = step.state.since(input, delay + outer + inner)?;
            let window = step.state.since(between, 2 * inner)?;
            let y = match pair.after {
                Some(after) => step.state.newest(after)?,
                None => y,
            };
            let target = Target {
                add: Some((heard, pair.plain.shape().outs)),
                ..Target::within(y, pair.after_at)
            };
            pair.plain.run(step, (window, frames, SLOPE), target)?;
            if let Some(after) = pair.after {
                input = after;
            }
            delay = 0;
        }
        Ok(())
    }
}

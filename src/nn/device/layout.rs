//! What a stream keeps, as it is planned: which signals, and at which instants. Any thread; allocates.

use autovoice_kernels::gpu;

use crate::nn::Bounds;
use crate::units::Frames;

/// Values at a multiple of which signals begin: 128 bytes, so that kernels read them in fours.
const APART: usize = 32;
/// Values of a row in which the whole of a state is cleared.
pub(super) const ROW: usize = 1024;

/// The newest frames of a signal inside a network, and as many before them as are still looked at: a
/// place in a [`State`](super::State).
#[derive(Clone, Copy, Debug)]
pub struct Line {
    at: usize,
    channels: usize,
    history: Frames,
}

impl Line {
    /// Where in the state all begins that follows the frame `back` frames before the first of the newest;
    /// none beyond the history.
    pub(super) fn since(&self, back: Frames) -> Option<usize> {
        let before = self.history.checked_sub(back)?;
        Some(self.at + before * self.channels)
    }
}

/// The instant of the newest frames of a signal, by its number.
#[derive(Clone, Copy, Debug)]
pub struct Instant(pub(super) usize);

/// An instant when the stream is at 0.
#[derive(Clone, Copy, Debug)]
struct Late {
    rate: usize,
    by: Frames,
}

/// See the module.
#[derive(Debug)]
pub struct Layout {
    most: Frames,
    lines: Vec<gpu::Line>,
    instants: Vec<Late>,
    len: usize,
}

impl Layout {
    /// For steps of at most so many frames of the stream.
    #[must_use]
    pub fn new(most: Frames) -> Self {
        Self {
            most,
            lines: Vec::new(),
            instants: Vec::new(),
            len: 0,
        }
    }

    /// Frames of the stream in a step, at most.
    #[must_use]
    pub fn most(&self) -> Frames {
        self.most
    }

    /// Room for a signal of `rate` frames to one of the stream, with `history` of its frames before the
    /// newest.
    pub fn line(&mut self, channels: usize, rate: usize, history: Frames) -> Line {
        let (at, step, kept) = (self.len, rate * channels, history * channels);
        self.lines.push(gpu::Line { at, step, kept });
        self.len = (at + kept + self.most * step).next_multiple_of(APART);
        Line {
            at,
            channels,
            history,
        }
    }

    /// The instant of a signal of `rate` frames to one of the stream, `late` of its frames behind it.
    pub fn instant(&mut self, rate: usize, late: Frames) -> Instant {
        self.instants.push(Late { rate, by: late });
        Instant(self.instants.len() - 1)
    }

    /// What it has become.
    pub(super) fn done(self) -> (Vec<gpu::Line>, usize, Instants) {
        let len = self.len.next_multiple_of(ROW).max(ROW);
        (self.lines, len, Instants(self.instants))
    }
}

/// The instants of a layout.
#[derive(Clone, Debug)]
pub(super) struct Instants(Vec<Late>);

impl Instants {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// For each the instant of its first frame, and that of the end of the signal, when the stream is at
    /// `at`.
    pub fn at(&self, at: i64, bounds: Bounds) -> impl Iterator<Item = [i64; 2]> {
        self.0.iter().map(move |late| {
            let first = at * late.rate as i64 - late.by as i64;
            [first, bounds.times(late.rate).end]
        })
    }
}

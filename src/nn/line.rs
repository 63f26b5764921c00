//! The newest frames of a signal inside a network, and as many before them as are still looked
//! at. Any thread; real-time safe after construction.

use crate::units::Frames;

/// A line of frames that moves on by the step.
#[derive(Clone, Debug)]
pub struct Line {
    channels: usize,
    history: Frames,
    /// `[history + most, channels]`
    data: Vec<f32>,
}

impl Line {
    /// For steps of at most `most` frames, with `history` frames before them. Allocates.
    #[must_use]
    pub fn new(channels: usize, history: Frames, most: Frames) -> Self {
        Self {
            channels,
            history,
            data: vec![0.0; (history + most) * channels],
        }
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.data.fill(0.0);
    }

    /// Becomes what another of the same size is. Real-time safe.
    ///
    /// # Panics
    /// If it is of another size.
    pub fn resume(&mut self, other: &Self) {
        self.data.copy_from_slice(&other.data);
    }

    /// The place of the `frames` newest frames. Real-time safe.
    pub fn newest(&mut self, frames: Frames) -> &mut [f32] {
        &mut self.data[self.history * self.channels..][..frames * self.channels]
    }

    /// All that follows the frame `back` frames before the first of the newest. Real-time safe.
    ///
    /// # Panics
    /// If that is beyond the history.
    #[must_use]
    pub fn since(&self, back: Frames) -> &[f32] {
        &self.data[(self.history - back) * self.channels..]
    }

    /// Makes the newest frames, and those before them, the history. Real-time safe.
    pub fn advance(&mut self, frames: Frames) {
        let from = frames * self.channels;
        self.data
            .copy_within(from..from + self.history * self.channels, 0);
    }
}

/// Where a signal begins and ends, in frames from its start: outside of it layers see zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first frame after the end; `i64::MAX` while there is none.
    pub end: i64,
}

impl Bounds {
    /// Begun, and without an end yet.
    pub const OPEN: Self = Self { end: i64::MAX };

    /// The same at a rate `times` as high.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self {
            end: self.end.saturating_mul(times as i64),
        }
    }

    /// Sets to 0 what lies outside: `x` is `[frames, channels]`, its first frame at `at`.
    /// Real-time safe.
    pub fn mask(self, x: &mut [f32], channels: usize, at: i64) {
        let frames = (x.len() / channels) as i64;
        let before = (-at).clamp(0, frames) as usize;
        x[..before * channels].fill(0.0);
        let inside = (self.end.saturating_sub(at)).clamp(0, frames) as usize;
        x[inside * channels..].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_remembers_its_history() {
        let mut line = Line::new(2, 3, 4);
        let mut next = 0.0;
        for frames in [4, 1, 2, 4, 3] {
            for x in line.newest(frames) {
                *x = next;
                next += 1.0;
            }
            for back in 0..=3 {
                let first = next - 2.0 * (frames + back) as f32;
                assert_eq!(line.since(back)[0], first.max(0.0), "{frames} {back}");
            }
            line.advance(frames);
        }
    }

    #[test]
    fn outside_of_its_bounds_a_signal_is_zero() {
        let bounds = Bounds { end: 3 };
        let mut x = [1.0; 12];
        bounds.mask(&mut x, 2, -2);
        assert_eq!(
            x,
            [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
        );
        let mut x = [1.0; 4];
        bounds.mask(&mut x, 2, 7);
        assert_eq!(x, [0.0; 4]);
        Bounds::OPEN.times(480).mask(&mut x, 2, 1 << 60);
        assert_eq!(bounds.times(4).end, 12);
    }
}

//! A delay line that also gives back its recent past.

use crate::units::Frames;

/// The last frames of one channel, readable by age. Real-time safe after `new`.
#[derive(Clone, Debug)]
pub struct DelayLine {
    // A power of two, so that positions wrap with a mask.
    buffer: Box<[f32]>,
    // Frames written, wrapping; only its low bits are used.
    written: usize,
}

impl DelayLine {
    /// A line that remembers at least `capacity` frames, all silent. Allocates.
    #[must_use]
    pub fn new(capacity: Frames) -> Self {
        Self {
            buffer: vec![0.0; capacity.max(1).next_power_of_two()].into_boxed_slice(),
            written: 0,
        }
    }

    /// Back to silence.
    pub fn reset(&mut self) {
        self.buffer.fill(0.0);
    }

    /// Appends frames, at most as many as the capacity asked for.
    pub fn push(&mut self, input: &[f32]) {
        debug_assert!(input.len() <= self.buffer.len());
        let mask = self.buffer.len() - 1;
        let start = self.written & mask;
        let first = input.len().min(self.buffer.len() - start);
        self.buffer[start..start + first].copy_from_slice(&input[..first]);
        self.buffer[..input.len() - first].copy_from_slice(&input[first..]);
        self.written = self.written.wrapping_add(input.len());
    }

    /// The `output.len()` frames that end `delay` frames before the newest one pushed: after
    /// pushing a block of `n`, reading `n` gives that block delayed by `delay`.
    /// `delay + output.len()` is at most the capacity.
    pub fn read(&self, delay: Frames, output: &mut [f32]) {
        let (older, newer) = self.past(delay, output.len());
        output[..older.len()].copy_from_slice(older);
        output[older.len()..].copy_from_slice(newer);
    }

    /// The same frames as [`Self::read`], in place: two slices, the older first.
    #[must_use]
    pub fn past(&self, delay: Frames, frames: Frames) -> (&[f32], &[f32]) {
        debug_assert!(delay + frames <= self.buffer.len());
        let mask = self.buffer.len() - 1;
        let start = self.written.wrapping_sub(delay + frames) & mask;
        let first = frames.min(self.buffer.len() - start);
        (
            &self.buffer[start..start + first],
            &self.buffer[..frames - first],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_by_exactly_that_many_frames_in_any_block() {
        for (delay, blocks) in [(0, [1, 2, 3]), (5, [4, 1, 7]), (13, [3, 3, 3])] {
            let mut line = DelayLine::new(delay + 8);
            let mut next = 0;
            for block in blocks.repeat(20) {
                let input: Vec<f32> = (next..next + block).map(|i| i as f32 + 1.0).collect();
                let mut output = vec![f32::NAN; block];
                line.push(&input);
                line.read(delay, &mut output);
                for (i, y) in output.iter().enumerate() {
                    let want = (next + i)
                        .checked_sub(delay)
                        .map_or(0.0, |k| k as f32 + 1.0);
                    assert_eq!(*y, want, "delay {delay} frame {}", next + i);
                }
                next += block;
            }
        }
    }

    #[test]
    fn reset_forgets() {
        let mut line = DelayLine::new(4);
        line.push(&[1.0, 2.0]);
        line.reset();
        let mut output = [f32::NAN; 4];
        line.read(0, &mut output);
        assert_eq!(output, [0.0; 4]);
    }
}

//! The recent past of one signal, addressed by absolute frame number. Audio thread: reads and
//! writes never allocate; every range asked for comes back contiguous.

use crate::units::Frames;

/// A ring that keeps the last [`History::capacity`] frames. Every frame is stored twice, so that
/// any stretch that fits is one slice.
#[derive(Clone, Debug)]
pub struct History {
    data: Vec<f32>,
    mask: usize,
    written: i64,
}

impl History {
    /// A history of at least this many frames of silence. Allocates.
    #[must_use]
    pub fn new(frames: Frames) -> Self {
        let size = frames.max(2).next_power_of_two();
        Self {
            data: vec![0.0; 2 * size],
            mask: size - 1,
            written: 0,
        }
    }

    /// Frames kept.
    #[must_use]
    pub fn capacity(&self) -> Frames {
        self.mask + 1
    }

    /// Frames written since the last reset: the number of the next frame.
    #[must_use]
    pub fn written(&self) -> i64 {
        self.written
    }

    /// Forgets everything; frame numbers start at 0 again. Real-time safe.
    pub fn reset(&mut self) {
        self.data.fill(0.0);
        self.written = 0;
    }

    /// Appends one frame. Real-time safe.
    pub fn push(&mut self, sample: f32) {
        let slot = self.slot(self.written);
        let size = self.capacity();
        self.data[slot] = sample;
        self.data[slot + size] = sample;
        self.written += 1;
    }

    /// Appends frames, at most as many as are kept. Real-time safe.
    pub fn extend(&mut self, frames: &[f32]) {
        let size = self.capacity();
        debug_assert!(frames.len() <= size);
        let slot = self.slot(self.written);
        let first = frames.len().min(size - slot);
        let (before, after) = frames.split_at(first);
        for copy in [0, size] {
            self.data[copy + slot..][..first].copy_from_slice(before);
            self.data[copy..][..after.len()].copy_from_slice(after);
        }
        self.written += frames.len() as i64;
    }

    /// The `length` frames that end `delay` frames before the newest one: after a block of `n`
    /// frames came in, the past of `n` is that block delayed. Real-time safe.
    #[must_use]
    pub fn past(&self, delay: Frames, length: Frames) -> &[f32] {
        self.range(self.written - (delay + length) as i64, length)
    }

    /// The frames `start..start + length`. Frames before 0 are silence. The caller asks only for
    /// what is kept: later frames than those written, or longer ago than the capacity, come back
    /// as other frames. Real-time safe.
    #[must_use]
    pub fn range(&self, start: i64, length: Frames) -> &[f32] {
        debug_assert!(
            self.written - start <= self.capacity() as i64,
            "frame {start} is forgotten at {}",
            self.written
        );
        debug_assert!(
            start + length as i64 <= self.written,
            "frames in the future"
        );
        let slot = self.slot(start);
        &self.data[slot..slot + length.min(self.capacity())]
    }

    /// One frame. Real-time safe.
    #[must_use]
    pub fn at(&self, frame: i64) -> f32 {
        self.data[self.slot(frame)]
    }

    fn slot(&self, frame: i64) -> usize {
        // Two's complement keeps the low bits of negative frame numbers in order, too.
        (frame as usize) & self.mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_contiguous_over_every_seam() {
        let mut history = History::new(8);
        assert_eq!(history.capacity(), 8);
        for frame in 0..100i64 {
            assert_eq!(history.written(), frame);
            history.push(frame as f32);
            for length in 1..=8i64 {
                let start = frame + 1 - length;
                let expected: Vec<f32> = (start..=frame).map(|f| f.max(0) as f32).collect();
                assert_eq!(history.range(start, length as usize), expected);
            }
        }
        history.reset();
        assert_eq!(history.at(-1), 0.0);
        assert_eq!(history.written(), 0);
    }

    #[test]
    fn the_past_is_the_input_delayed_by_exactly_that_many_frames_in_any_blocks() {
        for (delay, blocks) in [(0, [1, 2, 3]), (5, [4, 1, 7]), (13, [3, 3, 3])] {
            let mut history = History::new(delay + 8);
            let mut next = 0;
            for block in blocks.repeat(20) {
                let input: Vec<f32> = (next..next + block).map(|i| i as f32 + 1.0).collect();
                history.extend(&input);
                for (i, y) in history.past(delay, block).iter().enumerate() {
                    let want = (next + i)
                        .checked_sub(delay)
                        .map_or(0.0, |k| k as f32 + 1.0);
                    assert_eq!(*y, want, "delay {delay} frame {}", next + i);
                }
                next += block;
            }
        }
    }
}

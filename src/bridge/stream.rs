//! A ring of audio in which every packet says which instant it belongs to. One thread sends, one
//! receives; neither waits. Real-time safe at both ends after [`stream`].
//!
//! Stamps are what keeps the bridge aligned: a receiver never has to count how much was lost or
//! came late, it reads it off the next packet.

use crate::engine::MAX_CHANNELS;
use crate::units::Frames;

/// Precedes its samples. Written after them, so that a receiver that sees it may read them.
#[derive(Clone, Copy, Debug)]
struct Header {
    time: u64,
    frames: Frames,
}

/// The sending end.
pub struct Sender {
    headers: rtrb::Producer<Header>,
    samples: rtrb::Producer<f32>,
    channels: usize,
}

/// The receiving end.
pub struct Receiver {
    headers: rtrb::Consumer<Header>,
    samples: rtrb::Consumer<f32>,
    channels: usize,
    /// What is left of the packet being read.
    current: Option<Header>,
}

/// A ring that holds `capacity` frames in packets of any size. Full, it refuses: see
/// [`Sender::send`]. Allocates.
pub fn stream(channels: usize, capacity: Frames) -> (Sender, Receiver) {
    let (header_in, header_out) = rtrb::RingBuffer::new(capacity);
    let (sample_in, sample_out) = rtrb::RingBuffer::new(capacity * channels);
    let sender = Sender {
        headers: header_in,
        samples: sample_in,
        channels,
    };
    let receiver = Receiver {
        headers: header_out,
        samples: sample_out,
        channels,
        current: None,
    };
    (sender, receiver)
}

impl Sender {
    /// Frames that can be sent now.
    pub fn free(&self) -> Frames {
        match self.headers.slots() {
            0 => 0,
            _ => self.samples.slots() / self.channels,
        }
    }

    /// Sends frames of the instant `time` and later, one slice per channel, or nothing at all
    /// (`false`) when they do not fit.
    pub fn send(&mut self, time: u64, audio: &[&[f32]]) -> bool {
        debug_assert_eq!(audio.len(), self.channels);
        let frames = audio.first().map_or(0, |channel| channel.len());
        if frames == 0 {
            return true;
        }
        if self.free() < frames {
            return false;
        }
        let Ok(chunk) = self.samples.write_chunk_uninit(frames * self.channels) else {
            return false;
        };
        let interleaved = (0..frames).flat_map(|i| audio.iter().map(move |channel| channel[i]));
        chunk.fill_from_iter(interleaved);
        // There was a slot above, and only this end fills them.
        self.headers.push(Header { time, frames }).is_ok()
    }
}

impl Receiver {
    /// Instant and length of what comes next; `None` when nothing has arrived.
    pub fn peek(&mut self) -> Option<(u64, Frames)> {
        if self.current.is_none() {
            self.current = self.headers.pop().ok();
        }
        self.current.map(|header| (header.time, header.frames))
    }

    /// Drops frames of the packet last peeked, at most as many as it holds.
    pub fn skip(&mut self, frames: Frames) {
        self.take(frames, |_, _, _| {});
    }

    /// Moves frames of the packet last peeked into `output`, from frame `at` on, at most as many
    /// as it holds.
    pub fn read(&mut self, frames: Frames, output: &mut [&mut [f32]], at: Frames) {
        self.take(frames, |channel, frame, sample| {
            output[channel][at + frame] = sample;
        });
    }

    fn take(&mut self, frames: Frames, mut put: impl FnMut(usize, Frames, f32)) {
        let Some(header) = &mut self.current else {
            return;
        };
        let frames = frames.min(header.frames);
        let Ok(chunk) = self.samples.read_chunk(frames * self.channels) else {
            return;
        };
        let (first, second) = chunk.as_slices();
        for (index, sample) in first.iter().chain(second).enumerate() {
            put(index % self.channels, index / self.channels, *sample);
        }
        chunk.commit_all();
        header.time += frames as u64;
        header.frames -= frames;
        if header.frames == 0 {
            self.current = None;
        }
    }
}

/// `channels` slices of the first frames of `buffers`, on the stack.
pub fn slices(buffers: &[Vec<f32>; MAX_CHANNELS], frames: Frames) -> [&[f32]; MAX_CHANNELS] {
    std::array::from_fn(|channel| buffers[channel].get(..frames).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_keep_their_instants_and_samples() {
        let (mut sender, mut receiver) = stream(2, 8);
        assert_eq!(receiver.peek(), None);
        assert!(sender.send(100, &[&[1.0, 2.0, 3.0], &[-1.0, -2.0, -3.0]]));
        assert!(sender.send(200, &[&[4.0], &[-4.0]]));
        assert_eq!(receiver.peek(), Some((100, 3)));
        receiver.skip(1);
        assert_eq!(receiver.peek(), Some((101, 2)));
        let (mut left, mut right) = ([0.0; 3], [0.0; 3]);
        receiver.read(2, &mut [&mut left, &mut right], 1);
        assert_eq!((left, right), ([0.0, 2.0, 3.0], [0.0, -2.0, -3.0]));
        assert_eq!(receiver.peek(), Some((200, 1)));
        receiver.skip(9);
        assert_eq!(receiver.peek(), None);
    }

    #[test]
    fn a_full_ring_refuses_whole_packets() {
        let (mut sender, mut receiver) = stream(1, 4);
        assert!(sender.send(0, &[&[1.0; 3]]));
        assert_eq!(sender.free(), 1);
        assert!(!sender.send(3, &[&[1.0; 2]]));
        assert!(sender.send(3, &[&[1.0]]));
        receiver.peek();
        receiver.skip(3);
        assert!(sender.send(9, &[&[1.0; 3]]));
    }
}

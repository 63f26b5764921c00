//! Bytes, and which of them were ever written.

/// Bytes with a shadow of one bit each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bytes {
    data: Vec<u8>,
    written: Vec<u64>,
}

impl Bytes {
    /// Bytes that hold nothing yet.
    pub(crate) fn unwritten(bytes: usize) -> Self {
        Self {
            // What is read by mistake should not look like a value.
            data: vec![0xcd; bytes],
            written: vec![0; bytes.div_ceil(64)],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }

    /// The value of up to 8 bytes, in one 64-byte row; `None` where one of them was never
    /// written.
    #[inline]
    pub(crate) fn read(&self, at: usize, bytes: usize) -> Option<u64> {
        let needed = ones(bytes) << (at % 64);
        if self.written[at / 64] & needed != needed {
            return None;
        }
        Some(match bytes {
            4 => u64::from(u32::from_le_bytes(self.part(at))),
            8 => u64::from_le_bytes(self.part(at)),
            2 => u64::from(u16::from_le_bytes(self.part(at))),
            _ => u64::from(self.data[at]),
        })
    }

    fn part<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut part = [0; N];
        part.copy_from_slice(&self.data[at..at + N]);
        part
    }

    /// Writes up to 8 bytes, in one 64-byte row.
    #[inline]
    pub(crate) fn write(&mut self, at: usize, bytes: usize, value: u64) {
        self.written[at / 64] |= ones(bytes) << (at % 64);
        let value = value.to_le_bytes();
        match bytes {
            4 => self.data[at..at + 4].copy_from_slice(&value[..4]),
            8 => self.data[at..at + 8].copy_from_slice(&value),
            bytes => self.data[at..at + bytes].copy_from_slice(&value[..bytes]),
        }
    }

    /// The first of some bytes that was never written.
    pub(crate) fn first_unwritten(&self, at: usize, bytes: usize) -> Option<usize> {
        (at..at + bytes).find(|&at| self.written[at / 64] >> (at % 64) & 1 == 0)
    }

    pub(crate) fn slice(&self, at: usize, bytes: usize) -> &[u8] {
        &self.data[at..at + bytes]
    }

    pub(crate) fn write_slice(&mut self, at: usize, from: &[u8]) {
        self.data[at..at + from.len()].copy_from_slice(from);
        self.mark(at, from.len(), true);
    }

    /// Copies within, with what was never written.
    pub(crate) fn copy_within(&mut self, from: usize, to: usize, bytes: usize) {
        for place in 0..bytes {
            self.data[to + place] = self.data[from + place];
            let is_written = self.first_unwritten(from + place, 1).is_none();
            self.mark(to + place, 1, is_written);
        }
    }

    /// Says of bytes that they were written, or never.
    pub(crate) fn mark(&mut self, at: usize, bytes: usize, is_written: bool) {
        let (mut at, end) = (at, at + bytes);
        while at < end {
            let count = (64 - at % 64).min(end - at);
            let mask = ones(count) << (at % 64);
            if is_written {
                self.written[at / 64] |= mask;
            } else {
                self.written[at / 64] &= !mask;
            }
            at += count;
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.written.fill(0);
    }
}

/// So many ones, up to 64.
fn ones(count: usize) -> u64 {
    if count < 64 {
        (1 << count) - 1
    } else {
        u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_written_cannot_be_read() {
        let mut bytes = Bytes::unwritten(130);
        assert_eq!(bytes.read(4, 4), None);
        bytes.write(4, 4, 0x0102_0304);
        assert_eq!(bytes.read(4, 4), Some(0x0102_0304));
        assert_eq!(bytes.read(6, 2), Some(0x0102));
        assert_eq!(bytes.read(0, 8), None);
        bytes.write(3, 1, 9);
        assert_eq!(bytes.first_unwritten(3, 7), Some(8));
        bytes.write_slice(50, &[7; 80]);
        assert_eq!(bytes.read(120, 8), Some(0x0707_0707_0707_0707));
        assert_eq!(bytes.first_unwritten(50, 80), None);
        bytes.mark(60, 10, false);
        assert_eq!(bytes.first_unwritten(50, 80), Some(60));
        bytes.copy_within(56, 0, 8);
        assert_eq!(bytes.first_unwritten(0, 8), Some(4));
        bytes.clear();
        assert_eq!(bytes.read(4, 1), None);
    }
}

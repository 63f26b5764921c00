//! Where variables of shared and local memory lie: far apart, so that an access beyond one meets
//! nothing.

/// Bits of an address within a variable, shared memory: twice the largest that there is.
pub(crate) const SHARED_SHIFT: u32 = 19;
/// The same of local memory.
pub(crate) const LOCAL_SHIFT: u32 = 20;

/// A variable and its place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub name: String,
    /// Its address in its state space.
    pub start: u64,
    pub bytes: u64,
    /// Where it lies in the bytes that hold all of them.
    pub flat: usize,
}

/// The variables of one state space. The number of a variable is in the upper bits of an address.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    shift: u32,
    places: Vec<Place>,
    flat_bytes: usize,
}

/// Why an access is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stray {
    Misaligned,
    /// Not in any variable. With the number of the one whose guard distance it is in.
    Outside(Option<usize>),
}

impl Layout {
    pub(crate) fn new(shift: u32) -> Self {
        Self {
            shift,
            places: Vec::new(),
            flat_bytes: 0,
        }
    }

    /// Adds a variable and returns its number. It is aligned as it says and no better, so that
    /// wider accesses than it allows for are found. `None` where there are too many, or it is too
    /// large.
    pub(crate) fn add(&mut self, name: &str, bytes: u64, align: u64) -> Option<u32> {
        let number = self.places.len() as u64 + 1;
        let reach = 1 << self.shift;
        if number >= 1 << (32 - self.shift) || bytes + 2 * align > reach / 2 {
            return None;
        }
        let start = (number << self.shift) + align;
        // As far from a multiple of 16 as its address is: words of the shadow are crossed nowhere.
        let flat = self.flat_bytes.next_multiple_of(16) + (start % 16) as usize;
        self.places.push(Place {
            name: name.to_owned(),
            start,
            bytes,
            flat,
        });
        self.flat_bytes = flat + bytes as usize;
        Some(self.places.len() as u32 - 1)
    }

    /// Gives the last variable its size. It must be the last.
    pub(crate) fn set_last_bytes(&mut self, bytes: u64) {
        if let Some(last) = self.places.last_mut() {
            self.flat_bytes = last.flat + bytes as usize;
            last.bytes = bytes;
        }
    }

    pub(crate) fn place(&self, index: usize) -> &Place {
        &self.places[index]
    }

    /// The variable that holds a byte of those that hold all.
    pub(crate) fn holding(&self, flat: usize) -> &Place {
        let after = self.places.partition_point(|place| place.flat <= flat);
        &self.places[after.saturating_sub(1)]
    }

    /// Bytes that hold all variables, the gaps between them too.
    pub(crate) fn flat_bytes(&self) -> usize {
        self.flat_bytes
    }

    /// Bytes of the variables alone.
    pub(crate) fn bytes(&self) -> u64 {
        self.places.iter().map(|place| place.bytes).sum()
    }

    /// Where `bytes` at an address lie in the bytes that hold all variables.
    #[inline]
    pub(crate) fn locate(&self, address: u64, bytes: u64) -> Result<usize, Stray> {
        let number = (address >> self.shift) as usize;
        let place = number
            .checked_sub(1)
            .and_then(|index| self.places.get(index));
        let Some(place) = place else {
            return Err(Stray::Outside(None));
        };
        let offset = address.wrapping_sub(place.start);
        if offset >= place.bytes || place.bytes - offset < bytes {
            return Err(Stray::Outside(Some(number - 1)));
        }
        if address & (bytes - 1) != 0 {
            return Err(Stray::Misaligned);
        }
        Ok(place.flat + offset as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_is_in_one_variable_or_in_none() {
        let mut layout = Layout::new(SHARED_SHIFT);
        layout.add("a", 8, 4).unwrap();
        layout.add("b", 16, 8).unwrap();
        let (a, b) = (layout.place(0).start, layout.place(1).start);
        let table = [
            (a, 4, Ok(4)),
            (a + 4, 4, Ok(8)),
            (a + 2, 4, Err(Stray::Misaligned)),
            // No better aligned than it says.
            (a, 8, Err(Stray::Misaligned)),
            (a + 8, 4, Err(Stray::Outside(Some(0)))),
            (a - 4, 4, Err(Stray::Outside(Some(0)))),
            (b, 8, Ok(24)),
            (b + 8, 16, Err(Stray::Outside(Some(1)))),
            (0, 4, Err(Stray::Outside(None))),
            (u64::MAX, 1, Err(Stray::Outside(None))),
            (b + (1 << SHARED_SHIFT), 4, Err(Stray::Outside(None))),
        ];
        for (address, bytes, expected) in table {
            assert_eq!(layout.locate(address, bytes), expected, "{address:#x}");
        }
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let mut layout = Layout::new(SHARED_SHIFT);
        assert_eq!(layout.add("a", 1 << SHARED_SHIFT, 4), None);
        assert_eq!(layout.add("a", 232_448, 16), Some(0));
    }
}

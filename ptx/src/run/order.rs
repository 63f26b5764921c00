//! In which order blocks and threads are run.

/// Which comes first. Nothing that a kernel computes may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The first one.
    Forward,
    /// The last one.
    Backward,
    /// Any, anew each time around, by this seed.
    Shuffled(u64),
}

/// The order of so many, anew each time around.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    order: Order,
    places: Vec<usize>,
    state: u64,
}

impl Sequence {
    pub(super) fn new(order: Order, count: usize) -> Self {
        let mut places: Vec<usize> = (0..count).collect();
        if order == Order::Backward {
            places.reverse();
        }
        let state = match order {
            Order::Shuffled(seed) => seed,
            _ => 0,
        };
        Self {
            order,
            places,
            state,
        }
    }

    /// The order of the next time around.
    pub(super) fn next(&mut self) -> &[usize] {
        if let Order::Shuffled(_) = self.order {
            for last in (1..self.places.len()).rev() {
                let place = self.random() % (last as u64 + 1);
                self.places.swap(last, place as usize);
            }
        }
        &self.places
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_comes_once_each_time_around() {
        for order in [Order::Forward, Order::Backward, Order::Shuffled(3)] {
            let mut sequence = Sequence::new(order, 50);
            for _ in 0..3 {
                let mut places = sequence.next().to_vec();
                places.sort_unstable();
                assert_eq!(places, (0..50).collect::<Vec<_>>());
            }
        }
        let mut sequence = Sequence::new(Order::Shuffled(3), 50);
        let first = sequence.next().to_vec();
        assert_ne!(first, sequence.next());
    }
}

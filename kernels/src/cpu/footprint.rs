//! What packed weights take of memory.

use std::iter::Sum;
use std::ops::Add;

/// Bytes of weights by their precision in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Of single precision.
    pub full: usize,
    /// Of half precision.
    pub half: usize,
}

impl Add for Footprint {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            full: self.full + other.full,
            half: self.half + other.half,
        }
    }
}

impl Sum for Footprint {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}

//! Numbers of half precision, IEEE 754 binary16, by their bits.

/// The nearest number of half precision, ties to even; infinite from 65,520 on.
pub(super) fn nearest(x: f32) -> u16 {
    let sign = (x.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = x.abs();
    if magnitude.is_nan() {
        return sign | 0x7e00;
    }
    // Below the smallest normal number, places are as far apart as there; adding 2^23 of them rounds
    // to a whole number of them, left in the lowest bits.
    if magnitude < f32::from_bits(113 << 23) {
        let round = f32::from_bits((127 - 24 + 23) << 23);
        return sign | (magnitude + round).to_bits() as u16;
    }
    let bits = magnitude.to_bits();
    // Half of what is dropped, less one unless the last bit kept is odd.
    let rounded = bits + 0xfff + (bits >> 13 & 1);
    let moved = (rounded - (112 << 23)) >> 13;
    sign | moved.min(0x7c00) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition.
    fn value(half: u16) -> f64 {
        let exponent = i32::from(half >> 10 & 31);
        let fraction = f64::from(half & 0x3ff) / 1024.0;
        let magnitude = match exponent {
            0 => fraction * 2f64.powi(-14),
            _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
        };
        if half < 0x8000 { magnitude } else { -magnitude }
    }

    #[test]
    fn every_number_of_half_precision_stays() {
        for half in (0..0x7c00).chain(0x8000..0xfc00) {
            assert_eq!(nearest(value(half) as f32), half, "{half:#x}");
        }
    }

    #[test]
    fn what_lies_between_goes_to_the_nearer_and_ties_to_the_even_one() {
        for half in 0..0x7bffu16 {
            let (low, high) = (value(half), value(half + 1));
            let middle = (low + high) / 2.0;
            let even = half + (half & 1);
            assert_eq!(nearest(middle as f32), even, "{middle}");
            let (below, above) = ((middle as f32).next_down(), (middle as f32).next_up());
            assert_eq!(nearest(below), half, "{below}");
            assert_eq!(nearest(above), half + 1, "{above}");
        }
    }

    #[test]
    fn ends_are_infinite_and_what_is_no_number_stays_none() {
        assert_eq!(nearest(65_519.996), 0x7bff);
        for x in [65_520.0, 1e9, f32::INFINITY, f32::MAX] {
            assert_eq!(nearest(x), 0x7c00);
            assert_eq!(nearest(-x), 0xfc00);
        }
        assert_eq!(nearest(f32::NAN) & 0x7e00, 0x7e00);
    }
}

//! Numbers of half precision, IEEE 754 binary16, by their bits.

/// The value. Exact.
#[inline(always)]
pub(super) fn to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let rest = u32::from(half & 0x7fff) << 13;
    // The exponent moved from a bias of 15 to one of 127, by a product that is exact and leaves
    // subnormal numbers right.
    let value = f32::from_bits(rest) * f32::from_bits((254 - 15) << 23);
    // Infinity and what is no number.
    let value = match half & 0x7c00 {
        0x7c00 => f32::from_bits(rest | 0x7f80_0000),
        _ => value,
    };
    f32::from_bits(value.to_bits() | sign)
}

/// The number of half precision with exactly this value, if there is one.
pub(super) fn exactly(x: f32) -> Option<u16> {
    let bits = x.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = f32::from_bits(bits & 0x7fff_ffff);
    // To a bias of 15: exact, or below what is kept.
    let moved = magnitude * f32::from_bits(15 << 23);
    let half = (moved.to_bits() >> 13) as u16;
    let found = sign | half;
    (half < 0x7c00 && to_f32(found).to_bits() == bits).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_half_precision_comes_back() {
        for half in 0..=u16::MAX {
            let exponent = i32::from(half >> 10 & 31);
            let fraction = f64::from(half & 0x3ff) / 1024.0;
            let magnitude = match exponent {
                0 => fraction * 2f64.powi(-14),
                31 if half & 0x3ff == 0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
            };
            let want = if half < 0x8000 { magnitude } else { -magnitude };
            let got = to_f32(half);
            assert!(
                f64::from(got) == want || want.is_nan() && got.is_nan(),
                "{half:#x}: {got}"
            );
            if want.is_finite() {
                assert_eq!(exactly(got), Some(half), "{got}");
            }
        }
        for x in [
            0.1,
            65_520.0,
            1e-9,
            f32::INFINITY,
            f32::NAN,
            1.0 + f32::EPSILON,
        ] {
            assert_eq!(exactly(x), None, "{x}");
        }
    }
}

//! Rounding of exact values: what a sum or a product of single precision is, is known exactly as
//! two numbers of double precision, and is rounded once.

/// Where a value goes that cannot be represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// The nearest; of two, the even one.
    Nearest,
    Zero,
    Down,
    Up,
    /// The nearest; of two, the one farther from zero.
    NearestAway,
}

/// A binary format with infinities and subnormal numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub exponent_bits: u32,
    pub mantissa_bits: u32,
}

pub(crate) const HALF: Format = Format {
    exponent_bits: 5,
    mantissa_bits: 10,
};
pub(crate) const BRAIN: Format = Format {
    exponent_bits: 8,
    mantissa_bits: 7,
};
pub(crate) const TENSOR: Format = Format {
    exponent_bits: 8,
    mantissa_bits: 10,
};
pub(crate) const SINGLE: Format = Format {
    exponent_bits: 8,
    mantissa_bits: 23,
};

/// A value that is no number, of single precision, as the hardware writes it.
pub(crate) const NAN_32: u32 = 0x7fff_ffff;

/// The bits of `value` in a narrower format. What is no number gets all bits but the sign.
pub(crate) fn narrow(value: f64, format: Format, rounding: Rounding) -> u32 {
    let Format {
        exponent_bits,
        mantissa_bits,
    } = format;
    let infinity = ((1_u32 << exponent_bits) - 1) << mantissa_bits;
    let sign_bit = 1_u32 << (exponent_bits + mantissa_bits);
    if value.is_nan() {
        return sign_bit - 1;
    }
    let is_negative = value.is_sign_negative();
    let sign = if is_negative { sign_bit } else { 0 };
    if value.is_infinite() {
        return sign | infinity;
    }
    let bits = value.to_bits();
    let field = ((bits >> 52) & 0x7ff) as i32;
    if field == 0 {
        // Zero, or far below what any of these formats holds.
        let is_kept = value == 0.0 || !rounds_away(rounding, is_negative);
        return sign | u32::from(!is_kept);
    }
    let significand = (bits & ((1 << 52) - 1)) | 1 << 52;
    let least = 2 - (1 << (exponent_bits - 1));
    let exponent = (field - 1023).max(least);
    // Bits that are lost: 52 - mantissa_bits, and more below the normal numbers.
    let lost = (exponent - (field - 1023)) as u32 + 52 - mantissa_bits;
    let (kept, rest, half) = if lost > 54 {
        (0, 1, 2)
    } else {
        let rest = significand & ((1 << lost) - 1);
        (significand >> lost, rest, 1 << (lost - 1))
    };
    let is_up = match rounding {
        Rounding::Nearest => rest > half || (rest == half && kept & 1 == 1),
        Rounding::NearestAway => rest >= half,
        _ => rest != 0 && rounds_away(rounding, is_negative),
    };
    let kept = kept + u64::from(is_up);
    let biased = (exponent - least) as u64;
    let found = (biased << mantissa_bits) + kept;
    if found < u64::from(infinity) {
        return sign | found as u32;
    }
    let is_infinite = matches!(rounding, Rounding::Nearest | Rounding::NearestAway)
        || rounds_away(rounding, is_negative);
    sign | if is_infinite { infinity } else { infinity - 1 }
}

/// Whether a directed rounding goes away from zero.
fn rounds_away(rounding: Rounding, is_negative: bool) -> bool {
    match rounding {
        Rounding::Down => is_negative,
        Rounding::Up => !is_negative,
        _ => false,
    }
}

/// The value of bits of a narrower format.
pub(crate) fn widen(bits: u32, format: Format) -> f64 {
    let Format {
        exponent_bits,
        mantissa_bits,
    } = format;
    let fraction = f64::from(bits & ((1 << mantissa_bits) - 1));
    let field = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    let bias = (1 << (exponent_bits - 1)) - 1;
    let magnitude = if field == (1 << exponent_bits) - 1 {
        if fraction == 0.0 {
            f64::INFINITY
        } else {
            f64::NAN
        }
    } else if field == 0 {
        fraction * power_of_two(1 - bias - mantissa_bits as i32)
    } else {
        let significand = fraction + f64::from(1_u32 << mantissa_bits);
        significand * power_of_two(field as i32 - bias - mantissa_bits as i32)
    };
    if bits >> (exponent_bits + mantissa_bits) & 1 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

/// 2 to a power from -1022 to 1023.
fn power_of_two(power: i32) -> f64 {
    f64::from_bits(((power + 1023) as u64) << 52)
}

/// `a + b` as its nearest value and exactly what is missing (Knuth, 1969).
pub(crate) fn exact_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let second = sum - a;
    let rest = (a - (sum - second)) + (b - second);
    (sum, if sum.is_finite() { rest } else { 0.0 })
}

/// `sum + rest` with the last bit set where anything is missing: rounded once more to a format of
/// at most 50 bits it gives what the exact value would (Boldo and Melquiond, 2008).
pub(crate) fn to_odd(sum: f64, rest: f64) -> f64 {
    if rest == 0.0 || sum.to_bits() & 1 == 1 {
        return sum;
    }
    let is_away = (rest > 0.0) == (sum > 0.0);
    let bits = sum.to_bits();
    f64::from_bits(if is_away { bits + 1 } else { bits - 1 })
}

/// A whole number as one of double precision, odd where bits are lost, as in [`to_odd`].
pub(crate) fn whole_to_odd(value: i128) -> f64 {
    let magnitude = value.unsigned_abs() as u64;
    let float = if magnitude < 1 << 53 {
        magnitude as f64
    } else {
        let lost = magnitude & 0x7ff;
        // 53 bits, and the rest of them in the last.
        ((magnitude >> 11 | u64::from(lost != 0)) as f64) * 2048.0
    };
    if value < 0 { -float } else { float }
}

/// To a whole number.
pub(crate) fn whole(value: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Nearest => value.round_ties_even(),
        Rounding::Zero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
        Rounding::NearestAway => value.round(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The neighbours of a value in single precision, found by the standard library.
    fn directed(value: f64, rounding: Rounding) -> f32 {
        let nearest = value as f32;
        let found = f64::from(nearest);
        match rounding {
            Rounding::Down if found > value => nearest.next_down(),
            Rounding::Up if found < value => nearest.next_up(),
            Rounding::Zero if found.abs() > value.abs() && value > 0.0 => nearest.next_down(),
            Rounding::Zero if found.abs() > value.abs() => nearest.next_up(),
            _ => nearest,
        }
    }

    #[test]
    fn single_precision_is_the_standard_librarys() {
        let mut state = 1_u64;
        for _ in 0..200_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Exponents near those of single precision and its ends.
            let exponent = 1023 - 160 + (state >> 33) % 320;
            let value = f64::from_bits(state << 63 | exponent << 52 | (state >> 12));
            for rounding in [
                Rounding::Nearest,
                Rounding::Zero,
                Rounding::Down,
                Rounding::Up,
            ] {
                let expected = directed(value, rounding).to_bits();
                let found = narrow(value, SINGLE, rounding);
                assert_eq!(found, expected, "{value:e} {rounding:?}");
            }
        }
    }

    #[test]
    fn every_value_of_16_bits_comes_back() {
        for format in [HALF, BRAIN] {
            for bits in 0..=0xffff_u32 {
                let value = widen(bits, format);
                if value.is_nan() {
                    continue;
                }
                for rounding in [Rounding::Nearest, Rounding::Zero, Rounding::Up] {
                    assert_eq!(narrow(value, format, rounding), bits);
                }
            }
        }
    }

    #[test]
    fn between_two_halves_each_rounding_has_its_own() {
        for bits in 0..0x7bff_u32 {
            let (low, high) = (widen(bits, HALF), widen(bits + 1, HALF));
            let middle = (low + high) / 2.0;
            let even = if bits & 1 == 0 { bits } else { bits + 1 };
            let table = [
                (middle, Rounding::Nearest, even),
                (middle, Rounding::NearestAway, bits + 1),
                (middle, Rounding::Zero, bits),
                (middle, Rounding::Down, bits),
                (middle, Rounding::Up, bits + 1),
                (middle.next_up(), Rounding::Nearest, bits + 1),
                (middle.next_down(), Rounding::Nearest, bits),
                (low.next_up(), Rounding::Up, bits + 1),
                (high.next_down(), Rounding::Down, bits),
            ];
            for (value, rounding, expected) in table {
                assert_eq!(narrow(value, HALF, rounding), expected, "{value:e}");
                let flipped = match rounding {
                    Rounding::Down => Rounding::Up,
                    Rounding::Up => Rounding::Down,
                    other => other,
                };
                assert_eq!(narrow(-value, HALF, flipped), expected | 0x8000);
            }
        }
    }

    #[test]
    fn beyond_the_largest_half_is_infinity_or_the_largest() {
        let table = [
            (65519.0, Rounding::Nearest, 0x7bff),
            (65520.0, Rounding::Nearest, 0x7c00),
            (1e9, Rounding::Zero, 0x7bff),
            (1e9, Rounding::Down, 0x7bff),
            (1e9, Rounding::Up, 0x7c00),
            (-1e9, Rounding::Down, 0xfc00),
            (-1e9, Rounding::Up, 0xfbff),
            (1e-300, Rounding::Up, 0x0001),
            (1e-310, Rounding::Up, 0x0001),
            (-1e-310, Rounding::Up, 0x8000),
        ];
        for (value, rounding, expected) in table {
            assert_eq!(
                narrow(value, HALF, rounding),
                expected,
                "{value} {rounding:?}"
            );
        }
    }

    #[test]
    fn whole_numbers_are_rounded_once() {
        let table: [(i128, u32); 4] = [
            // One above the middle of two neighbours in single precision.
            ((1 << 63) + (1 << 39) + 1, 0x5f00_0001),
            ((1 << 63) + (1 << 39), 0x5f00_0000),
            (-(1 << 62) - (1 << 38) - 1, 0xde80_0001),
            (16_777_217, 0x4b80_0000),
        ];
        for (value, expected) in table {
            let found = narrow(whole_to_odd(value), SINGLE, Rounding::Nearest);
            assert_eq!(found, expected, "{value}");
        }
    }
}

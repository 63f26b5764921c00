//! Floats to integers. No dither: the result is rounded to the nearest step (ties to even,
//! as IEEE 754 does), so that a file that passes through unchanged stays unchanged bit for bit.

/// The nearest integer of `bits` bits, 2..=24, to a sample of full scale 1, and whether it had to
/// be clipped to fit. The sample must be finite.
pub(super) fn quantize(sample: f32, bits: u16) -> (i32, bool) {
    let full_scale = (1i32 << (bits - 1)) as f32;
    // A power of two scales an f32 without rounding, and full scale itself fits its mantissa.
    let scaled = (sample * full_scale).round_ties_even();
    let clipped = scaled.clamp(-full_scale, full_scale - 1.0);
    (clipped as i32, clipped != scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_round_and_clip() {
        for (sample, bits, expected) in [
            (0.0, 16, (0, false)),
            (-0.0, 16, (0, false)),
            (1.0, 16, (32_767, true)),
            (-1.0, 16, (-32_768, false)),
            (0.999_969_5, 16, (32_767, false)),
            (-1.000_1, 16, (-32_768, true)),
            (0.5, 24, (4_194_304, false)),
            (1e30, 24, (8_388_607, true)),
            (-1e30, 24, (-8_388_608, true)),
            (1.4 / 32_768.0, 16, (1, false)),
            (1.6 / 32_768.0, 16, (2, false)),
            (2.5 / 32_768.0, 16, (2, false)),
            (-3.5 / 32_768.0, 16, (-4, false)),
        ] {
            assert_eq!(quantize(sample, bits), expected, "{sample} at {bits}");
        }
    }

    #[test]
    fn every_16_bit_step_and_many_24_bit_steps_survive() {
        for step in -32_768i32..=32_767 {
            assert_eq!(quantize(step as f32 / 32_768.0, 16), (step, false));
        }
        for step in (-8_388_608i32..=8_388_607).step_by(97) {
            assert_eq!(quantize(step as f32 / 8_388_608.0, 24), (step, false));
        }
    }
}

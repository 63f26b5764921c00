//! The frequencies at which a voice's spectrum is given, and what it is between them. Any thread;
//! real-time safe.
//!
//! Points are equally spaced in mel, on the scale of HTK, `2595 log10(1 + f / 700)`, from 0 to
//! [`HIGHEST_HZ`]; between two of them a value is on the straight line in mel.

/// Points.
pub const BANDS: usize = 96;
/// The last of them, in Hz.
pub const HIGHEST_HZ: f32 = 24_000.0;

/// `ln(1 + 24000 / 700)`: the mel of the last point but for a factor.
const HIGHEST_LN: f32 = 3.563_478_2;
const BREAK_HZ: f32 = 700.0;

/// The place on the grid of a frequency; whole numbers are points. Beyond the ends it is the ends.
#[must_use]
pub fn place(hz: f32) -> f32 {
    let last = (BANDS - 1) as f32;
    (last / HIGHEST_LN * (hz.max(0.0) / BREAK_HZ).ln_1p()).min(last)
}

/// The frequency in Hz of a place on the grid.
#[must_use]
pub fn hz(place: f32) -> f32 {
    BREAK_HZ * (place * (HIGHEST_LN / (BANDS - 1) as f32)).exp_m1()
}

/// Where a value is read: between a point and the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Between {
    below: usize,
    share: f32,
}

impl Between {
    /// For a frequency in Hz.
    #[must_use]
    pub fn at_hz(hz: f32) -> Self {
        let place = place(hz);
        let below = (place as usize).min(BANDS - 2);
        Self {
            below,
            share: place - below as f32,
        }
    }

    /// What is there of `values`, one for each point.
    ///
    /// # Panics
    /// If there are less than [`BANDS`].
    #[must_use]
    pub fn of(self, values: &[f32]) -> f32 {
        let (below, above) = (values[self.below], values[self.below + 1]);
        below + self.share * (above - below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_equally_spaced_in_mel_and_reach_from_end_to_end() {
        let mel = |hz: f64| 2_595.0 * (1.0 + hz / 700.0).log10();
        let step = mel(24_000.0) / (BANDS - 1) as f64;
        for point in 0..BANDS {
            let there = hz(point as f32);
            let error = mel(f64::from(there)) - step * point as f64;
            assert!(error.abs() < 1e-3 * step, "point {point}: {error}");
            assert!((place(there) - point as f32).abs() < 1e-4, "point {point}");
        }
        assert_eq!(hz(0.0), 0.0);
        assert_eq!(place(30_000.0), (BANDS - 1) as f32);
        assert_eq!(place(-5.0), 0.0);
    }

    #[test]
    fn between_points_values_are_on_a_line() {
        let values: Vec<f32> = (0..BANDS).map(|n| 3.0 - 0.5 * n as f32).collect();
        for at in [
            0.0, 10.0, 99.5, 440.0, 7_000.0, 23_999.0, 24_000.0, 40_000.0,
        ] {
            let got = Between::at_hz(at).of(&values);
            assert!(
                (got - (3.0 - 0.5 * place(at))).abs() < 1e-4,
                "{at} Hz: {got}"
            );
        }
    }
}

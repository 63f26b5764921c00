//! What rings and what strikes, apart: medians along time and along frequency, and soft masks of them
//! (Fitzgerald, "Harmonic/Percussive Separation using Median Filtering", DAFx 2010).

/// Which neighbours a median is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// The same bin of other frames: what strikes is gone.
    Time,
    /// Other bins of the same frame: what rings is gone.
    Frequency,
}

/// The most values on either side of a median.
pub const MOST_REACH: usize = 47;

/// Medians over `reach` values on either side of each value of `x`, `[frames, bins]`. At the ends there are
/// fewer; of an even number it is the mean of the two in the middle. What is no number counts as greatest.
///
/// # Panics
/// If `reach` is more than [`MOST_REACH`], `bins` is 0 and `x` is not empty, or `y` is of another length.
pub fn median(along: Along, x: &[f32], bins: usize, reach: usize, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "a median of each value");
    assert!(
        reach <= MOST_REACH,
        "expected a reach of {MOST_REACH} at most, found {reach}"
    );
    for (n, y) in y.iter_mut().enumerate() {
        let (frame, bin) = (n / bins, n % bins);
        let (place, extent, stride) = match along {
            Along::Time => (frame, x.len() / bins, bins),
            Along::Frequency => (bin, bins, 1),
        };
        let low = place.saturating_sub(reach);
        let length = extent.min(place + reach + 1) - low;
        let first = n - (place - low) * stride;
        let mut window = [0.0; 2 * MOST_REACH + 1];
        let window = &mut window[..length];
        for (value, from) in window.iter_mut().zip(x[first..].iter().step_by(stride)) {
            *value = *from;
        }
        window.sort_unstable_by(f32::total_cmp);
        *y = 0.5 * (window[(length - 1) / 2] + window[length / 2]);
    }
}

/// The share of a bin that rings, by its medians along time and along frequency, and the share that
/// strikes: `h^2 / (h^2 + p^2)` and the rest, half each where both are 0.
#[must_use]
pub fn shares(along_time: f32, along_frequency: f32) -> [f32; 2] {
    let (h, p) = (f64::from(along_time), f64::from(along_frequency));
    let share = match h == 0.0 && p == 0.0 {
        true => 0.5,
        false => h * h / (h * h + p * p),
    };
    [share as f32, (1.0 - share) as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_those_of_what_is_there() {
        let x = [5.0, 1.0, 4.0, 2.0, 3.0];
        for (reach, want) in [
            (0, [5.0, 1.0, 4.0, 2.0, 3.0]),
            (1, [3.0, 4.0, 2.0, 3.0, 2.5]),
            (2, [4.0, 3.0, 3.0, 2.5, 3.0]),
            (MOST_REACH, [3.0; 5]),
        ] {
            for (along, bins) in [(Along::Time, 1), (Along::Frequency, 5)] {
                let mut y = [f32::NAN; 5];
                median(along, &x, bins, reach, &mut y);
                assert_eq!(y, want, "{along:?}, {reach}");
            }
        }
        let mut y = [0.0; 6];
        let x = [1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0];
        median(Along::Time, &x, 3, 1, &mut y);
        assert_eq!(y[..1], [2.5]);
        assert!(y[1].is_nan() && y[4].is_nan(), "{y:?}");
        median(Along::Frequency, &x, 3, 1, &mut y);
        assert_eq!([y[0], y[1], y[2], y[4]], [1.5, 2.0, 2.5, 6.0]);
    }

    #[test]
    fn shares_add_up_to_one() {
        for (h, p, want) in [
            (0.0, 0.0, 0.5),
            (1.0, 0.0, 1.0),
            (0.0, 1e-30, 0.0),
            (1.0, 2.0, 0.2),
            (2e30, 1e30, 0.8),
        ] {
            let [share, rest] = shares(h, p);
            assert!((share - want).abs() < 1e-6 && (share + rest - 1.0).abs() < 1e-6);
        }
    }
}

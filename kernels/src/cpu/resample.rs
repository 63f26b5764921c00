//! Signals of one rate become signals of another: a sinc under a Kaiser window, in phases (Crochiere &
//! Rabiner, "Multirate Digital Signal Processing", 1983, ch. 4; Kaiser, "Nonrecursive Digital Filter Design
//! Using the I0-sinh Window Function", 1974).

use std::f64::consts::PI;

/// A filter between two rates, for signals of any number of channels.
#[derive(Clone, Debug)]
pub struct Polyphase {
    up: usize,
    down: usize,
    taps: usize,
    /// `[up, taps]`, the oldest first; each row adds up to 1.
    table: Vec<f32>,
}

impl Polyphase {
    /// From `from` frames to `to`, in lowest terms or not. `crossings` of the sinc on either side, at the
    /// lower rate, are the filter; what lies above the lower Nyquist frequency is `attenuation_db`, at least
    /// 21, below what is let through, to within 2 dB. The band between is `(attenuation_db - 8) / (14.36 *
    /// crossings)` of the Nyquist frequency wide, and ends there. Allocates.
    ///
    /// # Panics
    /// If a rate or the number of crossings is 0, or the attenuation is less than 21 or no number.
    #[must_use]
    pub fn new((from, to): (usize, usize), crossings: usize, attenuation_db: f64) -> Self {
        assert!(0 < from && 0 < to, "rates are positive");
        assert!(0 < crossings, "a filter has a crossing at least");
        assert!(
            21.0 <= attenuation_db,
            "expected at least 21 dB, found {attenuation_db}"
        );
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = (to / divisor, from / divisor);
        let half = (crossings * down.max(up)).div_ceil(up);
        let transition = (attenuation_db - 8.0) / (2.285 * 2.0 * PI * crossings as f64);
        let nyquist = (up as f64 / down as f64).min(1.0);
        let cutoff = nyquist * (1.0 - transition / 2.0).max(0.5);
        let taps = 2 * half;
        let mut table = Vec::with_capacity(up * taps);
        for phase in 0..up {
            let centre = (half - 1) as f64 + phase as f64 / up as f64;
            let windowed = |tap| {
                let apart = centre - tap as f64;
                sinc(PI * cutoff * apart) * kaiser(apart / half as f64, beta(attenuation_db))
            };
            let row: Vec<f64> = (0..taps).map(windowed).collect();
            let sum: f64 = row.iter().sum();
            table.extend(row.iter().map(|h| (h / sum) as f32));
        }
        Self {
            up,
            down,
            taps,
            table,
        }
    }

    /// Frames out for every [`Self::down`] in.
    #[must_use]
    pub fn up(&self) -> usize {
        self.up
    }

    /// Frames in for every [`Self::up`] out.
    #[must_use]
    pub fn down(&self) -> usize {
        self.down
    }

    /// Frames that one frame is made of.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// By how many frames of the input the output is late.
    #[must_use]
    pub fn delay(&self) -> usize {
        self.taps / 2
    }

    /// Coefficients, `[up, taps]`.
    #[must_use]
    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// How many frames come out of `frames` more, where the next begins `start` of `up`th frames after the
    /// first of them.
    #[must_use]
    pub fn outputs(&self, start: usize, frames: usize) -> usize {
        (frames * self.up).saturating_sub(start).div_ceil(self.down)
    }
}

/// `y[m, c] = sum over n of table[phase, n] * x[first + n, c]`, where `first` and `phase` are the whole part
/// and the rest of `(start + m * down) / up`. `x` is `[taps - 1 + frames, channels]`, what was before and
/// then what is new; `y` is `[outputs, channels]`.
///
/// # Panics
/// If there are no channels, or `x` is too short for `y`.
pub fn resample(filter: &Polyphase, x: &[f32], channels: usize, start: usize, y: &mut [f32]) {
    for (m, frame) in y.chunks_mut(channels).enumerate() {
        let place = start + m * filter.down;
        let (first, phase) = (place / filter.up, place % filter.up);
        let row = &filter.table[phase * filter.taps..][..filter.taps];
        for (c, y) in frame.iter_mut().enumerate() {
            let terms = row.iter().enumerate();
            *y = terms.fold(0.0, |sum, (n, h)| {
                h.mul_add(x[(first + n) * channels + c], sum)
            });
        }
    }
}

fn sinc(x: f64) -> f64 {
    match x.abs() < 1e-9 {
        true => 1.0,
        false => x.sin() / x,
    }
}

/// The window at a place from -1 to 1, not normalised.
fn kaiser(place: f64, beta: f64) -> f64 {
    bessel_i0(beta * (1.0 - place * place).max(0.0).sqrt())
}

/// Of an attenuation in dB (Kaiser, 1974).
fn beta(attenuation_db: f64) -> f64 {
    match attenuation_db {
        db if 50.0 < db => 0.1102 * (db - 8.7),
        db => 0.5842 * (db - 21.0).powf(0.4) + 0.078_86 * (db - 21.0),
    }
}

/// The modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let terms = (1..80).scan(1.0, |term, k| {
        *term *= quarter / f64::from(k * k);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    match b {
        0 => a,
        _ => greatest_common_divisor(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A sine in, at so many cycles a frame, and what comes out once the filter is full.
    fn sine(filter: &Polyphase, cycles: f64) -> Vec<f32> {
        let frames = 20 * filter.taps();
        let turn = |n: usize| TAU * cycles * n as f64;
        let x: Vec<f32> = (0..frames).map(|n| turn(n).sin() as f32).collect();
        let whole = frames - filter.taps() + 1;
        let mut y = vec![f32::NAN; filter.outputs(0, whole)];
        resample(filter, &x, 1, 0, &mut y);
        y
    }

    const RATES: [(usize, usize); 7] = [
        (48_000, 44_100),
        (44_100, 48_000),
        (48_000, 16_000),
        (16_000, 48_000),
        (177, 236),
        (5, 3),
        (1, 1),
    ];

    #[test]
    fn a_sine_comes_out_where_the_delay_says_and_nothing_above_the_nyquist_frequency() {
        for attenuation_db in [60.0, 80.0, 100.0] {
            for (from, to) in RATES {
                let filter = Polyphase::new((from, to), 32, attenuation_db);
                let lower = (to as f64 / from as f64).min(1.0) / 2.0;
                let least = 10f64.powf(-attenuation_db / 20.0);
                let band = (attenuation_db - 8.0) / (14.36 * 32.0);
                for share in [0.01, 0.3, 1.0 - band] {
                    let cycles = share * lower;
                    let late = filter.delay() as f64 - filter.taps() as f64 + 1.0;
                    let errors = sine(&filter, cycles).into_iter().enumerate().map(|(m, y)| {
                        let at = m as f64 * from as f64 / to as f64 - late;
                        (f64::from(y) - (TAU * cycles * at).sin()).abs()
                    });
                    let worst = errors.fold(0.0, f64::max);
                    assert!(worst < 2.0 * least, "{from} to {to}, {share}: {worst}");
                }
                // Above what the output can hold, where the input can.
                for share in [1.0, 1.2, 2.3] {
                    let cycles = share * lower;
                    if cycles < 0.5 {
                        let peak = sine(&filter, cycles).into_iter().map(f32::abs);
                        let peak = f64::from(peak.fold(0.0, f32::max));
                        assert!(peak < 2.0 * least, "{from} to {to}, {share}: {peak}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_signal_that_stays_stays_in_every_phase_and_channel() {
        for (from, to) in RATES {
            let filter = Polyphase::new((from, to), 7, 40.0);
            let frames = filter.taps() + 50;
            let x: Vec<f32> = (0..3 * frames).map(|n| (n % 3) as f32 - 0.7).collect();
            let mut y = vec![f32::NAN; 3 * filter.outputs(0, 51)];
            resample(&filter, &x, 3, 0, &mut y);
            for (n, y) in y.iter().enumerate() {
                assert!((y - x[n % 3]).abs() < 1e-6, "{from} to {to}: {y}");
            }
        }
    }
}

//! Measurements that know nothing of AutoVoice's own code: lag, residual, pitch. Allocates.

/// A reproducible signal of white noise between -0.5 and 0.5.
#[must_use]
pub fn noise(seed: u64, frames: usize) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..frames).map(|_| random.next_unit() - 0.5).collect()
}

/// A voice-like tone: `harmonics` of `hz`, falling by 1/n, peak near `peak`.
#[must_use]
pub fn tone(rate_hz: f64, hz: f64, peak: f32, frames: usize) -> Vec<f32> {
    let count = ((rate_hz * 0.45 / hz) as usize).clamp(1, 12);
    let norm: f64 = (1..=count).map(|n| 1.0 / n as f64).sum();
    let sample = |frame: usize| {
        let phase = std::f64::consts::TAU * hz * frame as f64 / rate_hz;
        let sum: f64 = (1..=count)
            .map(|n| (phase * n as f64).sin() / n as f64)
            .sum();
        (sum / norm) as f32 * peak
    };
    (0..frames).map(sample).collect()
}

/// How many decibels the first ten harmonics of `hz` lie above those of `other_hz` in a signal, in
/// the mean over those that lie apart: which of two pitches is sung in it.
#[must_use]
pub fn stands_out_db(signal: &[f32], rate_hz: f64, hz: f64, other_hz: f64) -> f64 {
    let turns = std::f64::consts::TAU / rate_hz;
    let level_db = |hz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in signal.iter().enumerate() {
            let fade = 1.0 - (std::f64::consts::TAU * n as f64 / signal.len() as f64).cos();
            let (sin, cos) = (turns * hz * n as f64).sin_cos();
            re += fade * f64::from(*x) * cos;
            im += fade * f64::from(*x) * sin;
        }
        10.0 * (re * re + im * im).max(1e-12).log10()
    };
    let mean_db = |hz: f64, other_hz: f64| {
        let harmonics = (1..=10).map(|n| f64::from(n) * hz);
        let apart = |at: &f64| (at - (at / other_hz).round() * other_hz).abs() > 40.0;
        let (sum, count) = harmonics
            .filter(|at| apart(at) && *at < 1_000.0)
            .fold((0.0, 0.0), |(sum, count), at| {
                (sum + level_db(at), count + 1.0)
            });
        sum / count
    };
    mean_db(hz, other_hz) - mean_db(other_hz, hz)
}

/// A small generator (xorshift64*): the same numbers everywhere.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; any seed will do.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// The next number in 0..1.
    pub fn next_unit(&mut self) -> f32 {
        // 24 bits fit an f32 exactly.
        (self.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// The next number in `low..=high`.
    pub fn next_in(&mut self, low: usize, high: usize) -> usize {
        low + self.next_u32() as usize % (high - low + 1)
    }
}

/// Peak of `output[n] - input[n - delay]` in dB relative to full scale; what the delay pushes in
/// front is compared with silence. -400 for an exact match.
#[must_use]
pub fn residual_db(input: &[f32], output: &[f32], delay: usize) -> f64 {
    let expected = |frame: usize| frame.checked_sub(delay).map_or(0.0, |at| input[at]);
    let peak = output
        .iter()
        .enumerate()
        .map(|(frame, &sample)| (f64::from(sample) - f64::from(expected(frame))).abs())
        .fold(0.0, f64::max);
    20.0 * peak.max(1e-20).log10()
}

/// The delay of `output` against `input` in frames, 0..=`longest`: where their correlation peaks.
#[must_use]
pub fn delay_frames(input: &[f32], output: &[f32], longest: usize) -> usize {
    let correlation = |delay: usize| -> f64 {
        let pairs = input.iter().zip(output.iter().skip(delay));
        pairs.map(|(x, y)| f64::from(x * y)).sum()
    };
    let (delay, _) = (0..=longest.min(output.len().saturating_sub(1)))
        .map(|delay| (delay, correlation(delay)))
        .fold(
            (0, f64::MIN),
            |best, now| if now.1 > best.1 { now } else { best },
        );
    delay
}

/// Frames per second of a [`pitch_track`].
pub const TRACK_RATE_HZ: f64 = 100.0;

/// Fundamental frequency in Hz every 10 ms, 0 where unvoiced: YIN (de Cheveigné and Kawahara,
/// JASA 111, 2002) with threshold 0.15 between 70 and 1000 Hz.
#[must_use]
pub fn pitch_track(signal: &[f32], rate_hz: f64) -> Vec<f64> {
    // Half the rate carries every pitch in range and costs a quarter.
    let halved: Vec<f32> = signal
        .chunks_exact(2)
        .map(|pair| 0.5 * (pair[0] + pair[1]))
        .collect();
    let rate_hz = rate_hz / 2.0;
    let (shortest, longest) = ((rate_hz / 1000.0) as usize, (rate_hz / 70.0) as usize);
    let hop = rate_hz / TRACK_RATE_HZ;
    let mut differences = vec![0.0; longest + 2];
    let mut track = Vec::new();
    loop {
        let start = (track.len() as f64 * hop) as usize;
        // Two longest periods: the window and the furthest lag.
        let Some(frame) = halved.get(start..start + 2 * longest + 2) else {
            return track;
        };
        track
            .push(yin(frame, shortest, longest, &mut differences).map_or(0.0, |lag| rate_hz / lag));
    }
}

/// The period of a frame in samples.
fn yin(frame: &[f32], shortest: usize, longest: usize, normalised: &mut [f64]) -> Option<f64> {
    const THRESHOLD: f64 = 0.15;
    const QUIET: f32 = 1e-4;
    let energy: f32 = frame[..longest].iter().map(|sample| sample * sample).sum();
    if energy < QUIET {
        return None;
    }
    let mut sum = 0.0;
    normalised[0] = 1.0;
    for lag in 1..normalised.len() {
        let pairs = frame[..longest].iter().zip(&frame[lag..]);
        let difference: f32 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
        sum += f64::from(difference);
        normalised[lag] = f64::from(difference) * lag as f64 / sum.max(1e-20);
    }
    let first = (shortest..=longest).find(|&lag| normalised[lag] < THRESHOLD)?;
    let lag = downhill(normalised, first, longest);
    // A few periods on, the same period is measured with as many times the resolution.
    let periods = (longest / (lag + 1)).clamp(1, 4);
    let near = (lag * periods).saturating_sub(periods).max(1);
    let lag = downhill(normalised, near, (lag * periods + periods).min(longest));
    let (before, at, after) = (normalised[lag - 1], normalised[lag], normalised[lag + 1]);
    let bend = before - 2.0 * at + after;
    let shift = if bend > 1e-12 {
        0.5 * (before - after) / bend
    } else {
        0.0
    };
    Some((lag as f64 + shift.clamp(-1.0, 1.0)) / periods as f64)
}

/// The first local minimum from `first` on.
fn downhill(values: &[f64], first: usize, last: usize) -> usize {
    (first..last)
        .find(|&at| values[at + 1] > values[at])
        .unwrap_or(last)
}

/// How far one pitch track is from where it should be.
#[derive(Clone, Copy, Debug)]
pub struct PitchError {
    /// Frames voiced in both tracks.
    pub frames: usize,
    /// Median distance in cents, sign dropped.
    pub median_cents: f64,
    /// Share of those frames within 50 cents.
    pub within_50: f64,
}

/// Distance of `heard` from `target(sung)` over the frames voiced in both; `None` without any.
#[must_use]
pub fn pitch_error(sung: &[f64], heard: &[f64], target: impl Fn(f64) -> f64) -> Option<PitchError> {
    let mut cents: Vec<f64> = sung
        .iter()
        .zip(heard)
        .filter(|&(&sung, &heard)| sung > 0.0 && heard > 0.0)
        .map(|(&sung, &heard)| (1200.0 * (heard / target(sung)).log2()).abs())
        .collect();
    cents.sort_by(f64::total_cmp);
    let median_cents = *cents.get(cents.len() / 2)?;
    let close = cents.iter().filter(|&&cents| cents <= 50.0).count();
    Some(PitchError {
        frames: cents.len(),
        median_cents,
        within_50: close as f64 / cents.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_and_residual_of_a_delayed_signal() {
        let input = noise(1, 4000);
        let mut output = vec![0.0; 37];
        output.extend_from_slice(&input[..4000 - 37]);
        assert_eq!(delay_frames(&input, &output, 100), 37);
        assert_eq!(residual_db(&input, &output, 37), -400.0);
        assert!(residual_db(&input, &output, 36) > -10.0);
        assert!(residual_db(&input, &output, 38) > -10.0);
    }

    #[test]
    fn tracks_tones_within_a_cent_and_no_noise() {
        for hz in [82.0, 220.0, 415.3, 880.0] {
            let track = pitch_track(&tone(44_100.0, hz, 0.5, 22_050), 44_100.0);
            assert!(track.len() > 40);
            for found in track {
                let cents = 1200.0 * (found / hz).log2();
                assert!(cents.abs() < 1.0, "{hz} Hz found as {found}");
            }
        }
        let voiced = pitch_track(&noise(3, 22_050), 44_100.0);
        let voiced = voiced.iter().filter(|&&hz| hz > 0.0).count();
        assert!(voiced < 3, "{voiced} voiced frames in noise");
    }

    #[test]
    fn the_pitch_that_is_sung_stands_out() {
        let sung = tone(48_000.0, 200.0, 0.5, 2_400);
        assert!(stands_out_db(&sung, 48_000.0, 200.0, 290.0) > 10.0);
        assert!(stands_out_db(&sung, 48_000.0, 290.0, 200.0) < -10.0);
        let neither = noise(5, 2_400);
        assert!(stands_out_db(&neither, 48_000.0, 200.0, 290.0).abs() < 10.0);
    }

    #[test]
    fn pitch_error_counts_frames_voiced_in_both() {
        let sung = [0.0, 100.0, 200.0, 300.0];
        let heard = [100.0, 200.0, 400.0, 0.0];
        let error = pitch_error(&sung, &heard, |hz| 2.0 * hz).unwrap();
        assert_eq!((error.frames, error.within_50), (2, 1.0));
        assert!(error.median_cents < 1e-9);
        assert!(pitch_error(&sung, &heard, |hz| hz).unwrap().median_cents > 1199.0);
        assert!(pitch_error(&[0.0], &[0.0], |hz| hz).is_none());
    }
}

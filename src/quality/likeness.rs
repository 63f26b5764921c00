//! How like each other two renderings of the same are: of features, and of sound. Any thread;
//! allocates.

use crate::dsp::mel::{MelBands, MelConfig};
use crate::dsp::stft::Spectrum;
use crate::units::Frames;

/// Window and step of the spectra that sound is compared by, in milliseconds, and their bands.
const WINDOW_MS: usize = 40;
const STEP_MS: usize = 10;
const BANDS: usize = 80;
/// How far below the loudest of both sounds a band is heard.
const RANGE_DB: f32 = 60.0;

/// The mean over the frames of the cosine between both, `[frames, channels]`. NaN where one has no
/// frames.
///
/// # Panics
/// If they are of different lengths.
#[must_use]
pub fn mean_cosine(a: &[f32], b: &[f32], channels: usize) -> f64 {
    assert_eq!(a.len(), b.len(), "as many frames");
    let pairs = a.chunks_exact(channels).zip(b.chunks_exact(channels));
    let cosines = pairs.map(|(a, b)| {
        let (mut product, mut norms) = (0.0, (0.0, 0.0));
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (f64::from(*a), f64::from(*b));
            product += a * b;
            norms = (norms.0 + a * a, norms.1 + b * b);
        }
        // Silence is like silence, and like nothing else.
        match norms {
            (0.0, 0.0) => 1.0,
            (a, b) => product / (a * b).sqrt().max(f64::MIN_POSITIVE),
        }
    });
    cosines.sum::<f64>() / (a.len() / channels) as f64
}

/// Features, `[frames, channels]`, less the mean of each channel.
#[must_use]
pub fn without_mean(features: &[f32], channels: usize) -> Vec<f32> {
    let mut mean = vec![0.0; channels];
    for frame in features.chunks_exact(channels) {
        let sums = mean.iter_mut().zip(frame);
        sums.for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let frames = (features.len() / channels) as f64;
    features
        .chunks_exact(channels)
        .flat_map(|frame| frame.iter().zip(&mean))
        .map(|(x, sum)| (f64::from(*x) - sum / frames) as f32)
        .collect()
}

/// The log-mel distance of two sounds of a rate, in dB: the mean over frames of 10 ms of the root
/// mean square over bands. NaN where they are shorter than a window.
///
/// # Panics
/// If they are of different lengths.
#[must_use]
pub fn log_mel_distance_db(a: &[f32], b: &[f32], rate_hz: u32) -> f64 {
    assert_eq!(a.len(), b.len(), "as many samples");
    let (a, b) = (log_mels(a, rate_hz), log_mels(b, rate_hz));
    let loudest = a.iter().chain(&b).fold(f32::MIN, |most, db| most.max(*db));
    let heard = |db: f32| f64::from(db.max(loudest - RANGE_DB));
    let frames = a.chunks_exact(BANDS).zip(b.chunks_exact(BANDS));
    let distances = frames.map(|(a, b)| {
        let squares = a
            .iter()
            .zip(b)
            .map(|(a, b)| (heard(*a) - heard(*b)).powi(2));
        (squares.sum::<f64>() / BANDS as f64).sqrt()
    });
    let count = a.len() / BANDS;
    distances.sum::<f64>() / count as f64
}

/// `[frames, BANDS]` in dB.
fn log_mels(x: &[f32], rate_hz: u32) -> Vec<f32> {
    let ms = rate_hz as usize / 1000;
    let (window, step): (Frames, Frames) = (WINDOW_MS * ms, STEP_MS * ms);
    let bands = MelBands::new(&MelConfig {
        rate_hz,
        fft: window,
        bands: BANDS,
        lowest_hz: 30.0,
        highest_hz: f64::from(rate_hz) / 2.0,
    });
    let mut spectrum = Spectrum::new(window);
    let mut magnitudes = vec![0.0; window / 2 + 1];
    let mut mels = Vec::new();
    for frame in x.windows(window).step_by(step) {
        spectrum.magnitudes(frame, &mut magnitudes);
        let from = mels.len();
        mels.resize(from + BANDS, 0.0);
        bands.apply(&magnitudes, &mut mels[from..]);
    }
    mels.iter_mut()
        .for_each(|x| *x = 20.0 * x.max(1e-9).log10());
    mels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_the_same_and_half_is_six_decibels_away() {
        let sound = |gain: f32| -> Vec<f32> {
            let mut state = 1u32;
            (0..48_000)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    gain * (state as i32 as f32 / 2_147_483_648.0)
                })
                .collect()
        };
        let (a, b) = (sound(0.5), sound(0.25));
        assert_eq!(log_mel_distance_db(&a, &a, 48_000), 0.0);
        assert!((log_mel_distance_db(&a, &b, 48_000) - 6.02).abs() < 0.01);
        assert!((mean_cosine(&a, &b, 16) - 1.0).abs() < 1e-9);
        let turned: Vec<f32> = a.chunks_exact(2).flat_map(|x| [-x[1], x[0]]).collect();
        assert!(mean_cosine(&a, &turned, 2).abs() < 1e-9);
        assert_eq!(
            without_mean(&[1.0, 5.0, 3.0, 5.0], 2),
            [-1.0, 0.0, 1.0, 0.0]
        );
    }
}

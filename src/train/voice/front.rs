//! What the networks hear of a recording: a picture of every 10 ms, and its level.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::network::MELS;
use crate::dsp::mel::{MelBands, MelConfig};
use crate::dsp::stft::hann;

/// Rate of what is heard, in Hz, and samples from one frame to the next.
pub const RATE_HZ: u32 = 16_000;
/// See [`RATE_HZ`].
pub const HOP: usize = 160;
/// Samples of a frame's window, and how many of them lie before its instant.
const WINDOW: usize = 400;
const BEFORE: usize = 240;
const FFT: usize = 512;

/// A band's power as the encoder sees it, and back.
pub fn feature(power: f32) -> f32 {
    ((power + 1e-6).ln() + 4.0) / 4.0
}

/// The natural logarithm of power that a feature stands for.
pub fn ln_power(feature: f32) -> f32 {
    4.0 * feature - 4.0
}

/// The level as the decoder hears it, of a mean square of full scale 1.
fn level(mean_square: f32) -> f32 {
    ((mean_square + 1e-8).ln() + 6.0) / 3.0
}

/// The transform, the bands and room for both.
pub struct Front {
    fft: Arc<dyn RealToComplex<f32>>,
    bands: MelBands,
    window: Vec<f32>,
    energy: f32,
    windowed: Vec<f32>,
    bins: Vec<Complex<f32>>,
    power: Vec<f32>,
}

impl Front {
    /// Allocates.
    pub fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FFT);
        let config = MelConfig {
            rate_hz: RATE_HZ,
            fft: FFT,
            bands: MELS,
            lowest_hz: 0.0,
            highest_hz: 8_000.0,
        };
        let window = hann(WINDOW);
        Self {
            windowed: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            power: vec![0.0; FFT / 2 + 1],
            bands: MelBands::new(&config),
            energy: window.iter().map(|w| w * w).sum(),
            window,
            fft,
        }
    }

    /// Frames of a signal at [`RATE_HZ`], the first at sample 0, silence around it: appends
    /// [`MELS`] values to `mel` and one to `levels` for each.
    pub fn frames(&mut self, signal: &[f32], mel: &mut Vec<f32>, levels: &mut Vec<f32>) {
        for frame in 0..signal.len().div_ceil(HOP) {
            let first = (frame * HOP) as i64 - BEFORE as i64;
            self.windowed.fill(0.0);
            for ((x, w), n) in self.windowed.iter_mut().zip(&self.window).zip(first..) {
                let known = usize::try_from(n).ok().and_then(|n| signal.get(n));
                *x = known.copied().unwrap_or(0.0) * w;
            }
            let squares: f32 = self.windowed.iter().map(|x| x * x).sum();
            levels.push(level(squares / self.energy));
            self.fft
                .process(&mut self.windowed, &mut self.bins)
                .expect("the buffers are those the transform made");
            for (power, bin) in self.power.iter_mut().zip(&self.bins) {
                *power = bin.norm_sqr();
            }
            let from = mel.len();
            mel.resize(from + MELS, 0.0);
            self.bands.apply(&self.power, &mut mel[from..]);
            mel[from..].iter_mut().for_each(|x| *x = feature(*x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_hears_fifteen_milliseconds_back_and_ten_ahead() {
        let mut front = Front::new();
        let mut heard = |at: usize| {
            let mut signal = vec![0.0; 4_000];
            signal[at] = 1.0;
            let (mut mel, mut levels) = (Vec::new(), Vec::new());
            front.frames(&signal, &mut mel, &mut levels);
            assert_eq!((mel.len(), levels.len()), (25 * MELS, 25));
            let loud = |x: &[f32]| x.iter().any(|x| feature(0.0) + 1e-3 < *x);
            let frames: Vec<usize> = (0..25).filter(|k| loud(&mel[k * MELS..][..MELS])).collect();
            frames
        };
        // Frame 10 covers samples 1360 to 1759; the window's first sample is 0.
        assert_eq!(heard(1_400), [8, 9, 10]);
        assert_eq!(heard(1_300), [8, 9]);
        assert_eq!(heard(1_759), [10, 11, 12]);
    }

    #[test]
    fn the_level_is_that_of_the_signal() {
        let signal: Vec<f32> = (0..3_200).map(|i| 0.1 * (0.3 * i as f32).sin()).collect();
        let (mut mel, mut levels) = (Vec::new(), Vec::new());
        Front::new().frames(&signal, &mut mel, &mut levels);
        let wanted = (0.005f32.ln() + 6.0) / 3.0;
        assert!(
            (levels[10] - wanted).abs() < 0.01,
            "{} {wanted}",
            levels[10]
        );
        assert!((ln_power(feature(2.0)) - 2f32.ln()).abs() < 1e-5);
    }
}

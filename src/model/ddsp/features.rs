//! What an encoder hears: the power in mel bands of every 10 ms of sound at 16 kHz.
//! Any thread; real-time safe after construction.
//!
//! Frame `k` belongs to the instant `160 k` and is made of the samples around it, 240 before and
//! 160 from it on, under a Hann window. Before the first sample there was silence.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::dsp::mel::{MelBands, MelConfig};
use crate::dsp::stft::hann;
use crate::units::Frames;

/// The rate of the sound, in Hz.
pub const RATE_HZ: u32 = 16_000;
/// Samples from one frame to the next: 10 ms.
pub const HOP: Frames = 160;
/// Samples that a frame is made of.
pub const WINDOW: Frames = 400;
/// Samples of them that follow its instant.
pub const AFTER: Frames = 160;
/// Bands.
pub const BANDS: usize = 80;

/// Length of the transform.
pub const FFT: usize = 512;
/// The bands.
pub const MEL: MelConfig = MelConfig {
    rate_hz: RATE_HZ,
    fft: FFT,
    bands: BANDS,
    lowest_hz: 0.0,
    highest_hz: 8_000.0,
};

/// The level at which everybody is heard and every voice speaks: the mean of [`level`] where there
/// is a pitch. -26 dB of full scale.
pub const STANDARD_LEVEL: f32 = -6.0;

/// One frame, as it is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Power in each band.
    pub bands: [f32; BANDS],
    /// The mean square of the sound under the window, that of the window taken out: a sine of full
    /// scale has 0.5.
    pub mean_square: f32,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            bands: [0.0; BANDS],
            mean_square: 0.0,
        }
    }
}

impl Heard {
    /// As the networks take it, with the sound `gain` times as powerful: [`BANDS`] values, each
    /// about -3..=3. Real-time safe.
    ///
    /// # Panics
    /// If `out` is of another length.
    pub fn write(&self, gain: f32, out: &mut [f32]) {
        assert_eq!(out.len(), BANDS, "one value per band");
        for (out, power) in out.iter_mut().zip(&self.bands) {
            *out = 0.25 * ((gain * power + 1e-6).ln() + 4.0);
        }
    }
}

/// The level of a mean square: its natural logarithm, -18.4 in silence.
#[must_use]
pub fn level(mean_square: f32) -> f32 {
    (mean_square + 1e-8).ln()
}

/// The front of a stream.
pub struct Features {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    window_square: f32,
    mel: MelBands,
    /// The newest samples.
    past: [f32; WINDOW],
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f32>,
}

impl Features {
    /// Allocates.
    #[must_use]
    pub fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FFT);
        let window = hann(WINDOW);
        Self {
            window_square: window.iter().map(|w| w * w).sum(),
            window,
            mel: MelBands::new(&MEL),
            past: [0.0; WINDOW],
            time: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; FFT / 2 + 1],
            fft,
        }
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.past.fill(0.0);
    }

    /// Takes the next samples and gives the frame they complete: the first 160 that of instant 0.
    /// Real-time safe.
    pub fn step(&mut self, wave: &[f32; HOP]) -> Heard {
        self.past.copy_within(HOP.., 0);
        self.past[WINDOW - HOP..].copy_from_slice(wave);
        let (windowed, rest) = self.time.split_at_mut(WINDOW);
        for ((y, x), w) in windowed.iter_mut().zip(&self.past).zip(&self.window) {
            *y = x * w;
        }
        let squares: f32 = windowed.iter().map(|x| x * x).sum();
        rest.fill(0.0);
        self.fft
            .process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers are those the transform made");
        for (power, bin) in self.power.iter_mut().zip(&self.spectrum) {
            *power = bin.norm_sqr();
        }
        let mut heard = Heard {
            mean_square: squares / self.window_square,
            ..Heard::default()
        };
        self.mel.apply(&self.power, &mut heard.bands);
        heard
    }

    /// Every frame of a whole signal: what [`Self::step`] gives after a reset, for as many whole
    /// hops as there are. Allocates.
    #[must_use]
    pub fn forward(wave: &[f32]) -> Vec<Heard> {
        let mut front = Self::new();
        let (hops, _) = wave.as_chunks::<HOP>();
        hops.iter().map(|hop| front.step(hop)).collect()
    }
}

impl Default for Features {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn a_frame_is_what_the_definition_says() {
        let wave: Vec<f32> = (0..1_600)
            .map(|n| ((n * n) as f32 * 0.01).sin() * 0.3)
            .collect();
        let frames = Features::forward(&wave);
        assert_eq!(frames.len(), 10);
        let mel = MelBands::new(&MelConfig {
            rate_hz: 16_000,
            fft: 512,
            bands: 80,
            lowest_hz: 0.0,
            highest_hz: 8_000.0,
        });
        for (k, got) in frames.iter().enumerate() {
            let at = |n: usize| {
                (160 * k + n)
                    .checked_sub(240)
                    .map_or(0.0, |i| f64::from(wave[i]))
            };
            let hann = |n: usize| 0.5 - 0.5 * (TAU * n as f64 / 400.0).cos();
            let bin = |b: usize| {
                let turn = TAU * b as f64 / 512.0;
                let sum = (0..400).fold((0.0, 0.0), |(re, im), n| {
                    let x = at(n) * hann(n);
                    let (sin, cos) = (turn * n as f64).sin_cos();
                    (re + x * cos, im - x * sin)
                });
                (sum.0 * sum.0 + sum.1 * sum.1) as f32
            };
            let power: Vec<f32> = (0..257).map(bin).collect();
            let mut bands = [0.0; BANDS];
            mel.apply(&power, &mut bands);
            let squares: f64 = (0..400).map(|n| (at(n) * hann(n)).powi(2)).sum();
            let window: f64 = (0..400).map(|n| hann(n).powi(2)).sum();
            let want = squares / window;
            assert!((f64::from(got.mean_square) - want).abs() < 1e-5 * want + 1e-12);
            let mut values = [0.0; BANDS];
            for gain in [1.0, 4.0] {
                got.write(gain, &mut values);
                for (band, value) in values.iter().enumerate() {
                    let want = ((gain * bands[band] + 1e-6).ln() + 4.0) / 4.0;
                    assert!(
                        (value - want).abs() < 1e-4,
                        "{k}, band {band}: {value}, {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_stream_forgets_with_a_reset() {
        let wave: [f32; HOP] = std::array::from_fn(|n| (n as f32 * 0.3).sin());
        let mut front = Features::new();
        let first = front.step(&wave);
        assert_ne!(front.step(&wave), first);
        front.reset();
        assert_eq!(front.step(&wave), first);
    }

    #[test]
    fn levels_are_logarithms() {
        assert!(level(1.0).abs() < 1e-6);
        assert!((level(0.0) + 18.42).abs() < 1e-2);
        let standard_db = 10.0 * STANDARD_LEVEL * std::f32::consts::LOG10_E;
        assert!((standard_db + 26.06).abs() < 0.01, "{standard_db}");
    }
}

//! Magnitude spectra of windowed frames. Any thread; real-time safe after construction.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::units::Frames;

/// The Hann window of `length`, periodic: the one that sums to a constant when overlapped.
/// Allocates.
#[must_use]
pub fn hann(length: Frames) -> Vec<f32> {
    let step = std::f64::consts::TAU / length as f64;
    let at = |i: usize| (0.5 - 0.5 * (step * i as f64).cos()) as f32;
    (0..length).map(at).collect()
}

/// Spectra of frames of one length under the Hann window.
pub struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    windowed: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Spectrum {
    /// For frames of `length`, even. Allocates.
    #[must_use]
    pub fn new(length: Frames) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        Self {
            window: hann(length),
            windowed: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// Magnitudes of the `length / 2 + 1` bins of a frame. Real-time safe.
    ///
    /// # Panics
    /// If `frame` or `out` is of another length.
    pub fn magnitudes(&mut self, frame: &[f32], out: &mut [f32]) {
        assert_eq!(
            frame.len(),
            self.window.len(),
            "a frame is as long as the window"
        );
        assert_eq!(out.len(), self.bins.len(), "one magnitude per bin");
        let windowed = self.windowed.iter_mut().zip(frame.iter().zip(&self.window));
        windowed.for_each(|(y, (x, window))| *y = x * window);
        let (input, bins) = (&mut self.windowed, &mut self.bins);
        self.fft
            .process_with_scratch(input, bins, &mut self.scratch)
            .expect("the buffers are those the transform made");
        for (out, bin) in out.iter_mut().zip(&self.bins) {
            *out = (bin.re * bin.re + bin.im * bin.im).sqrt();
        }
    }
}

impl std::fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spectrum")
            .field("length", &self.window.len())
            .finish_non_exhaustive()
    }
}

impl Clone for Spectrum {
    fn clone(&self) -> Self {
        Self::new(self.window.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_shows_at_its_bin_with_half_the_sum_of_the_window() {
        let sine: Vec<f32> = (0..64)
            .map(|i| (std::f64::consts::TAU * 5.0 * f64::from(i) / 64.0).cos() as f32)
            .collect();
        let mut spectrum = Spectrum::new(64);
        for _ in 0..2 {
            let mut out = vec![f32::NAN; 33];
            spectrum.magnitudes(&sine, &mut out);
            for (bin, magnitude) in out.iter().enumerate() {
                let want = match bin {
                    5 => 16.0,
                    4 | 6 => 8.0,
                    _ => 0.0,
                };
                assert!((magnitude - want).abs() < 1e-4, "bin {bin}: {magnitude}");
            }
            spectrum = spectrum.clone();
        }
    }
}

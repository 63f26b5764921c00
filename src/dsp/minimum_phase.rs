//! The phase that belongs to a magnitude where nothing is later than it must be, by way of the
//! cepstrum (Oppenheim & Schafer, "Discrete-time signal processing", 1989, ch. 12). Any thread;
//! real-time safe after construction.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Minimum phases over a transform of one length.
pub struct MinimumPhase {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    spectrum: Vec<Complex<f32>>,
    cepstrum: Vec<f32>,
    scratch: Vec<Complex<f32>>,
}

impl MinimumPhase {
    /// For transforms of `length`, even. Allocates.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(length);
        let inverse = planner.plan_fft_inverse(length);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            spectrum: forward.make_output_vec(),
            cepstrum: forward.make_input_vec(),
            scratch: vec![Complex::default(); scratch],
            forward,
            inverse,
        }
    }

    /// The phase in radians at each of the `length / 2 + 1` bins, of the natural logarithms of the
    /// magnitudes there. It has no jumps. Real-time safe.
    ///
    /// # Panics
    /// If a slice is of another length.
    pub fn phases(&mut self, log_magnitudes: &[f32], out: &mut [f32]) {
        let bins = self.spectrum.len();
        assert_eq!(log_magnitudes.len(), bins, "one magnitude per bin");
        assert_eq!(out.len(), bins, "one phase per bin");
        for (bin, log) in self.spectrum.iter_mut().zip(log_magnitudes) {
            *bin = Complex::new(*log, 0.0);
        }
        self.inverse
            .process_with_scratch(&mut self.spectrum, &mut self.cepstrum, &mut self.scratch)
            .expect("the buffers are those of the transforms");
        // What lies before the instant 0 goes after it.
        let length = self.cepstrum.len();
        let scale = 1.0 / length as f32;
        let (causal, mirrored) = self.cepstrum.split_at_mut(length / 2 + 1);
        causal[1..].iter_mut().for_each(|c| *c *= 2.0 * scale);
        causal[0] *= scale;
        causal[length / 2] *= 0.5;
        mirrored.fill(0.0);
        self.forward
            .process_with_scratch(&mut self.cepstrum, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers are those of the transforms");
        for (out, bin) in out.iter_mut().zip(&self.spectrum) {
            *out = bin.im;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A resonance of poles at a radius, as its denominator.
    fn response(radius: f64, turn: f64, at: f64) -> (f64, f64) {
        let (a, b) = (-2.0 * radius * (TAU * turn).cos(), radius * radius);
        let (s1, c1) = (TAU * at).sin_cos();
        let (s2, c2) = (2.0 * TAU * at).sin_cos();
        (1.0 + a * c1 + b * c2, -a * s1 - b * s2)
    }

    #[test]
    fn resonances_have_the_phase_of_their_filters() {
        const LENGTH: usize = 1024;
        let poles = [(0.9, 0.02), (0.95, 0.1), (0.8, 0.33)];
        let (mut logs, mut want) = (Vec::new(), Vec::new());
        for bin in 0..=LENGTH / 2 {
            let at = bin as f64 / LENGTH as f64;
            let all = poles.map(|(radius, turn)| response(radius, turn, at));
            let log = |(re, im): &(f64, f64)| -0.5 * (re * re + im * im).ln();
            logs.push(all.iter().map(log).sum::<f64>() as f32);
            want.push(all.iter().map(|(re, im)| -im.atan2(*re)).sum::<f64>());
        }
        let mut phases = vec![f32::NAN; LENGTH / 2 + 1];
        let mut maker = MinimumPhase::new(LENGTH);
        for _ in 0..2 {
            maker.phases(&logs, &mut phases);
            for (bin, (got, want)) in phases.iter().zip(&want).enumerate() {
                let error = (f64::from(*got) - want).abs();
                assert!(error < 1e-3, "bin {bin}: {got} for {want}");
            }
        }
    }

    #[test]
    fn a_flat_magnitude_of_any_height_has_no_phase() {
        let mut phases = [f32::NAN; 33];
        for log in [-40.0, 0.0, 3.0] {
            MinimumPhase::new(64).phases(&[log; 33], &mut phases);
            assert!(phases.iter().all(|x| x.abs() < 1e-5));
        }
    }
}

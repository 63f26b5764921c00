//! Noise of a spectrum that changes: white noise, filtered frame by frame between two windows that
//! overlap (Allen & Rabiner, "A unified approach to short-time Fourier analysis and synthesis",
//! 1977). Any thread; real-time safe after construction.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::noise::normal;
use crate::units::Frames;

/// A stream of noise. The same seed gives the same noise.
pub struct NoiseBank {
    hop: Frames,
    seed: u64,
    /// Number of the next frame.
    at: u64,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// A half of the window, rising.
    rise: Vec<f32>,
    /// White noise of the hops before and after the next frame's instant.
    white: Vec<f32>,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// What the last frame puts into the next hop.
    tail: Vec<f32>,
}

impl NoiseBank {
    /// For frames that are `hop` apart, through transforms of `length`, even and at least two hops.
    /// Allocates.
    ///
    /// # Panics
    /// If the length is less.
    #[must_use]
    pub fn new(hop: Frames, length: usize, seed: u64) -> Self {
        assert!(2 * hop <= length, "a window fits the transform");
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(length);
        let inverse = planner.plan_fft_inverse(length);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let step = std::f64::consts::FRAC_PI_2 / hop as f64;
        let mut made = Self {
            hop,
            seed,
            at: 0,
            rise: (0..hop)
                .map(|n| (step * (n as f64 + 0.5)).sin() as f32)
                .collect(),
            white: vec![0.0; 2 * hop],
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            scratch: vec![Complex::default(); scratch],
            tail: vec![0.0; hop],
            forward,
            inverse,
        };
        made.reset();
        made
    }

    /// Back to the first frame, with silence before it. Real-time safe.
    pub fn reset(&mut self) {
        self.at = 0;
        self.tail.fill(0.0);
        normal(self.seed, 0, &mut self.white[self.hop..]);
    }

    /// The `length / 2 + 1` gains of the next frame, by which white noise of unit variance is to be
    /// multiplied, and the hop that ends with its instant, added to `y`. Real-time safe.
    ///
    /// # Panics
    /// If a slice is of another length.
    pub fn step(&mut self, gains: &[f32], y: &mut [f32]) {
        let hop = self.hop;
        assert_eq!(gains.len(), self.spectrum.len(), "one gain per bin");
        assert_eq!(y.len(), hop, "one hop");
        self.white.copy_within(hop.., 0);
        self.at += 1;
        let first = self.at * hop as u64;
        normal(self.seed, first, &mut self.white[hop..]);
        y.iter_mut().zip(&self.tail).for_each(|(y, t)| *y += t);
        // Nothing to filter for.
        if gains.iter().all(|gain| *gain == 0.0) {
            return self.tail.fill(0.0);
        }
        let fall = self.rise.iter().rev();
        let window = self.rise.iter().chain(fall.clone());
        let (frame, rest) = self.time.split_at_mut(2 * hop);
        for ((x, white), window) in frame.iter_mut().zip(&self.white).zip(window) {
            *x = white * window;
        }
        rest.fill(0.0);
        self.forward
            .process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers are those of the transforms");
        let scale = 1.0 / self.time.len() as f32;
        for (bin, gain) in self.spectrum.iter_mut().zip(gains) {
            *bin *= scale * gain;
        }
        self.inverse
            .process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch)
            .expect("the buffers are those of the transforms");
        let (before, after) = self.time.split_at(hop);
        for ((y, x), window) in y.iter_mut().zip(before).zip(&self.rise) {
            *y += x * window;
        }
        for ((tail, x), window) in self.tail.iter_mut().zip(after).zip(fall) {
            *tail = x * window;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::stft::hann;

    const HOP: usize = 480;
    const LENGTH: usize = 1024;

    fn run(bank: &mut NoiseBank, gains: &[f32], frames: usize) -> Vec<f32> {
        let mut all = Vec::new();
        for _ in 0..frames {
            let mut y = [0.0; HOP];
            bank.step(gains, &mut y);
            all.extend(y);
        }
        all
    }

    /// The mean power of each bin of transforms of 1024, against that of white noise of unit
    /// variance.
    fn powers(signal: &[f32]) -> Vec<f64> {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(LENGTH);
        let window = hann(LENGTH);
        let norm: f64 = window.iter().map(|w| f64::from(w * w)).sum();
        let mut sums = vec![0.0; LENGTH / 2 + 1];
        let mut count = 0;
        for frame in signal.windows(LENGTH).step_by(LENGTH / 2) {
            let mut time: Vec<f32> = frame.iter().zip(&window).map(|(x, w)| x * w).collect();
            let mut bins = fft.make_output_vec();
            fft.process(&mut time, &mut bins).unwrap();
            for (sum, bin) in sums.iter_mut().zip(&bins) {
                *sum += f64::from(bin.norm_sqr());
            }
            count += 1;
        }
        sums.iter()
            .map(|sum| sum / norm / f64::from(count))
            .collect()
    }

    #[test]
    fn its_power_is_the_square_of_the_gains() {
        let flat = vec![0.5; LENGTH / 2 + 1];
        // Two hills, as formants are.
        let hill = |bin: f64, at: f64| (-((bin - at) / 25.0).powi(2)).exp();
        let hills: Vec<f32> = (0..=LENGTH / 2)
            .map(|bin| (0.01 + hill(bin as f64, 60.0) + 0.3 * hill(bin as f64, 250.0)) as f32)
            .collect();
        for gains in [flat, hills] {
            let mut bank = NoiseBank::new(HOP, LENGTH, 5);
            let got = powers(&run(&mut bank, &gains, 3_000)[HOP..]);
            // Over 8 bins, where the estimate is steady.
            for (n, (got, gains)) in got.chunks_exact(8).zip(gains.chunks_exact(8)).enumerate() {
                let want: f64 = gains.iter().map(|g| f64::from(g * g)).sum();
                let db = 10.0 * (got.iter().sum::<f64>() / want).log10();
                assert!(n == 0 || db.abs() < 0.5, "bins {}..: {db} dB", 8 * n);
            }
        }
    }

    #[test]
    fn it_is_the_same_after_a_reset_and_other_with_another_seed() {
        let gains = vec![1.0; LENGTH / 2 + 1];
        let mut bank = NoiseBank::new(HOP, LENGTH, 5);
        let first = run(&mut bank, &gains, 4);
        assert_ne!(run(&mut bank, &gains, 4), first);
        bank.reset();
        assert_eq!(run(&mut bank, &gains, 4), first);
        assert_ne!(run(&mut NoiseBank::new(HOP, LENGTH, 6), &gains, 4), first);
    }

    #[test]
    fn silence_is_silent_and_does_not_move_the_noise() {
        let (loud, none) = (vec![1.0; LENGTH / 2 + 1], vec![0.0; LENGTH / 2 + 1]);
        let mut bank = NoiseBank::new(HOP, LENGTH, 5);
        let whole = run(&mut bank, &loud, 8);
        bank.reset();
        let quiet = run(&mut bank, &none, 4);
        assert!(quiet.iter().all(|x| *x == 0.0));
        let later = run(&mut bank, &loud, 4);
        assert_eq!(later[HOP..], whole[5 * HOP..]);
    }
}

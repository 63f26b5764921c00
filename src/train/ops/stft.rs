//! Magnitudes of spectra that candle can differentiate, and the loss made of several resolutions
//! of them (Yamamoto, Song & Kim, "Parallel WaveGAN", 2020).

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::{by_rows, slice, values};
use crate::dsp::stft::hann;

/// Added to magnitudes before the logarithm.
const LEAST: f64 = 1e-5;

/// Spectra under Hann windows of one length: `[batch, samples]` to magnitudes
/// `[batch, frames, length / 2 + 1]`, without padding. A clone shares the transforms.
#[derive(Clone)]
pub struct Stft {
    hop: usize,
    window: Arc<[f32]>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Stft {
    /// Windows of `length` samples, even, `hop` apart.
    ///
    /// # Panics
    /// If the hop is 0.
    pub fn new(length: usize, hop: usize) -> Self {
        assert!(0 < hop, "time moves on");
        let mut planner = RealFftPlanner::new();
        Self {
            hop,
            window: hann(length).into(),
            forward: planner.plan_fft_forward(length),
            inverse: planner.plan_fft_inverse(length),
        }
    }

    fn frames(&self, samples: usize) -> usize {
        let spare = samples.checked_sub(self.window.len());
        spare.map_or(0, |spare| spare / self.hop + 1)
    }

    fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    /// The spectrum of one frame.
    fn spectrum(&self, x: &[f32], work: &mut Work) {
        for ((y, x), w) in work.time.iter_mut().zip(x).zip(&*self.window) {
            *y = x * w;
        }
        self.forward
            .process_with_scratch(&mut work.time, &mut work.bins, &mut work.scratch)
            .expect("the buffers are those the transform made");
    }

    fn work(&self) -> Work {
        let scratch = self.forward.get_scratch_len();
        let scratch = scratch.max(self.inverse.get_scratch_len());
        Work {
            time: self.forward.make_input_vec(),
            bins: self.forward.make_output_vec(),
            scratch: vec![Complex::default(); scratch],
        }
    }

    /// Magnitudes of a tensor.
    ///
    /// # Errors
    /// If it is not `[batch, samples]`.
    pub fn magnitudes(&self, x: &Tensor) -> Result<Tensor> {
        x.apply_op1(self.clone())
    }

    /// Adds to `dx`, one sequence, what the gradient `dy` of its magnitudes means for it.
    fn backward(&self, x: &[f32], dy: &[f32], dx: &mut [f32], work: &mut Work) {
        let last = self.bins() - 1;
        for (frame, dy) in dy.chunks_exact(self.bins()).enumerate() {
            let at = frame * self.hop;
            self.spectrum(&x[at..at + self.window.len()], work);
            for (k, (bin, d)) in work.bins.iter_mut().zip(dy).enumerate() {
                let size = bin.norm().max(1e-12);
                // The inverse transform counts all places but the outer ones twice.
                let share = if k == 0 || k == last { 1.0 } else { 0.5 };
                *bin *= share * d / size;
            }
            (work.bins[0].im, work.bins[last].im) = (0.0, 0.0);
            self.inverse
                .process_with_scratch(&mut work.bins, &mut work.time, &mut work.scratch)
                .expect("the buffers are those the transform made");
            let dx = &mut dx[at..at + self.window.len()];
            for ((dx, d), w) in dx.iter_mut().zip(&work.time).zip(&*self.window) {
                *dx += d * w;
            }
        }
    }
}

struct Work {
    time: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl CustomOp1 for Stft {
    fn name(&self) -> &'static str {
        "stft-magnitudes"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, samples) = layout.shape().dims2()?;
        let x = slice(x, layout)?;
        let (frames, bins) = (self.frames(samples), self.bins());
        let mut y = vec![0.0; batch * frames * bins];
        by_rows(&mut y, (frames * bins).max(1), |first, part| {
            let mut work = self.work();
            for (n, y) in part.chunks_exact_mut(frames * bins).enumerate() {
                let x = &x[(first + n) * samples..][..samples];
                for (frame, y) in y.chunks_exact_mut(bins).enumerate() {
                    self.spectrum(&x[frame * self.hop..][..self.window.len()], &mut work);
                    y.iter_mut()
                        .zip(&work.bins)
                        .for_each(|(y, bin)| *y = bin.norm());
                }
            }
        });
        Ok((CpuStorage::F32(y), Shape::from((batch, frames, bins))))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let (batch, samples) = x.dims2()?;
        let (xs, dys) = (values(x)?, values(dy)?);
        let each = y.elem_count() / batch.max(1);
        let mut dx = vec![0.0; batch * samples];
        by_rows(&mut dx, samples.max(1), |first, part| {
            let mut work = self.work();
            for (n, dx) in part.chunks_exact_mut(samples).enumerate() {
                let n = first + n;
                let (x, dy) = (&xs[n * samples..][..samples], &dys[n * each..][..each]);
                self.backward(x, dy, dx, &mut work);
            }
        });
        Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
    }
}

/// How far two signals, `[batch, samples]`, are from each other: the mean difference of the
/// logarithms of their magnitudes plus the relative size of the difference of the magnitudes
/// themselves, over some resolutions. `wanted` gets no gradient.
///
/// # Errors
/// If the shapes differ.
pub fn spectral_loss(found: &Tensor, wanted: &Tensor, resolutions: &[Stft]) -> Result<Tensor> {
    let mut losses = Vec::with_capacity(resolutions.len());
    let wanted = wanted.detach();
    for stft in resolutions {
        let (found, wanted) = (stft.magnitudes(found)?, stft.magnitudes(&wanted)?);
        let far = ((&found + LEAST)?.log()? - (&wanted + LEAST)?.log()?)?
            .abs()?
            .mean_all()?;
        let size = (wanted.sqr()?.sum_all()? + LEAST)?.sqrt()?;
        let missed = ((found - wanted)?.sqr()?.sum_all()? + LEAST * LEAST)?.sqrt()?;
        losses.push((far + (missed / size)?)?);
    }
    Tensor::stack(&losses, 0)?.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{check_gradients, random_var, weighted};
    use crate::train::random::Random;
    use candle_core::Device;

    #[test]
    fn magnitudes_are_those_of_the_definition() {
        let (length, hop, samples) = (16, 6, 40);
        let x = random_var(&mut Random::new(3), &[2, samples], 1.0);
        let found = Stft::new(length, hop).magnitudes(&x).unwrap();
        assert_eq!(found.dims(), [2, 5, 9]);
        let found = found.to_vec3::<f32>().unwrap();
        let signal = x.to_vec2::<f32>().unwrap();
        let window = hann(length);
        for (n, frames) in found.iter().enumerate() {
            for (frame, bins) in frames.iter().enumerate() {
                for (k, magnitude) in bins.iter().enumerate() {
                    let turn = std::f64::consts::TAU * k as f64 / length as f64;
                    let sum = (0..length).fold((0.0, 0.0), |(re, im), i| {
                        let x = f64::from(signal[n][frame * hop + i] * window[i]);
                        let (sin, cos) = (turn * i as f64).sin_cos();
                        (re + x * cos, im - x * sin)
                    });
                    assert!((f64::from(*magnitude) - sum.0.hypot(sum.1)).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn gradients_are_those_of_small_steps() {
        let mut random = Random::new(4);
        let x = random_var(&mut random, &[2, 60], 1.0);
        let stft = Stft::new(16, 5);
        check_gradients(&[&x], 1e-2, 1e-2, || {
            weighted(&stft.magnitudes(&x).unwrap(), 5)
        });
        let wanted = random_var(&mut random, &[2, 60], 1.0);
        let resolutions = [Stft::new(16, 5), Stft::new(32, 8)];
        check_gradients(&[&x], 1e-2, 3e-2, || {
            spectral_loss(&x, &wanted, &resolutions).unwrap()
        });
    }

    #[test]
    fn a_signal_is_near_itself_and_silence_is_no_trouble() {
        let x = random_var(&mut Random::new(5), &[1, 100], 1.0).as_detached_tensor();
        let resolutions = [Stft::new(32, 8)];
        let loss = |a: &Tensor, b: &Tensor| {
            spectral_loss(a, b, &resolutions)
                .unwrap()
                .to_scalar::<f32>()
                .unwrap()
        };
        assert!(loss(&x, &x) < 1e-4);
        let softer = (&x * 0.5).unwrap();
        assert!((loss(&softer, &x) - 0.5 - 2f32.ln()).abs() < 0.01);
        let silence = candle_core::Var::zeros((1, 100), candle_core::DType::F32, &Device::Cpu);
        let silence = silence.unwrap();
        let gradient = spectral_loss(&silence, &x, &resolutions)
            .unwrap()
            .backward()
            .unwrap();
        let gradient = values(gradient.get(&silence).unwrap()).unwrap();
        assert!(gradient.iter().all(|d| d.is_finite()));
    }
}

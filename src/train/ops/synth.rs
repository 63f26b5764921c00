//! Harmonics and noise that candle can differentiate by their gains. Both are linear in them, so
//! that the gradient is how much the gradient of the sound is like each part.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::{by_rows, slice, values};

/// Sums of harmonics: gains `[batch, frames, 2 * count]`, real parts and then imaginary parts of
/// each frame, to sound `[batch, (frames - 1) * hop]`. Between two frames gains are on a straight
/// line: `y(t) = sum over k of Re(gain_k(t) e^(2 pi i k phase(t)))`.
#[derive(Clone)]
pub struct Harmonics {
    /// Phase of the first harmonic in turns at every sample, `[batch, (frames - 1) * hop]`.
    pub phase: Arc<[f64]>,
    /// Samples from one frame to the next.
    pub hop: usize,
}

/// The harmonics of one segment, one after the other.
struct Turning {
    first: Vec<Complex<f32>>,
    now: Vec<Complex<f32>>,
}

impl Turning {
    fn new(phase: &[f64]) -> Self {
        let first = phase.iter().map(|phase| {
            let angle = std::f64::consts::TAU * phase.rem_euclid(1.0);
            Complex::new(angle.cos() as f32, angle.sin() as f32)
        });
        let first: Vec<_> = first.collect();
        Self {
            now: first.clone(),
            first,
        }
    }

    fn next(&mut self) {
        self.now
            .iter_mut()
            .zip(&self.first)
            .for_each(|(now, first)| *now *= first);
    }
}

impl Harmonics {
    /// Sound of a tensor of gains.
    ///
    /// # Errors
    /// If it is not of the shape, or there are not as many phases.
    pub fn sound(&self, gains: &Tensor) -> Result<Tensor> {
        let (batch, frames, _) = gains.dims3()?;
        let samples = batch * frames.saturating_sub(1) * self.hop;
        if samples != self.phase.len() {
            let found = self.phase.len();
            candle_core::bail!("expected {samples} phases, found {found}");
        }
        gains.apply_op1(self.clone())
    }

    /// One segment: from the gains of a frame to those of the next.
    fn segment(&self, phase: &[f64], gains: [&[f32]; 2], y: &mut [f32]) {
        let mut turning = Turning::new(phase);
        let count = gains[0].len() / 2;
        let step = 1.0 / self.hop as f32;
        for k in 0..count {
            let gain = |frame: usize| Complex::new(gains[frame][k], gains[frame][count + k]);
            let (from, rise) = (gain(0), (gain(1) - gain(0)) * step);
            for (t, (y, z)) in y.iter_mut().zip(&turning.now).enumerate() {
                let gain = from + rise * t as f32;
                *y += gain.re * z.re - gain.im * z.im;
            }
            turning.next();
        }
    }

    /// Adds what the gradient of a segment means for the gains of its frames, which lie side by
    /// side in `dg`.
    fn correlate(&self, phase: &[f64], dy: &[f32], dg: &mut [f32]) {
        let mut turning = Turning::new(phase);
        let (from, to) = dg.split_at_mut(dg.len() / 2);
        let count = from.len() / 2;
        let step = 1.0 / self.hop as f32;
        for k in 0..count {
            let (mut all, mut later) = (Complex::<f32>::default(), Complex::<f32>::default());
            for (t, (dy, z)) in dy.iter().zip(&turning.now).enumerate() {
                let part = z.conj() * dy;
                all += part;
                later += part * (t as f32 * step);
            }
            let sooner = all - later;
            from[k] += sooner.re;
            from[count + k] += sooner.im;
            to[k] += later.re;
            to[count + k] += later.im;
            turning.next();
        }
    }
}

impl CustomOp1 for Harmonics {
    fn name(&self) -> &'static str {
        "harmonics"
    }

    fn cpu_fwd(&self, gains: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, frames, width) = layout.shape().dims3()?;
        let gains = slice(gains, layout)?;
        let samples = frames.saturating_sub(1) * self.hop;
        let mut y = vec![0.0; batch * samples];
        by_rows(&mut y, self.hop, |first, part| {
            for (n, y) in part.chunks_exact_mut(self.hop).enumerate() {
                let segment = first + n;
                // There is one segment less than frames in each sequence.
                let frame = segment + segment / (frames - 1);
                let gain = |n: usize| &gains[(frame + n) * width..][..width];
                let phase = &self.phase[segment * self.hop..][..self.hop];
                self.segment(phase, [gain(0), gain(1)], y);
            }
        });
        Ok((CpuStorage::F32(y), Shape::from((batch, samples))))
    }

    fn bwd(&self, gains: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let (batch, frames, width) = gains.dims3()?;
        let dy = values(dy)?;
        let mut dg = vec![0.0; batch * frames * width];
        by_rows(&mut dg, frames * width, |first, part| {
            for (n, dg) in part.chunks_exact_mut(frames * width).enumerate() {
                for frame in 0..frames - 1 {
                    let at = ((first + n) * (frames - 1) + frame) * self.hop;
                    let around = at..at + self.hop;
                    let dg = &mut dg[frame * width..(frame + 2) * width];
                    self.correlate(&self.phase[around.clone()], &dy[around], dg);
                }
            }
        });
        Ok(Some(Tensor::from_vec(dg, gains.shape(), gains.device())?))
    }
}

/// Noise through a filter for each frame: gains `[batch, frames, hop + 1]` of equally spaced places
/// of the spectrum to sound `[batch, (frames - 1) * hop]`. Each frame's noise is windowed by a
/// sine before and after the filter, twice as long as the hop, and added to its neighbours'.
#[derive(Clone)]
pub struct FilteredNoise {
    hop: usize,
    window: Arc<[f32]>,
    /// Spectra of the windowed noise, `[batch, frames, hop + 1]`.
    spectra: Arc<[Complex<f32>]>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl FilteredNoise {
    /// For white noise of so many sequences of frames, `[batch, (frames + 1) * hop]`, the first frame in the middle
    /// of its first two hops.
    ///
    /// # Panics
    /// If there is less noise.
    pub fn new(noise: &[f32], batch: usize, frames: usize, hop: usize) -> Self {
        let each = (frames + 1) * hop;
        assert!(
            batch * each <= noise.len(),
            "there is noise for every frame"
        );
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (
            planner.plan_fft_forward(2 * hop),
            planner.plan_fft_inverse(2 * hop),
        );
        let step = std::f64::consts::PI / (2 * hop) as f64;
        let window: Vec<f32> = (0..2 * hop)
            .map(|i| (step * (i as f64 + 0.5)).sin() as f32)
            .collect();
        let mut spectra = Vec::with_capacity(batch * frames * (hop + 1));
        let (mut time, mut bins) = (forward.make_input_vec(), forward.make_output_vec());
        for n in 0..batch {
            for frame in 0..frames {
                let from = &noise[n * each + frame * hop..];
                for ((y, x), w) in time.iter_mut().zip(from).zip(&window) {
                    *y = x * w;
                }
                forward
                    .process(&mut time, &mut bins)
                    .expect("the buffers are the transform's");
                spectra.extend_from_slice(&bins);
            }
        }
        Self {
            hop,
            window: window.into(),
            spectra: spectra.into(),
            forward,
            inverse,
        }
    }

    /// Sound of a tensor of gains.
    ///
    /// # Errors
    /// If it is not of the shape.
    pub fn sound(&self, gains: &Tensor) -> Result<Tensor> {
        if gains.elem_count() != self.spectra.len() {
            let (wanted, found) = (self.spectra.len(), gains.elem_count());
            candle_core::bail!("expected {wanted} gains, found {found}");
        }
        gains.apply_op1(self.clone())
    }

    /// Where a frame's part of the sound lies: from which sample of the part to which, and the
    /// first sample of the sound it is added to. Half of the first and of the last is cut off.
    fn overlap(&self, frame: usize, frames: usize) -> (std::ops::Range<usize>, usize) {
        let from = if frame == 0 { self.hop } else { 0 };
        let to = if frame + 1 == frames {
            self.hop
        } else {
            2 * self.hop
        };
        (from..to.max(from), (frame * self.hop + from) - self.hop)
    }
}

impl CustomOp1 for FilteredNoise {
    fn name(&self) -> &'static str {
        "filtered-noise"
    }

    fn cpu_fwd(&self, gains: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, frames, width) = layout.shape().dims3()?;
        let gains = slice(gains, layout)?;
        let samples = frames.saturating_sub(1) * self.hop;
        let mut y = vec![0.0; batch * samples];
        let scale = 1.0 / (2 * self.hop) as f32;
        by_rows(&mut y, samples.max(1), |first, part| {
            let (mut bins, mut time) = (
                self.inverse.make_input_vec(),
                self.inverse.make_output_vec(),
            );
            for (n, y) in part.chunks_exact_mut(samples).enumerate() {
                for frame in 0..frames {
                    let at = ((first + n) * frames + frame) * width;
                    let spectrum = self.spectra[at..].iter().zip(&gains[at..]);
                    bins.iter_mut()
                        .zip(spectrum)
                        .for_each(|(bin, (x, gain))| *bin = x * gain);
                    (bins[0].im, bins[width - 1].im) = (0.0, 0.0);
                    self.inverse
                        .process(&mut bins, &mut time)
                        .expect("the buffers are the transform's");
                    let (part, at) = self.overlap(frame, frames);
                    let windowed = time[part.clone()].iter().zip(&self.window[part]);
                    for (y, (x, w)) in y[at..].iter_mut().zip(windowed) {
                        *y += scale * x * w;
                    }
                }
            }
        });
        Ok((CpuStorage::F32(y), Shape::from((batch, samples))))
    }

    fn bwd(&self, gains: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let (_, frames, width) = gains.dims3()?;
        let samples = frames.saturating_sub(1) * self.hop;
        let dy = values(dy)?;
        let mut dg = vec![0.0; gains.elem_count()];
        let scale = 1.0 / (2 * self.hop) as f32;
        by_rows(&mut dg, width, |first, part| {
            let (mut time, mut bins) = (
                self.forward.make_input_vec(),
                self.forward.make_output_vec(),
            );
            for (n, dg) in part.chunks_exact_mut(width).enumerate() {
                let (sequence, frame) = ((first + n) / frames, (first + n) % frames);
                let (part, at) = self.overlap(frame, frames);
                time.fill(0.0);
                let sound = dy[sequence * samples + at..]
                    .iter()
                    .zip(&self.window[part.clone()]);
                for (x, (dy, w)) in time[part].iter_mut().zip(sound) {
                    *x = dy * w;
                }
                self.forward
                    .process(&mut time, &mut bins)
                    .expect("the buffers are the transform's");
                let spectrum = self.spectra[(first + n) * width..].iter();
                for (k, ((d, bin), x)) in dg.iter_mut().zip(&bins).zip(spectrum).enumerate() {
                    let twice = if k == 0 || k == width - 1 { 1.0 } else { 2.0 };
                    *d = twice * scale * (x.re * bin.re + x.im * bin.im);
                }
            }
        });
        Ok(Some(Tensor::from_vec(dg, gains.shape(), gains.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ops::testing::{check_gradients, random_var, weighted};
    use crate::train::random::Random;
    use candle_core::{Device, Var};

    fn harmonics(batch: usize, frames: usize, hop: usize) -> Harmonics {
        let each = (frames - 1) * hop;
        let phase = (0..batch * each).map(|i| {
            let t = (i % each) as f64 / hop as f64;
            0.3 * (i / each) as f64 + 0.9 * t + 0.05 * t * t
        });
        Harmonics {
            phase: phase.collect(),
            hop,
        }
    }

    #[test]
    fn harmonics_are_those_of_the_definition() {
        let (batch, frames, hop, count) = (2, 4, 12, 3);
        let op = harmonics(batch, frames, hop);
        let gains = random_var(&mut Random::new(3), &[batch, frames, 2 * count], 1.0);
        let sound = op.sound(&gains).unwrap().to_vec2::<f32>().unwrap();
        let gains = gains.to_vec3::<f32>().unwrap();
        for (n, sound) in sound.iter().enumerate() {
            for (t, y) in sound.iter().enumerate() {
                let (frame, share) = (t / hop, (t % hop) as f64 / hop as f64);
                let at = |i: usize| {
                    let (a, b) = (gains[n][frame][i], gains[n][frame + 1][i]);
                    f64::from(a) + share * f64::from(b - a)
                };
                let wanted: f64 = (0..count)
                    .map(|k| {
                        let turns = (k + 1) as f64 * op.phase[n * sound.len() + t];
                        let (sin, cos) = (std::f64::consts::TAU * turns).sin_cos();
                        at(k) * cos - at(count + k) * sin
                    })
                    .sum();
                assert!(
                    (f64::from(*y) - wanted).abs() < 1e-5,
                    "{n}, {t}: {y} {wanted}"
                );
            }
        }
        assert!(
            op.sound(&Tensor::zeros((1, 4, 6), candle_core::DType::F32, &Device::Cpu).unwrap())
                .is_err()
        );
    }

    #[test]
    fn noise_keeps_its_power_and_takes_the_shape_of_its_filter() {
        let (frames, hop) = (400, 32);
        let mut random = Random::new(5);
        let noise: Vec<f32> = (0..(frames + 1) * hop)
            .map(|_| random.normal() as f32)
            .collect();
        let op = FilteredNoise::new(&noise, 1, frames, hop);
        let sound = |gain: &dyn Fn(usize) -> f32| {
            let gains = (0..frames * (hop + 1))
                .map(|i| gain(i % (hop + 1)))
                .collect();
            let gains = Tensor::from_vec(gains, (1, frames, hop + 1), &Device::Cpu).unwrap();
            values(&op.sound(&gains).unwrap()).unwrap()
        };
        // Windows of sine twice add up to 1: without a filter the noise is what it was.
        for (i, y) in sound(&|_| 1.0).iter().enumerate() {
            assert!((y - noise[hop + i]).abs() < 1e-4, "{i}");
        }
        let low = sound(&|bin| if bin < hop / 2 { 2.0 } else { 0.0 });
        let power = low.iter().map(|x| x * x).sum::<f32>() / low.len() as f32;
        assert!((power - 2.0).abs() < 0.2, "{power}");
    }

    #[test]
    fn gradients_are_those_of_small_steps() {
        let mut random = Random::new(6);
        let gains = random_var(&mut random, &[2, 4, 6], 1.0);
        let op = harmonics(2, 4, 12);
        check_gradients(&[&gains], 0.1, 1e-3, || {
            weighted(&op.sound(&gains).unwrap(), 7)
        });
        let noise: Vec<f32> = (0..2 * 5 * 8).map(|_| random.normal() as f32).collect();
        let op = FilteredNoise::new(&noise, 2, 4, 8);
        let gains: Var = random_var(&mut random, &[2, 4, 9], 1.0);
        check_gradients(&[&gains], 0.1, 1e-3, || {
            weighted(&op.sound(&gains).unwrap(), 8)
        });
    }
}

//! Band-limited reading of a signal between its frames: windowed-sinc kernels, also for reading
//! faster than real time without aliasing. Any thread; never allocates after construction.

use crate::units::Frames;

/// Fractional positions tabulated per frame; weights in between are interpolated linearly, which
/// leaves an error near -90 dB.
const PHASES: usize = 128;

/// The longest kernel, in taps.
pub const MAX_TAPS: usize = 48;

/// Weights of one fractional position, for reuse over many frames.
pub type Weights = [f32; MAX_TAPS];

/// One low-pass kernel at all fractional positions.
#[derive(Clone, Debug)]
pub struct Kernel {
    half: usize,
    rows: Vec<f32>,
}

impl Kernel {
    /// A kernel with `2 * half` taps and a cutoff relative to the Nyquist frequency. `half` is a
    /// multiple of 4 and at most `MAX_TAPS / 2`. Allocates.
    fn new(half: usize, cutoff: f64) -> Self {
        debug_assert!(half.is_multiple_of(4) && 2 * half <= MAX_TAPS);
        let mut rows = Vec::with_capacity((PHASES + 1) * 2 * half);
        for phase in 0..=PHASES {
            let fraction = phase as f64 / PHASES as f64;
            let row: Vec<f64> = (0..2 * half)
                .map(|tap| {
                    let t = tap as f64 - (half as f64 - 1.0) - fraction;
                    cutoff * sinc(cutoff * t) * kaiser(t / half as f64)
                })
                .collect();
            // Unity gain at 0 Hz at every phase, so that a constant has no ripple.
            let sum: f64 = row.iter().sum();
            rows.extend(row.iter().map(|weight| (weight / sum) as f32));
        }
        Self { half, rows }
    }

    /// Frames needed before and after a position, at most.
    #[must_use]
    pub fn half(&self) -> Frames {
        self.half
    }

    /// Taps of the kernel, a multiple of 8.
    #[must_use]
    pub fn taps(&self) -> Frames {
        2 * self.half
    }

    /// The first frame that is read for a position between `floor` and `floor + 1`.
    #[must_use]
    pub fn first(&self, floor: i64) -> i64 {
        floor + 1 - self.half as i64
    }

    /// The weights for a fraction 0..=1. Real-time safe.
    #[must_use]
    pub fn weights(&self, fraction: f32) -> Weights {
        let (low, high, mix) = self.rows_at(fraction);
        let mut weights = [0.0; MAX_TAPS];
        for ((weight, low), high) in weights.iter_mut().zip(low).zip(high) {
            *weight = low + mix * (high - low);
        }
        weights
    }

    /// The signal at `fraction` into the `taps()` frames given. Real-time safe.
    #[must_use]
    pub fn read(&self, frames: &[f32], fraction: f32) -> f32 {
        let (low, high, mix) = self.rows_at(fraction);
        let mut sums = [0.0f32; 8];
        for ((frames, low), high) in frames
            .chunks_exact(8)
            .zip(low.chunks_exact(8))
            .zip(high.chunks_exact(8))
        {
            for lane in 0..8 {
                sums[lane] += frames[lane] * (low[lane] + mix * (high[lane] - low[lane]));
            }
        }
        sum8(sums)
    }

    fn rows_at(&self, fraction: f32) -> (&[f32], &[f32], f32) {
        let position = fraction.clamp(0.0, 1.0) * PHASES as f32;
        let phase = (position as usize).min(PHASES - 1);
        let taps = self.taps();
        let (low, high) = self.rows[phase * taps..(phase + 2) * taps].split_at(taps);
        (low, high, position - phase as f32)
    }
}

/// The signal under fixed weights. `frames` and `weights` are as long as the kernel has taps.
/// Real-time safe.
#[must_use]
pub fn weigh(frames: &[f32], weights: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    for (frames, weights) in frames.chunks_exact(8).zip(weights.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += frames[lane] * weights[lane];
        }
    }
    sum8(sums)
}

/// Kernels for every reading speed up to two frames per frame.
#[derive(Clone, Debug)]
pub struct Kernels {
    kernels: [Kernel; 5],
}

impl Default for Kernels {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernels {
    /// Half lengths for reading speeds 1, 2^(1/4), 2^(1/2), 2^(3/4) and 2.
    const HALVES: [usize; 5] = [12, 16, 20, 20, 24];

    /// All kernels. Allocates.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kernels: std::array::from_fn(|i| {
                Kernel::new(Self::HALVES[i], (-(i as f64) / 4.0).exp2())
            }),
        }
    }

    /// The kernel for reading this many frames per frame. Real-time safe.
    #[must_use]
    pub fn for_speed(&self, speed: f64) -> &Kernel {
        // A hundredth of an octave of aliasing is allowed before the next kernel, so that
        // rounding at exactly 1 does not dull the sound.
        let step = (4.0 * speed.max(1.0).log2() - 0.04).ceil().clamp(0.0, 4.0);
        &self.kernels[step as usize]
    }
}

fn sum8(s: [f32; 8]) -> f32 {
    ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}

fn sinc(t: f64) -> f64 {
    let x = std::f64::consts::PI * t;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// The Kaiser window with about 80 dB of side-lobe rejection, on -1..=1.
fn kaiser(t: f64) -> f64 {
    const BETA: f64 = 8.0;
    if t.abs() > 1.0 {
        return 0.0;
    }
    bessel_i0(BETA * (1.0 - t * t).max(0.0).sqrt()) / bessel_i0(BETA)
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_between_frames_is_right_to_minus_70_db() {
        let kernels = Kernels::new();
        for (speed, cycles) in [(1.0, 0.05), (1.0, 0.35), (0.5, 0.3), (1.4, 0.2), (2.0, 0.1)] {
            let kernel = kernels.for_speed(speed);
            let sine = |t: f64| (2.0 * std::f64::consts::PI * cycles * t).sin();
            for i in 0..200 {
                let at = 100.0 + 0.377 * f64::from(i);
                let floor = at.floor();
                let first = kernel.first(floor as i64);
                let frames: Vec<f32> = (0..kernel.taps())
                    .map(|tap| sine((first + tap as i64) as f64) as f32)
                    .collect();
                let fraction = (at - floor) as f32;
                let error = f64::from(kernel.read(&frames, fraction)) - sine(at);
                assert!(error.abs() < 3e-4, "{speed} {cycles}: {error}");
                let weights = kernel.weights(fraction);
                let fixed = weigh(&frames, &weights[..kernel.taps()]);
                assert!((f64::from(fixed) - sine(at)).abs() < 3e-4);
            }
        }
    }

    #[test]
    fn whole_positions_are_exact() {
        let kernels = Kernels::new();
        let kernel = kernels.for_speed(1.0);
        let weights = kernel.weights(0.0);
        for (tap, weight) in weights[..kernel.taps()].iter().enumerate() {
            let expected = f32::from(u8::from(tap == kernel.half() - 1));
            assert!((weight - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn reading_faster_rejects_what_would_alias() {
        let kernels = Kernels::new();
        let kernel = kernels.for_speed(2.0);
        for i in 0..50 {
            let phase = 0.1 * f64::from(i);
            let frames: Vec<f32> = (0..kernel.taps())
                .map(|tap| (2.0 * std::f64::consts::PI * 0.4 * tap as f64 + phase).sin() as f32)
                .collect();
            assert!(kernel.read(&frames, 0.3).abs() < 2e-3);
        }
    }
}

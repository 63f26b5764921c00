//! Whole-number decimation of an analysis signal, frame by frame. Any thread; never allocates
//! after construction. Made for pitch analysis: a short filter with little delay and about 50 dB
//! of rejection, not for sound that is heard.

use autovoice_kernels::cpu::dot;

use super::history::History;
use crate::units::Frames;

/// A streaming low-pass filter that keeps every n-th frame.
#[derive(Clone, Debug)]
pub struct Decimator {
    factor: usize,
    taps: Vec<f32>,
    history: History,
    phase: usize,
}

impl Decimator {
    /// Filter length on either side, in output frames. It sets the delay.
    const SIDE: usize = 4;

    /// A decimator by `factor`, at least 1. Allocates.
    #[must_use]
    pub fn new(factor: usize) -> Self {
        let factor = factor.max(1);
        let taps = if factor == 1 {
            vec![1.0]
        } else {
            lowpass(Self::SIDE * factor, 0.8 / factor as f64)
        };
        let history = History::new(taps.len());
        Self {
            factor,
            taps,
            history,
            phase: 0,
        }
    }

    /// The delay in input frames.
    #[must_use]
    pub fn delay(&self) -> Frames {
        self.taps.len() / 2
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.history.reset();
        self.phase = 0;
    }

    /// Takes one frame; gives one with every `factor`-th, beginning with the first. Output frame
    /// `k` belongs to input frame `k * factor - delay`. Real-time safe.
    pub fn push(&mut self, sample: f32) -> Option<f32> {
        self.history.push(sample);
        let due = self.phase == 0;
        self.phase = (self.phase + 1) % self.factor;
        due.then(|| {
            let n = self.taps.len();
            let past = self.history.range(self.history.written() - n as i64, n);
            dot(past, &self.taps)
        })
    }
}

/// A Blackman-windowed sinc of `2 * side + 1` taps, unity gain at 0 Hz. `cutoff` is relative to
/// the Nyquist frequency.
fn lowpass(side: usize, cutoff: f64) -> Vec<f32> {
    use std::f64::consts::PI;
    let n = side as f64 + 1.0;
    let taps: Vec<f64> = (0..=2 * side)
        .map(|i| {
            let t = i as f64 - side as f64;
            let sinc = if t == 0.0 {
                1.0
            } else {
                (PI * cutoff * t).sin() / (PI * cutoff * t)
            };
            sinc * (0.42 + 0.5 * (PI * t / n).cos() + 0.08 * (2.0 * PI * t / n).cos())
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|h| (h / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amplitude of a sine of `cycles` per input frame after decimation by `factor`.
    fn gain(factor: usize, cycles: f64) -> f64 {
        let mut decimator = Decimator::new(factor);
        let (mut sin, mut cos, mut n) = (0.0, 0.0, 0.0);
        for i in 0..4000 * factor {
            let phase = 2.0 * std::f64::consts::PI * cycles * i as f64;
            if let Some(y) = decimator.push(phase.cos() as f32)
                && i > 100 * factor
            {
                sin += f64::from(y) * phase.sin();
                cos += f64::from(y) * phase.cos();
                n += 0.5;
            }
        }
        (sin * sin + cos * cos).sqrt() / n
    }

    #[test]
    fn passes_the_voice_and_rejects_what_would_fold_onto_it() {
        for factor in [2, 3, 4, 8] {
            let nyquist = 0.5 / factor as f64;
            assert!((gain(factor, 0.3 * nyquist) - 1.0).abs() < 0.02);
            assert!(gain(factor, 1.7 * nyquist) < 0.01, "factor {factor}");
        }
        assert!((gain(1, 0.2) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_delay_is_what_it_says() {
        for factor in [1, 2, 3, 5] {
            let mut decimator = Decimator::new(factor);
            let (mut best, mut at) = (0.0, 0);
            let impulse = 20 * factor;
            let mut k = 0;
            for i in 0..60 * factor {
                if let Some(y) = decimator.push(f32::from(u8::from(i == impulse))) {
                    if y > best {
                        (best, at) = (y, k * factor);
                    }
                    k += 1;
                }
            }
            assert_eq!(at, impulse + decimator.delay());
        }
    }
}

//! The excitation of a voice: a sine at its pitch where it is voiced, noise where it is not (Wang,
//! Takaki & Yamagishi, "Neural source-filter waveform models for statistical parametric speech
//! synthesis", 2020). Any thread; real-time safe after construction.

use std::f64::consts::TAU;

use autovoice_kernels::cpu::tanh;

use crate::nn::{Scope, WeightsError};

/// Amplitude of the sine.
const SINE: f32 = 0.1;
/// Deviation of the noise where there is a sine, and where there is none.
const NOISE: (f32, f32) = (0.003, SINE / 3.0);

/// The excitation of one stream.
#[derive(Clone, Debug)]
pub struct Source {
    rate_hz: f64,
    hop: usize,
    gain: f32,
    offset: f32,
    /// Cycles, below 1. In `f32` it would drift by a cycle in minutes.
    phase: f64,
}

impl Source {
    /// From `l_linear`. Allocates nothing.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(rate_hz: u32, hop: usize, weights: &Scope) -> Result<Self, WeightsError> {
        let linear = weights.part("l_linear");
        Ok(Self {
            rate_hz: f64::from(rate_hz),
            hop,
            gain: linear.get("weight", &[1, 1])?[0],
            offset: linear.get("bias", &[1])?[0],
            phase: 0.0,
        })
    }

    /// Begins anew at phase 0. Real-time safe.
    pub fn reset(&mut self) {
        self.phase = 0.0;
    }

    /// Sine and noise: `pitch` in Hz, one per frame, 0 where unvoiced; `noise`, normal deviates, and
    /// `y`, one per sample. Real-time safe.
    ///
    /// # Panics
    /// If `noise` or `y` is shorter than the frames are.
    pub fn excite(&mut self, pitch: &[f32], noise: &[f32], y: &mut [f32]) {
        let noise = noise.chunks_exact(self.hop);
        let frames = pitch.iter().zip(noise.zip(y.chunks_exact_mut(self.hop)));
        for (hz, (noise, y)) in frames {
            let turn = f64::from(*hz) / self.rate_hz;
            let is_voiced = *hz > 0.0;
            let (sine, deviation) = match is_voiced {
                true => (SINE, NOISE.0),
                false => (0.0, NOISE.1),
            };
            for (noise, y) in noise.iter().zip(y) {
                self.phase += turn;
                self.phase -= self.phase.floor();
                let wave = match is_voiced {
                    true => (TAU * self.phase).sin() as f32,
                    false => 0.0,
                };
                *y = sine * wave + deviation * noise;
            }
        }
    }

    /// What the generator hears of an excitation, in place. Real-time safe.
    pub fn shape(&self, y: &mut [f32]) {
        for y in y.iter_mut() {
            *y = self.gain * *y + self.offset;
        }
        tanh(y);
    }
}

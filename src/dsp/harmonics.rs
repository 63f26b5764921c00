//! A sum of harmonics of a pitch that glides, each with its own amplitude and phase (McAulay &
//! Quatieri, "Speech analysis/synthesis based on a sinusoidal representation", 1986). Any thread;
//! real-time safe after construction.
//!
//! Frames are a hop apart; between them pitch and gains are on straight lines. Where a voice begins
//! or ends between two frames it keeps its pitch and fades.

use std::f64::consts::TAU;

use autovoice_kernels::cpu::{Glide, harmonic_sum};
use realfft::num_complex::Complex;

use crate::units::Frames;

/// A pitch that is this many times as high or low as a frame ago is another tone: one fades out as
/// the other fades in.
const LEAP: f64 = 1.3;

/// A stream of harmonics.
#[derive(Clone, Debug)]
pub struct Harmonics {
    rate_hz: f64,
    /// Of the fundamental at the last frame, in turns.
    phase: f64,
    /// Pitch and gains of the last frame; no pitch where unvoiced.
    last_hz: f64,
    last: Vec<Complex<f32>>,
    /// The gains over a segment.
    glides: Vec<Glide>,
    /// Cosine and sine of the fundamental at each sample.
    cos: Vec<f32>,
    sin: Vec<f32>,
}

/// A pitch from one frame to the next, and the gains it has there.
struct Segment<'a> {
    hz: [f64; 2],
    gains: [&'a [Complex<f32>]; 2],
}

impl Harmonics {
    /// For frames that are `hop` apart, with at most `most` harmonics each. Allocates.
    #[must_use]
    pub fn new(rate_hz: u32, hop: Frames, most: usize) -> Self {
        Self {
            rate_hz: f64::from(rate_hz),
            phase: 0.0,
            last_hz: 0.0,
            last: Vec::with_capacity(most),
            glides: Vec::with_capacity(most),
            cos: vec![0.0; hop],
            sin: vec![0.0; hop],
        }
    }

    /// Forgets the past. Real-time safe.
    pub fn reset(&mut self) {
        self.phase = 0.0;
        self.last_hz = 0.0;
        self.last.clear();
    }

    /// The next frame: its pitch, 0 where unvoiced, and the gain of each harmonic of it, the first
    /// that of the pitch itself; a gain of 1 is a cosine of amplitude 1. The hop that ends with its
    /// instant is added to `y`. Real-time safe.
    ///
    /// # Panics
    /// If there are more harmonics than was said, or `y` is no hop.
    pub fn step(&mut self, hz: f64, gains: &[Complex<f32>], y: &mut [f32]) {
        assert!(
            gains.len() <= self.glides.capacity(),
            "no more harmonics than said"
        );
        assert_eq!(y.len(), self.cos.len(), "one hop");
        let gains = if 0.0 < hz { gains } else { &[] };
        let mut last = std::mem::take(&mut self.last);
        let before = self.last_hz;
        let goes_on = 0.0 < before && 0.0 < hz && hz < LEAP * before && before < LEAP * hz;
        if goes_on {
            let both = Segment {
                hz: [before, hz],
                gains: [&last, gains],
            };
            self.phase = self.add(&both, y);
        } else {
            let ends = Segment {
                hz: [before; 2],
                gains: [&last, &[]],
            };
            let begins = Segment {
                hz: [hz; 2],
                gains: [&[], gains],
            };
            let [after, begun] = [self.add(&ends, y), self.add(&begins, y)];
            self.phase = if 0.0 < hz { begun } else { after };
        }
        last.clear();
        last.extend_from_slice(gains);
        self.last = last;
        self.last_hz = hz.max(0.0);
    }

    /// Adds a segment that begins with the phase of the last frame; gives that of its end.
    fn add(&mut self, segment: &Segment, y: &mut [f32]) -> f64 {
        let [from_hz, to_hz] = segment.hz;
        let hop = self.cos.len() as f64;
        let first = from_hz / self.rate_hz;
        let growth = 0.5 * (to_hz - from_hz) / (hop * self.rate_hz);
        let phase = |n: f64| (self.phase + n * (first + growth * n)).fract();
        let end = phase(hop);
        let [from, to] = segment.gains;
        let count = from.len().max(to.len());
        if count == 0 {
            return end;
        }
        let gain = |gains: &[Complex<f32>], n: usize| gains.get(n).copied().unwrap_or_default();
        self.glides.clear();
        self.glides.extend((0..count).map(|n| {
            let (from, to) = (gain(from, n), gain(to, n));
            [from.re, from.im, to.re - from.re, to.im - from.im]
        }));
        for (n, (cos, sin)) in self.cos.iter_mut().zip(&mut self.sin).enumerate() {
            let (exact_sin, exact_cos) = (TAU * phase(n as f64)).sin_cos();
            (*cos, *sin) = (exact_cos as f32, exact_sin as f32);
        }
        harmonic_sum(&self.cos, &self.sin, &self.glides, y);
        end
    }
}

//! A sum of harmonics of a pitch that glides, each with its own amplitude and phase (McAulay &
//! Quatieri, "Speech analysis/synthesis based on a sinusoidal representation", 1986). Any thread;
//! real-time safe after construction.
//!
//! Frames are a hop apart; between them gains are on straight lines, and so is the pitch between as
//! many instants as are known. Where a voice ends between two frames it keeps its pitch and fades.

use std::f64::consts::TAU;

use autovoice_kernels::cpu::{Glide, harmonic_sum};
use realfft::num_complex::Complex;

use crate::units::Frames;

/// A pitch that is this many times as high or low as a frame ago is another tone: one fades out as
/// the other fades in. On the way to a frame it is none at all.
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

/// The way from one frame to the next: pitches, and the gains at both ends.
struct Segment<'a> {
    from_hz: f64,
    /// At equal steps up to the end. Those that are not near the last are as it is.
    way_hz: &'a [f64],
    gains: [&'a [Complex<f32>]; 2],
}

/// Whether two pitches are of one tone.
fn near(one: f64, other: f64) -> bool {
    0.0 < one && 0.0 < other && one < LEAP * other && other < LEAP * one
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

    /// The next frame: pitches at equal steps on the way to it, the last its own, 0 where unvoiced,
    /// and the gain of each harmonic of it, the first that of the pitch itself; a gain of 1 is a
    /// cosine of amplitude 1. The hop that ends with its instant is added to `y`. Real-time safe.
    ///
    /// # Panics
    /// If there are more harmonics than was said, `y` is no hop, or the steps are no whole samples.
    pub fn step(&mut self, way_hz: &[f64], gains: &[Complex<f32>], y: &mut [f32]) {
        assert!(
            gains.len() <= self.glides.capacity(),
            "no more harmonics than said"
        );
        assert_eq!(y.len(), self.cos.len(), "one hop");
        let hz = way_hz.last().map_or(0.0, |hz| hz.max(0.0));
        let gains = if 0.0 < hz { gains } else { &[] };
        let mut last = std::mem::take(&mut self.last);
        let before = self.last_hz;
        if near(before, hz) {
            let both = Segment {
                from_hz: before,
                way_hz,
                gains: [&last, gains],
            };
            self.phase = self.add(&both, y);
        } else {
            let ends = Segment {
                from_hz: before,
                way_hz: &[before],
                gains: [&last, &[]],
            };
            let first = way_hz.iter().find(|first| near(**first, hz));
            let begins = Segment {
                from_hz: first.map_or(hz, |first| *first),
                way_hz,
                gains: [&[], gains],
            };
            let [after, begun] = [self.add(&ends, y), self.add(&begins, y)];
            self.phase = if 0.0 < hz { begun } else { after };
        }
        last.clear();
        last.extend_from_slice(gains);
        self.last = last;
        self.last_hz = hz;
    }

    /// Adds a segment that begins with the phase of the last frame; gives that of its end.
    fn add(&mut self, segment: &Segment, y: &mut [f32]) -> f64 {
        let Segment {
            mut from_hz,
            way_hz,
            gains: [from, to],
        } = *segment;
        let steps = way_hz.len().max(1);
        assert!(self.cos.len().is_multiple_of(steps), "whole samples");
        let step = self.cos.len() / steps;
        let end_hz = way_hz.last().copied().unwrap_or(from_hz);
        let count = from.len().max(to.len());
        let mut turned = self.phase;
        let waves = self.cos.chunks_exact_mut(step);
        let waves = waves.zip(self.sin.chunks_exact_mut(step));
        for ((cos, sin), hz) in waves.zip(way_hz) {
            let to_hz = if near(*hz, end_hz) { *hz } else { end_hz };
            let first = from_hz / self.rate_hz;
            let growth = 0.5 * (to_hz - from_hz) / (step as f64 * self.rate_hz);
            let phase = |n: f64| (turned + n * (first + growth * n)).fract();
            if 0 < count {
                for (n, (cos, sin)) in cos.iter_mut().zip(sin).enumerate() {
                    let (exact_sin, exact_cos) = (TAU * phase(n as f64)).sin_cos();
                    (*cos, *sin) = (exact_cos as f32, exact_sin as f32);
                }
            }
            turned = phase(step as f64);
            from_hz = to_hz;
        }
        if count == 0 {
            return turned;
        }
        let gain = |gains: &[Complex<f32>], n: usize| gains.get(n).copied().unwrap_or_default();
        self.glides.clear();
        self.glides.extend((0..count).map(|n| {
            let (from, to) = (gain(from, n), gain(to, n));
            [from.re, from.im, to.re - from.re, to.im - from.im]
        }));
        harmonic_sum(&self.cos, &self.sin, &self.glides, y);
        turned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const HOP: usize = 480;

    /// What comes out for frames of these pitches, all of these gains.
    fn run(harmonics: &mut Harmonics, hz: &[f64], gains: &[Complex<f32>]) -> Vec<f32> {
        let mut all = Vec::new();
        for hz in hz {
            let mut y = [0.0; HOP];
            harmonics.step(&[*hz], gains, &mut y);
            all.extend(y);
        }
        all
    }

    fn gains(count: usize) -> Vec<Complex<f32>> {
        let one = |n: usize| Complex::from_polar(0.5 / (n + 1) as f32, 0.7 * (n * n) as f32);
        (0..count).map(one).collect()
    }

    #[test]
    fn harmonics_have_the_gains_asked_for_while_the_pitch_glides() {
        for (from_hz, to_hz, count) in
            [(100.0, 100.0, 200), (190.0, 240.0, 90), (20.0, 21.0, 1_000)]
        {
            let gains = gains(count);
            let frames = 40;
            let hz = |frame: f64| from_hz + (to_hz - from_hz) * frame / f64::from(frames);
            let all: Vec<f64> = (0..=frames).map(|frame| hz(f64::from(frame))).collect();
            let mut harmonics = Harmonics::new(RATE, HOP, count);
            let got = run(&mut harmonics, &all, &gains);
            // The first frame fades in at its own pitch, from phase 0 on.
            let first = from_hz * HOP as f64 / f64::from(RATE);
            for n in 0..frames as usize * HOP {
                let t = n as f64 / HOP as f64;
                let turns = first + HOP as f64 / f64::from(RATE) * t * (from_hz + hz(t)) / 2.0;
                let terms = gains.iter().enumerate().map(|(k, gain)| {
                    let (sin, cos) = (TAU * (k + 1) as f64 * turns).sin_cos();
                    f64::from(gain.re) * cos - f64::from(gain.im) * sin
                });
                let want: f64 = terms.sum();
                let error = (f64::from(got[HOP + n]) - want).abs();
                assert!(error < 2e-4, "{from_hz} Hz, {n}: {error}");
            }
        }
    }

    #[test]
    fn nothing_clicks_where_a_voice_begins_ends_or_leaps() {
        // A cosine of amplitude 1 bends by the square of its angular frequency.
        let highest = 400.0;
        let most = (TAU * highest / f64::from(RATE)).powi(2);
        let hz = [
            0.0, 200.0, 200.0, 0.0, 0.0, 150.0, 300.0, 300.0, 0.0, 400.0, 100.0, 101.0,
        ];
        let mut harmonics = Harmonics::new(RATE, HOP, 1);
        let y = run(&mut harmonics, &hz, &[Complex::new(0.0, 1.0)]);
        for (n, y) in y.windows(3).enumerate() {
            let bend = f64::from((y[2] - 2.0 * y[1] + y[0]).abs());
            // Fades have corners, of a slope of 1 / HOP, twice where one tone follows another.
            assert!(
                bend < most + 4.5 / HOP as f64 * TAU * highest / f64::from(RATE),
                "{n}: {bend}"
            );
        }
        assert!(
            y[4 * HOP..5 * HOP].iter().all(|y| *y == 0.0),
            "a pause is silent"
        );
    }

    #[test]
    fn a_voice_goes_on_in_phase_and_a_reset_forgets_it() {
        let gains = gains(30);
        let mut harmonics = Harmonics::new(RATE, HOP, 30);
        let first = run(&mut harmonics, &[130.0, 131.0, 0.0, 130.0], &gains);
        assert_ne!(
            run(&mut harmonics, &[130.0, 131.0, 0.0, 130.0], &gains),
            first
        );
        harmonics.reset();
        assert_eq!(
            run(&mut harmonics, &[130.0, 131.0, 0.0, 130.0], &gains),
            first
        );
    }

    /// The pitch in Hz from each sample to the next, of these ways.
    fn pitch(ways_hz: &[[f64; 5]]) -> Vec<f64> {
        let one = |gain| {
            let mut harmonics = Harmonics::new(RATE, HOP, 1);
            let mut all = vec![0.0; ways_hz.len() * HOP];
            for (way_hz, y) in ways_hz.iter().zip(all.chunks_exact_mut(HOP)) {
                harmonics.step(way_hz, &[gain], y);
            }
            all
        };
        let [re, im] = [Complex::new(1.0, 0.0), Complex::new(0.0, -1.0)].map(one);
        let turns = re.iter().zip(&im).map(|(re, im)| {
            let (re, im) = (f64::from(*re), f64::from(*im));
            im.atan2(re) / TAU
        });
        let turns: Vec<f64> = turns.collect();
        let steps = turns.windows(2);
        let steps = steps.map(|pair| (pair[1] - pair[0]).rem_euclid(1.0));
        steps.map(|step| step * f64::from(RATE)).collect()
    }

    #[test]
    fn pitch_goes_the_way_it_is_given_but_for_what_is_no_pitch_of_this_tone() {
        let way = |frame: i32| std::array::from_fn(|step| f64::from(5 * frame + step as i32 + 1));
        let curve = |at: f64| 300.0 * ((0.3 * at).sin() / 12.0).exp2();
        let ways: Vec<[f64; 5]> = (0..20).map(|frame| way(frame).map(curve)).collect();
        let errors = pitch(&ways)
            .into_iter()
            .enumerate()
            .skip(HOP)
            .map(|(n, hz)| {
                let at = 5.0 * (n as f64 + 0.5) / HOP as f64;
                1_200.0 * (hz / curve(at)).log2()
            });
        // Averaged, for a sample is told to a few cents in single precision.
        let errors: Vec<f64> = errors.collect();
        let means = errors
            .chunks_exact(48)
            .map(|part| part.iter().sum::<f64>() / 48.0);
        let most = means.fold(0.0, |most: f64, error| most.max(error.abs()));
        // One straight line from frame to frame would be off by 27, straight steps are by 1.1.
        assert!(most < 1.5, "{most} cents");

        let mut ways = [[200.0; 5]; 4];
        ways[1][2] = 400.0;
        ways[2][3] = 0.0;
        ways[0][1] = 0.0;
        let far = pitch(&ways).into_iter().map(|hz| (hz - 200.0).abs());
        let most = far.fold(0.0, f64::max);
        assert!(most < 0.2, "{most} Hz");
    }
}

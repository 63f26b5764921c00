//! Low cut and high cut: second-order Butterworth filters, 12 dB per octave, with no delay.
//!
//! The form is the trapezoidal state-variable filter (A. Simper, "Solving the continuous SVF
//! equations using trapezoidal integration and equivalent currents", 2013): it stays stable and
//! quiet while its cutoff moves. States are f64, so that 20 Hz at 192 kHz is exact.

use super::ramp::Ramp;
use crate::units::ms_to_frames;
use std::f64::consts::{PI, SQRT_2};

/// Low cuts at or below this are off.
pub const LOW_CUT_OFF_HZ: f32 = 20.0;
/// The highest low cut.
pub const LOW_CUT_MAX_HZ: f32 = 1_000.0;
/// The lowest high cut.
pub const HIGH_CUT_MIN_HZ: f32 = 1_000.0;
/// High cuts at or above this are off.
pub const HIGH_CUT_OFF_HZ: f32 = 20_000.0;

/// How long a cutoff takes to its new value, and a filter to come and go.
const SMOOTHING_MS: f64 = 15.0;
/// Share of the sample rate above which nothing is left to cut.
const NYQUIST_SHARE: f32 = 0.49;
/// States below this (-600 dB) are silence: they would end as denormals.
const SILENCE: f64 = 1e-30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

/// One cut for all channels. Real-time safe but for its making.
#[derive(Clone, Debug)]
pub struct Cut {
    side: Side,
    rate_hz: f32,
    /// Weight of the filtered over the untouched signal.
    weight: Ramp,
    /// Logarithm to the base 2 of the cutoff in Hz: octaves are what is heard.
    octave: Ramp,
    coefficients: Coefficients,
    states: Vec<State>,
    /// Whether nothing has been heard yet: the cut starts where it is set.
    fresh: bool,
}

impl Cut {
    /// Removes what lies below the cutoff. Allocates.
    #[must_use]
    pub fn low(rate_hz: u32, channels: usize) -> Self {
        Self::new(Side::Low, rate_hz, channels)
    }

    /// Removes what lies above the cutoff. Allocates.
    #[must_use]
    pub fn high(rate_hz: u32, channels: usize) -> Self {
        Self::new(Side::High, rate_hz, channels)
    }

    fn new(side: Side, rate_hz: u32, channels: usize) -> Self {
        let smoothing = ms_to_frames(SMOOTHING_MS, rate_hz);
        let rate_hz = rate_hz as f32;
        let octave = HIGH_CUT_MIN_HZ.log2();
        Self {
            side,
            rate_hz,
            weight: Ramp::new(0.0, smoothing),
            octave: Ramp::new(octave, smoothing),
            coefficients: Coefficients::at(octave, rate_hz),
            states: vec![State::default(); channels],
            fresh: true,
        }
    }

    /// Forgets the signal; the next cutoff is taken at once.
    pub fn reset(&mut self) {
        self.states.fill(State::default());
        self.weight.jump(0.0);
        self.fresh = true;
    }

    /// Filters `channels`, slices of the same length, in place. A cut that is off, and is not
    /// on its way there, leaves samples untouched. NaN is off.
    pub fn process(&mut self, channels: &mut [&mut [f32]], cutoff_hz: f32) {
        self.aim(cutoff_hz);
        if self.weight.settled() == Some(0.0) {
            return;
        }
        let frames = channels.first().map_or(0, |channel| channel.len());
        for i in 0..frames {
            if self.octave.settled().is_none() {
                self.coefficients = Coefficients::at(self.octave.next(), self.rate_hz);
            }
            let weight = self.weight.next();
            for (channel, state) in channels.iter_mut().zip(&mut self.states) {
                let x = channel[i];
                let (below, above) = state.step(f64::from(x), &self.coefficients);
                let filtered = match self.side {
                    Side::Low => above,
                    Side::High => below,
                } as f32;
                // Exact once it has come, as the sum would not be.
                channel[i] = match weight {
                    1.0 => filtered,
                    _ => x + weight * (filtered - x),
                };
            }
        }
        self.states.iter_mut().for_each(State::mend);
    }

    /// Starts towards a cutoff.
    fn aim(&mut self, cutoff_hz: f32) {
        let is_on = match self.side {
            Side::Low => LOW_CUT_OFF_HZ < cutoff_hz,
            Side::High => cutoff_hz < HIGH_CUT_OFF_HZ.min(NYQUIST_SHARE * self.rate_hz),
        };
        let was_off = self.weight.settled() == Some(0.0);
        if is_on {
            let octave = cutoff_hz.clamp(1.0, NYQUIST_SHARE * self.rate_hz).log2();
            if was_off {
                self.states.fill(State::default());
                self.octave.jump(octave);
                self.coefficients = Coefficients::at(octave, self.rate_hz);
            }
            self.octave.set(octave);
        }
        let weight = f32::from(u8::from(is_on));
        match self.fresh {
            true => self.weight.jump(weight),
            false => self.weight.set(weight),
        }
        self.fresh = false;
    }
}

/// What the cutoff makes of the filter.
#[derive(Clone, Copy, Debug)]
struct Coefficients {
    a1: f64,
    a2: f64,
    a3: f64,
}

impl Coefficients {
    fn at(octave: f32, rate_hz: f32) -> Self {
        let g = (PI * f64::from(octave).exp2() / f64::from(rate_hz)).tan();
        let a1 = 1.0 / (1.0 + g * (g + SQRT_2));
        Self {
            a1,
            a2: g * a1,
            a3: g * g * a1,
        }
    }
}

/// The two integrators of one channel.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    first: f64,
    second: f64,
}

impl State {
    /// What lies below the cutoff, and what lies above it.
    fn step(&mut self, x: f64, c: &Coefficients) -> (f64, f64) {
        let rest = x - self.second;
        let band = c.a1 * self.first + c.a2 * rest;
        let below = self.second + c.a2 * self.first + c.a3 * rest;
        self.first = 2.0 * band - self.first;
        self.second = 2.0 * below - self.second;
        (below, x - SQRT_2 * band - below)
    }

    /// One sample that is no number would otherwise stay for ever.
    fn mend(&mut self) {
        for value in [&mut self.first, &mut self.second] {
            if !value.is_finite() || value.abs() < SILENCE {
                *value = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATES_HZ: [u32; 5] = [8_000, 44_100, 48_000, 96_000, 192_000];

    fn sine(hz: f64, rate_hz: u32, frames: usize) -> Vec<f32> {
        (0..frames)
            .map(|i| (0.5 * (TAU * hz * i as f64 / f64::from(rate_hz)).sin()) as f32)
            .collect()
    }

    fn cuts(rate_hz: u32) -> [Cut; 2] {
        [Cut::low(rate_hz, 1), Cut::high(rate_hz, 1)]
    }

    /// Gain at a frequency once the filter has settled, in dB.
    fn gain_db(cut: &mut Cut, cutoff_hz: f32, hz: f64, rate_hz: u32) -> f64 {
        let mut x = sine(hz, rate_hz, rate_hz as usize);
        cut.reset();
        cut.process(&mut [&mut x], cutoff_hz);
        // Whole periods of a whole number of Hz in the second half second, if it is even.
        let settled = &x[x.len() / 2..];
        let power: f64 = settled.iter().map(|y| f64::from(*y).powi(2)).sum();
        10.0 * (power / settled.len() as f64 / 0.125).log10()
    }

    /// The Butterworth response, over the frequency axis as the trapezoidal rule bends it.
    fn theory_db(side: Side, cutoff_hz: f64, hz: f64, rate_hz: u32) -> f64 {
        let bent = |hz: f64| (PI * hz / f64::from(rate_hz)).tan();
        let ratio = match side {
            Side::Low => bent(cutoff_hz) / bent(hz),
            Side::High => bent(hz) / bent(cutoff_hz),
        };
        -10.0 * (1.0 + ratio.powi(4)).log10()
    }

    #[test]
    fn the_response_is_that_of_theory() {
        for rate_hz in RATES_HZ {
            for (at, cutoff_hz) in [
                (0, 40.0),
                (0, 120.0),
                (0, 1_000.0),
                (1, 1_000.0),
                (1, 3_400.0),
            ] {
                let cut = &mut cuts(rate_hz)[at];
                for hz in [60.0, 120.0, 500.0, 1_000.0, 2_000.0, 3_400.0, 8_000.0] {
                    let theory = theory_db(cut.side, cutoff_hz, hz, rate_hz);
                    // Beyond, what is left is the rounding of the samples.
                    if 2.2 * hz < f64::from(rate_hz) && -60.0 < theory {
                        let got = gain_db(cut, cutoff_hz as f32, hz, rate_hz);
                        let case = format!("{:?} {cutoff_hz} at {hz} Hz, {rate_hz}", cut.side);
                        assert!((got - theory).abs() < 0.1, "{case}: {got}, not {theory}");
                    }
                }
            }
        }
        // In words: 3 dB at the cutoff, 12 dB an octave below it.
        assert!((theory_db(Side::Low, 120.0, 120.0, 48_000) + 3.01).abs() < 0.01);
        assert!((theory_db(Side::Low, 120.0, 60.0, 48_000) + 12.3).abs() < 0.1);
    }

    #[test]
    fn off_is_untouched_and_so_is_what_lies_beyond_the_rate() {
        let voice = sine(300.0, 48_000, 4_800);
        for cutoffs in [[20.0, 20_000.0], [0.0, 96_000.0], [f32::NAN; 2]] {
            for (cut, cutoff_hz) in cuts(48_000).iter_mut().zip(cutoffs) {
                let mut x = voice.clone();
                cut.process(&mut [&mut x], cutoff_hz);
                assert!(x == voice, "{:?} {cutoff_hz}", cut.side);
            }
        }
        let mut x = voice.clone();
        Cut::high(8_000, 1).process(&mut [&mut x], 10_000.0);
        assert!(x == voice);
    }

    #[test]
    fn it_comes_moves_and_goes_without_a_click() {
        for rate_hz in [8_000, 48_000, 192_000] {
            let sweeps = [
                [20.0, 1_000.0, 40.0, 400.0, 20.0],
                [20e3, 1e3, 18e3, 2e3, 20e3],
            ];
            for (cut, sweep) in cuts(rate_hz).iter_mut().zip(sweeps) {
                let block = rate_hz as usize / 20;
                let mut x = sine(300.0, rate_hz, sweep.len() * block);
                let steepest = (TAU * 300.0 / f64::from(rate_hz) * 0.5) as f32;
                for (piece, cutoff_hz) in x.chunks_mut(block).zip(sweep) {
                    cut.process(&mut [piece], cutoff_hz);
                }
                let step = x.windows(2).fold(0f32, |m, w| m.max((w[1] - w[0]).abs()));
                assert!(step < 1.5 * steepest, "{:?}: {step}, {steepest}", cut.side);
                let rest = &x[x.len() - block / 2..];
                let voice = sine(300.0, rate_hz, x.len());
                assert!(rest == &voice[x.len() - block / 2..], "gone at the end");
            }
        }
    }

    #[test]
    fn blocks_are_not_heard_and_channels_do_not_hear_each_other() {
        let (left, right) = (sine(200.0, 48_000, 4_800), vec![0.0; 4_800]);
        for at in 0..2 {
            let mut whole = left.clone();
            cuts(48_000)[at].process(&mut [&mut whole], 1_000.0);
            let mut cut = [Cut::low(48_000, 2), Cut::high(48_000, 2)][at].clone();
            let (mut a, mut b) = (left.clone(), right.clone());
            for (a, b) in a.chunks_mut(77).zip(b.chunks_mut(77)) {
                cut.process(&mut [a, b], 1_000.0);
            }
            assert!(a == whole && b == right);
        }
    }

    #[test]
    fn it_stays_finite_and_comes_back_after_what_is_no_number() {
        for rate_hz in RATES_HZ {
            for cut in &mut cuts(rate_hz) {
                for (i, cutoff_hz) in [1e9, -1e9, 21.0, 999.0, 1_001.0, 19_999.0]
                    .into_iter()
                    .cycle()
                    .take(60)
                    .enumerate()
                {
                    let mut x = sine(1_000.0, rate_hz, 333);
                    if i == 5 {
                        x[7] = f32::NAN;
                        x[9] = f32::INFINITY;
                    }
                    cut.process(&mut [&mut x], cutoff_hz);
                    let loudest = x.iter().fold(0f32, |m, y| m.max(y.abs()));
                    let finite = x.iter().all(|y| y.is_finite());
                    assert!(i == 5 || finite && loudest < 2.0, "{i}: {loudest}");
                }
                // Silence ends as silence, not as denormals.
                let mut x = vec![0.0; rate_hz as usize * 4];
                cut.process(&mut [&mut x], 1_500.0);
                cut.process(&mut [&mut [0.0; 64]], 1_500.0);
                assert!(cut.states.iter().all(|s| s.first == 0.0 && s.second == 0.0));
            }
        }
    }
}

//! From a decoder's spectra to sound: harmonics of the pitch, and noise. Any thread; real-time safe
//! after construction.
//!
//! Each harmonic has the power that the spectrum has around it, and the minimum phase that belongs
//! to what the spectrum has lately been like; what the spectrum says is noise is filtered noise. Between frames all of it goes
//! on straight lines, so that the hop before a frame's instant is put out when the frame is known.

use autovoice_kernels::cpu::{exp, sigmoid};
use realfft::num_complex::Complex;

use super::decoder::OUTS;
use super::grid::{BANDS, Between, HIGHEST_HZ};
use crate::dsp::harmonics::Harmonics;
use crate::dsp::minimum_phase::MinimumPhase;
use crate::dsp::noise_bank::NoiseBank;
use crate::units::{Frames, semitones_to_ratio};

/// The rate of the sound, in Hz.
pub const RATE_HZ: u32 = 48_000;
/// Samples from one frame to the next: 10 ms.
pub const HOP: Frames = 480;
/// Steps of pitch from one frame to the next, 2 ms each: what is sung in between is heard, too.
pub const STEPS: usize = 5;
/// The lowest and the highest pitch that is sung, in Hz.
pub const PITCH_HZ: (f32, f32) = (20.0, 2_000.0);
/// The highest bandwidth of a voice, in Hz: above it there is no room for an edge.
pub const HIGHEST_BANDWIDTH_HZ: f32 = 23_000.0;

const FFT: usize = 1024;
const BINS: usize = FFT / 2 + 1;
const BIN_HZ: f32 = RATE_HZ as f32 / FFT as f32;
/// The share of what is new that the shape which phases belong to takes on in a frame: half of it in
/// 66 ms. A phase that moves is a pitch that moves, and a network's spectra never quite stand still.
const CALM: f32 = 0.1;
/// The share of the bandwidth over which a voice fades to nothing.
const EDGE: f32 = 0.05;
/// Natural logarithms of power per Hz that spectra are kept within: -174 dB and, in one band of
/// 100 Hz, 40 dB over full scale.
pub const LN_POWER: (f32, f32) = (-40.0, 4.6);

/// How a frame sounds, besides its spectrum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// Pitch in Hz at equal steps from the frame before on, the last that of the frame, 0 where
    /// unvoiced; kept within [`PITCH_HZ`].
    pub f0_hz: [f32; STEPS],
    /// By how much the amplitude is multiplied, 0 or more.
    pub gain: f32,
    /// Semitones by which formants are moved.
    pub formant_semitones: f32,
}

/// The sound of one stream.
pub struct Synthesis {
    limit_hz: f32,
    harmonics: Harmonics,
    noise: NoiseBank,
    minimum_phase: MinimumPhase,
    /// Where on the grid each bin is read, for formants moved by so much.
    bins: Vec<Between>,
    formant: f32,
    /// Gains at the edge of the bandwidth, by bin.
    edge: Vec<f32>,
    /// By band: logarithm of the power, and the share of noise.
    ln_power: [f32; BANDS],
    share: [f32; BANDS],
    /// By bin: the shape that phases belong to, and whether the last frame had harmonics.
    calm: Vec<f32>,
    sounds: bool,
    /// By bin.
    values: Vec<f32>,
    phases: Vec<f32>,
    /// Those of the harmonics.
    powers: Vec<f32>,
    gains: Vec<Complex<f32>>,
}

impl Synthesis {
    /// For a voice of a bandwidth in Hz, as [`Self::set_bandwidth`]. The same seed gives the same
    /// noise. Allocates.
    #[must_use]
    pub fn new(bandwidth_hz: f32, seed: u64) -> Self {
        // The bandwidth may grow.
        let most = (HIGHEST_BANDWIDTH_HZ / PITCH_HZ.0).ceil() as usize;
        let mut made = Self {
            limit_hz: 0.0,
            harmonics: Harmonics::new(RATE_HZ, HOP, most),
            noise: NoiseBank::new(HOP, FFT, seed),
            minimum_phase: MinimumPhase::new(FFT),
            bins: vec![Between::default(); BINS],
            formant: 0.0,
            edge: vec![0.0; BINS],
            ln_power: [0.0; BANDS],
            share: [0.0; BANDS],
            calm: vec![0.0; BINS],
            sounds: false,
            values: vec![0.0; BINS],
            phases: vec![0.0; BINS],
            powers: Vec::with_capacity(most),
            gains: Vec::with_capacity(most),
        };
        made.set_bandwidth(bandwidth_hz);
        made.move_formants(0.0);
        made
    }

    /// From the next frame on nothing is put out above this, in Hz: at least the highest pitch, at
    /// most [`HIGHEST_BANDWIDTH_HZ`]. Real-time safe.
    pub fn set_bandwidth(&mut self, hz: f32) {
        let limit_hz = hz.clamp(PITCH_HZ.1, HIGHEST_BANDWIDTH_HZ);
        if limit_hz == self.limit_hz {
            return;
        }
        self.limit_hz = limit_hz;
        for bin in 0..BINS {
            self.edge[bin] = self.edge_at(bin as f32 * BIN_HZ);
        }
    }

    /// Forgets the past: the next frame is the first. Real-time safe.
    pub fn reset(&mut self) {
        self.harmonics.reset();
        self.noise.reset();
        self.sounds = false;
    }

    /// The next frame, of which `spectrum` is what a decoder gave, [`OUTS`] values; `y` becomes the
    /// hop that ends with its instant. Finite whatever is asked. Real-time safe.
    ///
    /// # Panics
    /// If `spectrum` is of another length.
    pub fn step(&mut self, spectrum: &[f32], tone: &Tone, y: &mut [f32; HOP]) {
        self.set(spectrum, tone);
        let f0_hz = tone.f0_hz.map(|hz| match 0.0 < hz {
            true => hz.clamp(PITCH_HZ.0, PITCH_HZ.1),
            false => 0.0,
        });
        let voiced = self.harmonics_of(f0_hz[STEPS - 1], tone);
        self.sounds = voiced;
        let way_hz = f0_hz.map(|hz| if voiced { f64::from(hz) } else { 0.0 });
        y.fill(0.0);
        self.harmonics.step(&way_hz, &self.gains, y);
        self.noise_of(tone, voiced);
        self.noise.step(&self.values, y);
    }

    fn set(&mut self, spectrum: &[f32], tone: &Tone) {
        assert_eq!(spectrum.len(), OUTS, "a frame of a decoder");
        let (ln_power, logits) = spectrum.split_at(BANDS);
        let (low, high) = LN_POWER;
        for (own, ln) in self.ln_power.iter_mut().zip(ln_power) {
            // What is no number becomes silence.
            *own = ln.max(low).min(high);
        }
        for (own, logit) in self.share.iter_mut().zip(logits) {
            *own = if logit.is_nan() { 0.0 } else { *logit };
        }
        sigmoid(&mut self.share);
        if tone.formant_semitones != self.formant {
            self.move_formants(tone.formant_semitones);
        }
    }

    /// Where spectra are read from now on.
    fn move_formants(&mut self, semitones: f32) {
        self.formant = semitones;
        let ratio = 1.0 / semitones_to_ratio(semitones);
        for (bin, between) in self.bins.iter_mut().enumerate() {
            *between = Between::at_hz(ratio * bin as f32 * BIN_HZ);
        }
    }

    /// Fills the gains of the harmonics of a pitch; whether there are any.
    fn harmonics_of(&mut self, f0_hz: f32, tone: &Tone) -> bool {
        self.gains.clear();
        if !(0.0 < f0_hz && 0.0 < tone.gain) {
            return false;
        }
        for (value, between) in self.values.iter_mut().zip(&self.bins) {
            *value = 0.5 * between.of(&self.ln_power);
        }
        let follow = if self.sounds { CALM } else { 1.0 };
        for (calm, value) in self.calm.iter_mut().zip(&self.values) {
            *calm += follow * (value - *calm);
        }
        self.minimum_phase.phases(&self.calm, &mut self.phases);
        let ratio = 1.0 / semitones_to_ratio(self.formant);
        // One less than reach the limit: what is there has faded anyway.
        let count = (self.limit_hz / f0_hz) as usize;
        self.powers.clear();
        let powers = (1..=count).map(|k| {
            let between = Between::at_hz(ratio * k as f32 * f0_hz);
            0.5 * between.of(&self.ln_power)
        });
        self.powers.extend(powers);
        exp(&mut self.powers);
        for (k, root) in self.powers.iter().enumerate() {
            let hz = (k + 1) as f32 * f0_hz;
            let share = Between::at_hz(ratio * hz).of(&self.share);
            let amplitude = root * (2.0 * f0_hz * (1.0 - share)).sqrt() * tone.gain;
            let bin = hz / BIN_HZ;
            let below = (bin as usize).min(BINS - 2);
            let (phase, above) = (self.phases[below], self.phases[below + 1]);
            let phase = phase + (bin - below as f32) * (above - phase);
            self.gains
                .push(Complex::from_polar(amplitude * self.edge_at(hz), phase));
        }
        true
    }

    /// Fills `values` with the gains of the noise.
    fn noise_of(&mut self, tone: &Tone, voiced: bool) {
        let gain = tone.gain.max(0.0);
        if gain == 0.0 {
            return self.values.fill(0.0);
        }
        for (value, between) in self.values.iter_mut().zip(&self.bins) {
            *value = 0.5 * between.of(&self.ln_power);
        }
        exp(&mut self.values);
        // White noise of unit variance has so much less than a power per Hz of 1.
        let gain = gain * HIGHEST_HZ.sqrt();
        for ((value, between), edge) in self.values.iter_mut().zip(&self.bins).zip(&self.edge) {
            let share = if voiced { between.of(&self.share) } else { 1.0 };
            *value *= gain * edge * share.sqrt();
        }
    }

    fn edge_at(&self, hz: f32) -> f32 {
        edge(self.limit_hz, hz)
    }
}

/// The gain that a frequency has at the edge of a bandwidth, both in Hz: 1 below it, 0 above.
#[must_use]
pub fn edge(limit_hz: f32, hz: f32) -> f32 {
    let within = (limit_hz - hz) / (EDGE * limit_hz);
    let cos = (std::f32::consts::PI * within.clamp(0.0, 1.0)).cos();
    0.5 - 0.5 * cos
}

#[cfg(test)]
mod tests {
    use super::super::grid;
    use super::*;
    use crate::dsp::stft::{Spectrum, hann};
    use std::f64::consts::TAU;

    const LOUD: f32 = -14.0;

    /// Two formants on a slope: the logarithm of the power at a frequency.
    fn shape(hz: f32) -> f32 {
        let hill = |at: f32| 3.0 * (-((hz / at).ln() / 0.3).powi(2)).exp();
        LOUD - hz / 8_000.0 + hill(600.0) + hill(2_500.0)
    }

    /// That shape, and everywhere the same share of noise.
    fn spectrum(noise: f32) -> [f32; OUTS] {
        let mut values = [noise; OUTS];
        for (band, value) in values[..BANDS].iter_mut().enumerate() {
            *value = shape(grid::hz(band as f32));
        }
        values
    }

    const TONE: Tone = Tone {
        f0_hz: [250.0; STEPS],
        gain: 1.0,
        formant_semitones: 0.0,
    };

    fn run(synthesis: &mut Synthesis, spectrum: &[f32], tone: &Tone, frames: usize) -> Vec<f32> {
        let mut all = Vec::new();
        for _ in 0..frames {
            let mut y = [f32::NAN; HOP];
            synthesis.step(spectrum, tone, &mut y);
            all.extend(y);
        }
        assert!(all.iter().all(|y| y.is_finite()));
        all
    }

    /// The amplitude of a sine in a signal that it has whole periods of.
    fn amplitude(signal: &[f32], hz: f64) -> f64 {
        let sum = signal
            .iter()
            .enumerate()
            .fold((0.0, 0.0), |(re, im), (n, y)| {
                let (sin, cos) = (TAU * hz * n as f64 / f64::from(RATE_HZ)).sin_cos();
                (re + f64::from(*y) * cos, im + f64::from(*y) * sin)
            });
        2.0 * sum.0.hypot(sum.1) / signal.len() as f64
    }

    #[test]
    fn harmonics_have_the_power_around_them() {
        let spectrum = spectrum(-30.0);
        for semitones in [0.0, -5.0, 7.0] {
            let tone = Tone {
                formant_semitones: semitones,
                ..TONE
            };
            let mut synthesis = Synthesis::new(16_000.0, 1);
            let y = run(&mut synthesis, &spectrum, &tone, 21);
            for k in 1..=60 {
                let hz = 250.0 * f64::from(k);
                let read = hz as f32 / semitones_to_ratio(semitones);
                let power = f64::from(Between::at_hz(read).of(&spectrum[..BANDS])).exp();
                let want = (2.0 * 250.0 * power).sqrt();
                let db = 20.0 * (amplitude(&y[HOP..], hz) / want).log10();
                assert!(db.abs() < 0.1, "{semitones} semitones, {hz} Hz: {db} dB");
            }
        }
    }

    #[test]
    fn noise_has_the_power_of_the_spectrum_voiced_or_not() {
        // A logit of 0 is half of it.
        for (f0_hz, noise, share) in [(250.0, 30.0, 1.0), (0.0, -30.0, 1.0), (0.0, 0.0, 1.0)] {
            let spectrum = spectrum(noise);
            let tone = Tone {
                f0_hz: [f0_hz; STEPS],
                ..TONE
            };
            let y = run(&mut Synthesis::new(20_000.0, 1), &spectrum, &tone, 2_000);
            let mut meter = Spectrum::new(FFT);
            let window: f32 = hann(FFT).iter().map(|w| w * w).sum();
            let mut powers = vec![0.0; BINS];
            let frames = y[HOP..].windows(FFT).step_by(FFT / 2);
            let scale = 2.0 / (window * RATE_HZ as f32 * frames.len() as f32);
            for frame in frames {
                let mut magnitudes = vec![0.0; BINS];
                meter.magnitudes(frame, &mut magnitudes);
                for (power, magnitude) in powers.iter_mut().zip(&magnitudes) {
                    *power += f64::from(scale * magnitude * magnitude);
                }
            }
            // Over 8 bins, where the estimate is steady, up to the edge.
            for first in (8..400).step_by(8) {
                let of = |bin: usize| Between::at_hz(bin as f32 * BIN_HZ).of(&spectrum[..BANDS]);
                let want: f64 = (first..first + 8).map(|bin| f64::from(of(bin)).exp()).sum();
                let got: f64 = powers[first..first + 8].iter().sum();
                let db = 10.0 * (got / (share * want)).log10();
                assert!(db.abs() < 0.5, "{f0_hz} Hz, bin {first}: {db} dB");
            }
        }
    }

    #[test]
    fn a_spectrum_that_does_not_stand_still_moves_no_pitch() {
        // Formants that go up and down by 10 %, at random.
        let mut state = 1u32;
        let mut synthesis = Synthesis::new(16_000.0, 1);
        let sound = (0..200).flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let moved = 0.9 + 0.2 * (state >> 8) as f32 / (1 << 24) as f32;
            let mut spectrum = spectrum(-30.0);
            for (band, value) in spectrum[..BANDS].iter_mut().enumerate() {
                *value = shape(grid::hz(band as f32) * moved);
            }
            run(&mut synthesis, &spectrum, &TONE, 1)
        });
        let sound: Vec<f32> = sound.collect();
        // Of harmonics near formants, where phases move most: by turns in whole periods of 12 ms.
        for k in [2.0, 3.0, 9.0, 10.0] {
            let turns = sound[20 * HOP..].chunks_exact(576).map(|part| {
                let sum = part
                    .iter()
                    .enumerate()
                    .fold((0.0, 0.0), |(re, im), (n, y)| {
                        let (sin, cos) =
                            (TAU * 250.0 * k * n as f64 / f64::from(RATE_HZ)).sin_cos();
                        (re + f64::from(*y) * cos, im - f64::from(*y) * sin)
                    });
                sum.1.atan2(sum.0) / TAU
            });
            let turns: Vec<f64> = turns.collect();
            let steps = turns
                .windows(2)
                .map(|pair| (pair[1] - pair[0] + 1.5).rem_euclid(1.0) - 0.5);
            let cents = steps.map(|step| 1_200.0 * (1.0 + step / 0.012 / (250.0 * k)).log2());
            let mut cents: Vec<f64> = cents.map(f64::abs).collect();
            cents.sort_by(f64::total_cmp);
            let median = cents[cents.len() / 2];
            // Of the spectra as they come they would be off by 1.5 to 3.6.
            assert!(median < 0.8, "harmonic {k}: {median} cents");
        }
    }

    #[test]
    fn what_is_noise_is_not_harmonic() {
        let half = |y: &[f32]| 20.0 * (amplitude(&y[HOP..], 500.0)).log10();
        let [all, some] = [-30.0, 0.0].map(|noise| {
            half(&run(
                &mut Synthesis::new(16_000.0, 1),
                &spectrum(noise),
                &TONE,
                401,
            ))
        });
        assert!((all - some - 3.01).abs() < 0.3, "{all}, {some}");
    }

    #[test]
    fn above_the_bandwidth_there_is_nothing() {
        for (f0_hz, noise) in [(250.0, -30.0), (0.0, 0.0)] {
            let tone = Tone {
                f0_hz: [f0_hz; STEPS],
                ..TONE
            };
            let y = run(&mut Synthesis::new(8_000.0, 1), &spectrum(noise), &tone, 30);
            let mut magnitudes = vec![0.0; BINS];
            let mut powers = [0.0; 2];
            for frame in y[HOP..].windows(FFT).step_by(FFT / 2) {
                Spectrum::new(FFT).magnitudes(frame, &mut magnitudes);
                let sum =
                    |bins: &[f32]| bins.iter().map(|m| m * m).sum::<f32>() / bins.len() as f32;
                powers[0] += sum(&magnitudes[128..160]);
                powers[1] += sum(&magnitudes[180..400]);
            }
            let db = 10.0 * (powers[1] / powers[0]).log10();
            assert!(db < -60.0, "{f0_hz} Hz: {db} dB");
        }
    }

    #[test]
    fn whatever_is_asked_is_finite_and_nothing_where_that_is_asked() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, 1e30, 0.0];
        let mut synthesis = Synthesis::new(f32::MAX, 1);
        for f0_hz in [
            20.0,
            55.5,
            2_000.0,
            1e9,
            1e-9,
            f32::NAN,
            -3.0,
            f32::INFINITY,
            0.0,
        ] {
            for value in odd {
                for semitones in [-12.0, 12.0, f32::NAN] {
                    let tone = Tone {
                        f0_hz: [f0_hz; STEPS],
                        gain: 1.0,
                        formant_semitones: semitones,
                    };
                    run(&mut synthesis, &[value; OUTS], &tone, 2);
                }
            }
        }
        for gain in [0.0, f32::NAN, -1.0] {
            let y = run(&mut synthesis, &spectrum(0.0), &Tone { gain, ..TONE }, 2);
            assert!(y[HOP..].iter().all(|y| *y == 0.0), "gain {gain}");
        }
    }

    #[test]
    fn it_is_the_same_after_a_reset() {
        let mut synthesis = Synthesis::new(16_000.0, 1);
        let first = run(&mut synthesis, &spectrum(0.0), &TONE, 5);
        assert_ne!(run(&mut synthesis, &spectrum(0.0), &TONE, 5), first);
        synthesis.reset();
        assert_eq!(run(&mut synthesis, &spectrum(0.0), &TONE, 5), first);
    }
}

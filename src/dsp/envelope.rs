//! What a voice's sound is made of at an instant, apart from its pitch: power of harmonics and of
//! noise in bands. Makes targets for training. Any thread; not the audio path: slow, and it
//! allocates.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::interpolate::{Kernels, MAX_TAPS};
use super::stft::hann;

/// Bands, equally spaced in mel from 0 Hz to [`HIGHEST_HZ`], both included.
pub const BANDS: usize = 96;
/// The place of the last band.
pub const HIGHEST_HZ: f64 = 24_000.0;

/// Periods that a voiced instant is measured over: of a Hann window of so many, the harmonics and
/// the places halfway between them do not see each other.
const PERIODS: usize = 4;
/// Pitches that are measured, in Hz; others are taken for the nearest.
const PITCH_HZ: (f64, f64) = (40.0, 2_000.0);
/// Length of the window where there is no pitch, in seconds.
const UNVOICED_S: f64 = 0.020;
/// The least power per Hz: some way below the noise of 16 bits.
const FLOOR: f64 = 1e-14;
/// The mean logarithm of a power that is distributed exponentially, as that of noise in one place
/// of a spectrum is, lies below the logarithm of its mean by Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;
/// Share of the Nyquist frequency up to which a recording is measured: there reading between
/// samples begins to dull it.
const MEASURED: f64 = 0.92;

fn mel(hz: f64) -> f64 {
    2_595.0 * (1.0 + hz / 700.0).log10()
}

/// Mel from one band to the next.
fn step() -> f64 {
    mel(HIGHEST_HZ) / (BANDS - 1) as f64
}

/// The place of a band in Hz.
#[must_use]
pub fn band_hz(band: usize) -> f64 {
    700.0 * (10f64.powf(step() * band as f64 / 2_595.0) - 1.0)
}

/// How many bands lie at or below a frequency: those known of a recording of this bandwidth.
#[must_use]
pub fn bands_within(hz: f64) -> usize {
    (0..BANDS).take_while(|band| band_hz(*band) <= hz).count()
}

/// The bandwidth that can be measured of a recording at this rate, in Hz.
#[must_use]
pub fn measured_hz(rate_hz: u32) -> f64 {
    (MEASURED * 0.5 * f64::from(rate_hz)).min(HIGHEST_HZ)
}

/// The pitch around an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pitch {
    /// In Hz at the instant.
    pub f0_hz: f64,
    /// How fast it rises, in Hz per second.
    pub slope_hz_s: f64,
}

/// What was found at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Envelope {
    /// Natural logarithm of power per Hz (one-sided; full scale is 1) in each band, of harmonics and
    /// noise together.
    pub ln_power: [f32; BANDS],
    /// The share of noise in it, 0..=1.
    pub noise: [f32; BANDS],
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            ln_power: [FLOOR.ln() as f32; BANDS],
            noise: [1.0; BANDS],
        }
    }
}

/// Spectra of one length.
struct Transform {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// Sums of the window and of its square.
    sums: [f64; 2],
}

/// Measures recordings of one rate.
pub struct EnvelopeAnalysis {
    rate_hz: f64,
    kernels: Kernels,
    /// For 4 periods in 64, 128, ... points.
    voiced: Vec<Transform>,
    unvoiced: Transform,
    points: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    harmonics: Curve,
    between: Curve,
}

/// Logarithms of power at places that rise.
#[derive(Default)]
struct Curve {
    mel: Vec<f64>,
    ln: Vec<f64>,
}

impl Curve {
    fn clear(&mut self) {
        self.mel.clear();
        self.ln.clear();
    }

    fn push(&mut self, hz: f64, power: f64) {
        self.mel.push(mel(hz));
        self.ln.push(power.max(FLOOR).ln());
    }

    /// The weighted mean around a place: a triangle as wide as the distance of bands, or as `reach`
    /// points where they are further apart. That is linear interpolation for a reach of 1. Beyond
    /// the points it is as at the nearest.
    fn around(&self, place: f64, reach: usize) -> f64 {
        let (Some(first), Some(last)) = (self.mel.first(), self.mel.last()) else {
            return FLOOR.ln();
        };
        let place = place.clamp(*first, *last);
        let next = self.mel.partition_point(|mel| *mel <= place);
        let at = next.clamp(1, self.mel.len().max(2) - 1);
        let spacing = match self.mel.get(at) {
            Some(mel) => mel - self.mel[at - 1],
            None => 0.0,
        };
        let half = step().max(spacing * reach as f64);
        let (mut sum, mut weights) = (0.0, 0.0);
        let from = self.mel.partition_point(|mel| *mel <= place - half);
        for (mel, ln) in self.mel[from..].iter().zip(&self.ln[from..]) {
            let weight = 1.0 - (mel - place).abs() / half;
            if weight <= 0.0 {
                break;
            }
            sum += weight * ln;
            weights += weight;
        }
        match 0.0 < weights {
            true => sum / weights,
            false => self.ln[next.saturating_sub(1)],
        }
    }
}

impl Transform {
    fn new(planner: &mut RealFftPlanner<f32>, fft: usize, window: Vec<f32>) -> Self {
        let sum = |power: i32| window.iter().map(|w| f64::from(*w).powi(power)).sum();
        Self {
            fft: planner.plan_fft_forward(fft),
            sums: [sum(1), sum(2)],
            window,
        }
    }
}

impl EnvelopeAnalysis {
    /// For recordings at this rate. Allocates.
    ///
    /// # Panics
    /// If the rate is 0.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        assert!(0 < rate_hz, "rates are positive");
        let rate = f64::from(rate_hz);
        let mut planner = RealFftPlanner::new();
        let longest = (PERIODS as f64 * rate / PITCH_HZ.0).ceil() as usize;
        let mut voiced = Vec::new();
        let mut length = 64;
        while voiced.is_empty() || length < 2 * longest {
            voiced.push(Transform::new(&mut planner, length, hann(length)));
            length *= 2;
        }
        let window = hann((UNVOICED_S * rate).round().max(2.0) as usize);
        let fft = (2 * window.len()).next_power_of_two();
        let unvoiced = Transform::new(&mut planner, fft, window);
        let transforms = voiced.iter().chain([&unvoiced]);
        let scratch = transforms.map(|t| t.fft.get_scratch_len()).max();
        let most = length.max(fft);
        Self {
            rate_hz: rate,
            kernels: Kernels::new(),
            voiced,
            unvoiced,
            points: vec![0.0; most],
            bins: vec![Complex::default(); most / 2 + 1],
            scratch: vec![Complex::default(); scratch.unwrap_or(0)],
            harmonics: Curve::default(),
            between: Curve::default(),
        }
    }

    /// What the signal is made of at frame `at`, silence before its first and after its last frame.
    /// Without a pitch all of it is noise. Bands above [`measured_hz`] are as the highest below it.
    pub fn measure(&mut self, signal: &[f32], at: f64, pitch: Option<Pitch>) -> Envelope {
        match pitch {
            Some(pitch) => self.voiced(signal, at, pitch),
            None => self.unvoiced(signal, at),
        }
    }

    /// The share of power that lies between harmonics, of all that lies on and between them: small
    /// where the pitch is right. To refine a pitch with.
    pub fn between_harmonics(&mut self, signal: &[f32], at: f64, pitch: Pitch) -> f64 {
        let pitch = within_range(pitch);
        let (points, _) = self.spectrum(signal, at, pitch);
        let last = self.last_harmonic(pitch.f0_hz);
        let (mut on, mut off) = (FLOOR, 0.0);
        for bin in (PERIODS..=last * PERIODS).step_by(PERIODS / 2) {
            let power = f64::from(self.bins[bin.min(points / 2)].norm_sqr());
            match bin % PERIODS {
                0 => on += power,
                _ => off += power,
            }
        }
        off / (on + off)
    }

    fn last_harmonic(&self, f0_hz: f64) -> usize {
        let highest = (MEASURED * 0.5 * self.rate_hz).min(HIGHEST_HZ);
        ((highest / f0_hz - 0.5) as usize).max(1)
    }

    /// Four periods around the instant, equally spaced in phase, as a spectrum in `bins`: harmonic
    /// `k` is bin `4 k`. Gives the number of points and the place of their window.
    fn spectrum(&mut self, signal: &[f32], at: f64, pitch: Pitch) -> (usize, usize) {
        let frames = PERIODS as f64 * self.rate_hz / pitch.f0_hz;
        let known = self.voiced.iter();
        let size = known
            .take_while(|t| (t.window.len() as f64) < frames)
            .count();
        let size = size.min(self.voiced.len() - 1);
        let transform = &self.voiced[size];
        let points = transform.window.len();
        let kernel = self.kernels.for_speed(frames / points as f64);
        for (i, window) in transform.window.iter().enumerate() {
            // The instant at which the phase is so many periods from that at the middle.
            let phase = (i as f64 / points as f64 - 0.5) * PERIODS as f64;
            let root = pitch.f0_hz.powi(2) + 2.0 * pitch.slope_hz_s * phase;
            let seconds = 2.0 * phase / (pitch.f0_hz + root.max(0.0).sqrt());
            let place = at + seconds * self.rate_hz;
            let floor = place.floor();
            let first = kernel.first(floor as i64);
            let fraction = (place - floor) as f32;
            let inside = usize::try_from(first).ok();
            let stretch = inside.and_then(|first| signal.get(first..first + kernel.taps()));
            self.points[i] = window
                * match stretch {
                    Some(stretch) => kernel.read(stretch, fraction),
                    None => {
                        let mut stretch = [0.0; MAX_TAPS];
                        for (x, n) in stretch.iter_mut().zip(first..) {
                            let known = usize::try_from(n).ok().and_then(|n| signal.get(n));
                            *x = known.copied().unwrap_or(0.0);
                        }
                        kernel.read(&stretch[..kernel.taps()], fraction)
                    }
                };
        }
        self.transform(points, Some(size));
        (points, size)
    }

    fn transform(&mut self, points: usize, voiced: Option<usize>) {
        let transform = match voiced {
            Some(size) => &self.voiced[size],
            None => &self.unvoiced,
        };
        let scratch = transform.fft.get_scratch_len();
        transform
            .fft
            .process_with_scratch(
                &mut self.points[..points],
                &mut self.bins[..points / 2 + 1],
                &mut self.scratch[..scratch],
            )
            .expect("the buffers are as long as the transform");
    }

    fn voiced(&mut self, signal: &[f32], at: f64, pitch: Pitch) -> Envelope {
        let pitch = within_range(pitch);
        let (points, size) = self.spectrum(signal, at, pitch);
        let [sum, squares] = self.voiced[size].sums;
        let rate_hz = points as f64 * pitch.f0_hz / PERIODS as f64;
        let power = |bin: usize| f64::from(self.bins[bin.min(points / 2)].norm_sqr());
        self.harmonics.clear();
        self.between.clear();
        let last = self.last_harmonic(pitch.f0_hz);
        for k in 1..=last {
            // Amplitude 2 |X| / sum; power per Hz amplitude^2 / (2 f0).
            let on = 2.0 * power(k * PERIODS) / (sum * sum * pitch.f0_hz);
            self.harmonics.push(k as f64 * pitch.f0_hz, on);
        }
        for k in 0..=last {
            let off = 2.0 * power(k * PERIODS + PERIODS / 2) / (rate_hz * squares);
            self.between.push((k as f64 + 0.5) * pitch.f0_hz, off);
        }
        // What a harmonic's place holds of the noise, in the same unit.
        let share = rate_hz * squares / (sum * sum * pitch.f0_hz);
        let mut found = Envelope::default();
        for band in 0..BANDS {
            let place = step() * band as f64;
            let noise = (self.between.around(place, 2) + EULER).exp();
            let on = self.harmonics.around(place, 1).exp();
            let harmonic = (on - share * noise).max(0.0);
            found.ln_power[band] = (harmonic + noise).max(FLOOR).ln() as f32;
            found.noise[band] = (noise / (harmonic + noise).max(FLOOR)).min(1.0) as f32;
        }
        found
    }

    fn unvoiced(&mut self, signal: &[f32], at: f64) -> Envelope {
        let window = &self.unvoiced.window;
        let length = self.unvoiced.fft.len();
        let first = at.round() as i64 - window.len() as i64 / 2;
        self.points[..length].fill(0.0);
        for ((point, window), n) in self.points.iter_mut().zip(window).zip(first..) {
            let known = usize::try_from(n).ok().and_then(|n| signal.get(n));
            *point = known.copied().unwrap_or(0.0) * window;
        }
        self.transform(length, None);
        let scale = 2.0 / (self.rate_hz * self.unvoiced.sums[1]);
        let bin_hz = self.rate_hz / length as f64;
        let last = (MEASURED * length as f64 / 2.0) as usize;
        let mut found = Envelope::default();
        for (band, ln_power) in found.ln_power.iter_mut().enumerate() {
            let place = band_hz(band).min(last as f64 * bin_hz);
            let half = (band_hz(band + 1) - band_hz(band)).max(1.5 * bin_hz);
            let from = ((place - half) / bin_hz).ceil().max(0.0) as usize;
            let to = (((place + half) / bin_hz) as usize).min(last);
            let (mut sum, mut weights) = (0.0, 0.0);
            for bin in from..=to {
                let weight = 1.0 - (bin as f64 * bin_hz - place).abs() / half;
                sum += weight * f64::from(self.bins[bin].norm_sqr());
                weights += weight;
            }
            *ln_power = (scale * sum / weights.max(1e-9)).max(FLOOR).ln() as f32;
        }
        found
    }
}

fn within_range(pitch: Pitch) -> Pitch {
    let f0_hz = pitch.f0_hz.clamp(PITCH_HZ.0, PITCH_HZ.1);
    // At most so steep that the pitch does not reach 0 within the window.
    let most = f0_hz * f0_hz / (2.0 * PERIODS as f64);
    Pitch {
        f0_hz,
        slope_hz_s: pitch.slope_hz_s.clamp(-most, most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::noise::normal;
    use std::f64::consts::TAU;

    /// A vowel: power of harmonics per Hz falls and has two formants.
    fn harmonic(hz: f64) -> f64 {
        let formant = |at: f64, wide: f64| 1.0 / (1.0 + ((hz - at) / wide).powi(2));
        1e-6 * (0.02 + formant(600.0, 150.0) + 0.3 * formant(2_200.0, 300.0)) / (1.0 + hz / 2_000.0)
    }

    /// Noise rises to the middle and falls again.
    fn noise(hz: f64) -> f64 {
        1e-9 / (1.0 + ((hz - 4_000.0) / 3_000.0).powi(2))
    }

    /// Noise of this power per Hz: white noise, filtered all at once.
    fn coloured(rate_hz: u32, length: usize, power: impl Fn(f64) -> f64) -> Vec<f32> {
        let mut white = vec![0.0; length];
        normal(5, 0, &mut white);
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(length);
        let mut bins = forward.make_output_vec();
        forward.process(&mut white, &mut bins).unwrap();
        for (i, bin) in bins.iter_mut().enumerate() {
            let hz = i as f64 * f64::from(rate_hz) / length as f64;
            *bin *= ((power(hz) * f64::from(rate_hz) / 2.0).sqrt() / length as f64) as f32;
        }
        let last = bins.len() - 1;
        (bins[0].im, bins[last].im) = (0.0, 0.0);
        planner
            .plan_fft_inverse(length)
            .process(&mut bins, &mut white)
            .unwrap();
        white
    }

    /// Half a second of a voice whose pitch glides, and its pitch in time.
    fn voice(rate_hz: u32, f0_hz: f64, glide: f64, with_noise: bool) -> (Vec<f32>, Vec<f64>) {
        let rate = f64::from(rate_hz);
        let length = 1 << (rate / 2.0).log2().ceil() as u32;
        let mut signal = match with_noise {
            true => coloured(rate_hz, length, noise),
            false => vec![0.0; length],
        };
        let pitch = |i: usize| f0_hz * (1.0 + glide * i as f64 / rate);
        let mut phase = 0.0;
        for (i, x) in signal.iter_mut().enumerate() {
            let f0 = pitch(i);
            phase += f0 / rate;
            for k in 1..=(0.5 * rate / f0) as u32 {
                let hz = f64::from(k) * f0;
                let amplitude = (2.0 * f0 * harmonic(hz)).sqrt();
                *x += (amplitude * (TAU * f64::from(k) * phase + f64::from(k * k)).cos()) as f32;
            }
        }
        (signal, (0..length).map(pitch).collect())
    }

    /// What harmonics show of the envelope: between two of them a straight line in mel.
    fn heard(hz: f64, f0_hz: f64) -> f64 {
        let low = (hz / f0_hz).floor() * f0_hz;
        let share = (mel(hz) - mel(low)) / (mel(low + f0_hz) - mel(low));
        let (low, high) = (harmonic(low).ln(), harmonic(low + f0_hz).ln());
        (low + share * (high - low)).exp()
    }

    /// Mean over frames of the error in each band in dB, and of the share of noise.
    fn measured(rate_hz: u32, f0_hz: f64, glide: f64, with_noise: bool) -> Vec<(f64, f64, f64)> {
        let (signal, pitch) = voice(rate_hz, f0_hz, glide, with_noise);
        let mut analysis = EnvelopeAnalysis::new(rate_hz);
        let hop = rate_hz as usize / 100;
        let instants: Vec<usize> = (5..signal.len() / hop - 5).map(|n| n * hop).collect();
        let mut sums = vec![(0.0, 0.0, 0.0); bands_within(measured_hz(rate_hz))];
        for at in &instants {
            let around = Pitch {
                f0_hz: pitch[*at],
                slope_hz_s: f0_hz * glide,
            };
            let found = analysis.measure(&signal, *at as f64, Some(around));
            for (band, sums) in sums.iter_mut().enumerate() {
                let hz = band_hz(band).max(pitch[*at]);
                let noise = if with_noise { noise(hz) } else { 0.0 };
                let wanted = heard(hz, pitch[*at]) + noise;
                let error = f64::from(found.ln_power[band]) - wanted.ln();
                let share = 1.0 / instants.len() as f64;
                sums.0 += share * 10.0 * error / std::f64::consts::LN_10;
                sums.1 += share * f64::from(found.noise[band]);
                sums.2 += share * noise / wanted;
            }
        }
        sums
    }

    #[test]
    fn harmonics_alone_are_found_with_their_power() {
        for (rate_hz, f0_hz, glide) in [
            (16_000, 90.0, 0.0),
            (16_000, 210.0, 0.5),
            (22_050, 400.0, -0.5),
            (48_000, 120.0, 0.3),
        ] {
            let bands = measured(rate_hz, f0_hz, glide, false);
            for (band, (error_db, share, _)) in bands.iter().enumerate() {
                // Reading between samples dulls the last bands by almost 1 dB.
                assert!(
                    error_db.abs() < 1.0 && *share < 0.01,
                    "{rate_hz} Hz, {f0_hz} Hz, band {band}: {error_db} dB, noise {share}"
                );
            }
        }
    }

    #[test]
    fn noise_is_told_from_harmonics() {
        for (rate_hz, f0_hz, glide) in [(16_000, 110.0, 0.2), (44_100, 180.0, -0.3)] {
            let bands = measured(rate_hz, f0_hz, glide, true);
            for (band, (error_db, share, wanted)) in bands.iter().enumerate() {
                assert!(
                    error_db.abs() < 2.0 && (share - wanted).abs() < 0.15,
                    "{rate_hz} Hz, {f0_hz} Hz, band {band}: {error_db} dB, noise {share} of {wanted}"
                );
            }
        }
    }

    #[test]
    fn without_pitch_the_spectrum_of_noise_is_found() {
        for rate_hz in [16_000, 48_000] {
            let signal = coloured(rate_hz, rate_hz as usize, noise);
            let mut analysis = EnvelopeAnalysis::new(rate_hz);
            let bands = bands_within(measured_hz(rate_hz));
            let mut powers = vec![0.0; bands];
            for n in 5..95 {
                let at = f64::from(n * rate_hz / 100);
                let found = analysis.measure(&signal, at, None);
                for (sum, ln) in powers.iter_mut().zip(found.ln_power) {
                    *sum += f64::from(ln.exp()) / 90.0;
                }
                assert_eq!(found.noise, [1.0; BANDS]);
            }
            for (band, power) in powers.iter().enumerate() {
                let error_db = 10.0 * (power / noise(band_hz(band))).log10();
                assert!(
                    error_db.abs() < 1.5,
                    "{rate_hz} Hz, band {band}: {error_db} dB"
                );
            }
        }
    }

    #[test]
    fn a_wrong_pitch_shows_between_the_harmonics() {
        let (signal, _) = voice(16_000, 150.0, 0.0, false);
        let mut analysis = EnvelopeAnalysis::new(16_000);
        let mut off = |cents: f64| {
            let pitch = Pitch {
                f0_hz: 150.0 * (cents / 1_200.0).exp2(),
                slope_hz_s: 0.0,
            };
            analysis.between_harmonics(&signal, 4_000.0, pitch)
        };
        assert!(off(0.0) < 1e-4 && off(0.0) < off(20.0) && off(20.0) < off(40.0));
        assert!(off(0.0) < off(-20.0) && off(-20.0) < off(-40.0));
    }

    #[test]
    fn silence_and_edges_are_no_trouble() {
        for rate_hz in [8_000, 48_000] {
            let mut analysis = EnvelopeAnalysis::new(rate_hz);
            for pitch in [None, Some(0.0), Some(300.0), Some(1e6)] {
                let pitch = pitch.map(|f0_hz| Pitch {
                    f0_hz,
                    slope_hz_s: 1e9,
                });
                for at in [-1e3, 0.0, 3.5, 1e6] {
                    let found = analysis.measure(&[0.1, -0.2, 0.3, 0.1], at, pitch);
                    assert!(found.ln_power.iter().all(|x| x.is_finite()));
                    assert!(found.noise.iter().all(|x| (0.0..=1.0).contains(x)));
                }
            }
        }
    }
}

//! What the pitch network looks at: for every candidate pitch on a logarithmic grid, how much the
//! signal's spectrum and autocorrelation speak for it. A transposed voice gives the same picture,
//! moved along the grid, so that the network learns each interval once and not once per note.
//! Any thread; never allocates after construction.
//!
//! Two windows end together, 20 ms after the instant they describe: a long one that resolves the
//! harmonics of low voices, a short one that follows fast notes. Both peak at the instant itself.
//! Autocorrelations are divided by that of the window (Boersma, 1993); that of the long window is
//! taken of the compressed spectrum, which noise and formants disturb less (Tolonen and
//! Karjalainen, 2000).

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::units::Frames;

/// The rate everything here runs at.
pub const RATE_HZ: u32 = 16_000;
/// Frames from one instant to the next: 10 ms.
pub const HOP: Frames = 160;
/// Frames after an instant that are looked at: 20 ms.
pub const LOOKAHEAD: Frames = 320;
/// Frames looked at in all, the lookahead included.
pub const SPAN: Frames = LONG;

/// Candidate pitches, their number per octave, and the lowest in Hz; the highest is 1,623 Hz.
pub const BINS: usize = 124;
/// A step of 50 cents: the third harmonic falls on the grid, too.
pub const BINS_PER_OCTAVE: usize = 24;
const LOWEST_HZ: f64 = 46.5;

/// What is known of each candidate: see [`Features::frame`].
pub const CHANNELS: usize = 18;

const LONG: Frames = 1536;
const LONG_FFT: usize = 2048;
const SHORT: Frames = 768;
const SHORT_FFT: usize = 1024;

/// Multiples of the candidate at which the spectra are read.
const LONG_MULTIPLES: [f64; 8] = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0];
const SHORT_MULTIPLES: [f64; 3] = [1.0, 2.0, 3.0];
/// Periods of the candidate at which the autocorrelations are read.
const PERIODS: [f64; 3] = [0.5, 1.0, 2.0];

/// Below this there is no voice, only rumble and offset.
const RUMBLE_HZ: f64 = 40.0;
/// Power below which a band counts as empty, a full-scale sine being 1: -110 dB.
const EMPTY: f32 = 1e-11;
/// Added to the window's autocorrelation before dividing by it, so that noise at long lags is
/// not blown up.
const LAG_FLOOR: f32 = 0.15;

/// Frequency of a place on the grid; whole numbers are candidates.
#[must_use]
pub fn grid_hz(place: f64) -> f64 {
    LOWEST_HZ * (place / BINS_PER_OCTAVE as f64).exp2()
}

/// Place on the grid of a frequency.
#[must_use]
pub fn grid_place(hz: f64) -> f64 {
    BINS_PER_OCTAVE as f64 * (hz / LOWEST_HZ).log2()
}

/// The front end. Owns its work space.
pub struct Features {
    long: Analysis,
    short: Analysis,
}

impl Features {
    /// Plans the transforms. Allocates.
    #[must_use]
    pub fn new() -> Self {
        Self {
            long: Analysis::new(LONG, LONG_FFT, &LONG_MULTIPLES),
            short: Analysis::new(SHORT, SHORT_FFT, &SHORT_MULTIPLES),
        }
    }

    /// Describes the instant [`LOOKAHEAD`] frames before the end of `signal`, the newest
    /// [`SPAN`] frames at [`RATE_HZ`].
    ///
    /// `out` is `[BINS, CHANNELS]`, candidate by candidate, each value about -3..=3: the long
    /// window's spectrum at 8 multiples, its autocorrelation at 3 lags, the short window's
    /// spectrum at 3 multiples, its autocorrelation at 3 lags, and the level. Never allocates.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn frame(&mut self, signal: &[f32], out: &mut [f32]) {
        assert_eq!(signal.len(), SPAN, "the newest SPAN frames");
        assert_eq!(out.len(), BINS * CHANNELS, "[BINS, CHANNELS]");
        self.long.analyse(signal, Compression::Strong);
        self.short
            .analyse(&signal[SPAN - SHORT..], Compression::None);
        // -60 dBFS is 0, full scale 3.
        let level = (0.5 * (self.short.mean_square + 1e-10).log10() + 3.0).clamp(-2.0, 3.0);
        let spectra = LONG_MULTIPLES.len();
        let short_from = spectra + PERIODS.len();
        for (bin, channels) in out.chunks_exact_mut(CHANNELS).enumerate() {
            self.long.read(bin, &mut channels[..short_from]);
            self.short
                .read(bin, &mut channels[short_from..CHANNELS - 1]);
            channels[CHANNELS - 1] = level;
        }
    }
}

impl Default for Features {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Compression {
    None,
    /// Power to the 3/8.
    Strong,
}

/// One window: its spectrum on the grid and its autocorrelation.
struct Analysis {
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// By line of the spectrum; a full-scale sine has 1.
    power: Vec<f32>,
    /// Scales power so that a full-scale sine is 1.
    scale: f32,
    rumble: usize,
    bands: Vec<Band>,
    taps: Vec<f32>,
    /// The spectrum on the grid from half the lowest candidate on, without its tilt.
    grid: Vec<f32>,
    sums: Vec<f32>,
    /// By lag, 1 at 0.
    correlation: Vec<f32>,
    window_correlation: Vec<f32>,
    multiples: Vec<Multiple>,
    /// By candidate.
    lags: Vec<[Option<Lag>; PERIODS.len()]>,
    mean_square: f32,
}

/// The lines of the spectrum that make a band of the grid.
#[derive(Clone, Copy)]
struct Band {
    first: usize,
    taps: (usize, usize),
}

/// Where on the grid of the spectrum a multiple of a candidate is: so many whole places above the
/// candidate's number, and a share of the next.
#[derive(Clone, Copy)]
struct Multiple {
    above: usize,
    share: f32,
}

impl Multiple {
    fn new(multiple: f64) -> Self {
        // The grid begins an octave below the lowest candidate.
        let place = BINS_PER_OCTAVE as f64 * (1.0 + multiple.log2());
        Self {
            above: place as usize,
            share: place.fract() as f32,
        }
    }
}

/// A place between lags, read by a cubic through four neighbours.
#[derive(Clone, Copy)]
struct Lag {
    first: usize,
    weights: [f32; 4],
}

impl Analysis {
    fn new(frames: Frames, fft: usize, multiples: &[f64]) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(fft);
        let inverse = planner.plan_fft_inverse(fft);
        let rise = frames - LOOKAHEAD;
        let window: Vec<f32> = (0..frames)
            .map(|i| {
                let phase = if i < rise {
                    (i as f64 + 0.5) / rise as f64
                } else {
                    1.0 + (i - rise) as f64 / LOOKAHEAD as f64 + 0.5 / LOOKAHEAD as f64
                };
                (0.5 * PI * phase).sin().powi(2) as f32
            })
            .collect();
        let total: f32 = window.iter().sum();
        let longest = fft - frames;
        let window_correlation = (0..=longest)
            .map(|lag| {
                let overlap: f32 = window[lag..].iter().zip(&window).map(|(a, b)| a * b).sum();
                overlap / window.iter().map(|w| w * w).sum::<f32>()
            })
            .collect();
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let lines = fft / 2 + 1;
        let line_hz = f64::from(RATE_HZ) / fft as f64;
        let multiples: Vec<_> = multiples.iter().map(|m| Multiple::new(*m)).collect();
        let reach = multiples.iter().map(|m| m.above).max().unwrap_or(0);
        let (bands, taps) = bands(BINS + reach + 1, line_hz, lines);
        Self {
            window,
            forward,
            inverse,
            time: vec![0.0; fft],
            spectrum: vec![Complex::default(); lines],
            scratch: vec![Complex::default(); scratch],
            power: vec![0.0; lines],
            scale: (2.0 / total).powi(2),
            rumble: (RUMBLE_HZ / line_hz).ceil() as usize,
            grid: vec![0.0; bands.len()],
            sums: vec![0.0; bands.len() + 1],
            bands,
            taps,
            correlation: vec![0.0; longest + 1],
            window_correlation,
            multiples,
            lags: (0..BINS).map(|bin| lags(bin, longest)).collect(),
            mean_square: 0.0,
        }
    }

    fn analyse(&mut self, signal: &[f32], compression: Compression) {
        let (head, tail) = self.time.split_at_mut(signal.len());
        for ((y, x), w) in head.iter_mut().zip(signal).zip(&self.window) {
            *y = x * w;
        }
        tail.fill(0.0);
        self.forward
            .process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers were made for this plan");
        for (power, line) in self.power.iter_mut().zip(&self.spectrum) {
            *power = self.scale * line.norm_sqr();
        }
        self.power[..self.rumble].fill(0.0);
        self.mean_square = self.power.iter().sum::<f32>() / self.power.len() as f32;
        self.whiten();
        self.correlate(compression);
    }

    /// Fills `grid`: the logarithm of each band's power against the mean of the octave around it.
    fn whiten(&mut self) {
        for (value, band) in self.grid.iter_mut().zip(&self.bands) {
            let taps = &self.taps[band.taps.0..band.taps.1];
            let lines = &self.power[band.first..];
            let power: f32 = taps.iter().zip(lines).map(|(w, power)| w * power).sum();
            *value = (power + EMPTY).ln();
        }
        let mut sum = 0.0;
        for (total, value) in self.sums[1..].iter_mut().zip(&self.grid) {
            sum += value;
            *total = sum;
        }
        let (half, count) = (BINS_PER_OCTAVE / 2, self.grid.len());
        for (i, value) in self.grid.iter_mut().enumerate() {
            let (from, to) = (i.saturating_sub(half), (i + half + 1).min(count));
            let mean = (self.sums[to] - self.sums[from]) / (to - from) as f32;
            *value = (0.35 * (*value - mean)).clamp(-3.0, 3.0);
        }
    }

    fn correlate(&mut self, compression: Compression) {
        if compression == Compression::Strong {
            for power in &mut self.power {
                let fourth = power.sqrt().sqrt();
                *power = fourth * fourth.sqrt();
            }
        }
        for (line, power) in self.spectrum.iter_mut().zip(&self.power) {
            *line = Complex::new(*power, 0.0);
        }
        self.inverse
            .process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch)
            .expect("the buffers were made for this plan");
        let norm = 1.0 / self.time[0].max(1e-12);
        let lags = self.correlation.iter_mut().zip(&self.time);
        for ((value, raw), window) in lags.zip(&self.window_correlation) {
            *value = (2.0 * (1.0 + LAG_FLOOR) * raw * norm / (window + LAG_FLOOR)).clamp(-3.0, 3.0);
        }
    }

    /// Writes what this window knows of a candidate.
    fn read(&self, bin: usize, out: &mut [f32]) {
        for (value, multiple) in out.iter_mut().zip(&self.multiples) {
            let place = bin + multiple.above;
            let (below, above) = (self.grid[place], self.grid[place + 1]);
            *value = below + multiple.share * (above - below);
        }
        for (value, lag) in out[self.multiples.len()..].iter_mut().zip(&self.lags[bin]) {
            *value = lag.map_or(0.0, |lag| {
                let around = &self.correlation[lag.first..lag.first + 4];
                around.iter().zip(&lag.weights).map(|(x, w)| x * w).sum()
            });
        }
    }
}

/// Triangular bands around the places of the grid, from an octave below the lowest candidate on;
/// at least two lines wide, so that none falls between lines.
fn bands(count: usize, line_hz: f64, lines: usize) -> (Vec<Band>, Vec<f32>) {
    let mut taps = Vec::new();
    let mut bands = Vec::with_capacity(count);
    for band in 0..count {
        let place = band as f64 - BINS_PER_OCTAVE as f64;
        let centre = grid_hz(place) / line_hz;
        let half = (grid_hz(place + 1.0) / line_hz - centre).max(1.0);
        let first = ((centre - half).ceil().max(0.0) as usize).min(lines);
        let end = ((centre + half).floor() as usize + 1).min(lines);
        let weights: Vec<f64> = (first..end)
            .map(|line| (1.0 - (line as f64 - centre).abs() / half).max(0.0))
            .collect();
        let sum: f64 = weights.iter().sum();
        let from = taps.len();
        taps.extend(weights.iter().map(|w| (w / sum.max(1e-9)) as f32));
        bands.push(Band {
            first: first.min(lines - 1),
            taps: (from, taps.len()),
        });
    }
    (bands, taps)
}

/// Where the autocorrelation is read for a candidate: Lagrange's cubic.
fn lags(bin: usize, longest: usize) -> [Option<Lag>; PERIODS.len()] {
    PERIODS.map(|periods| {
        let lag = periods * f64::from(RATE_HZ) / grid_hz(bin as f64);
        let first = (lag as usize).checked_sub(1)?;
        let t = lag - (first + 1) as f64;
        (first + 3 <= longest).then_some(Lag {
            first,
            weights: [
                -t * (t - 1.0) * (t - 2.0) / 6.0,
                (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
                -(t + 1.0) * t * (t - 2.0) / 2.0,
                (t + 1.0) * t * (t - 1.0) / 6.0,
            ]
            .map(|w| w as f32),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Harmonics of a pitch, all as strong.
    fn voice(hz: f64, gain: f64) -> Vec<f32> {
        (0..SPAN)
            .map(|i| {
                let t = i as f64 / f64::from(RATE_HZ);
                let harmonics = (7_000.0 / hz) as u32;
                let sum: f64 = (1..=harmonics)
                    .map(|k| (2.0 * PI * f64::from(k) * hz * t).cos())
                    .sum();
                (gain * sum) as f32
            })
            .collect()
    }

    #[test]
    fn every_candidate_is_where_its_pitch_is() {
        let mut features = Features::new();
        let mut out = vec![0.0; BINS * CHANNELS];
        for bin in (6..BINS - 6).step_by(7) {
            features.frame(&voice(grid_hz(bin as f64), 0.02), &mut out);
            let at = |bin: usize, channel: usize| out[bin * CHANNELS + channel];
            // Lag of one period: 9 in the long window, 15 in the short one.
            for (channel, lowest) in [(9, 0), (15, 12)] {
                if bin < lowest {
                    continue;
                }
                for away in [4, 5, 6] {
                    assert!(
                        at(bin - away, channel) < at(bin, channel),
                        "{bin} {channel}"
                    );
                    assert!(
                        at(bin + away, channel) < at(bin, channel),
                        "{bin} {channel}"
                    );
                }
            }
            // The first harmonic is a peak of the spectrum where the window resolves it.
            if bin > 40 {
                assert!(
                    at(bin - 5, 1) < at(bin, 1) && at(bin + 5, 1) < at(bin, 1),
                    "{bin}"
                );
            }
        }
    }

    #[test]
    fn only_the_level_tells_loud_from_soft() {
        let mut features = Features::new();
        let (mut loud, mut soft) = (vec![0.0; BINS * CHANNELS], vec![0.0; BINS * CHANNELS]);
        features.frame(&voice(210.0, 0.1), &mut loud);
        features.frame(&voice(210.0, 0.05), &mut soft);
        let level = CHANNELS - 1;
        // Far from both ends, where bands are empty however loud the voice.
        for i in 48 * CHANNELS..80 * CHANNELS {
            let same = (loud[i] - soft[i]).abs() < 0.1;
            assert!(
                same || i % CHANNELS == level,
                "{i}: {} {}",
                loud[i],
                soft[i]
            );
        }
        assert!((loud[level] - soft[level] - 2f32.log10()).abs() < 1e-3);
    }

    #[test]
    fn silence_is_flat_and_finite() {
        let mut features = Features::new();
        let mut out = vec![f32::NAN; BINS * CHANNELS];
        features.frame(&[0.0; SPAN], &mut out);
        for channels in out.chunks_exact(CHANNELS) {
            assert!(channels[..CHANNELS - 1].iter().all(|x| x.abs() < 1e-3));
        }
    }

    #[test]
    fn places_and_frequencies_are_inverse() {
        for place in [0.0, 11.5, 123.0] {
            assert!((grid_place(grid_hz(place)) - place).abs() < 1e-9);
        }
        assert!(grid_hz(0.0) < 50.0 && 1_500.0 < grid_hz(BINS as f64 - 1.0));
    }
}

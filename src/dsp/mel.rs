//! Bands of a spectrum on the mel scale (Stevens, Volkmann & Newman, 1937). Any thread;
//! real-time safe after construction.

use std::ops::Range;

use autovoice_kernels::cpu::dot;

/// What a filter bank is like. The scale is that of HTK, `2595 log10(1 + f / 700)`; bands are
/// triangles of equal area, as librosa has them by default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MelConfig {
    /// Of the signal, in Hz.
    pub rate_hz: u32,
    /// Length of the transform: the spectrum has `fft / 2 + 1` bins.
    pub fft: usize,
    /// Bands.
    pub bands: usize,
    /// Lower edge of the lowest band, in Hz.
    pub lowest_hz: f64,
    /// Upper edge of the highest band, in Hz.
    pub highest_hz: f64,
}

/// Triangular bands.
#[derive(Clone, Debug)]
pub struct MelBands {
    bins: usize,
    /// Per band the bins it covers, and their weights, one band after the other.
    covers: Vec<Range<usize>>,
    weights: Vec<f32>,
}

impl MelBands {
    /// Allocates.
    #[must_use]
    pub fn new(config: &MelConfig) -> Self {
        let mel = |hz: f64| 2_595.0 * (1.0 + hz / 700.0).log10();
        let hz = |mel: f64| 700.0 * (10f64.powf(mel / 2_595.0) - 1.0);
        let (low, high) = (mel(config.lowest_hz), mel(config.highest_hz));
        let step = (high - low) / (config.bands + 1) as f64;
        let edge = |n: usize| hz(low + step * n as f64);
        let bins = config.fft / 2 + 1;
        let bin_hz = f64::from(config.rate_hz) / config.fft as f64;

        let (mut covers, mut weights) = (Vec::with_capacity(config.bands), Vec::new());
        for band in 0..config.bands {
            let (from, centre, to) = (edge(band), edge(band + 1), edge(band + 2));
            let weight = |bin: usize| {
                let f = bin as f64 * bin_hz;
                let slopes = [(f - from) / (centre - from), (to - f) / (to - centre)];
                (slopes[0].min(slopes[1]).max(0.0) * 2.0 / (to - from)) as f32
            };
            let first = (0..bins).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
            let last = (first..bins).take_while(|bin| weight(*bin) > 0.0).count();
            let cover = first..first + last;
            weights.extend(cover.clone().map(weight));
            covers.push(cover);
        }
        Self {
            bins,
            covers,
            weights,
        }
    }

    /// Bands.
    #[must_use]
    pub fn bands(&self) -> usize {
        self.covers.len()
    }

    /// The weighted sum of the spectrum in each band. Real-time safe.
    ///
    /// # Panics
    /// If there is not one value per bin, and one `out` per band.
    pub fn apply(&self, spectrum: &[f32], out: &mut [f32]) {
        assert_eq!(spectrum.len(), self.bins, "one value per bin");
        assert_eq!(out.len(), self.bands(), "one sum per band");
        let mut weights = &self.weights[..];
        for (out, cover) in out.iter_mut().zip(&self.covers) {
            let (own, rest) = weights.split_at(cover.len());
            *out = dot(own, &spectrum[cover.clone()]);
            weights = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_triangles_of_equal_area_around_their_centres() {
        let config = MelConfig {
            rate_hz: 16_000,
            fft: 4_096,
            bands: 20,
            lowest_hz: 100.0,
            highest_hz: 7_000.0,
        };
        let bands = MelBands::new(&config);
        let bin_hz = 16_000.0 / 4_096.0;
        let mut out = vec![f32::NAN; 20];
        bands.apply(&vec![1.0; 2_049], &mut out);
        for (band, sum) in out.iter().enumerate() {
            assert!(
                (sum * bin_hz as f32 - 1.0).abs() < 0.02,
                "band {band}: {sum}"
            );
        }
        // 1000 mel are 1000 Hz on this scale, by its making.
        let mel = |hz: f64| 2_595.0 * (1.0 + hz / 700.0).log10();
        let place = (mel(1_000.0) - mel(100.0)) / (mel(7_000.0) - mel(100.0)) * 21.0 - 1.0;
        let mut tone = vec![0.0; 2_049];
        tone[(1_000.0 / bin_hz) as usize] = 1.0;
        bands.apply(&tone, &mut out);
        let heard: Vec<usize> = (0..20).filter(|band| out[*band] > 0.0).collect();
        assert_eq!(heard, [place as usize, place as usize + 1]);
    }
}

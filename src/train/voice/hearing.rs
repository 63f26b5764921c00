//! What an encoder would hear of a spectrum that a decoder makes: so that a decoder can be taught to
//! be understood, not only to be near a recording.

use candle_core::{Device, Result, Tensor};

use crate::dsp::mel::MelBands;
use crate::dsp::stft::hann;
use crate::model::ddsp::features::{BANDS as MELS, FFT, MEL, RATE_HZ, WINDOW};
use crate::model::ddsp::grid::{BANDS, place};

/// How much of each point of the grid is in each mel band: `[BANDS, MELS]`.
pub struct Hearing(Tensor);

impl Hearing {
    /// Works that out for a device.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(device: &Device) -> Result<Self> {
        let mel = MelBands::new(&MEL);
        // Noise of the power P per Hz has the variance P * rate / 2, and its bins that times the
        // window's sum of squares.
        let squares: f32 = hann(WINDOW).iter().map(|w| w * w).sum();
        let scale = 0.5 * RATE_HZ as f32 * squares;
        let mut spectra = vec![[0.0; FFT / 2 + 1]; BANDS];
        let places = (0..=FFT / 2).map(|bin| place((bin * RATE_HZ as usize) as f32 / FFT as f32));
        for (bin, place) in places.enumerate() {
            let below = (place as usize).min(BANDS - 2);
            let share = place - below as f32;
            spectra[below][bin] = scale * (1.0 - share);
            spectra[below + 1][bin] = scale * share;
        }
        let mut matrix = vec![0.0; BANDS * MELS];
        for (row, spectrum) in matrix.chunks_exact_mut(MELS).zip(&spectra) {
            mel.apply(spectrum, row);
        }
        Ok(Self(Tensor::from_vec(matrix, (BANDS, MELS), device)?))
    }

    /// Envelopes `[batch, frames, BANDS]`, `ln` power per Hz, as the encoder takes them, `[batch,
    /// frames, MELS]`.
    ///
    /// # Errors
    /// If the shape is another.
    pub fn of(&self, envelope: &Tensor) -> Result<Tensor> {
        let (batch, frames, _) = envelope.dims3()?;
        let power = envelope.exp()?.flatten(0, 1)?.matmul(&self.0)?;
        let values = (((power + 1e-6)?.log()? + 4.0)? * 0.25)?;
        values.reshape((batch, frames, MELS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ddsp::features::Features;
    use crate::train::ops::testing::{check_gradients, weighted};
    use crate::train::ops::values;
    use crate::train::random::Random;
    use candle_core::Var;

    #[test]
    fn noise_is_heard_as_the_front_hears_it() {
        let mut random = Random::new(12);
        let deviation = 0.05;
        let wave: Vec<f32> = (0..160_000).map(|_| deviation * random.white()).collect();
        let mut means = vec![0f64; MELS];
        let frames = Features::forward(&wave);
        for frame in &frames[3..] {
            let bands = means.iter_mut().zip(&frame.bands);
            bands.for_each(|(mean, power)| *mean += f64::from(*power));
        }
        let count = (frames.len() - 3) as f64;
        let density = (deviation * deviation / 8_000.0).ln();
        let envelope = Tensor::full(density, (1, 1, BANDS), &Device::Cpu).unwrap();
        let found = values(&Hearing::new(&Device::Cpu).unwrap().of(&envelope).unwrap()).unwrap();
        for (band, (found, mean)) in found.iter().zip(&means).enumerate() {
            let wanted = 0.25 * ((mean / count + 1e-6).ln() + 4.0);
            // The lowest bins hold the edge of the spectrum, too.
            let width = if band < 2 { 0.1 } else { 0.03 };
            assert!(
                (f64::from(*found) - wanted).abs() < width,
                "{band}: {found} for {wanted}"
            );
        }
    }

    #[test]
    fn what_is_heard_can_be_learnt_from() {
        let mut random = Random::new(13);
        let envelope: Vec<f32> = (0..BANDS).map(|_| random.white() - 12.0).collect();
        let envelope = Var::from_vec(envelope, (1, 1, BANDS), &Device::Cpu).unwrap();
        let hearing = Hearing::new(&Device::Cpu).unwrap();
        check_gradients(&[&envelope], 1e-2, 0.02, || {
            weighted(&hearing.of(&envelope).unwrap(), 14)
        });
    }
}

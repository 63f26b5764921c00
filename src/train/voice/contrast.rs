//! The contrast of a voice: a network that is taught by mean errors says what is likely, which is
//! flatter than what is said. How much each voice's spectra vary, coarse shapes and fine ones, is
//! known from its recordings, and the decoder's last layer is turned up to vary as much (Toda &
//! Tokuda, "A speech parameter generation algorithm considering global variance", 2007). Costs
//! nothing when it sings.

use candle_core::Result;

use super::batch::Batch;
use super::lessons::Lessons;
use super::network::Network;
use super::perturb::Perturbation;
use super::steps::Kept;
use crate::model::ddsp::grid::BANDS;
use crate::train::ops::values;

/// Batches that are looked at: four minutes of sound.
const LOOKS: u64 = 8;
/// The most that a shape is turned up.
const MOST: f64 = 1.5;
/// The first shape that is neither level nor tilt.
const FINER: usize = 2;

/// Sums over frames of one shape.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, x: f64) {
        self.count += 1.0;
        self.sum += x;
        self.squares += x * x;
    }

    fn mean(self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn deviation(self) -> f64 {
        let square = self.squares / self.count.max(1.0);
        (square - self.mean().powi(2)).max(0.0).sqrt()
    }
}

/// How each shape of a spectrum of so many bands, a cosine of so many half turns, is to be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The mean of what is made: what does not change.
    mean: Vec<f64>,
    /// By how much what differs from it is multiplied.
    gain: Vec<f64>,
}

/// The orthonormal cosines, `[bands, bands]`: shapes by bands.
fn cosines(bands: usize) -> Vec<Vec<f64>> {
    let n = bands as f64;
    let cosine = |k: usize, band: usize| {
        let size = if k == 0 { 1.0 / n } else { 2.0 / n };
        size.sqrt() * (std::f64::consts::PI * k as f64 * (band as f64 + 0.5) / n).cos()
    };
    (0..bands)
        .map(|k| (0..bands).map(|band| cosine(k, band)).collect())
        .collect()
}

fn shapes(cosines: &[Vec<f64>], spectrum: &[f32]) -> Vec<f64> {
    let shape = |cosine: &Vec<f64>| {
        let parts = cosine.iter().zip(spectrum);
        parts.map(|(c, x)| c * f64::from(*x)).sum()
    };
    cosines.iter().map(shape).collect()
}

impl Contrast {
    /// Looks at voiced frames of lessons, of which the first `bands` bands are known everywhere.
    ///
    /// # Errors
    /// If memory is short.
    pub fn of(
        network: &Network,
        lessons: &Lessons,
        bend: &Perturbation,
        seed: u64,
        bands: usize,
    ) -> Result<Self> {
        let cosines = cosines(bands);
        let mut made_sums = vec![Sums::default(); bands];
        let mut real_sums = made_sums.clone();
        for look in 0..LOOKS {
            let batch = Batch::draw(lessons, bend, seed, look);
            let batch = batch.tensors(network.arithmetic().device())?;
            let content = Network::centred(&network.encode(&batch.mel)?, &batch.heard_voiced)?;
            let content = Network::in_time(&content, &batch.heard)?;
            let who = network.speakers(&batch.speakers)?;
            let made = network.decode(&content, &batch.sung, &who)?.envelope;
            let (made, real) = (values(&made)?, values(&batch.ln_power)?);
            let voiced = values(&batch.voiced_known.at)?;
            for (frame, voiced) in voiced.chunks_exact(BANDS).enumerate() {
                // Neighbouring frames say the same again.
                if voiced[0] == 0.0 || frame % 3 != 0 {
                    continue;
                }
                let rows = frame * BANDS..frame * BANDS + bands;
                for (sums, all) in [(&mut made_sums, &made), (&mut real_sums, &real)] {
                    let shapes = shapes(&cosines, &all[rows.clone()]);
                    sums.iter_mut().zip(shapes).for_each(|(sum, x)| sum.add(x));
                }
            }
        }
        let mean_shapes: Vec<f64> = made_sums.iter().map(|sums| sums.mean()).collect();
        let mean = |band: usize| (0..bands).map(|k| cosines[k][band] * mean_shapes[k]).sum();
        let gain = made_sums.iter().zip(&real_sums).map(|(made, real)| {
            let wanted = real.deviation() / made.deviation().max(1e-9);
            if wanted.is_finite() {
                wanted.clamp(1.0, MOST)
            } else {
                1.0
            }
        });
        Ok(Self {
            gain: gain.collect(),
            mean: (0..bands).map(mean).collect(),
        })
    }

    /// Shapes finer than tilt differ so many times as much from the mean of spectra `[frames, bands]`.
    /// `None` without a frame.
    pub fn more(gain: f64, spectra: &[f32], bands: usize) -> Option<Self> {
        let frames = spectra.len() / bands;
        let mut mean = vec![0.0; bands];
        for spectrum in spectra.chunks_exact(bands) {
            let parts = mean.iter_mut().zip(spectrum);
            parts.for_each(|(mean, x)| *mean += f64::from(*x) / frames as f64);
        }
        let gain = (0..bands).map(|shape| if shape < FINER { 1.0 } else { gain });
        (0 < frames).then(|| Self {
            gain: gain.collect(),
            mean,
        })
    }

    /// Changes the last layer of a decoder, as files have it.
    pub fn apply(&self, kept: &mut Kept) {
        let bands = self.gain.len();
        let cosines = cosines(bands);
        let turn = |from: &[f64]| -> Vec<f64> {
            let turned: Vec<f64> = (0..bands)
                .map(|k| {
                    let shape: f64 = cosines[k].iter().zip(from).map(|(c, x)| c * x).sum();
                    self.gain[k] * shape
                })
                .collect();
            let band = |n: usize| (0..bands).map(|k| cosines[k][n] * turned[k]).sum();
            (0..bands).map(band).collect()
        };
        if let Some((shape, weight)) = kept.get_mut("decoder.head.weight") {
            let width = shape[1];
            for column in 0..width {
                let rows = (0..bands).map(|band| f64::from(weight[band * width + column]));
                let turned = turn(&rows.collect::<Vec<_>>());
                for (band, x) in turned.into_iter().enumerate() {
                    weight[band * width + column] = x as f32;
                }
            }
        }
        if let Some((_, bias)) = kept.get_mut("decoder.head.bias") {
            let from_mean = bias.iter().zip(&self.mean).map(|(b, m)| f64::from(*b) - m);
            let turned = turn(&from_mean.collect::<Vec<_>>());
            for ((b, m), x) in bias.iter_mut().zip(&self.mean).zip(turned) {
                *b = (m + x) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_the_mean_differs_more() {
        let bands = 5;
        let contrast = Contrast {
            mean: vec![1.0, 2.0, 3.0, 4.0, 5.0],
            gain: vec![1.0, 1.5, 1.0, 1.2, 1.0],
        };
        // Two columns, as many rows again that say something else.
        let weight: Vec<f32> = (0..4 * bands).map(|n| (n as f32 * 0.7).sin()).collect();
        let bias: Vec<f32> = (0..2 * bands).map(|n| (n as f32 * 1.3).cos()).collect();
        let mut kept = Kept::from([
            (
                "decoder.head.weight".to_owned(),
                (vec![2 * bands, 2], weight),
            ),
            ("decoder.head.bias".to_owned(), (vec![2 * bands], bias)),
        ]);
        let said = |kept: &Kept, x: [f32; 2]| -> Vec<f32> {
            let (weight, bias) = (&kept["decoder.head.weight"].1, &kept["decoder.head.bias"].1);
            let row = |n: usize| bias[n] + weight[2 * n] * x[0] + weight[2 * n + 1] * x[1];
            (0..2 * bands).map(row).collect()
        };
        let inputs = [[0.3, -0.8], [1.2, 0.1]];
        let before = inputs.map(|x| said(&kept, x));
        contrast.apply(&mut kept);
        let cosines = cosines(bands);
        for (x, before) in inputs.into_iter().zip(before) {
            let after = said(&kept, x);
            assert_eq!(before[bands..], after[bands..], "noise stays as it is");
            let from_mean = |said: &[f32]| -> Vec<f32> {
                let parts = said[..bands].iter().zip(&contrast.mean);
                parts.map(|(x, m)| x - *m as f32).collect()
            };
            let [before, after] = [&before, &after].map(|said| shapes(&cosines, &from_mean(said)));
            for ((before, after), gain) in before.iter().zip(&after).zip(&contrast.gain) {
                assert!((after - gain * before).abs() < 1e-5, "{after} for {before}");
            }
        }
    }

    #[test]
    fn more_contrast_leaves_the_mean_the_level_and_the_tilt() {
        let bands = 6;
        let spectra: Vec<f32> = (0..20 * bands)
            .map(|n| (n as f32 * 0.37).sin() - 0.1 * (n % bands) as f32)
            .collect();
        let more = Contrast::more(1.25, &spectra, bands).unwrap();
        // A decoder whose one hidden value is which spectrum, seen as a bias alone.
        let turned: Vec<f32> = spectra
            .chunks_exact(bands)
            .flat_map(|spectrum| {
                let mut kept = Kept::from([(
                    "decoder.head.bias".to_owned(),
                    (vec![bands], spectrum.to_vec()),
                )]);
                more.apply(&mut kept);
                kept["decoder.head.bias"].1.clone()
            })
            .collect();
        let cosines = cosines(bands);
        let sums = |spectra: &[f32]| {
            let mut sums = vec![Sums::default(); bands];
            for spectrum in spectra.chunks_exact(bands) {
                let shapes = shapes(&cosines, spectrum);
                sums.iter_mut().zip(shapes).for_each(|(sum, x)| sum.add(x));
            }
            sums
        };
        let all = sums(&spectra).into_iter().zip(sums(&turned));
        for (shape, (before, after)) in all.enumerate() {
            assert!((before.mean() - after.mean()).abs() < 1e-5, "{shape}");
            let gain = after.deviation() / before.deviation();
            let expected = if shape < 2 { 1.0 } else { 1.25 };
            assert!((gain - expected).abs() < 1e-4, "{shape}: {gain}");
        }
        assert_eq!(Contrast::more(1.25, &[], bands), None);
    }
}

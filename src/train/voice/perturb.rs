//! Other voices from the same words: what the encoder hears is bent so that it learns to hear what
//! is said, not who says it, nor into which microphone.

use crate::model::ddsp::features::BANDS as MELS;
use crate::train::random::Random;

/// The natural logarithm of the power that a feature stands for, and back.
fn ln_power(feature: f32) -> f32 {
    4.0 * feature - 4.0
}

/// See [`ln_power`].
fn feature(ln_power: f32) -> f32 {
    0.25 * (ln_power + 4.0)
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perturbation {
    /// Range of the factor by which formants move.
    pub warp: (f64, f64),
    /// The widest blur along bands, as a standard deviation in bands: it hides harmonics.
    pub blur: f64,
    /// The strongest equalizer, in dB.
    pub eq_db: f64,
    /// The largest change of gain, in dB.
    pub gain_db: f64,
    /// Share of sequences with noise, and its level below the loudest band, in dB.
    pub noisy: f64,
    /// See `noisy`.
    pub noise_db: (f64, f64),
}

impl Default for Perturbation {
    fn default() -> Self {
        Self {
            warp: (0.78, 1.28),
            blur: 2.0,
            eq_db: 6.0,
            gain_db: 6.0,
            noisy: 0.9,
            noise_db: (25.0, 70.0),
        }
    }
}

/// One way of bending, the same for all frames of a sequence.
struct Bend {
    /// Where each band is read, in bands.
    places: [f32; MELS],
    /// Weights of a band and of its neighbours on one side.
    blur: Vec<f32>,
    /// Added to the logarithm of power.
    shift: [f32; MELS],
    /// Power of the noise.
    noise: Option<[f32; MELS]>,
}

/// Natural logarithm of power per dB.
const LN_PER_DB: f64 = std::f64::consts::LN_10 / 10.0;

impl Perturbation {
    /// Bends the features of one sequence, `[frames, MELS]`.
    pub fn apply(&self, random: &mut Random, mel: &mut [f32]) {
        let loudest = mel.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let bend = self.draw(random, f64::from(ln_power(loudest)));
        let mut row = [0.0; MELS];
        for frame in mel.as_chunks_mut::<MELS>().0 {
            for (x, place) in row.iter_mut().zip(&bend.places) {
                let low = (*place as usize).min(MELS - 2);
                let (a, b) = (frame[low], frame[low + 1]);
                *x = a + (place - low as f32) * (b - a);
            }
            for (band, x) in frame.iter_mut().enumerate() {
                let at = |n: usize| row[n.min(MELS - 1)];
                let mut sum = bend.blur[0] * row[band];
                for (n, weight) in bend.blur.iter().enumerate().skip(1) {
                    sum += weight * (at(band + n) + row[band.saturating_sub(n)]);
                }
                let mut ln = ln_power(sum) + bend.shift[band];
                if let Some(noise) = &bend.noise {
                    // Powers of a spectrum's places are spread as an exponential is.
                    let spread = -(random.unit().max(1e-3).ln() as f32);
                    ln = (ln.exp() + noise[band] * (0.5 + 0.5 * spread)).ln();
                }
                *x = feature(ln);
            }
        }
    }

    fn draw(&self, random: &mut Random, loudest: f64) -> Bend {
        let warp = random.log_range(self.warp.0, self.warp.1);
        let mel = |hz: f64| 2_595.0 * (1.0 + hz / 700.0).log10();
        let step = mel(8_000.0) / (MELS + 1) as f64;
        let places = std::array::from_fn(|band| {
            let hz = 700.0 * (10f64.powf(step * (band + 1) as f64 / 2_595.0) - 1.0);
            let place = mel((hz * warp).min(8_000.0)) / step - 1.0;
            place.clamp(0.0, (MELS - 1) as f64) as f32
        });
        let sigma = random.range(0.0, self.blur).max(0.05);
        let reach = (2.5 * sigma).ceil() as usize;
        let bell = |n: usize| (-0.5 * (n as f64 / sigma).powi(2)).exp();
        let sum = bell(0) + 2.0 * (1..=reach).map(bell).sum::<f64>();
        let blur = (0..=reach).map(|n| (bell(n) / sum) as f32).collect();
        // A tilt, a hump and something finer.
        let waves: [(f64, f64, f64); 3] = std::array::from_fn(|n| {
            let size = random.range(-self.eq_db, self.eq_db) / (n + 1) as f64;
            let turns = random.range(0.3, 1.0) * (n + 1) as f64;
            (size, turns, random.range(0.0, 1.0))
        });
        let gain = random.range(-self.gain_db, self.gain_db);
        let shift = std::array::from_fn(|band| {
            let place = band as f64 / MELS as f64;
            let wave = |(size, turns, from): &(f64, f64, f64)| {
                size * (std::f64::consts::TAU * (turns * place + from)).cos()
            };
            let db = waves.iter().map(wave).sum::<f64>();
            (LN_PER_DB * (gain + db.clamp(-self.eq_db, self.eq_db))) as f32
        });
        let noise = random.chance(self.noisy).then(|| {
            let below = random.range(self.noise_db.0, self.noise_db.1);
            let tilt = random.range(-25.0, 10.0);
            std::array::from_fn(|band| {
                let db = gain - below + tilt * (band as f64 / MELS as f64);
                (loudest + LN_PER_DB * db).exp() as f32
            })
        });
        Bend {
            places,
            blur,
            shift,
            noise,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STILL: Perturbation = Perturbation {
        warp: (1.0, 1.0),
        blur: 0.0,
        eq_db: 0.0,
        gain_db: 0.0,
        noisy: 0.0,
        noise_db: (0.0, 0.0),
    };

    /// Two frames with a formant at one band.
    fn formant(at: f32) -> Vec<f32> {
        let bump = |band: usize| (-0.02 * (band as f32 - at).powi(2)).exp() - 1.0;
        (0..2 * MELS).map(|n| bump(n % MELS)).collect()
    }

    fn top(mel: &[f32]) -> usize {
        (0..MELS)
            .max_by(|a, b| mel[*a].total_cmp(&mel[*b]))
            .unwrap()
    }

    #[test]
    fn each_part_does_what_it_says() {
        let bent = |perturbation: Perturbation, seed| {
            let mut mel = formant(40.0);
            perturbation.apply(&mut Random::new(seed), &mut mel);
            mel
        };
        for (found, wanted) in bent(STILL, 1).iter().zip(formant(40.0)) {
            assert!((found - wanted).abs() < 1e-5);
        }
        let lower = Perturbation {
            warp: (1.25, 1.25),
            ..STILL
        };
        let higher = Perturbation {
            warp: (0.8, 0.8),
            ..STILL
        };
        assert!(top(&bent(lower, 1)) < 38 && 42 < top(&bent(higher, 1)));
        for seed in 0..20 {
            let mel = bent(
                Perturbation {
                    gain_db: 6.0,
                    eq_db: 6.0,
                    ..STILL
                },
                seed,
            );
            for (found, wanted) in mel.iter().zip(formant(40.0)) {
                assert!((found - wanted).abs() < 12.1 * LN_PER_DB as f32 / 4.0);
            }
            let noisy = Perturbation {
                noisy: 1.0,
                noise_db: (30.0, 30.0),
                ..STILL
            };
            let floor = bent(noisy, seed).iter().copied().fold(0.0, f32::min);
            // 30 dB and the tilt below the loudest, which is 0.
            assert!(-60.0 * (LN_PER_DB as f32) / 4.0 < floor, "{floor}");
            let all = bent(Perturbation::default(), seed);
            assert!(all.iter().all(|x| x.is_finite()));
            assert!(all == bent(Perturbation::default(), seed));
        }
    }
}

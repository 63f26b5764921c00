//! What a voice makes of stretches that it has not learnt: their sound, and how like the speaker's
//! own it is. No network that others trained takes part: what is compared is spectra.

use super::TrainError;
use super::clip::{Clip, at_16k};
use super::recordings::Recording;
use super::steps::Kept;
use crate::model::ddsp::features::{AFTER, BANDS as MELS, Features, HOP, STANDARD_LEVEL, level};
use crate::model::ddsp::synthesis::{self, STEPS, Synthesis, Tone};
use crate::model::ddsp::{Centre, DdspConfig, Decoder, Encoder, OUTS, Sung};
use crate::nn::Weights;

/// Cepstral coefficients that are compared: the shape of a vowel, not the harmonics in it.
const CEPSTRA: usize = 24;
/// Frames of 10 ms that the two halves of recordings are made of by turns: 10 s.
const TURN: usize = 1_000;
/// dB per nat of amplitude.
const DB: f64 = 20.0 * std::f64::consts::LOG10_E;

/// Stretches that were held out, and how voices are made.
pub struct Held {
    clips: Vec<Clip>,
    config: DdspConfig,
    bandwidth_hz: f32,
}

/// How far what was made is from what the speaker said, in dB, in frames with a pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Mean distance of the mel cepstra, level left out, of the same instant (Kubichek, 1993).
    pub cepstral_db: f64,
    /// Distance of the mean spectra, level left out: of what all of it has in common.
    pub long_term_db: f64,
}

impl Held {
    pub fn new(clips: Vec<Clip>, config: &DdspConfig, bandwidth_hz: f64) -> Self {
        Self {
            clips,
            config: config.clone(),
            bandwidth_hz: bandwidth_hz as f32,
        }
    }

    /// Whether there is anything.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }

    /// The recorded sound of the first stretches at 16 kHz, at the level at which voices speak. One
    /// whose file is not there any more is silent.
    pub fn recorded(&self, count: usize) -> Vec<Vec<f32>> {
        let clips = self.clips.iter().take(count);
        let recorded = clips.map(|clip| {
            let samples = clip.frames() * HOP;
            let read = Recording::read(&clip.file).map(|recording| {
                let rate_hz = f64::from(recording.rate_hz);
                let first = (clip.start_s * rate_hz).round() as usize;
                let rest = recording.signal.get(first..).unwrap_or_default();
                let wanted = (samples as f64 * rate_hz / 16e3).ceil() as usize;
                at_16k(&rest[..wanted.min(rest.len())], recording.rate_hz)
            });
            let mut wave = read.unwrap_or_default();
            wave.resize(samples, 0.0);
            let levels = Features::forward(&wave).into_iter().zip(&clip.f0_hz);
            let voiced = levels.filter(|(_, hz)| 0.0 < **hz);
            let levels: Vec<f32> = voiced.map(|(heard, _)| level(heard.mean_square)).collect();
            let mean = levels.iter().sum::<f32>() / levels.len().max(1) as f32;
            let gain = (0.5 * (STANDARD_LEVEL - mean)).exp();
            wave.iter_mut().for_each(|x| *x *= gain);
            wave
        });
        recorded.collect()
    }

    /// What weights make of every stretch: sound at 16 kHz, through encoder, decoder and synthesis
    /// as an engine has them, with the pitch that was sung.
    ///
    /// # Errors
    /// If they are not those of a voice.
    pub fn made(&self, kept: Kept) -> Result<Vec<Vec<f32>>, TrainError> {
        let spectra = self.spectra(kept)?;
        let made = spectra.iter().zip(&self.clips).map(|(spectra, clip)| {
            let sound = sung(spectra, &clip.f0_hz, self.bandwidth_hz);
            let mut wave = at_16k(&sound, synthesis::RATE_HZ);
            wave.resize(clip.frames() * HOP, 0.0);
            wave
        });
        Ok(made.collect())
    }

    /// What weights say in every stretch, `[frames, OUTS]`.
    ///
    /// # Errors
    /// If they are not those of a voice.
    fn spectra(&self, kept: Kept) -> Result<Vec<Vec<f32>>, TrainError> {
        let named = kept.into_iter();
        let weights = Weights::new(named.map(|(name, (shape, values))| (name, shape, values)));
        let wrong = |error: crate::nn::WeightsError| TrainError::Base(error.to_string());
        let weights = weights.map_err(wrong)?;
        let encoder = Encoder::new(&self.config.encoder, &weights.root()).map_err(wrong)?;
        let mut decoder = Decoder::new(&self.config.decoder, &weights.root()).map_err(wrong)?;
        let shape = [1, self.config.decoder.embedding];
        let speaker = weights.root().get("speakers.embedding", &shape);
        decoder.set_speaker(speaker.map_err(wrong)?);
        // One after the other, as somebody who goes on speaking.
        let mut centre = Centre::new(self.config.encoder.content);
        let clips = self.clips.iter();
        let made = clips.map(|clip| self.say(&encoder, &mut centre, &decoder, clip));
        Ok(made.collect())
    }

    fn say(
        &self,
        encoder: &Encoder,
        centre: &mut Centre,
        decoder: &Decoder,
        clip: &Clip,
    ) -> Vec<f32> {
        let mut mel = clip.mel.clone();
        let ahead = self.config.encoder.ahead;
        (0..ahead).for_each(|_| mel.extend_from_within(mel.len() - MELS..));
        let mut content = encoder.forward(&mel);
        let frames = content
            .chunks_exact_mut(self.config.encoder.content)
            .zip(&clip.f0_hz);
        let mut input = Vec::with_capacity(clip.frames() * decoder.ins());
        for (content, f0_hz) in frames {
            centre.step(0.0 < *f0_hz, content);
            input.extend_from_slice(content);
            input.extend(Sung { f0_hz: *f0_hz }.values());
        }
        decoder.forward(&input)
    }

    /// The spectra of every frame with a pitch, `[frames, bands]`, and how many bands the recordings
    /// have.
    ///
    /// # Errors
    /// As [`Self::made`].
    pub fn said(&self, kept: Kept) -> Result<(Vec<f32>, usize), TrainError> {
        let bands = self.clips.iter().map(|clip| clip.known).min();
        let bands = bands.unwrap_or(0).max(1);
        let mut said = Vec::new();
        for (spectra, clip) in self.spectra(kept)?.iter().zip(&self.clips) {
            for (spectrum, hz) in spectra.chunks_exact(OUTS).zip(&clip.f0_hz) {
                if 0.0 < *hz {
                    said.extend_from_slice(&spectrum[..bands]);
                }
            }
        }
        Ok((said, bands))
    }

    /// How far sounds are from the recordings; `None` without a voiced frame.
    pub fn distance(&self, made: &[Vec<f32>]) -> Option<Distance> {
        let mut cepstral = 0.0;
        let (sums, count) = self.compare(made, |real, made| {
            cepstral += distance_db(&cepstrum(real), &cepstrum(made));
        })?;
        Some(Distance {
            cepstral_db: cepstral / count as f64,
            long_term_db: long_term_db(&sums, [count; 2]),
        })
    }

    /// By how much recordings are above sounds in the mean, by band, in nats of amplitude, level
    /// left out; `None` without a voiced frame.
    pub fn long_term(&self, made: &[Vec<f32>]) -> Option<[f64; MELS]> {
        let (sums, count) = self.compare(made, |_, _| ())?;
        Some(apart(&sums, [count; 2]))
    }

    /// Shows the amplitudes of each voiced frame of recordings and sounds; gives the sums of both,
    /// and of how many.
    fn compare(
        &self,
        made: &[Vec<f32>],
        mut see: impl FnMut(&[f64; MELS], &[f64; MELS]),
    ) -> Option<([[f64; MELS]; 2], usize)> {
        let (mut sums, mut count) = ([[0.0; MELS]; 2], 0);
        for (clip, made) in self.clips.iter().zip(made) {
            let made = mels(made);
            let pairs = clip.mel.chunks_exact(MELS).zip(made.chunks_exact(MELS));
            for ((real, made), hz) in pairs.zip(&clip.f0_hz) {
                if *hz <= 0.0 {
                    continue;
                }
                let rows = [real, made].map(amplitudes);
                see(&rows[0], &rows[1]);
                for (sum, row) in sums.iter_mut().zip(&rows) {
                    sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                }
                count += 1;
            }
        }
        (0 < count).then_some((sums, count))
    }
}

/// The sound of spectra `[frames, OUTS]` as they are, at 48 kHz, beginning with the instant of the
/// first.
pub fn sung(spectra: &[f32], f0_hz: &[f32], bandwidth_hz: f32) -> Vec<f32> {
    let mut synthesis = Synthesis::new(bandwidth_hz, 1);
    let mut sound = Vec::with_capacity(f0_hz.len() * synthesis::HOP);
    let mut hop = [0.0; synthesis::HOP];
    let mut last_hz = 0.0;
    for (spectrum, f0_hz) in spectra.chunks_exact(OUTS).zip(f0_hz) {
        // On straight lines.
        let from_hz = if 0.0 < last_hz { last_hz } else { *f0_hz };
        let at = |step: usize| from_hz + (f0_hz - from_hz) * (step + 1) as f32 / STEPS as f32;
        last_hz = *f0_hz;
        let tone = Tone {
            f0_hz: std::array::from_fn(at),
            gain: 1.0,
            formant_semitones: 0.0,
        };
        synthesis.step(spectrum, &tone, &mut hop);
        sound.extend(hop);
    }
    // The first hop ends with the instant of the first frame.
    sound.drain(..synthesis::HOP.min(sound.len()));
    sound
}

/// How far the mean spectra of two halves of the same recordings are from each other, in dB: what
/// [`Distance::long_term_db`] is of a voice with itself. `None` where there are no two.
pub fn halves_db(clips: &[Clip]) -> Option<f64> {
    let (mut sums, mut counts) = ([[0.0; MELS]; 2], [0; 2]);
    let frames = clips.iter().flat_map(|clip| {
        let mels = clip.mel.chunks_exact(MELS);
        mels.zip(&clip.f0_hz)
    });
    for (n, (mel, hz)) in frames.enumerate() {
        if 0.0 < *hz {
            let half = n / TURN % 2;
            let row = amplitudes(mel);
            sums[half]
                .iter_mut()
                .zip(&row)
                .for_each(|(sum, x)| *sum += x);
            counts[half] += 1;
        }
    }
    (counts.iter().all(|count| 0 < *count)).then(|| long_term_db(&sums, counts))
}

/// What an encoder hears of a sound.
fn mels(wave: &[f32]) -> Vec<f32> {
    let mut padded = wave.to_vec();
    padded.resize(wave.len() + AFTER - HOP, 0.0);
    let heard = Features::forward(&padded);
    let mut mels = vec![0.0; heard.len() * MELS];
    for (heard, mel) in heard.iter().zip(mels.chunks_exact_mut(MELS)) {
        heard.write(1.0, mel);
    }
    mels
}

/// Natural logarithms of the amplitude that features stand for.
fn amplitudes(mel: &[f32]) -> [f64; MELS] {
    std::array::from_fn(|band| 2.0 * f64::from(mel[band]) - 2.0)
}

/// Coefficients 1 to [`CEPSTRA`], of cosines over the bands.
fn cepstrum(ln: &[f64; MELS]) -> [f64; CEPSTRA] {
    std::array::from_fn(|n| {
        let turn = std::f64::consts::PI * (n + 1) as f64 / MELS as f64;
        let terms = ln.iter().enumerate();
        let sum: f64 = terms
            .map(|(band, x)| x * (turn * (band as f64 + 0.5)).cos())
            .sum();
        2.0 * sum / MELS as f64
    })
}

/// The root mean square over frequency of the difference of what two cepstra stand for, in dB.
fn distance_db(a: &[f64; CEPSTRA], b: &[f64; CEPSTRA]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    DB * (0.5 * squares).sqrt()
}

/// The same of means, given as sums, with every band on its own.
fn long_term_db(sums: &[[f64; MELS]; 2], counts: [usize; 2]) -> f64 {
    difference_db(&apart(sums, counts))
}

/// The root mean square of differences of amplitudes in nats, in dB.
pub fn difference_db(differences: &[f64; MELS]) -> f64 {
    let squares: f64 = differences.iter().map(|x| x.powi(2)).sum();
    DB * (squares / MELS as f64).sqrt()
}

/// By how much the first of two means, given as sums, is above the second, by band, less the mean
/// of that over bands.
fn apart(sums: &[[f64; MELS]; 2], counts: [usize; 2]) -> [f64; MELS] {
    let [a, b] = [0, 1].map(|n| sums[n].map(|sum| sum / counts[n].max(1) as f64));
    let differences: [f64; MELS] = std::array::from_fn(|band| a[band] - b[band]);
    let mean = differences.iter().sum::<f64>() / MELS as f64;
    differences.map(|difference| difference - mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buzz at 16 kHz whose harmonics fall by a power of their number.
    fn buzz(slope: i32, gain: f64) -> Vec<f32> {
        let wave = |n: usize| {
            let turns = 150.0 * n as f64 / 16e3;
            let one = |k: i32| {
                (std::f64::consts::TAU * f64::from(k) * turns).cos()
                    / f64::from(k.pow(slope as u32))
            };
            (gain * (1..50).map(one).sum::<f64>()) as f32
        };
        (0..16_000).map(wave).collect()
    }

    fn held(wave: &[f32]) -> Held {
        let clip = Clip {
            mel: mels(wave),
            f0_hz: vec![150.0; 100],
            ..Clip::default()
        };
        Held::new(vec![clip], &DdspConfig::default(), 8_000.0)
    }

    #[test]
    fn the_same_sound_is_near_whatever_its_level_and_another_is_far() {
        let one = buzz(1, 0.05);
        let held = held(&one);
        let near = held.distance(std::slice::from_ref(&one)).unwrap();
        assert!(
            near.cepstral_db < 1e-3 && near.long_term_db < 1e-3,
            "{near:?}"
        );
        // Below the voice there is the floor of the features, whatever its level.
        let louder = held.distance(&[buzz(1, 0.1)]).unwrap();
        assert!(
            louder.cepstral_db < 1.0 && louder.long_term_db < 1.0,
            "{louder:?}"
        );
        let duller = held.distance(&[buzz(2, 0.1)]).unwrap();
        assert!(
            3.0 < duller.cepstral_db && 3.0 < duller.long_term_db,
            "{duller:?}"
        );
        assert!(duller.cepstral_db < 15.0, "{duller:?}");
    }

    #[test]
    fn a_cepstral_distance_is_that_of_the_spectra() {
        // A cosine over the bands with an amplitude of 6 dB has a root mean square of 4.24.
        let wave = |band: usize| (std::f64::consts::PI * 3.0 * (band as f64 + 0.5) / 80.0).cos();
        let ln = std::array::from_fn(|band| 6.0 / DB * wave(band));
        let far = distance_db(&cepstrum(&ln), &cepstrum(&[0.7; MELS]));
        assert!((far - 6.0 / 2f64.sqrt()).abs() < 1e-9, "{far}");
    }

    #[test]
    fn halves_of_one_voice_are_near_and_there_must_be_two() {
        let of = |slope| Clip {
            mel: mels(&buzz(slope, 0.05)).repeat(10),
            f0_hz: vec![150.0; 1_000],
            ..Clip::default()
        };
        assert_eq!(halves_db(&[of(1)]), None);
        assert!(halves_db(&[of(1), of(1)]).unwrap() < 1e-6);
        assert!(3.0 < halves_db(&[of(1), of(2)]).unwrap());
    }
}

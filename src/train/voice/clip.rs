//! What the networks learn from: stretches of speech, frame by frame, with what is heard and what
//! should be said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::TrainError;
use super::labels::Labels;
use super::listed::{self, Files};
use super::recordings::{Findings, Recording, advice, speaker};
use crate::dsp::envelope::{BANDS, Envelope, EnvelopeAnalysis, Pitch, bands_within, measured_hz};
use crate::dsp::resample::Resampler;
use crate::model::ddsp::features::{
    AFTER, BANDS as MELS, Features, HOP, Heard, RATE_HZ, STANDARD_LEVEL, level,
};
use crate::pitch::track::contour::Contour;
use crate::pitch::track::refine::Refine;
use crate::train::memory;
use crate::train::ops::{shared, threads};

/// Files after which it is looked at whether there are enough seconds.
const GROUP: usize = 8;

/// A stretch of speech every 10 ms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clip {
    /// Which of the speakers.
    pub speaker: u32,
    /// What the encoder hears, `[frames, MELS]`, at [`STANDARD_LEVEL`] as `ln_power` is.
    pub mel: Vec<f32>,
    /// Pitch in Hz, 0 where unvoiced.
    pub f0_hz: Vec<f32>,
    /// What should be said: `ln` power per Hz, `[frames, BANDS]`.
    pub ln_power: Vec<f32>,
    /// The share of noise in it.
    pub noise: Vec<f32>,
    /// Bands that the recording has; nothing is known of those above.
    pub known: usize,
    /// Phones by number, where they are known.
    pub phones: Option<Vec<u32>>,
    /// The recording it is of, and the second at which it begins in it.
    pub file: PathBuf,
    /// See `file`.
    pub start_s: f64,
}

impl Clip {
    /// Frames.
    pub fn frames(&self) -> usize {
        self.f0_hz.len()
    }

    /// Some of its frames as a clip.
    ///
    /// # Panics
    /// If it has not all of them.
    pub fn cut(&self, frames: Range<usize>) -> Self {
        let rows = |values: &[f32], width: usize| {
            values[frames.start * width..frames.end * width].to_vec()
        };
        let phones = self.phones.as_ref();
        Self {
            speaker: self.speaker,
            mel: rows(&self.mel, MELS),
            f0_hz: rows(&self.f0_hz, 1),
            ln_power: rows(&self.ln_power, BANDS),
            noise: rows(&self.noise, BANDS),
            known: self.known,
            phones: phones.map(|phones| phones[frames.clone()].to_vec()),
            file: self.file.clone(),
            start_s: self.start_s + (frames.start * HOP) as f64 / f64::from(RATE_HZ),
        }
    }
}

/// Where to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Recordings in and below these are read; where a manifest lies in one, those it lists.
    pub folders: Vec<PathBuf>,
    /// At most so many seconds of speech.
    pub seconds: f64,
    /// The name of the speaker, if it is the same everywhere.
    pub speaker: Option<String>,
    /// Learn only from what this speaker of a corpus says; others are heard where they say the
    /// same.
    pub only: Option<String>,
    /// A folder with labels of phones, see [`Labels`].
    pub labels: Option<PathBuf>,
}

/// Everything to learn from.
pub struct Material {
    /// The stretches.
    pub clips: Vec<Clip>,
    /// Stretches in which others say some of the same, where one speaker is learnt from.
    pub others: Vec<Clip>,
    /// What is said in recordings, where that is known.
    pub texts: BTreeMap<PathBuf, String>,
    /// Names of the speakers.
    pub speakers: Vec<String>,
    /// Names of the phones, where there are labels.
    pub phones: Vec<String>,
    /// Bandwidth in Hz that half of the speech has at least.
    pub bandwidth_hz: f64,
    /// What to do about the recordings.
    pub advice: Vec<String>,
}

impl Material {
    /// Seconds of speech.
    pub fn seconds(&self) -> f64 {
        self.clips
            .iter()
            .map(|clip| clip.frames() as f64)
            .sum::<f64>()
            * HOP as f64
            / f64::from(RATE_HZ)
    }

    /// Reads recordings; `progress` is told of files done of how many.
    ///
    /// # Errors
    /// [`TrainError::NoRecordings`] where there is nothing, [`TrainError::Corpus`] where that is not
    /// what a manifest says, [`TrainError::Stopped`].
    pub fn read(
        source: &Source,
        stop: &AtomicBool,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Self, TrainError> {
        let (files, advised) = listed::files(source)?;
        let files = wanted(source, files);
        let count = files.len();
        let mut material = Self {
            clips: Vec::new(),
            others: Vec::new(),
            texts: BTreeMap::new(),
            speakers: Vec::new(),
            phones: Vec::new(),
            bandwidth_hz: 0.0,
            advice: advised,
        };
        let (mut findings, mut labels) = (Vec::new(), Labels::new(source.labels.as_deref()));
        let (mut numbers, mut bandwidths) = (BTreeMap::new(), Vec::new());
        for (path, text) in &files {
            if let Some(text) = text {
                material.texts.insert(path.clone(), text.clone());
            }
        }
        let mut read = VecDeque::new();
        for (index, some) in files.chunks(GROUP).enumerate() {
            // As many groups at a time as cores have work with: the last files are waited for.
            if read.is_empty() {
                if stop.load(Ordering::Relaxed) {
                    return Err(TrainError::Stopped);
                }
                super::have_memory(memory::free())?;
                let count = (4 * threads()).next_multiple_of(GROUP);
                let next = files[index * GROUP..].iter().take(count);
                read.extend(shared(next.collect(), |(path, _)| {
                    (path, Taken::read(path))
                }));
            }
            for (path, found) in read.drain(..some.len()) {
                let taken = match found {
                    Ok(taken) => taken,
                    Err(why) => {
                        material.advice.push(format!("{}: {why}", path.display()));
                        continue;
                    }
                };
                if is_other(source, path) {
                    for (start_s, mut clip) in taken.clips {
                        clip.speaker = u32::MAX;
                        (clip.file, clip.start_s) = (path.clone(), start_s);
                        material.others.push(clip);
                    }
                    continue;
                }
                let name = source.speaker.clone().unwrap_or_else(|| speaker(path));
                let next = numbers.len() as u32;
                let number = *numbers.entry(name.clone()).or_insert_with(|| {
                    material.speakers.push(name);
                    next
                });
                let frames = taken.clips.iter().map(|(_, clip)| clip.frames()).sum();
                bandwidths.push((taken.bandwidth_hz, frames));
                let label = labels.of(path);
                for (start_s, mut clip) in taken.clips {
                    clip.speaker = number;
                    (clip.file, clip.start_s) = (path.clone(), start_s);
                    clip.phones = label
                        .as_ref()
                        .map(|label| label.frames(start_s, clip.frames()));
                    material.clips.push(clip);
                }
                findings.push((path.clone(), taken.findings));
            }
            progress(GROUP * index + some.len(), count);
            if source.seconds <= material.seconds() {
                break;
            }
        }
        if material.clips.is_empty() {
            return Err(TrainError::NoRecordings);
        }
        material.phones = labels.names();
        material.bandwidth_hz = median(bandwidths);
        material
            .advice
            .extend(advice(&findings, material.seconds()));
        Ok(material)
    }
}

/// Whether a recording is of somebody else than is learnt from.
fn is_other(source: &Source, path: &Path) -> bool {
    source
        .only
        .as_ref()
        .is_some_and(|only| speaker(path) != *only)
}

/// The files that are of use: of one speaker alone, and what others say of the same, if that is
/// asked for.
fn wanted(source: &Source, mut files: Files) -> Vec<(PathBuf, Option<String>)> {
    let said: BTreeSet<String> = files
        .iter()
        .filter(|(path, _)| !is_other(source, path))
        .filter_map(|(_, text)| text.clone())
        .collect();
    files.retain(|path, text| {
        let same = text.as_ref().is_some_and(|text| said.contains(text));
        same || !is_other(source, path)
    });
    files.into_iter().collect()
}

/// The value that half of the weight has at least.
fn median(mut weighted: Vec<(f64, usize)>) -> f64 {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = weighted
        .iter()
        .map(|(_, weight)| weight)
        .sum::<usize>()
        .div_ceil(2);
    let mut sum = 0;
    let found = weighted.iter().find(|(_, weight)| {
        sum += weight;
        half <= sum
    });
    found.map_or(0.0, |(value, _)| *value)
}

/// What is taken of one file.
struct Taken {
    /// With the second of the recording that each begins at.
    clips: Vec<(f64, Clip)>,
    bandwidth_hz: f64,
    findings: Findings,
}

impl Taken {
    fn read(path: &std::path::Path) -> Result<Self, String> {
        let recording = Recording::read(path)?;
        let findings = recording.look();
        let rate_hz = f64::from(recording.rate_hz);
        let mut bandwidth_hz = measured_hz(recording.rate_hz);
        let mut clips = Vec::new();
        for stretch in &findings.speech {
            let clip = clip(&recording.signal[stretch.clone()], recording.rate_hz);
            clips.push((stretch.start as f64 / rate_hz, clip));
        }
        if let Some(hz) = bandwidth(clips.iter().map(|(_, clip)| clip)) {
            bandwidth_hz = bandwidth_hz.min(hz);
        }
        for (_, clip) in &mut clips {
            clip.known = bands_within(bandwidth_hz);
        }
        Ok(Self {
            clips,
            bandwidth_hz,
            findings,
        })
    }
}

/// Below the loudest band by so many nats on average there is nothing: a recording that was
/// resampled, or coded, ends there. 80 dB.
const NOTHING: f64 = -18.4;

/// Where recordings end in frequency, in Hz. `None` where all bands have something.
pub fn bandwidth<'a>(clips: impl Iterator<Item = &'a Clip>) -> Option<f64> {
    let mut power = [0f64; BANDS];
    for row in clips.flat_map(|clip| clip.ln_power.chunks_exact(BANDS)) {
        power
            .iter_mut()
            .zip(row)
            .for_each(|(sum, ln)| *sum += f64::from(ln.exp()));
    }
    let loudest = power.iter().copied().fold(0.0, f64::max);
    let last = power
        .iter()
        .rposition(|power| NOTHING < (power / loudest.max(1e-30)).ln())?;
    (last + 1 < BANDS).then(|| crate::dsp::envelope::band_hz(last))
}

/// A signal at 16 kHz, in time with the one given.
pub fn at_16k(signal: &[f32], rate_hz: u32) -> Vec<f32> {
    if rate_hz == RATE_HZ {
        return signal.to_vec();
    }
    let mut resampler = Resampler::new(rate_hz, RATE_HZ, 0);
    let wanted = (signal.len() as u64 * u64::from(RATE_HZ) / u64::from(rate_hz)) as usize;
    let delay = resampler.delay();
    let flush = (delay + 2) * rate_hz as usize / RATE_HZ as usize + 2;
    let mut out = Vec::with_capacity(resampler.max_output(signal.len() + flush));
    resampler.process(signal, &mut out);
    resampler.process(&vec![0.0; flush], &mut out);
    out.drain(..delay.min(out.len()));
    out.truncate(wanted);
    out
}

/// What is heard of a stretch and what it is made of.
pub fn clip(signal: &[f32], rate_hz: u32) -> Clip {
    let heard = at_16k(signal, rate_hz);
    let mut clip = Clip::default();
    let mut padded = heard.clone();
    // The last frame sees silence after the end.
    padded.resize(heard.len().next_multiple_of(HOP) + AFTER - HOP, 0.0);
    let frames = Features::forward(&padded);
    clip.f0_hz = pitch(&heard, frames.len());
    let gain_ln = STANDARD_LEVEL - mean_level(&frames, &clip.f0_hz).unwrap_or(STANDARD_LEVEL);
    clip.mel.resize(frames.len() * MELS, 0.0);
    for (frame, mel) in frames.iter().zip(clip.mel.chunks_exact_mut(MELS)) {
        frame.write(gain_ln.exp(), mel);
    }
    let mut analysis = EnvelopeAnalysis::new(rate_hz);
    for frame in 0..clip.frames() {
        let at = (frame * HOP) as f64 * f64::from(rate_hz) / f64::from(RATE_HZ);
        let found = measure(&mut analysis, signal, at, &clip.f0_hz, frame);
        clip.ln_power
            .extend(found.ln_power.iter().map(|ln| ln + gain_ln));
        clip.noise.extend_from_slice(&found.noise);
    }
    clip
}

/// The mean level where there is a pitch. `None` without any.
fn mean_level(frames: &[Heard], f0_hz: &[f32]) -> Option<f32> {
    let voiced = frames.iter().zip(f0_hz).filter(|(_, hz)| 0.0 < **hz);
    let levels: Vec<f32> = voiced.map(|(frame, _)| level(frame.mean_square)).collect();
    (!levels.is_empty()).then(|| levels.iter().sum::<f32>() / levels.len() as f32)
}

/// The pitch of every frame, 0 where unvoiced.
fn pitch(heard: &[f32], frames: usize) -> Vec<f32> {
    let mut f0_hz = vec![0.0; frames];
    let mut contour = Contour::new(Box::new(Refine::neural(RATE_HZ)), RATE_HZ);
    let mut put = |point: crate::pitch::track::contour::Point| {
        let at = (point.time_s * f64::from(RATE_HZ)).round() as usize;
        // There are points between two frames, too.
        if let Some(f0_hz) = f0_hz.get_mut(at / HOP).filter(|_| at.is_multiple_of(HOP)) {
            *f0_hz = if point.voiced() { point.f0_hz } else { 0.0 };
        }
    };
    for sample in heard {
        if let Some(point) = contour.push(*sample) {
            put(point);
        }
    }
    contour.finish(put);
    f0_hz
}

/// Cents by which a tracked pitch is tried higher and lower: high harmonics are far off long
/// before a tracker is.
const TRIED_CENTS: [f64; 5] = [-24.0, -12.0, 0.0, 12.0, 24.0];

fn measure(
    analysis: &mut EnvelopeAnalysis,
    signal: &[f32],
    at: f64,
    f0_hz: &[f32],
    frame: usize,
) -> Envelope {
    let here = f64::from(f0_hz[frame]);
    if here <= 0.0 {
        return analysis.measure(signal, at, None);
    }
    let near = |n: Option<usize>| {
        let f0_hz = n.and_then(|n| f0_hz.get(n)).copied().unwrap_or(0.0);
        // A leap is no glide.
        let near = f64::from(f0_hz);
        (0.9 * here < near && near < 1.1 * here).then_some(near)
    };
    let (before, after) = (near(frame.checked_sub(1)), near(Some(frame + 1)));
    let hop_s = HOP as f64 / f64::from(RATE_HZ);
    let slope_hz_s = match (before, after) {
        (Some(before), Some(after)) => (after - before) / (2.0 * hop_s),
        _ => 0.0,
    };
    let at_cents = |cents: f64| Pitch {
        f0_hz: here * (cents / 1_200.0).exp2(),
        slope_hz_s,
    };
    let tried = TRIED_CENTS.map(|c| (c, analysis.between_harmonics(signal, at, at_cents(c))));
    let best = tried
        .iter()
        .enumerate()
        .min_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let cents = match best {
        // The lowest point of the parabola through three.
        Some((n, (cents, least))) if 0 < n && n + 1 < tried.len() => {
            let (low, high) = (tried[n - 1].1 - least, tried[n + 1].1 - least);
            cents + 6.0 * (low - high) / (low + high).max(1e-12)
        }
        Some((_, (cents, _))) => *cents,
        None => 0.0,
    };
    analysis.measure(signal, at, Some(at_cents(cents)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::envelope::band_hz;

    /// A buzz whose harmonics fall with frequency.
    fn buzz(rate_hz: u32, seconds: f64, f0_hz: impl Fn(f64) -> f64) -> Vec<f32> {
        let (rate, mut phase) = (f64::from(rate_hz), 0.0);
        let sample = |i: usize| {
            let f0 = f0_hz(i as f64 / rate);
            phase += f0 / rate;
            let harmonics = 1..(0.49 * rate / f0) as u32;
            let wave = |k: u32| (std::f64::consts::TAU * f64::from(k) * phase).cos() / f64::from(k);
            (0.1 * harmonics.map(wave).sum::<f64>()) as f32
        };
        (0..(seconds * rate) as usize).map(sample).collect()
    }

    #[test]
    fn a_clip_is_in_time_at_every_rate() {
        let f0_hz = |t: f64| 150.0 + 60.0 * t;
        for rate_hz in [16_000, 22_050, 48_000] {
            let buzz = buzz(rate_hz, 0.6, f0_hz);
            let mean_square = buzz.iter().map(|x| x * x).sum::<f32>() / buzz.len() as f32;
            let gain_ln = f64::from(STANDARD_LEVEL - level(mean_square));
            let clip = clip(&buzz, rate_hz);
            assert_eq!((clip.frames(), clip.mel.len()), (60, 60 * MELS));
            for frame in 15..55 {
                let wanted = f0_hz(0.01 * frame as f64);
                let cents = 1_200.0 * (f64::from(clip.f0_hz[frame]) / wanted).log2();
                assert!(cents.abs() < 30.0, "{rate_hz}, {frame}: {cents} ct");
                // Amplitude 0.1 / k: power per Hz 0.005 / k^2 / f0.
                for band in (0..bands_within(6_000.0)).step_by(7) {
                    let k = (band_hz(band) / wanted).max(1.0);
                    let ln = (0.005 / (k * k * wanted)).ln() + gain_ln;
                    let far = f64::from(clip.ln_power[frame * BANDS + band]) - ln;
                    assert!(far.abs() < 0.3, "{rate_hz}, {frame}, {band}: {far} nats");
                    assert!(
                        clip.noise[frame * BANDS + band] < 0.1,
                        "{rate_hz}, {frame}, {band}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_median_is_by_weight() {
        for (weighted, wanted) in [
            (vec![], 0.0),
            (vec![(5.0, 1)], 5.0),
            (vec![(9.0, 10), (1.0, 2), (5.0, 3)], 9.0),
            (vec![(9.0, 2), (1.0, 2), (5.0, 3)], 5.0),
        ] {
            assert_eq!(median(weighted.clone()), wanted, "{weighted:?}");
        }
    }

    #[test]
    fn the_end_of_a_recording_in_frequency_is_found() {
        // Resampled from 16 to 48 kHz.
        let mut resampler = Resampler::new(16_000, 48_000, 0);
        let mut signal = Vec::with_capacity(resampler.max_output(8_000));
        resampler.process(&buzz(16_000, 0.5, |_| 140.0), &mut signal);
        let clip = clip(&signal, 48_000);
        let hz = bandwidth(std::iter::once(&clip)).unwrap();
        assert!((6_000.0..8_500.0).contains(&hz), "{hz}");
    }
}

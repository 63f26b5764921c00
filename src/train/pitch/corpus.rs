//! Recordings of real voices with consensus labels: a frame has a pitch where three trackers of
//! different kinds agree on it, none where all three hear none, and is not learnt from otherwise.

use std::path::{Path, PathBuf};

use super::TrainError;
use super::examples::{Labelled, Truth};
use super::scene::{Noise, surround};
use crate::dsp::resample::Resampler;
use crate::io::{AudioReader, Damage};
use crate::model::crepe::{Capacity, Crepe};
use crate::model::pitch::features::{HOP, RATE_HZ};
use crate::nn::Weights;
use crate::pitch::track::crepe::{CrepeConfig, CrepeTracker};
use crate::pitch::track::neural::Neural;
use crate::pitch::track::yin::Yin;
use crate::pitch::{PitchFrame, PitchTracker};
use crate::train::random::Random;
use crate::voice::models::{self, ModelKind};

/// The lowest pitch looked for, in Hz.
const LOWEST_HZ: f32 = 50.0;
/// Cents within which pitches agree.
const AGREE_CENTS: f64 = 50.0;
/// Periodicity from which on CREPE hears a voice, and below which it hears none.
const CREPE: (f32, f32) = (0.5, 0.25);
/// The same for our own network.
const NEURAL: (f32, f32) = (0.5, 0.5);
/// Below the loudest frame by so much there is no voice, in dB.
const SILENT_DB: f64 = -55.0;
/// The longest recording used, in seconds.
const LONGEST_S: usize = 30;

/// Recordings at 16 kHz, voiced mean square 1, with a truth for every hop.
pub struct Corpus {
    recordings: Vec<Labelled>,
}

impl Corpus {
    /// Reads and labels recordings in and below folders, at most so many seconds in all, spread
    /// evenly over the files. Labelling takes a fifth of the recordings' length.
    ///
    /// # Errors
    /// If CREPE is not in the user's models, or there is no recording.
    pub fn read(
        folders: &[PathBuf],
        seconds: f64,
        mut report: impl FnMut(f64),
    ) -> Result<Self, TrainError> {
        let mut files = Vec::new();
        for folder in folders {
            audio_files(folder, &mut files);
        }
        files.sort();
        // Any order will do, but not that of the names, where speakers stand together.
        let mut random = Random::new(0x00c0_ffee);
        for i in (1..files.len()).rev() {
            files.swap(i, random.below(i + 1));
        }
        let tensors = models::load(ModelKind::CrepeTiny)?;
        let crepe = Crepe::new(Capacity::Tiny, &Weights::new(tensors)?.root())?;
        let mut trackers: [Box<dyn PitchTracker>; 3] = [
            Box::new(CrepeTracker::new(RATE_HZ, crepe, CrepeConfig::default())),
            Box::new(Yin::new(RATE_HZ, LOWEST_HZ)),
            Box::new(Neural::new(RATE_HZ)),
        ];
        let (mut recordings, mut total) = (Vec::new(), 0.0);
        for file in &files {
            // A file that cannot be read is no reason to lose the others.
            let Some(signal) = read(file) else { continue };
            total += signal.len() as f64 / f64::from(RATE_HZ);
            recordings.extend(label(signal, &mut trackers));
            report(total);
            if seconds <= total {
                break;
            }
        }
        if recordings.is_empty() {
            return Err(TrainError::NoRecordings);
        }
        Ok(Self { recordings })
    }

    /// A stretch of so many hops, at another speed and so at another pitch, in another place.
    pub fn example(&self, random: &mut Random, hops: usize, noise: Noise) -> Labelled {
        let speed = random.log_range(0.65, 1.7);
        let needed = (hops as f64 * speed).ceil() as usize + 2;
        let recording = &self.recordings[random.below(self.recordings.len())];
        let first = random.below(recording.truth.len().saturating_sub(needed).max(1));
        let mut signal: Vec<f32> = (0..hops * HOP)
            .map(|i| between(&recording.signal, first * HOP, i as f64 * speed))
            .collect();
        let mut truth: Vec<Truth> = (0..hops)
            .map(|hop| {
                // The label of the nearest frame: at most 8 ms away.
                let place = first + (hop as f64 * speed).round() as usize;
                let found = recording.truth.get(place).copied().unwrap_or(Truth {
                    f0_hz: None,
                    voiced: Some(false),
                });
                Truth {
                    f0_hz: found.f0_hz.map(|hz| hz * speed as f32),
                    ..found
                }
            })
            .collect();
        let ringing = surround(random, &mut signal, noise).div_ceil(HOP);
        let mut since = usize::MAX;
        for truth in &mut truth {
            since = match truth.voiced {
                Some(false) => since.saturating_add(1),
                _ => 0,
            };
            if since <= ringing && truth.voiced == Some(false) {
                truth.voiced = None;
            }
        }
        Labelled { signal, truth }
    }
}

/// The signal `offset` frames after `from`; silence past its end. Hermite's cubic.
fn between(signal: &[f32], from: usize, offset: f64) -> f32 {
    let place = from + offset as usize;
    let t = offset.fract() as f32;
    let at = |i: usize| signal.get(i).copied().unwrap_or(0.0);
    let (a, b, c, d) = (
        at(place.saturating_sub(1)),
        at(place),
        at(place + 1),
        at(place + 2),
    );
    b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
}

fn audio_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            audio_files(&path, files);
        } else if path
            .extension()
            .is_some_and(|e| e == "wav" || e == "flac" || e == "ogg")
        {
            files.push(path);
        }
    }
}

/// The first channel at 16 kHz.
fn read(path: &Path) -> Option<Vec<f32>> {
    let mut reader = AudioReader::open(path, Damage::Patch).ok()?;
    let info = reader.info().clone();
    let mut channels = vec![vec![0.0; LONGEST_S * info.rate_hz as usize]; info.channels];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    let frames = reader.read(&mut slices).ok()?;
    let mut signal = channels.swap_remove(0);
    signal.truncate(frames);
    if info.rate_hz != RATE_HZ {
        let mut resampler = Resampler::new(info.rate_hz, RATE_HZ, 0);
        let mut out = Vec::with_capacity(resampler.max_output(frames));
        resampler.process(&signal, &mut out);
        signal = out;
    }
    (2 * HOP < signal.len()).then_some(signal)
}

/// `None` where nothing is voiced.
fn label(mut signal: Vec<f32>, trackers: &mut [Box<dyn PitchTracker>; 3]) -> Option<Labelled> {
    let hops = signal.len() / HOP;
    let [crepe, yin, neural] = trackers
        .each_mut()
        .map(|t| track(t.as_mut(), &signal, hops));
    let level_db = |hop: usize| {
        let around = &signal[(hop * HOP).saturating_sub(HOP)..(hop * HOP + HOP).min(signal.len())];
        let power = around.iter().map(|x| f64::from(x * x)).sum::<f64>() / around.len() as f64;
        10.0 * (power + 1e-12).log10()
    };
    let loudest = (0..hops).map(level_db).fold(-120.0, f64::max);
    let truth: Vec<Truth> = (0..hops)
        .map(|hop| {
            let (a, b, c) = (crepe[hop], yin[hop], neural[hop]);
            let silent = level_db(hop) < loudest + SILENT_DB;
            let cents =
                |x: PitchFrame, y: PitchFrame| 1200.0 * f64::from(x.f0_hz / y.f0_hz).log2().abs();
            let agree = [cents(a, b), cents(a, c), cents(b, c)]
                .iter()
                .all(|cents| *cents < AGREE_CENTS);
            if !silent && agree && CREPE.0 < a.confidence && b.voiced && NEURAL.0 < c.confidence {
                let f0_hz = (a.f0_hz * b.f0_hz * c.f0_hz).cbrt();
                return Truth {
                    f0_hz: Some(f0_hz),
                    voiced: Some(true),
                };
            }
            let none = a.confidence < CREPE.1 && !b.voiced && c.confidence < NEURAL.1;
            Truth {
                f0_hz: None,
                voiced: (silent || none).then_some(false),
            }
        })
        .collect();
    let voiced: Vec<usize> = (0..hops)
        .filter(|hop| truth[*hop].f0_hz.is_some())
        .collect();
    let power: f64 = voiced
        .iter()
        .map(|hop| 10f64.powf(0.1 * level_db(*hop)))
        .sum();
    if voiced.is_empty() {
        return None;
    }
    let gain = (voiced.len() as f64 / power).sqrt() as f32;
    signal.iter_mut().for_each(|x| *x *= gain);
    Some(Labelled { signal, truth })
}

/// What a tracker says at every hop: its nearest frame.
fn track(tracker: &mut dyn PitchTracker, signal: &[f32], hops: usize) -> Vec<PitchFrame> {
    tracker.reset();
    let flush = std::iter::repeat_n(0.0, tracker.lookahead() + 2 * HOP);
    let frames: Vec<PitchFrame> = signal
        .iter()
        .copied()
        .chain(flush)
        .filter_map(|x| tracker.push(x))
        .collect();
    let mut next = 0;
    (0..hops)
        .map(|hop| {
            let at = (hop * HOP) as f64;
            let away = |i: usize| frames.get(i).map_or(f64::INFINITY, |f| (f.at - at).abs());
            while away(next + 1) <= away(next) && next + 1 < frames.len() {
                next += 1;
            }
            frames.get(next).copied().unwrap_or_default()
        })
        .collect()
}

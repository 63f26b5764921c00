//! Recordings as the corpus looks at them: how long they are, and whether one is another again.
//! Reads files; main thread or workers.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

use super::texts::sha256;

/// Levels are compared over so many seconds at a time.
const HOP_S: f64 = 0.02;
/// Quieter than the loudest by more than this is as good as silent, in dB.
const FLOOR_DB: f64 = 50.0;
/// One recording may begin so many hops before the other.
const SHIFT: usize = 8;
/// Levels that go together so well are of one recording, whatever it was coded with since.
const SAME: f64 = 0.98;

/// A recording, one channel.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Rate in Hz.
    pub rate_hz: u32,
    /// Samples; full scale is 1.
    pub samples: Vec<f32>,
}

/// What is compared of a recording.
#[derive(Clone, Debug)]
pub struct Print {
    /// Hash of its samples, 16 bits each, without silence around them.
    sha256: String,
    /// Its levels in dB, hop by hop.
    levels: Vec<f64>,
}

impl Sound {
    /// Reads a file; of two channels it takes the mean.
    ///
    /// # Errors
    /// When it is no audio, or damaged.
    pub fn read(path: &Path) -> Result<Self> {
        Self::decode(path).with_context(|| format!("reading {}", path.display()))
    }

    fn decode(path: &Path) -> Result<Self> {
        let mut hint = Hint::new();
        if let Some(ending) = path.extension().and_then(|ending| ending.to_str()) {
            hint.with_extension(ending);
        }
        let stream = MediaSourceStream::new(Box::new(File::open(path)?), Default::default());
        let probe = symphonia::default::get_probe();
        let mut format = probe.probe(&hint, stream, Default::default(), Default::default())?;
        let track = format
            .default_track(TrackType::Audio)
            .context("expected audio")?;
        let (id, parameters) = (track.id, track.codec_params.clone());
        let parameters = parameters
            .as_ref()
            .and_then(|all| all.audio())
            .context("expected audio")?;
        let rate_hz = parameters
            .sample_rate
            .context("expected a sample rate, found none")?;
        let registry = symphonia::default::get_codecs();
        let mut decoder =
            registry.make_audio_decoder(parameters, &AudioDecoderOptions::default())?;
        let (mut samples, mut planes) = (Vec::new(), Vec::new());
        while let Some(packet) = format.next_packet()? {
            if packet.track_id != id {
                continue;
            }
            decoder
                .decode(&packet)?
                .copy_to_vecs_planar::<f32>(&mut planes);
            let frames = planes.first().map_or(0, Vec::len);
            let count = planes.len().max(1) as f32;
            samples.extend((0..frames).map(|n| planes.iter().map(|x| x[n]).sum::<f32>() / count));
        }
        ensure!(
            !samples.is_empty(),
            "expected audio, found none in the file"
        );
        Ok(Self { rate_hz, samples })
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate_hz)
    }

    /// What is compared of it.
    pub fn print(&self) -> Print {
        let whole: Vec<i16> = self
            .samples
            .iter()
            .map(|x| (x * 32_768.0).round() as i16)
            .collect();
        let loud = |x: &i16| *x != 0;
        let (from, to) = (whole.iter().position(loud), whole.iter().rposition(loud));
        let inner = from.zip(to).map_or(&[][..], |(from, to)| &whole[from..=to]);
        let bytes: Vec<u8> = inner.iter().flat_map(|x| x.to_le_bytes()).collect();
        let hop = (HOP_S * f64::from(self.rate_hz)).round() as usize;
        let level = |part: &[f32]| {
            let squares: f64 = part.iter().map(|x| f64::from(x * x)).sum();
            10.0 * (squares / part.len() as f64 + 1e-12).log10()
        };
        let levels: Vec<f64> = self.samples.chunks(hop.max(1)).map(level).collect();
        let floor = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max) - FLOOR_DB;
        Print {
            sha256: sha256(&bytes),
            levels: levels
                .iter()
                .map(|level| level.max(floor) - floor)
                .collect(),
        }
    }
}

impl Print {
    /// Whether both are of one recording: to the sample, or at another level, rate or coding.
    pub fn is(&self, other: &Self) -> bool {
        if self.sha256 == other.sha256 {
            return true;
        }
        let (a, b) = (&self.levels, &other.levels);
        // Short ones go together by chance.
        if a.len().abs_diff(b.len()) > SHIFT || a.len().min(b.len()) < 4 * SHIFT {
            return false;
        }
        let best = (0..=SHIFT).flat_map(|n| [together(&a[n..], b), together(a, &b[n..])]);
        SAME <= best.fold(0.0, f64::max)
    }
}

/// How well two rows go together: their correlation, 1 where one is the other again.
fn together(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().min(b.len());
    let mean = |x: &[f64]| x[..count].iter().sum::<f64>() / count.max(1) as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        both += x * y;
        square_a += x * x;
        square_b += y * y;
    }
    both / (square_a * square_b).sqrt().max(1e-12)
}

/// What tests listen to.
#[cfg(test)]
pub mod testing {
    use super::Sound;

    /// Something like speech: syllables of noise with pauses, another with every seed.
    pub fn babble(seed: u64, rate_hz: u32, seconds: f64) -> Sound {
        let mut state = 2 * seed + 1;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        let syllables: Vec<f32> = (0..(seconds * 8.0) as usize + 2)
            .map(|_| 0.5 * random().powi(3))
            .collect();
        let noise: Vec<f32> = (0..997).map(|_| random() - 0.5).collect();
        let count = (seconds * f64::from(rate_hz)) as usize;
        let sample = |n: usize| {
            let at = n as f32 / rate_hz as f32 * 8.0;
            let (low, share) = (at as usize, at.fract());
            let gain = syllables[low] * (1.0 - share) + syllables[low + 1] * share;
            gain * noise[n % noise.len()]
        };
        Sound {
            rate_hz,
            samples: (0..count).map(sample).collect(),
        }
    }

    /// Writes 16 bits.
    pub fn write(path: &std::path::Path, sound: &Sound) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: sound.rate_hz,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        for x in &sound.samples {
            writer.write_sample((x * 32_767.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{babble, write};
    use super::*;

    #[test]
    fn a_recording_is_known_again() {
        let sound = babble(1, 16_000, 4.0);
        let change = |change: &dyn Fn(&mut Vec<f32>)| {
            let mut changed = sound.clone();
            change(&mut changed.samples);
            changed
        };
        let table = [
            ("itself", sound.clone(), true),
            (
                "quieter",
                change(&|x| x.iter_mut().for_each(|x| *x *= 0.3)),
                true,
            ),
            (
                "a moment later",
                change(&|x| {
                    x.splice(0..0, vec![0.0; 900]);
                }),
                true,
            ),
            (
                "noisier",
                change(&|x| {
                    x.iter_mut()
                        .enumerate()
                        .for_each(|(n, x)| *x += 2e-4 * ((n * n) % 7) as f32)
                }),
                true,
            ),
            ("at another rate", babble(1, 22_050, 4.0), true),
            ("another", babble(2, 16_000, 4.0), false),
            ("its first half", change(&|x| x.truncate(32_000)), false),
            ("silence", change(&|x| x.fill(0.0)), false),
        ];
        for (what, other, wanted) in table {
            assert_eq!(sound.print().is(&other.print()), wanted, "{what}");
        }
    }

    #[test]
    fn files_are_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let sound = babble(3, 22_050, 0.5);
        write(&path, &sound);
        let found = Sound::read(&path).unwrap();
        assert_eq!(
            (found.rate_hz, found.samples.len()),
            (22_050, sound.samples.len())
        );
        assert!((found.seconds() - 0.5).abs() < 1e-4);
        std::fs::write(&path, "nothing of the kind").unwrap();
        Sound::read(&path).unwrap_err();
    }
}

//! Signals and files shared by the tests of audio files and of the command line.
#![allow(dead_code, reason = "each test binary uses its own part")]

#[cfg(feature = "cli")]
pub mod desk;
pub mod hub;
pub mod torch;
pub mod zips;

use autovoice::dsp::resample::Resampler;
use autovoice::io::{AudioReader, Damage};
use std::path::{Path, PathBuf};

/// What the fixtures hold; `tests/fixtures/generate.py` computes the same.
pub const FIXTURE_RATE_HZ: u32 = 44_100;
pub const FIXTURE_FRAMES: usize = 30_000;
const FIXTURE_ONSET: usize = 5_000;

/// The left channel of the fixtures before they were compressed.
pub fn fixture_tone() -> Vec<f32> {
    (0..FIXTURE_FRAMES)
        .map(|frame| {
            let t = frame.saturating_sub(FIXTURE_ONSET) as f64 / f64::from(FIXTURE_RATE_HZ);
            let tone = (-4.0 * t).exp() * (std::f64::consts::TAU * 440.0 * t).sin();
            (0.5 * tone) as f32
        })
        .collect()
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Seeded noise without a dependency: xorshift64*.
pub struct Noise(u64);

impl Noise {
    /// Puts a part of another file here: in place of as much, or between.
    pub fn splice(&mut self, bytes: &mut Vec<u8>, at: usize, other: &[u8]) {
        let from = self.below(other.len());
        let len = self.below(64.min(other.len() - from) + 1);
        let end = match self.below(2) {
            0 => at,
            _ => (at + len).min(bytes.len()),
        };
        bytes.splice(at..end, other[from..from + len].iter().copied());
    }

    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit
    }

    /// -1..1, on the 24-bit grid, so that it survives every lossless format of 24 bits or more.
    pub fn sample(&mut self) -> f32 {
        ((self.next() >> 40) as i32 - (1 << 23)) as f32 / (1 << 23) as f32
    }
}

/// Channels of seeded noise over a tone, below full scale, on the grid of `bits`.
pub fn signal(channels: usize, frames: usize, bits: u32, seed: u64) -> Vec<Vec<f32>> {
    let mut noise = Noise::new(seed);
    let full = (1i64 << (bits.min(24) - 1)) as f32;
    (0..channels)
        .map(|channel| {
            (0..frames)
                .map(|frame| {
                    let tone = (frame as f32 * 0.03 * (1.0 + channel as f32)).sin();
                    ((0.6 * tone + 0.3 * noise.sample()) * full).round() / full
                })
                .collect()
        })
        .collect()
}

/// Writes a WAV of floats with hound, independently of the writer under test.
pub fn write_float_wav(path: &Path, rate_hz: u32, channels: &[Vec<f32>]) {
    let spec = hound::WavSpec {
        channels: channels.len() as u16,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for frame in 0..channels[0].len() {
        for channel in channels {
            writer.write_sample(channel[frame]).unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// Writes a WAV of integers with hound.
pub fn write_integer_wav(path: &Path, rate_hz: u32, bits: u16, channels: u16, samples: &[i32]) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
}

/// Reads a WAV of floats with hound: rate and channels.
pub fn read_float_wav(path: &Path) -> (u32, Vec<Vec<f32>>) {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    assert_eq!(spec.sample_format, hound::SampleFormat::Float);
    let mut channels = vec![Vec::new(); usize::from(spec.channels)];
    for (at, sample) in reader.samples::<f32>().enumerate() {
        channels[at % usize::from(spec.channels)].push(sample.unwrap());
    }
    (spec.sample_rate, channels)
}

/// Every file of a folder, hidden ones too, by name.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Frames by which `b` lags `a`, found by correlation within `reach`.
pub fn lag(a: &[f32], b: &[f32], reach: isize) -> isize {
    let at = |lag: isize| -> f64 {
        a.iter()
            .enumerate()
            .map(|(i, &x)| {
                let j = i as isize + lag;
                let y = usize::try_from(j).ok().and_then(|j| b.get(j));
                f64::from(x) * f64::from(y.copied().unwrap_or(0.0))
            })
            .sum()
    };
    (-reach..=reach)
        .max_by(|&x, &y| at(x).total_cmp(&at(y)))
        .unwrap()
}

/// A recording at 48 kHz, its first channel.
pub fn recording(path: &Path) -> Vec<f32> {
    let mut reader = AudioReader::open(path, Damage::Refuse).unwrap();
    let info = reader.info().clone();
    let mut all = Vec::new();
    let mut audio = vec![vec![0.0; 1 << 14]; info.channels];
    loop {
        let mut slices: Vec<&mut [f32]> = audio.iter_mut().map(|c| &mut c[..]).collect();
        let n = reader.read(&mut slices).unwrap();
        if n == 0 {
            break;
        }
        all.extend_from_slice(&audio[0][..n]);
    }
    if info.rate_hz == 48_000 {
        return all;
    }
    let mut up = Resampler::new(info.rate_hz, 48_000, 0);
    let mut out = Vec::with_capacity(up.max_output(all.len()));
    up.process(&all, &mut out);
    out.drain(..up.delay());
    out
}

/// A folder of `../shared`, or `None` with a loud note where it is missing.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AUTOVOICE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let found = root.join(folder);
    if found.is_dir() {
        return Some(found);
    }
    eprintln!("SKIPPED: no {} (set AUTOVOICE_SHARED)", found.display());
    None
}

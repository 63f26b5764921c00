//! WAV files in and out, as 32-bit floats.

use std::path::Path;

use anyhow::{Context, Result};

/// Audio in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// One vector per channel.
    pub channels: Vec<Vec<f32>>,
}

impl Clip {
    /// Length in frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames() as f64 / f64::from(self.rate_hz)
    }
}

/// Reads a file of any depth.
///
/// # Errors
/// When it is missing or no WAV file.
pub fn read(path: &Path) -> Result<Clip> {
    let mut reader =
        hound::WavReader::open(path).with_context(|| format!("reading {}", path.display()))?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        hound::SampleFormat::Int => {
            let scale = (1u64 << (spec.bits_per_sample - 1)) as f32;
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|sample| sample as f32 / scale))
                .collect::<Result<_, _>>()?
        }
    };
    let count = usize::from(spec.channels);
    let channels = (0..count)
        .map(|channel| {
            samples
                .iter()
                .skip(channel)
                .step_by(count)
                .copied()
                .collect()
        })
        .collect();
    Ok(Clip {
        rate_hz: spec.sample_rate,
        channels,
    })
}

/// Writes 32-bit float.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, clip: &Clip) -> Result<()> {
    let spec = hound::WavSpec {
        channels: u16::try_from(clip.channels.len())?,
        sample_rate: clip.rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec)
        .with_context(|| format!("writing {}", path.display()))?;
    for frame in 0..clip.frames() {
        for channel in &clip.channels {
            writer.write_sample(channel[frame])?;
        }
    }
    Ok(writer.finalize()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_survives_the_file() {
        let path = std::env::temp_dir().join(format!("autovoice-wav-{}.wav", std::process::id()));
        let clip = Clip {
            rate_hz: 44_100,
            channels: vec![vec![0.0, 0.25, -1.0], vec![1.0, -0.5, 1e-7]],
        };
        write(&path, &clip).unwrap();
        assert_eq!(read(&path).unwrap(), clip);
        std::fs::remove_file(&path).unwrap();
    }
}

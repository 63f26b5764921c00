//! A WAV file of 32-bit floats that is readable at any moment: its header is brought up to date
//! every second, so that a crash loses no more, and what was written before the disk was full is
//! kept. Writer thread only.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Bytes before the samples: RIFF, an extended format as floats have it, fact, data.
const HEADER_BYTES: u32 = 58;
/// The sizes in the header are 32 bits wide.
const MOST_BYTES: u64 = u32::MAX as u64 - HEADER_BYTES as u64;
/// What an unfinished take ends in. The name without it is the one it will have.
pub const UNFINISHED: &str = ".unfinished";

/// A file being recorded.
pub struct WavFile {
    file: File,
    path: PathBuf,
    rate_hz: u32,
    channels: u16,
    samples: u64,
    fresh: Vec<u8>,
}

impl WavFile {
    /// Starts a file that will be called `path`; until then it has [`UNFINISHED`] after its name.
    ///
    /// # Errors
    /// Those of the file system; also when either name is taken.
    pub fn create(path: &Path, rate_hz: u32, channels: u16) -> io::Result<Self> {
        if path.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(unfinished(path))?;
        let mut wav = Self {
            file,
            path: path.to_owned(),
            rate_hz,
            channels,
            samples: 0,
            fresh: Vec::new(),
        };
        wav.file.write_all(&wav.header())?;
        Ok(wav)
    }

    /// Frames written so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.samples / u64::from(self.channels)
    }

    /// Appends interleaved samples.
    ///
    /// # Errors
    /// Those of the file system, and [`io::ErrorKind::FileTooLarge`] where a WAV file ends. What was
    /// written before stays good.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        let bytes = (self.samples + samples.len() as u64) * 4;
        if MOST_BYTES < bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.fresh.clear();
        self.fresh
            .extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        self.file.write_all(&self.fresh)?;
        self.samples += samples.len() as u64;
        Ok(())
    }

    /// Brings the header up to date.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn save(&mut self) -> io::Result<()> {
        let header = self.header();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header)?;
        self.file.seek(SeekFrom::Start(self.end()))?;
        Ok(())
    }

    /// Completes the file and gives it its name; a half-written end is cut off.
    ///
    /// # Errors
    /// Those of the file system; the unfinished file is then still there.
    pub fn finish(mut self) -> io::Result<PathBuf> {
        self.file.set_len(self.end())?;
        self.save()?;
        self.file.sync_all()?;
        std::fs::rename(unfinished(&self.path), &self.path)?;
        Ok(self.path)
    }

    fn end(&self) -> u64 {
        u64::from(HEADER_BYTES) + 4 * self.samples
    }

    fn header(&self) -> Vec<u8> {
        let data_bytes = (4 * self.samples) as u32;
        let frame_bytes = 4 * self.channels;
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        let mut text = |bytes: &[u8]| header.extend_from_slice(bytes);
        text(b"RIFF");
        text(&(HEADER_BYTES - 8 + data_bytes).to_le_bytes());
        text(b"WAVEfmt ");
        text(&18u32.to_le_bytes());
        text(&3u16.to_le_bytes());
        text(&self.channels.to_le_bytes());
        text(&self.rate_hz.to_le_bytes());
        text(&(self.rate_hz * u32::from(frame_bytes)).to_le_bytes());
        text(&frame_bytes.to_le_bytes());
        text(&32u16.to_le_bytes());
        text(&0u16.to_le_bytes());
        text(b"fact");
        text(&4u32.to_le_bytes());
        text(&(self.frames() as u32).to_le_bytes());
        text(b"data");
        text(&data_bytes.to_le_bytes());
        header
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    name.into()
}

/// Gives what a crash left its name; returns what was found. Files in `folder` only.
///
/// # Errors
/// Those of the file system.
pub fn recover(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.to_string_lossy().into_owned();
        let Some(finished) = name.strip_suffix(UNFINISHED).map(PathBuf::from) else {
            continue;
        };
        if path.is_file() && !finished.try_exists()? {
            std::fs::rename(&path, &finished)?;
            found.push(finished);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> (u32, u16, Vec<f32>) {
        let mut reader = hound::WavReader::open(path).expect("a WAV file");
        let spec = reader.spec();
        let samples = reader.samples::<f32>().map(|x| x.expect("whole"));
        (spec.sample_rate, spec.channels, samples.collect())
    }

    #[test]
    fn a_take_has_its_name_when_it_is_complete() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.wav");
        let mut wav = WavFile::create(&path, 44_100, 2).expect("writable");
        wav.write(&[0.5, -0.5, 0.25, 2.0]).expect("room");
        assert!(!path.exists());
        assert_eq!(wav.frames(), 2);
        assert_eq!(wav.finish().expect("room"), path);
        assert_eq!(read(&path), (44_100, 2, vec![0.5, -0.5, 0.25, 2.0]));
        assert!(WavFile::create(&path, 44_100, 2).is_err(), "never replaced");
    }

    #[test]
    fn a_crash_leaves_what_was_saved() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("b.wav");
        let mut wav = WavFile::create(&path, 48_000, 1).expect("writable");
        wav.write(&[0.1, 0.2]).expect("room");
        wav.save().expect("room");
        wav.write(&[0.3]).expect("room");
        // The program ends here: nothing of `finish` runs.
        drop(wav);
        assert_eq!(
            recover(folder.path()).expect("readable"),
            vec![path.clone()]
        );
        let (_, _, samples) = read(&path);
        assert_eq!(samples[..2], [0.1, 0.2]);
        assert!(recover(folder.path()).expect("readable").is_empty());
    }
}

//! Writing audio files block by block: WAV and FLAC. The file grows under a temporary name in the
//! folder it is meant for and takes its own name only when it is complete, so a failure leaves
//! nothing behind and never half a file. Memory: one FLAC block, plus 32 bytes per block for the
//! seek table. Worker threads only.

use super::pending::Pending;
use super::quantize::quantize;
use super::{BitDepth, Container};
use crate::units::Frames;
use flac_codec::encode::{FlacSampleWriter, Options};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes of samples in a WAV file, whose sizes are 32-bit; the rest is for its header.
const WAV_LIMIT_BYTES: u64 = u32::MAX as u64 - 4_096;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// Kind of file.
    pub container: Container,
    /// Sample format; FLAC takes integers only.
    pub depth: BitDepth,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Channels, 1 or 2.
    pub channels: usize,
}

/// What to do when the file is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and fail.
    Keep,
    /// Replace it once the new one is complete.
    Replace,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub frames: u64,
    /// Samples that were beyond full scale and were clipped; always 0 for floats.
    pub clipped_samples: u64,
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is a file of this name.
    #[error("expected a free name for the output, found an existing file")]
    Exists,
    /// The disk or the folder refused.
    #[error("expected a writable place for the output, found: {0}")]
    Io(#[from] io::Error),
    /// The file kind cannot hold this.
    #[error("expected {expected}, got {got}")]
    Unsupported {
        /// What the file kind holds.
        expected: &'static str,
        /// What was asked for.
        got: String,
    },
    /// A WAV file would pass 4 GiB.
    #[error("expected a WAV file below 4 GiB, got more than {seconds:.0} s of audio")]
    TooLong {
        /// Where the limit was met.
        seconds: f64,
    },
    /// A sample was NaN or infinite.
    #[error("expected finite samples, got {sample} in frame {frame}")]
    NotFinite {
        /// The sample.
        sample: f32,
        /// Its frame.
        frame: u64,
    },
    /// The encoder refused; a bug of ours.
    #[error("expected the encoder to take a block, it said: {0}")]
    Encoder(String),
}

impl WriteError {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Exists => "choose another name, or pass --force to replace it",
            Self::Io(_) => "check that the folder exists, may be written to and is not full",
            Self::Unsupported { .. } => "choose another output format or bit depth",
            Self::TooLong { .. } => "write FLAC instead: name the output *.flac",
            Self::NotFinite { .. } | Self::Encoder(_) => {
                "this is a fault in AutoVoice: please report it with the file"
            }
        }
    }
}

/// A file being written. Dropped before [`AudioWriter::finish`] it leaves nothing behind.
pub struct AudioWriter {
    spec: OutputSpec,
    // Fields drop in this order: the encoder must let go of the file before its name goes.
    sink: Sink,
    pending: Pending,
    failure: Failure,
    frames: u64,
    clipped_samples: u64,
    integers: Vec<i32>,
}

enum Sink {
    Wav(hound::WavWriter<CheckedFile>),
    Flac(Box<FlacSampleWriter<CheckedFile>>),
}

impl AudioWriter {
    /// Starts a file. Its folder must exist.
    ///
    /// # Errors
    /// [`WriteError::Exists`] when it is there and may not be replaced,
    /// [`WriteError::Unsupported`] when its kind cannot hold this, [`WriteError::Io`] otherwise.
    pub fn create(path: &Path, spec: OutputSpec, existing: Existing) -> Result<Self, WriteError> {
        check(spec)?;
        let (file, pending) = Pending::create(path, existing)?;
        let failure = Failure::default();
        let sink = open_sink(CheckedFile::new(file, failure.clone()), spec)?;
        Ok(Self {
            spec,
            sink,
            pending,
            failure,
            frames: 0,
            clipped_samples: 0,
            integers: Vec::new(),
        })
    }

    /// Appends one block: a slice for each channel, all of one length.
    ///
    /// # Errors
    /// [`WriteError`]; the writer is then of no more use.
    pub fn write(&mut self, input: &[&[f32]]) -> Result<(), WriteError> {
        let frames = input.first().map_or(0, |channel| channel.len());
        debug_assert_eq!(input.len(), self.spec.channels);
        debug_assert!(input.iter().all(|channel| channel.len() == frames));
        self.check_length(frames)?;
        for frame in 0..frames {
            for channel in input {
                let sample = channel[frame];
                if !sample.is_finite() {
                    return Err(WriteError::NotFinite {
                        sample,
                        frame: self.frames + frame as u64,
                    });
                }
            }
        }
        match (&mut self.sink, self.spec.depth) {
            (Sink::Wav(writer), BitDepth::Float32) => {
                for frame in 0..frames {
                    for channel in input {
                        writer.write_sample(channel[frame]).map_err(from_hound)?;
                    }
                }
            }
            (sink, depth) => {
                self.integers.clear();
                for frame in 0..frames {
                    for channel in input {
                        let (integer, clipped) = quantize(channel[frame], depth.bits());
                        self.clipped_samples += u64::from(clipped);
                        self.integers.push(integer);
                    }
                }
                match sink {
                    Sink::Wav(writer) => {
                        for integer in &self.integers {
                            writer.write_sample(*integer).map_err(from_hound)?;
                        }
                    }
                    Sink::Flac(writer) => writer.write(&self.integers).map_err(from_flac)?,
                }
            }
        }
        self.frames += frames as u64;
        Ok(())
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// [`WriteError`]; nothing is then left behind.
    pub fn finish(self) -> Result<Written, WriteError> {
        match self.sink {
            Sink::Wav(writer) => writer.finalize().map_err(from_hound)?,
            Sink::Flac(writer) => writer.finalize().map_err(from_flac)?,
        }
        self.failure.take()?;
        Ok(Written {
            path: self.pending.finish()?,
            frames: self.frames,
            clipped_samples: self.clipped_samples,
        })
    }

    fn check_length(&self, more: Frames) -> Result<(), WriteError> {
        let frames = self.frames + more as u64;
        let frame_bytes = self.spec.channels as u64 * u64::from(self.spec.depth.bits() / 8);
        match self.spec.container {
            Container::Wav if frames * frame_bytes > WAV_LIMIT_BYTES => Err(WriteError::TooLong {
                seconds: self.frames as f64 / f64::from(self.spec.rate_hz),
            }),
            _ => Ok(()),
        }
    }
}

fn check(spec: OutputSpec) -> Result<(), WriteError> {
    if spec.container == Container::Flac && spec.depth == BitDepth::Float32 {
        return Err(WriteError::Unsupported {
            expected: "16 or 24 bits in a FLAC file",
            got: "32-bit float".to_owned(),
        });
    }
    if !(1..=2).contains(&spec.channels) {
        return Err(WriteError::Unsupported {
            expected: "1 or 2 channels",
            got: spec.channels.to_string(),
        });
    }
    Ok(())
}

fn open_sink(file: CheckedFile, spec: OutputSpec) -> Result<Sink, WriteError> {
    match spec.container {
        Container::Wav => {
            let wav = hound::WavSpec {
                channels: spec.channels as u16,
                sample_rate: spec.rate_hz,
                bits_per_sample: spec.depth.bits(),
                sample_format: match spec.depth {
                    BitDepth::Float32 => hound::SampleFormat::Float,
                    BitDepth::Int16 | BitDepth::Int24 => hound::SampleFormat::Int,
                },
            };
            let writer = hound::WavWriter::new(file, wav).map_err(from_hound)?;
            Ok(Sink::Wav(writer))
        }
        Container::Flac => {
            let writer = FlacSampleWriter::new(
                file,
                Options::default(),
                spec.rate_hz,
                u32::from(spec.depth.bits()),
                spec.channels as u8,
                None,
            )
            .map_err(from_flac)?;
            Ok(Sink::Flac(Box::new(writer)))
        }
    }
}

fn from_hound(error: hound::Error) -> WriteError {
    match error {
        hound::Error::IoError(error) => WriteError::Io(error),
        other => WriteError::Encoder(other.to_string()),
    }
}

fn from_flac(error: flac_codec::Error) -> WriteError {
    match error {
        flac_codec::Error::Io(error) => WriteError::Io(error),
        other => WriteError::Encoder(other.to_string()),
    }
}

/// The first error met while a file was closed.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    fn put(&self, error: io::Error) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(error);
    }

    fn take(&self) -> io::Result<()> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take().map_or(Ok(()), Err)
    }
}

/// A buffered file whose last flush is not lost: the encoders own it and drop it, and a plain
/// `BufWriter` would swallow a full disk there.
struct CheckedFile {
    file: BufWriter<File>,
    failure: Failure,
}

impl CheckedFile {
    fn new(file: File, failure: Failure) -> Self {
        let file = BufWriter::with_capacity(1 << 16, file);
        Self { file, failure }
    }
}

impl Write for CheckedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for CheckedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for CheckedFile {
    fn drop(&mut self) {
        if let Err(error) = self.file.flush() {
            self.failure.put(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_noticed_at_the_last_flush() {
        let full = File::options().write(true).open("/dev/full");
        let failure = Failure::default();
        let mut file = CheckedFile::new(full.expect("every Linux has it"), failure.clone());
        file.write_all(b"fits the buffer").expect("buffered");
        drop(file);
        assert!(failure.take().is_err());
    }

    #[test]
    fn a_wav_file_stops_before_its_sizes_overflow() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (container, refused) in [(Container::Wav, true), (Container::Flac, false)] {
            let spec = OutputSpec {
                container,
                depth: BitDepth::Int16,
                rate_hz: 48_000,
                channels: 2,
            };
            let path = folder.path().join("out");
            let mut writer =
                AudioWriter::create(&path, spec, Existing::Keep).expect("a writable folder");
            writer.frames = WAV_LIMIT_BYTES / 4 - 2;
            let block: &[f32] = &[0.0; 2];
            writer.write(&[block, block]).expect("just below the limit");
            let over = writer.write(&[block, block]);
            assert_eq!(over.is_err(), refused, "{container:?}");
        }
    }
}

//! What is sung, alone, as it comes from the device: one channel in one file, to make a voice of.
//! The audio thread fills the same [`Tap`] as for a take; a writer thread takes what is sung out of
//! it and lets the rest go.

use super::wav::WavFile;
use super::{PERIOD, RING_S, Tap, WET};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub enum DryError {
    /// No stream is open.
    #[error("expected sound to record, found none; choose an input that works in the bar above")]
    NoSound,
    /// A take is under way.
    #[error("expected to record a sentence, found a take under way; stop that first")]
    Busy,
    /// The disk refuses.
    #[error("expected to write {}, found: {found}; free some space, then record again", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        found: io::Error,
    },
    /// The disk was too slow.
    #[error("expected the disk to keep up, found {frames} frames missing; record again")]
    Lost {
        /// Frames that are missing.
        frames: u64,
    },
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct DryTake {
    /// The file, there or not.
    pub file: PathBuf,
    /// Its length in seconds.
    pub seconds: f64,
    /// What is wrong with it, and what to do.
    pub failure: Option<String>,
}

/// A recording under way, seen from the control thread.
pub struct DryRecording {
    frames: Arc<AtomicU64>,
    rate_hz: u32,
    file: PathBuf,
    result: Receiver<DryTake>,
}

impl DryRecording {
    /// Starts the file and its writer; the folder is made where there is none. `channels`: those
    /// sung, 1 or 2, of which the file has the mean.
    ///
    /// # Errors
    /// [`DryError::Write`], also where there is a file of this name.
    pub fn start(file: &Path, rate_hz: u32, channels: usize) -> Result<(Self, Tap), DryError> {
        let refused = |found: io::Error| DryError::Write {
            file: file.to_owned(),
            found,
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(refused)?;
        }
        let wav = WavFile::create(file, rate_hz, 1).map_err(refused)?;
        let width = channels + WET;
        let (ring, frames_in) = rtrb::RingBuffer::new(RING_S * rate_hz as usize * width);
        let (frames, lost) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let writer = Writer {
            ring: frames_in,
            wav,
            file: file.to_owned(),
            channels,
            frames: frames.clone(),
            lost: lost.clone(),
            rate_hz,
        };
        let (tell, result) = channel();
        let thread = std::thread::Builder::new().name("autovoice-dry".to_owned());
        thread
            // Nobody may be waiting any more; the file is there.
            .spawn(move || drop(tell.send(writer.run())))
            .map_err(refused)?;
        let recording = Self {
            frames,
            rate_hz,
            file: file.to_owned(),
            result,
        };
        Ok((recording, Tap { ring, lost }))
    }

    /// Seconds in the file so far.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames.load(Ordering::Relaxed) as f64 / f64::from(self.rate_hz)
    }

    /// The take, once its writer is done; that is soon after the tap is gone.
    pub fn take_result(&mut self) -> Option<DryTake> {
        self.result.try_recv().ok()
    }

    /// Waits for the writer. The tap must be gone.
    #[must_use]
    pub fn wait(self) -> DryTake {
        let seconds = self.seconds();
        self.result.recv().unwrap_or(DryTake {
            file: self.file,
            seconds,
            failure: Some("the recording broke off; record again".to_owned()),
        })
    }
}

struct Writer {
    ring: rtrb::Consumer<f32>,
    wav: WavFile,
    file: PathBuf,
    channels: usize,
    frames: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
    rate_hz: u32,
}

impl Writer {
    fn run(mut self) -> DryTake {
        let mut since_saved = 0;
        let written = loop {
            // Asked before the last look, so that nothing pushed before the end is missed.
            let is_over = self.ring.is_abandoned();
            let before = self.wav.frames();
            let mut done = self.drain();
            since_saved += self.wav.frames() - before;
            if done.is_ok() && u64::from(self.rate_hz) < since_saved {
                since_saved = 0;
                done = self.wav.save();
            }
            self.frames.store(self.wav.frames(), Ordering::Relaxed);
            if is_over || done.is_err() {
                break done;
            }
            std::thread::sleep(PERIOD);
        };
        let seconds = self.wav.frames() as f64 / f64::from(self.rate_hz);
        let Self {
            wav, file, lost, ..
        } = self;
        let found = written.and(wav.finish().map(drop)).err();
        let failure = match (found, lost.load(Ordering::Relaxed)) {
            (Some(found), _) => Some(DryError::Write {
                file: file.clone(),
                found,
            }),
            (None, 0) => None,
            (None, frames) => Some(DryError::Lost { frames }),
        };
        DryTake {
            file,
            seconds,
            failure: failure.map(|error| error.to_string()),
        }
    }

    /// Writes what is in the ring.
    fn drain(&mut self) -> io::Result<()> {
        let width = self.channels + WET;
        loop {
            let whole = (self.ring.slots() / width).min(4_096) * width;
            if whole == 0 {
                return Ok(());
            }
            let Ok(chunk) = self.ring.read_chunk(whole) else {
                return Ok(());
            };
            let mut samples = chunk.into_iter();
            let share = 1.0 / self.channels as f32;
            let mono: Vec<f32> = (0..whole / width)
                .map(|_| {
                    let sung = samples.by_ref().take(self.channels).sum::<f32>();
                    samples.by_ref().take(WET).for_each(drop);
                    share * sung
                })
                .collect();
            self.wav.write(&mono)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sung_is_in_the_file_and_nothing_else() {
        for channels in [1, 2] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let file = folder.path().join("new/one.wav");
            let (recording, mut tap) =
                DryRecording::start(&file, 48_000, channels).expect("writable");
            let sung: Vec<f32> = (0..9_000).map(|n| n as f32 / 10_000.0).collect();
            for block in sung.chunks(100) {
                tap.write(&vec![block; channels], [&[0.9; 100], &[-0.9; 100]]);
            }
            drop(tap);
            let take = recording.wait();
            assert_eq!((take.failure, take.seconds), (None, 0.1875));
            let mut reader = hound::WavReader::open(&file).expect("a WAV file");
            assert_eq!(
                (reader.spec().channels, reader.spec().sample_rate),
                (1, 48_000)
            );
            let read: Vec<f32> = reader.samples().map(|x| x.expect("whole")).collect();
            assert_eq!(read, sung, "{channels}");
            let again = DryRecording::start(&file, 48_000, 1);
            assert!(
                matches!(again, Err(DryError::Write { .. })),
                "never replaced"
            );
        }
    }
}

//! Takes: what was sung and what came out, each in a file. The audio thread writes frames into a
//! ring through its [`Tap`]; a writer thread puts them into files. The two files of a take begin
//! at the same instant: the delay of the conversion is taken out of the second.

mod dry;
mod wav;

pub use dry::{DryError, DryRecording, DryTake};
pub use wav::recover;

use crate::units::{Civil, Frames};
use serde::Serialize;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use wav::WavFile;

/// Seconds the disk may take its time before frames are lost.
const RING_S: usize = 8;
/// What comes out is always stereo.
const WET: usize = 2;
/// The writer looks this often.
const PERIOD: Duration = Duration::from_millis(50);

/// Why a take could not start or ended early.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// No place to record to.
    #[error("expected a folder to record to, found: {found}; choose one with --record FOLDER")]
    Folder {
        /// What the system said.
        found: String,
    },
    /// A file could not be written.
    #[error(
        "expected to write the take in {}, found: {found}; what was written before is kept; free \
         some space there or choose another folder with --record FOLDER",
        folder.display()
    )]
    Write {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        found: String,
    },
}

/// A finished take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Take {
    /// What was sung.
    pub dry: PathBuf,
    /// What came out, aligned to it.
    pub wet: PathBuf,
    /// Length in seconds.
    pub seconds: f64,
    /// Frames that the disk was too slow for.
    pub lost_frames: u64,
    /// Why it ended early, if it did.
    pub failure: Option<String>,
}

/// The audio thread's end.
pub struct Tap {
    ring: rtrb::Producer<f32>,
    lost: Arc<AtomicU64>,
}

impl Tap {
    /// Keeps a block: the one or two channels sung and the two that came out. When the ring is full
    /// the block is lost from both files alike, and counted. Real-time safe.
    pub fn write(&mut self, dry: &[&[f32]], wet: [&[f32]; WET]) {
        let frames = wet[0].len();
        let width = dry.len() + WET;
        let Ok(chunk) = self.ring.write_chunk_uninit(frames * width) else {
            self.lost.fetch_add(frames as u64, Ordering::Relaxed);
            return;
        };
        let frame = |at: usize| dry.iter().chain(&wet).map(move |channel| channel[at]);
        chunk.fill_from_iter((0..frames).flat_map(frame));
    }
}

/// What a take is recorded with.
#[derive(Clone, Debug)]
pub struct Format {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Channels sung, 1 or 2.
    pub channels: usize,
    /// Delay of the conversion.
    pub latency: Frames,
}

/// A take being recorded, seen from the control thread.
pub struct Recording {
    frames: Arc<AtomicU64>,
    rate_hz: u32,
    result: Arc<Mutex<Option<Take>>>,
    writer: Option<JoinHandle<()>>,
}

impl Recording {
    /// Starts the files `<name> dry.wav` and `<name> wet.wav` and their writer.
    ///
    /// # Errors
    /// [`RecordError`] when the folder or a file cannot be made.
    pub fn start(folder: &Path, name: &str, format: &Format) -> Result<(Self, Tap), RecordError> {
        let refused = |error: io::Error| RecordError::Folder {
            found: format!("{}: {error}", folder.display()),
        };
        std::fs::create_dir_all(folder).map_err(refused)?;
        let create = |what: &str, channels: usize| {
            let path = folder.join(format!("{name} {what}.wav"));
            WavFile::create(&path, format.rate_hz, channels as u16)
        };
        let dry = create("dry", format.channels).map_err(refused)?;
        let wet = create("wet", WET).map_err(refused)?;
        let width = format.channels + WET;
        let (ring, frames_in) = rtrb::RingBuffer::new(RING_S * format.rate_hz as usize * width);
        let lost = Arc::<AtomicU64>::default();
        let writer = Writer {
            ring: frames_in,
            dry,
            wet,
            channels: format.channels,
            waiting: VecDeque::new(),
            latency: format.latency,
            skipped: 0,
            frames: Arc::default(),
            lost: lost.clone(),
            rate_hz: format.rate_hz,
            folder: folder.to_owned(),
        };
        let recording = Self {
            frames: writer.frames.clone(),
            rate_hz: format.rate_hz,
            result: Arc::default(),
            writer: None,
        };
        let result = recording.result.clone();
        let thread = std::thread::Builder::new()
            .name("autovoice-take".to_owned())
            .spawn(move || {
                let take = writer.run();
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(take);
            })
            .map_err(refused)?;
        let recording = Self {
            writer: Some(thread),
            ..recording
        };
        Ok((recording, Tap { ring, lost }))
    }

    /// Seconds in the files so far.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames.load(Ordering::Relaxed) as f64 / f64::from(self.rate_hz)
    }

    /// The take, once its writer is done; that is soon after the tap is gone.
    pub fn take_result(&mut self) -> Option<Take> {
        let take = self
            .result
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        if let Some(writer) = self.writer.take() {
            // It has nothing left to do.
            let _ = writer.join();
        }
        Some(take)
    }

    /// Waits for the writer and gives the take. The tap must be gone.
    pub fn wait(mut self) -> Option<Take> {
        if let Some(writer) = self.writer.take() {
            // Its panic would have been reported on stderr; the files are there as it left them.
            let _ = writer.join();
        }
        self.take_result()
    }
}

/// A name for a take that starts now: date and time in UTC, so that takes sort by age.
#[must_use]
pub fn take_name() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    name_at(now.map_or(0, |since| since.as_secs()))
}

fn name_at(seconds: u64) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = Civil::from_seconds(seconds);
    format!("take {year}-{month:02}-{day:02} {hour:02}.{minute:02}.{second:02}")
}

struct Writer {
    ring: rtrb::Consumer<f32>,
    dry: WavFile,
    wet: WavFile,
    channels: usize,
    /// What was sung and has not come out yet.
    waiting: VecDeque<f32>,
    latency: Frames,
    skipped: Frames,
    frames: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
    rate_hz: u32,
    folder: PathBuf,
}

impl Writer {
    fn run(mut self) -> Take {
        let mut failure = None;
        let mut since_saved = 0;
        loop {
            // Asked before the last look, so that nothing pushed before the end is missed.
            let is_over = self.ring.is_abandoned();
            let before = self.wet.frames();
            let mut done = self.drain();
            since_saved += self.wet.frames() - before;
            if done.is_ok() && u64::from(self.rate_hz) < since_saved {
                since_saved = 0;
                done = self.dry.save().and_then(|()| self.wet.save());
            }
            if let Err(error) = done {
                failure = Some(self.failed(&error));
                break;
            }
            self.frames.store(self.wet.frames(), Ordering::Relaxed);
            if is_over {
                break;
            }
            std::thread::sleep(PERIOD);
        }
        self.finish(failure)
    }

    /// Writes what is in the ring.
    fn drain(&mut self) -> io::Result<()> {
        let width = self.channels + WET;
        let (mut dry, mut wet) = (Vec::new(), Vec::new());
        loop {
            let whole = (self.ring.slots() / width).min(4_096) * width;
            if whole == 0 {
                return Ok(());
            }
            let Ok(chunk) = self.ring.read_chunk(whole) else {
                return Ok(());
            };
            dry.clear();
            wet.clear();
            let mut samples = chunk.into_iter();
            for _ in 0..whole / width {
                self.waiting.extend(samples.by_ref().take(self.channels));
                let out = samples.by_ref().take(WET);
                if self.skipped < self.latency {
                    self.skipped += 1;
                    out.for_each(drop);
                    continue;
                }
                wet.extend(out);
                dry.extend(self.waiting.drain(..self.channels));
            }
            self.dry.write(&dry)?;
            self.wet.write(&wet)?;
        }
    }

    fn failed(&self, error: &io::Error) -> String {
        RecordError::Write {
            folder: self.folder.clone(),
            found: error.to_string(),
        }
        .to_string()
    }

    fn finish(self, mut failure: Option<String>) -> Take {
        let Self {
            dry, wet, folder, ..
        } = self;
        let frames = wet.frames();
        let mut name = |file: WavFile| {
            file.finish().unwrap_or_else(|error| {
                let refused = RecordError::Write {
                    folder: folder.clone(),
                    found: error.to_string(),
                };
                failure.get_or_insert(refused.to_string());
                PathBuf::new()
            })
        };
        Take {
            dry: name(dry),
            wet: name(wet),
            seconds: frames as f64 / f64::from(self.rate_hz),
            lost_frames: self.lost.load(Ordering::Relaxed),
            failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_files_of_a_take_begin_together() {
        for (channels, latency) in [(1, 0), (1, 700), (2, 33)] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let format = Format {
                rate_hz: 48_000,
                channels,
                latency,
            };
            let (recording, mut tap) =
                Recording::start(folder.path(), "one", &format).expect("writable");
            let value = |at: usize| at as f32 / 10_000.0;
            let total = 5_000;
            for start in (0..total).step_by(100) {
                let dry: Vec<f32> = (start..start + 100).map(value).collect();
                let wet = (start..start + 100).map(|at| at.checked_sub(latency).map_or(0.0, value));
                let wet: Vec<f32> = wet.collect();
                tap.write(&vec![&dry[..]; channels], [&wet, &wet]);
            }
            drop(tap);
            let take = recording.wait().expect("the writer ended");
            assert_eq!((take.lost_frames, &take.failure), (0, &None));
            let read = |path: &Path, channels: usize| {
                let mut reader = hound::WavReader::open(path).expect("a WAV file");
                let samples = reader.samples::<f32>().map(|x| x.expect("whole"));
                samples.step_by(channels).collect::<Vec<_>>()
            };
            let (dry, wet) = (read(&take.dry, channels), read(&take.wet, 2));
            assert_eq!(dry.len(), total - latency);
            assert_eq!(dry, wet, "{channels} {latency}");
        }
    }

    #[test]
    fn takes_are_named_by_date() {
        for (seconds, name) in [
            (0, "take 1970-01-01 00.00.00"),
            (951_826_399, "take 2000-02-29 12.13.19"),
            (1_798_761_599, "take 2026-12-31 23.59.59"),
        ] {
            assert_eq!(name_at(seconds), name);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_folder_that_cannot_be_is_refused() {
        let format = Format {
            rate_hz: 48_000,
            channels: 1,
            latency: 0,
        };
        let refused = Recording::start(Path::new("/proc/none"), "a", &format);
        let said = refused.err().expect("refused").to_string();
        assert!(said.contains("--record"), "{said}");
    }
}

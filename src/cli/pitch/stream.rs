//! One file through a tracker, block by block. Memory does not grow with the file, but for its
//! notes where those are asked for.

use super::midi;
use super::notes::Segmenter;
use super::plot::Plot;
use super::table::{Grid, Table};
use crate::cli::failure::Failure;
use crate::cli::plan;
use crate::cli::progress::{Watcher, interrupted};
use crate::cli::tracker::Source;
use crate::io::{AudioInfo, AudioReader, Damage, Existing, NewFile, WriteError};
use crate::pitch::track::contour::{Contour, Point};
use crate::units::Frames;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Frames read at a time. What comes out does not depend on it.
const BLOCK_FRAMES: Frames = 4_096;

/// How to track every file of a batch.
pub(super) struct Analysis {
    pub(super) tracker: Source,
    /// Lowest pitch expected in Hz.
    pub(super) lowest_hz: f32,
    /// Seconds from row to row; `None` keeps the tracker's.
    pub(super) hop_s: Option<f64>,
    /// Frequency of A4 in Hz.
    pub(super) tuning_hz: f32,
    pub(super) damage: Damage,
    pub(super) existing: Existing,
}

/// One file and what is written for it.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) table: plan::Job,
    pub(super) plot: Option<PathBuf>,
    pub(super) midi: Option<PathBuf>,
}

/// What was found in one file.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) input: AudioInfo,
    pub(super) frames: u64,
    /// The tracker's lookahead in input frames; taken out of the times.
    pub(super) lookahead: Frames,
    pub(super) rows: u64,
    pub(super) voiced: Pitches,
    pub(super) notes: Option<usize>,
    pub(super) elapsed: Duration,
    pub(super) non_finite_samples: u64,
    pub(super) patched_frames: u64,
}

impl Outcome {
    /// Length of the file in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.input.rate_hz)
    }

    /// Seconds of audio per second of work.
    pub(super) fn x_real_time(&self) -> f64 {
        self.seconds() / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Tracks one file.
pub(super) fn track(
    job: &Job,
    analysis: &Analysis,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let mut reader = AudioReader::open(&job.table.input, analysis.damage)?;
    let input = reader.info().clone();
    watcher.start(input.frames);
    let tracker = analysis.tracker.build(input.rate_hz, analysis.lowest_hz)?;
    let mut contour = Contour::new(tracker, input.rate_hz);
    let lookahead = contour.tracker().lookahead();
    let mut outputs = Outputs::create(job, analysis, input.rate_hz)?;
    let mut block = vec![vec![0f32; BLOCK_FRAMES]; input.channels];
    let mut mono = Vec::with_capacity(BLOCK_FRAMES);
    let mut frames = 0u64;
    loop {
        let mut slices: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
        let read = reader.read(&mut slices)?;
        if read == 0 {
            break;
        }
        frames += read as u64;
        mix_down(&block, read, &mut mono);
        outputs.hear(&mono);
        for point in mono.iter().filter_map(|&sample| contour.push(sample)) {
            outputs.put(point)?;
        }
        if !watcher.advance(frames) {
            return Err(interrupted());
        }
    }
    let mut ending = Ok(());
    contour.finish(|point| {
        if ending.is_ok() {
            ending = outputs.put(point);
        }
    });
    ending?;
    let seconds = frames as f64 / f64::from(input.rate_hz);
    let (rows, voiced, notes) = outputs.finish(seconds)?;
    Ok(Outcome {
        input,
        frames,
        lookahead,
        rows,
        voiced,
        notes,
        elapsed: started.elapsed(),
        non_finite_samples: reader.non_finite_samples(),
        patched_frames: reader.patched_frames(),
    })
}

/// The mean of all channels.
fn mix_down(block: &[Vec<f32>], frames: Frames, mono: &mut Vec<f32>) {
    let share = 1.0 / block.len() as f32;
    mono.clear();
    mono.extend((0..frames).map(|i| share * block.iter().map(|channel| channel[i]).sum::<f32>()));
}

/// Everything written for one file.
struct Outputs {
    table: Table,
    grid: Option<Grid>,
    plot: Option<(NewFile, Plot)>,
    midi: Option<(NewFile, Segmenter)>,
    voiced: Pitches,
}

impl Outputs {
    fn create(job: &Job, analysis: &Analysis, rate_hz: u32) -> Result<Self, Failure> {
        let create = |path: &Option<PathBuf>| -> Result<Option<NewFile>, Failure> {
            let Some(path) = path else {
                return Ok(None);
            };
            plan::make_folder(path)?;
            Ok(Some(NewFile::create(path, analysis.existing)?))
        };
        plan::make_folder(&job.table.output)?;
        let title = job.table.input.file_name().unwrap_or_default();
        let title = format!("{}   {}", title.to_string_lossy(), analysis.tracker.name());
        let tuning_hz = analysis.tuning_hz;
        Ok(Self {
            table: Table::create(&job.table.output, analysis.existing)?,
            grid: analysis.hop_s.map(Grid::new),
            plot: create(&job.plot)?.map(|file| (file, Plot::new(rate_hz, tuning_hz, title))),
            midi: create(&job.midi)?.map(|file| (file, Segmenter::new(rate_hz, tuning_hz))),
            voiced: Pitches::default(),
        })
    }

    /// Takes audio in, before the points of its instants.
    fn hear(&mut self, mono: &[f32]) {
        if let Some((_, plot)) = &mut self.plot {
            plot.hear(mono);
        }
        if let Some((_, notes)) = &mut self.midi {
            notes.hear(mono);
        }
    }

    fn put(&mut self, point: Point) -> Result<(), Failure> {
        self.voiced.push(&point);
        if let Some((_, plot)) = &mut self.plot {
            plot.push(point);
        }
        if let Some((_, notes)) = &mut self.midi {
            notes.push(point);
        }
        let table = &mut self.table;
        match &mut self.grid {
            Some(grid) => grid.push(point, &mut |point| table.put(point))?,
            None => table.put(point)?,
        }
        Ok(())
    }

    /// Completes every file: rows, the pitch distribution, and notes if asked for.
    fn finish(mut self, seconds: f64) -> Result<(u64, Pitches, Option<usize>), Failure> {
        let table = &mut self.table;
        if let Some(grid) = self.grid {
            grid.finish(seconds, &mut |point| table.put(point))?;
        }
        let mut complete = Vec::new();
        if let Some((mut file, plot)) = self.plot {
            plot.finish(seconds).write(&mut file)?;
            complete.push(file);
        }
        let mut count = None;
        if let Some((mut file, notes)) = self.midi {
            let notes = notes.finish();
            midi::write(&notes, &mut file).map_err(WriteError::Io)?;
            count = Some(notes.len());
            complete.push(file);
        }
        let rows = self.table.finish()?;
        for file in complete {
            file.finish()?;
        }
        Ok((rows, self.voiced, count))
    }
}

/// How often each pitch was sung.
#[derive(Clone, Debug, Default)]
pub(super) struct Pitches {
    points: u64,
    voiced: u64,
    /// By tenths of a semitone from the lowest.
    counts: Vec<u64>,
}

impl Pitches {
    /// The lowest pitch told from others, in Hz.
    const LOWEST_HZ: f32 = 20.0;
    const PER_OCTAVE: f32 = 120.0;

    fn push(&mut self, point: &Point) {
        self.points += 1;
        if !point.voiced() {
            return;
        }
        self.voiced += 1;
        let octaves = (point.f0_hz / Self::LOWEST_HZ).log2();
        // The cast saturates; no tracker goes above 10 octaves.
        let bin = ((octaves * Self::PER_OCTAVE).round() as usize).min(1_200);
        if self.counts.len() <= bin {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
    }

    /// The share of points with a voice.
    pub(super) fn share(&self) -> f64 {
        self.voiced as f64 / self.points.max(1) as f64
    }

    /// The pitch in Hz that this share of the voiced points does not exceed, to 5 cents; none
    /// without a voice.
    pub(super) fn quantile(&self, share: f64) -> Option<f32> {
        let rank = ((share * self.voiced as f64).ceil() as u64).max(1);
        let mut sum = 0;
        let bin = self.counts.iter().position(|&count| {
            sum += count;
            rank <= sum
        })?;
        Some(Self::LOWEST_HZ * (bin as f32 / Self::PER_OCTAVE).exp2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitches_are_counted_where_voiced() {
        let mut pitches = Pitches::default();
        assert_eq!((pitches.share(), pitches.quantile(0.5)), (0.0, None));
        for (f0_hz, confidence) in [(100.0, 0.9), (200.0, 0.5), (400.0, 0.6), (50.0, 0.4)] {
            pitches.push(&Point {
                time_s: 0.0,
                f0_hz,
                confidence,
            });
        }
        assert_eq!(pitches.share(), 0.75);
        for (share, expected) in [(0.0, 100.0), (0.5, 200.0), (1.0, 400.0)] {
            let got = pitches.quantile(share).expect("there are voiced points");
            assert!((1_200.0 * (got / expected).log2()).abs() < 5.1, "{got}");
        }
    }
}

//! One file through the audio path, block by block: the same code that runs in a host, told that
//! it is offline. Memory does not grow with the file.

use crate::bridge::{HostConfig, Latency, Meters, Processor, meters};
use crate::cli::failure::{Exit, Failure};
use crate::cli::voice::Voice;
use crate::engine::MAX_CHANNELS;
use crate::io::{AudioInfo, AudioReader, AudioWriter, BitDepth, Damage, Existing, OutputSpec};
use crate::units::Frames;

use super::plan::Job;
use std::time::{Duration, Instant};

/// Frames of one block. What comes out does not depend on it.
const BLOCK_FRAMES: Frames = 1024;

/// How to convert every file of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion {
    pub(super) voice: Voice,
    /// `None` keeps what the input has.
    pub(super) depth: Option<BitDepth>,
    pub(super) damage: Damage,
    pub(super) existing: Existing,
}

/// What was done to one file.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) input: AudioInfo,
    pub(super) depth: BitDepth,
    pub(super) rate_hz: u32,
    pub(super) frames: u64,
    pub(super) elapsed: Duration,
    pub(super) latency: Latency,
    pub(super) peak_in: f32,
    pub(super) peak_out: f32,
    pub(super) clipped_samples: u64,
    pub(super) non_finite_samples: u64,
    pub(super) patched_frames: u64,
}

impl Outcome {
    /// Length of the input in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.input.rate_hz)
    }

    /// Seconds of audio per second of work.
    pub(super) fn x_real_time(&self) -> f64 {
        self.seconds() / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Who watches a conversion.
pub(super) trait Watcher {
    /// The header has been read.
    fn start(&mut self, total_frames: Option<u64>, rate_hz: u32);
    /// So many input frames are done. `false` stops the conversion.
    fn advance(&mut self, frames: u64) -> bool;
}

/// Converts one file. The output has exactly as many frames as the input, and frame `i` of one
/// belongs to frame `i` of the other: the latency of the path is cut from the start and flushed
/// at the end.
pub(super) fn convert(
    job: &Job,
    conversion: &Conversion,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let mut reader = AudioReader::open(&job.input, conversion.damage)?;
    let info = reader.info().clone();
    watcher.start(info.frames, info.rate_hz);
    let mut path = Path::new(&conversion.voice, info.rate_hz, info.channels)?;
    let depth = conversion
        .depth
        .or(info.depth)
        .unwrap_or(BitDepth::Int24)
        .fitted_to(job.container);
    let spec = OutputSpec {
        container: job.container,
        depth,
        rate_hz: info.rate_hz,
        channels: info.channels,
    };
    let mut writer = AudioWriter::create(&job.output, spec, conversion.existing)?;
    let mut peak_in = 0f32;
    let mut frames = 0u64;
    loop {
        let read = path.fill(|block| reader.read(block))?;
        if read == 0 {
            break;
        }
        peak_in = peak_in.max(path.peak(read));
        path.process(read);
        path.emit(read, u64::MAX, &mut writer)?;
        frames += read as u64;
        if !watcher.advance(frames) {
            return Err(interrupted());
        }
    }
    while path.written < frames {
        let silence = path.silence();
        path.process(silence);
        path.emit(silence, frames, &mut writer)?;
    }
    path.check()?;
    let written = writer.finish()?;
    Ok(Outcome {
        depth,
        rate_hz: info.rate_hz,
        frames,
        elapsed: started.elapsed(),
        latency: path.processor.latency(),
        peak_in,
        peak_out: path.peak_out,
        clipped_samples: written.clipped_samples,
        non_finite_samples: reader.non_finite_samples(),
        patched_frames: reader.patched_frames(),
        input: info,
    })
}

fn interrupted() -> Failure {
    Failure {
        message: "interrupted".to_owned(),
        remedy: "run the command again; finished files are complete".to_owned(),
        exit: Exit::Interrupted,
    }
}

/// The audio path and its block.
struct Path<'a> {
    voice: &'a Voice,
    processor: Processor,
    meters: crate::bridge::MetersOut,
    channels: usize,
    block: [Vec<f32>; MAX_CHANNELS],
    /// Output frames still to be dropped before the first one that belongs to the input.
    skip: Frames,
    written: u64,
    peak_out: f32,
}

impl<'a> Path<'a> {
    fn new(voice: &'a Voice, rate_hz: u32, channels: usize) -> Result<Self, Failure> {
        let engine = voice
            .engine
            .build(rate_hz, channels, voice.range)
            .map_err(|error| {
                Failure::work(
                    format!("expected audio the engine can take: {error}"),
                    "convert the file to 48 kHz, mono or stereo, first",
                )
            })?;
        let host = HostConfig {
            rate_hz,
            channels,
            max_block: BLOCK_FRAMES,
            offline: true,
        };
        let (meters_in, meters) = meters();
        let processor = Processor::new(host, engine, meters_in);
        Ok(Self {
            voice,
            skip: processor.latency().total(),
            processor,
            meters,
            channels,
            block: std::array::from_fn(|_| vec![0.0; BLOCK_FRAMES]),
            written: 0,
            peak_out: 0.0,
        })
    }

    fn slices(&mut self, frames: Frames) -> impl Iterator<Item = &mut [f32]> {
        let channels = self.channels;
        self.block
            .iter_mut()
            .take(channels)
            .map(move |c| &mut c[..frames])
    }

    fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut [&mut [f32]]) -> Result<Frames, E>,
    ) -> Result<Frames, E> {
        let mut slices: Vec<_> = self.slices(BLOCK_FRAMES).collect();
        read(&mut slices)
    }

    fn silence(&mut self) -> Frames {
        for channel in self.slices(BLOCK_FRAMES) {
            channel.fill(0.0);
        }
        BLOCK_FRAMES
    }

    fn peak(&mut self, frames: Frames) -> f32 {
        self.slices(frames)
            .flat_map(|channel| channel.iter())
            .fold(0.0, |peak, sample| peak.max(sample.abs()))
    }

    fn process(&mut self, frames: Frames) {
        let settings = self.voice.settings;
        let channels = self.channels;
        let mut slices: Vec<_> = self
            .block
            .iter_mut()
            .take(channels)
            .map(|c| &mut c[..frames])
            .collect();
        self.processor.process(&mut slices, &settings);
    }

    /// Writes what is due of the block, at most up to `end` frames in all.
    fn emit(&mut self, frames: Frames, end: u64, writer: &mut AudioWriter) -> Result<(), Failure> {
        let skipped = self.skip.min(frames);
        self.skip -= skipped;
        let left = end.saturating_sub(self.written);
        let count = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(frames - skipped);
        let slices: Vec<&[f32]> = self
            .block
            .iter()
            .take(self.channels)
            .map(|channel| &channel[skipped..skipped + count])
            .collect();
        writer.write(&slices)?;
        let peak = slices
            .iter()
            .flat_map(|channel| channel.iter())
            .fold(0f32, |peak, sample| peak.max(sample.abs()));
        self.peak_out = self.peak_out.max(peak);
        self.written += count as u64;
        Ok(())
    }

    /// Whether the path did its work to the end: an offline one has no excuse.
    fn check(&mut self) -> Result<(), Failure> {
        let Meters {
            panicked,
            missed_frames,
            engine,
            ..
        } = *self.meters.read();
        if panicked || missed_frames > 0 {
            return Err(Failure::work(
                format!(
                    "expected the engine {engine} to convert every frame, {}",
                    match panicked {
                        true => "it stopped with an internal error".to_owned(),
                        false => format!("it missed {missed_frames}"),
                    }
                ),
                "this is a fault in AutoVoice: please report it with the file",
            ));
        }
        Ok(())
    }
}

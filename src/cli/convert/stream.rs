//! One file through the audio path, block by block: the same code that runs in a host, told that
//! it is offline. Memory does not grow with the file.

use super::singer::Singer;
use crate::bridge::{HostConfig, Latency, MetersOut, Processor, Settings, Voices, meters};
use crate::cli::failure::Failure;
use crate::cli::plan::{self, Job};
use crate::cli::progress::{Watcher, interrupted};
use crate::cli::voice::Voice;
use crate::dsp::resample::Resampler;
use crate::engine::MAX_CHANNELS;
use crate::io::{
    AudioInfo, AudioReader, AudioWriter, BitDepth, Container, Damage, Existing, OutputSpec, Written,
};
use crate::units::{Frames, ms_to_frames};
use std::time::{Duration, Instant};

/// Frames of one block. What comes out does not depend on it.
const BLOCK_FRAMES: Frames = 1024;

/// The slot of the voice that sings.
const SLOT: usize = 1;
/// Silence before a file in which that voice fades in.
const FADE_IN_MS: f64 = 20.0;

/// How to convert every file of a batch.
pub(super) struct Conversion {
    pub(super) voice: Voice,
    /// Who sings; `None` leaves it to the voice's own engine.
    pub(super) singer: Option<Singer>,
    /// Rate of the outputs in Hz; `None` keeps that of the input.
    pub(super) rate_hz: Option<u32>,
    /// `None` keeps what the input has.
    pub(super) depth: Option<BitDepth>,
    pub(super) damage: Damage,
    pub(super) existing: Existing,
}

/// What was done to one file.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) input: AudioInfo,
    pub(super) input_frames: u64,
    pub(super) output: OutputSpec,
    pub(super) output_frames: u64,
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
        self.input_frames as f64 / f64::from(self.input.rate_hz)
    }

    /// Seconds of audio per second of work.
    pub(super) fn x_real_time(&self) -> f64 {
        self.seconds() / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Converts one file. The output lasts exactly as long as the input and lies exactly on it: the
/// latency of the path is cut from the start and flushed at the end, and so is the resampler's.
pub(super) fn convert(
    job: &Job,
    conversion: &Conversion,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let mut reader = AudioReader::open(&job.input, conversion.damage)?;
    let input = reader.info().clone();
    watcher.start(input.frames);
    let mut path = VoicePath::new(conversion, input.rate_hz, input.channels)?;
    let container = Container::from_path(&job.output)
        .expect("the plan gives every output an audio file's name");
    let output = OutputSpec {
        container,
        depth: conversion
            .depth
            .or(input.depth)
            .unwrap_or(BitDepth::Int24)
            .fitted_to(container),
        rate_hz: conversion.rate_hz.unwrap_or(input.rate_hz),
        channels: input.channels,
    };
    plan::make_folder(&job.output)?;
    let writer = AudioWriter::create(&job.output, output, conversion.existing)?;
    let mut sink = Sink::new(writer, input.rate_hz, output);
    let mut block = Block::new(input.channels);
    let mut peak_in = 0f32;
    let mut frames = 0u64;
    loop {
        let read = reader.read(&mut block.slices_mut(BLOCK_FRAMES))?;
        if read == 0 {
            break;
        }
        frames += read as u64;
        peak_in = peak_in.max(peak(&block.slices(0..read)));
        let due = path.process(&mut block, read)?;
        sink.write(&block.slices(due))?;
        if !watcher.advance(frames) {
            return Err(interrupted());
        }
    }
    let mut owed = path.latency().total();
    while owed > 0 {
        let flushed = owed.min(BLOCK_FRAMES);
        block.silence();
        let due = path.process(&mut block, flushed)?;
        sink.write(&block.slices(due))?;
        owed -= flushed;
    }
    let (written, peak_out) = sink.finish(frames)?;
    Ok(Outcome {
        input,
        input_frames: frames,
        output,
        output_frames: written.frames,
        elapsed: started.elapsed(),
        latency: path.latency(),
        peak_in,
        peak_out,
        clipped_samples: written.clipped_samples,
        non_finite_samples: reader.non_finite_samples(),
        patched_frames: reader.patched_frames(),
    })
}

fn peak(channels: &[&[f32]]) -> f32 {
    let samples = channels.iter().flat_map(|channel| channel.iter());
    samples.fold(0.0, |peak, sample| peak.max(sample.abs()))
}

/// One block of audio.
struct Block {
    channels: Vec<Vec<f32>>,
}

impl Block {
    fn new(channels: usize) -> Self {
        debug_assert!((1..=MAX_CHANNELS).contains(&channels));
        Self {
            channels: vec![vec![0.0; BLOCK_FRAMES]; channels],
        }
    }

    fn slices(&self, frames: std::ops::Range<Frames>) -> Vec<&[f32]> {
        let channels = self.channels.iter();
        channels.map(|channel| &channel[frames.clone()]).collect()
    }

    fn slices_mut(&mut self, frames: Frames) -> Vec<&mut [f32]> {
        let channels = self.channels.iter_mut();
        channels.map(|channel| &mut channel[..frames]).collect()
    }

    fn silence(&mut self) {
        for channel in &mut self.channels {
            channel.fill(0.0);
        }
    }
}

/// The audio path of one file.
struct VoicePath<'a> {
    settings: Settings,
    processor: Processor,
    meters: MetersOut,
    /// Who sings, and where it is looked after.
    singer: Option<(&'a Singer, Voices)>,
    /// Frames still to come out before the first that belongs to the input.
    skip: Frames,
}

impl<'a> VoicePath<'a> {
    fn new(conversion: &'a Conversion, rate_hz: u32, channels: usize) -> Result<Self, Failure> {
        let Conversion { voice, singer, .. } = conversion;
        let direct = voice.build(rate_hz, channels)?;
        let host = HostConfig {
            rate_hz,
            channels,
            max_block: BLOCK_FRAMES,
            offline: true,
        };
        let (meters_in, meters) = meters();
        let Some(singer) = singer else {
            let processor = Processor::new(host, direct, meters_in);
            return Ok(Self {
                settings: voice.settings,
                meters,
                singer: None,
                skip: processor.latency().total(),
                processor,
            });
        };
        let engine = singer.engine()?;
        let specs = [engine.spec()];
        let (mut processor, worker, mut voices) =
            Processor::with_worker(host, direct, &specs, meters_in);
        processor.run_inline(worker);
        let installed = voices.install(SLOT, engine);
        installed.map_err(|error| stopped(singer, &error.to_string()))?;
        let mut path = Self {
            settings: Settings {
                slot: SLOT,
                ..voice.settings
            },
            meters,
            singer: Some((singer, voices)),
            skip: processor.latency().total(),
            processor,
        };
        // The path begins with what stands in for a voice, and fades.
        let silence = ms_to_frames(FADE_IN_MS, rate_hz);
        path.skip += silence;
        let mut block = Block::new(channels);
        for from in (0..silence).step_by(BLOCK_FRAMES) {
            block.silence();
            path.process(&mut block, BLOCK_FRAMES.min(silence - from))?;
        }
        Ok(path)
    }

    fn latency(&self) -> Latency {
        self.processor.latency()
    }

    /// Processes the first `frames` of a block in place and says which of them are due.
    fn process(
        &mut self,
        block: &mut Block,
        frames: Frames,
    ) -> Result<std::ops::Range<Frames>, Failure> {
        self.processor
            .process(&mut block.slices_mut(frames), &self.settings);
        self.check()?;
        let skipped = self.skip.min(frames);
        self.skip -= skipped;
        Ok(skipped..frames)
    }

    /// Whether the path does its work: an offline one has no excuse, and nothing may stand in.
    fn check(&mut self) -> Result<(), Failure> {
        let meters = *self.meters.read();
        if meters.panicked {
            return Err(Failure::work(
                format!(
                    "expected the engine {} to convert every frame, it stopped with an internal \
                     error",
                    meters.engine
                ),
                "this is a fault in AutoVoice: please report it with the file",
            ));
        }
        let Some((singer, voices)) = &self.singer else {
            return Ok(());
        };
        match voices.failure(SLOT) {
            Some(reason) => Err(stopped(singer, &reason)),
            None => Ok(()),
        }
    }
}

fn stopped(singer: &Singer, reason: &str) -> Failure {
    Failure::work(
        format!(
            "expected the voice \"{}\" to sing every frame, found: {reason}",
            singer.name()
        ),
        "import the voice again, or convert with another",
    )
}

/// Where converted audio goes: into the file, at the file's rate.
struct Sink {
    writer: AudioWriter,
    /// One per channel; none where the rate stays.
    resamplers: Vec<Resampler>,
    resampled: Vec<Vec<f32>>,
    rate_in_hz: u32,
    rate_out_hz: u32,
    /// Resampled frames still to come out before the first that belongs to the input.
    skip: Frames,
    written: u64,
    peak: f32,
}

impl Sink {
    fn new(writer: AudioWriter, rate_in_hz: u32, spec: OutputSpec) -> Self {
        let resamplers = match spec.rate_hz == rate_in_hz {
            true => Vec::new(),
            false => vec![Resampler::new(rate_in_hz, spec.rate_hz, 0); spec.channels],
        };
        Self {
            writer,
            skip: resamplers.first().map_or(0, Resampler::delay),
            resampled: vec![Vec::new(); resamplers.len()],
            resamplers,
            rate_in_hz,
            rate_out_hz: spec.rate_hz,
            written: 0,
            peak: 0.0,
        }
    }

    fn write(&mut self, input: &[&[f32]]) -> Result<(), Failure> {
        if self.resamplers.is_empty() {
            return self.put(input);
        }
        self.resample(input, u64::MAX)
    }

    /// Resamples a block and writes what is due of it, at most up to `end` frames in all.
    fn resample(&mut self, input: &[&[f32]], end: u64) -> Result<(), Failure> {
        let mut resampled = std::mem::take(&mut self.resampled);
        for ((resampler, from), to) in self.resamplers.iter_mut().zip(input).zip(&mut resampled) {
            to.clear();
            resampler.process(from, to);
        }
        let frames = resampled.first().map_or(0, Vec::len);
        let skipped = self.skip.min(frames);
        self.skip -= skipped;
        let left = usize::try_from(end - self.written).unwrap_or(usize::MAX);
        let due = skipped..frames.min(skipped.saturating_add(left));
        let slices: Vec<&[f32]> = resampled.iter().map(|r| &r[due.clone()]).collect();
        self.put(&slices)?;
        self.resampled = resampled;
        Ok(())
    }

    fn put(&mut self, audio: &[&[f32]]) -> Result<(), Failure> {
        self.peak = self.peak.max(peak(audio));
        self.written += audio.first().map_or(0, |channel| channel.len()) as u64;
        Ok(self.writer.write(audio)?)
    }

    /// Flushes the resampler and completes the file: its length, and the highest sample in it.
    fn finish(mut self, input_frames: u64) -> Result<(Written, f32), Failure> {
        let end = scaled(input_frames, self.rate_in_hz, self.rate_out_hz);
        let silence = [0.0; BLOCK_FRAMES];
        while self.written < end {
            self.resample(&vec![&silence[..]; self.resamplers.len()], end)?;
        }
        Ok((self.writer.finish()?, self.peak))
    }
}

/// A length at another rate, the last started frame included.
fn scaled(frames: u64, from_hz: u32, to_hz: u32) -> u64 {
    let exact = u128::from(frames) * u128::from(to_hz);
    u64::try_from(exact.div_ceil(u128::from(from_hz))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_scale_to_whole_frames_upwards() {
        for (frames, from_hz, to_hz, expected) in [
            (44_100, 44_100, 48_000, 48_000),
            (1, 44_100, 48_000, 2),
            (3, 48_000, 16_000, 1),
            (4, 48_000, 16_000, 2),
            (0, 48_000, 16_000, 0),
            (u64::MAX / 2, 192_000, 8_000, (u64::MAX / 2).div_ceil(24)),
        ] {
            assert_eq!(scaled(frames, from_hz, to_hz), expected);
        }
    }
}

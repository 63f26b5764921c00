//! What the audio path costs, block by block, and how long it delays: the very path that a host
//! runs.

use super::{BenchArgs, quantile, voice_signal};
use crate::bridge::{HostConfig, Latency, Processor, Settings, meters};
use crate::cli::failure::Failure;
use crate::cli::voice::EngineChoice;
use crate::engine::{Controls, EngineError};
use crate::pitch::{Correction, Key, Scale, ScaleMask, TrackerChoice, VoiceRange};
use crate::units::Frames;
use std::time::Instant;

/// Rates at which the latency is listed, in Hz.
const LATENCY_RATES_HZ: [u32; 3] = [44_100, 48_000, 96_000];
/// Block of the throughput row: what `convert` uses.
const OFFLINE_BLOCK: Frames = 1024;
/// Audio that warms caches and engine up before anything is counted.
const WARM_UP_S: f64 = 0.5;

/// The cost of one block size.
pub(super) struct Row {
    pub(super) block: Frames,
    pub(super) blocks: usize,
    /// Seconds of work per second of audio.
    pub(super) rtf: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
    pub(super) period_us: f64,
    /// Blocks that took longer than their period.
    pub(super) overruns: usize,
}

/// Everything measured of the path.
pub(super) struct Figures {
    pub(super) rows: Vec<Row>,
    pub(super) offline: Row,
    pub(super) latencies: Vec<(VoiceRange, u32, Latency)>,
}

/// Measures the path.
pub(super) fn figures(arguments: &BenchArgs) -> Result<Figures, Failure> {
    let unsuitable = |error: EngineError| {
        Failure::work(
            format!("expected a rate that the engine takes, but {error}"),
            "choose another --rate",
        )
    };
    let row = |block| {
        measure(arguments, block).map_err(|error| match error {
            Unmeasured::Engine(error) => unsuitable(error),
            Unmeasured::Output(reason) => Failure::work(
                format!("expected the bench's voice to come out, {reason}"),
                "this is a fault in AutoVoice: please report it",
            ),
        })
    };
    let sizes = arguments.blocks.iter().map(|&block| block as Frames);
    Ok(Figures {
        rows: sizes.map(row).collect::<Result<_, _>>()?,
        offline: row(OFFLINE_BLOCK)?,
        latencies: latencies().map_err(unsuitable)?,
    })
}

enum Unmeasured {
    Engine(EngineError),
    Output(String),
}

/// Settings that make the engine do everything it can.
fn settings() -> Settings {
    let scale = Scale::Major.mask(Key::default(), ScaleMask::CHROMATIC);
    Settings {
        limiter: true,
        gate_db: -60.0,
        controls: Controls {
            pitch_semitones: 4.0,
            formant_semitones: -2.0,
            correction: Correction {
                enabled: true,
                scale,
                ..Correction::default()
            },
            ..Controls::default()
        },
        ..Settings::default()
    }
}

fn measure(arguments: &BenchArgs, block: Frames) -> Result<Row, Unmeasured> {
    let host = HostConfig {
        rate_hz: arguments.rate,
        channels: usize::from(arguments.channels),
        max_block: block,
        offline: block == OFFLINE_BLOCK,
    };
    let engine = EngineChoice::Shift
        .build(
            host.rate_hz,
            host.channels,
            arguments.range,
            TrackerChoice::Auto,
        )
        .map_err(Unmeasured::Engine)?;
    let (meters_in, mut meters_out) = meters();
    let mut processor = Processor::new(host, engine, meters_in);
    let settings = settings();
    let mut voice = voice_signal::Voice::new(host.rate_hz, arguments.range.lowest_hz());
    let mut audio = vec![vec![0f32; block]; host.channels];
    let frames = u64::from(arguments.seconds) * u64::from(host.rate_hz);
    let warm_up = (WARM_UP_S * f64::from(host.rate_hz) / block as f64).ceil() as usize;
    let count = (frames as usize).div_ceil(block);
    let mut times_us = Vec::with_capacity(count);
    let (mut energy_in, mut energy_out) = (0f64, 0f64);
    for index in 0..warm_up + count {
        for frame in 0..block {
            let sample = voice.next();
            energy_in += f64::from(sample).powi(2);
            audio.iter_mut().for_each(|channel| channel[frame] = sample);
        }
        let mut slices: Vec<&mut [f32]> = audio.iter_mut().map(Vec::as_mut_slice).collect();
        let started = Instant::now();
        processor.process(&mut slices, &settings);
        let elapsed = started.elapsed();
        energy_out += audio[0].iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
        if warm_up <= index {
            times_us.push(elapsed.as_secs_f64() * 1e6);
        }
    }
    // A path that did nothing would be fast.
    if meters_out.read().panicked {
        return Err(Unmeasured::Output(
            "the engine stopped with an internal error".to_owned(),
        ));
    }
    let level_db = 10.0 * (energy_out / energy_in).log10();
    if !(-12.0..=12.0).contains(&level_db) {
        return Err(Unmeasured::Output(format!(
            "it came out at {level_db:+.1} dB"
        )));
    }
    Ok(row(&host, times_us))
}

fn row(host: &HostConfig, mut times_us: Vec<f64>) -> Row {
    let period_us = host.max_block as f64 * 1e6 / f64::from(host.rate_hz);
    times_us.sort_by(f64::total_cmp);
    let total_us: f64 = times_us.iter().sum();
    Row {
        block: host.max_block,
        blocks: times_us.len(),
        rtf: total_us / (period_us * times_us.len() as f64),
        p50_us: quantile(&times_us, 0.5),
        p99_us: quantile(&times_us, 0.99),
        p999_us: quantile(&times_us, 0.999),
        max_us: quantile(&times_us, 1.0),
        overruns: times_us.iter().filter(|&&time| period_us < time).count(),
        period_us,
    }
}

/// What the path delays, for each range at each rate.
fn latencies() -> Result<Vec<(VoiceRange, u32, Latency)>, EngineError> {
    let mut list = Vec::new();
    for range in VoiceRange::ALL {
        for rate_hz in LATENCY_RATES_HZ {
            let host = HostConfig {
                rate_hz,
                channels: 1,
                max_block: 64,
                offline: false,
            };
            let engine = EngineChoice::Shift.build(rate_hz, 1, range, TrackerChoice::Auto)?;
            let processor = Processor::new(host, engine, meters().0);
            list.push((range, rate_hz, processor.latency()));
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_overruns_against_its_period() {
        let host = HostConfig {
            rate_hz: 48_000,
            channels: 1,
            max_block: 48,
            offline: false,
        };
        let row = row(&host, vec![500.0, 2_000.0, 500.0, 1_000.0]);
        assert_eq!((row.overruns, row.max_us, row.p50_us), (1, 2_000.0, 500.0));
        assert!((row.rtf - 1.0).abs() < 1e-12);
    }
}

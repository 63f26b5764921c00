//! `autovoice bench`: what the audio path costs and how long it delays, on this machine. Measures
//! the very path that a host runs, block by block.

mod voice_signal;

use super::convert::latency_json;
use super::failure::{Exit, Failure};
use super::machine::{self, Machine};
use super::out::{complain, say};
use super::voice::EngineChoice;
use crate::bridge::{HostConfig, Latency, Processor, Settings, meters};
use crate::engine::{Controls, EngineError};
use crate::pitch::{Correction, Key, Scale, ScaleMask, VoiceRange};
use crate::units::{Frames, frames_to_ms};
use clap::Args;
use serde_json::{Value, json};
use std::time::Instant;

/// Rates at which the latency is listed, in Hz.
const LATENCY_RATES_HZ: [u32; 3] = [44_100, 48_000, 96_000];
/// Block of the throughput row: what `convert` uses.
const OFFLINE_BLOCK: Frames = 1024;
/// Audio that warms caches and engine up before anything is counted.
const WARM_UP_S: f64 = 0.5;

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub(super) struct BenchArgs {
    /// Seconds of audio for each row, 1 to 3600
    #[arg(long, value_name = "S", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Sample rate in Hz
    #[arg(long, value_name = "HZ", default_value_t = 48_000,
          value_parser = clap::value_parser!(u32).range(8_000..=192_000))]
    rate: u32,
    /// Channels
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=2))]
    channels: u8,
    /// Block sizes in frames
    #[arg(long, value_name = "FRAMES", default_value = "32,64,256", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(1..=8_192))]
    blocks: Vec<u32>,
    /// Lowest note expected
    #[arg(long, value_name = "RANGE", default_value = "low", ignore_case = true,
          value_parser = super::voice::range_parser())]
    range: VoiceRange,
    /// Report as JSON
    #[arg(long)]
    json: bool,
}

/// The cost of one block size.
struct Row {
    block: Frames,
    blocks: usize,
    /// Seconds of work per second of audio.
    rtf: f64,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    period_us: f64,
    /// Blocks that took longer than their period.
    overruns: usize,
}

/// Measures and reports.
pub(super) fn run(arguments: &BenchArgs) -> Result<Exit, Failure> {
    if cfg!(debug_assertions) {
        complain("note: this is a debug build, its figures mean nothing; build with --release");
    }
    let unsuitable = |error: EngineError| {
        Failure::work(
            format!("expected a rate that the engine takes, but {error}"),
            "choose another --rate",
        )
    };
    let sizes = arguments.blocks.iter().map(|&block| block as Frames);
    let mut rows = Vec::new();
    for block in sizes.chain([OFFLINE_BLOCK]) {
        rows.push(measure(arguments, block).map_err(|error| match error {
            Unmeasured::Engine(error) => unsuitable(error),
            Unmeasured::Output(reason) => Failure::work(
                format!("expected the bench's voice to come out, {reason}"),
                "this is a fault in AutoVoice: please report it",
            ),
        })?);
    }
    let offline = rows
        .pop()
        .unwrap_or_else(|| unreachable!("the offline row was pushed last"));
    let latencies = latencies().map_err(unsuitable)?;
    match arguments.json {
        true => say(format_args!(
            "{:#}",
            report(arguments, &rows, &offline, &latencies)
        )),
        false => print(arguments, &rows, &offline, &latencies),
    }
    Ok(Exit::Done)
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
        .build(host.rate_hz, host.channels, arguments.range)
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

/// The smallest of the sorted values that this share of them does not exceed.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
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
            let engine = EngineChoice::Shift.build(rate_hz, 1, range)?;
            let processor = Processor::new(host, engine, meters().0);
            list.push((range, rate_hz, processor.latency()));
        }
    }
    Ok(list)
}

fn report(
    arguments: &BenchArgs,
    rows: &[Row],
    offline: &Row,
    latencies: &[(VoiceRange, u32, Latency)],
) -> Value {
    let row_json = |row: &Row| {
        json!({
            "block_frames": row.block,
            "blocks": row.blocks,
            "period_us": row.period_us,
            "p50_us": row.p50_us,
            "p99_us": row.p99_us,
            "p999_us": row.p999_us,
            "max_us": row.max_us,
            "p99_share": row.p99_us / row.period_us,
            "overruns": row.overruns,
            "x_real_time": row.rtf.recip(),
            "rtf": row.rtf,
        })
    };
    let latency = |(range, rate_hz, latency): &(VoiceRange, u32, Latency)| {
        let mut value = latency_json(*latency, *rate_hz);
        value["range"] = range.name().into();
        value["lowest_hz"] = range.lowest_hz().into();
        value["rate_hz"] = (*rate_hz).into();
        value
    };
    json!({
        "command": "bench",
        "machine": machine::json(&Machine::here()),
        "engine": EngineChoice::Shift.name(),
        "seconds": arguments.seconds,
        "rate_hz": arguments.rate,
        "channels": arguments.channels,
        "range": arguments.range.name(),
        "offline": row_json(offline),
        "blocks": rows.iter().map(row_json).collect::<Vec<_>>(),
        "latency": latencies.iter().map(latency).collect::<Vec<_>>(),
    })
}

fn print(
    arguments: &BenchArgs,
    rows: &[Row],
    offline: &Row,
    latencies: &[(VoiceRange, u32, Latency)],
) {
    say(format_args!(
        "{} ({} threads), {} build {}",
        Machine::here().cpu(),
        machine::cores(),
        machine::build(),
        env!("CARGO_PKG_VERSION"),
    ));
    say(format_args!(
        "engine shift, range {}, {} Hz, {} channel(s), {} s of a synthetic voice per row\n",
        arguments.range.name(),
        arguments.rate,
        arguments.channels,
        arguments.seconds,
    ));
    say(format_args!(
        "file conversion: {:.0} x real time (RTF {:.4})\n",
        offline.rtf.recip(),
        offline.rtf
    ));
    say(format_args!(
        "block   period       p50          p99          p99.9        max     overruns"
    ));
    for row in rows {
        let cell = |us: f64| format!("{us:6.1} {:4.1} %", 100.0 * us / row.period_us);
        say(format_args!(
            "{:5} {:7.0} us {} {} {} {} {:6}",
            row.block,
            row.period_us,
            cell(row.p50_us),
            cell(row.p99_us),
            cell(row.p999_us),
            cell(row.max_us),
            row.overruns,
        ));
    }
    say(format_args!(
        "        (microseconds, and their share of the block's period)\n"
    ));
    say(format_args!(
        "latency range    lowest   rate      misfit  hop  budget  lookahead  resampling    total"
    ));
    for (range, rate_hz, latency) in latencies {
        say(format_args!(
            "        {:8} {:4} Hz {rate_hz:6} Hz {:7} {:4} {:7} {:10} {:11} {:5} = {:5.2} ms",
            range.name(),
            range.lowest_hz(),
            latency.misfit,
            latency.hop,
            latency.budget,
            latency.lookahead,
            latency.resampling,
            latency.total(),
            frames_to_ms(latency.total(), *rate_hz),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let sorted: Vec<f64> = (1..=1_000).map(f64::from).collect();
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1_000.0)] {
            assert_eq!(quantile(&sorted, share), expected);
        }
        assert_eq!(quantile(&[7.0], 0.001), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

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

//! What is said of the figures: tables for people, JSON for programs.

use super::{Delay, Figures, HOST_HZ, Row};
use crate::cli::bench::report::print_machine;
use crate::cli::convert::latency_json;
use crate::cli::machine::{self, Machine};
use crate::cli::out::say;
use crate::engine::ddsp::Stage;
use crate::units::frames_to_ms;
use autovoice_kernels::cpu::{Footprint, instructions};
use serde_json::{Value, json};

/// The figures for people.
pub(super) fn print(seconds: u32, figures: &Figures) {
    print_machine();
    say(format_args!(
        "engine ddsp, networks of the usual sizes and of a seed, kernels with {}",
        instructions(),
    ));
    say(format_args!("{seconds} s of a synthetic voice per row\n"));
    print_latency(&figures.delays);
    let names = Stage::ALL.map(|stage| format!("{:>12}", stage.name()));
    say(format_args!("stages   {}", names.concat()));
    for row in &figures.rows {
        let cells = row.stages.map(|rtf| format!("{rtf:12.4}"));
        say(format_args!("{:9}{}", row.name(), cells.concat()));
    }
    say(format_args!(
        "         (seconds of work per second of audio, on one thread; x4: four voices morphed)\n"
    ));
    say(format_args!(
        "weights   encoder  decoder     hop     RTF  CPU s/s       p50       p95       p99       max   late/hops"
    ));
    for row in &figures.rows {
        print_cost(row);
    }
}

impl Row {
    /// As tables have it.
    fn name(&self) -> String {
        match self.voices {
            1 => self.weights.to_owned(),
            voices => format!("{} x{voices}", self.weights),
        }
    }
}

fn mib(footprint: Footprint) -> f64 {
    (footprint.full + footprint.half) as f64 / f64::from(1 << 20)
}

fn print_cost(row: &Row) {
    let times = &row.times;
    say(format_args!(
        "{:9} {:3.1} MiB  {:3.1} MiB {:4.0} ms {:7.4}  {} {:6.2} ms {:6.2} ms {:6.2} ms {:6.2} ms {:5}/{}",
        row.name(),
        mib(row.encoder),
        mib(row.decoder),
        times.hop_ms,
        times.rtf,
        (times.cpu).map_or("      -".to_owned(), |cpu| format!("{cpu:7.4}")),
        times.p50_ms,
        times.p95_ms,
        times.p99_ms,
        times.max_ms,
        times.late,
        times.hops,
    ));
}

fn print_latency(delays: &[Delay]) {
    say(format_args!(
        "latency   block  misfit     hop  budget   frame   ahead  resampling   total  (ms)"
    ));
    let ms = |frames| frames_to_ms(frames, HOST_HZ);
    for delay in delays {
        let (latency, parts) = (delay.latency, delay.parts);
        say(format_args!(
            "ahead {:2}  {:6} {:7.1} {:7.1} {:7.1} {:7.1} {:7.1} {:11.1} {:7.1}",
            delay.ahead,
            delay.block,
            ms(latency.misfit),
            ms(latency.hop),
            ms(latency.budget),
            ms(parts.frame),
            ms(parts.ahead),
            ms(parts.resampling),
            ms(latency.total()),
        ));
    }
    say(format_args!(
        "          (of a host at {HOST_HZ} Hz; ahead: frames of 10 ms that the encoder looks ahead)\n"
    ));
}

/// The figures for programs.
pub(super) fn json(seconds: u32, figures: &Figures) -> Value {
    let footprint = |f: Footprint| json!({ "f32_bytes": f.full, "f16_bytes": f.half });
    let row = |row: &Row| {
        let stages = Stage::ALL.iter().zip(row.stages);
        let stages = stages.map(|(stage, rtf)| (stage.name().to_owned(), rtf.into()));
        json!({
            "weights": row.weights,
            "voices": row.voices,
            "encoder": footprint(row.encoder),
            "decoder": footprint(row.decoder),
            "stages_rtf": stages.collect::<serde_json::Map<_, _>>(),
            "hop_ms": row.times.hop_ms,
            "hops": row.times.hops,
            "rtf": row.times.rtf,
            "cpu_s_per_s": row.times.cpu,
            "p50_ms": row.times.p50_ms,
            "p95_ms": row.times.p95_ms,
            "p99_ms": row.times.p99_ms,
            "max_ms": row.times.max_ms,
            "late": row.times.late,
        })
    };
    let ms = |frames| frames_to_ms(frames, HOST_HZ);
    let delay = |delay: &Delay| {
        let mut value = latency_json(delay.latency, HOST_HZ);
        value["ahead_frames"] = delay.ahead.into();
        value["block_frames"] = delay.block.into();
        value["lookahead_ms"] = json!({
            "frame": ms(delay.parts.frame),
            "ahead": ms(delay.parts.ahead),
            "resampling": ms(delay.parts.resampling),
        });
        value
    };
    json!({
        "command": "bench",
        "machine": machine::json(&Machine::here()),
        "kernels": instructions(),
        "engine": "ddsp",
        "seconds": seconds,
        "rows": figures.rows.iter().map(row).collect::<Vec<_>>(),
        "latency": figures.delays.iter().map(delay).collect::<Vec<_>>(),
    })
}

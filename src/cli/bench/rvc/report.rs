//! What is said of a voice's figures: tables for people, JSON for programs.

use super::Mode;
use super::nets::Nets;
use super::speed::{HOST_BLOCKS, HOST_HZ, Memory, Run, Speed};
use super::streaming::Table;
use crate::cli::bench::report::print_machine;
use crate::cli::convert::latency_json;
use crate::cli::machine::{self, Machine};
use crate::cli::out::say;
use crate::engine::rvc::Stage;
use crate::units::frames_to_ms;
use autovoice_kernels::cpu::{Footprint, instructions};
use serde_json::{Value, json};

/// What was measured, before any figure.
fn print_nets(nets: &Nets) {
    print_machine();
    let config = &nets.config;
    let index = nets.vectors().map_or("no index".to_owned(), |vectors| {
        format!("index of {vectors} vectors")
    });
    say(format_args!(
        "engine rvc, {}, {} at {} Hz, {index}, kernels with {}",
        nets.name,
        config.version.name(),
        config.rate_hz,
        instructions(),
    ));
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The figures of speed for people.
pub(super) fn print_speed(seconds: u32, nets: &Nets, memory: &Memory, speeds: &[Speed]) {
    print_nets(nets);
    say(format_args!("{seconds} s of a synthetic voice per row\n"));
    print_memory(memory);
    print_latency(nets, speeds);
    print_stages(speeds);
    say(format_args!(
        "cost      threads     hop     RTF  CPU s/s      p50      p95      p99      max   late/hops"
    ));
    for speed in speeds {
        for Run {
            threads,
            times,
            place,
            ..
        } in &speed.runs
        {
            say(format_args!(
                "{:9} {threads:7} {:4.0} ms {:7.3}  {} {:5.1} ms {:5.1} ms {:5.1} ms {:5.1} ms {:5}/{}",
                speed.mode.name,
                times.hop_ms,
                times.rtf,
                (times.cpu).map_or("      -".to_owned(), |cpu| format!("{cpu:7.3}")),
                times.p50_ms,
                times.p95_ms,
                times.p99_ms,
                times.max_ms,
                times.late,
                times.hops,
            ));
            if let Some(device) = &place.device {
                say(format_args!("          on {device}"));
            }
            if let Some(note) = &place.note {
                say(format_args!("          {note}"));
            }
        }
    }
    say(format_args!(
        "          (time that a hop takes, on two threads with both at work)"
    ));
}

fn print_memory(memory: &Memory) {
    say(format_args!(
        "memory    f32 MiB  f16 MiB    (packed weights)"
    ));
    for (name, weights) in [("encoder", memory.encoder), ("voice", memory.voice)] {
        let Footprint { full, half } = weights;
        say(format_args!(
            "{name:9} {:7.1}  {:7.1}",
            mib(full),
            mib(half)
        ));
    }
    match memory.grown {
        Some(grown) => say(format_args!(
            "process   {:7.1}  MiB more with an engine and the weights it was made of\n",
            mib(grown as usize)
        )),
        None => say(format_args!("")),
    }
}

fn print_latency(nets: &Nets, speeds: &[Speed]) {
    say(format_args!(
        "latency   threads  block  misfit     hop  budget   ahead  resampling  generator  formant  second  resampling    total  (ms)"
    ));
    let host = |frames| frames_to_ms(frames, HOST_HZ);
    let own = |frames| frames_to_ms(frames, nets.config.rate_hz);
    for (mode, run) in speeds.iter().flat_map(runs_of) {
        for (block, latency) in HOST_BLOCKS.iter().zip(run.latency) {
            say(format_args!(
                "{:9} {:7}  {block:5} {:7.1} {:7.1} {:7.1} {:7.1} {:11.1} {:10.1} {:8.1} {:7.1} {:11.1} {:8.1}",
                mode.name,
                run.threads,
                host(latency.misfit),
                host(latency.hop),
                host(latency.budget),
                own(run.delays.content),
                own(run.delays.resampling),
                own(run.delays.generator),
                own(run.delays.formant),
                own(run.delays.second),
                host(latency.resampling),
                host(latency.total()),
            ));
        }
    }
    say(format_args!(
        "          (of a host at {HOST_HZ} Hz; resampling: to 16 kHz, and between host and voice)\n"
    ));
}

fn runs_of(speed: &Speed) -> impl Iterator<Item = (Mode, &Run)> {
    speed.runs.iter().map(|run| (speed.mode, run))
}

fn print_stages(speeds: &[Speed]) {
    if speeds.iter().all(|speed| speed.stages.is_none()) {
        return;
    }
    let names = Stage::ALL.map(|stage| format!("{:>13}", stage.name()));
    say(format_args!("stages   {}", names.concat()));
    for speed in speeds {
        let Some(stages) = speed.stages else { continue };
        let cells = stages.map(|rtf| format!("{rtf:13.4}"));
        say(format_args!("{:9}{}", speed.mode.name, cells.concat()));
    }
    say(format_args!(
        "         (seconds of work per second of audio, on one thread)\n"
    ));
}

/// The figures of speed for programs.
pub(super) fn speed_json(seconds: u32, nets: &Nets, memory: &Memory, speeds: &[Speed]) -> Value {
    let footprint = |f: Footprint| json!({ "f32_bytes": f.full, "f16_bytes": f.half });
    let speed = |speed: &Speed| {
        let stages = speed.stages.map(|stages| {
            let stages = Stage::ALL.iter().zip(stages);
            let named = stages.map(|(stage, rtf)| (stage.name().replace(' ', "_"), rtf.into()));
            named.collect::<serde_json::Map<_, _>>()
        });
        json!({
            "quality": speed.mode.name.to_lowercase(),
            "stages_rtf": stages,
            "runs": speed.runs.iter().map(|run| run_json(nets, run)).collect::<Vec<_>>(),
        })
    };
    json!({
        "command": "bench",
        "machine": machine::json(&Machine::here()),
        "kernels": instructions(),
        "engine": "rvc",
        "voice": voice_json(nets),
        "seconds": seconds,
        "memory": {
            "grown_bytes": memory.grown,
            "encoder": footprint(memory.encoder),
            "voice": footprint(memory.voice),
        },
        "qualities": speeds.iter().map(speed).collect::<Vec<_>>(),
    })
}

fn run_json(nets: &Nets, run: &Run) -> Value {
    let own = |frames| frames_to_ms(frames, nets.config.rate_hz);
    let Run { delays, times, .. } = run;
    let blocks = HOST_BLOCKS.iter().zip(run.latency);
    let latency = blocks.map(|(block, latency)| {
        let mut value = latency_json(latency, HOST_HZ);
        value["block_frames"] = (*block).into();
        value
    });
    json!({
        "threads": run.threads,
        "device": run.place.device.as_deref().unwrap_or("cpu"),
        "device_note": run.place.note,
        "hop_ms": times.hop_ms,
        "latency": latency.collect::<Vec<_>>(),
        "lookahead_ms": {
            "ahead": own(delays.content),
            "resampling": own(delays.resampling),
            "generator": own(delays.generator),
            "formant": own(delays.formant),
            "second_thread": own(delays.second),
        },
        "hops": times.hops,
        "rtf": times.rtf,
        "cpu_s_per_s": times.cpu,
        "p50_ms": times.p50_ms,
        "p95_ms": times.p95_ms,
        "p99_ms": times.p99_ms,
        "max_ms": times.max_ms,
        "late": times.late,
    })
}

fn voice_json(nets: &Nets) -> Value {
    json!({
        "name": nets.name,
        "version": nets.config.version.name(),
        "rate_hz": nets.config.rate_hz,
        "index_vectors": nets.vectors(),
    })
}

/// The likeness of streams for people.
pub(super) fn print_streaming(nets: &Nets, table: &Table) {
    print_nets(nets);
    say(format_args!(
        "streams against the whole signal, with {} recordings of at most {} s\n",
        table.clips, table.seconds,
    ));
    say(format_args!(
        "quality    hop  ahead  past  text    cosine  around mean  log-mel    lookahead"
    ));
    for row in &table.rows {
        let ms = |frames: usize| frames_to_ms(frames, 50);
        let mel = match row.likeness.mel_db.is_nan() {
            true => "      -".to_owned(),
            false => format!("{:4.2} dB", row.likeness.mel_db),
        };
        say(format_args!(
            "{:9} {:4.0} {:6.0} {:5.0} {:5.0}   {:7.4}      {:7.4}  {mel} {:9.1} ms",
            row.name,
            ms(row.reach.hop),
            ms(row.reach.ahead),
            ms(row.reach.past),
            ms(row.reach.text_past),
            row.likeness.cosine,
            row.likeness.cosine_around_mean,
            row.lookahead_ms,
        ));
    }
    say(format_args!(
        "          (milliseconds; other noise over the whole signal: {:.2} dB)",
        table.noise_db
    ));
    if nets.is_seeded {
        say(format_args!(
            "          (these networks have learnt nothing: their attention sees everything alike, and\n\
             \x20          what it makes of less says little of what trained ones make of it)"
        ));
    }
}

/// The likeness of streams for programs.
pub(super) fn streaming_json(nets: &Nets, table: &Table) -> Value {
    let rows = table.rows.iter().map(|row| {
        json!({
            "name": row.name,
            "hop_frames": row.reach.hop,
            "ahead_frames": row.reach.ahead,
            "past_frames": row.reach.past,
            "text_past_frames": row.reach.text_past,
            "cosine": row.likeness.cosine,
            "cosine_around_mean": row.likeness.cosine_around_mean,
            "log_mel_db": row.likeness.mel_db,
            "lookahead_ms": row.lookahead_ms,
        })
    });
    json!({
        "command": "bench",
        "machine": machine::json(&Machine::here()),
        "engine": "rvc",
        "voice": voice_json(nets),
        "trained": !nets.is_seeded,
        "recordings": table.clips,
        "seconds": table.seconds,
        "other_noise_log_mel_db": table.noise_db,
        "rows": rows.collect::<Vec<_>>(),
    })
}

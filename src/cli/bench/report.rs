//! What is said of the figures: tables for people, JSON for programs.

use super::BenchArgs;
use super::path::{Figures, Row};
use super::pitch::{Measured, Tracked};
use crate::bridge::Latency;
use crate::cli::convert::latency_json;
use crate::cli::machine::{self, Machine};
use crate::cli::out::say;
use crate::cli::voice::EngineChoice;
use crate::engine::Place;
use crate::pitch::VoiceRange;
use crate::units::frames_to_ms;
use serde_json::{Value, json};

/// What was measured on, before any figure.
pub(super) fn print_machine() {
    say(format_args!(
        "{} ({} threads), {} build {}",
        Machine::here().cpu(),
        machine::cores(),
        machine::build(),
        env!("CARGO_PKG_VERSION"),
    ));
}

/// The path's figures for programs.
pub(super) fn path_json(arguments: &BenchArgs, figures: &Figures) -> Value {
    let Figures {
        rows,
        offline,
        latencies,
    } = figures;
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

/// The path's figures for people.
pub(super) fn print_path(arguments: &BenchArgs, figures: &Figures) {
    let Figures {
        rows,
        offline,
        latencies,
    } = figures;
    print_machine();
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

/// The trackers' figures for programs.
pub(super) fn pitch_json(arguments: &BenchArgs, tracked: &[Tracked]) -> Value {
    let tracker = |(kind, outcome): &Tracked| match outcome {
        Err(failure) => json!({
            "tracker": kind.name(),
            "ok": false,
            "error": { "message": failure.message, "remedy": failure.remedy },
        }),
        Ok(measured) => measured_json(kind.name(), measured),
    };
    json!({
        "command": "bench",
        "machine": machine::json(&Machine::here()),
        "seconds": arguments.seconds,
        "rate_hz": arguments.rate,
        "trackers": tracked.iter().map(tracker).collect::<Vec<_>>(),
    })
}

fn measured_json(name: &str, measured: &Measured) -> Value {
    let levels = measured.levels.iter().map(|level| {
        json!({
            "snr_db": level.snr_db,
            "rpa50": level.rpa50,
            "rpa25": level.rpa25,
            "voicing_recall": level.recall,
            "voicing_false_alarm": level.false_alarm,
            "overall_accuracy": level.overall,
            "octave_error_rate": level.octaves,
            "median_abs_cents": level.median_cents,
        })
    });
    json!({
        "tracker": name,
        "ok": true,
        "device": measured.place.device.as_deref().unwrap_or("cpu"),
        "device_note": measured.place.note,
        "lookahead_ms": measured.lookahead_ms,
        "lag_ms": measured.lag_ms,
        "hop_ms": measured.hop_ms,
        "rtf": measured.rtf,
        "p50_us": measured.p50_us,
        "p95_us": measured.p95_us,
        "p99_us": measured.p99_us,
        "max_us": measured.max_us,
        "levels": levels.collect::<Vec<_>>(),
    })
}

/// Where a tracker's network ran, behind its figures; nothing for the CPU.
fn on(place: &Place) -> String {
    let device = place.device.iter().map(|device| format!("  on {device}"));
    let note = place.note.iter().map(|note| format!("  ({note})"));
    device.chain(note).collect()
}

/// The trackers' figures for people.
pub(super) fn print_pitch(arguments: &BenchArgs, tracked: &[Tracked]) {
    print_machine();
    say(format_args!(
        "trackers at {} Hz on {} synthetic voices of exactly known pitch; {} s of audio timed\n",
        arguments.rate,
        crate::quality::voices::VOICES.len(),
        arguments.seconds,
    ));
    say(format_args!(
        "accuracy     SNR     RPA   RPA 25    VR     VFA   overall  octave  median"
    ));
    for (kind, outcome) in tracked {
        let Ok(measured) = outcome else {
            continue;
        };
        for (index, level) in measured.levels.iter().enumerate() {
            let name = if index == 0 { kind.name() } else { "" };
            let snr = match level.snr_db {
                None => "clean".to_owned(),
                Some(db) => format!("{db:.0} dB"),
            };
            say(format_args!(
                "{name:11} {snr:>6} {:6.3}  {:6.3} {:6.3}  {:6.3}   {:6.3}  {:6.3} {:5.1} ct",
                level.rpa50,
                level.rpa25,
                level.recall,
                level.false_alarm,
                level.overall,
                level.octaves,
                level.median_cents,
            ));
        }
    }
    say(format_args!(
        "             (shares of frames: pitch within 50 and 25 cents, voice heard, noise taken for one,\n\
         \x20            both right, octave errors; mean of the voices)\n"
    ));
    say(format_args!(
        "cost        delay      lag     hop        RTF      p50        p95        p99        max"
    ));
    for (kind, outcome) in tracked {
        match outcome {
            Ok(m) => say(format_args!(
                "{:11} {:5.1} ms {:+5.1} ms {:5.2} ms {:9.5} {:7.1} us {:7.1} us {:7.1} us {:7.1} us{}",
                kind.name(),
                m.lookahead_ms,
                m.lag_ms,
                m.hop_ms,
                m.rtf,
                m.p50_us,
                m.p95_us,
                m.p99_us,
                m.max_us,
                on(&m.place),
            )),
            Err(failure) => say(format_args!(
                "{:11} not measured: {}",
                kind.name(),
                failure.message
            )),
        }
    }
    say(format_args!(
        "            (delay: what the tracker declares; lag: what is left of it in the times of its\n\
         \x20           frames, by search; microseconds of work per hop)"
    ));
}

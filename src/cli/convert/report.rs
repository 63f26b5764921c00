//! What is said about converted files: lines for people, JSON for programs.

use super::singer::Singer;
use super::stream::{Conversion, Outcome};
use crate::bridge::Latency;
use crate::cli::failure::Failure;
use crate::cli::out::{complain, notes, say};
use crate::cli::plan::Job;
use crate::cli::preset::Chosen;
use crate::pitch::text;
use crate::units::{frames_to_ms, gain_to_db};
use serde_json::{Value, json};

/// One file and what became of it.
pub(super) struct File {
    pub(super) job: Job,
    pub(super) outcome: Result<Outcome, Failure>,
}

impl File {
    /// One line on stdout, or the failure on stderr; JSON comes at the end instead.
    pub(super) fn print(&self, conversion: &Conversion, json: bool, quiet: bool) {
        match &self.outcome {
            Err(failure) => complain(failure.of_file(&self.job.input)),
            Ok(outcome) if !json && !quiet => say(self.line(conversion, outcome)),
            Ok(_) => {}
        }
    }

    fn line(&self, conversion: &Conversion, outcome: &Outcome) -> String {
        let mut line = format!(
            "{} -> {}: {:.1} s at {:.0} x real time, peak {:.1} -> {:.1} dBFS",
            self.job.input.display(),
            self.job.output.display(),
            outcome.seconds(),
            outcome.x_real_time(),
            gain_to_db(outcome.peak_in),
            gain_to_db(outcome.peak_out),
        );
        if let Some(singer) = &conversion.singer {
            line.push_str(&format!(
                "\n  {} ({}), {}",
                singer.name(),
                singer.manner(),
                latency_line(outcome.latency, outcome.input.rate_hz)
            ));
        }
        if let Some(device) = conversion.voice.place().device {
            let tracker = conversion.voice.tracker.name();
            line.push_str(&format!("\n  {tracker} on {device}"));
        }
        line.push_str(&notes(&[
            (
                outcome.clipped_samples,
                "samples clipped (lower --output-db, or pass --limiter)",
            ),
            (outcome.patched_frames, "lost frames replaced by silence"),
            (
                outcome.non_finite_samples,
                "samples that were no numbers replaced by 0",
            ),
        ]));
        line
    }

    fn json(&self) -> Value {
        let mut value = json!({
            "input": self.job.input.to_string_lossy(),
            "output": self.job.output.to_string_lossy(),
        });
        let detail = match &self.outcome {
            Ok(outcome) => outcome_json(outcome),
            Err(failure) => failure.json(),
        };
        if let (Some(value), Value::Object(detail)) = (value.as_object_mut(), detail) {
            value.extend(detail);
        }
        value
    }
}

/// The whole report.
pub(super) fn json(files: &[File], conversion: &Conversion, preset: Option<&Chosen>) -> Value {
    let failed = files.iter().filter(|file| file.outcome.is_err()).count();
    json!({
        "command": "convert",
        "version": env!("CARGO_PKG_VERSION"),
        "preset": preset.map(Chosen::json),
        "voice": conversion.singer.as_ref().map(Singer::json),
        "settings": settings_json(conversion),
        "files": files.iter().map(File::json).collect::<Vec<_>>(),
        "converted": files.len() - failed,
        "failed": failed,
    })
}

fn settings_json(conversion: &Conversion) -> Value {
    let voice = &conversion.voice;
    let engine = match &conversion.singer {
        Some(singer) => singer.engine_name(),
        None => voice.engine.name(),
    };
    let settings = voice.settings;
    let correction = settings.controls.correction;
    let voice_controls = settings.controls.voice;
    json!({
        "engine": engine,
        "range": voice.range.name(),
        "tracker": voice.tracker.name(),
        "tracker_device": voice.place().device.as_deref().unwrap_or("cpu"),
        "tracker_device_note": voice.place().note,
        "pitch_semitones": plain(settings.controls.pitch_semitones),
        "formant_semitones": plain(settings.controls.formant_semitones),
        "correct": correction.enabled,
        "scale_notes": text::format_notes(correction.scale),
        "tuning_hz": plain(correction.tuning_hz),
        "retune_ms": plain(correction.retune_ms),
        "amount": plain(correction.amount),
        "humanize": plain(correction.humanize),
        "mix": plain(settings.mix),
        "input_db": plain(settings.input_db),
        "gate_db": plain(settings.gate_db),
        "output_db": plain(settings.output_db),
        "limiter": settings.limiter,
        "low_cut_hz": plain(settings.low_cut_hz),
        "high_cut_hz": plain(settings.high_cut_hz),
        "index_rate": plain(voice_controls.index_rate),
        "protect": plain(voice_controls.protect),
        "rms_mix": plain(voice_controls.rms_mix),
        "speaker": voice_controls.speaker,
        "hold_pitch": voice_controls.hold_pitch,
    })
}

/// A setting as it was written: 3.2, not the nearest float's 3.200000047683716.
fn plain(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}

fn outcome_json(outcome: &Outcome) -> Value {
    json!({
        "ok": true,
        "seconds": outcome.seconds(),
        "input_codec": outcome.input.codec,
        "input_rate_hz": outcome.input.rate_hz,
        "input_frames": outcome.input_frames,
        "channels": outcome.output.channels,
        "rate_hz": outcome.output.rate_hz,
        "frames": outcome.output_frames,
        "container": outcome.output.container.extension(),
        "bits": outcome.output.depth.name(),
        "elapsed_s": outcome.elapsed.as_secs_f64(),
        "x_real_time": outcome.x_real_time(),
        "latency": latency_json(outcome.latency, outcome.input.rate_hz),
        "peak_in": outcome.peak_in,
        "peak_out": outcome.peak_out,
        "clipped_samples": outcome.clipped_samples,
        "non_finite_samples": outcome.non_finite_samples,
        "patched_frames": outcome.patched_frames,
    })
}

/// The latency that was removed and its parts, in words.
fn latency_line(latency: Latency, rate_hz: u32) -> String {
    let ms = |frames| frames_to_ms(frames, rate_hz);
    format!(
        "latency {:.0} ms removed: block {:.0}, hop {:.0}, budget {:.0}, lookahead {:.0}, \
         resampling {:.1}",
        ms(latency.total()),
        ms(latency.misfit),
        ms(latency.hop),
        ms(latency.budget),
        ms(latency.lookahead),
        ms(latency.resampling),
    )
}

/// The latency and its parts in frames, and the whole in milliseconds.
pub(in crate::cli) fn latency_json(latency: Latency, rate_hz: u32) -> Value {
    json!({
        "total_frames": latency.total(),
        "total_ms": frames_to_ms(latency.total(), rate_hz),
        "misfit_frames": latency.misfit,
        "hop_frames": latency.hop,
        "budget_frames": latency.budget,
        "lookahead_frames": latency.lookahead,
        "resampling_frames": latency.resampling,
    })
}

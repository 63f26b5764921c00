//! What is said about tracked files: lines for people, JSON for programs.

use super::stream::{Analysis, Job, Outcome};
use crate::cli::failure::Failure;
use crate::cli::out::{complain, notes, say};
use crate::pitch::text;
use crate::units::{frames_to_ms, hz_to_midi};
use serde_json::{Value, json};
use std::path::Path;

/// One file and what became of it.
pub(super) struct File<'a> {
    pub(super) job: &'a Job,
    pub(super) outcome: Result<Outcome, Failure>,
}

impl File<'_> {
    /// One line on stdout, or the failure on stderr; JSON comes at the end instead.
    pub(super) fn print(&self, analysis: &Analysis, json: bool, quiet: bool) {
        match &self.outcome {
            Err(failure) => complain(failure.of_file(&self.job.table.input)),
            Ok(outcome) if !json && !quiet => say(self.line(analysis, outcome)),
            Ok(_) => {}
        }
    }

    fn line(&self, analysis: &Analysis, outcome: &Outcome) -> String {
        let pitch = match outcome.voiced.quantile(0.5) {
            None => "no voice".to_owned(),
            Some(hz) => format!(
                "{:.0} % voiced around {hz:.0} Hz ({})",
                100.0 * outcome.voiced.share(),
                text::format_note(hz_to_midi(hz, analysis.tuning_hz)),
            ),
        };
        let mut line = format!(
            "{} -> {}: {:.1} s at {:.0} x real time, {} rows by {}, {pitch}",
            self.job.table.input.display(),
            self.job.table.output.display(),
            outcome.seconds(),
            outcome.x_real_time(),
            outcome.rows,
            analysis.tracker.name(),
        );
        if let Some(notes) = outcome.notes {
            line.push_str(&format!(", {notes} notes"));
        }
        if let Some(device) = analysis.tracker.place().device {
            line.push_str(&format!(", on {device}"));
        }
        line.push_str(&notes(&[
            (outcome.patched_frames, "lost frames replaced by silence"),
            (
                outcome.non_finite_samples,
                "samples that were no numbers replaced by 0",
            ),
        ]));
        line
    }

    fn json(&self) -> Value {
        let name = |path: &Path| path.to_string_lossy().into_owned();
        let mut value = json!({
            "input": name(&self.job.table.input),
            "output": name(&self.job.table.output),
            "plot": self.job.plot.as_deref().map(name),
            "midi": self.job.midi.as_deref().map(name),
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
pub(super) fn json(files: &[File<'_>], analysis: &Analysis) -> Value {
    let failed = files.iter().filter(|file| file.outcome.is_err()).count();
    json!({
        "command": "pitch",
        "version": env!("CARGO_PKG_VERSION"),
        "tracker": analysis.tracker.name(),
        "device": analysis.tracker.place().device.as_deref().unwrap_or("cpu"),
        "device_note": analysis.tracker.place().note,
        "lowest_hz": analysis.lowest_hz,
        "hop_ms": analysis.hop_s.map(|s| (s * 1e6).round() * 1e-3),
        "tuning_hz": analysis.tuning_hz,
        "files": files.iter().map(File::json).collect::<Vec<_>>(),
        "tracked": files.len() - failed,
        "failed": failed,
    })
}

fn outcome_json(outcome: &Outcome) -> Value {
    let rate_hz = outcome.input.rate_hz;
    json!({
        "ok": true,
        "seconds": outcome.seconds(),
        "input_codec": outcome.input.codec,
        "rate_hz": rate_hz,
        "channels": outcome.input.channels,
        "frames": outcome.frames,
        "rows": outcome.rows,
        "lookahead_frames": outcome.lookahead,
        "lookahead_ms": frames_to_ms(outcome.lookahead, rate_hz),
        "voiced_share": outcome.voiced.share(),
        "median_hz": outcome.voiced.quantile(0.5),
        "low_hz": outcome.voiced.quantile(0.05),
        "high_hz": outcome.voiced.quantile(0.95),
        "notes": outcome.notes,
        "elapsed_s": outcome.elapsed.as_secs_f64(),
        "x_real_time": outcome.x_real_time(),
        "non_finite_samples": outcome.non_finite_samples,
        "patched_frames": outcome.patched_frames,
    })
}

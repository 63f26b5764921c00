//! How far a file is, shown on stderr, and the wish to stop.

use super::failure::{Exit, Failure};
use super::plan::Job;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Who watches the work on one file.
pub(super) trait Watcher {
    /// The header has been read.
    fn start(&mut self, total_frames: Option<u64>);
    /// So many input frames are done. `false` stops the work.
    fn advance(&mut self, frames: u64) -> bool;
}

/// What becomes of a file when its watcher said stop.
pub(super) fn interrupted() -> Failure {
    Failure {
        message: "interrupted".to_owned(),
        remedy: "run the command again; finished files are complete".to_owned(),
        exit: Exit::Interrupted,
    }
}

/// What to call the file of this number among so many, before its name.
pub(super) fn label(index: usize, total: usize) -> String {
    match total {
        1 => String::new(),
        total => format!("{}/{total} ", index + 1),
    }
}

/// A sign of life on stderr, drawn only where that is a terminal.
pub(super) fn spinner(message: String) -> ProgressBar {
    let spinner = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.set_message(message);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// A bar on stderr, drawn only where that is a terminal.
pub(super) struct Progress<'a> {
    pub(super) bar: ProgressBar,
    label: String,
    stop: &'a AtomicBool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(quiet: bool, label: &str, job: &Job, stop: &'a AtomicBool) -> Self {
        let bar = match quiet {
            true => ProgressBar::hidden(),
            false => ProgressBar::no_length(),
        };
        let name = job.input.file_name().unwrap_or_default().to_string_lossy();
        Self {
            bar,
            label: format!("{label}{name}"),
            stop,
        }
    }
}

impl Watcher for Progress<'_> {
    fn start(&mut self, total_frames: Option<u64>) {
        let template = match total_frames {
            Some(_) => "{msg} [{bar:30}] {percent:>3} % {eta} left",
            None => "{msg} {spinner} {elapsed}",
        };
        // The style comes first: everything after it draws.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        if let Some(total) = total_frames {
            self.bar.set_length(total);
        }
        self.bar.set_message(self.label.clone());
    }

    fn advance(&mut self, frames: u64) -> bool {
        self.bar.set_position(frames);
        !self.stop.load(Ordering::Relaxed)
    }
}

//! Goes through the steps of a run: batches made on a thread of their own, checkpoints, and the
//! wish to stop.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use super::TrainError;
use super::batch::{BATCH, Batch, FRAMES};
use super::lessons::Lessons;
use super::perturb::Perturbation;
use super::steps::{Losses, Run};

/// Steps between two writings of the page.
const PAGE_EVERY: u64 = 50;
/// Time between checkpoints.
pub const SAVED_EVERY: Duration = Duration::from_secs(300);
/// Steps that are timed before it is known how many fit into some minutes.
const TIMED: u64 = 8;
/// Steps that a report is the mean of.
const REPORTED: usize = 10;

/// What happens, for whoever watches.
#[derive(Clone, Debug)]
pub enum Event {
    /// So many files of so many have been read and measured.
    Prepared {
        /// Files done.
        files: usize,
        /// Of how many.
        total: usize,
    },
    /// All recordings have been read.
    Ready {
        /// Seconds of speech.
        seconds: f64,
        /// Speakers in it.
        speakers: usize,
        /// What to do about the recordings.
        advice: Vec<String>,
    },
    /// Others say some of the same.
    Others {
        /// For so many seconds, each of them counted.
        seconds: f64,
    },
    /// A stage of training goes on at a step of so many.
    Stage {
        /// Its name.
        name: &'static str,
        /// Steps done.
        step: u64,
    },
    /// Steps have been done.
    Step {
        /// Steps done.
        step: u64,
        /// Of how many.
        steps: u64,
        /// Means of the last steps.
        losses: Losses,
        /// Seconds of audio learnt from per second.
        speed: f64,
    },
    /// The run is in a file, to go on with.
    Saved(PathBuf),
    /// Something could not be written that training can do without: why, and what to do.
    Trouble(String),
}

/// What a run is driven with.
pub struct Drive<'a> {
    /// What is learnt from.
    pub lessons: &'a Lessons<'a>,
    /// How it is bent.
    pub bend: Perturbation,
    /// Seed of the batches.
    pub seed: u64,
    /// Where the run is kept, and what belongs to it.
    pub checkpoint: &'a Path,
    /// See [`Run::save`].
    pub plan: String,
    /// The time between two writings of it.
    pub saved_every: Duration,
    /// The time it may take, if not all its steps.
    pub at_most: Option<Duration>,
    /// The wish to stop.
    pub stop: &'a AtomicBool,
}

impl Drive<'_> {
    /// Goes through the steps that are left; `page` writes a page about them as they go. The run is
    /// in its file at the end, too, until what came of it is written. Where a page or a checkpoint
    /// cannot be written, the last one stays, and training goes on.
    ///
    /// # Errors
    /// [`TrainError::Stopped`] when the user wants it to; the run is then in its file.
    pub fn go(
        &self,
        run: &mut Run,
        report: &mut dyn FnMut(Event),
        page: &mut dyn FnMut(&Run) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        told(page(run), report);
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(2);
            let first = run.step;
            scope.spawn(move || {
                for step in first.. {
                    let batch = Batch::draw(self.lessons, &self.bend, self.seed, step);
                    if send.send(batch).is_err() {
                        break;
                    }
                }
            });
            let (begun, mut saved) = (Instant::now(), Instant::now());
            let mut since = (Instant::now(), run.step);
            // A run that goes on knows already how many steps it has.
            let timed = self.at_most.filter(|_| run.step == 0);
            while !run.finished() {
                if self.stop.load(Ordering::Relaxed) {
                    self.save(run, report)?;
                    return Err(TrainError::Stopped);
                }
                let Ok(batch) = receive.recv() else {
                    break;
                };
                run.learn(&batch.tensors()?)?;
                if let (Some(at_most), TIMED) = (timed, run.step) {
                    let each_s = begun.elapsed().as_secs_f64() / TIMED as f64;
                    run.steps = ((at_most.as_secs_f64() / each_s) as u64).max(TIMED);
                }
                let done = run.step - since.1;
                if done == REPORTED as u64 || run.finished() {
                    let audio_s = done as f64 * (BATCH * FRAMES) as f64 * 0.01;
                    report(Event::Step {
                        step: run.step,
                        steps: run.steps,
                        losses: Losses::mean(&run.history[since.1 as usize..]),
                        speed: audio_s / since.0.elapsed().as_secs_f64(),
                    });
                    since = (Instant::now(), run.step);
                }
                if run.step.is_multiple_of(PAGE_EVERY) && !run.finished() {
                    told(page(run), report);
                }
                if self.saved_every <= saved.elapsed() {
                    let done = self.save(run, report);
                    told(done, report);
                    saved = Instant::now();
                }
            }
            told(run.save(self.checkpoint, &self.plan), report);
            Ok(())
        })
    }

    fn save(&self, run: &Run, report: &mut dyn FnMut(Event)) -> Result<(), TrainError> {
        run.save(self.checkpoint, &self.plan)?;
        report(Event::Saved(self.checkpoint.to_owned()));
        Ok(())
    }
}

/// Tells of what went wrong and is no reason to stop.
pub fn told(done: Result<(), TrainError>, report: &mut dyn FnMut(Event)) {
    if let Err(error) = done {
        report(Event::Trouble(format!("{error}; {}", error.remedy())));
    }
}

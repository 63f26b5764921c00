//! Goes through the steps of a run: batches made ahead on threads of their own, checkpoints, and
//! the wish to stop.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use super::TrainError;
use super::batch::{BATCH, Batch, FRAMES};
use super::clip::{Material, Source};
use super::lessons::Lessons;
use super::perturb::Perturbation;
use super::steps::{Losses, Run};
use crate::train::ops::threads;

/// Steps between two writings of the page, and the least time: a card makes them in no time.
const PAGE_EVERY: u64 = 50;
/// See `PAGE_EVERY`.
const PAGE_TIME: Duration = Duration::from_secs(5);
/// Batches that each thread has ready beside the one it works on: some 7 MB each.
const AHEAD: usize = 1;
/// Time between checkpoints.
pub const SAVED_EVERY: Duration = Duration::from_secs(300);
/// The same on a card, which learns as much in less.
pub const SAVED_EVERY_ON_CARDS: Duration = Duration::from_secs(60);
/// Steps that are timed before it is known how many fit into some minutes, and how many times as
/// many before that is asked again: a machine may be slow at first.
const TIMED: u64 = 8;
/// See `TIMED`.
const AGAIN: u64 = 8;
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
    /// The networks were tried with what is held out.
    Held {
        /// Steps done.
        step: u64,
        /// What they made of it.
        losses: Losses,
    },
    /// A voice got the balance of its recordings: its mean spectrum was so far from theirs, and is
    /// now, in dB.
    Balanced {
        /// Before.
        before_db: f64,
        /// Now.
        after_db: f64,
    },
    /// The run is in a file, to go on with.
    Saved(PathBuf),
    /// Something could not be written that training can do without: why, and what to do.
    Trouble(String),
}

/// Writes a page about a run, and tells what it found out for it.
pub type Page<'a> = dyn FnMut(&Run, &mut dyn FnMut(Event)) -> Result<(), TrainError> + 'a;

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
        page: &mut Page<'_>,
    ) -> Result<(), TrainError> {
        told(page(run, report), report);
        std::thread::scope(|scope| {
            // One after the other has the batch of the next step.
            let (first, threads) = (run.step, threads());
            let feeds: Vec<_> = (0..threads)
                .map(|thread| {
                    let (send, receive) = sync_channel(AHEAD);
                    let steps = (first..).skip(thread).step_by(threads);
                    scope.spawn(move || {
                        for step in steps {
                            let batch = Batch::draw(self.lessons, &self.bend, self.seed, step);
                            if send.send(batch).is_err() {
                                break;
                            }
                        }
                    });
                    receive
                })
                .collect();
            let (mut saved, mut shown) = (Instant::now(), Instant::now());
            let mut since = (Instant::now(), run.step);
            // A run that goes on knows already how many steps it has.
            let mut clock = self.at_most.filter(|_| run.step == 0).map(Clock::new);
            while !run.finished() {
                if self.stop.load(Ordering::Relaxed) {
                    self.save(run, report)?;
                    return Err(TrainError::Stopped);
                }
                let feed = &feeds[((run.step - first) % threads as u64) as usize];
                let Ok(batch) = feed.recv() else {
                    break;
                };
                run.learn(&batch.tensors(run.network.arithmetic().device())?)?;
                if let Some(clock) = &mut clock {
                    run.steps = clock.steps(run.step).unwrap_or(run.steps);
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
                let page_due = run.step.is_multiple_of(PAGE_EVERY) && PAGE_TIME <= shown.elapsed();
                if page_due && !run.finished() {
                    told(page(run, report), report);
                    shown = Instant::now();
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

/// Finds out how many steps fit into a time.
struct Clock {
    at_most: Duration,
    begun: Instant,
    /// When it was last asked, after how many steps.
    last: (Instant, u64),
    /// The step after which it is asked next.
    next: u64,
}

impl Clock {
    fn new(at_most: Duration) -> Self {
        let now = Instant::now();
        Self {
            at_most,
            begun: now,
            last: (now, 0),
            next: TIMED,
        }
    }

    /// How many steps there are to be in all, after some of them. `None` if nothing new is known.
    fn steps(&mut self, done: u64) -> Option<u64> {
        // The first step is no measure of the others.
        if done == 1 {
            self.last = (Instant::now(), 1);
        }
        if done < self.next {
            return None;
        }
        let each_s = self.last.0.elapsed().as_secs_f64() / (done - self.last.1) as f64;
        let left_s = self
            .at_most
            .saturating_sub(self.begun.elapsed())
            .as_secs_f64();
        (self.last, self.next) = ((Instant::now(), done), done * AGAIN);
        Some(done + (left_s / each_s.max(1e-6)) as u64)
    }
}

/// Reads what is learnt from, and tells of it.
///
/// # Errors
/// As [`Material::read`].
pub fn prepare(
    source: &Source,
    stop: &AtomicBool,
    report: &mut dyn FnMut(Event),
) -> Result<Material, TrainError> {
    let material = Material::read(source, stop, |files, total| {
        report(Event::Prepared { files, total });
    })?;
    report(Event::Ready {
        seconds: material.seconds(),
        speakers: material.speakers.len(),
        advice: material.advice.clone(),
    });
    Ok(material)
}

/// Tells of what went wrong and is no reason to stop.
pub fn told(done: Result<(), TrainError>, report: &mut dyn FnMut(Event)) {
    if let Err(error) = done {
        report(Event::Trouble(format!("{error}; {}", error.remedy())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_steps_as_fit_into_the_time_are_asked_for_again_and_again() {
        let mut none = Clock::new(Duration::ZERO);
        let mut asked = Vec::new();
        for step in 1..=64 {
            asked.extend(none.steps(step).map(|steps| (step, steps)));
        }
        assert_eq!(asked, [(8, 8), (64, 64)]);
        let mut hour = Clock::new(Duration::from_secs(3_600));
        for step in 1..=7 {
            assert_eq!(hour.steps(step), None);
        }
        assert!(hour.steps(8).is_some_and(|steps| 8 < steps));
    }
}

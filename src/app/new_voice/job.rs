//! The training of a voice in the background: a thread of the lowest priority, so that whatever
//! sings is served first, with the trainer's own wish to stop and way to go on. It brings the voice
//! into the library itself, whether or not anybody looks.

use super::progress::Lengths;
use super::project::{Home, Project};
use super::session::Outcome;
use super::words::Trouble;
use crate::train::processor::Processor;
use crate::train::voice::{
    About, BLUR, CONSISTENCY, Event, Finish, Source, TrainError, VoicePlan, Weights, checkpoint,
    train_voice,
};
use crate::voice::{Import, Library};
use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The file in a voice's folder that is locked while it is trained.
const LOCK: &str = "training.lock";

/// How long the end of the app waits for a training to be kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is trained, and where it goes.
#[derive(Clone, Debug)]
pub struct Task {
    /// What is known of the voice.
    pub project: Project,
    /// Its folder.
    pub home: Home,
    /// The library it goes into.
    pub library: PathBuf,
    /// The folder of models that may have a base.
    pub models: Option<PathBuf>,
    /// How long it takes.
    pub lengths: Lengths,
}

/// What is told, in order.
#[derive(Debug)]
pub enum Told {
    /// How it goes.
    Event(Event),
    /// The end of it.
    Ended(Outcome),
}

/// A training; dropping it stops it and waits until it is kept, but not for ever.
pub struct Job {
    stop: Arc<AtomicBool>,
    told: Receiver<Told>,
    thread: Option<JoinHandle<()>>,
}

impl Job {
    /// Starts it, or goes on where it was kept.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(task: Task) -> std::io::Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let (tell, told) = channel();
        let thread = std::thread::Builder::new()
            .name("autovoice-train".to_owned())
            .spawn(move || {
                yield_to_audio();
                // Whoever listened may have gone; the work goes on.
                let mut report = |event| drop(tell.send(Told::Event(event)));
                let run = AssertUnwindSafe(|| run(&task, &stopped, &mut report));
                let outcome =
                    catch_unwind(run).unwrap_or_else(|_| Outcome::Failed(Trouble::broken_off()));
                let _ = tell.send(Told::Ended(outcome));
            })?;
        Ok(Self {
            stop,
            told,
            thread: Some(thread),
        })
    }

    /// Asks it to stop; it ends within a few steps, and is kept.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// What was told since the last call.
    pub fn told(&self) -> impl Iterator<Item = Told> + '_ {
        self.told.try_iter()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.stop();
        let Some(thread) = self.thread.take() else {
            return;
        };
        let patience = Instant::now() + PATIENCE;
        while !thread.is_finished() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        // One that is still at it ends with the program, and goes on from what was kept last.
    }
}

fn run(task: &Task, stop: &AtomicBool, report: &mut dyn FnMut(Event)) -> Outcome {
    // Held to the end.
    let _lock = match lock(&task.home) {
        Ok(lock) => lock,
        Err(trouble) => return Outcome::Failed(trouble),
    };
    let mut plan = plan(task, Weights::find(task.models.as_deref()));
    let mut done = train_voice(&plan, stop, report);
    if plan.resume && matches!(done, Err(TrainError::Resume(_))) {
        // What was kept is of other recordings or of another base.
        plan.resume = false;
        done = train_voice(&plan, stop, report);
    }
    match done {
        Ok(()) => install(task),
        Err(TrainError::Stopped) => Outcome::Stopped,
        Err(error) => Outcome::Failed((&error).into()),
    }
}

/// Keeps another AutoVoice from the same training while it lives; the system lets go of it whatever
/// ends the program.
fn lock(home: &Home) -> Result<File, Trouble> {
    let opened = File::create(home.0.join(LOCK));
    let file = opened.map_err(|error| Trouble::from(&TrainError::Io(error)))?;
    match file.try_lock() {
        // Where there are no locks, there is no second program to be expected either.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Trouble::in_other_hands()),
    }
}

fn plan(task: &Task, weights: Weights) -> VoicePlan {
    let Task { project, home, .. } = task;
    let folder = project.folder.clone();
    VoicePlan {
        source: Source {
            folders: vec![folder.unwrap_or_else(|| home.sentences())],
            seconds: f64::INFINITY,
            speaker: Some(project.name.clone()),
            only: None,
            labels: None,
        },
        name: project.name.clone(),
        about: About {
            consent: project.consent(),
            ..About::default()
        },
        output: home.voice(),
        base: weights.base,
        encoder: weights.encoder,
        steps: task.lengths.steps,
        at_most: task.lengths.at_most,
        critic: true,
        blur: BLUR,
        consistency: CONSISTENCY,
        contrast: true,
        finish: Finish::default(),
        seed: 1,
        resume: checkpoint(&home.voice()).is_file(),
        processor: Processor::Cpu,
    }
}

/// Brings the voice into the library, where it replaces one of its name: the form said so.
fn install(task: &Task) -> Outcome {
    let options = Import {
        replace: true,
        ..Import::default()
    };
    match Library::open(&task.library).import(&task.home.voice(), &options) {
        Ok(imported) => Outcome::Voice(imported.voice.reference()),
        Err(error) => Outcome::Failed(Trouble::of_voice(&error)),
    }
}

/// Gives this thread, and on Linux those that it starts, the lowest priority. What the system
/// refuses is no loss but of comfort.
#[cfg(unix)]
fn yield_to_audio() {
    use thread_priority::ThreadPriority;
    use thread_priority::unix::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };

    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
}

/// The same.
#[cfg(not(unix))]
fn yield_to_audio() {
    use thread_priority::{ThreadPriority, set_current_thread_priority};

    let _ = set_current_thread_priority(ThreadPriority::Min);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 19th field of `stat` is the nice value; fields are counted after the name, which may
    /// have blanks.
    #[cfg(target_os = "linux")]
    fn nice() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux has it");
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let nice = after_name.split_whitespace().nth(16);
        nice.and_then(|nice| nice.parse().ok()).expect("a number")
    }

    #[test]
    fn one_training_at_a_time() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let home = Home(home.path().to_owned());
        let first = lock(&home).expect("nobody else has it");
        let second = lock(&home).expect_err("the first has it");
        assert_eq!(second, Trouble::in_other_hands());
        drop(first);
        assert!(lock(&home).is_ok());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn all_threads_of_a_training_are_served_last() {
        let before = nice();
        let of_both = std::thread::spawn(|| {
            yield_to_audio();
            let below = std::thread::spawn(nice);
            [nice(), below.join().expect("no panic")]
        });
        assert_eq!(of_both.join().expect("no panic"), [19, 19]);
        assert_eq!(nice(), before, "others stay as they were");
    }
}

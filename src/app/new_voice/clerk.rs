//! Whatever waits for the disk while a voice is made: one thread that does chores in order and
//! tells what became of them. The window never waits for it.

use super::project::{self, Found, Home, Project};
use super::session::News;
use crate::train::voice::{Recording, checkpoint};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is to be done.
#[derive(Debug)]
pub enum Chore {
    /// Look for voices in the making.
    List,
    /// Make the folder of a new one.
    Create(Project),
    /// Write down what is known of one.
    Save(Home, Project),
    /// Look at a recording of it.
    Look(Home, String),
    /// Remove a recording of it.
    Remove(Home, String),
    /// Remove what is kept of its training.
    Forget(Home),
}

/// What is told.
#[derive(Debug)]
pub enum Told {
    /// For the session.
    News(News),
    /// The voices in the making.
    Unfinished(Vec<Found>),
}

/// Whoever closes the window waits so long for what is still to be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hand that gives chores; the thread ends with it, once all are done.
pub struct Clerk {
    give: Option<Sender<Chore>>,
    thread: JoinHandle<()>,
}

impl Clerk {
    /// Starts the thread. `all`: the folder of all voices in the making.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(all: PathBuf, tell: Sender<Told>) -> std::io::Result<Self> {
        let (give, chores) = channel();
        let thread = std::thread::Builder::new()
            .name("autovoice-clerk".to_owned())
            .spawn(move || work(&all, &chores, &tell))?;
        Ok(Self {
            give: Some(give),
            thread,
        })
    }

    /// Gives it something to do.
    pub fn ask(&self, chore: Chore) {
        // It ends only when we do.
        if let Some(give) = &self.give {
            let _ = give.send(chore);
        }
    }
}

/// What was asked for last is written, too: that a training was paused, say.
impl Drop for Clerk {
    fn drop(&mut self) {
        self.give = None;
        let patience = Instant::now() + PATIENCE;
        while !self.thread.is_finished() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn work(all: &std::path::Path, chores: &Receiver<Chore>, tell: &Sender<Told>) {
    for chore in chores {
        let told = match chore {
            Chore::List => Some(Told::Unfinished(project::unfinished(all))),
            Chore::Create(project) => {
                let made = project::create(all, &project);
                Some(Told::News(News::Begun(made)))
            }
            Chore::Save(home, project) => {
                let saved = project::save(&home.0, &project);
                saved.err().map(|error| Told::News(News::NotSaved(error)))
            }
            Chore::Look(home, file) => Some(Told::News(look(&home, file))),
            Chore::Remove(home, file) => {
                // One that stays is found again and removed when the voice is taken up.
                let _ = std::fs::remove_file(home.sentences().join(file));
                None
            }
            Chore::Forget(home) => {
                // What stays is of no use to a training of other recordings, and is replaced.
                let _ = std::fs::remove_file(checkpoint(&home.voice()));
                None
            }
        };
        if told.is_some_and(|told| tell.send(told).is_err()) {
            return;
        }
    }
}

fn look(home: &Home, file: String) -> News {
    let read = Recording::read(&home.sentences().join(&file));
    let found = read.map(|recording| {
        let found = recording.look();
        let frames: usize = found.speech.iter().map(ExactSizeIterator::len).sum();
        let seconds = frames as f64 / f64::from(recording.rate_hz);
        (seconds, found.flaws())
    });
    News::Looked { file, found }
}

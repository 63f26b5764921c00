//! A new voice, from the first word to its place in the library: whose it is and that they agree,
//! a script that is read sentence by sentence, a training in the background.
//!
//! | part | does | thread |
//! |---|---|---|
//! | [`session`], [`level`], [`progress`], [`script`], [`words`] | decide; pure | GUI |
//! | [`Desk`] | carries out what they decide, and brings news | GUI; never waits |
//! | [`panel`] | draws, and passes on what the hand does | GUI |
//! | [`clerk`] | files | its own |
//! | [`job`] | trains | its own, of the lowest priority |
//!
//! What is recorded goes the way of takes: see [`super::record`].

mod clerk;
mod job;
pub mod level;
mod panel;
pub mod progress;
pub mod project;
pub mod script;
pub mod session;
pub mod words;

pub use panel::{NewVoicePanel, Wish, button_text};

use super::status::{DryStatus, Status};
use super::supervisor::{Command, Shared};
use crate::io::folders::{self, NoHome};
use clerk::{Chore, Clerk};
use job::{Job, Task};
use level::Meter;
use progress::Lengths;
use project::{Found, Home, Project, Saved};
use session::{Hand, Mic, News, Order, Session, Stage};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use words::Trouble;

/// Steps of a training: what `autovoice train voice` does where nothing is said. The second number
/// counts only where there is no limit of time.
const STEPS: [u64; 2] = [60, 400];

/// Where things lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The voices in the making.
    pub recordings: PathBuf,
    /// The library.
    pub library: PathBuf,
    /// Models, among them perhaps a base.
    pub models: Option<PathBuf>,
}

impl Places {
    /// Those of the user.
    ///
    /// # Errors
    /// [`NoHome`].
    pub fn of_user() -> Result<Self, NoHome> {
        Ok(Self {
            recordings: folders::home()?.join("recordings"),
            library: folders::voices()?,
            models: folders::models().ok(),
        })
    }
}

/// The desk at which one voice is made at a time.
pub struct Desk {
    /// The voice.
    pub session: Session,
    /// Others that were begun.
    pub unfinished: Vec<Found>,
    /// How loud the input is.
    pub meter: Meter,
    places: Places,
    /// Steps instead of [`STEPS`] and of a limit of time.
    steps: Option<[u64; 2]>,
    clerk: Clerk,
    told: Receiver<clerk::Told>,
    job: Option<Job>,
    begun: Instant,
    is_new: bool,
    commands: Vec<Command>,
    offers: bool,
}

impl Desk {
    /// Sets it up; a training that the end of the app broke off goes on by itself.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(places: Places) -> std::io::Result<Self> {
        let (tell, told) = channel();
        let clerk = Clerk::start(places.recordings.clone(), tell)?;
        clerk.ask(Chore::List);
        Ok(Self {
            session: Session::default(),
            unfinished: Vec::new(),
            meter: Meter::default(),
            places,
            steps: None,
            clerk,
            told,
            job: None,
            begun: Instant::now(),
            is_new: true,
            commands: Vec::new(),
            offers: false,
        })
    }

    /// The same with trainings of so many steps, however long they take: for tests.
    #[must_use]
    pub fn with_steps(self, steps: [u64; 2]) -> Self {
        Self {
            steps: Some(steps),
            ..self
        }
    }

    /// Does what a hand wants.
    pub fn hand(&mut self, hand: Hand) {
        let lists = matches!(hand, Hand::Leave | Hand::TakeUp(_));
        let orders = self.session.hand(hand);
        self.carry_out(orders);
        if lists {
            self.clerk.ask(Chore::List);
        }
    }

    /// Takes in what happened; called with every frame. What comes back is for the control thread.
    pub fn tick(&mut self, shared: &Shared, time_s: f64) -> Vec<Command> {
        self.meter.hear(shared.ear.take_peak(), time_s);
        self.hear_recording(&shared.status());
        let told: Vec<clerk::Told> = self.told.try_iter().collect();
        for told in told {
            match told {
                clerk::Told::News(news) => self.news(news),
                clerk::Told::Unfinished(found) => self.found(found),
            }
        }
        let told: Vec<job::Told> = self.job.iter().flat_map(Job::told).collect();
        for told in told {
            match told {
                job::Told::Event(event) => {
                    let lengths = self.lengths();
                    let now_s = self.begun.elapsed().as_secs_f64();
                    self.session.progress.hear(event, now_s, &lengths);
                }
                job::Told::Ended(outcome) => {
                    self.job = None;
                    self.news(News::Ended(outcome));
                }
            }
        }
        if std::mem::take(&mut self.offers) {
            shared.params.rack.list();
        }
        std::mem::take(&mut self.commands)
    }

    /// The folder of the voice, once it is there.
    #[must_use]
    pub fn home(&self) -> Option<Home> {
        self.session.home.clone().map(Home)
    }

    fn news(&mut self, news: News) {
        let orders = self.session.news(news);
        self.carry_out(orders);
    }

    fn found(&mut self, found: Vec<Found>) {
        self.unfinished = found;
        if std::mem::take(&mut self.is_new) && self.session.stage == Stage::Describing {
            let mut begun = self.unfinished.iter();
            let broken_off = begun.find(|found| found.project.stage == Saved::Training);
            if let Some(found) = broken_off.cloned() {
                self.hand(Hand::TakeUp(Box::new(found)));
            }
        }
        let here = &self.session.home;
        self.unfinished
            .retain(|found| Some(&found.home) != here.as_ref());
    }

    /// Whether the recording that is waited for has ended.
    fn hear_recording(&mut self, status: &Status) {
        let (Mic::Open(file) | Mic::Closing { file, .. }) = &self.session.mic else {
            return;
        };
        let (DryStatus::Done(take), Some(home)) = (&status.dry, self.home()) else {
            return;
        };
        if take.file == home.sentences().join(file) {
            let (file, failure) = (file.clone(), take.failure.clone());
            self.news(News::Recorded { file, failure });
        }
    }

    fn lengths(&self) -> Lengths {
        let minutes = self.session.project.minutes;
        Lengths {
            steps: self.steps.unwrap_or(STEPS),
            at_most: match self.steps {
                Some(_) => None,
                None => Some(Duration::from_secs_f64(60.0 * minutes.clamp(1.0, 600.0))),
            },
        }
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            let home = self.home();
            let chore = match (order, home) {
                (Order::Create(project), _) => Some(Chore::Create(project)),
                (Order::Save(project), Some(home)) => Some(Chore::Save(home, project)),
                (Order::Look(file), Some(home)) => Some(Chore::Look(home, file)),
                (Order::Remove(file), Some(home)) => Some(Chore::Remove(home, file)),
                (Order::Forget, Some(home)) => Some(Chore::Forget(home)),
                (Order::Record(file), Some(home)) => {
                    let file = home.sentences().join(file);
                    self.commands.push(Command::RecordDry(file));
                    None
                }
                (Order::EndRecording, _) => {
                    self.commands.push(Command::EndDry);
                    None
                }
                (Order::Train(project), Some(home)) => {
                    self.train(project, home);
                    None
                }
                (Order::StopTraining, _) => {
                    self.job.iter().for_each(Job::stop);
                    None
                }
                (Order::Offer, _) => {
                    self.offers = true;
                    None
                }
                // Nothing else is ordered before there is a folder.
                (_, None) => None,
            };
            if let Some(chore) = chore {
                self.clerk.ask(chore);
            }
        }
    }

    fn train(&mut self, project: Project, home: Home) {
        let task = Task {
            project,
            home,
            library: self.places.library.clone(),
            models: self.places.models.clone(),
            lengths: self.lengths(),
        };
        match Job::start(task) {
            Ok(job) => self.job = Some(job),
            Err(error) => {
                let trouble = Trouble::no_thread(&error);
                self.news(News::Ended(session::Outcome::Failed(trouble)));
            }
        }
    }
}

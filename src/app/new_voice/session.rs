//! What happens to a voice in the making, as a state machine: what a hand does and what becomes of
//! recordings and training goes in, orders come out. Pure: no clock, no files, no threads.

use super::progress::Progress;
use super::project::{Found, Project, Saved, file_name, next_attempt};
use super::script;
use super::words::Trouble;
use crate::preset::VoiceRef;
use crate::preset::about::{MOST_LABEL, MOST_NAME, clean};
use crate::train::voice::Flaw;
use std::path::PathBuf;

/// From so many seconds of speech on a voice is usable.
pub const USABLE_S: f64 = 30.0;
/// From so many on it is good.
pub const GOOD_S: f64 = 180.0;
/// What a training may take, in minutes, and what it is called.
pub const BUDGETS: [(f64, &str); 3] = [(5.0, "Quick"), (15.0, "Usual"), (45.0, "Thorough")];

/// Where recordings come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The script is read.
    #[default]
    Script,
    /// There are some in a folder.
    Folder,
}

/// What is typed before anything begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Form {
    /// What the voice will be called.
    pub name: String,
    /// Whose voice it is.
    pub owner: String,
    /// Whether the statement of consent is ticked.
    pub agrees: bool,
    /// Where recordings come from.
    pub from: Origin,
    /// That folder.
    pub folder: String,
}

impl Form {
    /// What is still to be said; `None` when it can begin.
    #[must_use]
    pub fn lacks(&self) -> Option<&'static str> {
        match self {
            _ if clean(&self.name, MOST_NAME).is_empty() => Some("Give the voice a name."),
            _ if clean(&self.owner, MOST_LABEL).is_empty() => Some("Say whose voice it is."),
            _ if self.from == Origin::Folder && self.folder.trim().is_empty() => {
                Some("Choose the folder with the recordings.")
            }
            _ if !self.agrees => Some("Tick the statement: a voice belongs to its owner."),
            _ => None,
        }
    }
}

/// A sentence that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// Its file.
    pub file: String,
    /// Seconds of speech in it, and what should be better; `None` while it is looked at.
    pub found: Option<(f64, Vec<Flaw>)>,
}

/// What the microphone does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mic {
    /// Nothing.
    #[default]
    Idle,
    /// It records the sentence that is shown into this file.
    Open(String),
    /// It is about to end this one, and then to record the next.
    Closing {
        /// The sentence that was read.
        sentence: usize,
        /// Its file.
        file: String,
        /// Whether it goes on with the sentence that is shown then.
        goes_on: bool,
    },
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Stage {
    /// Name and consent are asked for.
    #[default]
    Describing,
    /// The folder is being made.
    Beginning,
    /// The script is read, or a folder is there: it can be trained.
    Reading,
    /// It is trained.
    Training,
    /// The training is about to stop, to go on later, or to be given up.
    Stopping {
        /// Given up.
        for_good: bool,
    },
    /// It can go on.
    Paused,
    /// It could not go on.
    Failed(Trouble),
    /// It is in the library.
    Finished(VoiceRef),
}

/// What a hand does.
#[derive(Clone, Debug, PartialEq)]
pub enum Hand {
    /// Begin, the statement of consent being confirmed at this time (UTC).
    Begin(String),
    /// Take up one that was begun.
    TakeUp(Box<Found>),
    /// Record the sentence that is shown.
    Record,
    /// End that.
    Stop,
    /// Go to the next sentence; while one is recorded, go on recording.
    Next,
    /// Go to this sentence.
    Show(usize),
    /// Train, for so many minutes.
    Train(f64),
    /// Stop, to go on later.
    Pause,
    /// Go on, or try again.
    GoOn,
    /// Give the training up, or go back to the recordings, which stay.
    Cancel,
    /// Leave this voice as it is, for another.
    Leave,
}

/// What became of what was ordered.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The folder is there, or why it is not.
    Begun(Result<PathBuf, String>),
    /// A recording has ended: its file, and what is wrong with it.
    Recorded {
        /// Its file.
        file: String,
        /// Why there is none.
        failure: Option<String>,
    },
    /// A recording was looked at: seconds of speech and flaws, or why it cannot be read.
    Looked {
        /// Its file.
        file: String,
        /// What was found.
        found: Result<(f64, Vec<Flaw>), String>,
    },
    /// Something could not be written.
    NotSaved(String),
    /// The training has ended.
    Ended(Outcome),
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The voice is in the library.
    Voice(VoiceRef),
    /// It was asked to stop; it can go on.
    Stopped,
    /// It could not go on.
    Failed(Trouble),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Make the folder of this voice.
    Create(Project),
    /// Write down what is known of it.
    Save(Project),
    /// Record into this file.
    Record(String),
    /// End the recording.
    EndRecording,
    /// Look at this file.
    Look(String),
    /// Remove this file.
    Remove(String),
    /// Train.
    Train(Project),
    /// Stop the training.
    StopTraining,
    /// Remove what is kept of the training.
    Forget,
    /// Offer the new voice.
    Offer,
}

/// A voice in the making. Fields are for whoever draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// How far it is.
    pub stage: Stage,
    /// What is typed at first.
    pub form: Form,
    /// What is known of it, once it has begun.
    pub project: Project,
    /// Its folder, once it is there.
    pub home: Option<PathBuf>,
    /// The sentences, as far as they were read.
    pub sentences: Vec<Option<Sentence>>,
    /// The sentence that is shown.
    pub at: usize,
    /// What the microphone does.
    pub mic: Mic,
    /// The highest attempt at a sentence so far: no file is recorded into twice.
    attempt: u32,
    /// What went wrong last, if anything.
    pub trouble: Option<String>,
    /// How far the training is.
    pub progress: Progress,
}

impl Session {
    /// Seconds of speech that were read so far.
    #[must_use]
    pub fn speech_s(&self) -> f64 {
        let found = self
            .sentences
            .iter()
            .flatten()
            .filter_map(|s| s.found.as_ref());
        found.map(|(seconds, _)| seconds).sum()
    }

    /// Whether there is enough to train.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.project.folder.is_some() || USABLE_S <= self.speech_s()
    }

    /// Whether another voice may take its place on the desk.
    #[must_use]
    pub fn can_leave(&self) -> bool {
        let is_at_rest = !matches!(
            self.stage,
            Stage::Beginning | Stage::Training | Stage::Stopping { .. }
        );
        is_at_rest && self.mic == Mic::Idle
    }

    /// Does what a hand wants; what makes no sense now is left.
    pub fn hand(&mut self, hand: Hand) -> Vec<Order> {
        match (hand, &self.stage) {
            (Hand::Begin(agreed), Stage::Describing) => self.begin(agreed),
            (Hand::TakeUp(found), _) if self.can_leave() => self.take_up(*found),
            (Hand::Record, Stage::Reading) => self.record(),
            (Hand::Stop, Stage::Reading) => self.close_mic(self.at, false),
            (Hand::Next, Stage::Reading) => self.next(),
            (Hand::Show(sentence), Stage::Reading) if self.mic == Mic::Idle => {
                self.at = sentence.min(self.sentences.len().saturating_sub(1));
                self.trouble = None;
                Vec::new()
            }
            (Hand::Train(minutes), Stage::Reading) if self.mic == Mic::Idle && self.is_enough() => {
                self.project.minutes = minutes;
                self.train()
            }
            (Hand::GoOn, Stage::Paused | Stage::Failed(_)) => self.train(),
            (Hand::Pause, Stage::Training) => {
                self.stage = Stage::Stopping { for_good: false };
                vec![Order::StopTraining]
            }
            (Hand::Cancel, Stage::Training | Stage::Stopping { .. }) => {
                self.stage = Stage::Stopping { for_good: true };
                vec![Order::StopTraining]
            }
            (Hand::Cancel, Stage::Paused) => self.give_up(),
            // What was learnt is gone on with where the recordings are still the same.
            (Hand::Cancel, Stage::Failed(_)) => {
                self.stage = Stage::Reading;
                self.project.stage = Saved::Reading;
                vec![Order::Save(self.project.clone())]
            }
            (Hand::Leave, _) if self.can_leave() => {
                *self = Self::default();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Takes in what became of orders.
    pub fn news(&mut self, news: News) -> Vec<Order> {
        match news {
            News::Begun(Ok(home)) if self.stage == Stage::Beginning => {
                self.home = Some(home);
                self.stage = Stage::Reading;
                self.trouble = None;
            }
            News::Begun(Err(error)) if self.stage == Stage::Beginning => {
                self.stage = Stage::Describing;
                self.trouble = Some(error);
            }
            News::Begun(_) => {}
            News::Recorded { file, failure } => return self.recorded(file, failure),
            News::Looked { file, found } => self.looked(&file, found),
            News::NotSaved(error) => self.trouble = Some(error),
            News::Ended(outcome) => return self.ended(outcome),
        }
        Vec::new()
    }

    fn begin(&mut self, agreed: String) -> Vec<Order> {
        if self.form.lacks().is_some() || agreed.is_empty() {
            return Vec::new();
        }
        let folder = match self.form.from {
            Origin::Script => None,
            Origin::Folder => Some(PathBuf::from(self.form.folder.trim())),
        };
        let name = clean(&self.form.name, MOST_NAME);
        let owner = clean(&self.form.owner, MOST_LABEL);
        self.project = Project::new(&name, &owner, agreed, folder);
        self.sentences = vec![None; script::count()];
        self.stage = Stage::Beginning;
        vec![Order::Create(self.project.clone())]
    }

    fn take_up(&mut self, found: Found) -> Vec<Order> {
        let mut sentences = vec![None; script::count()];
        let mut orders = Vec::new();
        for (sentence, file) in found.read {
            orders.push(Order::Look(file.clone()));
            sentences[sentence] = Some(Sentence { file, found: None });
        }
        let at = sentences.iter().position(Option::is_none).unwrap_or(0);
        *self = Self {
            stage: match found.project.stage {
                Saved::Reading | Saved::Finished => Stage::Reading,
                Saved::Paused | Saved::Training => Stage::Paused,
            },
            home: Some(found.home),
            sentences,
            at,
            project: found.project,
            ..Self::default()
        };
        // The app was closed while it was trained.
        if self.project.stage == Saved::Training {
            orders.extend(self.train());
        }
        orders
    }

    fn record(&mut self) -> Vec<Order> {
        if self.mic != Mic::Idle {
            return Vec::new();
        }
        let last = self.sentences.get(self.at).and_then(Option::as_ref);
        let next = next_attempt(last.map(|last| last.file.as_str()));
        self.attempt = next.max(self.attempt.saturating_add(1));
        let file = file_name(self.at, self.attempt);
        self.mic = Mic::Open(file.clone());
        self.trouble = None;
        vec![Order::Record(file)]
    }

    fn close_mic(&mut self, sentence: usize, goes_on: bool) -> Vec<Order> {
        let Mic::Open(file) = &self.mic else {
            return Vec::new();
        };
        self.mic = Mic::Closing {
            sentence,
            file: file.clone(),
            goes_on,
        };
        vec![Order::EndRecording]
    }

    fn next(&mut self) -> Vec<Order> {
        let is_last = self.sentences.len() <= self.at + 1;
        let orders = match self.mic {
            Mic::Open(_) => self.close_mic(self.at, !is_last),
            Mic::Closing { .. } => return Vec::new(),
            Mic::Idle => Vec::new(),
        };
        if !is_last {
            self.at += 1;
        }
        orders
    }

    fn recorded(&mut self, ended: String, failure: Option<String>) -> Vec<Order> {
        let (sentence, file, goes_on) = match &self.mic {
            Mic::Closing {
                sentence,
                file,
                goes_on,
            } => (*sentence, file, *goes_on),
            // The device is gone, the disk is full.
            Mic::Open(file) => (self.at, file, false),
            Mic::Idle => return Vec::new(),
        };
        if *file != ended {
            return Vec::new();
        }
        self.mic = Mic::Idle;
        if let Some(failure) = failure {
            self.at = sentence;
            self.trouble = Some(failure);
            // There may be a part of it, which is of no use.
            return vec![Order::Remove(ended)];
        }
        let before = self.sentences[sentence].replace(Sentence {
            file: ended.clone(),
            found: None,
        });
        let mut orders = vec![Order::Look(ended)];
        orders.extend(before.map(|before| Order::Remove(before.file)));
        if goes_on {
            orders.extend(self.record());
        }
        orders
    }

    fn looked(&mut self, file: &str, found: Result<(f64, Vec<Flaw>), String>) {
        let is_it = |slot: &&mut Option<Sentence>| slot.as_ref().is_some_and(|s| s.file == file);
        let Some(slot) = self.sentences.iter_mut().find(is_it) else {
            // It was read again in the meantime.
            return;
        };
        match found {
            Ok(found) => {
                if let Some(sentence) = slot {
                    sentence.found = Some(found);
                }
            }
            Err(error) => {
                *slot = None;
                self.trouble = Some(error);
            }
        }
    }

    fn train(&mut self) -> Vec<Order> {
        self.stage = Stage::Training;
        self.progress = Progress::default();
        self.trouble = None;
        self.project.stage = Saved::Training;
        let project = self.project.clone();
        vec![Order::Save(project.clone()), Order::Train(project)]
    }

    fn give_up(&mut self) -> Vec<Order> {
        self.stage = Stage::Reading;
        self.project.stage = Saved::Reading;
        vec![Order::Forget, Order::Save(self.project.clone())]
    }

    fn ended(&mut self, outcome: Outcome) -> Vec<Order> {
        let for_good = match self.stage {
            Stage::Training => false,
            Stage::Stopping { for_good } => for_good,
            _ => return Vec::new(),
        };
        match outcome {
            Outcome::Voice(voice) => {
                self.stage = Stage::Finished(voice);
                self.project.stage = Saved::Finished;
                vec![Order::Save(self.project.clone()), Order::Offer]
            }
            Outcome::Stopped | Outcome::Failed(_) if for_good => self.give_up(),
            Outcome::Stopped => {
                self.stage = Stage::Paused;
                self.project.stage = Saved::Paused;
                vec![Order::Save(self.project.clone())]
            }
            Outcome::Failed(trouble) => {
                self.stage = Stage::Failed(trouble);
                self.project.stage = Saved::Paused;
                vec![Order::Save(self.project.clone())]
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! The page about the training of a voice, written again and again as it goes on: complete or not
//! at all, so that it can be looked at at any time.

use std::path::PathBuf;

use super::TrainError;
use super::clip::Clip;
use super::held::{MOST, hold_out};
use super::page::{Page, Sounds, page};
use super::sample::{Distance, Held, halves_db};
use super::steps::{Kept, Losses, Run};
use crate::io::{Existing, write_document};
use crate::model::ddsp::DdspConfig;

/// The most stretches that can be listened to.
const HEARD: usize = 3;

/// See the module.
pub struct Report {
    path: PathBuf,
    title: String,
    facts: Vec<(&'static str, String)>,
    notes: Vec<String>,
    held: Held,
    halves_db: Option<f64>,
    recorded: Vec<Vec<f32>>,
    before: Vec<Vec<f32>>,
    first: Option<Distance>,
    /// Cepstral distances, one each time.
    course: Vec<f64>,
    /// Stages that are done.
    done: Vec<(&'static str, Vec<Losses>)>,
}

impl Report {
    /// Of a voice with a title, facts and notes, a configuration and a bandwidth in Hz; `clips` lose
    /// what is held out of them.
    pub fn new(
        path: PathBuf,
        (title, mut facts, notes): (&str, Vec<(&'static str, String)>, &[String]),
        clips: &mut Vec<Clip>,
        (config, bandwidth_hz): (&DdspConfig, f64),
    ) -> Self {
        let halves_db = halves_db(clips);
        let held = hold_out(clips, MOST);
        if !held.is_empty() {
            let seconds = 0.01 * held.iter().map(Clip::frames).sum::<usize>() as f64;
            facts.push(("Held out of it", format!("{seconds:.0} s")));
        }
        let held = Held::new(held, config, bandwidth_hz);
        Self {
            path,
            title: title.to_owned(),
            facts,
            notes: notes.to_vec(),
            halves_db,
            recorded: held.recorded(HEARD),
            before: Vec::new(),
            first: None,
            held,
            course: Vec::new(),
            done: Vec::new(),
        }
    }

    /// What the base says before it has learnt anything of the voice.
    ///
    /// # Errors
    /// If the weights are not those of a voice.
    pub fn begin(&mut self, kept: Kept) -> Result<(), TrainError> {
        if !self.held.is_empty() {
            self.before = self.held.made(kept)?;
            self.first = self.held.distance(&self.before);
            self.course.extend(self.first.map(|far| far.cepstral_db));
        }
        Ok(())
    }

    /// A stage is done.
    pub fn end(&mut self, stage: &'static str, history: Vec<Losses>) {
        self.done.push((stage, history));
    }

    /// Writes the page of a stage that goes on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn go_on(&mut self, stage: &'static str, run: &Run) -> Result<(), TrainError> {
        let state = format!(
            "Still learning: {stage}, step {} of {}. Load the page again to see how it goes on.",
            run.step, run.steps
        );
        let kept = run.kept()?;
        let mut stages = std::mem::take(&mut self.done);
        stages.push((stage, run.history.clone()));
        let written = self.write(&state, &stages, kept);
        stages.pop();
        self.done = stages;
        written
    }

    /// Writes the page of the voice that is kept.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&mut self, kept: Kept) -> Result<(), TrainError> {
        let stages = std::mem::take(&mut self.done);
        self.write("The voice is finished.", &stages, kept)
    }

    fn write(
        &mut self,
        state: &str,
        stages: &[(&'static str, Vec<Losses>)],
        kept: Kept,
    ) -> Result<(), TrainError> {
        let (mut now, mut far) = (Vec::new(), None);
        if !self.held.is_empty() {
            now = self.held.made(kept)?;
            far = self.held.distance(&now);
        }
        self.course.extend(far.map(|far| far.cepstral_db));
        let sounds = self.recorded.iter().zip(&self.before).zip(&now);
        let sounds = sounds.map(|((recorded, before), now)| Sounds {
            recorded,
            before,
            now,
        });
        let html = page(&Page {
            title: &self.title,
            state,
            facts: &self.facts,
            notes: &self.notes,
            stages,
            sounds: &sounds.collect::<Vec<_>>(),
            likeness: &self.likeness(far),
            course: &self.course,
        })?;
        write_document(&self.path, &html, Existing::Replace)?;
        Ok(())
    }

    /// What is known of the likeness, in words.
    fn likeness(&self, now: Option<Distance>) -> Vec<(&'static str, String)> {
        let (Some(first), Some(now)) = (self.first, now) else {
            return Vec::new();
        };
        let (cepstral, long_term) = (now.cepstral_db, now.long_term_db);
        let mut of_all = format!("{long_term:.1} dB, at first {:.1} dB", first.long_term_db);
        if let Some(halves) = self.halves_db {
            of_all.push_str(&format!("; two halves of the recordings: {halves:.1} dB"));
        }
        vec![
            (
                "Mel-cepstral distance from what the speaker said",
                format!("{cepstral:.1} dB, at first {:.1} dB", first.cepstral_db),
            ),
            ("Distance of the mean spectra", of_all),
        ]
    }
}

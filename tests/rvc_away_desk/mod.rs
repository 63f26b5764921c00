//! Networks on a device that is none: twins on the CPU that sing, hear or track, fail or hang on command, and
//! who hands them to engines and trackers.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autovoice::engine::away::{Away, Supply, Tracking, Trouble};
use autovoice::engine::beside::{Beside, Job, Lost};
use autovoice::engine::rvc::{Hearing, Reach, Singing, Supplies};
use autovoice::engine::{Place, Whereabouts};
use autovoice::model::PITCH_BINS;
use autovoice::model::content::{Body, Front, HOP, Loudness, Output, RemoteEncoder};
use autovoice::model::crepe::{Crepe, WINDOW};
use autovoice::model::rvc::{
    Closing, Generator, Opening, Phrase, Remote, RvcConfig, Sounding, Synthesizer, Version, draw,
};
use autovoice::model::salience::{RemoteSalience, Salience};
use autovoice::nn::Bounds;
use autovoice_kernels::gpu::GpuError;

use crate::rvc_nets::{encoder, voice};

/// What becomes of the hops to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Sings,
    Fails,
    Hangs,
    GivesNoNumber,
    Panics,
    Unwanted,
}

#[derive(Default)]
struct Books {
    fate: Fate,
    singing: VecDeque<Away<Singing>>,
    hearing: VecDeque<Away<Hearing>>,
    tracking: VecDeque<Away<Tracking>>,
    troubles: Vec<Trouble>,
    heard: Option<bool>,
    done: usize,
    freed: usize,
}

/// Who has voices on the device.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<Books>>);

impl Desk {
    fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// A voice on the device.
    pub fn singing(&self, reach: Reach, config: &RvcConfig) -> Result<Away<Singing>, GpuError> {
        assert!(reach.spans().generator <= reach.device_spans(config).generator);
        let twin = Twin::new(voice(reach, config), self.clone());
        let task = Singing::new(Box::new(twin), reach, config);
        Away::new(task, Box::new(Here::of(self)))
    }

    /// A content encoder on the device.
    pub fn hearing(&self, reach: Reach, config: &RvcConfig) -> Result<Away<Hearing>, GpuError> {
        let ear = Ear::new(reach, config, self.clone());
        let task = Hearing::new(Box::new(ear), reach, config.version.features());
        Away::new(task, Box::new(Here::of(self)))
    }

    /// Another voice on the device.
    pub fn bring(&self, reach: Reach, config: &RvcConfig, fate: Fate) {
        self.fates(Fate::Sings);
        let away = self.singing(reach, config).unwrap();
        self.books(|books| {
            (books.fate, books.done) = (fate, 0);
            books.singing.push_back(away);
        });
    }

    /// Another content encoder on the device.
    pub fn bring_ear(&self, reach: Reach, config: &RvcConfig, fate: Fate) {
        self.fates(Fate::Sings);
        let away = self.hearing(reach, config).unwrap();
        self.books(|books| {
            (books.fate, books.done) = (fate, 0);
            books.hearing.push_back(away);
        });
    }

    /// A pitch network on the device.
    pub fn bring_tracker(&self, crepe: &Crepe, fate: Fate) {
        self.fates(Fate::Sings);
        let tracker = Tracker(crepe.clone(), self.clone());
        let task = Tracking::new(Box::new(tracker), (WINDOW, PITCH_BINS));
        let away = Away::new(task, Box::new(Here::of(self))).unwrap();
        self.books(|books| {
            (books.fate, books.done) = (fate, 0);
            books.tracking.push_back(away);
        });
    }

    /// What becomes of a hop.
    fn hop(&self) -> Result<Fate, GpuError> {
        let fate = self.books(|books| {
            books.done += 1;
            books.fate
        });
        match fate {
            Fate::Fails => Err(GpuError::Driver {
                what: "waiting for the card",
                reason: "the card is lost".to_owned(),
            }),
            Fate::Panics => panic!("asked to"),
            fate => Ok(fate),
        }
    }

    pub fn fates(&self, fate: Fate) {
        self.books(|books| books.fate = fate);
    }

    pub fn is_heard(&self) -> Option<bool> {
        self.books(|books| books.heard)
    }

    /// Hops that were done there since something was brought.
    pub fn done(&self) -> usize {
        self.books(|books| books.done)
    }

    pub fn freed(&self) -> usize {
        self.books(|books| books.freed)
    }

    pub fn troubles(&self) -> Vec<Trouble> {
        self.books(|books| books.troubles.clone())
    }

    /// Of voices.
    pub fn supplies(&self) -> Supplies {
        Supplies {
            singing: Some(Box::new(self.clone())),
            hearing: None,
        }
    }

    /// Of content encoders.
    pub fn supplies_of_ears(&self) -> Supplies {
        Supplies {
            singing: None,
            hearing: Some(Box::new(self.clone())),
        }
    }
}

macro_rules! supply {
    ($($task:ident $shelf:ident)*) => { $(
        impl Supply<$task> for Desk {
            fn take(&mut self) -> Option<Away<$task>> {
                self.books(|books| books.$shelf.pop_front())
            }

            fn give_back(&mut self, away: Away<$task>, why: Trouble) {
                drop(away);
                self.books(|books| books.troubles.push(why));
            }

            fn heard(&mut self, is_away: bool) {
                self.books(|books| books.heard = Some(is_away));
            }

            fn is_wanted(&self) -> bool {
                self.books(|books| books.fate != Fate::Unwanted)
            }

            fn whereabouts(&self) -> Arc<dyn Whereabouts> {
                Arc::new(self.clone())
            }
        }
    )* };
}

supply! { Singing singing Hearing hearing Tracking tracking }

impl Whereabouts for Desk {
    fn place(&self) -> Place {
        Place {
            device: (self.is_heard() == Some(true)).then(|| "twin".to_owned()),
            note: None,
        }
    }
}

/// A thread that is none: what is asked of it is done at once, or never.
struct Here<J> {
    desk: Desk,
    job: Option<J>,
    is_lost: bool,
}

impl<J> Here<J> {
    fn of(desk: &Desk) -> Self {
        Self {
            desk: desk.clone(),
            job: None,
            is_lost: false,
        }
    }
}

impl<J: Job> Beside<J> for Here<J> {
    fn start(&mut self, mut job: J) -> Result<(), Lost> {
        if self.is_lost {
            return Err(Lost);
        }
        self.is_lost = catch_unwind(AssertUnwindSafe(|| job.run())).is_err();
        self.job = (!self.is_lost).then_some(job);
        Ok(())
    }

    fn finish(&mut self) -> Result<J, Lost> {
        self.job.take().ok_or(Lost)
    }

    fn finish_within(&mut self, _limit: Duration) -> Result<Option<J>, Lost> {
        if self.desk.books(|books| books.fate) == Fate::Hangs {
            // It is never heard of again, and neither is its voice.
            std::mem::forget(self.job.take());
            return Ok(None);
        }
        self.finish().map(Some)
    }
}

/// The voice on the CPU as a device has it: all of it in one, with whatever would follow.
struct Twin {
    voice: Synthesizer,
    copies: (Opening, Closing),
    silence: Vec<f32>,
    begun: Vec<f32>,
    desk: Desk,
}

impl Twin {
    fn new(voice: Synthesizer, desk: Desk) -> Self {
        let Generator {
            opening, closing, ..
        } = voice.generator.clone();
        Self {
            copies: (opening, closing),
            silence: vec![0.0; 64 * voice.config().hop()],
            begun: Vec::new(),
            voice,
            desk,
        }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.desk.books(|books| books.freed += 1);
    }
}

impl Remote for Twin {
    fn reset(&mut self) -> Result<(), GpuError> {
        self.voice.reset();
        Ok(())
    }

    fn set_speaker(&mut self, embedding: &[f32]) -> Result<(), GpuError> {
        self.voice.flow.set_speaker(embedding);
        self.voice.generator.set_speaker(embedding);
        Ok(())
    }

    fn sing(&mut self, phrase: Phrase<'_>, y: Sounding<'_>) -> Result<(), GpuError> {
        let fate = self.desk.hop()?;
        let (inter, hop) = (self.voice.config().inter, self.voice.config().hop());
        let Synthesizer {
            text,
            flow,
            generator,
            ..
        } = &mut self.voice;
        let stats = text.forward(phrase.features, phrase.coarse, phrase.past);
        draw(stats, inter, phrase.noise, y.prior);
        let z = flow.step(y.prior, phrase.decided, Bounds::OPEN);
        y.latent.copy_from_slice(z);
        let z = &y.latent[..phrase.decided * inter];
        let Generator {
            opening, closing, ..
        } = generator;
        let outs = opening.outs();
        self.begun.resize(phrase.decided * outs, 0.0);
        opening.step(z, phrase.source, Bounds::OPEN, &mut self.begun);
        closing.step(&self.begun, phrase.source, Bounds::OPEN, y.sound);
        if fate == Fate::GivesNoNumber {
            y.sound[1] = f32::NAN;
        }
        if !y.beyond.is_empty() {
            let mut begun = vec![0.0; y.beyond.len() / hop * outs];
            let (opening_copy, closing_copy) = &mut self.copies;
            opening.beyond(opening_copy, &self.silence, &mut begun);
            closing.beyond(closing_copy, &begun, &self.silence, y.beyond);
        }
        Ok(())
    }
}

/// A pitch network on the CPU as a device has it.
struct Tracker(Crepe, Desk);

impl RemoteSalience for Tracker {
    fn salience(&mut self, heard: &[f32], out: &mut [f32]) -> Result<(), GpuError> {
        let fate = self.1.hop()?;
        self.0.salience(heard, out);
        if fate == Fate::GivesNoNumber {
            out[PITCH_BINS / 2] = f32::NAN;
        }
        Ok(())
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.1.books(|books| books.freed += 1);
    }
}

/// The content encoder on the CPU as a device has it: front and body in one.
struct Ear {
    front: Front,
    body: Body,
    /// What came out of the front, the newest last, `[_, ins]`.
    frames: Vec<f32>,
    seen: usize,
    desk: Desk,
}

impl Ear {
    fn new(reach: Reach, config: &RvcConfig, desk: Desk) -> Self {
        let output = match config.version {
            Version::V1 => Output::V1,
            Version::V2 => Output::V2,
        };
        let seen = reach.hop + reach.ahead;
        let attention = autovoice::model::content::Reach {
            most: seen,
            past: reach.past,
        };
        let stream = encoder().stream(output, reach.hop * HOP, attention);
        let (front, body) = stream.unwrap();
        Self {
            frames: vec![0.0; seen * body.ins()],
            front,
            body,
            seen,
            desk,
        }
    }

    fn hear(&mut self, wave: &[f32]) {
        let ins = self.body.ins();
        let mut newest = vec![0.0; Front::max_output(wave.len()) * ins];
        let count = self.front.step(wave, Loudness::Running, &mut newest);
        self.frames.drain(..count * ins);
        self.frames.extend_from_slice(&newest[..count * ins]);
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.desk.books(|books| books.freed += 1);
    }
}

impl RemoteEncoder for Ear {
    fn reset(&mut self) -> Result<(), GpuError> {
        self.front.reset();
        self.body.reset();
        self.frames.fill(0.0);
        Ok(())
    }

    fn lead(&mut self, wave: &[f32]) -> Result<(), GpuError> {
        self.hear(wave);
        Ok(())
    }

    fn step(&mut self, wave: &[f32], content: &mut [f32]) -> Result<(), GpuError> {
        let fate = self.desk.hop()?;
        self.hear(wave);
        let decided = wave.len() / HOP;
        assert_eq!(self.frames.len(), self.seen * self.body.ins());
        content.copy_from_slice(self.body.step(&self.frames, decided));
        if fate == Fate::GivesNoNumber {
            content[1] = f32::NAN;
        }
        Ok(())
    }
}

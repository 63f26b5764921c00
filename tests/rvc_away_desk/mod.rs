//! Voices on a device that is none: twins on the CPU that sing, fail or hang on command, and who hands
//! them to engines.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autovoice::engine::beside::{Beside, Job, Lost};
use autovoice::engine::rvc::{Away, Reach, Sizes, Supply, Trouble};
use autovoice::engine::{Place, Whereabouts};
use autovoice::model::rvc::{
    Closing, Generator, Opening, Phrase, Remote, RvcConfig, Sounding, Synthesizer, draw,
};
use autovoice::nn::Bounds;
use autovoice_kernels::gpu::GpuError;

use crate::rvc_nets::voice;

/// What becomes of the hops to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Sings,
    Fails,
    FailsAtOnce,
    Hangs,
    GivesNoNumber,
    Panics,
    Unwanted,
}

#[derive(Default)]
struct Books {
    fate: Fate,
    ready: VecDeque<Away>,
    troubles: Vec<Trouble>,
    heard: Option<bool>,
    sung: usize,
    freed: usize,
}

/// Who has voices on the device.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<Books>>);

impl Desk {
    fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub fn make(&self, reach: Reach, config: &RvcConfig, fate: Fate) -> Result<Away, GpuError> {
        self.fates(fate);
        let spans = reach.device_spans(config);
        let synthesizer = voice(reach, config);
        assert!(reach.spans().generator <= spans.generator);
        let twin = Twin::new(synthesizer, self.clone());
        let here = Here {
            desk: self.clone(),
            job: None,
            is_lost: false,
        };
        Away::new(Box::new(twin), Box::new(here), Sizes::of(reach, config))
    }

    /// Another voice on the device.
    pub fn bring(&self, reach: Reach, config: &RvcConfig, fate: Fate) {
        let away = self.make(reach, config, Fate::Sings).unwrap();
        self.fates(fate);
        self.books(|books| {
            books.sung = 0;
            books.ready.push_back(away);
        });
    }

    pub fn fates(&self, fate: Fate) {
        self.books(|books| books.fate = fate);
    }

    pub fn is_heard(&self) -> Option<bool> {
        self.books(|books| books.heard)
    }

    pub fn sung(&self) -> usize {
        self.books(|books| books.sung)
    }

    pub fn freed(&self) -> usize {
        self.books(|books| books.freed)
    }

    pub fn troubles(&self) -> Vec<Trouble> {
        self.books(|books| books.troubles.clone())
    }

    pub fn supply(&self) -> Box<dyn Supply> {
        Box::new(self.clone())
    }
}

impl Supply for Desk {
    fn take(&mut self) -> Option<Away> {
        self.books(|books| books.ready.pop_front())
    }

    fn give_back(&mut self, away: Away, why: Trouble) {
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
        let fate = self.desk.books(|books| {
            books.sung += 1;
            books.fate
        });
        match fate {
            Fate::Fails | Fate::FailsAtOnce => {
                return Err(GpuError::Driver {
                    what: "waiting for the card",
                    reason: "the card is lost".to_owned(),
                });
            }
            Fate::Panics => panic!("asked to"),
            _ => {}
        }
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

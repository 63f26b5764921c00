//! `rvc`: sings with a voice of the RVC community, live. Inference thread: everything is fixed when
//! it is built, and nothing allocates after that.
//!
//! A step takes one hop through two halves of about as much work. The first listens: content, pitch,
//! what the voice makes of them, and the widest layers of its generator. The second sings, on a
//! thread of its own where there is one: it then sings one hop while the first listens to the next.
//! What needs the future waits for [`Reach::ahead`] frames, and what is convolution waits for what it
//! sees, so that the sound has no seams; unless it sings early, where a crossfade hides them.

mod early;
mod heard;
mod hearing;
mod listener;
mod reach;
mod singer;
mod singing;
mod stage;

pub use crate::model::retrieval::Search;
pub use hearing::Hearing;
pub use listener::{LATENT, SOURCE};
pub use reach::{Delays, Reach};
pub use singing::Singing;
pub use stage::Stage;

use std::sync::Arc;

use super::away::{Places, Supply};
use super::beside::{Beside, Job};
use super::{Controls, Engine, EngineError, EngineSpec, Observation, Whereabouts};
use crate::model::content::{Encoder, HOP, Output};
use crate::model::retrieval::Retrieval;
use crate::model::rvc::{Generator, Synthesizer, Version};
use early::Early;
use listener::{Listener, Score};
use singer::Singer;

/// See the module.
pub struct RvcEngine {
    spec: EngineSpec,
    listener: Listener,
    score: Score,
    second: Second,
}

/// The second half with what it works on.
pub struct Part {
    singer: Singer,
    score: Score,
    output: Vec<f32>,
    result: Result<(), EngineError>,
}

impl Job for Box<Part> {
    fn run(&mut self) {
        self.result = self
            .singer
            .step(&self.score, &mut self.output, &mut |_, _| ());
    }
}

/// Who runs the second half.
enum Second {
    /// The engine itself, after the first.
    After(Box<Part>),
    /// Another thread, one hop later. The part is here unless it is under way.
    Beside(Box<dyn Beside<Box<Part>>>, Option<Box<Part>>),
}

/// What an engine is made of.
pub struct Ingredients<'a> {
    /// How far it looks.
    pub reach: Reach,
    /// The content encoder.
    pub encoder: &'a Encoder,
    /// The voice, built for [`Reach::spans`].
    pub voice: Synthesizer,
    /// The voice's index, where it has one.
    pub retrieval: Option<Retrieval>,
    /// Of its noise: the same seed gives the same sound.
    pub seed: u64,
    /// Who runs the second half where [`Reach::threads`] is 2; else it is not needed.
    pub beside: Option<Box<dyn Beside<Box<Part>>>>,
    /// Who has things on a device; nobody where all is to stay on the CPU.
    pub supplies: Supplies,
}

/// Who has on a device what an engine could do there.
#[derive(Default)]
pub struct Supplies {
    /// The content encoder.
    pub hearing: Option<Box<dyn Supply<Hearing>>>,
    /// Text encoder, flow and generator.
    pub singing: Option<Box<dyn Supply<Singing>>>,
}

impl RvcEngine {
    /// Puts an engine together. Allocates.
    ///
    /// # Errors
    /// [`EngineError::Rate`] at a rate no voice has, [`EngineError::Step`] for a voice of version 1
    /// with an encoder that has no projection, or where a second thread is missing.
    pub fn new(ingredients: Ingredients<'_>) -> Result<Self, EngineError> {
        let Ingredients {
            reach,
            encoder,
            voice,
            retrieval,
            seed,
            beside,
            supplies,
        } = ingredients;
        let spec = reach.spec(voice.config());
        let output = match voice.config().version {
            Version::V1 => Output::V1,
            Version::V2 => Output::V2,
        };
        let (front, body) = encoder
            .stream(output, reach.hop * HOP, reach.attention())
            .ok_or(failed(
                "expected a content encoder with `final_proj`, which voices of version 1 need, \
                 found one without; import another: autovoice models import contentvec FILE --force",
            ))?;
        let config = voice.config().clone();
        let Synthesizer {
            text,
            flow,
            source,
            generator,
            speakers,
            ..
        } = voice;
        let lag = reach.heard(spec.rate_hz) + reach.sung_late(&config);
        let ahead = reach.sung_ahead(&config);
        let beyond = reach.beyond(&config);
        let Generator {
            opening, closing, ..
        } = generator;
        let early = ahead.map(|ahead| {
            let (lag, beyond) = (config.generator_lag(), beyond * config.hop());
            Early::new(&closing, spec.hop, lag, ahead, beyond)
        });
        let parts = listener::Parts {
            front,
            body,
            text,
            flow,
            source,
            opening,
            speakers,
            retrieval,
            hearing: Places::new(supplies.hearing, reach.limit()),
            singing: Places::new(supplies.singing, reach.limit()),
        };
        let listener = Listener::new(reach, &spec, lag, beyond, config.inter, seed, parts);
        let part = Box::new(Part {
            singer: Singer::new(spec.rate_hz, spec.hop, closing, early)?,
            score: listener.score(),
            output: vec![0.0; spec.hop],
            result: Ok(()),
        });
        let second = match (reach.threads, beside) {
            (1, _) => Second::After(part),
            (_, Some(beside)) => Second::Beside(beside, Some(part)),
            (_, None) => return Err(failed("expected a second thread, found none")),
        };
        Ok(Self {
            score: listener.score(),
            listener,
            second,
            spec,
        })
    }

    /// [`Engine::step`] of a single channel, in which `observe` sees what every stage of every hop
    /// gave, when it is done: for tests and benches. Of two threads it sees the first. As real-time
    /// safe as `observe`.
    ///
    /// # Errors
    /// As [`Engine::step`].
    pub fn observed(
        &mut self,
        input: &[f32],
        output: &mut [f32],
        controls: &Controls,
        mut observe: impl FnMut(Stage, &[f32]),
    ) -> Result<(), EngineError> {
        let hop = self.spec.hop;
        for (input, output) in input.chunks_exact(hop).zip(output.chunks_exact_mut(hop)) {
            self.hop(input, output, controls, &mut observe)?;
        }
        Ok(())
    }

    fn hop(
        &mut self,
        input: &[f32],
        output: &mut [f32],
        controls: &Controls,
        observe: &mut impl FnMut(Stage, &[f32]),
    ) -> Result<(), EngineError> {
        self.listener
            .step(input, controls, &mut self.score, observe);
        match &mut self.second {
            Second::After(part) => part.singer.step(&self.score, output, observe),
            Second::Beside(beside, here) => {
                let mut part = match here.take() {
                    Some(part) => part,
                    None => beside.finish().map_err(|_| lost())?,
                };
                output.copy_from_slice(&part.output);
                let result = part.result.clone();
                std::mem::swap(&mut part.score, &mut self.score);
                beside.start(part).map_err(|_| lost())?;
                result
            }
        }
    }
}

fn failed(reason: &'static str) -> EngineError {
    EngineError::Step {
        engine: "rvc",
        reason,
    }
}

fn lost() -> EngineError {
    failed("its second thread ended with an internal error; load the voice again")
}

impl Engine for RvcEngine {
    fn spec(&self) -> EngineSpec {
        self.spec
    }

    fn reset(&mut self) {
        self.listener.reset();
        let part = match &mut self.second {
            Second::After(part) => Some(part),
            Second::Beside(beside, here) => {
                if here.is_none() {
                    // One that is lost says so in the next step.
                    *here = beside.finish().ok();
                }
                here.as_mut()
            }
        };
        if let Some(part) = part {
            part.singer.reset();
            part.output.fill(0.0);
            part.result = Ok(());
        }
    }

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        controls: &Controls,
    ) -> Result<(), EngineError> {
        self.observed(input[0], output[0], controls, |_, _| ())
    }

    fn observe(&self) -> Observation {
        self.listener.observation()
    }

    fn whereabouts(&self) -> Option<Arc<dyn Whereabouts>> {
        self.listener.whereabouts()
    }
}

//! `rvc`: sings with a voice of the RVC community, live. Inference thread: everything is fixed when
//! it is built, and nothing allocates after that.
//!
//! A step takes one hop through two halves. The first listens: content, pitch, and what the voice
//! makes of them. The second sings. What needs the future waits for [`Reach::ahead`] frames, and
//! what is convolution waits for what it sees, so that the sound has no seams.

mod listener;
mod reach;
mod singer;
mod stage;

pub(crate) use listener::LATENT;
pub use reach::{Delays, Reach};
pub(crate) use singer::SOURCE;
pub use stage::Stage;

use super::{Controls, Engine, EngineError, EngineSpec, Observation};
use crate::model::content::{Encoder, HOP, Output};
use crate::model::retrieval::Retrieval;
use crate::model::rvc::{Synthesizer, Version};
use crate::pitch::PitchTracker;
use listener::{Listener, Score};
use singer::Singer;

/// See the module.
pub struct RvcEngine {
    spec: EngineSpec,
    listener: Listener,
    singer: Singer,
    score: Score,
}

impl RvcEngine {
    /// An engine that sings with `voice`, built for [`Reach::spans`], what `tracker`, for sound of
    /// 16 kHz, hears, with the content drawn to the voice's own where there is an index. The same
    /// seed gives the same sound. Allocates.
    ///
    /// # Errors
    /// [`EngineError::Rate`] at a rate no voice has, [`EngineError::Step`] for a voice of version 1
    /// with an encoder that has no projection.
    pub fn new(
        reach: Reach,
        encoder: &Encoder,
        voice: Synthesizer,
        tracker: Box<dyn PitchTracker>,
        retrieval: Option<Retrieval>,
        seed: u64,
    ) -> Result<Self, EngineError> {
        let spec = reach.spec(voice.config());
        let output = match voice.config().version {
            Version::V1 => Output::V1,
            Version::V2 => Output::V2,
        };
        let (front, body) = encoder
            .stream(output, reach.hop * HOP, reach.attention())
            .ok_or(EngineError::Step {
                engine: spec.name,
                reason: "expected a content encoder with `final_proj`, which voices of version 1 \
                         need, found one without; import another: autovoice models import \
                         contentvec FILE --force",
            })?;
        let inter = voice.config().inter;
        let Synthesizer {
            text,
            flow,
            source,
            generator,
            speakers,
            ..
        } = voice;
        let listener = Listener::new(
            reach,
            &spec,
            reach.heard(spec.rate_hz) + generator.lag(),
            inter,
            seed,
            listener::Parts {
                front,
                body,
                text,
                flow,
                speakers: speakers.clone(),
                tracker,
                retrieval,
            },
        );
        let parts = singer::Parts {
            source,
            generator,
            speakers,
        };
        Ok(Self {
            score: listener.score(),
            listener,
            singer: Singer::new(spec.rate_hz, spec.hop, seed, parts)?,
            spec,
        })
    }

    /// [`Engine::step`] of a single channel, in which `observe` sees what every stage of every hop
    /// gave, when it is done: for tests and benches. As real-time safe as `observe`.
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
            self.listener
                .step(input, controls, &mut self.score, &mut observe);
            self.singer.step(&self.score, output, &mut observe)?;
        }
        Ok(())
    }
}

impl Engine for RvcEngine {
    fn spec(&self) -> EngineSpec {
        self.spec
    }

    fn reset(&mut self) {
        self.listener.reset();
        self.singer.reset();
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
}

//! `rvc`: sings with a voice of the RVC community, live. Inference thread: everything is fixed when
//! it is built, and nothing allocates after that.
//!
//! A step takes one hop through two halves. The first listens: content, pitch, and what the voice
//! makes of them. The second sings. What needs the future waits for [`Reach::ahead`] frames, and
//! what is convolution waits for what it sees, so that the sound has no seams.

mod listener;
mod reach;
mod singer;

pub use reach::Reach;

use super::{Controls, Engine, EngineError, EngineSpec, Observation};
use crate::model::content::{Body, ContentConfig, Front, HOP, Output, Reach as BodyReach};
use crate::model::retrieval::Retrieval;
use crate::model::rvc::{RvcConfig, Spans, Synthesizer, Version};
use crate::nn::{Scope, WeightsError};
use crate::pitch::PitchTracker;
use listener::{Listener, Score};
use reach::PER_CONTENT;
use singer::Singer;

/// The networks of a voice with its content encoder, built for one reach. A clone shares the
/// weights; every engine starts from one.
#[derive(Clone, Debug)]
pub struct Networks {
    reach: Reach,
    front: Front,
    body: Body,
    voice: Synthesizer,
}

impl Networks {
    /// From the weights of a content encoder and those of a voice. Allocates, and takes a second.
    ///
    /// # Errors
    /// If the weights do not fit the sizes.
    pub fn new(
        reach: Reach,
        (content, encoder): (&ContentConfig, &Scope),
        (config, voice): (&RvcConfig, &Scope),
    ) -> Result<Self, WeightsError> {
        let seen = reach.seen();
        let output = match config.version {
            Version::V1 => Output::V1,
            Version::V2 => Output::V2,
        };
        let body = BodyReach {
            most: seen,
            past: reach.past,
        };
        let spans = Spans {
            window: PER_CONTENT * (reach.text_past + seen),
            flow: PER_CONTENT * seen,
            generator: PER_CONTENT * reach.hop,
        };
        Ok(Self {
            reach,
            front: Front::new(content, reach.hop * HOP, encoder)?,
            body: Body::new(content, output.fitted_to(content), body, encoder)?,
            voice: Synthesizer::new(config, spans, voice)?,
        })
    }

    /// The sizes of the voice.
    #[must_use]
    pub fn config(&self) -> &RvcConfig {
        self.voice.config()
    }
}

/// See the module.
pub struct RvcEngine {
    spec: EngineSpec,
    listener: Listener,
    singer: Singer,
    score: Score,
}

impl RvcEngine {
    /// An engine that sings what `tracker`, for sound of 16 kHz, hears, with the content drawn to
    /// the voice's own where there is an index. The same seed gives the same sound. Allocates.
    ///
    /// # Errors
    /// [`EngineError::Rate`] at a rate no voice has.
    pub fn new(
        networks: Networks,
        tracker: Box<dyn PitchTracker>,
        retrieval: Option<Retrieval>,
        seed: u64,
    ) -> Result<Self, EngineError> {
        let Networks {
            reach,
            front,
            body,
            voice,
        } = networks;
        let spec = reach.spec(voice.config());
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
        let hops = input[0].chunks_exact(self.spec.hop);
        for (input, output) in hops.zip(output[0].chunks_exact_mut(self.spec.hop)) {
            self.listener.step(input, controls, &mut self.score);
            self.singer.step(&self.score, output)?;
        }
        Ok(())
    }

    fn observe(&self) -> Observation {
        self.listener.observation()
    }
}

//! `ddsp`: sings with a voice of our own, live on a CPU. Inference thread: everything is fixed when
//! it is built, and nothing allocates after that.
//!
//! A step takes hops of 10 ms. What was heard up to its end decides on the frame that lies 20 ms
//! before it, 30 ms for an encoder that looks two frames ahead, and the sound up to that frame's
//! instant is put out. That and the way to 16 kHz is the whole delay.

mod chorus;
mod follow;
mod loudness;
mod stage;
mod voicing;

pub use chorus::{Company, Speaker};
pub use stage::Stage;

use super::{Controls, Engine, EngineError, EngineSpec, Observation};
use crate::dsp::resample::Resampler;
use crate::model::ddsp::features::{self, Features, Heard, level};
use crate::model::ddsp::synthesis::{self, STEPS, Synthesis, Tone};
use crate::model::ddsp::{
    Centre, DdspConfig, Decoder, Encoder, MOST_AHEAD, OUTS, Statistics, Sung,
};
use crate::nn::{Scope, WeightsError};
use crate::units::Frames;
use chorus::Chorus;
use follow::Follow;
use loudness::{Loudness, gate};

/// The name shown and typed.
pub const NAME: &str = "ddsp";
/// The time that a hop may take: half as long as it is, ten times what it takes.
const BUDGET: Frames = synthesis::HOP / 2;
/// The same where more is heard ahead, so that all stays within 45 ms: four times what it takes.
const SHORT_BUDGET: Frames = synthesis::HOP / 6;
/// Samples of 16 kHz by which the way down to 16 kHz lags.
const RESAMPLING: Frames = 32;
/// Hops from the one in which a frame begins to the one that decides on it, at least: what a tracker
/// waits for.
const PITCH_DELAY: Frames = 1;
/// The largest amplitude that networks hear, 60 dB over full scale.
const LOUDEST: f32 = 1_000.0;
/// Frames that are kept: those heard and not decided on.
const KEPT: usize = MOST_AHEAD + 1;

/// By how much the parts of an engine lag, in samples at 48 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// The rest of the window of a frame, and the hop up to it that is put out.
    pub frame: Frames,
    /// What is heard ahead, for content and pitch.
    pub ahead: Frames,
    /// The way down to 16 kHz.
    pub resampling: Frames,
}

impl Delays {
    /// For an encoder that looks so many frames ahead.
    #[must_use]
    pub fn of(ahead: usize) -> Self {
        Self {
            frame: synthesis::HOP,
            ahead: delay(ahead) * synthesis::HOP,
            resampling: RESAMPLING * (synthesis::RATE_HZ / features::RATE_HZ) as Frames,
        }
    }

    /// The engine's lookahead.
    #[must_use]
    pub const fn total(&self) -> Frames {
        self.frame + self.ahead + self.resampling
    }
}

/// Hops from the one in which a frame begins to the one that decides on it.
fn delay(ahead: usize) -> Frames {
    ahead.max(PITCH_DELAY)
}

/// What an engine is made of.
pub struct Ingredients {
    /// The content encoder; a clone shares its weights.
    pub encoder: Encoder,
    /// The voice, for this encoder.
    pub decoder: Decoder,
    /// Who speaks.
    pub embedding: Vec<f32>,
    /// What is known of the voice.
    pub statistics: Statistics,
    /// Of its noise: the same seed gives the same sound.
    pub seed: u64,
    /// Whom the voice can be morphed with.
    pub company: Company,
}

impl Ingredients {
    /// From the weights of an encoder and those of a voice. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn of(
        config: &DdspConfig,
        encoder: &Scope,
        voice: &Scope,
        statistics: Statistics,
    ) -> Result<Self, WeightsError> {
        let (embedding, shape) = config.decoder.embedding_shape();
        Ok(Self {
            encoder: Encoder::new(&config.encoder, encoder)?,
            decoder: Decoder::new(&config.decoder, voice)?,
            embedding: voice.get(&embedding, &shape)?.to_vec(),
            statistics,
            seed: 1,
            company: Company::default(),
        })
    }
}

/// See the module.
pub struct DdspEngine {
    ahead: usize,
    down: Resampler,
    wave: Vec<f32>,
    follow: Follow,
    features: Features,
    mel: [f32; features::BANDS],
    loudness: Loudness,
    encoder: Encoder,
    chorus: Chorus,
    embedding: usize,
    synthesis: Synthesis,
    /// Number of the next frame that is heard.
    at: usize,
    /// Frame `k` at `k % KEPT`: how it was heard, and its content.
    heard: [Kept; KEPT],
    content: Vec<f32>,
    /// Takes out of the content who says it.
    centre: Centre,
    /// What decoders take and give.
    input: Vec<f32>,
    spectrum: [f32; OUTS],
}

/// A frame that is not decided on yet.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    heard: Heard,
    /// By how much its power was multiplied for the networks.
    gain: f32,
}

impl DdspEngine {
    /// Puts an engine together. Allocates.
    ///
    /// # Errors
    /// [`EngineError::Step`] if the parts do not fit each other.
    pub fn new(ingredients: Ingredients) -> Result<Self, EngineError> {
        let Ingredients {
            encoder,
            decoder,
            embedding,
            statistics,
            seed,
            company,
        } = ingredients;
        let ahead = encoder.config().ahead;
        let content = encoder.config().content;
        let values = embedding.len();
        let own = Speaker {
            decoder,
            embedding,
            bandwidth_hz: statistics.bandwidth_hz,
        };
        let chorus = Chorus::new(own, company, content)?;
        let down = Resampler::new(synthesis::RATE_HZ, features::RATE_HZ, 0);
        Ok(Self {
            ahead,
            wave: Vec::with_capacity(down.max_output(synthesis::HOP)),
            down,
            follow: Follow::new(delay(ahead)),
            features: Features::new(),
            mel: [0.0; features::BANDS],
            loudness: Loudness::new(),
            embedding: values,
            synthesis: Synthesis::new(statistics.bandwidth_hz, seed),
            at: 0,
            heard: [Kept::default(); KEPT],
            content: vec![0.0; KEPT * content],
            centre: Centre::new(content),
            input: vec![0.0; chorus.ins()],
            spectrum: [0.0; OUTS],
            encoder,
            chorus,
        })
    }

    /// What an engine with an encoder that looks so many frames ahead is.
    #[must_use]
    pub fn spec_of(ahead: usize) -> EngineSpec {
        EngineSpec {
            name: NAME,
            rate_hz: synthesis::RATE_HZ,
            channels: 1,
            hop: synthesis::HOP,
            lookahead: Delays::of(ahead).total(),
            budget: match delay(ahead) {
                PITCH_DELAY => BUDGET,
                _ => SHORT_BUDGET,
            },
            realtime_safe: false,
        }
    }

    /// The engine's own voice speaks as somebody else from the next frame on: an embedding, or a
    /// mean of some. Real-time safe.
    ///
    /// # Errors
    /// [`EngineError::Step`] if it is of another length; nothing changes then.
    pub fn set_speaker(&mut self, embedding: &[f32]) -> Result<(), EngineError> {
        if embedding.len() != self.embedding {
            return Err(failed(
                "expected an embedding as long as the voice's own; take one of the same base",
            ));
        }
        self.chorus.set_speaker(embedding);
        Ok(())
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
        let (input, _) = input.as_chunks::<{ synthesis::HOP }>();
        let (output, _) = output.as_chunks_mut::<{ synthesis::HOP }>();
        for (input, output) in input.iter().zip(output) {
            self.listen(input, controls, &mut observe);
            let decided = (self.at - 1).checked_sub(delay(self.ahead));
            match decided {
                Some(frame) => self.sing(frame, output, controls, &mut observe)?,
                None => output.fill(0.0),
            }
        }
        Ok(())
    }

    /// Hears the next frame.
    fn listen(
        &mut self,
        input: &[f32],
        controls: &Controls,
        observe: &mut impl FnMut(Stage, &[f32]),
    ) {
        self.wave.clear();
        self.down.process(input, &mut self.wave);
        for x in &mut self.wave {
            *x = match x.is_finite() {
                true => x.clamp(-LOUDEST, LOUDEST),
                false => 0.0,
            };
        }
        observe(Stage::Resampling, &self.wave);
        let singer_db = self.loudness.singer_db();
        self.follow.push(&self.wave, controls, singer_db);
        observe(Stage::Pitch, &[]);
        let wave = self.wave.first_chunk().expect("a hop gives a hop");
        let heard = self.features.step(wave);
        let gain = self.loudness.gain();
        heard.write(gain, &mut self.mel);
        self.heard[self.at % KEPT] = Kept { heard, gain };
        observe(Stage::Features, &self.mel);
        if let Some(frame) = self.at.checked_sub(self.ahead) {
            let size = self.encoder.config().content;
            let content = &mut self.content[frame % KEPT * size..][..size];
            self.encoder.step(&self.mel, content);
        } else {
            self.encoder.step(&self.mel, &mut []);
        }
        self.at += 1;
    }

    /// Decides on a frame and puts out the hop that ends with its instant.
    fn sing(
        &mut self,
        frame: usize,
        output: &mut [f32; synthesis::HOP],
        controls: &Controls,
        observe: &mut impl FnMut(Stage, &[f32]),
    ) -> Result<(), EngineError> {
        let size = self.encoder.config().content;
        let content = &self.content[frame % KEPT * size..][..size];
        observe(Stage::Content, content);
        let way_hz = self.follow.take();
        let f0_hz = way_hz[STEPS - 1];
        let Kept { heard, gain } = self.heard[frame % KEPT];
        if 0.0 < f0_hz {
            self.loudness.hear(level(heard.mean_square));
        }
        let (own, sung) = self.input.split_at_mut(size);
        own.copy_from_slice(content);
        self.centre.step(0.0 < f0_hz, own);
        sung.copy_from_slice(&Sung { f0_hz }.values());
        let morph = &controls.voice.morph;
        self.chorus.step(&self.input, morph, &mut self.spectrum)?;
        self.synthesis.set_bandwidth(self.chorus.bandwidth_hz());
        observe(Stage::Decoder, &self.input);
        // What of the gain is not to stay is taken out again.
        let singers = 1.0 - controls.voice.rms_mix.clamp(0.0, 1.0);
        let tone = Tone {
            f0_hz: way_hz,
            gain: gate(heard.mean_square) * gain.powf(-0.5 * singers),
            formant_semitones: controls.formant_semitones,
        };
        self.synthesis.step(&self.spectrum, &tone, output);
        observe(Stage::Synthesis, output);
        Ok(())
    }
}

fn failed(reason: &'static str) -> EngineError {
    EngineError::Step {
        engine: NAME,
        reason,
    }
}

impl Engine for DdspEngine {
    fn spec(&self) -> EngineSpec {
        Self::spec_of(self.ahead)
    }

    fn reset(&mut self) {
        self.down.reset();
        self.follow.reset();
        self.features.reset();
        self.loudness.reset();
        self.encoder.reset();
        self.centre.reset();
        self.chorus.reset();
        self.synthesis.reset();
        self.at = 0;
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
        self.follow.observation()
    }
}

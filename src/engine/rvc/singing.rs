//! The task of a voice on a device: from content and pitch to sound. Built on any thread; given and read by
//! the inference thread, real-time safe.

use autovoice_kernels::gpu::GpuError;

use super::reach::{PER_CONTENT, Reach};
use crate::engine::away::Task;
use crate::model::rvc::{Flow, Phrase, Remote, RvcConfig, Sounding};
use crate::units::Frames;

/// See the module.
pub struct Singing {
    voice: Box<dyn Remote>,
    /// The speaker, and their embedding; whom the voice has.
    speaker: usize,
    embedding: Vec<f32>,
    told: Option<usize>,
    past: Frames,
    seen: Frames,
    decided: Frames,
    features: Vec<f32>,
    coarse: Vec<u8>,
    noise: Vec<f32>,
    source: Vec<f32>,
    prior: Vec<f32>,
    latent: Vec<f32>,
    /// The hop, then what would follow.
    sound: Vec<f32>,
    hop: usize,
    memory: usize,
}

/// What a hop is made of.
pub(super) struct Score<'a> {
    pub speaker: (usize, &'a [f32]),
    pub features: &'a [f32],
    pub coarse: &'a [u8],
    pub noise: &'a [f32],
    pub source: &'a [f32],
}

impl Singing {
    /// Of a voice of these sizes, built for [`Reach::device_spans`]. Allocates.
    #[must_use]
    pub fn new(voice: Box<dyn Remote>, reach: Reach, config: &RvcConfig) -> Self {
        let zeros = |len: usize| vec![0.0; len];
        let seen = PER_CONTENT * reach.seen();
        let past = PER_CONTENT * reach.text_past;
        let decided = PER_CONTENT * reach.hop;
        let hop = decided * config.hop();
        let beyond = reach.beyond(config) * config.hop();
        // What the flow looks back at, then what the generator does.
        let memory = Flow::REACH + 2 * config.generator_lag().div_ceil(config.hop()) + 1;
        Self {
            voice,
            speaker: 0,
            embedding: zeros(config.gin),
            told: None,
            past,
            seen,
            decided,
            features: zeros((past + seen) * config.version.features()),
            coarse: vec![1; past + seen],
            noise: zeros(seen * config.inter),
            source: zeros(if config.has_pitch { hop } else { 0 }),
            prior: zeros(seen * config.inter),
            latent: zeros(seen * config.inter),
            sound: zeros(hop + beyond),
            hop,
            memory: memory.div_ceil(decided),
        }
    }

    /// Takes a hop.
    pub(super) fn give(&mut self, hop: &Score<'_>) {
        self.speaker = hop.speaker.0;
        self.embedding.copy_from_slice(hop.speaker.1);
        self.features.copy_from_slice(hop.features);
        self.coarse.copy_from_slice(hop.coarse);
        self.noise.copy_from_slice(hop.noise);
        self.source.copy_from_slice(hop.source);
    }

    /// What was drawn from the prior.
    pub(super) fn prior(&self) -> &[f32] {
        &self.prior
    }

    /// The latent of the frames decided on.
    pub(super) fn latent(&self) -> &[f32] {
        &self.latent[..self.decided * self.latent.len() / self.seen]
    }

    /// The sound of the hop, then what would follow.
    pub(super) fn sound(&self) -> &[f32] {
        &self.sound
    }
}

impl Task for Singing {
    fn begin(&mut self) -> Result<(), GpuError> {
        // Before the first hop nobody's embedding was given.
        self.told = None;
        self.voice.reset()
    }

    fn hop(&mut self) -> Result<(), GpuError> {
        if self.told != Some(self.speaker) {
            self.voice.set_speaker(&self.embedding)?;
            self.told = Some(self.speaker);
        }
        let (sound, beyond) = self.sound.split_at_mut(self.hop);
        let phrase = Phrase {
            features: &self.features,
            coarse: &self.coarse,
            past: self.past,
            decided: self.decided,
            noise: &self.noise,
            source: &self.source,
        };
        let y = Sounding {
            prior: &mut self.prior,
            latent: &mut self.latent,
            sound,
            beyond,
        };
        self.voice.sing(phrase, y)
    }

    fn is_sound(&self) -> bool {
        self.sound.iter().all(|x| x.is_finite())
    }

    fn memory(&self) -> usize {
        self.memory
    }
}

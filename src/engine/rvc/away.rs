//! A voice that sings on a device, and the way there and back: what it is given goes to another thread,
//! which may wait for the device as long as it likes. Nobody waits for that thread longer than a limit.

use std::time::Duration;

use autovoice_kernels::gpu::GpuError;

use super::reach::{PER_CONTENT, Reach};
use crate::engine::beside::{Beside, Job};
use crate::model::rvc::{Flow, Phrase, Remote, RvcConfig, Sounding};
use crate::units::Frames;

/// One hop on its way to a device, with who is to sing it.
pub struct Errand {
    /// None when it is over.
    voice: Option<Box<dyn Remote>>,
    /// Whether the stream begins here.
    begins: bool,
    /// The speaker, and their embedding; whom the voice has.
    speaker: usize,
    embedding: Vec<f32>,
    told: Option<usize>,
    /// Whether to sing, or to free the voice.
    is_over: bool,
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
    result: Result<(), GpuError>,
}

impl Job for Box<Errand> {
    fn run(&mut self) {
        if self.is_over {
            // Here it may wait for the device to let go of its memory.
            self.voice = None;
            return;
        }
        self.result = self.sing();
    }
}

impl Errand {
    fn sing(&mut self) -> Result<(), GpuError> {
        let Some(voice) = &mut self.voice else {
            return Ok(());
        };
        if std::mem::take(&mut self.begins) {
            voice.reset()?;
        }
        if self.told != Some(self.speaker) {
            voice.set_speaker(&self.embedding)?;
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
        voice.sing(phrase, y)
    }
}

/// Why a voice on a device is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The device says so.
    #[error(transparent)]
    Failed(#[from] GpuError),
    /// It gave no answer in time.
    #[error("the device gave no answer for {} ms", .0.as_millis())]
    Hung(Duration),
    /// The thread that waits for it ended.
    #[error("the thread of the device ended with an internal error")]
    Lost,
    /// What came from it is no sound.
    #[error("the device gave what is no number")]
    NoNumber,
    /// It is not wanted there any more.
    #[error("the device is to be left alone")]
    Unwanted,
}

/// What a hop consists of, for a voice and how far it looks.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    window: Frames,
    past: Frames,
    seen: Frames,
    decided: Frames,
    features: usize,
    inter: usize,
    gin: usize,
    hop: usize,
    beyond: usize,
    has_pitch: bool,
    /// Frames after which a stream that began anywhere is as one that began long before.
    memory: Frames,
}

impl Sizes {
    /// Those of a voice.
    #[must_use]
    pub fn of(reach: Reach, config: &RvcConfig) -> Self {
        let seen = PER_CONTENT * reach.seen();
        let past = PER_CONTENT * reach.text_past;
        let decided = PER_CONTENT * reach.hop;
        Self {
            window: past + seen,
            past,
            seen,
            decided,
            features: config.version.features(),
            inter: config.inter,
            gin: config.gin,
            hop: decided * config.hop(),
            beyond: reach.beyond(config) * config.hop(),
            has_pitch: config.has_pitch,
            memory: Flow::REACH + 2 * config.generator_lag().div_ceil(config.hop()) + 1,
        }
    }
}

/// See the module.
pub struct Away {
    beside: Box<dyn Beside<Box<Errand>>>,
    /// Here unless it is under way, or lost.
    errand: Option<Box<Errand>>,
    memory: Frames,
    /// Frames that it has to hear until it knows all that it will look back at.
    unheard: Frames,
}

impl Away {
    /// A voice, and who waits for it. It sings once, so that the first hop pays for no first use.
    /// Allocates, and waits for the device.
    ///
    /// # Errors
    /// What the device says to that.
    pub fn new(
        voice: Box<dyn Remote>,
        beside: Box<dyn Beside<Box<Errand>>>,
        sizes: Sizes,
    ) -> Result<Self, GpuError> {
        let zeros = |len: usize| vec![0.0; len];
        let mut errand = Box::new(Errand {
            voice: Some(voice),
            begins: true,
            speaker: 0,
            embedding: zeros(sizes.gin),
            told: None,
            is_over: false,
            past: sizes.past,
            seen: sizes.seen,
            decided: sizes.decided,
            features: zeros(sizes.window * sizes.features),
            coarse: vec![1; sizes.window],
            noise: zeros(sizes.seen * sizes.inter),
            source: zeros(if sizes.has_pitch { sizes.hop } else { 0 }),
            prior: zeros(sizes.seen * sizes.inter),
            latent: zeros(sizes.seen * sizes.inter),
            sound: zeros(sizes.hop + sizes.beyond),
            hop: sizes.hop,
            result: Ok(()),
        });
        errand.sing()?;
        errand.begins = true;
        errand.told = None;
        Ok(Self {
            beside,
            errand: Some(errand),
            memory: sizes.memory,
            unheard: sizes.memory,
        })
    }

    /// Begins anew with the next hop.
    pub(super) fn reset(&mut self) {
        self.unheard = self.memory;
        if let Some(errand) = &mut self.errand {
            errand.begins = true;
        }
    }

    /// Whether it knows all that it will look back at.
    pub(super) fn is_warm(&self) -> bool {
        self.unheard == 0
    }

    /// Sends a hop on its way. Real-time safe.
    pub(super) fn start(&mut self, hop: &Given<'_>) -> Result<(), Trouble> {
        let mut errand = self.errand.take().ok_or(Trouble::Lost)?;
        errand.speaker = hop.speaker.0;
        errand.embedding.copy_from_slice(hop.speaker.1);
        errand.features.copy_from_slice(hop.features);
        errand.coarse.copy_from_slice(hop.coarse);
        errand.noise.copy_from_slice(hop.noise);
        errand.source.copy_from_slice(hop.source);
        self.beside.start(errand).map_err(|_| Trouble::Lost)
    }

    /// Waits for it, no longer than `limit`. Real-time safe.
    pub(super) fn finish(&mut self, limit: Duration) -> Result<(), Trouble> {
        let mut back = match self.beside.finish_within(limit) {
            Ok(Some(errand)) => errand,
            Ok(None) => return Err(Trouble::Hung(limit)),
            Err(_) => return Err(Trouble::Lost),
        };
        let result = std::mem::replace(&mut back.result, Ok(()));
        let errand = self.errand.insert(back);
        result?;
        if errand.sound.iter().any(|x| !x.is_finite()) {
            return Err(Trouble::NoNumber);
        }
        self.unheard = self.unheard.saturating_sub(errand.decided);
        Ok(())
    }

    /// What became of the last hop; none while it is under way, or lost.
    pub(super) fn sung(&self) -> Option<Sung<'_>> {
        let errand = self.errand.as_ref()?;
        Some(Sung {
            prior: &errand.prior,
            latent: &errand.latent[..errand.decided * errand.latent.len() / errand.seen],
            sound: &errand.sound,
        })
    }
}

impl Drop for Away {
    /// The voice is freed by the thread that may wait for the device.
    fn drop(&mut self) {
        if let Some(mut errand) = self.errand.take() {
            errand.is_over = true;
            // Where that thread is gone the voice is freed here.
            let _ = self.beside.start(errand);
        }
    }
}

/// What a hop is made of.
pub(super) struct Given<'a> {
    pub speaker: (usize, &'a [f32]),
    pub features: &'a [f32],
    pub coarse: &'a [u8],
    pub noise: &'a [f32],
    pub source: &'a [f32],
}

/// What became of it.
pub(super) struct Sung<'a> {
    pub prior: &'a [f32],
    /// Of the frames decided on.
    pub latent: &'a [f32],
    /// The hop, then what would follow.
    pub sound: &'a [f32],
}

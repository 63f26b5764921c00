//! How far a stream is from the same networks over a whole signal: content features by their
//! cosine, sound by its log-mel distance.
//!
//! The whole signal is encoded at once, with attention to all of it and the statistics of all of
//! it; the stream is the engine itself. Both draw the same noise at the same instants and sing the
//! same pitch, so that nothing but the reach sets them apart.

use super::nets::{Nets, SEED};
use crate::cli::failure::Failure;
use crate::dsp::noise::normal;
use crate::dsp::resample::Resampler;
use crate::engine::rvc::{LATENT, Reach, RvcEngine, SOURCE, Stage};
use crate::engine::{Controls, Engine};
use crate::model::content::{self, HOP, Loudness, Output, WINDOW};
use crate::model::rvc::{RvcConfig, Spans, Version, Whole, coarse_pitch};
use crate::quality::likeness::{log_mel_distance_db, mean_cosine};
use crate::units::Frames;

/// Frames of silence before a signal in all streams, so that they count alike: the most ahead.
pub(super) const BEFORE: Frames = 25;
/// Frames of a voice per frame of content.
const PER_CONTENT: Frames = 2;

/// What one clip should become.
pub(super) struct Reference {
    /// At the voice's rate, whole frames of content.
    signal: Vec<f32>,
    /// `[BEFORE + frames, values]`
    content: Vec<f32>,
    /// From the first of these frames on; empty where none was asked for.
    audio: Vec<f32>,
}

/// How like the whole a stream is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Likeness {
    pub(super) cosine: f64,
    pub(super) mel_db: f64,
}

/// What came out of an engine.
struct Streamed {
    content: Vec<f32>,
    pitch_hz: Vec<f32>,
    audio: Vec<f32>,
}

/// Samples of the voice's rate in a frame of content.
fn samples_per_frame(config: &RvcConfig) -> usize {
    PER_CONTENT * config.hop()
}

impl Reference {
    /// Of a clip at the voice's rate; `statistics` is where the encoder takes its loudness from.
    pub(super) fn new(
        nets: &Nets,
        clip: &[f32],
        statistics: Loudness,
        with_audio: bool,
    ) -> Result<Self, Failure> {
        let per_frame = samples_per_frame(&nets.config);
        let frames = clip.len() / per_frame;
        let mut made = Self {
            signal: clip[..frames * per_frame].to_vec(),
            content: Vec::new(),
            audio: Vec::new(),
        };
        // Silence behind it, in which streams come to its end.
        let all = BEFORE + frames + 2 * BEFORE;
        made.content = made.encode(nets, all, statistics);
        if with_audio {
            made.audio = made.sing(nets, all, SEED)?;
        }
        Ok(made)
    }

    fn frames(&self, config: &RvcConfig) -> Frames {
        self.signal.len() / samples_per_frame(config)
    }

    fn encode(&self, nets: &Nets, all: Frames, statistics: Loudness) -> Vec<f32> {
        let rate_hz = nets.config.rate_hz;
        let mut wave = vec![0.0; WINDOW - HOP + BEFORE * HOP];
        let mut down = Resampler::new(rate_hz, content::RATE_HZ, 0);
        down.process(&self.signal, &mut wave);
        wave.resize(WINDOW - HOP + all * HOP, 0.0);
        let output = match nets.config.version {
            Version::V1 => Output::V1,
            Version::V2 => Output::V2,
        };
        let reach = content::Reach { most: all, past: 0 };
        let (mut front, mut body) = nets
            .encoder
            .stream(output, wave.len(), reach)
            .expect("the engine was built with it");
        let mut frames = vec![0.0; (all + 2) * body.ins()];
        let count = front.step(&wave, statistics, &mut frames);
        body.step(&frames[..count * body.ins()], count).to_vec()
    }

    /// With the pitch that an engine hears that has all the time there is.
    fn sing(&self, nets: &Nets, all: Frames, seed: u64) -> Result<Vec<f32>, Failure> {
        let config = &nets.config;
        let patient = Reach {
            hop: 16,
            ahead: BEFORE,
            past: 1,
            text_past: 1,
            threads: 1,
        };
        let mut pitch_hz = self.stream(&mut small(nets)?.engine(patient)?, patient, config)?.pitch_hz;
        let frames = PER_CONTENT * all;
        pitch_hz.resize(frames, 0.0);
        let mut voice = nets.voice(Spans {
            window: frames,
            flow: frames,
            generator: frames + 2 * BEFORE,
        })?;
        let values = config.version.features();
        let features: Vec<f32> = self
            .content
            .chunks_exact(values)
            .flat_map(|frame| [frame, frame].concat())
            .collect();
        let coarse: Vec<u8> = pitch_hz.iter().map(|hz| coarse_pitch(*hz)).collect();
        let mut latent_noise = vec![0.0; frames * config.inter];
        normal(seed ^ LATENT, 0, &mut latent_noise);
        let mut source_noise = vec![0.0; frames * config.hop()];
        normal(seed ^ SOURCE, 0, &mut source_noise);
        let sung = voice.whole(&Whole {
            features: &features,
            coarse: &coarse,
            pitch_hz: &pitch_hz,
            latent_noise: &latent_noise,
            source_noise: &source_noise,
            part: (0, frames),
            stretched: frames,
        });
        Ok(sung.audio)
    }

    /// What an engine makes of the clip, counted as the reference is.
    fn stream(
        &self,
        engine: &mut RvcEngine,
        reach: Reach,
        config: &RvcConfig,
    ) -> Result<Streamed, Failure> {
        let per_frame = samples_per_frame(config);
        let late = reach.delays(config);
        let late = late.generator + late.formant + late.second;
        // What looks less far ahead begins with less silence, and gets the rest here.
        let mut input = vec![0.0; (BEFORE - reach.ahead) * per_frame];
        input.extend(&self.signal);
        let needed = BEFORE + self.frames(config) + late.div_ceil(per_frame) + 1;
        let hops = needed.div_ceil(reach.hop);
        input.resize(hops * reach.hop * per_frame, 0.0);
        let mut audio = vec![0.0; input.len()];
        let (mut content, mut pitch_hz) = (Vec::new(), Vec::new());
        let decided = reach.hop * config.version.features();
        engine
            .observed(&input, &mut audio, &Controls::default(), |stage, values| {
                match stage {
                    Stage::Content => content.extend_from_slice(&values[..decided]),
                    Stage::Source => pitch_hz.extend_from_slice(values),
                    _ => {}
                }
            })
            .map_err(|error| Failure::work(error.to_string(), "choose another voice"))?;
        debug_assert_eq!(input.len() / engine.spec().hop, hops);
        audio.drain(..late);
        Ok(Streamed {
            content,
            pitch_hz,
            audio,
        })
    }

    /// How like the whole an engine of this reach is. Without sound the distance of sound is NaN.
    pub(super) fn likeness(
        &self,
        engine: &mut RvcEngine,
        reach: Reach,
        config: &RvcConfig,
    ) -> Result<Likeness, Failure> {
        let streamed = self.stream(engine, reach, config)?;
        Ok(self.compare(&streamed.content, &streamed.audio, config))
    }

    /// How like another reference is.
    pub(super) fn unlike(&self, other: &Self, config: &RvcConfig) -> Likeness {
        self.compare(&other.content, &other.audio, config)
    }

    /// The same with other noise: what distances of sound are to be seen against.
    pub(super) fn with_seed(&self, nets: &Nets, seed: u64) -> Result<Self, Failure> {
        let all = self.content.len() / nets.config.version.features();
        Ok(Self {
            signal: self.signal.clone(),
            content: self.content.clone(),
            audio: self.sing(nets, all, seed)?,
        })
    }

    fn compare(&self, content: &[f32], audio: &[f32], config: &RvcConfig) -> Likeness {
        let values = config.version.features();
        let (from, to) = (BEFORE, BEFORE + self.frames(config));
        let cosine = {
            let part = from * values..to * values;
            mean_cosine(&self.content[part.clone()], &content[part], values)
        };
        let mel_db = match self.audio.is_empty() {
            true => f64::NAN,
            false => {
                let samples = samples_per_frame(config);
                let part = from * samples..to * samples;
                log_mel_distance_db(&self.audio[part.clone()], &audio[part], config.rate_hz)
            }
        };
        Likeness { cosine, mel_db }
    }
}

/// A voice of the same rate that costs little: for content and pitch alone.
pub(super) fn small(nets: &Nets) -> Result<Nets, Failure> {
    Nets::with(
        nets.encoder.clone(),
        RvcConfig {
            inter: 16,
            hidden: 16,
            filter: 32,
            layers: 1,
            upsample_initial: 32,
            speakers: 1,
            gin: 8,
            ..nets.config.clone()
        },
    )
}

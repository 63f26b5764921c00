//! How far a stream is from the same networks over a whole signal: content features by their
//! cosine, sound by its log-mel distance.
//!
//! The whole signal is encoded at once, with attention to all of it and the statistics of all of
//! it; the stream is the engine itself. Both draw the same noise at the same instants and sing the
//! same pitch, so that nothing but the reach sets them apart.

use super::Mode;
use super::nets::{Nets, SEED};
use crate::cli::failure::Failure;
use crate::dsp::noise::normal;
use crate::dsp::resample::Resampler;
use crate::engine::rvc::{LATENT, Reach, RvcEngine, SOURCE, Stage};
use crate::engine::{Controls, Engine, Quality};
use crate::io::{AudioReader, Damage};
use crate::model::content::{self, HOP, Loudness, Output, WINDOW};
use crate::model::rvc::{RvcConfig, Spans, Version, Whole, coarse_pitch};
use crate::quality::likeness::{log_mel_distance_db, mean_cosine, without_mean};
use crate::units::{Frames, frames_to_ms};
use std::path::{Path, PathBuf};

/// Frames of silence before a signal in all streams, so that they count alike: the most ahead.
const BEFORE: Frames = 25;
/// The least of a recording that says anything.
const SHORTEST_S: f64 = 1.0;
/// Frames of a voice per frame of content.
const PER_CONTENT: Frames = 2;

/// Longest part of a recording that is heard, in seconds: attention to all of it takes memory.
const LONGEST_S: u32 = 30;
/// Frames ahead and of the past that are swept over, around [`Quality::Live`].
const SWEPT_AHEAD: [Frames; 7] = [1, 2, 4, 6, 10, 15, 25];
const SWEPT_PAST: [Frames; 6] = [25, 50, 100, 150, 250, 500];

/// All that was measured.
pub(super) struct Table {
    pub(super) clips: usize,
    pub(super) seconds: u32,
    /// What other noise makes of the sound: distances are to be seen against it.
    pub(super) noise_db: f64,
    pub(super) rows: Vec<Row>,
}

/// How far one reach is from the whole, the mean over the clips.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) reach: Reach,
    pub(super) likeness: Likeness,
    pub(super) lookahead_ms: f64,
}

/// Measures these qualities on the first seconds of recordings, and where asked for content alone
/// around them.
pub(super) fn table(
    nets: &Nets,
    modes: &[Mode],
    sweep: bool,
    files: &[PathBuf],
    seconds: u32,
) -> Result<Table, Failure> {
    let seconds = seconds.min(LONGEST_S);
    let rate_hz = nets.config.rate_hz;
    let references = files
        .iter()
        .map(|file| Reference::new(nets, &read(file, rate_hz, seconds)?))
        .collect::<Result<Vec<_>, Failure>>()?;
    let noise = references
        .iter()
        .map(|reference| {
            Ok(reference
                .with_seed(nets, SEED + 1)?
                .unlike(reference, &nets.config))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let mut rows = Vec::new();
    for Mode { name, reach } in modes {
        rows.push(Row::new((*name).to_owned(), nets, *reach, &references)?);
    }
    if sweep {
        let light = small(nets)?;
        let live = Reach::of(Quality::Live);
        let ahead = SWEPT_AHEAD.map(|ahead| Reach { ahead, ..live });
        let past = SWEPT_PAST.map(|past| Reach { past, ..live });
        for reach in ahead.into_iter().chain(past) {
            rows.push(Row::new("content".to_owned(), &light, reach, &references)?);
        }
    }
    Ok(Table {
        clips: files.len(),
        seconds,
        noise_db: Likeness::mean(&noise).mel_db,
        rows,
    })
}

/// The first seconds of a file, all channels in one, at a rate.
fn read(path: &Path, rate_hz: u32, seconds: u32) -> Result<Vec<f32>, Failure> {
    let mut reader = AudioReader::open(path, Damage::Refuse)
        .map_err(|error| named(path, Failure::from(error)))?;
    let info = reader.info().clone();
    let mut channels = vec![vec![0.0; (seconds * info.rate_hz) as usize]; info.channels];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    let read = reader
        .read(&mut slices)
        .map_err(|error| named(path, Failure::from(error)))?;
    if read < (SHORTEST_S * f64::from(info.rate_hz)) as usize {
        let message = format!("{}: expected a second of sound or more", path.display());
        return Err(Failure::work(message, "choose a longer recording"));
    }
    let mono: Vec<f32> = (0..read)
        .map(|n| channels.iter().map(|c| c[n]).sum::<f32>() / channels.len() as f32)
        .collect();
    let mut wave = Vec::new();
    Resampler::new(info.rate_hz, rate_hz, 0).process(&mono, &mut wave);
    Ok(wave)
}

fn named(path: &Path, failure: Failure) -> Failure {
    Failure {
        message: format!("{}: {}", path.display(), failure.message),
        ..failure
    }
}

impl Row {
    fn new(
        name: String,
        nets: &Nets,
        reach: Reach,
        references: &[Reference],
    ) -> Result<Self, Failure> {
        // As many threads give the same sound, a hop later.
        let alone = reach.on(1);
        let mut engine = nets.engine(alone)?;
        let mut all = Vec::new();
        for reference in references {
            engine.reset();
            all.push(reference.likeness(&mut engine, alone, &nets.config)?);
        }
        let lookahead = reach.delays(&nets.config).total();
        Ok(Self {
            name,
            reach,
            likeness: Likeness::mean(&all),
            lookahead_ms: frames_to_ms(lookahead, nets.config.rate_hz),
        })
    }
}

/// What one clip should become.
struct Reference {
    voice: RvcConfig,
    /// At the voice's rate, whole frames of content.
    signal: Vec<f32>,
    /// `[BEFORE + frames, values]`
    content: Vec<f32>,
    /// From the first of these frames on.
    audio: Vec<f32>,
}

/// How like the whole a stream is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Likeness {
    /// Of content.
    pub(super) cosine: f64,
    /// Of content without what all its frames have in common.
    pub(super) cosine_around_mean: f64,
    /// Of sound; NaN where none was compared.
    pub(super) mel_db: f64,
}

impl Likeness {
    fn mean(all: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
        Self {
            cosine: mean(|one| one.cosine),
            cosine_around_mean: mean(|one| one.cosine_around_mean),
            mel_db: mean(|one| one.mel_db),
        }
    }
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
    /// Of a clip at the voice's rate.
    fn new(nets: &Nets, clip: &[f32]) -> Result<Self, Failure> {
        let per_frame = samples_per_frame(&nets.config);
        let frames = clip.len() / per_frame;
        let mut made = Self {
            voice: nets.config.clone(),
            signal: clip[..frames * per_frame].to_vec(),
            content: Vec::new(),
            audio: Vec::new(),
        };
        // Silence behind it, in which streams come to its end.
        let all = BEFORE + frames + 2 * BEFORE;
        made.content = made.encode(nets, all);
        made.audio = made.sing(nets, all, SEED)?;
        Ok(made)
    }

    fn frames(&self, config: &RvcConfig) -> Frames {
        self.signal.len() / samples_per_frame(config)
    }

    fn encode(&self, nets: &Nets, all: Frames) -> Vec<f32> {
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
        let count = front.step(&wave, Loudness::Whole, &mut frames);
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
            ..Reach::of(Quality::Live).on(1)
        };
        let mut pitch_hz = self
            .stream(&mut small(nets)?.engine(patient)?, patient, config)?
            .pitch_hz;
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
            .observed(
                &input,
                &mut audio,
                &Controls::default(),
                |stage, values| match stage {
                    Stage::Content => content.extend_from_slice(&values[..decided]),
                    Stage::Source => pitch_hz.extend_from_slice(values),
                    _ => {}
                },
            )
            .map_err(|error| Failure::work(error.to_string(), "choose another voice"))?;
        debug_assert_eq!(input.len() / engine.spec().hop, hops);
        audio.drain(..late);
        Ok(Streamed {
            content,
            pitch_hz,
            audio,
        })
    }

    /// How like the whole an engine of this reach is; its sound where it is the voice of the whole.
    fn likeness(
        &self,
        engine: &mut RvcEngine,
        reach: Reach,
        config: &RvcConfig,
    ) -> Result<Likeness, Failure> {
        let streamed = self.stream(engine, reach, config)?;
        Ok(self.compare(&streamed.content, &streamed.audio, config))
    }

    /// How like another reference is.
    fn unlike(&self, other: &Self, config: &RvcConfig) -> Likeness {
        self.compare(&other.content, &other.audio, config)
    }

    /// The same with other noise: what distances of sound are to be seen against.
    fn with_seed(&self, nets: &Nets, seed: u64) -> Result<Self, Failure> {
        let all = self.content.len() / nets.config.version.features();
        Ok(Self {
            voice: self.voice.clone(),
            signal: self.signal.clone(),
            content: self.content.clone(),
            audio: self.sing(nets, all, seed)?,
        })
    }

    fn compare(&self, content: &[f32], audio: &[f32], config: &RvcConfig) -> Likeness {
        let values = config.version.features();
        let (from, to) = (BEFORE, BEFORE + self.frames(config));
        let part = from * values..to * values;
        let (whole, streamed) = (&self.content[part.clone()], &content[part]);
        let samples = samples_per_frame(config);
        let part = from * samples..to * samples;
        Likeness {
            cosine: mean_cosine(whole, streamed, values),
            cosine_around_mean: mean_cosine(
                &without_mean(whole, values),
                &without_mean(streamed, values),
                values,
            ),
            mel_db: match self.voice == *config {
                true => {
                    log_mel_distance_db(&self.audio[part.clone()], &audio[part], config.rate_hz)
                }
                false => f64::NAN,
            },
        }
    }
}

/// A voice of the same rate that costs little: for content and pitch alone.
fn small(nets: &Nets) -> Result<Nets, Failure> {
    Nets::with(
        (nets.encoder.clone(), nets.content.clone()),
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

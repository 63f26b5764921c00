//! One voice: from a base and recordings of one speaker. First it is found who speaks, an
//! embedding among those of the base; then the decoder learns to speak so.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use candle_core::{Device, Tensor};

use super::TrainError;
use super::base::{checkpoint, digest};
use super::clip::{Clip, Material, Source};
use super::contrast::Contrast;
use super::critic::CriticRecipe;
use super::drive::{Drive, Event, SAVED_EVERY, prepare, told};
use super::finish::{Finish, finish};
use super::lessons::Lessons;
use super::network::Network;
use super::perturb::Perturbation;
use super::report::Report;
use super::state::{Found, halves};
use super::steps::{Kept, Recipe, Run};
use super::weights::{Given, dilations, encoder_of, shape};
use crate::model::ddsp::{DdspConfig, DecoderConfig};
use crate::train::optimizer::Settings;
use crate::train::processor::{Arithmetic, Processor};
use crate::voice::ddsp::{self, DdspVoice, Described};

/// The least of a voice that is learnt from, in seconds.
const LEAST_S: f64 = 5.0;

/// How to train a voice.
#[derive(Clone, Debug)]
pub struct VoicePlan {
    /// What to learn from.
    pub source: Source,
    /// The name of the voice.
    pub name: String,
    /// What else its file says of it, for people.
    pub about: About,
    /// Where the voice goes.
    pub output: PathBuf,
    /// The base it begins from.
    pub base: Given,
    /// The encoder that the base was made with.
    pub encoder: Given,
    /// Steps to find who speaks, and steps to learn to speak so.
    pub steps: [u64; 2],
    /// The time that the second may take, if it is shorter.
    pub at_most: Option<Duration>,
    /// Whether a critic makes it sharper in the second half.
    pub critic: bool,
    /// Deviation of the noise on the content: a decoder that hears it blurred leans less on what
    /// the content still knows of who spoke.
    pub blur: f64,
    /// Weight of being understood: that the encoder hears in the voice what it heard in the singer.
    pub consistency: f64,
    /// Whether its spectra are made to vary as much as those of the recordings.
    pub contrast: bool,
    /// What it is given at the end.
    pub finish: Finish,
    /// Seed of the batches.
    pub seed: u64,
    /// Go on where a run of this plan stopped.
    pub resume: bool,
    /// What computes.
    pub processor: Processor,
}

/// What the file of a voice says of it for people, beside its name; all of it may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Who made it, at most 64 characters.
    pub author: String,
    /// How it may be used, at most 64 characters.
    pub licence: String,
    /// What the user should know, at most 1,000 characters.
    pub notes: String,
    /// Whose voice it is and that they agreed, with the date, at most 1,000 characters.
    pub consent: String,
}

/// The stages of a voice by name, in their order.
pub const VOICE_STAGES: [&str; 2] = ["who speaks", "the voice"];

/// How blurred a decoder hears the content while it learns a voice, if nobody says otherwise. See
/// [`VoicePlan::blur`].
pub const BLUR: f64 = 0.5;

/// How much it counts to be understood, if nobody says otherwise. See [`VoicePlan::consistency`].
pub const CONSISTENCY: f64 = 2.0;

/// A stage: its name and what moves in it.
const STAGES: [(&str, &[&str]); 2] = [
    (VOICE_STAGES[0], &["speakers."]),
    (VOICE_STAGES[1], &["speakers.", "decoder."]),
];

/// How a stage is learnt: an embedding has far to go, a decoder is nearly there.
fn recipe(stage: usize, plan: &VoicePlan) -> Recipe {
    let usual = Recipe::default();
    let (rate, warm_up) = [(2e-2, 10.0), (8e-4, 20.0)][stage];
    Recipe {
        rate,
        warm_up,
        // There are few steps to average over.
        optimizer: Settings {
            average: 0.97,
            decay: [0.0, 0.01][stage],
            ..usual.optimizer
        },
        content_noise: plan.blur,
        speaker_noise: 0.0,
        consistency: [0.0, plan.consistency][stage],
        critic: (stage == 1 && plan.critic).then(CriticRecipe::default),
        ..usual
    }
}

/// A base and its encoder.
struct Base {
    config: DdspConfig,
    encoder: Found,
    decoder: Found,
    encoder_sha256: String,
}

impl Base {
    fn open(plan: &VoicePlan) -> Result<Self, TrainError> {
        let (encoder, encoder_texts) = plan.encoder.read()?;
        let (decoder, decoder_texts) = plan.base.read()?;
        let encoder_sha256 = plan.encoder.sha256()?;
        if decoder_texts.get("encoder_sha256") != Some(&encoder_sha256) {
            return Err(TrainError::Base(format!(
                "{}, which was made with another encoder than {}",
                plan.base, plan.encoder
            )));
        }
        let [decoder_width, _, _] = shape(&decoder, "decoder.input.weight")?;
        let [_, embedding, _] = shape(&decoder, "speakers.embedding")?;
        let encoder_config = encoder_of(&encoder, &encoder_texts)?;
        let config = DdspConfig {
            decoder: DecoderConfig {
                content: encoder_config.content,
                embedding,
                width: decoder_width,
                dilations: dilations(&decoder_texts)?,
            },
            encoder: encoder_config,
        };
        config
            .check()
            .map_err(|error| TrainError::Base(error.to_string()))?;
        Ok(Self {
            config,
            encoder,
            decoder,
            encoder_sha256,
        })
    }

    /// The networks, and one speaker: the mean of those of the base.
    fn network(&mut self) -> Result<Network, TrainError> {
        let network = Network::new(&self.config, 1, 0, 0)?;
        for (name, weight) in network.weights() {
            let count = weight.elem_count();
            let mut values = match name.as_str() {
                "speakers.embedding" => {
                    let speakers = self.decoder.shape(name).map_or(0, |shape| shape[0]);
                    let all = self.decoder.take(name, speakers * count)?;
                    let mean = |n: usize| all.iter().skip(n).step_by(count).sum::<f32>();
                    (0..count)
                        .map(|n| mean(n) / speakers.max(1) as f32)
                        .collect()
                }
                name if name.starts_with("encoder.") => self.encoder.take(name, count)?,
                name => self.decoder.take(name, count)?,
            };
            Network::import(name, &mut values);
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)?;
        }
        Ok(network)
    }
}

/// Trains a voice and writes it: the decoder, the embedding, and what the engine has to know of
/// the speaker.
///
/// # Errors
/// [`TrainError`]; when it is [`TrainError::Stopped`], the run can be resumed.
pub fn train_voice(
    plan: &VoicePlan,
    stop: &AtomicBool,
    report: &mut dyn FnMut(Event),
) -> Result<(), TrainError> {
    super::have_folders(&[&plan.output])?;
    let arithmetic = plan.processor.open().map_err(TrainError::Processor)?;
    let base = Base::open(plan)?;
    let mut material = prepare(&plan.source, stop, report)?;
    if material.seconds() < LEAST_S {
        return Err(TrainError::TooShort {
            found_s: material.seconds(),
            least_s: LEAST_S,
        });
    }
    if material
        .clips
        .iter()
        .all(|clip| clip.f0_hz.iter().all(|hz| *hz <= 0.0))
    {
        return Err(TrainError::NoPitch);
    }
    let (config, encoder) = (base.config.clone(), base.encoder_sha256.clone());
    let (facts, seconds) = (facts(&material), material.seconds());
    let mut page = Report::new(
        plan.output.with_extension("html"),
        (&plan.name, facts, &material.advice),
        &mut material.clips,
        (&config, material.bandwidth_hz),
    );
    let kept = learn(
        plan,
        &material,
        (base, &arithmetic),
        &mut page,
        (stop, report),
    )?;
    let finished = kept.clone();
    write(plan, &material, seconds, (&config, &encoder), kept)?;
    told(page.finish(finished), report);
    // It has served; what cannot be removed only takes space.
    let _ = std::fs::remove_file(checkpoint(&plan.output));
    Ok(())
}

/// One stage after the other: what to keep.
fn learn(
    plan: &VoicePlan,
    material: &Material,
    (mut base, arithmetic): (Base, &Arithmetic),
    page: &mut Report,
    (stop, report): (&AtomicBool, &mut dyn FnMut(Event)),
) -> Result<Kept, TrainError> {
    let path = checkpoint(&plan.output);
    let mut network = base.network()?;
    let lessons = Lessons::with(&material.clips, &material.others, &material.texts, &network)?;
    if !material.others.is_empty() {
        report(Event::Others {
            seconds: lessons.seconds_of_others(),
        });
    }
    network = network.on(arithmetic)?;
    let origin = format!(
        "seed {}, {:?} steps, {:?}, {:?}, clips {:08x}, {:.2} s of others, encoder {}, base {}{}",
        plan.seed,
        plan.steps,
        base.config,
        Perturbation::default(),
        digest(&material.clips),
        lessons.seconds_of_others(),
        base.encoder_sha256,
        plan.base.sha256()?,
        plan.processor.told()
    );
    let known = material.clips.iter().map(|clip| clip.known);
    let bands = known.min().unwrap_or(0).max(1);
    let (mut resume, mut kept) = (plan.resume, Kept::new());
    for (stage, (name, parts)) in STAGES.into_iter().enumerate() {
        let recipe = recipe(stage, plan);
        let drive = Drive {
            lessons: &lessons,
            bend: Perturbation::default(),
            seed: plan.seed.wrapping_add(stage as u64),
            checkpoint: &path,
            plan: format!("voice, {name}, {origin}, {recipe:?}"),
            saved_every: SAVED_EVERY,
            at_most: plan.at_most.filter(|_| stage == 1),
            stop,
        };
        let mut run = Run::new(network, parts, plan.steps[stage], recipe, bands)?;
        if stage == 0 {
            page.begin(run.kept()?)?;
        }
        if resume {
            match run.resume(&path, &drive.plan) {
                Ok(()) => resume = false,
                // Perhaps it stopped in the second stage, which has everything of the first.
                Err(TrainError::Resume(_)) if stage == 0 => {
                    network = run.network;
                    continue;
                }
                Err(error) => return Err(error),
            }
        }
        let step = run.step;
        report(Event::Stage { name, step });
        drive.go(&mut run, report, &mut |run, _| page.go_on(name, run))?;
        kept = run.kept()?;
        page.end(name, run.history);
        network = run.network;
    }
    if plan.contrast {
        let bend = Perturbation::default();
        Contrast::of(&network, &lessons, &bend, plan.seed, bands)?.apply(&mut kept);
    }
    let made_by = (&base.config, material.bandwidth_hz);
    finish(plan.finish, &material.clips, made_by, &mut kept, report)?;
    Ok(kept)
}

/// The mean pitch in Hz, in octaves.
fn mean_pitch_hz(clips: &[Clip]) -> f64 {
    let voiced = clips.iter().flat_map(|clip| &clip.f0_hz);
    let voiced = voiced.filter(|hz| 0.0 < **hz).map(|hz| f64::from(*hz));
    let (sum, count) = voiced.fold((0.0, 0.0), |(sum, n), hz| (sum + hz.log2(), n + 1.0));
    (sum / f64::max(count, 1.0)).exp2()
}

/// What the page says of a voice.
fn facts(material: &Material) -> Vec<(&'static str, String)> {
    vec![
        ("Speech", format!("{:.0} s", material.seconds())),
        (
            "Mean pitch",
            format!("{:.0} Hz", mean_pitch_hz(&material.clips)),
        ),
        ("Bandwidth", format!("{:.0} Hz", material.bandwidth_hz)),
    ]
}

fn write(
    plan: &VoicePlan,
    material: &Material,
    seconds: f64,
    (config, encoder_sha256): (&DdspConfig, &str),
    kept: Kept,
) -> Result<(), TrainError> {
    let mut tensors = Vec::new();
    for (name, (shape, values)) in kept {
        if name == "speakers.embedding" {
            let (name, shape) = config.decoder.embedding_shape();
            tensors.push((name, halves(shape, &values)));
        } else if name.starts_with("decoder.") {
            tensors.push((name, halves(shape, &values)));
        }
    }
    let described = Described {
        name: plan.name.clone(),
        author: plan.about.author.clone(),
        licence: plan.about.licence.clone(),
        notes: plan.about.notes.clone(),
        consent: plan.about.consent.clone(),
        info: format!("{seconds:.0} s of recordings"),
        voice: DdspVoice {
            decoder: config.decoder.clone(),
            ahead: config.encoder.ahead,
            encoder_sha256: encoder_sha256.to_owned(),
            bandwidth_hz: material.bandwidth_hz as f32,
            mean_pitch_hz: mean_pitch_hz(&material.clips) as f32,
        },
    };
    Ok(ddsp::write(&plan.output, &described, &tensors)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_pitch_is_of_what_is_voiced() {
        let clip = Clip {
            f0_hz: vec![0.0, 100.0, 400.0, 0.0],
            ..Clip::default()
        };
        assert!((mean_pitch_hz(&[clip]) - 200.0).abs() < 1e-6);
        assert_eq!(mean_pitch_hz(&[]), 1.0);
    }
}

//! A base: encoder and decoder from recordings of many speakers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::TrainError;
use super::begin::begin_from;
use super::clip::{Clip, Material, Source};
use super::drive::{Drive, Event, SAVED_EVERY, SAVED_EVERY_ON_CARDS, prepare, told};
use super::held::hold_out;
use super::lessons::Lessons;
use super::looks::{self, Looks};
use super::network::Network;
use super::page::{Page, page};
use super::perturb::Perturbation;
use super::state::halves;
use super::steps::{Recipe, Run};
use super::weights::Weights;
use crate::io::checkpoint::write_safetensors;
use crate::io::{Existing, write_document};
use crate::model::ddsp::DdspConfig;
use crate::train::processor::Processor;

/// How to train a base.
#[derive(Clone, Debug)]
pub struct BasePlan {
    /// What to learn from.
    pub source: Source,
    /// Where the decoder and the speakers go.
    pub output: PathBuf,
    /// Where the encoder goes.
    pub encoder: PathBuf,
    /// The sizes of the networks.
    pub config: DdspConfig,
    /// Steps.
    pub steps: u64,
    /// The time they may take, if it is shorter.
    pub at_most: Option<Duration>,
    /// What to begin from instead of random weights: another base and its encoder, of the same
    /// sizes; it may look less far ahead. Speakers and phones that it does not know begin at random.
    pub start: Option<Weights>,
    /// Seed of weights and batches.
    pub seed: u64,
    /// Go on where a run of this plan stopped.
    pub resume: bool,
    /// What computes.
    pub processor: Processor,
    /// The highest rate of learning; [`RATE`] is usual.
    pub rate: f64,
    /// How what the encoder hears is bent; [`Perturbation::NONE`] shows what that brings.
    pub bend: Perturbation,
    /// Learn nothing from some stretches, and tell now and then what the networks make of them.
    pub hold_out: bool,
    /// Write both files now and then, too: a machine that is lent may be gone before the end.
    pub snapshots: bool,
}

/// The highest rate at which a base learns, if nobody says otherwise.
pub const RATE: f64 = 1.5e-3;

/// Where a run is kept until it is finished: beside its output.
pub fn checkpoint(output: &std::path::Path) -> PathBuf {
    let mut name = output.file_stem().unwrap_or_default().to_owned();
    name.push(".training.safetensors");
    output.with_file_name(name)
}

/// A number that other clips hardly have, too.
pub fn digest(clips: &[Clip]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for clip in clips {
        for values in [&clip.mel, &clip.f0_hz] {
            values.iter().for_each(|x| hasher.update(&x.to_le_bytes()));
        }
        hasher.update(&clip.speaker.to_le_bytes());
    }
    hasher.finalize()
}

/// Trains a base and writes it: encoder and phones to one file, decoder and speakers to another.
///
/// # Errors
/// [`TrainError`]; when it is [`TrainError::Stopped`], the run can be resumed.
pub fn train_base(
    plan: &BasePlan,
    stop: &AtomicBool,
    report: &mut dyn FnMut(Event),
) -> Result<(), TrainError> {
    super::have_folders(&[&plan.output, &plan.encoder])?;
    let arithmetic = plan.processor.open().map_err(TrainError::Processor)?;
    let mut material = prepare(&plan.source, stop, report)?;
    let held = match plan.hold_out {
        true => hold_out(&mut material.clips, looks::STRETCHES),
        false => Vec::new(),
    };
    let counts = (material.speakers.len(), material.phones.len());
    let network = Network::new(&plan.config, counts.0, counts.1, plan.seed)?;
    // Who says the same as somebody else is found out by an encoder that can hear it.
    let clips = &material.clips;
    let (lessons, origin) = match &plan.start {
        Some(start) => {
            begin_from(start, &network, &material)?;
            let origin = format!(
                "from {} and {}",
                start.base.sha256()?,
                start.encoder.sha256()?
            );
            let lessons = Lessons::with(clips, clips, &material.texts, &network)?;
            report(Event::Others {
                seconds: lessons.seconds_of_others(),
            });
            (lessons, origin)
        }
        None => (Lessons::alone(clips), "from nothing".to_owned()),
    };
    let network = network.on(&arithmetic)?;
    let recipe = Recipe {
        rate: plan.rate,
        ..Recipe::default()
    };
    let steps = plan.steps;
    let mut run = Run::new(network, &[""], steps, recipe, 0)?;
    let path = checkpoint(&plan.output);
    let drive = Drive {
        lessons: &lessons,
        bend: plan.bend,
        seed: plan.seed,
        checkpoint: &path,
        plan: format!(
            "base {origin}, seed {}, {steps} steps, {:?}, {recipe:?}, {:?}, clips {:08x}, {:.2} s of others, {} phones{}",
            plan.seed,
            plan.config,
            plan.bend,
            digest(&material.clips),
            lessons.seconds_of_others(),
            material.phones.len(),
            plan.processor.told()
        ),
        saved_every: match plan.processor {
            Processor::Cpu => SAVED_EVERY,
            Processor::Cuda(_) => SAVED_EVERY_ON_CARDS,
        },
        at_most: plan.at_most,
        stop,
    };
    if plan.resume {
        run.resume(&path, &drive.plan)?;
    }
    report(Event::Stage {
        name: "base",
        step: run.step,
    });
    let looks = Looks::new(&held, arithmetic.device())?;
    let mut looked = Instant::now();
    drive.go(&mut run, report, &mut |run, report| {
        show(plan, &material, run)?;
        if looked.elapsed() < looks::EVERY {
            return Ok(());
        }
        looked = Instant::now();
        looks.tell(run, report)?;
        match plan.snapshots {
            true => write(plan, &material, run),
            false => Ok(()),
        }
    })?;
    looks.tell(&run, report)?;
    write(plan, &material, &run)?;
    told(show(plan, &material, &run), report);
    // It has served; what cannot be removed only takes space.
    let _ = std::fs::remove_file(&path);
    Ok(())
}

/// Writes the page about it.
fn show(plan: &BasePlan, material: &Material, run: &Run) -> Result<(), TrainError> {
    let state = match run.finished() {
        true => "The base is finished.".to_owned(),
        false => format!("Still learning: step {} of {}.", run.step, run.steps),
    };
    let html = page(&Page {
        title: "Base",
        state: &state,
        facts: &[
            ("Speech", format!("{:.0} s", material.seconds())),
            ("Speakers", material.speakers.len().to_string()),
            ("Phones", material.phones.len().to_string()),
        ],
        notes: &material.advice,
        stages: &[("base", run.history.clone())],
        ..Page::default()
    })?;
    let path = plan.output.with_extension("html");
    write_document(&path, &html, Existing::Replace)?;
    Ok(())
}

/// Writes both files.
pub(super) fn write(plan: &BasePlan, material: &Material, run: &Run) -> Result<(), TrainError> {
    let (mut encoder, mut decoder) = (Vec::new(), Vec::new());
    for (name, (shape, values)) in run.kept()? {
        let hears = name.starts_with("encoder.") || name.starts_with("phones.");
        let file = if hears { &mut encoder } else { &mut decoder };
        file.push((name, halves(shape, &values)));
    }
    let json = |values: &[String]| serde_json::Value::from(values.to_vec()).to_string();
    let content = BTreeMap::from([
        ("kind".to_owned(), "content encoder".to_owned()),
        ("version".to_owned(), "1".to_owned()),
        ("ahead".to_owned(), plan.config.encoder.ahead.to_string()),
        (
            "dilations".to_owned(),
            format!("{:?}", plan.config.encoder.dilations),
        ),
        ("phones".to_owned(), json(&material.phones)),
    ]);
    write_safetensors(&plan.encoder, &encoder, &content)?;
    let texts = BTreeMap::from([
        ("kind".to_owned(), "base voice".to_owned()),
        ("version".to_owned(), "1".to_owned()),
        (
            "dilations".to_owned(),
            format!("{:?}", plan.config.decoder.dilations),
        ),
        ("encoder_sha256".to_owned(), super::sha256(&plan.encoder)?),
        (
            "bandwidth_hz".to_owned(),
            format!("{:.0}", material.bandwidth_hz),
        ),
        ("speakers".to_owned(), json(&material.speakers)),
    ]);
    Ok(write_safetensors(&plan.output, &decoder, &texts)?)
}

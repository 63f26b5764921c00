//! A base: encoder and decoder from recordings of many speakers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::TrainError;
use super::clip::{Clip, Material, Source};
use super::drive::{Drive, Event};
use super::network::Network;
use super::page::page;
use super::perturb::Perturbation;
use super::state::halves;
use super::steps::{Recipe, Run};
use crate::io::checkpoint::write_safetensors;
use crate::io::{Existing, write_document};
use crate::model::ddsp::DdspConfig;

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
    /// Seed of weights and batches.
    pub seed: u64,
    /// Go on where a run of this plan stopped.
    pub resume: bool,
}

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
    let material = Material::read(&plan.source, stop, |files, total| {
        report(Event::Prepared { files, total });
    })?;
    report(Event::Ready {
        seconds: material.seconds(),
        speakers: material.speakers.len(),
        advice: material.advice.clone(),
    });
    let counts = (material.speakers.len(), material.phones.len());
    let network = Network::new(&plan.config, counts.0, counts.1, plan.seed)?;
    let recipe = Recipe::default();
    let steps = plan.steps;
    let mut run = Run::new(network, &[""], steps, recipe, 0)?;
    let path = checkpoint(&plan.output);
    let drive = Drive {
        clips: &material.clips,
        bend: Perturbation::default(),
        seed: plan.seed,
        checkpoint: &path,
        plan: format!(
            "base, seed {}, {steps} steps, {:?}, {recipe:?}, clips {:08x}, {} phones",
            plan.seed,
            plan.config,
            digest(&material.clips),
            material.phones.len()
        ),
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
    drive.go(&mut run, report)?;
    write(plan, &material, &run)?;
    let facts = [
        ("Speech", format!("{:.0} s", material.seconds())),
        ("Speakers", material.speakers.len().to_string()),
        ("Phones", material.phones.len().to_string()),
    ];
    let html = page("Base", &facts, &material.advice, &[("base", &run.history)]);
    write_document(
        &plan.output.with_extension("html"),
        &html,
        Existing::Replace,
    )?;
    // It has served; what cannot be removed only takes space.
    let _ = std::fs::remove_file(&path);
    Ok(())
}

fn write(plan: &BasePlan, material: &Material, run: &Run) -> Result<(), TrainError> {
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

//! A base: encoder and decoder from recordings of many speakers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};

use super::TrainError;
use super::clip::{Clip, Material, Source};
use super::drive::{Drive, Event, SAVED_EVERY, SAVED_EVERY_ON_CARDS, told};
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
use crate::train::ops::values;
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
    let mut material = Material::read(&plan.source, stop, |files, total| {
        report(Event::Prepared { files, total });
    })?;
    report(Event::Ready {
        seconds: material.seconds(),
        speakers: material.speakers.len(),
        advice: material.advice.clone(),
    });
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
        bend: Perturbation::default(),
        seed: plan.seed,
        checkpoint: &path,
        plan: format!(
            "base {origin}, seed {}, {steps} steps, {:?}, {recipe:?}, {:?}, clips {:08x}, {:.2} s of others, {} phones{}",
            plan.seed,
            plan.config,
            Perturbation::default(),
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

/// Sets the weights that another base and its encoder have.
fn begin_from(start: &Weights, network: &Network, material: &Material) -> Result<(), TrainError> {
    for given in [&start.encoder, &start.base] {
        let (found, texts) = given.read()?;
        let names = |kind: &str| -> Result<Vec<String>, TrainError> {
            let text = texts.get(kind).map_or("[]", String::as_str);
            let wrong = |_| TrainError::Base(format!("{given} without names of its {kind}"));
            serde_json::from_str(text).map_err(wrong)
        };
        for (name, shape, theirs) in found.all() {
            let Some(weight) = network.weights().get(&name) else {
                return Err(TrainError::Base(format!(
                    "{name} in {given}, which is not used here"
                )));
            };
            // Rows of their own, by what each stands for.
            let (known, wanted) = match name.split('.').next() {
                Some("speakers") => (names("speakers")?, &material.speakers),
                Some("phones") => (names("phones")?, &material.phones),
                _ => {
                    let Some(mut theirs) = fitted(&shape, theirs, weight.dims()) else {
                        return Err(TrainError::Base(format!(
                            "{name} of {shape:?} instead of {:?} in {given}",
                            weight.dims()
                        )));
                    };
                    Network::import(&name, &mut theirs);
                    weight.set(&Tensor::from_vec(theirs, weight.shape(), &Device::Cpu)?)?;
                    continue;
                }
            };
            let width = theirs.len() / known.len().max(1);
            let mut values = values(weight)?;
            for (ours, name) in values.chunks_exact_mut(width.max(1)).zip(wanted) {
                let row = known.iter().position(|known| known == name);
                if let Some(theirs) = row.and_then(|row| theirs.get(row * width..(row + 1) * width))
                {
                    ours.copy_from_slice(theirs);
                }
            }
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)?;
        }
    }
    Ok(())
}

/// Weights of a shape as ones of another: as they are, or with taps of zeros on both sides for an
/// encoder that is to look farther ahead, which begins by hearing what the one before heard.
fn fitted(shape: &[usize], theirs: Vec<f32>, wanted: &[usize]) -> Option<Vec<f32>> {
    if shape == wanted {
        return Some(theirs);
    }
    let ([outs, ins, taps], [ours_outs, ours_ins, more]) = (shape, wanted) else {
        return None;
    };
    let grows = taps < more && (more - taps) % 2 == 0;
    if (outs, ins) != (ours_outs, ours_ins) || !grows {
        return None;
    }
    let mut values = vec![0.0; outs * ins * more];
    let rows = values
        .chunks_exact_mut(*more)
        .zip(theirs.chunks_exact(*taps));
    for (row, theirs) in rows {
        row[(more - taps) / 2..][..*taps].copy_from_slice(theirs);
    }
    Some(values)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::voice::tests::small;

    fn material(speakers: &[&str], phones: &[&str]) -> Material {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Material {
            clips: Vec::new(),
            others: Vec::new(),
            texts: BTreeMap::new(),
            speakers: names(speakers),
            phones: names(phones),
            bandwidth_hz: 8_000.0,
            advice: Vec::new(),
        }
    }

    #[test]
    fn an_encoder_that_is_to_look_farther_begins_by_hearing_what_the_one_before_heard() {
        let near = Network::new(&small(0), 0, 0, 5).unwrap();
        for ahead in [1, 2] {
            let far = Network::new(&small(ahead), 0, 0, 6).unwrap();
            for (name, weight) in near.weights() {
                let ours = &far.weights()[name];
                let grown = fitted(weight.dims(), values(weight).unwrap(), ours.dims()).unwrap();
                ours.set(&Tensor::from_vec(grown, ours.shape(), &Device::Cpu).unwrap())
                    .unwrap();
            }
            let mel = Tensor::rand(-1f32, 1.0, (1, 9, 80), &Device::Cpu).unwrap();
            let [before, after] =
                [&near, &far].map(|network| values(&network.encode(&mel).unwrap()).unwrap());
            let wrong = before.iter().zip(&after).map(|(a, b)| (a - b).abs());
            assert!(wrong.fold(0.0, f32::max) < 1e-5, "{ahead}");
        }
        // One that is to look less far would lose what it heard.
        for (shape, wanted) in [
            ([2, 3, 3], [2, 3, 1]),
            ([2, 3, 3], [2, 3, 4]),
            ([2, 2, 3], [2, 3, 5]),
        ] {
            let count = shape.iter().product();
            assert_eq!(fitted(&shape, vec![1.0; count], &wanted), None);
        }
    }

    #[test]
    fn a_base_begins_from_another_by_the_names_of_its_rows() {
        let home = tempfile::tempdir().unwrap();
        let plan = |name: &str, start| BasePlan {
            source: Source {
                folders: Vec::new(),
                seconds: 1.0,
                speaker: None,
                only: None,
                labels: None,
            },
            output: home.path().join(format!("{name}.safetensors")),
            encoder: home.path().join(format!("{name}-content.safetensors")),
            config: small(1),
            steps: 0,
            at_most: None,
            start,
            seed: 1,
            resume: false,
            processor: Processor::Cpu,
            rate: RATE,
            hold_out: false,
            snapshots: false,
        };
        let first = plan("first", None);
        let theirs = material(&["Anna", "Bert"], &["AA", "SIL"]);
        let network = Network::new(&first.config, 2, 2, 5).unwrap();
        let run = Run::new(network, &[""], 0, Recipe::default(), 0).unwrap();
        write(&first, &theirs, &run).unwrap();
        let start = Weights {
            base: first.output.clone().into(),
            encoder: first.encoder.clone().into(),
        };
        let ours = material(&["Cleo", "Bert", "Anna"], &["SIL", "ZH", "AA"]);
        let network = Network::new(&first.config, 3, 3, 6).unwrap();
        let random = Network::new(&first.config, 3, 3, 6).unwrap();
        begin_from(&start, &network, &ours).unwrap();
        let near = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            // Files have halves, of spectra about -18.
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 5e-3));
        };
        for (name, weight) in run.network.weights() {
            let [before, found, drawn] =
                [weight, &network.weights()[name], &random.weights()[name]]
                    .map(|weight| values(weight).unwrap());
            let rows = match name.split('.').next() {
                // Whose rows they are, and of which nobody knew.
                Some("speakers") => [(1, Some(1)), (2, Some(0)), (0, None)],
                Some("phones") => [(0, Some(1)), (2, Some(0)), (1, None)],
                _ => {
                    near(&found, &before);
                    continue;
                }
            };
            let width = found.len() / 3;
            for (row, theirs) in rows {
                let (wanted, row_of) = theirs.map_or((&drawn, row), |row| (&before, row));
                let wanted = &wanted[row_of * width..][..width];
                near(&found[row * width..][..width], wanted);
            }
        }
        let other = Network::new(&small(0), 3, 3, 6).unwrap();
        let error = begin_from(&start, &other, &ours).unwrap_err();
        assert!(matches!(error, TrainError::Base(_)), "{error}");
        assert!(
            error.to_string().contains("encoder.input.weight of"),
            "{error}"
        );
    }
}

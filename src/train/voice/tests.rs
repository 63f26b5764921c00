//! The networks see what they may, learn, and are as fast as they should be.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use candle_core::{Device, Tensor};

use super::batch::Batch;
use super::clip::Clip;
use super::critic::CriticRecipe;
use super::drive::Drive;
use super::lessons::Lessons;
use super::loss::{Mask, masked_l1};
use super::network::Network;
use super::perturb::Perturbation;
use super::state::{Found, halves};
use super::steps::{Recipe, Run};
use super::{
    About, BasePlan, Event, Finish, FinishPlan, RATE, Source, TrainError, VoicePlan, checkpoint,
    finish_voice, train_base, train_voice,
};
use crate::io::checkpoint::{Checkpoint, Limits};
use crate::model::ddsp::features::BANDS as MELS;
use crate::model::ddsp::grid::BANDS;
use crate::model::ddsp::{
    Centre, DdspConfig, Decoder, DecoderConfig, Encoder, EncoderConfig, SUNG,
};
use crate::nn::Weights;
use crate::train::ops::composed::Composed;
use crate::train::ops::testing::{check_gradients, random_var};
use crate::train::ops::values;
use crate::train::optimizer::{Optimizer, Settings};
use crate::train::processor::{Arithmetic, Processor};
use crate::train::random::Random;
use crate::voice::ddsp;

pub fn small(ahead: usize) -> DdspConfig {
    let dilations = vec![1, 2];
    DdspConfig {
        encoder: EncoderConfig {
            ahead,
            width: 16,
            dilations: dilations.clone(),
            content: 8,
        },
        decoder: DecoderConfig {
            content: 8,
            embedding: 4,
            width: 16,
            dilations,
        },
    }
}

fn noise(seed: u64, shape: &[usize]) -> Tensor {
    random_var(&mut Random::new(seed), shape, 1.0).as_detached_tensor()
}

/// All of it is known.
fn everywhere(wanted: &Tensor) -> Mask {
    Mask::new(vec![1.0; wanted.elem_count()], wanted.shape(), &Device::Cpu).unwrap()
}

#[test]
fn content_hears_the_past_and_so_many_frames_ahead() {
    for ahead in [0, 1, 2] {
        let network = Network::new(&small(ahead), 0, 0, 3).unwrap();
        let mel = noise(4, &[1, 12, MELS]);
        let mut moved = values(&mel).unwrap();
        moved[6 * MELS] += 1.0;
        let moved = Tensor::from_vec(moved, mel.shape(), &Device::Cpu).unwrap();
        let content = |mel| values(&network.encode(mel).unwrap()).unwrap();
        let (before, after) = (content(&mel), content(&moved));
        let frames = before.chunks(8).zip(after.chunks(8));
        let first = frames.take_while(|(a, b)| a == b).count();
        assert_eq!(first, 6 - ahead);
    }
}

#[test]
fn every_weight_has_the_gradient_of_small_steps() {
    let network = Network::new(&small(1), 3, 5, 5).unwrap();
    let (mel, sung) = (noise(6, &[2, 7, MELS]), noise(7, &[2, 7, SUNG]));
    let loss = || {
        let content = network.encode(&mel).unwrap();
        let who = network.speakers(&[2, 0]).unwrap();
        let output = network.decode(&content, &sung, &who).unwrap();
        let phones = network.phones(&content).unwrap().unwrap();
        let parts = [output.envelope, output.aperiodicity, phones];
        let sums = parts.map(|part| part.sqr().unwrap().mean_all().unwrap());
        Tensor::stack(&sums, 0).unwrap().sum_all().unwrap()
    };
    let gradients = loss().backward().unwrap();
    for (name, weight) in network.weights() {
        assert!(gradients.get(weight).is_some(), "{name}");
    }
    for name in [
        "encoder.input.weight",
        "encoder.blocks.1.conv.weight",
        "decoder.blocks.0.speaker.weight",
        "decoder.blocks.1.norm.weight",
        "speakers.embedding",
        "phones.bias",
    ] {
        check_gradients(&[&network.weights()[name]], 2e-2, 2e-2, loss);
    }
}

#[test]
fn a_small_network_learns_what_it_is_shown() {
    let network = Network::new(&small(1), 2, 0, 8).unwrap();
    let (mel, sung) = (noise(9, &[2, 10, MELS]), noise(10, &[2, 10, SUNG]));
    let wanted = (noise(11, &[2, 10, BANDS]) * 2.0).unwrap();
    let wanted = (wanted - 18.0).unwrap();
    let known = everywhere(&wanted);
    let mut optimizer = Optimizer::new(network.weights(), Settings::default()).unwrap();
    let mut losses = Vec::new();
    for _ in 0..60 {
        let content = network.encode(&mel).unwrap();
        let who = network.speakers(&[0, 1]).unwrap();
        let output = network.decode(&content, &sung, &who).unwrap();
        let loss = masked_l1(&output.envelope, &wanted, &known).unwrap();
        losses.push(loss.to_scalar::<f32>().unwrap());
        let gradients = loss.backward().unwrap();
        optimizer.step(network.weights(), &gradients, 1e-2).unwrap();
    }
    assert!(
        losses[59] < 0.6 * losses[0],
        "{} to {}",
        losses[0],
        losses[59]
    );
    assert_eq!(network.part("speakers.").len(), 1);
    assert_eq!(network.weights()["speakers.embedding"].dims(), [2, 4]);
}

/// `cargo test --release --features train -- --ignored --nocapture speed_of_a_batch`
#[test]
#[ignore = "a measurement, not a check"]
fn speed_of_a_batch() {
    let clips = clips();
    let lessons = Lessons::alone(&clips);
    let begun = std::time::Instant::now();
    for step in 0..20 {
        std::hint::black_box(Batch::draw(&lessons, &Perturbation::default(), 7, step));
    }
    println!("{:.1} ms", begun.elapsed().as_secs_f64() / 20.0 * 1e3);
}

/// `cargo test --release --features train -- --ignored --nocapture speed_of_a_step`
#[test]
#[ignore = "a measurement, not a check"]
fn speed_of_a_step() {
    let network = Network::new(&DdspConfig::default(), 2, 40, 8).unwrap();
    let (batch, frames) = (16, 200);
    let mel = noise(9, &[batch, frames, MELS]);
    let sung = noise(10, &[batch, frames, SUNG]);
    let wanted = noise(11, &[batch, frames, BANDS]);
    let known = everywhere(&wanted);
    let mut optimizer = Optimizer::new(network.weights(), Settings::default()).unwrap();
    for _ in 0..6 {
        let start = std::time::Instant::now();
        let content = network.encode(&mel).unwrap();
        let who = network.speakers(&[0; 16]).unwrap();
        let output = network.decode(&content, &sung, &who).unwrap();
        let loss = masked_l1(&output.envelope, &wanted, &known).unwrap();
        let forward = start.elapsed();
        let gradients = loss.backward().unwrap();
        let backward = start.elapsed();
        optimizer.step(network.weights(), &gradients, 1e-3).unwrap();
        let all = start.elapsed();
        println!(
            "forward {forward:?}, backward {:?}, optimizer {:?}: {:.1} x real time",
            backward - forward,
            all - backward,
            32.0 / all.as_secs_f64()
        );
    }
}

#[test]
fn streams_and_training_run_the_same_networks() {
    for ahead in [0, 1, 2] {
        let config = small(ahead);
        let network = Network::new(&config, 1, 0, 21).unwrap();
        let tensors = network.weights().iter().map(|(name, weight)| {
            let mut found = values(weight).unwrap();
            Network::export(name, &mut found);
            (name.clone(), weight.dims().to_vec(), found)
        });
        let weights = Weights::new(tensors).unwrap();
        let mel = noise(22, &[1, 20, MELS]);
        let content = network.encode(&mel).unwrap();
        let encoder = Encoder::new(&config.encoder, &weights.root()).unwrap();
        // Training has silence after the end.
        let mut heard = values(&mel).unwrap();
        heard.resize((20 + ahead) * MELS, 0.0);
        let streamed = encoder.forward(&heard);
        let near = |found: &[f32], wanted: &Tensor, what: &str| {
            let wanted = values(wanted).unwrap();
            assert_eq!(found.len(), wanted.len(), "{what}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert!(
                    (found - wanted).abs() < 1e-5 * wanted.abs().max(1.0),
                    "{what}"
                );
            }
        };
        near(&streamed, &content, "content");
        let sung = noise(23, &[1, 20, SUNG]);
        let who = network.speakers(&[0]).unwrap();
        let output = network.decode(&content, &sung, &who).unwrap();
        let wanted = Tensor::cat(&[output.envelope, output.aperiodicity], 2).unwrap();
        let mut decoder = Decoder::new(&config.decoder, &weights.root()).unwrap();
        decoder.set_speaker(&values(&who).unwrap());
        let input = Tensor::cat(&[content, sung], 2).unwrap();
        near(
            &decoder.forward(&values(&input).unwrap()),
            &wanted,
            "spectra",
        );
    }
}

/// Clips of noise.
pub fn clips() -> Vec<Clip> {
    let mut random = Random::new(31);
    let mut values = |count: usize, scale: f32| -> Vec<f32> {
        (0..count).map(|_| scale * random.white()).collect()
    };
    let frames = 90;
    let clip = |speaker| Clip {
        speaker,
        mel: values(frames * MELS, 1.0),
        f0_hz: (0..frames)
            .map(|n| if n % 9 < 5 { 150.0 } else { 0.0 })
            .collect(),
        ln_power: values(frames * BANDS, 3.0),
        noise: vec![0.3; frames * BANDS],
        known: 70,
        phones: Some((0..frames as u32).map(|n| n % 5).collect()),
        ..Clip::default()
    };
    [0, 1, 2].map(clip).into()
}

fn learn(run: &mut Run, clips: &[Clip], steps: u64) {
    for _ in 0..steps {
        let lessons = Lessons::alone(clips);
        let batch = Batch::draw(&lessons, &Perturbation::default(), 7, run.step);
        run.learn(&batch.tensors(&Device::Cpu).unwrap()).unwrap();
    }
}

pub fn small_run(parts: &[&str]) -> Run {
    let network = Network::new(&small(1), 3, 5, 32).unwrap();
    let recipe = Recipe {
        // After the first three steps.
        critic: Some(CriticRecipe::default()),
        ..Recipe::default()
    };
    Run::new(network, parts, 6, recipe, 70).unwrap()
}

#[test]
fn a_run_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let clips = clips();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let mut whole = small_run(&[""]);
    learn(&mut whole, &clips, 6);
    let mut first = small_run(&[""]);
    learn(&mut first, &clips, 3);
    first.save(&path, "plan").unwrap();
    let mut second = small_run(&[""]);
    assert!(matches!(
        second.resume(&path, "another plan"),
        Err(TrainError::Resume(_))
    ));
    second.resume(&path, "plan").unwrap();
    assert_eq!(second.step, 3);
    learn(&mut second, &clips, 3);
    assert_eq!(whole.history[3..], second.history[3..]);
    assert!(whole.history[0].critic == 0.0 && 0.0 < whole.history[4].critic);
    assert!(whole.kept().unwrap() == second.kept().unwrap());
    assert!(whole.finished() && second.finished());
    // A file that is cut short is no run.
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(small_run(&[""]).resume(&path, "plan").is_err());
}

/// What a card computes, on the processor: candle's operations in place of our own.
#[test]
fn a_card_learns_what_the_processor_learns() {
    let clips = clips();
    let run = |arithmetic: &Arithmetic| {
        let network = Network::new(&small(1), 3, 5, 32).unwrap();
        let recipe = Recipe {
            consistency: 1.0,
            critic: Some(CriticRecipe {
                begin: 0.0,
                ..CriticRecipe::default()
            }),
            ..Recipe::default()
        };
        let network = network.on(arithmetic).unwrap();
        let mut run = Run::new(network, &[""], 4, recipe, 70).unwrap();
        learn(&mut run, &clips, 4);
        run
    };
    let composed = Arithmetic::Composed(Arc::new(Composed::new(Device::Cpu)));
    let (found, wanted) = (run(&composed), run(&Arithmetic::Own));
    for (found, wanted) in found.history.iter().zip(&wanted.history) {
        for (found, wanted) in found.all().into_iter().zip(wanted.all()) {
            assert!((found - wanted).abs() < 2e-3 * wanted, "{found} {wanted}");
        }
    }
}

#[test]
fn only_the_parts_named_move() {
    let clips = clips();
    let mut run = small_run(&["speakers.", "decoder."]);
    let before = small_run(&[""]).kept().unwrap();
    learn(&mut run, &clips, 2);
    for (name, weights) in run.kept().unwrap() {
        let moved = weights != before[&name];
        assert_eq!(
            moved,
            name.starts_with("decoder.") || name.starts_with("speakers."),
            "{name}"
        );
    }
}

/// A folder of recordings of buzzing speakers, and pauses between.
pub fn recordings(folder: &Path, speakers: &[(&str, f64)]) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, f0_hz) in speakers {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let path = folder.join(format!("{name}-1.wav"));
        let mut file = hound::WavWriter::create(path, spec).unwrap();
        for i in 0..48_000 {
            let t = f64::from(i) / 16_000.0;
            let turns = t * f0_hz + 2.0 * (3.0 * t).sin();
            let buzz = |k: i32| (std::f64::consts::TAU * f64::from(k) * turns).cos() / f64::from(k);
            let loud = if t % 1.5 < 1.1 { 5_000.0 } else { 3.0 };
            file.write_sample((loud * (1..20).map(buzz).sum::<f64>() / 3.0) as i16)
                .unwrap();
        }
        file.finalize().unwrap();
    }
}

#[test]
fn content_is_centred_as_a_stream_is() {
    let (frames, width) = (40, 6);
    let content = noise(40, &[2, frames, width]);
    let voiced: Vec<bool> = (0..2 * frames).map(|n| n % 5 < 3).collect();
    let found = values(&Network::centred(&content, &voiced).unwrap()).unwrap();
    let all = values(&content).unwrap();
    for (sequence, passes) in [(0, 1), (1, 2)] {
        let mut centre = Centre::new(width);
        let rows = sequence * frames * width..(sequence + 1) * frames * width;
        let mut wanted = Vec::new();
        for _ in 0..passes {
            wanted.clear();
            for (n, row) in all[rows.clone()].chunks_exact(width).enumerate() {
                let mut row = row.to_vec();
                centre.step((sequence * frames + n) % 5 < 3, &mut row);
                wanted.extend(row);
            }
        }
        for (found, wanted) in found[rows].iter().zip(&wanted) {
            assert!((found - wanted).abs() < 1e-6);
        }
    }
}

fn base_plan(home: &Path) -> BasePlan {
    BasePlan {
        source: Source {
            folders: vec![home.join("many")],
            seconds: 100.0,
            speaker: None,
            only: None,
            labels: None,
        },
        output: home.join("base.safetensors"),
        encoder: home.join("content.safetensors"),
        config: small(1),
        steps: 3,
        at_most: None,
        start: None,
        seed: 1,
        resume: false,
        processor: Processor::Cpu,
        rate: RATE,
        bend: Perturbation::default(),
        hold_out: false,
        snapshots: false,
    }
}

fn voice_plan(home: &Path) -> VoicePlan {
    VoicePlan {
        source: Source {
            folders: vec![home.join("one")],
            seconds: f64::INFINITY,
            speaker: Some("Anna".to_owned()),
            only: None,
            labels: None,
        },
        name: "Anna <3".to_owned(),
        output: home.join("anna.safetensors"),
        about: About {
            consent: "Anna agreed".to_owned(),
            ..About::default()
        },
        base: home.join("base.safetensors").into(),
        encoder: home.join("content.safetensors").into(),
        steps: [2, 2],
        at_most: None,
        critic: true,
        blur: 1.0,
        consistency: 1.0,
        contrast: true,
        finish: Finish::default(),
        seed: 1,
        resume: false,
        processor: Processor::Cpu,
    }
}

#[test]
fn a_base_and_a_voice_are_made_of_recordings() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    recordings(&home.join("many"), &[("a", 120.0), ("b", 210.0)]);
    recordings(&home.join("one"), &[("x", 160.0), ("y", 170.0)]);
    let go = AtomicBool::new(false);
    let mut events = Vec::new();
    train_base(&base_plan(home), &go, &mut |event| events.push(event)).unwrap();
    let ready = |event: &Event| matches!(event, Event::Ready { speakers: 2, .. });
    assert!(events.iter().any(ready), "{events:?}");
    train_voice(&voice_plan(home), &go, &mut |_| {}).unwrap();

    let open = |name: &str| Checkpoint::open(&home.join(name), &Limits::default()).unwrap();
    let weights = |file: &Checkpoint| {
        let tensors = file.tensors("").map(|(name, view)| {
            let tensor = file.tensor(&view).unwrap();
            (name, tensor.shape.clone(), tensor.to_f32())
        });
        Weights::new(tensors.collect::<Vec<_>>()).unwrap()
    };
    // What was written is what the library reads, and what networks are made of.
    let (content, voice) = (open("content.safetensors"), open("anna.safetensors"));
    let found = ddsp::read(&voice).unwrap().described;
    assert_eq!(
        (found.name.as_str(), found.consent.as_str()),
        ("Anna <3", "Anna agreed")
    );
    let known = &found.voice;
    assert!((known.mean_pitch_hz.log2() - 165f32.log2()).abs() < 0.05);
    assert!((6_000.0..8_000.0).contains(&known.bandwidth_hz));
    assert_eq!((known.ahead, &known.decoder), (1, &small(1).decoder));
    let (content, voice) = (weights(&content), weights(&voice));
    Encoder::new(&small(1).encoder, &content.root()).unwrap();
    let mut decoder = Decoder::new(&small(1).decoder, &voice.root()).unwrap();
    decoder.set_speaker(voice.root().get("voice.embedding", &[4]).unwrap());
    let page = std::fs::read_to_string(home.join("anna.html")).unwrap();
    assert!(page.contains("Anna &lt;3"));
    // Nothing but results stays.
    let names = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    assert_eq!(names(home), 2 + 3 + 2);

    // No folder, no training.
    let plan = VoicePlan {
        output: home.join("nowhere/anna.safetensors"),
        ..voice_plan(home)
    };
    let error = train_voice(&plan, &go, &mut |_| {}).unwrap_err();
    assert!(matches!(error, TrainError::NoFolder(_)), "{error}");

    // Another encoder than the base's is refused.
    let plan = VoicePlan {
        encoder: home.join("anna.safetensors").into(),
        ..voice_plan(home)
    };
    let error = train_voice(&plan, &go, &mut |_| {}).unwrap_err();
    assert!(matches!(error, TrainError::Base(_)), "{error}");
}

/// Recordings, and the base that is made of the first of them.
fn train_usual_base(home: &Path, go: &AtomicBool) {
    recordings(&home.join("many"), &[("a", 120.0), ("b", 210.0)]);
    recordings(&home.join("one"), &[("x", 160.0), ("y", 170.0)]);
    train_base(&base_plan(home), go, &mut |_| {}).unwrap();
}

/// Names of the tensors that differ between two voices.
fn differing(one: &Path, other: &Path) -> Vec<String> {
    let [one, other] = [one, other].map(|path| {
        let file = Checkpoint::open(path, &Limits::default()).unwrap();
        Found::read(&file).unwrap().all().collect::<Vec<_>>()
    });
    assert_eq!(one.len(), other.len());
    let both = one.into_iter().zip(other);
    let names = both.filter_map(|(one, other)| (one != other).then_some(one.0));
    names.collect()
}

/// How far mean spectra were off before a voice got its balance, and after, in dB.
fn balanced(mut train: impl FnMut(&mut dyn FnMut(Event))) -> [f64; 2] {
    let mut found = None;
    train(&mut |event| {
        if let Event::Balanced {
            before_db,
            after_db,
        } = event
        {
            found = Some([before_db, after_db]);
        }
    });
    found.expect("it gets its balance")
}

#[test]
fn a_training_ends_with_finishing_the_voice() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let go = AtomicBool::new(false);
    train_usual_base(home, &go);
    let train = |name: &str, contrast, finish| {
        let plan = VoicePlan {
            output: home.join(name),
            contrast,
            finish,
            ..voice_plan(home)
        };
        let balanced = balanced(|report| train_voice(&plan, &go, report).unwrap());
        (plan.output, balanced)
    };
    let clearer = Finish {
        clearer: 1.5,
        ..Finish::BALANCE
    };
    let (balanced_voice, [_, after]) = train("balanced", false, Finish::BALANCE);
    let (clearer_voice, _) = train("clearer", false, clearer);
    let changed = ["decoder.head.bias", "decoder.input.weight"];
    assert_eq!(differing(&balanced_voice, &clearer_voice), changed);
    // It has its balance, all but what halves round off.
    let again = FinishPlan {
        voice: balanced_voice,
        source: voice_plan(home).source,
        encoder: home.join("content.safetensors").into(),
        finish: Finish::BALANCE,
        output: home.join("again"),
    };
    let [before, _] = balanced(|report| finish_voice(&again, &go, report).unwrap());
    assert!((before - after).abs() < 0.1, "{before} for {after}");
}

#[test]
fn a_voice_that_was_trained_before_gets_the_balance_of_recordings() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let go = AtomicBool::new(false);
    train_usual_base(home, &go);
    train_voice(&voice_plan(home), &go, &mut |_| {}).unwrap();

    // Somebody has tilted it, by 1 dB from point to point.
    let path = home.join("anna.safetensors");
    let file = Checkpoint::open(&path, &Limits::default()).unwrap();
    let described = ddsp::read(&file).unwrap().described;
    let tensors = Found::read(&file).unwrap().all();
    let tilted = tensors.map(|(name, shape, mut values)| {
        if name == "decoder.head.bias" {
            let points = values[..BANDS].iter_mut().enumerate();
            points.for_each(|(n, x)| *x += 0.23 * (n as f32 - 40.0));
        }
        (name, halves(shape, &values))
    });
    let tilted: Vec<_> = tilted.collect();
    ddsp::write(&path, &described, &tilted).unwrap();

    let plan = FinishPlan {
        voice: path.clone(),
        source: voice_plan(home).source,
        encoder: home.join("content.safetensors").into(),
        finish: Finish::BALANCE,
        output: home.join("balanced.safetensors"),
    };
    let [before, after] = balanced(|report| finish_voice(&plan, &go, report).unwrap());
    assert!(5.0 < before && after < 0.6 * before, "{before} to {after}");
    let balanced = Checkpoint::open(&plan.output, &Limits::default()).unwrap();
    assert_eq!(ddsp::read(&balanced).unwrap().described, described);
    assert_eq!(differing(&path, &plan.output), ["decoder.head.bias"]);

    // More than that if it is asked for.
    let more = FinishPlan {
        finish: Finish {
            clearer: 2.0,
            varied: 1.2,
        },
        output: home.join("more.safetensors"),
        ..plan.clone()
    };
    finish_voice(&more, &go, &mut |_| {}).unwrap();
    let changed = [
        "decoder.head.bias",
        "decoder.head.weight",
        "decoder.input.weight",
    ];
    assert_eq!(differing(&path, &more.output), changed);

    // With another encoder it says something else, and a base is no voice.
    let nothing = |plan: FinishPlan| {
        let error = finish_voice(&plan, &go, &mut |_| {}).unwrap_err();
        assert!(!plan.output.exists());
        error
    };
    let output = home.join("nothing.safetensors");
    let error = nothing(FinishPlan {
        encoder: home.join("base.safetensors").into(),
        output: output.clone(),
        ..plan.clone()
    });
    assert!(matches!(error, TrainError::Base(_)), "{error}");
    let error = nothing(FinishPlan {
        voice: home.join("base.safetensors"),
        output,
        ..plan
    });
    assert!(matches!(error, TrainError::Voice(_)), "{error}");
}

#[test]
fn a_training_that_is_stopped_is_kept_and_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    recordings(&home.join("many"), &[("a", 120.0), ("b", 210.0)]);
    let result = |stop_after: Option<u64>, resume: bool| {
        let stop = AtomicBool::new(false);
        let plan = BasePlan {
            steps: 14,
            resume,
            ..base_plan(home)
        };
        let outcome = train_base(&plan, &stop, &mut |event| {
            let step = match event {
                Event::Step { step, .. } => step,
                _ => 0,
            };
            stop.store(
                stop_after.is_some_and(|last| last <= step),
                Ordering::Relaxed,
            );
        });
        (outcome, std::fs::read(&plan.output).ok())
    };
    let (outcome, whole) = result(None, false);
    outcome.unwrap();
    std::fs::remove_file(home.join("base.safetensors")).unwrap();
    let (outcome, nothing) = result(Some(10), false);
    assert!(matches!(outcome, Err(TrainError::Stopped)) && nothing.is_none());
    assert!(checkpoint(&home.join("base.safetensors")).is_file());
    let (outcome, resumed) = result(None, true);
    outcome.unwrap();
    assert!(whole.is_some() && whole == resumed);
    // There is nothing left to go on with.
    let (outcome, _) = result(None, true);
    assert!(matches!(outcome, Err(TrainError::Resume(_))));
}

#[test]
fn a_page_tells_of_a_voice_as_it_is_learnt() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    recordings(&home.join("many"), &[("a", 120.0), ("b", 210.0)]);
    let names: Vec<String> = (0..12).map(|n| format!("x{n}")).collect();
    let one: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 160.0)).collect();
    recordings(&home.join("one"), &one);
    let go = AtomicBool::new(false);
    train_base(&base_plan(home), &go, &mut |_| {}).unwrap();
    let page = || std::fs::read_to_string(home.join("anna.html")).unwrap_or_default();
    let mut pages = Vec::new();
    let plan = VoicePlan {
        critic: false,
        ..voice_plan(home)
    };
    train_voice(&plan, &go, &mut |event| {
        assert!(!matches!(event, Event::Trouble(_)), "{event:?}");
        if matches!(event, Event::Step { .. }) {
            pages.push(page());
        }
    })
    .unwrap();
    pages.push(page());
    let states = [
        "Still learning: who speaks, step 0 of 2.",
        "Still learning: the voice, step 0 of 2.",
        "The voice is finished.",
    ];
    assert_eq!(pages.len(), states.len());
    for (page, state) in pages.iter().zip(states) {
        assert!(page.contains(state), "{state}");
        for part in [
            "<td>Held out of it<td>3 s",
            "Held out: stretch 1",
            "Mel-cepstral distance from what the speaker said<td>",
            "two halves of the recordings: ",
        ] {
            assert!(page.contains(part), "{state}: {part}");
        }
        assert_eq!(page.matches("data:audio/wav").count(), 3, "{state}");
        assert_eq!(page.matches("data:image/png").count(), 3, "{state}");
        let text = page.split('"').filter(|part| !part.starts_with("data:"));
        let text: String = text.collect();
        assert!(!text.contains("NaN") && !text.contains("http"), "{state}");
    }
    // The voice says of how much it was made, whatever was held out.
    let voice = Checkpoint::open(&home.join("anna.safetensors"), &Limits::default()).unwrap();
    assert_eq!(
        ddsp::read(&voice).unwrap().described.info,
        "34 s of recordings"
    );
}

#[test]
fn what_cannot_be_kept_is_told_and_training_goes_on() {
    let clips = clips();
    let folder = tempfile::tempdir().unwrap();
    // A folder is where the file should be.
    let path = folder.path().join("run.safetensors");
    std::fs::create_dir_all(path.join("x")).unwrap();
    let lessons = Lessons::alone(&clips);
    let drive = |stop| Drive {
        lessons: &lessons,
        bend: Perturbation::default(),
        seed: 7,
        checkpoint: &path,
        plan: "plan".to_owned(),
        saved_every: Duration::ZERO,
        at_most: None,
        stop,
    };
    let mut troubles = 0;
    let mut report = |event| {
        if let Event::Trouble(what) = event {
            assert!(
                what.ends_with("check the names, the rights and the free space"),
                "{what}"
            );
            troubles += 1;
        }
    };
    let mut page = |_: &Run, _: &mut dyn FnMut(Event)| {
        Err(TrainError::Io(std::io::ErrorKind::StorageFull.into()))
    };
    let go = AtomicBool::new(false);
    let mut run = small_run(&[""]);
    drive(&go).go(&mut run, &mut report, &mut page).unwrap();
    assert!(run.finished());
    // The page once, and the run after every step and at the end.
    assert_eq!(troubles, 1 + 6 + 1);
    // Nobody is told that a run is kept which is not.
    let stop = AtomicBool::new(true);
    let mut run = small_run(&[""]);
    let stopped = drive(&stop).go(&mut run, &mut |_| {}, &mut |_, _| Ok(()));
    assert!(matches!(stopped, Err(TrainError::File(_))), "{stopped:?}");
}

/// The same test runs a second time, in a process that may write no file longer than 2 KiB.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_checkpoint_to_go_on_with() {
    const HOME: &str = "AUTOVOICE_TEST_FULL_DISK";
    const NAME: &str = "train::voice::tests::a_full_disk_leaves_the_last_checkpoint_to_go_on_with";
    let plan = |home: &Path, resume| BasePlan {
        steps: 14,
        resume,
        ..base_plan(home)
    };
    let go = AtomicBool::new(false);
    if let Some(home) = std::env::var_os(HOME) {
        let mut troubles = 0;
        let outcome = train_base(&plan(Path::new(&home), true), &go, &mut |event| {
            troubles += usize::from(matches!(event, Event::Trouble(_)));
        });
        let error = outcome.unwrap_err();
        assert!(matches!(error, TrainError::File(_)), "{error}");
        assert!(error.remedy().contains("free space"));
        assert_ne!(troubles, 0, "the page and the finished run");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    recordings(&home.join("many"), &[("a", 120.0), ("b", 210.0)]);
    train_base(&plan(home, false), &go, &mut |_| {}).unwrap();
    let output = home.join("base.safetensors");
    let whole = std::fs::read(&output).unwrap();
    std::fs::remove_file(&output).unwrap();
    let stop = AtomicBool::new(false);
    let stopped = train_base(&plan(home, false), &stop, &mut |event| {
        let stops = matches!(event, Event::Step { .. });
        stop.store(stops || stop.load(Ordering::Relaxed), Ordering::Relaxed);
    });
    assert!(matches!(stopped, Err(TrainError::Stopped)));
    let kept = std::fs::read(checkpoint(&output)).unwrap();
    let files = || std::fs::read_dir(home).unwrap().count();
    let before = files();

    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" --exact --nocapture \"$1\"";
    let child = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(NAME)
        .env(HOME, home)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert!(kept == std::fs::read(checkpoint(&output)).unwrap());
    assert_eq!(files(), before, "nothing half-written stays");
    train_base(&plan(home, true), &go, &mut |_| {}).unwrap();
    assert!(whole == std::fs::read(&output).unwrap());
}

#[test]
fn little_memory_is_told_before_it_is_gone() {
    let error = super::have_memory(Some(100 << 20)).unwrap_err();
    assert!(error.to_string().ends_with("found 100 MiB"), "{error}");
    assert!(error.remedy().contains("fewer recordings"));
    super::have_memory(Some(8 << 30)).unwrap();
    super::have_memory(None).unwrap();
}

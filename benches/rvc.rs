//! What the networks of an RVC voice cost: milliseconds per step on one core, stage by stage.
//!
//! `cargo bench --bench rvc`. With weights of a seed, from `../shared`: the time does not depend on
//! them.

#[path = "../tests/parity/mod.rs"]
mod parity;
mod support;

use std::time::Duration;

use autovoice::bridge::Second;
use autovoice::engine::beside::Beside;
use autovoice::engine::rvc::{Ingredients, Part, Reach, RvcEngine};
use autovoice::engine::{Controls, Engine, Quality};
use autovoice::model::content::{self, Body, ContentConfig, Encoder, Front, HOP, Loudness};
use autovoice::model::rvc::{Flow, Spans, Synthesizer};
use autovoice::nn::Bounds;
use autovoice::pitch::TrackerKind;
use parity::{Golden, folder, hubert_base, recipe};
use support::{Shares, machine};

const STEPS: usize = 60;

/// Whether a row is asked for: every one whose name has the first argument in it.
fn wanted(what: &str) -> bool {
    let mut arguments = std::env::args().skip(1).filter(|a| !a.starts_with('-'));
    arguments.next().is_none_or(|part| what.contains(&part))
}

fn row(what: &str, content_frames: usize, f: impl FnMut()) {
    if !wanted(what) {
        return;
    }
    let period = Duration::from_millis(20 * content_frames as u64);
    let shares = Shares::measure(STEPS, period, f);
    println!(
        "| {what:34} | {:5} | {} |",
        period.as_millis(),
        shares.times_ms(period)
    );
}

fn main() {
    let (Some(rvc), Some(hubert)) = (folder("rvc"), folder("hubert")) else {
        return;
    };
    println!("{}; one core, milliseconds\n", machine());
    println!(
        "| step                               | hop   |     mean |      p50 |      p95 |      p99 |      max |"
    );
    println!(
        "|------------------------------------|-------|----------|----------|----------|----------|----------|"
    );
    let weights = hubert_base(&hubert);
    let config = ContentConfig::BASE;
    let wave = Golden::read(&hubert.join("hubert_base_full.io.safetensors")).values("in.wave");
    for (hop, ahead, past) in [(5, 4, 100), (8, 8, 150), (8, 24, 250)] {
        let mut front = Front::new(&config, hop * HOP, &weights.root()).expect("it fits");
        let mut frames = vec![0.0; Front::max_output(hop * HOP) * config.hidden];
        row("content: front", hop, || {
            front.step(&wave[..hop * HOP], Loudness::Running, &mut frames);
        });
        let reach = content::Reach {
            most: hop + ahead,
            past,
        };
        let mut body = Body::new(&config, reach, &weights.root()).expect("it fits");
        let x = vec![0.1; (hop + ahead) * config.hidden];
        (0..past / hop).for_each(|_| {
            body.step(&x, hop);
        });
        row(
            &format!("content: {hop} and {ahead} ahead, {past} past"),
            hop,
            || {
                body.step(&x, hop);
            },
        );
    }
    let encoder = Encoder::new(&config, &weights.root()).expect("it fits");
    drop(weights);
    let golden = Golden::read(&rvc.join("v2_48k_f0_full.io.safetensors"));
    let config = parity::rvc_config(&golden);
    let weights = recipe(&rvc.join("v2_48k_f0_full.recipe.json"));
    for hop in [5, 8] {
        let frames = 2 * hop;
        let spans = Spans {
            window: 64,
            flow: frames + Flow::REACH,
            generator: frames,
        };
        let mut voice = Synthesizer::new(&config, spans, &weights.root()).expect("it fits");
        let features = vec![0.1; 64 * config.version.features()];
        row("text encoder, window 64", hop, || {
            voice.text.forward(&features, &[100; 64], 30);
        });
        for ahead in [8, 24] {
            let z = vec![0.1; (frames + ahead) * config.inter];
            row(&format!("flow, {ahead} ahead"), hop, || {
                voice.flow.step(&z, frames, Bounds::OPEN);
            });
        }
        let source = voice.source.as_mut().expect("it has a pitch");
        let mut wave = vec![0.0; frames * config.hop()];
        let noise = vec![0.5; wave.len()];
        row("source", hop, || {
            source.excite(&vec![200.0; frames], &noise, &mut wave);
            source.shape(&mut wave);
        });
        let z = vec![0.1; frames * config.inter];
        let mut y = wave.clone();
        row("generator", hop, || {
            voice.generator.step(&z, &wave, Bounds::OPEN, &mut y);
        });
    }
    for quality in Quality::ALL {
        for threads in [1, 2] {
            let reach = Reach {
                threads,
                ..Reach::of(quality)
            };
            let voice = Synthesizer::new(&config, reach.spans(), &weights.root());
            let beside: Option<Box<dyn Beside<Box<Part>>>> = match threads {
                1 => None,
                _ => Some(Box::new(Second::spawn().expect("there is a thread"))),
            };
            let ingredients = Ingredients {
                reach,
                encoder: &encoder,
                voice: voice.expect("it fits"),
                tracker: TrackerKind::Neural
                    .embedded(16_000, 50.0)
                    .expect("it is in the program"),
                retrieval: None,
                seed: 0,
                beside,
            };
            let mut engine = RvcEngine::new(ingredients).expect("it fits");
            let hop = engine.spec().hop;
            let input: Vec<f32> = (0..hop).map(|n| (n as f32 * 0.03).sin() * 0.3).collect();
            let mut output = vec![0.0; hop];
            row(
                &format!("{quality:?}, {threads} threads"),
                reach.hop,
                || {
                    let controls = Controls::default();
                    let done = engine.step(&[&input], &mut [&mut output], &controls);
                    done.expect("it goes on");
                },
            );
        }
    }
}

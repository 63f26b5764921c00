//! RVC voices against RVC's own networks: every stage, small and full size, and as a stream.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod parity;

use std::path::Path;

use autovoice::model::rvc::{
    Flow, Generator, RvcConfig, Spans, Sung, Synthesizer, Whole, coarse_pitch,
};
use autovoice::nn::{Bounds, Weights};
use parity::{Golden, channels_last, close, folder, recipe, rvc_config};

/// What a golden file gives a voice, channels last.
struct Input {
    features: Vec<f32>,
    coarse: Vec<u8>,
    pitch_hz: Vec<f32>,
    latent_noise: Vec<f32>,
    source_noise: Vec<f32>,
    speaker: usize,
}

impl Input {
    fn of(golden: &Golden, config: &RvcConfig) -> Self {
        let features = golden.values("in.phone");
        let frames = features.len() / config.version.features();
        let pitch = |name| match config.has_pitch {
            true => golden.values(name),
            false => vec![0.0; frames],
        };
        let coarse = match config.has_pitch {
            true => golden
                .integers("in.pitch")
                .iter()
                .map(|p| *p as u8)
                .collect(),
            false => vec![1; frames],
        };
        Self {
            coarse,
            pitch_hz: pitch("in.pitchf"),
            latent_noise: channels_last(&golden.values("noise.z"), config.inter),
            source_noise: match config.has_pitch {
                true => golden.values("noise.sine"),
                false => Vec::new(),
            },
            speaker: golden.integers("in.sid")[0] as usize,
            features,
        }
    }

    fn whole(&self, part: (usize, usize), stretched: usize) -> Whole<'_> {
        Whole {
            features: &self.features,
            coarse: &self.coarse,
            pitch_hz: &self.pitch_hz,
            latent_noise: &self.latent_noise,
            source_noise: &self.source_noise,
            part,
            stretched,
        }
    }
}

fn voice(config: &RvcConfig, weights: &Weights, frames: usize) -> Synthesizer {
    let spans = Spans {
        window: frames,
        flow: frames,
        // With what it lags by.
        generator: frames + 16,
    };
    Synthesizer::new(config, spans, &weights.root()).unwrap()
}

/// Holds every stage against a golden file.
fn compare(what: &str, golden: &Golden, config: &RvcConfig, sung: &Sung, allowed: Allowed) {
    let inter = config.inter;
    let parts = |half: usize| -> Vec<f32> {
        let frames = sung.stats.chunks(2 * inter);
        frames
            .flat_map(|f| f[half * inter..][..inter].to_vec())
            .collect()
    };
    let want = |name: &str| channels_last(&golden.values(name), inter);
    close(
        &format!("{what}: mean"),
        &parts(0),
        &want("out.m_p"),
        allowed.prior,
    );
    close(
        &format!("{what}: spread"),
        &parts(1),
        &want("out.logs_p"),
        allowed.prior,
    );
    close(
        &format!("{what}: z"),
        &sung.latent,
        &want("out.z"),
        allowed.latent,
    );
    if config.has_pitch {
        if golden.has("act.dec.m_source.l_sin_gen.0") {
            let want = golden.values("act.dec.m_source.l_sin_gen.0");
            close(&format!("{what}: sine"), &sung.sine, &want, 2e-6);
        }
        let want = golden.values("act.dec.m_source.0");
        close(&format!("{what}: source"), &sung.source, &want, 2e-5);
    }
    let audio = golden.values("out.audio");
    close(
        &format!("{what}: audio"),
        &sung.audio,
        &audio,
        allowed.audio,
    );
}

#[derive(Clone, Copy)]
struct Allowed {
    prior: f32,
    latent: f32,
    audio: f32,
}

const SMALL: Allowed = Allowed {
    prior: 1e-5,
    latent: 3e-5,
    audio: 1e-4,
};
const FULL: Allowed = Allowed {
    prior: 3e-5,
    latent: 2e-4,
    audio: 1e-4,
};

const SMALL_VOICES: [&str; 7] = [
    "v1_32k_f0_small",
    "v1_40k_f0_small",
    "v1_48k_f0_small",
    "v2_32k_f0_small",
    "v2_40k_f0_small",
    "v2_40k_nof0_small",
    "v2_48k_f0_small",
];

fn small(folder: &Path, name: &str, io: &str) -> (Golden, RvcConfig, Weights, Input) {
    let golden = Golden::read(&folder.join(format!("{io}.io.safetensors")));
    let weights = Golden::read(&folder.join(format!("{name}.weights.safetensors"))).weights();
    let config = rvc_config(&golden);
    let input = Input::of(&golden, &config);
    (golden, config, weights, input)
}

#[test]
fn every_stage_of_the_small_voices_agrees() {
    let Some(folder) = folder("rvc") else { return };
    for name in SMALL_VOICES {
        let (golden, config, weights, input) = small(&folder, name, name);
        let frames = input.coarse.len();
        let mut voice = voice(&config, &weights, frames);
        voice.set_speaker(input.speaker);
        for round in 0..2 {
            let sung = voice.whole(&input.whole((0, frames), frames));
            compare(
                &format!("{name}, round {round}"),
                &golden,
                &config,
                &sung,
                SMALL,
            );
        }
    }
}

#[test]
fn a_window_shorter_than_the_attention_and_the_parts_of_a_live_run_agree() {
    let Some(folder) = folder("rvc") else { return };
    for (case, part, stretched, audio) in [
        ("short_T7", (0, 7), 7, 1e-4),
        ("stream_same", (30, 20), 20, 1e-4),
        ("stream_formant", (30, 20), 22, 5e-4),
        ("stream_head10", (10, 30), 30, 1e-4),
    ] {
        let name = "v2_48k_f0_small";
        let (golden, config, weights, input) = small(&folder, name, &format!("{name}.{case}"));
        let mut voice = voice(&config, &weights, input.coarse.len());
        voice.set_speaker(input.speaker);
        let sung = voice.whole(&input.whole(part, stretched));
        compare(case, &golden, &config, &sung, Allowed { audio, ..SMALL });
    }
}

#[test]
fn the_full_voices_agree() {
    let Some(folder) = folder("rvc") else { return };
    for name in [
        "v1_40k_f0_full",
        "v2_32k_f0_full",
        "v2_40k_f0_full",
        "v2_48k_f0_full",
    ] {
        let golden = Golden::read(&folder.join(format!("{name}.io.safetensors")));
        let weights = recipe(&folder.join(format!("{name}.recipe.json")));
        let config = rvc_config(&golden);
        let input = Input::of(&golden, &config);
        let frames = input.coarse.len();
        let mut voice = voice(&config, &weights, frames);
        drop(weights);
        voice.set_speaker(input.speaker);
        let sung = voice.whole(&input.whole((0, frames), frames));
        compare(name, &golden, &config, &sung, FULL);
    }
}

#[test]
fn coarse_pitch_agrees() {
    let Some(folder) = folder("rvc") else { return };
    let golden = Golden::read(&folder.join("pipeline_helpers.safetensors"));
    let got: Vec<i64> = golden
        .values("coarse.f0")
        .iter()
        .map(|hz| i64::from(coarse_pitch(*hz)))
        .collect();
    assert_eq!(got, golden.integers("coarse.expected"));
}

/// Pushes `[frames, values]` through `step` in chunks.
fn in_chunks(total: usize, chunk: usize, mut step: impl FnMut(usize, usize)) {
    let mut at = 0;
    while at < total {
        let frames = chunk.min(total - at);
        step(at, frames);
        at += frames;
    }
}

#[test]
fn as_a_stream_flow_and_generator_give_what_they_give_at_once() {
    let Some(folder) = folder("rvc") else { return };
    for name in ["v2_48k_f0_small", "v1_48k_f0_small", "v2_40k_nof0_small"] {
        let (_, config, weights, input) = small(&folder, name, name);
        let (inter, hop) = (config.inter, config.hop());
        let frames = input.coarse.len();
        let mut voice = voice(&config, &weights, frames + Flow::REACH);
        voice.set_speaker(input.speaker);
        let sung = voice.whole(&input.whole((0, frames), frames));
        let lag = voice.generator.lag();
        let end = Bounds { end: frames as i64 };
        for chunk in [1, 2, 5, 16] {
            voice.reset();
            let mut latent = Vec::new();
            in_chunks(frames, chunk, |at, decided| {
                let mut z = sung.prior[at * inter..].to_vec();
                z.truncate((decided + Flow::REACH) * inter);
                let z = voice.flow.step(&z, decided, end);
                latent.extend_from_slice(&z[..decided * inter]);
            });
            close(
                &format!("{name}, flow by {chunk}"),
                &latent,
                &sung.latent,
                1e-5,
            );
            // With an end the whole signal, without one all that has no silence behind it.
            for (bounds, heard) in [(end, frames * hop), (Bounds::OPEN, frames * hop - lag)] {
                voice.generator.reset();
                let total = frames + lag.div_ceil(hop);
                let mut z = sung.latent.clone();
                z.resize(total * inter, 0.0);
                let mut source = sung.source.clone();
                source.resize(if config.has_pitch { total * hop } else { 0 }, 0.0);
                let mut audio = Vec::new();
                in_chunks(total, chunk, |at, frames| {
                    let mut y = vec![f32::NAN; frames * hop];
                    let z = &z[at * inter..][..frames * inter];
                    let source = match config.has_pitch {
                        true => &source[at * hop..][..frames * hop],
                        false => &[],
                    };
                    voice.generator.step(z, source, bounds, &mut y);
                    audio.extend(y);
                });
                let what = format!("{name}, generator by {chunk}");
                close(&what, &audio[lag..][..heard], &sung.audio[..heard], 1e-5);
            }
        }
    }
}

#[test]
fn what_would_follow_is_the_end_of_a_signal_that_ends_there() {
    let Some(folder) = folder("rvc") else { return };
    for name in ["v2_48k_f0_small", "v2_40k_nof0_small"] {
        let (_, config, weights, input) = small(&folder, name, name);
        let (inter, hop) = (config.inter, config.hop());
        let frames = input.coarse.len();
        let mut voice = voice(&config, &weights, frames + Flow::REACH);
        voice.set_speaker(input.speaker);
        let sung = voice.whole(&input.whole((0, frames), frames));
        let mut generator = voice.generator;
        let more = generator.lag().div_ceil(hop);
        let silence = vec![0.0; more * inter.max(hop)];
        let frames_of = |from: usize, to: usize| {
            let source = match config.has_pitch {
                true => &sung.source[from * hop..to * hop],
                false => &[],
            };
            (&sung.latent[from * inter..to * inter], source)
        };
        let mut ended = generator.clone();
        let mut whole = |now: usize| {
            ended.reset();
            let (z, source) = frames_of(0, now);
            let longer = [z, &silence[..more * inter]].concat();
            let source = match config.has_pitch {
                true => [source, &silence[..more * hop]].concat(),
                false => Vec::new(),
            };
            let mut y = vec![f32::NAN; (now + more) * hop];
            let end = Bounds { end: now as i64 };
            ended.step(&longer, &source, end, &mut y);
            y
        };
        let Generator {
            opening, closing, ..
        } = &mut generator;
        let (mut opening_copy, mut closing_copy) = (opening.clone(), closing.clone());
        for chunk in [1, 2, 5, 16] {
            opening.reset();
            closing.reset();
            let mut audio = Vec::new();
            in_chunks(frames, chunk, |at, count| {
                let (z, source) = frames_of(at, at + count);
                let mut begun = vec![f32::NAN; count * opening.outs()];
                let mut y = vec![f32::NAN; count * hop];
                opening.step(z, source, Bounds::OPEN, &mut begun);
                closing.step(&begun, source, Bounds::OPEN, &mut y);
                audio.extend(y);
                let mut begun = vec![f32::NAN; more * opening.outs()];
                let mut y = vec![f32::NAN; more * hop];
                opening.beyond(&mut opening_copy, &silence, &mut begun);
                closing.beyond(&mut closing_copy, &begun, &silence, &mut y);
                let got = [&audio[..], &y].concat();
                let what = format!("{name}, {} frames by {chunk}", at + count);
                close(&what, &got, &whole(at + count), 1e-5);
            });
        }
    }
}

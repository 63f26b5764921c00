//! What a voice of our own costs, stage by stage and hop by hop, and how long it delays. Networks
//! are of the usual sizes and of a seed: they sound of nothing and cost what trained ones cost.

mod report;

use super::times::Times;
use super::{BenchArgs, voice_signal};
use crate::bridge::{HostConfig, Latency};
use crate::cli::failure::{Exit, Failure};
use crate::cli::machine::Machine;
use crate::cli::out::say;
use crate::engine::ddsp::{DdspEngine, Delays, Ingredients, Speaker, Stage};
use crate::engine::morph::{CORNERS, Morph};
use crate::engine::{Controls, Engine};
use crate::model::ddsp::{DdspConfig, MOST_AHEAD, Statistics};
use crate::nn::{Weights, WeightsError};
use crate::quality::seeded;
use crate::units::frames_to_ms;
use autovoice_kernels::cpu::Footprint;
use std::time::Instant;

/// Of the host whose latency is listed, and its block sizes.
const HOST_HZ: u32 = 48_000;
const HOST_BLOCKS: [usize; 2] = [64, 512];
/// Hops that warm caches and engine up before anything is counted.
const WARM_UP: usize = 200;
/// Of all weights and noise.
const SEED: u64 = 1;
/// Of a voice recorded at -20 dB of full scale, in full bandwidth.
const STATISTICS: Statistics = Statistics {
    log2_f0: 7.6,
    bandwidth_hz: 20_000.0,
};

/// Everything measured.
struct Figures {
    rows: Vec<Row>,
    delays: Vec<Delay>,
}

/// What an engine costs with weights of a precision, and so many voices that are blended.
struct Row {
    weights: &'static str,
    voices: usize,
    encoder: Footprint,
    decoder: Footprint,
    times: Times,
    /// Seconds of work per second of audio, one per stage.
    stages: [f64; Stage::ALL.len()],
}

/// By how much an engine delays with an encoder that looks so many frames ahead.
struct Delay {
    ahead: usize,
    parts: Delays,
    block: usize,
    latency: Latency,
}

/// Measures and reports.
pub(super) fn run(arguments: &BenchArgs) -> Result<Exit, Failure> {
    let config = DdspConfig::default();
    type Make = fn(Vec<(String, Vec<usize>)>, u64) -> Result<Weights, WeightsError>;
    let kinds: [(&str, Make, usize); 3] = [
        ("f16", seeded::halves, 1),
        ("f16", seeded::halves, CORNERS),
        ("f32", seeded::weights, 1),
    ];
    let rows = kinds.map(|(name, make, voices)| {
        let weights = make(config.shapes(), SEED).map_err(fault)?;
        row((name, voices), &config, &weights, arguments.seconds)
    });
    let figures = Figures {
        rows: rows.into_iter().collect::<Result<_, Failure>>()?,
        delays: delays(),
    };
    match arguments.json {
        true => say(format_args!(
            "{:#}",
            report::json(arguments.seconds, &figures)
        )),
        false => report::print(arguments.seconds, &figures),
    }
    Ok(Exit::Done)
}

fn fault(error: WeightsError) -> Failure {
    Failure::work(error.to_string(), "report it: these weights are made here")
}

fn delays() -> Vec<Delay> {
    let all = (0..=MOST_AHEAD).flat_map(|ahead| HOST_BLOCKS.map(|block| (ahead, block)));
    all.map(|(ahead, block)| {
        let host = HostConfig {
            rate_hz: HOST_HZ,
            channels: 1,
            max_block: block,
            offline: false,
        };
        Delay {
            ahead,
            parts: Delays::of(ahead),
            block,
            latency: Latency::of_worker(&host, &DdspEngine::spec_of(ahead)),
        }
    })
    .collect()
}

fn row(
    (weights_are, voices): (&'static str, usize),
    config: &DdspConfig,
    weights: &Weights,
    seconds: u32,
) -> Result<Row, Failure> {
    let all = weights.root();
    let mut ingredients = Ingredients::of(config, &all, &all, STATISTICS).map_err(fault)?;
    ingredients.company.corner = Some(0);
    for other in ingredients.company.others.iter_mut().take(voices).skip(1) {
        *other = Some(Speaker {
            decoder: ingredients.decoder.clone(),
            embedding: ingredients.embedding.clone(),
            bandwidth_hz: STATISTICS.bandwidth_hz,
        });
    }
    let (encoder, decoder) = (
        ingredients.encoder.footprint(),
        ingredients.decoder.footprint(),
    );
    let mut engine = DdspEngine::new(ingredients).map_err(stopped)?;
    let mut stages = [0.0; Stage::ALL.len()];
    let mut controls = Controls::default();
    controls.voice.morph = Morph {
        on: 1 < voices,
        ..Morph::DEFAULT
    };
    let times = measure(&mut engine, &controls, seconds, &mut stages)?;
    Ok(Row {
        weights: weights_are,
        voices,
        encoder,
        decoder,
        times,
        stages,
    })
}

fn stopped(error: crate::engine::EngineError) -> Failure {
    Failure::work(error.to_string(), "report it: these weights are made here")
}

fn measure(
    engine: &mut DdspEngine,
    controls: &Controls,
    seconds: u32,
    stages: &mut [f64; Stage::ALL.len()],
) -> Result<Times, Failure> {
    let spec = engine.spec();
    let hop_ms = frames_to_ms(spec.hop, spec.rate_hz);
    let hops = (f64::from(seconds) * 1e3 / hop_ms).ceil() as usize;
    let mut voice = voice_signal::Voice::new(spec.rate_hz, 80.0);
    let (mut input, mut output) = (vec![0.0; spec.hop], vec![0.0; spec.hop]);
    let mut times_ms = Vec::with_capacity(hops);
    let mut energy = 0.0;
    let mut cpu_s = None;
    for n in 0..WARM_UP + hops {
        input.fill_with(|| voice.next());
        if n == WARM_UP {
            cpu_s = Machine::here().own_cpu_s();
            stages.fill(0.0);
        }
        let started = Instant::now();
        let mut last = started;
        let observe = |stage: Stage, _: &[f32]| {
            let now = Instant::now();
            stages[stage as usize] += (now - last).as_secs_f64();
            last = now;
        };
        engine
            .observed(&input, &mut output, controls, observe)
            .map_err(stopped)?;
        if WARM_UP <= n {
            times_ms.push(started.elapsed().as_secs_f64() * 1e3);
            energy += output.iter().map(|x| f64::from(x * x)).sum::<f64>();
        }
    }
    // An engine that did nothing would be fast.
    if energy <= 0.0 {
        return Err(Failure::work(
            "expected the bench's voice to come out, found silence",
            "report it: these weights are made here",
        ));
    }
    let audio_s = hops as f64 * hop_ms * 1e-3;
    stages.iter_mut().for_each(|s| *s /= audio_s);
    let worked_s = Machine::here().own_cpu_s().zip(cpu_s);
    Ok(Times {
        cpu: worked_s.map(|(after, before)| (after - before) / audio_s),
        ..Times::of(hop_ms, times_ms)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_counted_where_they_are_listed() {
        for (at, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, at, "{}", stage.name());
        }
    }
}

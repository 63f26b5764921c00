//! What an engine of a voice costs, stage by stage and hop by hop, and how long it delays.

use super::Mode;
use super::nets::Nets;
use crate::bridge::{HostConfig, Latency};
use crate::cli::bench::times::Times;
use crate::cli::bench::voice_signal;
use crate::cli::failure::Failure;
use crate::cli::machine::Machine;
use crate::engine::rvc::{Delays, Reach, RvcEngine, Stage};
use crate::engine::{Controls, Engine, EngineSpec, Place};
use autovoice_kernels::cpu::Footprint;
use std::time::Instant;

/// Of the host whose latency is listed.
pub(super) const HOST_HZ: u32 = 48_000;
/// Its block sizes.
pub(super) const HOST_BLOCKS: [usize; 2] = [64, 512];
/// Audio that warms caches and engine up before anything is counted.
const WARM_UP_S: f64 = 2.0;

/// Everything measured of one quality.
pub(super) struct Speed {
    pub(super) mode: Mode,
    pub(super) runs: Vec<Run>,
    /// Seconds of work per second of audio, one per stage, where there was a run on one thread.
    pub(super) stages: Option<[f64; Stage::ALL.len()]>,
}

/// An engine on so many threads: by how much it delays, and what it costs.
pub(super) struct Run {
    pub(super) threads: usize,
    pub(super) delays: Delays,
    /// At each of [`HOST_BLOCKS`].
    pub(super) latency: [Latency; HOST_BLOCKS.len()],
    pub(super) times: Times,
    /// Where its networks ran in the end, and what happened there.
    pub(super) place: Place,
}

/// What networks take of memory, in bytes.
pub(super) struct Memory {
    /// By how much the process grew with an engine, where the system tells.
    pub(super) grown: Option<u64>,
    pub(super) encoder: Footprint,
    pub(super) voice: Footprint,
}

/// Measures what networks take; `before` is what the process had before they were loaded.
pub(super) fn memory(nets: &Nets, reach: Reach, before: Option<u64>) -> Result<Memory, Failure> {
    let voice = nets.voice(reach.spans())?.footprint();
    let engine = nets.engine(reach.on(1))?;
    let grown = Machine::here().own_memory().zip(before);
    drop(engine);
    Ok(Memory {
        grown: grown.map(|(after, before)| after.saturating_sub(before)),
        encoder: nets.encoder.footprint(),
        voice,
    })
}

/// Measures a quality on each of these numbers of threads, each run over so many seconds of audio.
pub(super) fn figures(
    nets: &Nets,
    mode: Mode,
    threads: &[usize],
    seconds: u32,
) -> Result<Speed, Failure> {
    let mut stages = None;
    let mut runs = Vec::new();
    for &threads in threads {
        let reach = mode.reach.on(threads);
        let mut engine = nets.engine(reach)?;
        let of_one = (threads == 1).then(|| stages.insert([0.0; Stage::ALL.len()]));
        let times = measure(&mut engine, seconds, of_one)?;
        let spec = reach.spec(&nets.config);
        runs.push(Run {
            threads,
            delays: reach.delays(&nets.config),
            latency: HOST_BLOCKS.map(|max_block| {
                let host = HostConfig {
                    rate_hz: HOST_HZ,
                    channels: 1,
                    max_block,
                    offline: false,
                };
                Latency::of_worker(&host, &spec)
            }),
            times,
            place: engine
                .whereabouts()
                .map(|told| told.place())
                .unwrap_or_default(),
        });
    }
    Ok(Speed { mode, runs, stages })
}

fn measure(
    engine: &mut RvcEngine,
    seconds: u32,
    mut stages: Option<&mut [f64; Stage::ALL.len()]>,
) -> Result<Times, Failure> {
    let EngineSpec { rate_hz, hop, .. } = engine.spec();
    let hop_s = hop as f64 / f64::from(rate_hz);
    let hops = (f64::from(seconds) / hop_s).ceil() as usize;
    let warm_up = (WARM_UP_S / hop_s).ceil() as usize;
    let mut voice = voice_signal::Voice::new(rate_hz, 80.0);
    let (mut input, mut output) = (vec![0.0; hop], vec![0.0; hop]);
    let mut times_ms = Vec::with_capacity(hops);
    let mut energy = 0.0;
    let mut cpu_s = None;
    for n in 0..warm_up + hops {
        input.fill_with(|| voice.next());
        if n == warm_up {
            cpu_s = Machine::here().own_cpu_s();
            // What warms up is not counted.
            if let Some(stages) = &mut stages {
                stages.fill(0.0);
            }
        }
        let started = Instant::now();
        let mut last = started;
        let observe = |stage: Stage, _: &[f32]| {
            if let Some(stages) = &mut stages {
                let now = Instant::now();
                stages[stage as usize] += (now - last).as_secs_f64();
                last = now;
            }
        };
        engine
            .observed(&input, &mut output, &Controls::default(), observe)
            .map_err(|error| Failure::work(error.to_string(), "choose another voice"))?;
        if warm_up <= n {
            times_ms.push(started.elapsed().as_secs_f64() * 1e3);
            energy += output.iter().map(|x| f64::from(x * x)).sum::<f64>();
        }
    }
    // An engine that did nothing would be fast.
    if energy <= 0.0 {
        return Err(Failure::work(
            "expected the bench's voice to come out, found silence",
            "choose another voice",
        ));
    }
    let audio_s = hops as f64 * hop_s;
    if let Some(stages) = stages {
        stages.iter_mut().for_each(|s| *s /= audio_s);
    }
    let worked_s = Machine::here().own_cpu_s().zip(cpu_s);
    Ok(Times {
        cpu: worked_s.map(|(after, before)| (after - before) / audio_s),
        ..Times::of(hop_s * 1e3, times_ms)
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

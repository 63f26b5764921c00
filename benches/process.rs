//! What `process` costs the audio thread, as a share of the block's period: the audio path by
//! itself, with the rings to a worker on its own thread, and with the `shift` engine.
//!
//! `cargo bench --bench process`

mod support;

use std::time::Duration;

use autovoice::bridge::{HostConfig, Processor, Settings, meters};
use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::through::Through;
use autovoice::engine::{Controls, Engine, EngineError, EngineSpec};
use autovoice::pitch::VoiceRange;
use support::{Shares, machine};

const RATE_HZ: u32 = 48_000;
const SECONDS: usize = 20;

/// Passes its input on, hop by hop, on a worker.
struct Hopped(Through);

impl Hopped {
    fn boxed() -> Box<dyn Engine> {
        Box::new(Self(Through::new(RATE_HZ, 1)))
    }
}

impl Engine for Hopped {
    fn spec(&self) -> EngineSpec {
        EngineSpec {
            hop: 480,
            realtime_safe: false,
            ..self.0.spec()
        }
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        controls: &Controls,
    ) -> Result<(), EngineError> {
        self.0.step(input, output, controls)
    }
}

/// Measures and checks that the output is the input, delayed: a path that does nothing is fast.
fn row(name: &str, block: usize, mut processor: Processor, settings: &Settings) {
    let period = Duration::from_secs_f64(block as f64 / f64::from(RATE_HZ));
    let voice: Vec<f32> = (0..RATE_HZ as usize).map(sung).collect();
    let mut audio = vec![0.0; block];
    let (mut at, mut energy) = (0, [0f64; 2]);
    let shares = Shares::measure(SECONDS * RATE_HZ as usize / block, period, || {
        audio.copy_from_slice(&voice[at..at + block]);
        at = (at + block) % (voice.len() - block);
        energy[0] += f64::from(audio.iter().map(|x| x * x).sum::<f32>());
        processor.process(&mut [&mut audio], settings);
        energy[1] += f64::from(audio.iter().map(|y| y * y).sum::<f32>());
    });
    let ratio = energy[1] / energy[0];
    assert!(
        (0.7..1.4).contains(&ratio),
        "{name}: output has {ratio} of the input's energy"
    );
    println!("| {name:32} | {block:5} | {} |", shares.columns());
}

/// A voice of 200 Hz with vibrato, on and off, one second long.
fn sung(frame: usize) -> f32 {
    let t = frame as f32 / RATE_HZ as f32;
    let phase = std::f32::consts::TAU * (200.0 * t - 0.3 * (5.0 * t).cos());
    let on = if t < 0.8 { 0.2 } else { 0.01 };
    (1..12)
        .map(|k| (phase * k as f32).sin() / k as f32)
        .sum::<f32>()
        * on
}

fn main() {
    println!(
        "{}; {RATE_HZ} Hz, mono, {SECONDS} s per row; % of the block's period",
        machine()
    );
    println!(
        "| path                             | block |     mean |      p50 |      p99 |    p99.9 |      max |"
    );
    println!(
        "|----------------------------------|-------|----------|----------|----------|----------|----------|"
    );
    for block in [32, 64, 256] {
        let host = HostConfig {
            rate_hz: RATE_HZ,
            channels: 1,
            max_block: block,
            offline: false,
        };
        let plain = Settings::default();
        row(
            "path alone",
            block,
            Processor::new(host, Box::new(Through::new(RATE_HZ, 1)), meters().0),
            &plain,
        );
        row(
            "path alone, both cuts",
            block,
            Processor::new(host, Box::new(Through::new(RATE_HZ, 1)), meters().0),
            &Settings {
                low_cut_hz: 80.0,
                high_cut_hz: 12_000.0,
                ..plain
            },
        );

        let spec = Hopped::boxed().spec();
        let (mut processor, worker, mut voices) = Processor::with_worker(
            host,
            Box::new(Through::new(RATE_HZ, 1)),
            &[spec],
            meters().0,
        );
        voices
            .install(1, Hopped::boxed())
            .expect("its latency is reserved");
        processor.run_on_thread(worker).expect("a thread");
        row(
            "bridge to a worker thread",
            block,
            processor,
            &Settings { slot: 1, ..plain },
        );

        let shift = |range| {
            let engine = ShiftEngine::new(RATE_HZ, 1, range).expect("48 kHz is supported");
            Processor::new(host, Box::new(engine), meters().0)
        };
        let mut shifted = plain;
        shifted.controls = Controls {
            pitch_semitones: 4.0,
            formant_semitones: -2.0,
            ..Controls::default()
        };
        shifted.controls.correction.enabled = true;
        row(
            "shift, Low, +4 st, corrected",
            block,
            shift(VoiceRange::Low),
            &shifted,
        );
        row(
            "shift, High, +4 st, corrected",
            block,
            shift(VoiceRange::High),
            &shifted,
        );
    }
}

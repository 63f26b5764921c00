//! What the `shift` engine costs: share of the block's period by rate, range and setting. The
//! mean is the real-time factor.
//!
//! `cargo bench --bench shift`

mod support;

use std::time::Duration;

use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::{Controls, Engine};
use autovoice::pitch::{Correction, VoiceRange};
use support::{Shares, machine};

const SECONDS: usize = 20;

/// One line of the table.
struct Case {
    name: &'static str,
    rate_hz: u32,
    channels: usize,
    range: VoiceRange,
    controls: Controls,
}

fn shift_by(pitch_semitones: f32, formant_semitones: f32) -> Controls {
    Controls {
        pitch_semitones,
        formant_semitones,
        ..Controls::default()
    }
}

fn cases() -> Vec<Case> {
    let case = |name, controls| Case {
        name,
        rate_hz: 48_000,
        channels: 1,
        range: VoiceRange::Low,
        controls,
    };
    let corrected = Controls {
        correction: Correction {
            enabled: true,
            ..Correction::default()
        },
        ..Controls::default()
    };
    vec![
        case("neutral", Controls::default()),
        case("corrected", corrected),
        case("+4 st", shift_by(4.0, 0.0)),
        case("-12 st", shift_by(-12.0, 0.0)),
        case("+12 st, formant +4 st", shift_by(12.0, 4.0)),
        case("+24 st, formant -12 st", shift_by(24.0, -12.0)),
        Case {
            channels: 2,
            ..case("+4 st, stereo", shift_by(4.0, 0.0))
        },
        Case {
            range: VoiceRange::Bass,
            ..case("+4 st, Bass", shift_by(4.0, 0.0))
        },
        Case {
            rate_hz: 192_000,
            ..case("+4 st, 192 kHz", shift_by(4.0, 0.0))
        },
    ]
}

/// A voice around 200 Hz with vibrato and breath, off for a fifth of each second.
fn voice(rate_hz: u32) -> Vec<f32> {
    let (mut state, mut phase) = (1u32, 0.0f32);
    (0..rate_hz)
        .map(|i| {
            let t = i as f32 / rate_hz as f32;
            phase = (phase + 200.0 * (1.0 + 0.03 * (33.0 * t).sin()) / rate_hz as f32).fract();
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let breath = state as f32 / u32::MAX as f32 - 0.5;
            let sum: f32 = (1..20)
                .map(|k| (std::f32::consts::TAU * k as f32 * phase).cos() / k as f32)
                .sum();
            if t < 0.8 {
                0.1 * sum + 0.01 * breath
            } else {
                0.03 * breath
            }
        })
        .collect()
}

/// Measures one case, and checks that what comes out is as loud as what went in and, unless it
/// is neutral, something else.
fn row(case: &Case, block: usize) {
    let period = Duration::from_secs_f64(block as f64 / f64::from(case.rate_hz));
    let voice = voice(case.rate_hz);
    let mut engine = ShiftEngine::new(case.rate_hz, case.channels, case.range)
        .expect("rates and channels of the table are supported");
    let (mut left, mut right) = (vec![0.0f32; block], vec![0.0f32; block]);
    let (mut at, mut heard, mut made) = (0, 0f64, 0f64);
    let calls = SECONDS * case.rate_hz as usize / block;
    let shares = Shares::measure(calls, period, || {
        let input = &voice[at..at + block];
        at = (at + block) % (voice.len() - block);
        let inputs = [input, input];
        let mut outputs = [&mut left[..], &mut right[..]];
        let result = engine.step(
            &inputs[..case.channels],
            &mut outputs[..case.channels],
            &case.controls,
        );
        assert!(result.is_ok());
        heard += f64::from(input.iter().map(|x| x * x).sum::<f32>());
        made += f64::from(left.iter().map(|x| x * x).sum::<f32>());
    });
    let ratio = made / heard;
    assert!(
        (0.25..4.0).contains(&ratio),
        "{}: output has {ratio} of the input's energy",
        case.name
    );
    let delay_ms = engine.spec().lookahead as f64 * 1e3 / f64::from(case.rate_hz);
    println!(
        "| {:24} | {delay_ms:5.2} | {block:5} | {} |",
        case.name,
        shares.columns()
    );
}

fn main() {
    println!("{}\n", machine());
    println!("Share of the block's period in per cent; range Low, 48 kHz, mono unless named\n");
    println!("| setting | delay ms | block | mean | p50 | p99 | p99.9 | max |");
    println!("|---|---|---|---|---|---|---|---|");
    for case in cases() {
        for block in [32, 64, 256] {
            row(&case, block);
        }
    }
}

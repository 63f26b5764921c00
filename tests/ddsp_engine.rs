//! The engine of our own voices as a stream: in time, the same every time, silent in silence.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod tones;

use std::f64::consts::TAU;

use autovoice::bridge::{HostConfig, Latency};
use autovoice::engine::ddsp::{DdspEngine, Delays};
use autovoice::engine::rvc::{Reach, Search};
use autovoice::engine::{Controls, Engine, VoiceControls};
use autovoice::model::ddsp::grid::hz;
use autovoice::pitch::track::refine::Refine;
use autovoice::pitch::{PitchFrame, PitchTracker};
use autovoice::voice::{EngineSetup, Starters, WarmVoice};
use ddsp_nets::{ECHO, Says, by_hand, engine, small, sung, tone_db};

const RATE: usize = 48_000;
const MS: usize = RATE / 1_000;

/// All that comes out for whole steps of `hops` hops.
fn run(engine: &mut dyn Engine, input: &[f32], hops: usize, controls: &Controls) -> Vec<f32> {
    let mut output = Vec::new();
    for input in input.chunks_exact(hops * engine.spec().hop) {
        let mut y = vec![f32::NAN; input.len()];
        engine.step(&[input], &mut [&mut y], controls).unwrap();
        output.extend(y);
    }
    assert!(output.iter().all(|x| x.is_finite()));
    output
}

/// What belongs to the input, from its beginning on.
fn heard(engine: &mut dyn Engine, input: &[f32], controls: &Controls) -> Vec<f32> {
    run(engine, input, 1, controls)[engine.spec().lookahead..].to_vec()
}

fn level_db(signal: &[f32]) -> f64 {
    let squares: f64 = signal.iter().map(|x| f64::from(x * x)).sum();
    10.0 * (squares / signal.len() as f64 + 1e-20).log10()
}

#[test]
fn the_delay_reported_is_within_45_ms_and_made_of_its_parts() {
    let host = HostConfig {
        rate_hz: 48_000,
        channels: 1,
        max_block: 64,
        offline: false,
    };
    for (ahead, total) in [(0, 1_839), (1, 1_839), (2, 2_159)] {
        let spec = engine(&small(ahead), 1).spec();
        assert_eq!(spec, DdspEngine::spec_of(ahead));
        let latency = Latency::of_worker(&host, &spec);
        assert_eq!(latency.total(), total, "{ahead} frames ahead");
        assert_eq!(latency.lookahead, Delays::of(ahead).total());
        assert!(latency.total() <= 45 * MS);
    }
}

#[test]
fn it_is_the_same_every_time_and_after_a_reset_and_by_any_number_of_hops() {
    for ahead in 0..=2 {
        let new = || engine(&small(ahead), 3);
        let input = sung(1.5, |t| 200.0 + 50.0 * t);
        let mut one = new();
        let want = run(&mut one, &input, 1, &Controls::default());
        assert!(-60.0 < level_db(&want[RATE / 2..]), "it sings");
        let got = run(&mut new(), &input, 7, &Controls::default());
        assert_eq!(got, want[..got.len()]);
        run(&mut one, &sung(0.7, |_| 500.0), 1, &Controls::default());
        one.reset();
        assert_eq!(run(&mut one, &input, 1, &Controls::default()), want);
    }
}

/// The pitch that is found in a signal, every 2 ms.
fn pitch_of(signal: &[f32]) -> Vec<PitchFrame> {
    let mut tracker = Refine::neural(48_000);
    signal.iter().filter_map(|x| tracker.push(*x)).collect()
}

fn cents(hz: f32, over_hz: f64) -> f64 {
    1_200.0 * (f64::from(hz) / over_hz).log2()
}

/// What so many of a hundred are at most.
fn most_of(sorted: &[f64], hundredths: usize) -> f64 {
    sorted[sorted.len() * hundredths / 100]
}

#[test]
fn the_pitch_sung_is_the_pitch_heard_at_that_instant() {
    // A singer's vibrato, and a wide one, in cents and Hz. Both have 1,700 cents a second and more
    // where they are steepest, so that a millisecond is 2 cents.
    for (depth, rate) in [(50.0, 5.5), (100.0, 4.0)] {
        let sung_hz = |t: f64| 200.0 * (depth * (TAU * rate * t).sin() / 1_200.0).exp2();
        let input = sung(3.0, sung_hz);
        for ahead in 0..=2 {
            let output = heard(&mut by_hand(ahead, ECHO), &input, &Controls::default());
            let found = pitch_of(&output).into_iter();
            let found = found.filter(|frame| frame.voiced && (RATE / 2) as f64 <= frame.at);
            let mut errors: Vec<f64> = found
                .map(|frame| cents(frame.f0_hz, sung_hz(frame.f0_at / RATE as f64)).abs())
                .collect();
            assert!(1_000 < errors.len(), "{}", errors.len());
            errors.sort_by(f64::total_cmp);
            let [median, large] = [50, 97].map(|share| most_of(&errors, share));
            assert!(
                median < 0.7 && large < 1.5,
                "{rate} Hz, {ahead}: {median}, {large} cents"
            );
        }
    }
}

/// Frames of 2 ms around one that has to be away from where a voice begins and ends: 60 ms.
const AWAY: usize = 30;

/// The voices that ship, as the program makes their engines. They are breathy, so that a single
/// measurement is off by some cents, up or down.
#[test]
fn what_singers_sing_is_heard_at_its_pitch() {
    let Some(audio) = tones::shared("audio") else {
        return;
    };
    println!("singer | voice | off in the median, its size, that of 97 %, in cents | both voiced");
    for singer in ["sms_singing_female_44k", "vocadito_1_44k"] {
        let input = tones::recording(&audio.join(singer).with_extension("wav"));
        let wanted = pitch_of(&input);
        let inside = wanted.windows(2 * AWAY + 1);
        let inside: Vec<bool> = inside.map(|all| all.iter().all(|one| one.voiced)).collect();
        let sung = inside.iter().filter(|sung| **sung).count();
        for voice in Starters::shipped().voices() {
            let setup = EngineSetup {
                reach: Reach::OFFLINE,
                seed: 1,
                search: Search::default(),
            };
            let warm = WarmVoice::load(voice).unwrap();
            let mut engine = warm.engine(&setup).unwrap();
            let found = pitch_of(&heard(&mut *engine, &input, &Controls::default()));
            let both = wanted.iter().zip(&found).skip(AWAY).zip(&inside);
            let mut off: Vec<f64> = both
                .filter(|((_, found), inside)| **inside && found.voiced)
                .map(|((wanted, found), _)| {
                    assert_eq!(wanted.at, found.at);
                    cents(found.f0_hz, f64::from(wanted.f0_hz))
                })
                .collect();
            let share = off.len() as f64 / sung as f64;
            off.sort_by(f64::total_cmp);
            let bias = most_of(&off, 50);
            off.iter_mut().for_each(|off| *off = off.abs());
            off.sort_by(f64::total_cmp);
            let [median, large] = [50, 97].map(|share| most_of(&off, share));
            let name = &voice.metadata.name;
            println!("{singer} | {name} | {bias:.2} {median:.2} {large:.1} | {share:.3}");
            assert!(bias.abs() < 1.0, "{singer}, {name}: {bias} cents");
            assert!(
                median < 9.0 && large < 50.0,
                "{singer}, {name}: {median}, {large} cents"
            );
            assert!(0.97 < share, "{singer}, {name}: {share}");
        }
    }
}

#[test]
fn it_is_loud_when_the_singer_is() {
    for ahead in 0..=2 {
        for sings in [true, false] {
            // A level that goes up and down by 12 dB, three times a second.
            let swell =
                |n: usize| 10f32.powf(0.3 * (TAU * 3.0 * n as f64 / RATE as f64).sin() as f32);
            let mut state = 1u32;
            let mut noise = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                0.1 * (state >> 8) as f32 / (1 << 23) as f32 - 0.1
            };
            let mut input = sung(4.0, |_| 180.0);
            for (n, x) in input.iter_mut().enumerate() {
                *x = swell(n) * if sings { *x } else { noise() };
            }
            let controls = Controls {
                voice: VoiceControls {
                    rms_mix: 0.0,
                    ..VoiceControls::DEFAULT
                },
                ..Controls::default()
            };
            let output = heard(&mut by_hand(ahead, ECHO), &input, &controls);
            let envelope = |signal: &[f32]| -> Vec<f64> {
                signal.chunks_exact(10 * MS).map(level_db).collect()
            };
            // Where in its cycle the swell is, and its size in dB: a cycle is 333 ms.
            let swell_of = |signal: &[f32]| {
                let levels = envelope(&signal[RATE / 2..]);
                let sum = levels[..300]
                    .iter()
                    .enumerate()
                    .fold((0.0, 0.0), |(re, im), (n, db)| {
                        let turn = TAU * 0.03 * n as f64;
                        (re + db * turn.cos(), im + db * turn.sin())
                    });
                (sum.1.atan2(sum.0), sum.0.hypot(sum.1) / 150.0)
            };
            let (wanted, found) = (swell_of(&input), swell_of(&output));
            let late_ms = (found.0 - wanted.0) / TAU / 3.0 * 1e3;
            assert!(
                late_ms.abs() < 6.0,
                "{ahead} ahead, {sings}: {late_ms} ms late"
            );
            // Soft parts come near to the floor of what is heard.
            assert!(
                (0.8..1.05).contains(&(found.1 / wanted.1)),
                "{ahead} ahead, {sings}: {} for {} dB",
                found.1,
                wanted.1
            );
        }
    }
}

#[test]
fn silence_is_silent_whatever_a_voice_says() {
    let loud = Says {
        follows: false,
        noise: 0.0,
        ln_power: |_| -9.9,
    };
    let mut engine = by_hand(1, loud);
    let mut input = sung(3.0, |t| if t < 1.0 { 200.0 } else { 0.0 });
    // Room noise at -90 dB of full scale.
    for (n, x) in input.iter_mut().enumerate() {
        *x += if n % 7 < 3 { 3e-5 } else { -3e-5 };
    }
    let output = heard(&mut engine, &input, &Controls::default());
    assert!(-20.0 < level_db(&output[RATE / 2..RATE]));
    let after = level_db(&output[RATE + 50 * MS..2 * RATE]);
    assert!(after < -100.0, "{after} dB");
}

#[test]
fn what_is_set_is_heard() {
    let input = sung(1.5, |_| 200.0);
    let hill = Says {
        // A formant at 1 kHz.
        ln_power: |band| -8.0 - 8.0 * (hz(band as f32) / 1_000.0).ln().abs().min(2.0),
        ..ECHO
    };
    let with = |controls: Controls, input: &[f32]| {
        let output = heard(&mut by_hand(1, hill), input, &controls);
        output[RATE..RATE + 40 * MS].to_vec()
    };
    let plain = with(Controls::default(), &input);
    assert!(tone_db(&plain, 200.0) + 30.0 < tone_db(&plain, 1_000.0));
    let up = with(
        Controls {
            pitch_semitones: 12.0,
            ..Controls::default()
        },
        &input,
    );
    assert!(tone_db(&up, 600.0) + 40.0 < tone_db(&up, 1_200.0).max(tone_db(&up, 800.0)));
    let moved = with(
        Controls {
            formant_semitones: 12.0,
            ..Controls::default()
        },
        &input,
    );
    assert!(tone_db(&moved, 1_000.0) + 10.0 < tone_db(&moved, 2_000.0));
    assert!((tone_db(&moved, 2_000.0) - tone_db(&plain, 1_000.0)).abs() < 0.5);
    assert!(
        tone_db(&moved, 1_900.0) + 40.0 < tone_db(&moved, 2_000.0),
        "the pitch stays"
    );
    // Somebody who sings 12 dB softer sounds as loud in time, or as soft where that is asked.
    let late = |share: f32, rms_mix| {
        let voice = VoiceControls {
            rms_mix,
            ..VoiceControls::DEFAULT
        };
        let controls = Controls {
            voice,
            ..Controls::default()
        };
        let input: Vec<f32> = sung(12.0, |_| 200.0).iter().map(|x| share * x).collect();
        level_db(&heard(&mut by_hand(1, hill), &input, &controls)[11 * RATE..])
    };
    for (rms_mix, wanted) in [(1.0, 0.0), (0.5, -6.0), (0.0, -12.0)] {
        let db = late(0.25, rms_mix) - late(1.0, rms_mix);
        assert!((db - wanted).abs() < 1.5, "{rms_mix}: {db} for {wanted} dB");
    }
}

#[test]
fn whatever_is_heard_what_comes_out_is_finite() {
    let full = |n: usize| if n % 96 < 48 { 1.0 } else { -1.0 };
    let signals: [Vec<f32>; 5] = [
        (0..RATE).map(full).collect(),
        (0..RATE).map(|n| 100.0 * full(n)).collect(),
        (0..RATE).map(|n| f32::MAX * full(n)).collect(),
        vec![1.0; RATE],
        (0..RATE)
            .map(|n| if n == RATE / 2 { 1.0 } else { 0.0 })
            .collect(),
    ];
    for signal in signals {
        for semitones in [-24.0, 24.0] {
            let controls = Controls {
                pitch_semitones: semitones,
                formant_semitones: semitones / 2.0,
                ..Controls::default()
            };
            run(&mut engine(&small(1), 5), &signal, 1, &controls);
        }
    }
}

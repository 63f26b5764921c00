//! The RVC engine as a stream: in time, the same every time, and free of seams.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod rvc_nets;

use autovoice::bridge::{HostConfig, Latency};
use autovoice::engine::rvc::{Reach, RvcEngine};
use autovoice::engine::{Controls, Engine, Quality, VoiceControls};
use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::units::frames_to_ms;
use rvc_nets::{engine, more_of, small, sung};

/// All that comes out for whole steps of `hops` hops.
fn run(engine: &mut RvcEngine, input: &[f32], hops: usize, controls: &Controls) -> Vec<f32> {
    let mut output = Vec::new();
    for input in input.chunks_exact(hops * engine.spec().hop) {
        let mut y = vec![f32::NAN; input.len()];
        engine.step(&[input], &mut [&mut y], controls).unwrap();
        output.extend(y);
    }
    assert!(output.iter().all(|x| x.is_finite()));
    output
}

#[test]
fn what_is_sung_is_heard_when_it_was_said() {
    for rate_hz in [32_000, 40_000, 48_000] {
        for reach in Quality::ALL.map(Reach::of) {
            let config = small(Version::V2, rate_hz, true);
            let mut engine = engine(reach, &config);
            let spec = engine.spec();
            assert_eq!(spec, reach.spec(&config));
            // 200 Hz, and from one second on 290 Hz.
            let input = sung(rate_hz, 3.2, |t| if t < 1.0 { 200.0 } else { 290.0 });
            let output = run(&mut engine, &input, 1, &Controls::default());
            let change = spec.lookahead + rate_hz as usize;
            let ms = rate_hz as usize / 1000;
            // What a voice of seeded weights makes of a pitch is more of that pitch, by little or much.
            // 50 ms that end 15 ms before the change, and 50 that begin 15 ms after it; later where
            // the pitch is not waited for.
            let late = if reach.ahead == 0 { 40 } else { 15 };
            let [before, after] = [change - 65 * ms, change + late * ms]
                .map(|from| more_of(&output, rate_hz, from, 200.0, 290.0));
            assert!(
                before > 1.0 && after < -1.0 && before - after > 6.0,
                "{rate_hz} Hz, {reach:?}: {before} dB, {after} dB"
            );
        }
    }
}

#[test]
fn delays_of_full_size_voices_are_those_of_the_manual() {
    let config = RvcConfig::original(Version::V2, 48_000).unwrap();
    let host = HostConfig {
        rate_hz: 48_000,
        channels: 1,
        max_block: 64,
        offline: false,
    };
    for (quality, on_two, on_one) in [
        (Quality::Live, 382.0, 302.0),
        (Quality::Balanced, 702.0, 542.0),
        (Quality::Studio, 1_482.0, 1_162.0),
        (Quality::Quick, 59.0, 59.0),
    ] {
        for (threads, wanted) in [(2, on_two), (1, on_one)] {
            let spec = Reach::of(quality).on(threads).spec(&config);
            let ms = frames_to_ms(Latency::of_worker(&host, &spec).total(), host.rate_hz);
            assert!(
                (ms - wanted).abs() < 0.5,
                "{quality:?} on {threads}: {ms} ms"
            );
        }
    }
}

#[test]
fn it_is_the_same_every_time_and_after_a_reset_and_by_any_number_of_hops() {
    for (version, has_pitch) in [(Version::V1, true), (Version::V2, false)] {
        let config = small(version, 40_000, has_pitch);
        let live = || engine(Reach::of(Quality::Live), &config);
        let input = sung(40_000, 2.0, |t| 200.0 + 50.0 * t);
        let mut one = live();
        let want = run(&mut one, &input, 1, &Controls::default());
        assert!(want[40_000..].iter().any(|x| x.abs() > 1e-3), "it sings");
        let mut other = live();
        let got = run(&mut other, &input, 3, &Controls::default());
        assert_eq!(got, want[..got.len()]);
        run(
            &mut one,
            &sung(40_000, 0.7, |_| 500.0),
            1,
            &Controls::default(),
        );
        one.reset();
        assert_eq!(run(&mut one, &input, 1, &Controls::default()), want);
    }
}

#[test]
fn more_ahead_comes_later_and_is_otherwise_in_the_same_place() {
    let config = small(Version::V2, 48_000, true);
    let input = sung(48_000, 3.0, |t| 150.0 + 40.0 * (3.0 * t).sin());
    let heard: Vec<Vec<f32>> = [2, 4, 15]
        .map(|ahead| {
            let reach = Reach {
                ahead,
                ..Reach::of(Quality::Live)
            };
            let mut engine = engine(reach, &config);
            let lookahead = engine.spec().lookahead;
            let output = run(&mut engine, &input, 1, &Controls::default());
            output[lookahead + 24_000..][..48_000].to_vec()
        })
        .into();
    for pair in heard.windows(2) {
        let likeness = |lag: isize| {
            let b = &pair[1][(2_000 + lag) as usize..][..40_000];
            let pairs = || pair[0][2_000..].iter().zip(b);
            let product: f64 = pairs().map(|(a, b)| f64::from(a * b)).sum();
            let norms = pairs().fold((0.0, 0.0), |(x, y), (a, b)| {
                (x + f64::from(a * a), y + f64::from(b * b))
            });
            product / (norms.0 * norms.1).sqrt()
        };
        let best = (-300..=300).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)));
        assert_eq!(best, Some(0), "{}", likeness(0));
        assert!(likeness(0) > 0.5, "{}", likeness(0));
    }
}

/// The cosine of two signals.
fn likeness(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(a * b));
        products.sum()
    };
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

#[test]
fn sung_early_it_is_nearer_the_more_is_heard() {
    let config = small(Version::V2, 48_000, true);
    let input = sung(48_000, 3.0, |t| 150.0 + 40.0 * (3.0 * t).sin());
    let heard = |sung_ahead_ms| {
        let reach = Reach {
            sung_ahead_ms,
            ..Reach::of(Quality::Live).on(1)
        };
        let mut engine = engine(reach, &config);
        let spec = engine.spec();
        let first = run(&mut engine, &input, 1, &Controls::default());
        engine.reset();
        let again = run(&mut engine, &input, 2, &Controls::default());
        assert_eq!(again, first[..again.len()], "the same after a reset");
        (first[spec.lookahead + 24_000..][..48_000].to_vec(), spec)
    };
    let (want, all) = heard(None);
    let mut nearest = 0.5;
    for ms in [5, 40, 80] {
        let (got, spec) = heard(Some(ms));
        let lag = config.generator_lag();
        assert_eq!(all.lookahead - spec.lookahead, lag - 48 * ms as usize);
        let alike = likeness(&got, &want);
        assert!(nearest < alike, "{ms} ms: {alike} after {nearest}");
        nearest = alike;
    }
    assert!(0.999 < nearest, "{nearest}");
    assert_eq!(heard(Some(100)).0, want, "all that it sees");
}

#[test]
fn a_second_thread_takes_a_hop_more_and_gives_the_same() {
    let config = small(Version::V2, 48_000, true);
    let input = sung(48_000, 2.0, |t| 250.0 - 20.0 * t);
    let [one, two] = [1, 2].map(|threads| {
        let reach = Reach {
            threads,
            ..Reach::of(Quality::Live)
        };
        let mut engine = engine(reach, &config);
        let lookahead = engine.spec().lookahead;
        let first = run(&mut engine, &input, 1, &Controls::default());
        engine.reset();
        assert_eq!(run(&mut engine, &input, 1, &Controls::default()), first);
        (first, lookahead, engine.spec().hop)
    });
    assert_eq!(two.1 - one.1, one.2);
    let (late, hop) = (&two.0, one.2);
    assert_eq!(late[hop..], one.0[..late.len() - hop]);
    assert!(late[..hop].iter().all(|x| *x == 0.0));
}

#[test]
fn what_is_set_is_heard() {
    let config = small(Version::V2, 48_000, true);
    let input = sung(48_000, 2.0, |t| if t < 1.0 { 200.0 } else { 0.0 });
    let with = |controls: Controls| {
        let mut engine = engine(Reach::of(Quality::Live), &config);
        let lookahead = engine.spec().lookahead;
        run(&mut engine, &input, 1, &controls)[lookahead..].to_vec()
    };
    let plain = with(Controls::default());
    let of = |voice: VoiceControls| Controls {
        voice,
        ..Controls::default()
    };
    let usual = VoiceControls::default();
    let other = with(of(VoiceControls {
        speaker: 2,
        ..usual
    }));
    assert_ne!(other, plain, "another speaker");
    let beyond = with(of(VoiceControls {
        speaker: 900,
        ..usual
    }));
    assert_eq!(beyond, other, "beyond the last it is the last");
    let up = with(Controls {
        pitch_semitones: 7.0,
        ..Controls::default()
    });
    let more =
        |signal: &[f32], from: usize, hz: f64, other: f64| more_of(signal, 48_000, from, hz, other);
    assert!(more(&up, 30_000, 299.66, 200.0) > 3.0);
    let moved = with(Controls {
        formant_semitones: 5.0,
        ..Controls::default()
    });
    assert!(more(&moved, 30_000, 200.0, 270.0) > 3.0, "the pitch stays");
    assert_ne!(moved, plain);
    // In a pause there is no sine, unless the pitch is held.
    let held = with(of(VoiceControls {
        hold_pitch: true,
        ..usual
    }));
    let pause = 48_000 + 1_440;
    assert!(more(&held, pause, 200.0, 290.0) > more(&plain, pause, 200.0, 290.0) + 3.0);
    // With the loudness of the input, silence is silent.
    let level = |signal: &[f32]| signal.iter().map(|x| x * x).sum::<f32>().sqrt();
    let quiet = with(of(VoiceControls {
        rms_mix: 0.0,
        ..usual
    }));
    let silence = 48_000 + 14_400;
    assert!(level(&quiet[silence..][..4_800]) < 0.01 * level(&plain[silence..][..4_800]));
}

//! Voices in a host, Ada of RVC and Olga of our own: the delay it brings, its place, bounces, and what is heard where it is
//! late, fails or is not there. The voices are those of `cargo xtask fixtures`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use xtask::clap_host::{Audio, Bundle, Plugin};
use xtask::measure::{delay_frames, noise, residual_db, stands_out_db, tone};

use crate::support::{Blocks, RATE_HZ, assert_clean, bundle, instance, render_once, set_all, skip};

/// A null deeper than this is an exact one by the contract.
const NULL_DB: f64 = -100.0;
/// A pitch that stands out by as much is the one that is sung.
const SUNG_DB: f64 = 3.0;
/// The two pitches that are sung in turn, and for how long.
const PITCHES_HZ: [f64; 2] = [200.0, 290.0];
const TURN: usize = 36_000;

/// The bundle, where the voices are, too.
fn bundle_with_voices() -> Option<Bundle> {
    let home = std::env::var_os("AUTOVOICE_HOME").map(PathBuf::from);
    if !home.is_some_and(|home| home.join("voices/brittle/voice.toml").exists()) {
        skip("no voices in AUTOVOICE_HOME; `cargo xtask fixtures` writes them and says where");
        return None;
    }
    bundle()
}

/// An instance with a voice, for a bounce.
fn bouncing(bundle: &Bundle, layout: (usize, usize), voice: &str) -> Plugin {
    let mut plugin = instance(bundle, layout);
    plugin.put_voice(voice).unwrap();
    plugin.set_offline(true).unwrap();
    plugin
}

/// Two pitches in turn, for so many turns.
fn in_turn(turns: usize) -> Vec<f32> {
    let sung = |turn: usize| tone(RATE_HZ, PITCHES_HZ[turn % 2], 0.5, TURN);
    (0..turns).flat_map(sung).collect()
}

/// Whether the pitches that are sung in `output` change where those of [`in_turn`] do, later by
/// `delay`, in the mean over all changes from frame `from` of the input on.
fn check_place(output: &[f32], delay: usize, from: usize, case: &str) {
    let (mut before_db, mut after_db) = (Vec::new(), Vec::new());
    for turn in from.div_ceil(TURN) + 1.. {
        let change = turn * TURN + delay;
        let Some(after) = output.get(change + 1_920..change + 4_320) else {
            break;
        };
        let before = &output[change - 3_120..change - 720];
        let [old, new] = [PITCHES_HZ[(turn + 1) % 2], PITCHES_HZ[turn % 2]];
        before_db.push(stands_out_db(before, RATE_HZ, old, new));
        after_db.push(stands_out_db(after, RATE_HZ, new, old));
    }
    for levels in [&before_db, &after_db] {
        let mean = levels.iter().sum::<f64>() / levels.len() as f64;
        assert!(
            mean > SUNG_DB,
            "{case}: {before_db:.1?} dB before, {after_db:.1?} dB after"
        );
    }
}

#[test]
fn the_dry_voice_nulls_at_the_delay_of_a_voice() {
    let Some(bundle) = bundle_with_voices() else {
        return;
    };
    type Case = (
        f64,
        (usize, usize),
        Blocks,
        &'static [(&'static str, &'static str)],
    );
    let table: [Case; 4] = [
        (48_000.0, (1, 1), Blocks::Of(64), &[("mix", "0 %")]),
        (44_100.0, (2, 2), Blocks::Of(480), &[("bypass", "on")]),
        (
            96_000.0,
            (1, 2),
            Blocks::Random {
                longest: 2_000,
                seed: 3,
            },
            &[("mix", "0 %"), ("pitch", "+5 st")],
        ),
        (
            48_000.0,
            (1, 1),
            Blocks::Of(127),
            &[("mix", "0 %"), ("quality", "Studio"), ("threads", "1")],
        ),
    ];
    for (rate_hz, layout, blocks, settings) in table {
        let case = format!("{rate_hz} Hz, {layout:?}, {blocks:?}, {settings:?}");
        let mut plugin = bouncing(&bundle, layout, "Ada");
        set_all(&mut plugin, settings);
        let input: Vec<_> = (0..layout.0)
            .map(|seed| noise(seed as u64 + 1, 2 * rate_hz as usize))
            .collect();
        let output = render_once(&mut plugin, rate_hz, blocks, &input);
        let reported = plugin.latency_frames();
        assert!(0.2 < reported as f64 / rate_hz, "{case}: {reported}");
        for (channel, output) in output.iter().enumerate() {
            let input = &input[channel.min(layout.0 - 1)];
            let measured = residual_db(input, output, reported);
            assert!(measured < NULL_DB, "{case}: {measured:.1} dB");
            assert!(residual_db(input, output, reported + 1) > -20.0, "{case}");
        }
        let heard = delay_frames(
            &input[0][..9_600],
            &output[0][..reported + 9_600],
            reported + 64,
        );
        assert_eq!(heard, reported, "{case}");
        assert_clean(&plugin);
    }
}

#[test]
fn a_voice_is_heard_in_its_place() {
    let Some(bundle) = bundle_with_voices() else {
        return;
    };
    for (voice, quality) in [
        ("Ada", "Live"),
        ("Ada", "Balanced"),
        ("Ada", "Studio"),
        ("Olga", "Live"),
    ] {
        let mut plugin = bouncing(&bundle, (1, 1), voice);
        plugin.set("quality", quality).unwrap();
        let input = vec![in_turn(5)];
        let output = render_once(&mut plugin, RATE_HZ, Blocks::Of(256), &input);
        let delay = plugin.latency_frames();
        check_place(&output[0], delay, 0, &format!("{voice}, {quality}"));
        // What a voice of our own promises.
        assert!(
            voice == "Ada" || 1e3 * delay as f64 <= 45.0 * RATE_HZ,
            "{delay}"
        );
        assert!(
            residual_db(&input[0], &output[0], delay) > -20.0,
            "another voice"
        );
        assert_clean(&plugin);
    }
}

#[test]
fn a_bounce_is_the_same_twice_and_by_any_blocks() {
    let Some(bundle) = bundle_with_voices() else {
        return;
    };
    let input = vec![in_turn(2)];
    for voice in ["Ada", "Olga"] {
        let bounce = |blocks: Blocks| {
            let mut plugin = bouncing(&bundle, (1, 1), voice);
            let output = render_once(&mut plugin, RATE_HZ, blocks, &input);
            let again = render_once(&mut plugin, RATE_HZ, blocks, &input);
            assert!(
                output == again,
                "{voice}, {blocks:?}: the second time sounds different"
            );
            output[0][plugin.latency_frames()..].to_vec()
        };
        let want = bounce(Blocks::Of(512));
        for blocks in [
            Blocks::Of(31),
            Blocks::Of(4_096),
            Blocks::Random {
                longest: 700,
                seed: 4,
            },
        ] {
            let got = bounce(blocks);
            let both = want.len().min(got.len());
            assert!(got[..both] == want[..both], "{voice}, {blocks:?}");
        }
    }
}

/// Processes blocks at the speed of time, for so long.
fn play(audio: &mut Audio, input: &[f32], output: &mut Vec<f32>) {
    let began = Instant::now();
    for (n, block) in input.chunks(480).enumerate() {
        let mut heard = vec![vec![0.0; block.len()]];
        audio
            .process(&mut [block.to_vec()], &mut heard, &[])
            .unwrap();
        output.append(&mut heard[0]);
        let due = Duration::from_millis(10 * (n as u64 + 1));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
}

/// A live host that is not waited for: after a rush that no worker keeps up with, the voice is back,
/// and in its place.
#[test]
fn after_a_stall_a_voice_is_back_in_its_place() {
    let Some(bundle) = bundle_with_voices() else {
        return;
    };
    let mut plugin = instance(&bundle, (1, 1));
    plugin.put_voice("Ada").unwrap();
    plugin.set("dropout_mode", "Silence").unwrap();
    let mut audio = plugin.activate(RATE_HZ, 480).unwrap();
    let delay = plugin.latency_frames();
    let sung = in_turn(2);
    let mut output = Vec::new();
    // Whole pairs of turns, until a pair and all that it heard were sung without a gap.
    let is_whole = |output: &[f32]| {
        let checked = &output[output.len().saturating_sub(2 * sung.len())..];
        2 * sung.len() == checked.len()
            && !checked
                .chunks(480)
                .any(|part| part.iter().all(|x| *x == 0.0))
    };
    for stall in 0..2 {
        let began = Instant::now();
        while !is_whole(&output) {
            assert!(began.elapsed() < Duration::from_secs(60), "it is not back");
            play(&mut audio, &sung, &mut output);
        }
        let case = format!("stall {stall}");
        check_place(&output, delay, output.len() - 2 * sung.len(), &case);
        // As fast as it goes, until the worker no longer keeps up.
        let began = Instant::now();
        while is_whole(&output) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{case}: the worker kept up"
            );
            for _ in 0..7 {
                let part = std::slice::from_ref(&sung);
                output.extend(&audio.render(part, || 480, &[]).unwrap()[0]);
            }
        }
    }
    plugin.deactivate(audio);
    assert_clean(&plugin);
}

#[test]
fn a_voice_that_fails_leaves_its_stand_in_at_the_same_delay() {
    let Some(bundle) = bundle_with_voices() else {
        return;
    };
    let mut plugin = bouncing(&bundle, (1, 1), "Brittle");
    let mut input = tone(RATE_HZ, 150.0, 0.5, 72_000);
    input.extend(tone(RATE_HZ, 500.0, 0.5, 96_000));
    let output = render_once(&mut plugin, RATE_HZ, Blocks::Of(256), &[input.clone()]);
    let delay = plugin.latency_frames();
    // It sings as long as it can; what stands in for it is the singer's own voice.
    assert!(residual_db(&input[..60_000 - delay], &output[0][delay..60_000], 0) > -20.0);
    let rest = 120_000;
    let measured = residual_db(&input[rest - delay..], &output[0][rest..], 0);
    assert!(measured < -60.0, "{measured:.1} dB");
    assert_clean(&plugin);
}

#[test]
fn a_voice_that_is_not_here_is_kept_in_the_project_and_stood_in_for() {
    let Some(bundle) = bundle_with_voices() else {
        return;
    };
    let input = vec![tone(RATE_HZ, 180.0, 0.5, 48_000)];
    let mut without = instance(&bundle, (1, 1));
    without.set("pitch", "+4 st").unwrap();
    let want = render_once(&mut without, RATE_HZ, Blocks::Of(64), &input);
    for offline in [false, true] {
        let mut plugin = instance(&bundle, (1, 1));
        plugin.put_voice("Nobody").unwrap();
        plugin.set("pitch", "+4 st").unwrap();
        plugin.set_offline(offline).unwrap();
        let got = render_once(&mut plugin, RATE_HZ, Blocks::Of(64), &input);
        assert_eq!(plugin.latency_frames(), without.latency_frames());
        assert!(got == want, "offline: {offline}");
        let saved = String::from_utf8(plugin.save().unwrap()).unwrap();
        assert!(saved.contains("Nobody"), "{saved}");
        assert_clean(&plugin);
    }
}

#[test]
fn a_project_brings_its_voice_back() {
    let Some(bundle) = bundle_with_voices() else {
        return;
    };
    let input = vec![in_turn(2)];
    let mut saved = bouncing(&bundle, (1, 1), "Ada");
    saved.set("formant", "+2 st").unwrap();
    let want = render_once(&mut saved, RATE_HZ, Blocks::Of(256), &input);
    let state = saved.save().unwrap();
    let mut loaded = instance(&bundle, (1, 1));
    loaded.load(&state).unwrap();
    loaded.set_offline(true).unwrap();
    let got = render_once(&mut loaded, RATE_HZ, Blocks::Of(256), &input);
    assert_eq!(loaded.latency_frames(), saved.latency_frames());
    assert!(got == want, "the loaded project sounds different");
    assert!(
        loaded.save().unwrap() == state,
        "saved again, the state differs"
    );
    assert_clean(&loaded);
}

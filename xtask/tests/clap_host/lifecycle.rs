//! Activation, restart, reset, render mode: the order of things between host and plugin.

use xtask::clap_host::{Event, param_id};
use xtask::measure::{noise, tone};

use crate::support::{
    ANOTHER_VOICE, Blocks, RATE_HZ, assert_clean, bundle, instance, render_once, set_all,
};

#[test]
fn the_layouts_are_mono_spread_and_stereo() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = bundle.instance().unwrap();
    let mut layouts: Vec<_> = plugin
        .layouts()
        .iter()
        .map(|l| (l.inputs, l.outputs))
        .collect();
    layouts.sort_unstable();
    assert_eq!(layouts, [(1, 1), (1, 2), (2, 2)]);
    for layout in plugin.layouts() {
        plugin.select(&layout).unwrap();
        assert_eq!(
            plugin.channels(),
            (layout.inputs, layout.outputs),
            "{}",
            layout.name
        );
    }
    assert_clean(&plugin);
}

#[test]
fn one_voice_sounds_the_same_on_both_sides() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (1, 2));
    set_all(&mut plugin, &ANOTHER_VOICE);
    let input = vec![tone(RATE_HZ, 150.0, 0.5, 24_000)];
    let output = render_once(&mut plugin, RATE_HZ, Blocks::Of(200), &input);
    assert!(output[0].iter().any(|sample| sample.abs() > 0.1), "silence");
    assert!(output[0] == output[1], "left and right differ");
    assert_clean(&plugin);
}

/// Only a restart moves the latency: the plugin asks for one, once, and the old delay holds until
/// then.
#[test]
fn latency_moves_only_with_a_restart() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (1, 1));
    let mut audio = plugin.activate(RATE_HZ, 64).unwrap();
    let low = plugin.latency_frames();
    let range = param_id("range");
    let high = plugin.parse(range, "High").unwrap().unwrap();
    let changes = plugin.latency_changes();
    let input = vec![noise(2, 64 * 50)];
    let moved = [(
        64 * 10,
        Event::Param {
            id: range,
            value: high,
        },
    )];
    let output = audio.render(&input, || 64, &moved).unwrap();
    plugin.idle();
    assert!(plugin.take_restart_request(), "no restart was asked for");
    assert_eq!(
        plugin.latency_frames(),
        low,
        "the latency moved while active"
    );
    assert!(xtask::measure::residual_db(&input[0], &output[0], low) < -100.0);
    // Asked once, not once per block.
    audio.render(&input, || 64, &[]).unwrap();
    plugin.idle();
    assert!(!plugin.take_restart_request(), "asked again");
    let audio = plugin.restart(audio).unwrap();
    plugin.idle();
    // A host reads the latency when told that it changed, which is during an activation.
    let audio = if plugin.take_restart_request() {
        plugin.restart(audio).unwrap()
    } else {
        audio
    };
    assert!(
        plugin.latency_frames() < low,
        "{} frames after, {low} before",
        plugin.latency_frames()
    );
    assert!(plugin.latency_changes() > changes, "the host was not told");
    plugin.deactivate(audio);
    assert_clean(&plugin);
}

#[test]
fn a_fresh_activation_settles_after_at_most_one_restart() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    // `activate` grants the restart a first latency costs and fails if it never settles.
    let audio = plugin.activate(RATE_HZ, 512).unwrap();
    assert!(plugin.latency_frames() > 0);
    assert!(
        plugin.latency_changes() <= 1,
        "told {} times",
        plugin.latency_changes()
    );
    plugin.deactivate(audio);
    assert_clean(&plugin);
}

#[test]
fn reset_forgets_what_was_heard() {
    let Some(bundle) = bundle() else { return };
    for settings in [&[][..], &ANOTHER_VOICE] {
        let mut plugin = instance(&bundle, (2, 2));
        set_all(&mut plugin, settings);
        let input = vec![tone(RATE_HZ, 260.0, 0.5, 9_600); 2];
        let mut audio = plugin.activate(RATE_HZ, 256).unwrap();
        let first = audio.render(&input, || 256, &[]).unwrap();
        audio.reset();
        let second = audio.render(&input, || 256, &[]).unwrap();
        assert!(
            first == second,
            "{settings:?}: the second time sounds different"
        );
        audio.reset();
        let silence = audio
            .render(&vec![vec![0.0; 9_600]; 2], || 256, &[])
            .unwrap();
        let loudest = silence
            .iter()
            .flatten()
            .fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(
            loudest < 1e-6,
            "{settings:?}: {loudest} is left of the past"
        );
        plugin.deactivate(audio);
        assert_clean(&plugin);
    }
}

#[test]
fn a_bounce_sounds_as_it_was_played() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    set_all(&mut plugin, &ANOTHER_VOICE);
    let input = vec![tone(RATE_HZ, 311.0, 0.5, 24_000); 2];
    let played = render_once(&mut plugin, RATE_HZ, Blocks::Of(64), &input);
    let latency = plugin.latency_frames();
    plugin.set_offline(true).unwrap();
    let bounced = render_once(&mut plugin, RATE_HZ, Blocks::Of(64), &input);
    assert_eq!(plugin.latency_frames(), latency);
    assert!(played == bounced, "the bounce sounds different");
    plugin.set_offline(false).unwrap();
    assert!(render_once(&mut plugin, RATE_HZ, Blocks::Of(64), &input) == played);
    assert_clean(&plugin);
}

#[test]
fn input_that_is_no_number_does_not_spread() {
    let Some(bundle) = bundle() else { return };
    for settings in [
        &[][..],
        &ANOTHER_VOICE,
        &[("mix", "0 %")],
        &[("bypass", "on")],
    ] {
        let mut plugin = instance(&bundle, (1, 1));
        set_all(&mut plugin, settings);
        let mut input = tone(RATE_HZ, 200.0, 0.5, 24_000);
        input[3_000] = f32::NAN;
        input[3_100] = f32::INFINITY;
        input[3_200] = f32::NEG_INFINITY;
        input[3_300] = f32::MAX;
        let output = render_once(&mut plugin, RATE_HZ, Blocks::Of(333), &[input]);
        let late = &output[0][12_000..];
        let peak = late.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(
            (0.1..2.0).contains(&peak),
            "{settings:?}: peak {peak} long after"
        );
        assert_clean(&plugin);
    }
}

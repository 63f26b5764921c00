//! The latency contract at the host's end: what is reported is what is measured, to the frame.

use xtask::clap_host::Plugin;
use xtask::measure::{delay_frames, noise, residual_db};

use crate::support::{Blocks, RATE_HZ, assert_clean, bundle, instance, render_once, set_all};

/// A null deeper than this is an exact one by the contract.
const NULL_DB: f64 = -100.0;

/// Renders noise and holds the output against the input, late by what was reported.
fn check_null(plugin: &mut Plugin, rate_hz: f64, blocks: Blocks, case: &str) -> usize {
    let (inputs, outputs) = plugin.channels();
    // Long enough to be past the longest delay; fewer frames where each is a block.
    let frames = (rate_hz * if blocks.longest() == 1 { 0.1 } else { 0.25 }) as usize;
    let input: Vec<Vec<f32>> = (0..inputs)
        .map(|seed| noise(seed as u64 + 1, frames))
        .collect();
    let output = render_once(plugin, rate_hz, blocks, &input);
    let reported = plugin.latency_frames();
    assert!(
        reported < frames / 2,
        "{case}: {reported} frames reported, {frames} rendered"
    );
    for channel in 0..outputs {
        let (input, output) = (&input[channel.min(inputs - 1)], &output[channel]);
        let longest = reported + 64;
        assert_eq!(
            delay_frames(input, output, longest),
            reported,
            "{case}, channel {channel}"
        );
        let residual = residual_db(input, output, reported);
        assert!(
            residual < NULL_DB,
            "{case}, channel {channel}: residual {residual:.1} dB"
        );
    }
    reported
}

#[test]
fn every_layout_and_block_pattern_nulls() {
    let Some(bundle) = bundle() else { return };
    for layout in [(1, 1), (1, 2), (2, 2)] {
        let mut plugin = instance(&bundle, layout);
        for blocks in Blocks::ALL {
            check_null(
                &mut plugin,
                RATE_HZ,
                blocks,
                &format!("{layout:?} {blocks:?}"),
            );
        }
        assert_clean(&plugin);
    }
}

#[test]
fn every_sample_rate_nulls_after_a_change() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (1, 1));
    let rates = [
        48_000, 8_000, 192_000, 11_025, 176_400, 16_000, 96_000, 22_050, 88_200, 32_000, 44_100,
    ];
    for rate in rates {
        let case = format!("{rate} Hz");
        let latency = check_null(&mut plugin, f64::from(rate), Blocks::Of(256), &case);
        // The default range is Low, 80 Hz: 1.5 periods and 1 ms.
        let ms = latency as f64 * 1e3 / f64::from(rate);
        assert!(ms <= 19.8, "{case}: {ms:.2} ms");
    }
    assert_clean(&plugin);
}

#[test]
fn every_voice_range_nulls_within_its_latency() {
    let Some(bundle) = bundle() else { return };
    let table = [
        ("Bass", 60.0),
        ("Low", 80.0),
        ("Mid", 110.0),
        ("High", 160.0),
        ("Soprano", 220.0),
    ];
    let mut before = usize::MAX;
    for (range, lowest_hz) in table {
        let mut plugin = instance(&bundle, (2, 2));
        plugin.set("range", range).unwrap();
        let latency = check_null(&mut plugin, RATE_HZ, Blocks::Of(64), range);
        let ms = latency as f64 * 1e3 / RATE_HZ;
        let allowed = 1500.0 / lowest_hz + 1.0;
        assert!(ms <= allowed, "{range}: {ms:.2} ms, allowed {allowed:.2}");
        assert!(
            latency < before,
            "{range}: {latency} frames is no less than {before}"
        );
        before = latency;
        assert_clean(&plugin);
    }
}

#[test]
fn every_tracker_nulls_at_the_latency_it_needs() {
    let Some(bundle) = bundle() else { return };
    for range in ["Bass", "Low", "Soprano"] {
        let [auto, neural, yin] = ["Auto", "Neural", "Yin"].map(|tracker| {
            let mut plugin = instance(&bundle, (2, 2));
            plugin.set("range", range).unwrap();
            plugin.set("tracker", tracker).unwrap();
            let case = format!("{range}, {tracker}");
            let latency = check_null(&mut plugin, RATE_HZ, Blocks::Of(64), &case);
            assert_clean(&plugin);
            latency
        });
        assert_eq!(auto, yin, "{range}: auto costs no delay");
        assert!(yin <= neural, "{range}: {neural} frames, yin {yin}");
    }
}

#[test]
fn the_dry_signal_nulls_under_bypass_and_mix_zero() {
    let Some(bundle) = bundle() else { return };
    let table: [&[(&str, &str)]; 3] = [
        &[("bypass", "on"), ("pitch", "+7 st"), ("correct", "on")],
        &[("mix", "0 %"), ("pitch", "+7 st"), ("correct", "on")],
        &[
            ("bypass", "on"),
            ("pitch", "-12 st"),
            ("output_db", "-12 dB"),
            ("mix", "40 %"),
        ],
    ];
    for settings in table {
        for layout in [(1, 1), (1, 2), (2, 2)] {
            let mut plugin = instance(&bundle, layout);
            set_all(&mut plugin, settings);
            check_null(
                &mut plugin,
                RATE_HZ,
                Blocks::Of(127),
                &format!("{layout:?} {settings:?}"),
            );
            assert_clean(&plugin);
        }
    }
}

#[test]
fn unreported_latency_is_the_same_delay() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (1, 1));
    let reported = check_null(&mut plugin, RATE_HZ, Blocks::Of(64), "reported");
    plugin.set("report_latency", "off").unwrap();
    let input = vec![noise(9, 12_000)];
    let output = render_once(&mut plugin, RATE_HZ, Blocks::Of(64), &input);
    assert_eq!(plugin.latency_frames(), 0);
    assert!(residual_db(&input[0], &output[0], reported) < NULL_DB);
    assert_clean(&plugin);
}

//! Parameters that move while sound passes.

use xtask::clap_host::{Event, param_id};
use xtask::measure::{pitch_error, pitch_track, tone};

use crate::params::by_id;
use crate::support::{ANOTHER_VOICE, Blocks, RATE_HZ, assert_clean, bundle, instance, set_all};

/// No setting may come near this: +24 dB before and after a full-scale voice is 250.
const LOUDEST: f32 = 300.0;

#[test]
fn every_automatable_parameter_moves_under_sound() {
    let Some(bundle) = bundle() else { return };
    let frames = 24_000;
    let input = vec![tone(RATE_HZ, 196.0, 0.5, frames); 2];
    let mut plugin = instance(&bundle, (2, 2));
    for (param, id) in by_id(plugin.params()).filter(|(param, _)| param.automatable) {
        let reach = param.max - param.min;
        let moved: Vec<(usize, Event)> = (0..frames)
            .step_by(97)
            .map(|frame| {
                // Up and down in sevenths; whole steps where there are steps.
                let wave = [0.0, 0.3, 1.0, 0.7, 0.1, 0.9, 0.5][frame / 97 % 7];
                let value = param.min + reach * wave;
                let value = if param.stepped { value.round() } else { value };
                (
                    frame,
                    Event::Param {
                        id: param.id,
                        value,
                    },
                )
            })
            .collect();
        let blocks = Blocks::Random {
            longest: 700,
            seed: 3,
        };
        let mut audio = plugin.activate(RATE_HZ, blocks.longest()).unwrap();
        let output = audio.render(&input, blocks.lengths(), &moved).unwrap();
        let peak = output
            .iter()
            .flatten()
            .fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak < LOUDEST, "{id}: peak {peak}");
        let Some((_, Event::Param { value: last, .. })) = moved.last() else {
            panic!("no events");
        };
        let now = plugin.value(param.id).unwrap();
        assert!(
            (now - last).abs() <= 1e-4 * reach,
            "{id}: {last} was sent, {now} is shown"
        );
        plugin.deactivate(audio);
        plugin.set_value(param.id, param.default).unwrap();
        assert!(!plugin.take_restart_request(), "{id} asked for a restart");
    }
    assert_clean(&plugin);
}

#[test]
fn automation_sounds_the_same_in_any_blocks() {
    let Some(bundle) = bundle() else { return };
    let frames = 24_000;
    let input = vec![tone(RATE_HZ, 147.0, 0.4, frames)];
    let pitch = param_id("pitch");
    let mut rendered = Vec::new();
    for blocks in Blocks::ALL {
        let mut plugin = instance(&bundle, (1, 1));
        let mut moved = Vec::new();
        for (frame, text) in [
            (0, "0"),
            (5_003, "+3 st"),
            (11_111, "-4 st 50 ct"),
            (17_000, "0"),
        ] {
            let value = plugin.parse(pitch, text).unwrap().unwrap();
            moved.push((frame, Event::Param { id: pitch, value }));
        }
        let mut audio = plugin.activate(RATE_HZ, blocks.longest()).unwrap();
        let latency = plugin.latency_frames();
        let output = audio.render(&input, blocks.lengths(), &moved).unwrap();
        plugin.deactivate(audio);
        assert_clean(&plugin);
        rendered.push((blocks, latency, output));
    }
    let (first, latency, expected) = &rendered[0];
    for (blocks, other_latency, output) in &rendered[1..] {
        // Blocks may change the delay where they misfit the hop, never the sound.
        let shift = other_latency.abs_diff(*latency);
        let (late, early) = if other_latency > latency {
            (output, expected)
        } else {
            (expected, output)
        };
        let same = late[0][shift..] == early[0][..frames - shift];
        assert!(same, "{blocks:?} does not sound like {first:?}");
    }
}

#[test]
fn constant_settings_sound_the_same_in_any_blocks() {
    let Some(bundle) = bundle() else { return };
    let input = vec![
        tone(RATE_HZ, 233.0, 0.4, 24_000),
        tone(RATE_HZ, 233.0, 0.2, 24_000),
    ];
    let mut expected: Option<Vec<Vec<f32>>> = None;
    for blocks in Blocks::ALL {
        let mut plugin = instance(&bundle, (2, 2));
        set_all(&mut plugin, &ANOTHER_VOICE);
        let mut audio = plugin.activate(RATE_HZ, blocks.longest()).unwrap();
        let output = audio.render(&input, blocks.lengths(), &[]).unwrap();
        plugin.deactivate(audio);
        assert_clean(&plugin);
        let expected = expected.get_or_insert_with(|| output.clone());
        assert!(*expected == output, "{blocks:?} sounds different");
    }
}

#[test]
fn pitch_is_heard_as_set() {
    let Some(bundle) = bundle() else { return };
    for (text, semitones) in [
        ("0", 0.0),
        ("+4 st", 4.0),
        ("-5 st", -5.0),
        ("+3 st 20 ct", 3.2),
    ] {
        let mut plugin = instance(&bundle, (1, 1));
        plugin.set("pitch", text).unwrap();
        let sung = tone(RATE_HZ, 220.0, 0.5, 48_000);
        let mut audio = plugin.activate(RATE_HZ, 256).unwrap();
        let heard = audio.render(&[sung], || 256, &[]).unwrap();
        plugin.deactivate(audio);
        let heard = pitch_track(&heard[0][12_000..], RATE_HZ);
        let sung = vec![220.0; heard.len()];
        let ratio = (semitones / 12.0f64).exp2();
        let error = pitch_error(&sung, &heard, |hz| hz * ratio).unwrap();
        assert!(error.frames > 60, "{text}: {} voiced frames", error.frames);
        assert!(
            error.median_cents < 5.0,
            "{text}: {:.1} cents off",
            error.median_cents
        );
        assert_clean(&plugin);
    }
}

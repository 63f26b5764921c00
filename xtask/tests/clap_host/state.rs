//! Saving and loading, as projects do it, and what comes of a damaged project.

use xtask::clap_host::Plugin;
use xtask::measure::{Random, noise, tone};

use crate::support::{Blocks, RATE_HZ, assert_clean, bundle, instance, render_once};

fn values(plugin: &mut Plugin) -> Vec<(u32, f64)> {
    let ids: Vec<u32> = plugin.params().iter().map(|param| param.id).collect();
    ids.into_iter()
        .map(|id| (id, plugin.value(id).unwrap()))
        .collect()
}

/// Every parameter somewhere else than at its default.
fn scramble(plugin: &mut Plugin, seed: u64) {
    let mut random = Random::new(seed);
    for param in plugin.params() {
        let value = loop {
            let share = f64::from(random.next_unit());
            let value = param.min + share * (param.max - param.min);
            let value = if param.stepped { value.round() } else { value };
            if value != param.default {
                break value;
            }
        };
        plugin.set_value(param.id, value).unwrap();
    }
}

#[test]
fn a_project_comes_back_as_it_was() {
    let Some(bundle) = bundle() else { return };
    for seed in 1..=8 {
        let mut saved = instance(&bundle, (2, 2));
        scramble(&mut saved, seed);
        let state = saved.save().unwrap();
        let mut loaded = instance(&bundle, (2, 2));
        assert_ne!(
            values(&mut loaded),
            values(&mut saved),
            "the scramble changed nothing"
        );
        loaded.load(&state).unwrap();
        for ((id, was), (_, is)) in values(&mut saved).into_iter().zip(values(&mut loaded)) {
            assert!(
                (was - is).abs() < 1e-6,
                "parameter {id}: {was} saved, {is} loaded"
            );
        }
        assert!(
            loaded.save().unwrap() == state,
            "saved again, the state differs"
        );
        let input = vec![tone(RATE_HZ, 180.0, 0.4, 12_000); 2];
        let [first, second] = [&mut saved, &mut loaded]
            .map(|plugin| render_once(plugin, RATE_HZ, Blocks::Of(256), &input));
        assert!(
            first == second,
            "seed {seed}: the loaded project sounds different"
        );
        assert_clean(&saved);
        assert_clean(&loaded);
    }
}

#[test]
fn a_state_loaded_while_playing_is_heard_and_shown() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (1, 1));
    plugin.set("mix", "0 %").unwrap();
    plugin.set("output_db", "-12 dB").unwrap();
    let state = plugin.save().unwrap();
    let mut plugin = instance(&bundle, (1, 1));
    let mut audio = plugin.activate(RATE_HZ, 128).unwrap();
    let input = vec![noise(5, 12_800)];
    let peak = |samples: &[f32]| samples.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    let before = audio.render(&input, || 128, &[]).unwrap();
    plugin.load(&state).unwrap();
    let after = audio.render(&input, || 128, &[]).unwrap();
    let (before, after) = (peak(&before[0][6_400..]), peak(&after[0][6_400..]));
    assert!(
        (after / before - 0.251).abs() < 0.01,
        "{before} before, {after} after -12 dB"
    );
    plugin.deactivate(audio);
    assert_clean(&plugin);
}

#[test]
fn garbage_is_refused_and_changes_nothing() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    scramble(&mut plugin, 77);
    let good = plugin.save().unwrap();
    let before = values(&mut plugin);
    let mut random = Random::new(5);
    let mut random_bytes = |count: usize| -> Vec<u8> {
        (0..count)
            .map(|_| (random.next_u32() >> 24) as u8)
            .collect()
    };
    let framed = |content: &[u8]| [&(content.len() as u64).to_le_bytes()[..], content].concat();
    let unreadable = [
        vec![],
        vec![0],
        random_bytes(7),
        random_bytes(4096),
        framed(&random_bytes(512)),
        framed(b"{}"),
        framed(b"[1, 2, 3]"),
        framed(b"{\"version\":"),
        u64::MAX.to_le_bytes().to_vec(),
        [&(1u64 << 40).to_le_bytes()[..], b"{}"].concat(),
        good[..good.len() / 2].to_vec(),
        good[..good.len() - 1].to_vec(),
    ];
    for (index, garbage) in unreadable.iter().enumerate() {
        assert!(plugin.load(garbage).is_err(), "garbage {index} was taken");
        assert_eq!(
            values(&mut plugin),
            before,
            "garbage {index} changed something"
        );
    }
    // Readable, but of another plugin: the format has no way to refuse it, yet nothing changes.
    let foreign =
        framed(br#"{"version":"1.0","params":{"cutoff":{"f32":0.5}},"fields":{"preset":"\"x\""}}"#);
    let _ = plugin.load(&foreign);
    assert_eq!(
        values(&mut plugin),
        before,
        "another plugin's state changed something"
    );
    assert!(plugin.save().unwrap() == good);
    assert_clean(&plugin);
}

#[test]
fn values_out_of_range_are_clamped() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    let state = plugin.save().unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&state[8..]).unwrap();
    let params = json["params"].as_object_mut().unwrap();
    assert_eq!(params.len(), crate::params::FROZEN.len());
    for value in params.values_mut() {
        let kinds = value.as_object_mut().unwrap();
        for (kind, number) in kinds.iter_mut() {
            match kind.as_str() {
                "f32" => *number = serde_json::json!(1e30),
                "i32" => *number = serde_json::json!(2_000_000_000),
                _ => {}
            }
        }
    }
    let json = serde_json::to_vec(&json).unwrap();
    let framed = [&(json.len() as u64).to_le_bytes()[..], &json].concat();
    plugin.load(&framed).unwrap();
    for param in plugin.params() {
        let value = plugin.value(param.id).unwrap();
        let inside = (param.min..=param.max).contains(&value);
        assert!(
            inside,
            "{}: {value} outside {}..={}",
            param.name, param.min, param.max
        );
    }
    let pitch = xtask::clap_host::param_id("pitch");
    let value = plugin.value(pitch).unwrap();
    assert_eq!(plugin.text(pitch, value).unwrap(), "+24 st");
    // And the sound stays sound: `render_once` fails on anything not finite.
    render_once(
        &mut plugin,
        RATE_HZ,
        Blocks::Of(512),
        &vec![noise(6, 9_600); 2],
    );
    assert_clean(&plugin);
}

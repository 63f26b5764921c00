//! The plugin with voices of our own: small seeded weights, through the real import, library, loader
//! and engine.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod ddsp_voices;
mod fake_voices;
mod plugin_host;
mod rvc_nets;
mod tones;
mod voice_files;

use autovoice::bridge::{HostConfig, Latency};
use autovoice::engine::ddsp::DdspEngine;
use autovoice::engine::rvc::Reach;
use autovoice::engine::{EngineSpec, Quality};
use autovoice::io::checkpoint::write_safetensors;
use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::plugin::AutoVoicePlugin;
use autovoice::plugin::voices::{CornerState, SlotState, Stock, VoiceSetup, Voices};
use autovoice::preset::VoiceRef;
use autovoice::voice::models::{ModelKind, content_tensors, path_in};
use autovoice::voice::rvc::tensors as rvc_tensors;
use autovoice::voice::{Starter, Starters};
use ddsp_voices::{starter, write_encoder, write_voice};
use fake_voices::{until, until_shown};
use nice_plug::prelude::*;
use plugin_host::{Host, bounce, set_text};
use rvc_nets::{ENCODER, more_of, sung};
use std::collections::BTreeMap;
use std::sync::Arc;
use tones::torch::{Py, save};

const RATE_HZ: u32 = 48_000;

/// Models, a library with the voice Olga in it, and Bo in the program.
struct Home {
    folder: tempfile::TempDir,
    encoder_sha256: String,
    stock: Arc<Stock>,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        let encoder_sha256 = write_encoder(&models);
        let file = starter("Bo", &encoder_sha256, 7);
        let starters = Starters::read(&[Starter { file }]).unwrap();
        let library = folder.path().join("voices");
        let voices = Voices::of(&library, &models).with(starters);
        let home = Self {
            folder,
            encoder_sha256,
            stock: Arc::new(Stock::new(Box::new(voices))),
        };
        home.import("Olga", &home.encoder_sha256);
        home
    }

    /// Imports a voice for an encoder with this hash.
    fn import(&self, name: &str, encoder_sha256: &str) -> VoiceRef {
        let path = self.folder.path().join("x.safetensors");
        write_voice(&path, name, encoder_sha256, 2);
        self.stock.import(&path).unwrap().voice
    }

    /// Imports an RVC voice with the content encoder it needs.
    fn import_rvc(&self, name: &str, config: &RvcConfig) -> VoiceRef {
        let encoder = ddsp_voices::tensors(content_tensors(&ENCODER), 1);
        let models = self.folder.path().join("models");
        let path = path_in(&models, ModelKind::ContentVec);
        write_safetensors(&path, &encoder, &BTreeMap::new()).unwrap();
        let file = self.folder.path().join(format!("{name}.pth"));
        let weights = ddsp_voices::tensors(rvc_tensors(config, 21), 2).into_iter();
        let weights = weights.map(|(name, x)| (name, Py::half(&x.shape, &x.to_f32())));
        let voice = voice_files::around(config, weights.collect());
        std::fs::write(&file, save(&voice)).unwrap();
        self.stock.import(&file).unwrap().voice
    }

    fn voice(&self, name: &str) -> VoiceRef {
        let listed = self.stock.list().unwrap();
        let found = listed.into_iter().find(|listed| listed.voice.name == name);
        found.unwrap().voice
    }

    /// A plugin with this voice in slot 1, selected.
    fn plugin(&self, voice: VoiceRef, setup: VoiceSetup) -> AutoVoicePlugin {
        let plugin = AutoVoicePlugin::with_voices(self.stock.clone());
        plugin.parameters().rack.put(1, Some(voice));
        set_all(
            &plugin,
            &[
                ("slot", "Voice 1"),
                ("quality", setup.quality.name()),
                ("threads", setup.threads.to_string().as_str()),
            ],
        );
        plugin
    }

    /// What comes out of a plugin with these voices in its slots.
    fn bounce(&self, slots: &[(usize, &str)], set: &[(&str, &str)]) -> Vec<f32> {
        let mut plugin = AutoVoicePlugin::with_voices(self.stock.clone());
        for (slot, name) in slots {
            let voice = self.voice(name);
            plugin.parameters().rack.put(*slot, Some(voice));
        }
        set_all(&plugin, set);
        let (delay, output) = bounce(&mut plugin, RATE_HZ, &turning()[..RATE_HZ as usize], 512);
        assert_eq!(plugin.feed().newest().dropouts.count, 0);
        output[delay..].to_vec()
    }
}

fn set_all(plugin: &AutoVoicePlugin, set: &[(&str, &str)]) {
    let params = plugin.parameters();
    for (id, text) in set {
        let all = params.all();
        let (_, param) = all.into_iter().find(|(known, _)| known == id).unwrap();
        set_text(param, text);
    }
}

fn setup(quality: Quality, threads: usize) -> VoiceSetup {
    VoiceSetup { quality, threads }
}

/// From one second on the other pitch.
fn turning() -> Vec<f32> {
    sung(RATE_HZ, 2.2, |t| if t < 1.0 { 200.0 } else { 290.0 })
}

#[test]
fn a_bounce_is_in_time_and_the_same_at_every_block_quality_and_number_of_threads() {
    let home = Home::new();
    let input = turning();
    let mut bounces: Vec<Vec<f32>> = Vec::new();
    for (quality, threads, block) in [
        (Quality::Live, 2, 64),
        (Quality::Live, 1, 1_000),
        (Quality::Studio, 2, 64),
    ] {
        let mut plugin = home.plugin(home.voice("Olga"), setup(quality, threads));
        let (delay, output) = bounce(&mut plugin, RATE_HZ, &input, block);
        let host = HostConfig {
            rate_hz: RATE_HZ,
            channels: 1,
            max_block: block,
            offline: true,
        };
        let latency = Latency::of_worker(&host, &DdspEngine::spec_of(1));
        assert_eq!(delay, latency.total(), "{quality:?} {threads} {block}");
        if block == 64 {
            assert!(delay * 1_000 <= 45 * RATE_HZ as usize, "{delay} frames");
        }
        let shown = plugin.parameters().rack.shown();
        assert_eq!(shown.slots[0].state, SlotState::Ready);
        assert_eq!(shown.slots[0].engine, Some("ddsp"));
        assert_eq!(plugin.feed().newest().slot, 1);
        assert_eq!(plugin.feed().newest().dropouts.count, 0);
        bounces.push(output[delay..].to_vec());
    }
    // Where the change was sung, the change is heard.
    let (change, near) = (RATE_HZ as usize, RATE_HZ as usize / 10);
    let before = more_of(&bounces[0], RATE_HZ, change - near, 200.0, 290.0);
    let after = more_of(&bounces[0], RATE_HZ, change + near / 2, 290.0, 200.0);
    assert!(10.0 < before && 10.0 < after, "{before} dB, {after} dB");
    for other in &bounces[1..] {
        let frames = bounces[0].len().min(other.len());
        assert!(bounces[0][..frames] == other[..frames]);
    }
}

#[test]
fn a_voice_of_the_program_is_heard_without_any_import() {
    let home = Home::new();
    let listed = home.stock.list().unwrap();
    let shown: Vec<_> = (listed.iter())
        .map(|listed| (listed.voice.name.as_str(), listed.is_built_in))
        .collect();
    assert_eq!(shown, [("Bo", true), ("Olga", false)]);
    assert!(listed[0].about.starts_with("Built in\nAutoVoice, 48 kHz"));
    let input = turning();
    let sounds = ["Bo", "Olga"].map(|name| {
        let mut plugin = home.plugin(home.voice(name), VoiceSetup::default());
        let (delay, output) = bounce(&mut plugin, RATE_HZ, &input, 512);
        assert_eq!(
            plugin.parameters().rack.shown().slots[0].state,
            SlotState::Ready
        );
        output[delay..].to_vec()
    });
    assert!(sounds[0] != sounds[1], "they are two voices");
    // By its name alone, as in a preset written by hand.
    let bo = VoiceRef::written("bo", None).unwrap();
    assert!(home.stock.holds(&bo));
}

#[test]
fn a_voice_for_another_encoder_is_refused_with_what_to_do() {
    let home = Home::new();
    let other = home.import("Other", &"5e".repeat(32));
    let plugin = home.plugin(other, VoiceSetup::default());
    until_shown(&plugin.parameters().rack, "the reason", |shown| {
        let SlotState::Failed(reason) = &shown.slots[0].state else {
            return false;
        };
        for part in [
            "expected the content encoder that the voice was trained with (5e5e5e5e5e5e…)",
            "autovoice train voice",
            "models/content.safetensors",
        ] {
            assert!(reason.contains(part), "{part}: {reason}");
        }
        true
    });
}

#[test]
fn an_rvc_voice_and_one_of_ours_change_places_at_the_delay_of_the_longer() {
    let config = rvc_nets::small(Version::V2, RATE_HZ, true);
    let home = Home::new();
    let ada = home.import_rvc("Ada", &config);
    let mut plugin = home.plugin(home.voice("Olga"), VoiceSetup::default());
    let params = plugin.parameters();
    params.rack.put(2, Some(ada));
    let host = Host::new(PluginApi::Clap);
    host.mode.set(ProcessMode::Offline);
    assert!(host.activate(&mut plugin, (1, 1), RATE_HZ as f32, 512));
    let of = |spec: EngineSpec| {
        let host = HostConfig {
            rate_hz: RATE_HZ,
            channels: 1,
            max_block: 512,
            offline: true,
        };
        Latency::of_worker(&host, &spec).total()
    };
    let ours = of(DdspEngine::spec_of(1));
    let theirs = of(Reach::of(Quality::Live).spec(&config));
    let delay = host.latencies.borrow()[0] as usize;
    assert!(ours < theirs);
    assert_eq!(delay, theirs, "the longer, whichever is heard");
    // A leap of pitch twice a second, and another slot in between.
    let input = sung(RATE_HZ, 3.2, |t| {
        if ((2.0 * t) as usize).is_multiple_of(2) {
            200.0
        } else {
            290.0
        }
    });
    let mut output = Vec::new();
    let slot = params.all().into_iter().find(|(id, _)| *id == "slot");
    let (_, slot) = slot.unwrap();
    for (n, block) in input.chunks(512).enumerate() {
        let second = n * 512 / RATE_HZ as usize;
        set_text(slot, ["Voice 1", "Voice 2"][second % 2]);
        let mut channels = [block.to_vec()];
        host.process(&mut plugin, &mut channels);
        output.extend_from_slice(&channels[0]);
    }
    for (n, engine) in ["ddsp", "rvc"].into_iter().enumerate() {
        let shown = &params.rack.shown().slots[n];
        assert_eq!(
            (&shown.state, shown.engine),
            (&SlotState::Ready, Some(engine))
        );
    }
    // Whoever sings, the leap is heard where it was sung: this far before and after it.
    let (before, after) = (RATE_HZ as usize / 10, RATE_HZ as usize / 20);
    for (half, ours) in [(1, true), (3, false), (5, true)] {
        let leap = delay + half * RATE_HZ as usize / 2;
        let low = more_of(&output, RATE_HZ, leap - before, 200.0, 290.0);
        let high = more_of(&output, RATE_HZ, leap + after, 290.0, 200.0);
        let least = if ours { 10.0 } else { 0.0 };
        assert!(least < low && least < high, "{half}: {low} dB, {high} dB");
    }
    assert_eq!(plugin.feed().newest().dropouts.count, 0);
    assert_eq!(host.restarts.get(), 0);
}

#[test]
fn voices_in_slots_are_morphed_where_they_hear_alike() {
    let home = Home::new();
    home.import("Other", &"5e".repeat(32));
    let alone = |name| home.bounce(&[(1, name)], &[("slot", "Voice 1")]);
    let (olga, bo) = (alone("Olga"), alone("Bo"));
    // Other cannot be read, and slot 4 is empty.
    let three = [(1, "Olga"), (2, "Bo"), (3, "Other")];
    let with = |slot, morph, x, y| {
        let set = [
            ("slot", slot),
            ("morph", morph),
            ("morph_x", x),
            ("morph_y", y),
        ];
        home.bounce(&three, &set)
    };
    assert!(with("Voice 1", "off", "100", "100") == olga, "off");
    for slot in ["Voice 1", "Voice 2"] {
        assert!(with(slot, "on", "0", "100") == olga, "{slot}");
        assert!(with(slot, "on", "100", "100") == bo, "{slot}");
        // Nobody is below: what is above counts.
        assert!(with(slot, "on", "100", "0") == bo, "{slot}");
    }
    let middle = with("Voice 1", "on", "50", "50");
    assert!(middle != olga && middle != bo);
    assert!(middle == with("Voice 2", "on", "50", "50"));
    let shift = with("Shift", "on", "50", "50");
    assert!(
        shift == home.bounce(&three, &[("slot", "Shift")]),
        "it stays what it is"
    );
}

#[test]
fn who_leaves_a_slot_leaves_the_morph() {
    let home = Home::new();
    let input = &turning()[..24_000];
    let mut plugin = home.plugin(home.voice("Olga"), VoiceSetup::default());
    set_all(
        &plugin,
        &[("morph", "on"), ("morph_x", "100"), ("morph_y", "100")],
    );
    let params = plugin.parameters();
    let olga = bounce(&mut plugin, RATE_HZ, input, 512).1;
    params.rack.put(2, Some(home.voice("Bo")));
    let both = bounce(&mut plugin, RATE_HZ, input, 512).1;
    assert!(both != olga);
    use CornerState::{Empty, Present};
    let corners = || params.rack.shown().corners(1);
    assert_eq!(corners(), [Present, Present, Empty, Empty]);
    params.rack.put(2, None);
    let after = bounce(&mut plugin, RATE_HZ, input, 512).1;
    assert!(after == olga);
    assert_eq!(corners(), [Present, Empty, Empty, Empty]);
}

#[test]
fn a_voice_comes_in_live() {
    let home = Home::new();
    let mut plugin = home.plugin(home.voice("Olga"), VoiceSetup::default());
    let host = Host::new(PluginApi::Vst3);
    assert!(host.activate(&mut plugin, (2, 2), 44_100.0, 256));
    let input = sung(44_100, 0.2, |_| 200.0);
    until("the voice", || {
        for block in input.chunks_exact(256) {
            host.process(&mut plugin, &mut [block.to_vec(), block.to_vec()]);
        }
        plugin.feed().newest().slot == 1
    });
    assert_eq!(host.restarts.get(), 0);
}

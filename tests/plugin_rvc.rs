//! The plugin with an RVC voice: small seeded weights, through the real import, library, loader and
//! engine.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod fake_voices;
mod plugin_host;
mod rvc_nets;
mod tones;
mod voice_files;

use autovoice::bridge::{HostConfig, Latency};
use autovoice::engine::Quality;
use autovoice::engine::rvc::Reach;
use autovoice::io::checkpoint::{Tensor, TensorData, write_safetensors};
use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::nn::Weights;
use autovoice::plugin::AutoVoicePlugin;
use autovoice::plugin::voices::{SlotState, Stock, Voices};
use autovoice::quality::seeded;
use autovoice::voice::models::{ModelKind, content_tensors, path_in};
use autovoice::voice::rvc::tensors;
use fake_voices::{until, until_shown};
use nice_plug::prelude::*;
use plugin_host::{Host, bounce, set_text};
use rvc_nets::{ENCODER, small};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::sync::Arc;
use tones::torch::{Py, save};

const RATE_HZ: u32 = 48_000;

/// A library with a voice in it, and the models it needs.
struct Home {
    _folder: tempfile::TempDir,
    stock: Arc<Stock>,
}

/// Every tensor with its values.
fn values(weights: &Weights) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let shapes = weights.shapes();
    let mut all: Vec<_> = shapes
        .map(|(name, shape)| {
            let values = weights.root().get(name, shape).unwrap().to_vec();
            (name.to_owned(), shape.to_vec(), values)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

impl Home {
    fn new(config: &RvcConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        std::fs::create_dir_all(&models).unwrap();
        let encoder = seeded::weights(content_tensors(&ENCODER), 1).unwrap();
        let encoder: Vec<_> = values(&encoder)
            .into_iter()
            .map(|(name, shape, values)| {
                let data = TensorData::F32(values);
                (name, Tensor { shape, data })
            })
            .collect();
        let path = path_in(&models, ModelKind::ContentVec);
        write_safetensors(&path, &encoder, &BTreeMap::new()).unwrap();

        let weights = seeded::weights(tensors(config, 21), 2).unwrap();
        let weights = values(&weights).into_iter();
        let weights = weights.map(|(name, shape, values)| (name, Py::half(&shape, &values)));
        let file = folder.path().join("Ada.pth");
        std::fs::write(&file, save(&voice_files::around(config, weights.collect()))).unwrap();

        let library = folder.path().join("voices");
        let stock = Arc::new(Stock::new(Box::new(Voices::of(&library, &models))));
        stock.import(&file).unwrap();
        Self {
            _folder: folder,
            stock,
        }
    }

    /// A plugin with the voice in slot 1, selected, on so many threads.
    fn plugin(&self, quality: Quality, threads: usize) -> AutoVoicePlugin {
        let plugin = AutoVoicePlugin::with_voices(self.stock.clone());
        let params = plugin.parameters();
        let voice = self.stock.list().unwrap().remove(0).voice;
        params.rack.put(1, Some(voice));
        for (id, text) in [
            ("slot", "Voice 1"),
            ("quality", quality.name()),
            ("threads", threads.to_string().as_str()),
        ] {
            let all = params.all();
            let (_, param) = all.into_iter().find(|(known, _)| *known == id).unwrap();
            set_text(param, text);
        }
        plugin
    }
}

/// Harmonics of 200 Hz, and from one second on of 290 Hz.
fn sung(seconds: f64) -> Vec<f32> {
    let mut phase = 0.0;
    let rate_hz = f64::from(RATE_HZ);
    let sample = |n: usize| {
        let hz = if (n as f64) < rate_hz { 200.0 } else { 290.0 };
        phase += hz / rate_hz;
        let waves = (1..=12).map(|k| (TAU * f64::from(k) * phase).sin() / f64::from(k));
        0.2 * waves.sum::<f64>() as f32
    };
    (0..(seconds * rate_hz) as usize).map(sample).collect()
}

/// Level of the first harmonics of a pitch in 50 ms from a frame on.
fn level(signal: &[f32], from: usize, hz: f64) -> f64 {
    let window = &signal[from..from + RATE_HZ as usize / 20];
    let one = |hz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in window.iter().enumerate() {
            let turn = TAU * hz * n as f64 / f64::from(RATE_HZ);
            // Hann.
            let x = f64::from(*x) * (1.0 - (TAU * n as f64 / window.len() as f64).cos());
            re += x * turn.cos();
            im += x * turn.sin();
        }
        10.0 * (re * re + im * im + 1e-12).log10()
    };
    (1..=3).map(|k| one(hz * f64::from(k))).sum()
}

#[test]
fn a_bounce_is_in_time_at_every_quality_and_on_one_thread_and_the_same_at_every_block() {
    let config = small(Version::V2, RATE_HZ, true);
    let home = Home::new(&config);
    let input = sung(2.2);
    let mut live_delays = Vec::new();
    for (quality, threads) in [
        (Quality::Live, 2),
        (Quality::Live, 1),
        (Quality::Balanced, 2),
        (Quality::Quick, 2),
    ] {
        let spec = Reach::of(quality).on(threads).spec(&config);
        let mut bounces = Vec::new();
        for block in [64, 1_000] {
            let mut plugin = home.plugin(quality, threads);
            let (delay, output) = bounce(&mut plugin, RATE_HZ, &input, block);
            let host = HostConfig {
                rate_hz: RATE_HZ,
                channels: 1,
                max_block: block,
                offline: true,
            };
            assert_eq!(delay, Latency::of_worker(&host, &spec).total());
            let rack = &plugin.parameters().rack;
            assert_eq!(rack.shown().slots[0].state, SlotState::Ready);
            assert_eq!(plugin.feed().newest().slot, 1);
            assert_eq!(plugin.feed().newest().dropouts.count, 0);
            bounces.push(output[delay..].to_vec());
            if (quality, block) == (Quality::Live, 64) {
                live_delays.push(delay);
            }
        }
        // Where the change was sung, the change is heard, whatever the delay.
        let [heard, other] = &bounces[..] else {
            unreachable!("one for each block");
        };
        let (change, near) = (RATE_HZ as usize, RATE_HZ as usize / 10);
        let (before, after) = (change - near, change + near / 2);
        assert!(
            level(heard, before, 290.0) < level(heard, before, 200.0),
            "{quality:?}"
        );
        assert!(
            level(heard, after, 200.0) < level(heard, after, 290.0),
            "{quality:?}"
        );
        let frames = heard.len().min(other.len());
        assert_eq!(heard[..frames], other[..frames], "{quality:?}");
    }
    let [two, one] = live_delays[..] else {
        unreachable!("one for each number of threads");
    };
    let hop = Reach::of(Quality::Live).spec(&config).hop;
    assert_eq!(one + hop, two, "one thread is a hop earlier");
}

#[test]
fn a_voice_comes_in_live_and_goes_with_its_instance() {
    let home = Home::new(&small(Version::V2, 40_000, true));
    let mut plugin = home.plugin(Quality::Live, 2);
    let host = Host::new(PluginApi::Vst3);
    assert!(host.activate(&mut plugin, (2, 2), RATE_HZ as f32, 256));
    let input = sung(0.2);
    until("the voice", || {
        for block in input.chunks_exact(256) {
            host.process(&mut plugin, &mut [block.to_vec(), block.to_vec()]);
        }
        plugin.feed().newest().slot == 1
    });
    until_shown(&plugin.parameters().rack, "no failure", |shown| {
        shown.slots[0].state == SlotState::Ready
    });
    assert_eq!(host.restarts.get(), 0);
}

//! A plugin with fake voices in a host, played in blocks.
#![allow(dead_code, reason = "each test binary uses its own part")]

use crate::fake_voices::{Fake, Kind, fake, until_shown};
use crate::plugin_host::{Host, set_text};
use autovoice::bridge::{HostConfig, Latency};
use autovoice::engine::Quality;
use autovoice::plugin::voices::{SlotState, Stock, VoiceSetup};
use autovoice::plugin::{AutoVoiceParams, AutoVoicePlugin};
use nice_plug::prelude::*;
use std::sync::Arc;

const RATE_HZ: u32 = 48_000;
/// Frames of a block.
pub const BLOCK: usize = 256;

/// A plugin in a host.
pub struct Rig {
    pub host: Host,
    pub plugin: AutoVoicePlugin,
    pub params: Arc<AutoVoiceParams>,
}

impl Rig {
    pub fn new(stock: Arc<Stock>) -> Self {
        let plugin = AutoVoicePlugin::with_voices(stock);
        let params = plugin.parameters();
        Self {
            host: Host::new(PluginApi::Clap),
            plugin,
            params,
        }
    }

    /// Not active yet, renders offline: what is heard does not depend on threads.
    pub fn offline(stock: Arc<Stock>) -> Self {
        let rig = Self::new(stock);
        rig.host.mode.set(ProcessMode::Offline);
        rig
    }

    pub fn set(&self, id: &str, text: &str) {
        let found = self
            .params
            .all()
            .into_iter()
            .find(|(known, _)| *known == id);
        set_text(found.expect(id).1, text);
    }

    pub fn put(&self, slot: usize, voice: Fake) {
        self.params.rack.put(slot, Some(voice.voice()));
    }

    /// The delay reported.
    pub fn activate(&mut self) -> usize {
        let is_active = self
            .host
            .activate(&mut self.plugin, (1, 1), RATE_HZ as f32, BLOCK as u32);
        assert!(is_active);
        *self.host.latencies.borrow().last().expect("reported") as usize
    }

    /// Plays a signal in blocks.
    pub fn play(&mut self, input: &[f32]) -> Vec<f32> {
        let mut output = Vec::with_capacity(input.len());
        for block in input.chunks(BLOCK) {
            let mut channels = [block.to_vec()];
            self.host.process(&mut self.plugin, &mut channels);
            output.extend_from_slice(&channels[0]);
        }
        output
    }

    pub fn state_of(&self, slot: usize) -> SlotState {
        self.params.rack.shown().slots[slot - 1].state.clone()
    }

    /// Waits until a slot is neither empty nor loading; how it is then.
    pub fn settled(&self, slot: usize) -> SlotState {
        until_shown(&self.params.rack, "a settled slot", |shown| {
            !matches!(
                shown.slots[slot - 1].state,
                SlotState::Empty | SlotState::Loading
            )
        });
        self.state_of(slot)
    }
}

/// Noise that is the same every time, between -0.5 and 0.5.
pub fn noise(frames: usize) -> Vec<f32> {
    let mut state = 7u32;
    let samples = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    });
    samples.take(frames).collect()
}

/// The delay that a voice needs at a quality, on as many threads as there may be.
pub fn needs(voice: Fake, quality: Quality) -> usize {
    let live = VoiceSetup::default();
    needs_for(voice, &VoiceSetup { quality, ..live })
}

/// The delay that a voice needs.
pub fn needs_for(voice: Fake, setup: &VoiceSetup) -> usize {
    let host = HostConfig {
        rate_hz: RATE_HZ,
        channels: 1,
        max_block: BLOCK,
        offline: true,
    };
    Latency::of_worker(&host, &voice.spec(setup)).total()
}

/// Output from `from` on is the input, so many frames earlier and so loud.
pub fn assert_delayed(
    input: &[f32],
    output: &[f32],
    delay: usize,
    gain: f32,
    from: usize,
    case: &str,
) {
    for at in from..output.len() {
        let (expected, got) = (gain * input[at - delay], output[at]);
        assert!(
            (got - expected).abs() < 1e-6,
            "{case}, frame {at}: {got}, not {expected}"
        );
    }
}

/// A voice of half the loudness.
pub const ADA: Fake = fake("Ada", Kind::Gain(0.5));
/// A voice that needs more delay.
pub const BO: Fake = Fake {
    lookahead: 9_000,
    ..fake("Bo", Kind::Gain(-1.0))
};

//! A host as small as it gets: sets parameters, activates, hands over blocks and notes, and
//! remembers what the plugin asked of it.
#![allow(dead_code, reason = "each test binary uses its own part")]

use autovoice::plugin::AutoVoicePlugin;
use autovoice::plugin::params::ParamRef;
use nice_plug::context::process::SendEventError;
use nice_plug::params::InternalParamMut as _;
use nice_plug::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::num::NonZeroU32;

/// What the plugin hands to its background thread.
pub type Task = <AutoVoicePlugin as Plugin>::BackgroundTask;

/// Moves a parameter as a host does, by its normalized value.
#[allow(unsafe_code)]
pub fn set(param: ParamRef<'_>, normalized: f32) {
    // SAFETY: these are marked unsafe so that only hosts use them, and this is one.
    unsafe {
        match param {
            ParamRef::Float(p) => p._internal_set_normalized_value(normalized),
            ParamRef::Int(p) => p._internal_set_normalized_value(normalized),
            ParamRef::Bool(p) => p._internal_set_normalized_value(normalized),
        }
    };
}

/// Moves a parameter to what a text says.
pub fn set_text(param: ParamRef<'_>, text: &str) {
    let normalized = match param {
        ParamRef::Float(p) => p.string_to_normalized_value(text),
        ParamRef::Int(p) => p.string_to_normalized_value(text),
        ParamRef::Bool(p) => p.string_to_normalized_value(text),
    };
    set(param, normalized.expect(text));
}

/// What the plugin asked for.
pub struct Host {
    pub api: PluginApi,
    pub latencies: RefCell<Vec<u32>>,
    pub restarts: Cell<usize>,
    pub notes: RefCell<VecDeque<PluginNoteEvent<AutoVoicePlugin>>>,
    /// Whether reading notes panics, as the plugin's own code might.
    pub is_broken: Cell<bool>,
    /// How blocks are asked for from the next activation on.
    pub mode: Cell<ProcessMode>,
    transport: Transport,
}

impl Host {
    pub fn new(api: PluginApi) -> Self {
        Self {
            api,
            latencies: RefCell::default(),
            restarts: Cell::new(0),
            notes: RefCell::default(),
            is_broken: Cell::new(false),
            mode: Cell::new(ProcessMode::Realtime),
            transport: Transport::new(48_000.0),
        }
    }

    pub fn activate(
        &self,
        plugin: &mut AutoVoicePlugin,
        layout: (u32, u32),
        rate_hz: f32,
        max_block: u32,
    ) -> bool {
        let (inputs, outputs) = layout;
        let layout = AudioIOLayout {
            main_input_channels: NonZeroU32::new(inputs),
            main_output_channels: NonZeroU32::new(outputs),
            ..AudioIOLayout::const_default()
        };
        let buffers = BufferConfig {
            sample_rate: rate_hz,
            min_buffer_size: None,
            max_buffer_size: max_block,
            process_mode: self.mode.get(),
        };
        let is_active = plugin.activate(&layout, &buffers, &mut Activation(self));
        plugin.reset();
        is_active
    }

    /// Processes `channels` in place as one block.
    #[allow(unsafe_code)]
    pub fn process(
        &self,
        plugin: &mut AutoVoicePlugin,
        channels: &mut [Vec<f32>],
    ) -> ProcessStatus {
        let mut buffer = Buffer::default();
        let frames = channels.first().map_or(0, Vec::len);
        // SAFETY: every slice has as many samples as are announced.
        unsafe {
            buffer.set_slices(frames, |slices| {
                *slices = channels.iter_mut().map(Vec::as_mut_slice).collect();
            });
        }
        self.process_buffer(plugin, &mut buffer)
    }

    /// Processes a buffer that was built before, so that nothing here allocates.
    pub fn process_buffer(
        &self,
        plugin: &mut AutoVoicePlugin,
        buffer: &mut Buffer,
    ) -> ProcessStatus {
        let mut aux = AuxiliaryBuffers {
            inputs: &mut [],
            outputs: &mut [],
        };
        plugin.process(buffer, &mut aux, &mut Processing(self))
    }
}

struct Activation<'a>(&'a Host);

impl ActivateContext<AutoVoicePlugin> for Activation<'_> {
    fn plugin_api(&self) -> PluginApi {
        self.0.api
    }
    fn execute(&self, _task: Task) {}
    fn set_latency_samples(&self, samples: u32) {
        self.0.latencies.borrow_mut().push(samples);
    }
    fn set_current_voice_capacity(&self, _capacity: u32) {}
}

struct Processing<'a>(&'a Host);

impl ProcessContext<AutoVoicePlugin> for Processing<'_> {
    fn plugin_api(&self) -> PluginApi {
        self.0.api
    }
    fn execute_background(&self, _task: Task) {}
    fn execute_gui(&self, _task: Task) {}
    fn transport(&self) -> &Transport {
        &self.0.transport
    }
    fn next_event(&mut self) -> Option<PluginNoteEvent<AutoVoicePlugin>> {
        assert!(!self.0.is_broken.get(), "a panic on purpose");
        self.0.notes.borrow_mut().pop_front()
    }
    fn try_send_event(
        &mut self,
        event: PluginNoteEvent<AutoVoicePlugin>,
    ) -> Result<(), (PluginNoteEvent<AutoVoicePlugin>, SendEventError)> {
        Err((event, SendEventError::NoOutputBuffer))
    }
    fn set_latency_samples(&self, _samples: u32) {
        panic!("latency may only be set while activating");
    }
    fn request_restart(&self) {
        self.0.restarts.set(self.0.restarts.get() + 1);
    }
    fn set_current_voice_capacity(&self, _capacity: u32) {}
}

/// Delay reported and output of a mono plugin that renders offline in blocks.
pub fn bounce(
    plugin: &mut AutoVoicePlugin,
    rate_hz: u32,
    input: &[f32],
    block: usize,
) -> (usize, Vec<f32>) {
    let host = Host::new(PluginApi::Clap);
    host.mode.set(ProcessMode::Offline);
    assert!(host.activate(plugin, (1, 1), rate_hz as f32, block as u32));
    let delay = host.latencies.borrow()[0] as usize;
    let mut output = Vec::new();
    for block in input.chunks(block) {
        let mut channels = [block.to_vec()];
        host.process(plugin, &mut channels);
        output.extend_from_slice(&channels[0]);
    }
    assert_eq!(host.restarts.get(), 0);
    (delay, output)
}

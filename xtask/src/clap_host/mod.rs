//! A CLAP host in this process: loads a bundle, runs instances and watches that they keep the
//! rules of the format. Used by `cargo xtask demo` and the tests; panics nowhere but in tests.
//!
//! The thread that opens an instance is its main thread; whoever calls [`Audio::process`] is the
//! audio thread for that call. It is a test host: it allocates while processing.

mod audio;
mod callbacks;
mod editor;

use std::collections::HashSet;
use std::ffi::{CString, OsString};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::gui::PluginGui;
use clack_extensions::latency::PluginLatency;
use clack_extensions::note_ports::{NotePortInfoBuffer, PluginNotePorts};
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::extensions::Extension;
use clack_host::prelude::*;

pub use audio::{Audio, Event, Timeline, frames_at};
use callbacks::{Callbacks, Shared};
pub use editor::EditorSize;

/// A loaded `.clap` file with one plugin in it.
pub struct Bundle {
    entry: PluginEntry,
    id: CString,
    name: String,
}

impl Bundle {
    /// Loads the file.
    ///
    /// # Errors
    /// When it is missing, is no CLAP plugin, or holds other than one plugin.
    #[allow(unsafe_code)]
    pub fn open(path: &Path) -> Result<Self> {
        ensure!(
            path.exists(),
            "expected a CLAP plugin at {}, found nothing; build it with `cargo xtask bundle`",
            path.display()
        );
        // SAFETY: loading runs the library's initialisers; the file is the one we built, and
        // whoever runs a plugin host trusts the plugins it is pointed to.
        let entry = unsafe { PluginEntry::load(path) }
            .with_context(|| format!("{} does not load as a CLAP plugin", path.display()))?;
        let factory = entry
            .get_plugin_factory()
            .context("the library has no plugin factory")?;
        let descriptors: Vec<_> = factory.plugin_descriptors().collect();
        let [descriptor] = descriptors[..] else {
            bail!(
                "expected one plugin in the library, found {}",
                descriptors.len()
            );
        };
        let id = descriptor.id().context("the plugin has no id")?.to_owned();
        let name = descriptor.name().context("the plugin has no name")?;
        let name = name.to_string_lossy().into_owned();
        Ok(Self { entry, id, name })
    }

    /// The plugin's id, as projects store it.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.to_string_lossy().into_owned()
    }

    /// The plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A new instance, inactive. This thread becomes its main thread.
    ///
    /// # Errors
    /// When the plugin refuses or lacks an extension this host needs.
    pub fn instance(&self) -> Result<Plugin> {
        let host = HostInfo::new("AutoVoice test host", "AutoVoice", "", "1")?;
        let main_thread = std::thread::current().id();
        let mut instance = PluginInstance::<Callbacks>::new(
            |()| Shared::new(main_thread),
            |shared| callbacks::MainThread::new(shared),
            &self.entry,
            &self.id,
            &host,
        )
        .context("the plugin refused an instance")?;
        let extensions = Extensions::query(&mut instance)?;
        Ok(Plugin {
            instance,
            extensions,
            active: None,
            editor_is_open: false,
            editor_threads: HashSet::new(),
        })
    }
}

/// What this host uses of one instance; handles belong to the instance they came from.
#[derive(Clone, Copy)]
struct Extensions {
    audio_ports: PluginAudioPorts,
    layouts: PluginAudioPortsConfig,
    params: PluginParams,
    state: PluginState,
    latency: PluginLatency,
    render: Option<PluginRender>,
    note_ports: Option<PluginNotePorts>,
    gui: Option<PluginGui>,
}

impl Extensions {
    fn query(instance: &mut PluginInstance<Callbacks>) -> Result<Self> {
        fn need<E>(instance: &mut PluginInstance<Callbacks>, name: &str) -> Result<E>
        where
            E: Extension<ExtensionSide = clack_host::extensions::PluginExtensionSide>,
        {
            let found = instance.plugin_handle().get_extension();
            found.with_context(|| format!("the plugin lacks the extension {name}"))
        }
        Ok(Self {
            audio_ports: need(instance, "audio-ports")?,
            layouts: need(instance, "audio-ports-config")?,
            params: need(instance, "params")?,
            state: need(instance, "state")?,
            latency: need(instance, "latency")?,
            render: instance.plugin_handle().get_extension(),
            note_ports: instance.plugin_handle().get_extension(),
            gui: instance.plugin_handle().get_extension(),
        })
    }
}

/// A bus layout the plugin offers: channels of its one input and its one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What [`Plugin::select`] takes.
    pub id: u32,
    /// The name shown.
    pub name: String,
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
}

/// A parameter as the host sees it. Values run from `min` to `max`; only the plugin's own text
/// says what they mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The number hosts store in projects.
    pub id: u32,
    /// The name shown.
    pub name: String,
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// Value of a new instance.
    pub default: f64,
    /// Whether hosts may automate it.
    pub automatable: bool,
    /// Whether it takes whole numbers only.
    pub stepped: bool,
    /// Whether it is the plugin's bypass.
    pub bypass: bool,
    /// Whether hosts must not show it.
    pub hidden: bool,
}

/// How an instance was activated.
#[derive(Clone, Copy, Debug)]
struct Activation {
    rate_hz: f64,
    max_block: u32,
}

/// One instance of a plugin.
pub struct Plugin {
    instance: PluginInstance<Callbacks>,
    extensions: Extensions,
    active: Option<Activation>,
    editor_is_open: bool,
    /// Threads that came with it.
    editor_threads: HashSet<OsString>,
}

impl Plugin {
    /// The layouts offered.
    #[must_use]
    pub fn layouts(&mut self) -> Vec<Layout> {
        let layouts = self.extensions.layouts;
        let handle = self.instance.plugin_handle();
        let mut buffer = AudioPortsConfigBuffer::new();
        (0..layouts.count(&handle))
            .filter_map(|index| {
                let config = layouts.get(&handle, index, &mut buffer)?;
                Some(Layout {
                    id: config.id.get(),
                    name: String::from_utf8_lossy(config.name).into_owned(),
                    inputs: config
                        .main_input
                        .map_or(0, |port| port.channel_count as usize),
                    outputs: config
                        .main_output
                        .map_or(0, |port| port.channel_count as usize),
                })
            })
            .collect()
    }

    /// Takes a layout. Only while inactive.
    ///
    /// # Errors
    /// While active, or when the plugin refuses.
    pub fn select(&mut self, layout: &Layout) -> Result<()> {
        ensure!(self.active.is_none(), "layouts change only while inactive");
        let id = ClapId::from_raw(layout.id).context("a layout without an id")?;
        let handle = self.instance.plugin_handle();
        self.extensions.layouts.select(&handle, id)?;
        Ok(())
    }

    /// Takes the layout with these channel counts. Only while inactive.
    ///
    /// # Errors
    /// When the plugin offers none.
    pub fn select_channels(&mut self, inputs: usize, outputs: usize) -> Result<()> {
        let layouts = self.layouts();
        let layout = layouts
            .iter()
            .find(|layout| (layout.inputs, layout.outputs) == (inputs, outputs))
            .with_context(|| format!("expected a layout {inputs}->{outputs} in {layouts:?}"))?;
        self.select(layout)
    }

    /// Channels of the input and the output as the ports say now.
    #[must_use]
    pub fn channels(&mut self) -> (usize, usize) {
        let ports = self.extensions.audio_ports;
        let handle = self.instance.plugin_handle();
        let count = |is_input| {
            let mut buffer = AudioPortInfoBuffer::new();
            let info = ports.get(&handle, 0, is_input, &mut buffer);
            info.map_or(0, |info| info.channel_count as usize)
        };
        (count(true), count(false))
    }

    /// Note ports that take input.
    #[must_use]
    pub fn note_inputs(&mut self) -> usize {
        let Some(ports) = self.extensions.note_ports else {
            return 0;
        };
        let handle = self.instance.plugin_handle();
        let mut buffer = NotePortInfoBuffer::new();
        (0..ports.count(&handle, true))
            .filter(|&index| ports.get(&handle, index, true, &mut buffer).is_some())
            .count()
    }

    /// Every parameter.
    #[must_use]
    pub fn params(&mut self) -> Vec<Param> {
        let params = self.extensions.params;
        let handle = self.instance.plugin_handle();
        let mut buffer = ParamInfoBuffer::new();
        (0..params.count(&handle))
            .filter_map(|index| {
                let info = params.get_info(&handle, index, &mut buffer)?;
                let has = |flag| info.flags.contains(flag);
                Some(Param {
                    id: info.id.get(),
                    name: String::from_utf8_lossy(info.name).into_owned(),
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                    automatable: has(ParamInfoFlags::IS_AUTOMATABLE),
                    stepped: has(ParamInfoFlags::IS_STEPPED),
                    bypass: has(ParamInfoFlags::IS_BYPASS),
                    hidden: has(ParamInfoFlags::IS_HIDDEN),
                })
            })
            .collect()
    }

    /// A parameter's value now.
    ///
    /// # Errors
    /// For an unknown id.
    pub fn value(&mut self, id: u32) -> Result<f64> {
        let handle = self.instance.plugin_handle();
        let value = self.extensions.params.get_value(&handle, clap_id(id)?);
        value.with_context(|| format!("the plugin knows no parameter {id}"))
    }

    /// A value as the plugin writes it.
    ///
    /// # Errors
    /// For an unknown id or a value the plugin cannot write.
    pub fn text(&mut self, id: u32, value: f64) -> Result<String> {
        let mut buffer = [0; 256];
        let handle = self.instance.plugin_handle();
        let params = self.extensions.params;
        let text = params
            .value_to_text(&handle, clap_id(id)?, value, &mut buffer)
            .with_context(|| format!("the plugin has no text for {value} of parameter {id}"))?;
        let end = text
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(text.len());
        Ok(String::from_utf8(text[..end].to_vec())?)
    }

    /// The value of a text the user typed, or `None` when the plugin refuses it.
    ///
    /// # Errors
    /// For an id or a text that cannot exist.
    pub fn parse(&mut self, id: u32, text: &str) -> Result<Option<f64>> {
        let text = CString::new(text)?;
        let handle = self.instance.plugin_handle();
        let params = self.extensions.params;
        Ok(params.text_to_value(&handle, clap_id(id)?, &text))
    }

    /// Sets the parameter of this frozen text id to what a user would type. Only while inactive.
    ///
    /// # Errors
    /// For an unknown parameter or a refused text.
    pub fn set(&mut self, text_id: &str, text: &str) -> Result<()> {
        let id = param_id(text_id);
        let value = self
            .parse(id, text)?
            .with_context(|| format!("`{text_id}` refused the text {text:?}"))?;
        self.set_value(id, value)
    }

    /// Sets a parameter. Only while inactive; while active it is an event of the audio.
    ///
    /// # Errors
    /// While active.
    pub fn set_value(&mut self, id: u32, value: f64) -> Result<()> {
        let events = audio::events(&[(0, Event::Param { id, value })])?;
        let mut returned = EventBuffer::new();
        let mut handle = self
            .instance
            .inactive_plugin_handle()
            .context("an active plugin takes parameters as events")?;
        self.extensions
            .params
            .flush(&mut handle, &events.as_input(), &mut returned.as_output());
        self.idle();
        Ok(())
    }

    /// What a project stores.
    ///
    /// # Errors
    /// When the plugin cannot save.
    pub fn save(&mut self) -> Result<Vec<u8>> {
        let mut state = Vec::new();
        let handle = self.instance.plugin_handle();
        self.extensions.state.save(&handle, &mut state)?;
        Ok(state)
    }

    /// Restores what [`Self::save`] gave.
    ///
    /// # Errors
    /// When the plugin refuses it.
    pub fn load(&mut self, state: &[u8]) -> Result<()> {
        let handle = self.instance.plugin_handle();
        let loaded = self.extensions.state.load(&handle, &mut &state[..]);
        self.idle();
        Ok(loaded?)
    }

    /// Puts a voice of the library into slot 1 as a project does, and selects it.
    ///
    /// # Errors
    /// If the plugin neither gives nor takes its state.
    pub fn put_voice(&mut self, name: &str) -> Result<()> {
        // Behind its length in eight bytes.
        let state = self.save()?;
        let json = state.get(8..).context("a state of eight bytes and JSON")?;
        let mut state: serde_json::Value = serde_json::from_slice(json)?;
        let slots = serde_json::json!([{ "name": name }]).to_string();
        state["fields"]["voices"] = slots.into();
        let json = serde_json::to_vec(&state)?;
        self.load(&[&(json.len() as u64).to_le_bytes()[..], &json].concat())?;
        self.set("slot", "Voice 1")
    }

    /// The delay reported, in frames.
    #[must_use]
    pub fn latency_frames(&mut self) -> usize {
        let handle = self.instance.plugin_handle();
        self.extensions.latency.get(&handle) as usize
    }

    /// Tells the plugin whether it renders offline, as hosts do before a bounce.
    ///
    /// # Errors
    /// When the plugin refuses or does not care.
    pub fn set_offline(&mut self, offline: bool) -> Result<()> {
        let mode = if offline {
            RenderMode::Offline
        } else {
            RenderMode::Realtime
        };
        let render = self.extensions.render.context("no render extension")?;
        let handle = self.instance.plugin_handle();
        render
            .set(&handle, mode)
            .map_err(|_| anyhow::anyhow!("the plugin refused {mode:?}"))?;
        self.idle();
        Ok(())
    }

    /// Activates and starts. A restart the plugin asks for at once (its way to announce a latency)
    /// is granted before this returns.
    ///
    /// # Errors
    /// When the plugin refuses.
    pub fn activate(&mut self, rate_hz: f64, max_block: usize) -> Result<Audio> {
        let max_block = u32::try_from(max_block).context("a block this long")?;
        let mut audio = self.activate_once(Activation { rate_hz, max_block })?;
        for _ in 0..4 {
            self.idle();
            if !self.take_restart_request() {
                return Ok(audio);
            }
            audio = self.restart(audio)?;
        }
        bail!("the plugin asks for a restart after every activation");
    }

    /// Deactivates and activates again as before.
    ///
    /// # Errors
    /// When the plugin was inactive or refuses.
    pub fn restart(&mut self, audio: Audio) -> Result<Audio> {
        let activation = self.active.context("an inactive plugin cannot restart")?;
        self.deactivate(audio);
        self.activate_once(activation)
    }

    fn activate_once(&mut self, activation: Activation) -> Result<Audio> {
        let (inputs, outputs) = self.channels();
        self.shared(|shared| shared.activating(true));
        let processor = self.instance.activate(
            |_, _| (),
            PluginAudioConfiguration {
                sample_rate: activation.rate_hz,
                min_frames_count: 1,
                max_frames_count: activation.max_block,
            },
        );
        self.shared(|shared| shared.activating(false));
        let processor = processor.context("the plugin refused to activate")?;
        self.shared(Shared::enter_audio_thread);
        let processor = processor.start_processing();
        self.shared(Shared::leave_audio_thread);
        let processor = processor.map_err(|_| anyhow::anyhow!("the plugin refused to start"))?;
        self.active = Some(activation);
        Ok(Audio::new(processor, inputs, outputs, activation.max_block))
    }

    /// Stops and deactivates.
    pub fn deactivate(&mut self, audio: Audio) {
        let processor = audio.into_processor();
        self.shared(Shared::enter_audio_thread);
        let processor = processor.stop_processing();
        self.shared(Shared::leave_audio_thread);
        self.instance.deactivate(processor);
        self.active = None;
        self.idle();
    }

    /// Does what a host's main loop does: runs the callback the plugin asked for.
    pub fn idle(&mut self) {
        for _ in 0..16 {
            if !self.shared(Shared::take_callback_request) {
                return;
            }
            self.instance.call_on_main_thread_callback();
        }
    }

    /// Whether the plugin asked to be restarted since the last call.
    pub fn take_restart_request(&mut self) -> bool {
        self.shared(Shared::take_restart_request)
    }

    /// Times the plugin said that its latency changed.
    #[must_use]
    pub fn latency_changes(&self) -> usize {
        self.shared(Shared::latency_changes)
    }

    /// What the plugin did that the format forbids; empty for a good plugin.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared(Shared::violations)
    }

    fn shared<R>(&self, access: impl FnOnce(&Shared) -> R) -> R {
        self.instance.access_shared_handler(access)
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // The format forbids destroying an instance whose editor is open.
        if self.editor_is_open {
            let _ = self.close_editor();
        }
    }
}

fn clap_id(id: u32) -> Result<ClapId> {
    ClapId::from_raw(id).with_context(|| format!("{id} is no parameter id"))
}

/// The number under which nice-plug shows a parameter's text id to hosts: a Rabin fingerprint of
/// 31 bits. Projects store this number, so both are frozen.
#[must_use]
pub fn param_id(text_id: &str) -> u32 {
    let hash = text_id.bytes().fold(0u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(byte.into())
    });
    hash & 0x7fff_ffff
}

//! The plugin as hosts see it. `activate`, `deactivate` and `filter_state` run on the main
//! thread and may allocate; `reset` and `process` run on the audio thread and never allocate,
//! lock, block or log. No panic passes from here into a host.

use super::audio::{Note, Path, Setup};
use super::feed::Feed;
use super::params::{AutoVoiceParams, Wanted};
use super::state;
use super::voices::Stock;
use crate::bridge::HostConfig;
use nice_plug::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The plugin.
#[derive(Default)]
pub struct AutoVoicePlugin {
    params: Arc<AutoVoiceParams>,
    feed: Arc<Feed>,
    path: Option<Path>,
    /// What a restart was asked for and has not brought yet; with it, how often voices needed one.
    asked: Option<(Wanted, u64)>,
}

impl AutoVoicePlugin {
    /// An instance for voices of this stock.
    #[must_use]
    pub fn with_voices(stock: Arc<Stock>) -> Self {
        Self {
            params: Arc::new(AutoVoiceParams::with_voices(stock)),
            ..Self::default()
        }
    }

    /// What is shown of this instance.
    #[must_use]
    pub fn feed(&self) -> Arc<Feed> {
        self.feed.clone()
    }

    /// The parameters of this instance.
    #[must_use]
    pub fn parameters(&self) -> Arc<AutoVoiceParams> {
        self.params.clone()
    }

    const STEREO: Option<NonZeroU32> = NonZeroU32::new(2);
    const MONO: Option<NonZeroU32> = NonZeroU32::new(1);

    fn setup(&self, layout: &AudioIOLayout, buffers: &BufferConfig) -> Setup {
        let channels_of = |bus: Option<NonZeroU32>| bus.map_or(0, NonZeroU32::get) as usize;
        let channels = channels_of(layout.main_input_channels);
        Setup {
            host: HostConfig {
                // The cast saturates: NaN and negative rates become 0, which no engine takes.
                rate_hz: buffers.sample_rate.round() as u32,
                channels,
                max_block: buffers.max_buffer_size as usize,
                offline: buffers.process_mode == ProcessMode::Offline,
            },
            spread: channels < channels_of(layout.main_output_channels),
            wanted: self.params.wanted(),
        }
    }

    fn try_activate(&mut self, setup: Setup, context: &mut impl ActivateContext<Self>) -> bool {
        let path = match Path::new(setup, &self.feed, &self.params.rack) {
            Ok(path) => path,
            Err(error) => {
                nice_error!("AutoVoice cannot start: {error}");
                return false;
            }
        };
        let latency = if setup.wanted.report_latency {
            path.latency()
        } else {
            0
        };
        context.set_latency_samples(u32::try_from(latency).unwrap_or(u32::MAX));
        self.path = Some(path);
        self.asked = None;
        true
    }

    /// Asks the host once for what only a restart can change.
    fn ask_for_wanted(&mut self, context: &mut impl ProcessContext<Self>) {
        let Some(path) = &self.path else { return };
        let wanted = (self.params.wanted(), self.params.rack.restarts());
        if wanted == (path.setup().wanted, path.restarts()) {
            self.asked = None;
        } else if self.asked != Some(wanted) {
            self.asked = Some(wanted);
            context.request_restart();
        }
    }

    fn run(
        &mut self,
        buffer: &mut Buffer,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.ask_for_wanted(context);
        let Some(path) = &mut self.path else {
            return ProcessStatus::Normal;
        };
        if path.setup().host.offline {
            // A bounce has no wrong voices in it, however long they take to load.
            self.params.rack.wait();
        }
        path.process(
            buffer.as_slice(),
            || next_note(context),
            |notes| self.params.settings(notes),
        );
        if path.has_rung_out() {
            ProcessStatus::Normal
        } else {
            ProcessStatus::Tail(u32::try_from(path.latency()).unwrap_or(u32::MAX))
        }
    }
}

/// The next note of this block; other events are passed over. Real-time safe.
fn next_note<P: Plugin>(context: &mut impl ProcessContext<P>) -> Option<Note> {
    loop {
        let (timing, key, down) = match context.next_event()? {
            NoteEvent::NoteOn { timing, key, .. } => (timing, key, true),
            NoteEvent::NoteOff { timing, key, .. } | NoteEvent::Choke { timing, key, .. } => {
                (timing, key, false)
            }
            _ => continue,
        };
        return Some(Note {
            at: timing as usize,
            key: key.number(),
            down,
        });
    }
}

/// Runs what may not panic into a host.
fn guarded<T>(feed: &Feed, fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Freeing the payload is the caller's risk to take: on the audio thread it may neither
        // allocate nor panic again. A few bytes are lost instead.
        std::mem::forget(payload);
        feed.note_panic();
        fallback
    })
}

impl Plugin for AutoVoicePlugin {
    const NAME: &'static str = "AutoVoice";
    const VENDOR: &'static str = "AutoVoice";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        AudioIOLayout {
            main_input_channels: Self::STEREO,
            main_output_channels: Self::STEREO,
            ..AudioIOLayout::const_default()
        },
        AudioIOLayout {
            main_input_channels: Self::MONO,
            main_output_channels: Self::MONO,
            ..AudioIOLayout::const_default()
        },
        AudioIOLayout {
            main_input_channels: Self::MONO,
            main_output_channels: Self::STEREO,
            names: PortNames {
                layout: Some("Mono to stereo"),
                ..PortNames::const_default()
            },
            ..AudioIOLayout::const_default()
        },
    ];
    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;
    // Without it a change is heard from the start of its block on, up to a whole block early: at
    // 4096 frames a drawn pitch step would come 85 ms before its place, and a bounce with another
    // block size would differ from what was heard.
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    #[cfg(feature = "editor")]
    type Editor = crate::editor::Window;
    #[cfg(not(feature = "editor"))]
    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    #[cfg(feature = "editor")]
    fn editor(&mut self, _async_executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        Some(crate::editor::window(
            self.params.clone(),
            self.feed.clone(),
        ))
    }

    fn filter_state(state: &mut PluginState) {
        state::filter(state);
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        buffers: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let feed = self.feed.clone();
        let setup = self.setup(layout, buffers);
        guarded(&feed, false, || self.try_activate(setup, context))
    }

    fn deactivate(&mut self) {
        self.path = None;
        self.params.rack.disconnect();
    }

    fn reset(&mut self) {
        if let Some(path) = &mut self.path {
            guarded(&self.feed, (), || path.reset());
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let result = catch_unwind(AssertUnwindSafe(|| self.run(buffer, context)));
        result.unwrap_or_else(|payload| {
            std::mem::forget(payload);
            self.feed.note_panic();
            // Part of the block is lost to the path: what is on its way through it would come out
            // early. Silence and a fresh start are sure to be aligned.
            self.reset();
            for channel in buffer.as_slice() {
                channel.fill(0.0);
            }
            ProcessStatus::Normal
        })
    }
}

impl ClapPlugin for AutoVoicePlugin {
    const CLAP_ID: &'static str = "org.autovoice.autovoice";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Real-time voice conversion, pitch and formant shifting, pitch correction");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::PitchShifter,
        ClapFeature::PitchCorrection,
        ClapFeature::Stereo,
        ClapFeature::Mono,
    ];

    fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        super::remote::pages(&self.params, context);
    }
}

impl Vst3Plugin for AutoVoicePlugin {
    const VST3_CLASS_ID: [u8; 16] = *b"AutoVoice.Live.1";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::PitchShift];
}

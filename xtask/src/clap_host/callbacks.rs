//! What the plugin may call back, on whichever thread it chooses. Records requests and rule
//! violations; does nothing else.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::ThreadId;

use clack_extensions::audio_ports::{AudioPortRescanFlags, HostAudioPorts, HostAudioPortsImpl};
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::log::{HostLog, HostLogImpl, LogSeverity};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_extensions::thread_check::{HostThreadCheck, HostThreadCheckImpl};
use clack_host::prelude::*;

/// The handlers clack needs, by thread.
pub struct Callbacks;

impl HostHandlers for Callbacks {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread<'a>;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Shared) {
        builder
            .register::<HostAudioPorts>()
            .register::<HostGui>()
            .register::<HostLatency>()
            .register::<HostLog>()
            .register::<HostParams>()
            .register::<HostState>()
            .register::<HostThreadCheck>();
    }
}

/// Seen by every thread.
pub struct Shared {
    main_thread: ThreadId,
    /// The thread inside a call that belongs to the audio thread, if any.
    audio_thread: Mutex<Option<ThreadId>>,
    activating: AtomicBool,
    restart: AtomicBool,
    callback: AtomicBool,
    latency_changes: AtomicUsize,
    violations: Mutex<Vec<String>>,
}

impl Shared {
    pub fn new(main_thread: ThreadId) -> Self {
        Self {
            main_thread,
            audio_thread: Mutex::new(None),
            activating: AtomicBool::new(false),
            restart: AtomicBool::new(false),
            callback: AtomicBool::new(false),
            latency_changes: AtomicUsize::new(0),
            violations: Mutex::default(),
        }
    }

    /// From here to [`Self::leave_audio_thread`] the calling thread is the audio thread.
    pub fn enter_audio_thread(&self) {
        *self.audio_thread() = Some(std::thread::current().id());
    }

    pub fn leave_audio_thread(&self) {
        *self.audio_thread() = None;
    }

    pub fn activating(&self, now: bool) {
        self.activating.store(now, SeqCst);
    }

    pub fn take_restart_request(&self) -> bool {
        self.restart.swap(false, SeqCst)
    }

    pub fn take_callback_request(&self) -> bool {
        self.callback.swap(false, SeqCst)
    }

    pub fn latency_changes(&self) -> usize {
        self.latency_changes.load(SeqCst)
    }

    pub fn violations(&self) -> Vec<String> {
        self.violation_list().clone()
    }

    fn violation(&self, what: impl Into<String>) {
        self.violation_list().push(what.into());
    }

    fn expect_main_thread(&self, call: &str) {
        if !self.is_main_thread() {
            self.violation(format!("{call} called off the main thread"));
        }
    }

    // A panic while one of these is held is a panic of this host; the data stays whole.
    fn violation_list(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.violations
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn audio_thread(&self) -> std::sync::MutexGuard<'_, Option<ThreadId>> {
        self.audio_thread
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {
        self.restart.store(true, SeqCst);
    }

    fn request_process(&self) {}

    fn request_callback(&self) {
        self.callback.store(true, SeqCst);
    }
}

impl HostThreadCheckImpl for Shared {
    fn is_main_thread(&self) -> bool {
        let this = std::thread::current().id();
        this == self.main_thread && *self.audio_thread() != Some(this)
    }

    fn is_audio_thread(&self) -> bool {
        *self.audio_thread() == Some(std::thread::current().id())
    }
}

impl HostLogImpl for Shared {
    fn log(&self, severity: LogSeverity, message: &str) {
        match severity {
            LogSeverity::HostMisbehaving | LogSeverity::PluginMisbehaving | LogSeverity::Fatal => {
                self.violation(format!("the plugin logged {severity}: {message}"));
            }
            _ => {}
        }
        if self.is_audio_thread() {
            self.violation(format!("the plugin logged on the audio thread: {message}"));
        }
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, _new_size: GuiSize) -> Result<(), HostError> {
        Ok(())
    }

    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn closed(&self, _was_destroyed: bool) {}
}

/// Seen by the main thread.
pub struct MainThread<'a> {
    shared: &'a Shared,
}

impl<'a> MainThread<'a> {
    pub fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }
}

impl<'a> MainThreadHandler<'a> for MainThread<'a> {}

impl HostLatencyImpl for MainThread<'_> {
    fn changed(&self) {
        self.shared.expect_main_thread("latency.changed");
        self.shared.latency_changes.fetch_add(1, SeqCst);
        if !self.shared.activating.load(SeqCst) {
            self.shared
                .violation("latency.changed called outside activate");
        }
    }
}

impl HostParamsImplMainThread for MainThread<'_> {
    fn rescan(&self, _flags: ParamRescanFlags) {
        self.shared.expect_main_thread("params.rescan");
    }

    fn clear(&self, _id: ClapId, _flags: ParamClearFlags) {
        self.shared.expect_main_thread("params.clear");
    }
}

impl HostStateImpl for MainThread<'_> {
    fn mark_dirty(&self) {
        self.shared.expect_main_thread("state.mark_dirty");
    }
}

impl HostAudioPortsImpl for MainThread<'_> {
    fn is_rescan_flag_supported(&self, _flag: AudioPortRescanFlags) -> bool {
        false
    }

    fn rescan(&self, _flags: AudioPortRescanFlags) {
        self.shared.expect_main_thread("audio_ports.rescan");
    }
}

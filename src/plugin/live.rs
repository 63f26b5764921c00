//! `autovoice live`: the plugin as a program of its own on JACK, ALSA or no sound at all. The
//! framework's wrapper reads the arguments, opens the window and runs the audio thread; this
//! returns when the window is closed.

use super::AutoVoicePlugin;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static QUIT: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Runs the plugin with the wrapper's own options, `--help` lists them. Returns whether it ran
/// without an error; the wrapper has printed the error otherwise.
#[must_use]
pub fn run(options: impl IntoIterator<Item = String>) -> bool {
    let program = std::iter::once("autovoice live".to_owned());
    nice_plug::wrapper::standalone::nice_export_standalone_with_args::<AutoVoicePlugin, _>(
        program.chain(options),
    )
}

/// From now on an interrupt asks the window to close. The wrapper heeds interrupts only where
/// there is no window, and sets its handler right before it opens one: ours has to come after.
pub fn watch_signals() {
    QUIT.get_or_init(|| {
        let quit = Arc::<AtomicBool>::default();
        for signal in [SIGINT, SIGTERM] {
            // Without the handler the window's own button still closes it.
            let _ = signal_hook::flag::register(signal, quit.clone());
        }
        quit
    });
}

/// Whether an interrupt asked the window to close.
#[must_use]
pub fn is_quitting() -> bool {
    QUIT.get().is_some_and(|quit| quit.load(Ordering::Relaxed))
}

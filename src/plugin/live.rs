//! `autovoice live`: the plugin as a program of its own on JACK, ALSA or no sound at all. The
//! framework's wrapper reads the arguments, opens the window and runs the audio thread; this
//! returns when the window is closed.

use super::AutoVoicePlugin;

/// Runs the plugin with the wrapper's own options, `--help` lists them. Returns whether it ran
/// without an error; the wrapper has printed the error otherwise.
#[must_use]
pub fn run(options: impl IntoIterator<Item = String>) -> bool {
    let program = std::iter::once("autovoice live".to_owned());
    nice_plug::wrapper::standalone::nice_export_standalone_with_args::<AutoVoicePlugin, _>(
        program.chain(options),
    )
}

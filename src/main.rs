//! The `autovoice` command. All of it is in [`autovoice::cli`], but `live`, which is the plugin
//! run as a program and must stay out of `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // `cli::run` only lists `live` in the help and says which build has it.
    #[cfg(feature = "standalone")]
    if let Some(options) = live_options() {
        return match autovoice::plugin::live::run(options) {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        };
    }
    autovoice::cli::run(std::env::args_os())
}

/// What follows `live`, if that is the command.
#[cfg(feature = "standalone")]
fn live_options() -> Option<impl Iterator<Item = String>> {
    let mut arguments = std::env::args_os().skip(1);
    // A name that is no Unicode names no device the wrapper could open.
    (arguments.next()? == "live").then(|| arguments.map(|a| a.to_string_lossy().into_owned()))
}

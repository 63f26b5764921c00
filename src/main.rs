//! The `autovoice` command. All of it is in [`autovoice::cli`], but the app, which has a window and
//! must stay out of `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // `cli::run` only lists the app's commands in the help and says which build has them.
    #[cfg(feature = "app")]
    if let Some(exit) = autovoice::app::run(std::env::args_os()) {
        return exit;
    }
    autovoice::cli::run(std::env::args_os())
}

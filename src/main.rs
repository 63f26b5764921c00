//! The `autovoice` command. All of it is in [`autovoice::cli`], but `live`, which is the plugin
//! run as a program and must stay out of `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // `autovoice live …` with the feature `standalone` goes to the plugin here, before `cli::run`,
    // which only lists it in the help and says which build has it.
    autovoice::cli::run(std::env::args_os())
}

//! The `autovoice` command, built so that `train` has `--device cuda`.

mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Only training on a card needs one, and says so itself.
    let _ = memory::keep();
    autovoice::cli::run(std::env::args_os())
}

//! Lines to stdout and stderr. Either may be closed by whoever reads it (`autovoice doctor | head
//! -1`), which is no reason to panic as `println!` does, nor to stop converting.

use std::fmt::Display;
use std::io::{Write as _, stderr, stdout};

/// A result, to stdout.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(stdout().lock(), "{line}");
}

/// An error or a note, to stderr.
pub(super) fn complain(line: impl Display) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Notes below a file's line: what was counted more than 0 times.
pub(super) fn notes(counts: &[(u64, &str)]) -> String {
    let counted = counts.iter().filter(|(count, _)| *count > 0);
    counted
        .map(|(count, what)| format!("\n  note: {count} {what}"))
        .collect()
}

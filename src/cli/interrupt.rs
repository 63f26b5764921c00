//! Ctrl-C as a flag, for commands that take unfinished files away before they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set on Ctrl-C. Once per process.
pub(super) fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // Without a handler Ctrl-C ends the process at once, which is no reason not to work.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    stop
}

//! A host unloads the plugin with its last instance, and the threads that ran it end sooner or
//! later: scanners, workers. A test program of its own: any other test would keep the library
//! loaded.

#![allow(clippy::unwrap_used)] // helpers outside `#[test]` functions are test code too

#[allow(dead_code, reason = "each test program uses its own part")]
#[path = "clap_host/support.rs"]
mod support;

use support::{Blocks, RATE_HZ, assert_clean, bundle, instance, render_once};
use xtask::measure::noise;

/// Opens the bundle, runs an instance, closes both; then the thread ends.
fn scan() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    let input = vec![noise(1, 480); 2];
    render_once(&mut plugin, RATE_HZ, Blocks::Of(64), &input);
    assert_clean(&plugin);
}

/// Threads that have run plugin code leave the address of a destructor in it with the system,
/// which calls it when they end. Were the library gone by then, the whole DAW would crash: with
/// these threads the test did, every time, before the plugin was linked to stay.
#[test]
fn threads_may_end_after_the_plugin_is_unloaded() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    std::thread::spawn(scan).join().unwrap();
                }
            });
        }
    });
}

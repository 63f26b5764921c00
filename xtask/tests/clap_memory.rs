//! Activation after activation, the bundled CLAP plugin holds no more memory. A test program of its
//! own: what other tests allocate meanwhile would count.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // helpers outside `#[test]` functions are test code too

#[allow(dead_code, reason = "each test program uses its own part")]
#[path = "clap_host/support.rs"]
mod support;

use support::{assert_clean, bundle, instance};
use xtask::measure::noise;

/// Memory in use by this process in KiB.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn two_hundred_activations_leave_nothing_behind() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    let input = vec![noise(4, 512); 2];
    let mut cycle = |count: usize| {
        for index in 0..count {
            let rate_hz = [44_100.0, 48_000.0, 96_000.0, 192_000.0][index % 4];
            let mut audio = plugin.activate(rate_hz, 512).unwrap();
            audio.render(&input, || 100, &[]).unwrap();
            plugin.deactivate(audio);
        }
        assert_clean(&plugin);
    };
    cycle(20);
    let before = resident_kib();
    cycle(200);
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB more after 200 activations");
}

//! What the networks that track pitch cost: milliseconds per hop of 10 ms on one core, at 48 kHz.
//!
//! `cargo bench --bench trackers`. With weights of a seed: the time does not depend on them.

#[path = "../tests/nets/mod.rs"]
mod nets;
mod support;

use std::time::Duration;

use autovoice::model::crepe::Capacity;
use autovoice::pitch::PitchTracker;
use autovoice::pitch::track::crepe::{CrepeConfig, CrepeTracker, Decoder};
use support::{Shares, machine};

const RATE_HZ: u32 = 48_000;
const HOP: Duration = Duration::from_millis(10);

/// Measures one tracker; checks that what it says is a pitch.
fn row(name: &str, hops: usize, mut tracker: impl PitchTracker) {
    let signal = nets::noise(RATE_HZ as usize, 3);
    let per_hop = RATE_HZ as usize / 100;
    let (mut at, mut frames) = (0, 0);
    let shares = Shares::measure(hops, HOP, || {
        for sample in &signal[at..at + per_hop] {
            if let Some(frame) = tracker.push(*sample) {
                assert!(frame.f0_hz > 10.0 && (0.0..=1.0).contains(&frame.confidence));
                frames += 1;
            }
        }
        at = (at + per_hop) % (signal.len() - per_hop);
    });
    assert!(frames > hops / 2, "{name}: {frames} frames in {hops} hops");
    let lookahead_ms = tracker.lookahead() as f64 * 1e3 / f64::from(RATE_HZ);
    let columns = shares.times_ms(HOP);
    println!("| {name:24} | {lookahead_ms:9.1} | {columns} |");
}

fn main() {
    println!("{}; {RATE_HZ} Hz; ms per hop of 10 ms\n", machine());
    println!(
        "| tracker                  | delay, ms |     mean |      p50 |      p95 |      p99 |      max |"
    );
    println!(
        "|--------------------------|-----------|----------|----------|----------|----------|----------|"
    );
    let tiny = nets::crepe(Capacity::Tiny);
    for (name, decoder) in [
        ("crepe-tiny, weighted", Decoder::Weighted),
        ("crepe-tiny, Viterbi", CrepeConfig::default().decoder),
    ] {
        let config = CrepeConfig {
            decoder,
            ..CrepeConfig::default()
        };
        row(
            name,
            2_000,
            CrepeTracker::new(RATE_HZ, tiny.clone(), config),
        );
    }
    let full = nets::crepe(Capacity::Full);
    row(
        "crepe-full, Viterbi",
        100,
        CrepeTracker::new(RATE_HZ, full, CrepeConfig::default()),
    );
}

//! Times of steps, as rows of a table: those of a card, and of one core beside it.

use std::error::Error;
use std::time::Duration;

use autovoice_kernels::gpu::{GpuError, Precision};

use crate::support::Shares;

const STEPS: usize = 1_000;
/// Of the CPU, which takes longer.
const CPU_STEPS: usize = 20;
const SECOND: Duration = Duration::from_secs(1);

pub type Failed = Box<dyn Error>;

/// Begins the table.
pub fn head() {
    println!("Milliseconds of a step; of the CPU, one core.\n");
    println!("| span | network | on | mean | p50 | p95 | p99 | most |");
    println!("|---|---|---|---|---|---|---|---|");
}

fn row(span_ms: usize, network: &str, on: &str, times: &Shares) {
    let times = times.times_ms(SECOND);
    println!("| {span_ms:4} ms | {network:22} | {on:9} | {times} |");
}

/// Calls `step`, which is of so many milliseconds, on a card; gives the first error of all.
pub fn on_a_card(
    span_ms: usize,
    (network, precision): (&str, Precision),
    mut step: impl FnMut() -> Result<(), GpuError>,
) -> Result<(), Failed> {
    let mut failed = None;
    let times = Shares::measure(STEPS, SECOND, || {
        failed = failed.take().or(step().err());
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let on = match precision {
        Precision::Full => "card, f32",
        Precision::Half => "card, f16",
    };
    row(span_ms, network, on, &times);
    Ok(())
}

/// The same here.
pub fn on_a_cpu(span_ms: usize, network: &str, step: impl FnMut()) {
    let times = Shares::measure(CPU_STEPS, SECOND, step);
    row(span_ms, network, "CPU, f32", &times);
}

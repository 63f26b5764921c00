//! What a card makes of the networks, beside the same networks on one core of its machine.
//!
//! `cargo bench --features gpu --bench gpu`, with `-- rvc load` for some of it. With `--weights FILE` the
//! weights of the networks are written there, for whoever measures them with another program.

#[path = "../support/mod.rs"]
mod support;

mod hearing;
mod instances;
mod load;
mod pitch;
mod products;
mod rvc;
mod signal;
mod start;
mod steps;

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use autovoice_kernels::gpu::{Cuda, Urgency, devices};

/// What is measured, if not all of it is wanted.
const PARTS: [&str; 8] = [
    "rvc",
    "hearing",
    "pitch",
    "load",
    "instances",
    "products",
    "start",
    "signal",
];

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == load::LOAD) {
        let card = Cuda::open_for(0, Urgency::Other)?;
        return Ok(load::keep_busy(&card, &AtomicBool::new(false))?);
    }
    let mut arguments = std::env::args().skip_while(|argument| argument != "--weights");
    let weights = arguments.nth(1).map(PathBuf::from);
    let card = devices()?.swap_remove(0);
    let (major, minor) = card.driver;
    println!(
        "{}, CUDA {major}.{minor}; {}\n",
        card.name,
        support::machine()
    );
    let device = Cuda::open(0)?;
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_all = !wanted.iter().any(|name| PARTS.contains(&name.as_str()));
    let is_wanted = |part: &str| is_all || wanted.iter().any(|name| name == part);
    if is_wanted("rvc") {
        rvc::run(&device, weights.as_deref())?;
    }
    if is_wanted("hearing") {
        hearing::run(&device)?;
    }
    if is_wanted("pitch") {
        pitch::run(&device)?;
    }
    if is_wanted("load") {
        load::run()?;
    }
    if is_wanted("instances") {
        instances::run(&device)?;
    }
    if is_wanted("products") {
        products::run(&device)?;
    }
    if is_wanted("start") {
        start::run()?;
    }
    if is_wanted("signal") {
        signal::run(&device)?;
    }
    Ok(())
}

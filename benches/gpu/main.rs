//! What a card makes of the networks, beside the same networks on one core of its machine.
//!
//! `cargo bench --features gpu --bench gpu`. With `--weights FILE` the weights of the networks are written
//! there, for whoever measures them with another program.

#[path = "../support/mod.rs"]
mod support;

mod products;
mod rvc;

use std::error::Error;
use std::path::PathBuf;

use autovoice_kernels::gpu::{Cuda, devices};

fn main() -> Result<(), Box<dyn Error>> {
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
    rvc::run(&device, weights.as_deref())?;
    products::run(&device)
}

//! `cargo xtask bundle`: the plugin in both formats and the command line, from one cargo run.
//! nice-plug lays out the bundles.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xtask::paths::{self, Products};

use crate::step;

/// What the plugin and the binary are built with. `app` is left out: it would make the build, and
/// the plugin, need ALSA and JACK. `gpu` needs nothing, neither to build nor to start.
pub const FEATURES: &str = "editor,cli,gpu";

pub fn run() -> Result<()> {
    let mut steps = step::Steps::new(1);
    steps.next("Building the plugin and the command line");
    let products = build()?;
    steps.done();
    report(&products);
    Ok(())
}

/// Builds and bundles; says what it runs.
pub fn build() -> Result<Products> {
    println!("    release build; the first one compiles every dependency and takes minutes");
    let build = format!("cargo build --release --package autovoice --features {FEATURES}");
    step::run(&mut step::command(&build))?;
    let target = paths::target()?;
    let products = Products::under(&target);
    // A bundle of an earlier build must not pass for the result of this one.
    remove(&products.clap)?;
    remove(&products.vst3)?;
    let profile = ["--release".to_owned()];
    nice_plug_xtask::bundle(&target, "autovoice", &profile, false).context("bundling")?;
    // nice-plug takes the command line for the plugin's standalone and copies it along.
    remove(&target.join("bundled/AutoVoice"))?;
    for product in [&products.clap, &products.vst3, &products.binary] {
        ensure!(
            product.exists(),
            "expected the build to make {}, found nothing there",
            product.display()
        );
    }
    Ok(products)
}

/// Where the products are.
pub fn report(products: &Products) {
    println!("\nCLAP          {}", products.clap.display());
    println!("VST3          {}", products.vst3.display());
    println!("command line  {}", products.binary.display());
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else if path.exists() {
        std::fs::remove_file(path)
    } else {
        Ok(())
    };
    removed.with_context(|| format!("removing {}", path.display()))
}

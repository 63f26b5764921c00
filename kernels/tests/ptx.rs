//! The PTX that is committed: made of the sources beside it, for the oldest card that is served, with the
//! kernels that the program launches. Needs no compiler and no card.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use autovoice_kernels::gpu::{Kernel, Module};
use sha2::{Digest as _, Sha256};

/// As `cargo xtask kernels` writes it.
const STAMP: &str = "// Made by `cargo xtask kernels` of sources with SHA-256 ";

/// The files of `kernels/cu` with an extension, by name.
fn sources(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cu");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

/// As a checkout on Linux has it.
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().replace("\r\n", "\n")
}

/// Of a source and all headers, each with its length before it.
fn hash(source: &Path) -> String {
    let headers = sources("cuh");
    let mut sha = Sha256::new();
    for path in std::iter::once(source).chain(headers.iter().map(PathBuf::as_path)) {
        let text = text(path);
        sha.update((text.len() as u64).to_le_bytes());
        sha.update(text.as_bytes());
    }
    sha.finalize().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn every_source_is_a_module_and_every_module_was_made_of_its_source() {
    let found = sources("cu");
    let stems: BTreeSet<&str> = found.iter().map(|path| stem(path)).collect();
    let modules: BTreeSet<&str> = Module::ALL.iter().map(|module| module.stem()).collect();
    assert_eq!(stems, modules);
    for path in &found {
        let module = Module::ALL
            .iter()
            .find(|module| module.stem() == stem(path));
        let first = module.unwrap().ptx().lines().next().unwrap();
        let made_of = first.trim_end().strip_prefix(STAMP);
        assert_eq!(
            made_of,
            Some(&*hash(path)),
            "kernels/ptx/{}.ptx is of other sources: run `cargo xtask kernels` and commit what it \
             writes",
            stem(path)
        );
    }
}

#[test]
fn ptx_is_for_the_oldest_card_and_driver_that_are_served() {
    for module in Module::ALL {
        let lines: Vec<&str> = module.ptx().lines().map(str::trim_end).collect();
        for line in [".version 8.2", ".target sm_75", ".address_size 64"] {
            assert!(lines.contains(&line), "{}: {line}", module.stem());
        }
    }
}

#[test]
fn the_kernels_that_are_launched_are_those_there_are() {
    for module in Module::ALL {
        let entries = module.ptx().lines().filter_map(|line| {
            let name = line.strip_prefix(".visible .entry ")?;
            name.split(['(', ' ']).next()
        });
        let entries: BTreeSet<&str> = entries.collect();
        let kernels = Kernel::ALL
            .iter()
            .filter(|kernel| kernel.module() == *module);
        let kernels: BTreeSet<&str> = kernels.map(|kernel| kernel.entry()).collect();
        assert_eq!(entries, kernels, "{}", module.stem());
    }
}

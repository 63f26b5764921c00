//! Where things lie. Reads the file system; changes nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository root.
#[must_use]
pub fn root() -> PathBuf {
    // Set by `cargo run` and `cargo test`; the compiled-in value serves a binary run by hand.
    let manifest = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let manifest = PathBuf::from(manifest);
    let parent = manifest.parent().map(Path::to_path_buf);
    parent.unwrap_or(manifest)
}

/// The target directory as cargo sees it (`CARGO_TARGET_DIR` and configuration included).
///
/// # Errors
/// When `cargo metadata` fails.
pub fn target() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .context("cargo metadata")?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// What `cargo xtask bundle` leaves behind.
#[derive(Clone, Debug)]
pub struct Products {
    /// The CLAP plugin.
    pub clap: PathBuf,
    /// The VST3 plugin, a folder.
    pub vst3: PathBuf,
    /// The command line.
    pub binary: PathBuf,
}

impl Products {
    /// Their places under a target directory.
    #[must_use]
    pub fn under(target: &Path) -> Self {
        Self {
            clap: target.join("bundled/AutoVoice.clap"),
            vst3: target.join("bundled/AutoVoice.vst3"),
            binary: target.join("release/autovoice"),
        }
    }
}

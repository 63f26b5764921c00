//! Folders: the user's data, and where hosts look for the plugin.

use super::{Finding, Patient};
use crate::io::folders::{self, HOME_VARIABLE, PluginFormat};
use std::path::{Path, PathBuf};

/// The user data folder and whether it can be written to. Creates nothing but a file that is gone
/// at once.
pub(super) fn home(patient: &Patient<'_>) -> Finding {
    const ID: &str = "home";
    let folder = match folders::home_from(patient.variable) {
        Ok(folder) => patient.machine.path(&folder.to_string_lossy()),
        Err(error) => {
            return Finding::problem(
                ID,
                error.to_string(),
                format!("set {HOME_VARIABLE} to a folder for voices, presets and settings"),
            );
        }
    };
    let remedy = format!("make it writable, or set {HOME_VARIABLE} to a folder that is");
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    let place = existing.unwrap_or(Path::new("/"));
    if !place.is_dir() {
        let found = format!("{}: {} is not a folder", folder.display(), place.display());
        return Finding::problem(ID, found, remedy);
    }
    match tempfile::tempfile_in(place) {
        Ok(_) if place == folder => Finding::ok(ID, format!("{}, writable", folder.display())),
        Ok(_) => Finding::ok(
            ID,
            format!("{}, made when it is first needed", folder.display()),
        ),
        Err(error) => Finding::problem(ID, format!("{}: {error}", folder.display()), remedy),
    }
}

/// Whether each format of the plugin is where hosts look.
pub(super) fn plugins(patient: &Patient<'_>) -> Vec<Finding> {
    PluginFormat::ALL
        .into_iter()
        .map(|format| plugin(patient, format))
        .collect()
}

fn plugin(patient: &Patient<'_>, format: PluginFormat) -> Finding {
    let id = match format {
        PluginFormat::Clap => "clap",
        PluginFormat::Vst3 => "vst3",
    };
    let sought = folders::plugin_folders(format, patient.variable);
    let installed: Vec<PathBuf> = sought
        .iter()
        .map(|folder| patient.machine.path(&folder.to_string_lossy()))
        .map(|folder| folder.join(format.bundle()))
        .filter(|bundle| bundle.exists())
        .collect();
    match installed.as_slice() {
        [] => Finding::note(
            id,
            format!("{} is in no folder where hosts look", format.bundle()),
            match sought.first() {
                Some(folder) => format!(
                    "cargo xtask bundle, then: mkdir -p {folder} && cp -r target/bundled/{} {folder}/",
                    format.bundle(),
                    folder = folder.display(),
                ),
                None => "cargo xtask bundle, then copy it to where your host looks".to_owned(),
            },
        ),
        [one] => Finding::ok(id, one.display().to_string()),
        [first, ..] => Finding::note(
            id,
            format!("{} copies, hosts may take any of them", installed.len()),
            format!("keep one, for instance {}", first.display()),
        ),
    }
}

//! A preset named with `--preset`: a code by how it begins, then a name, then a file. Main thread.

use crate::preset::{
    Library, Notice, Preset, PresetError, Values, from_code, looks_like_code, read_file,
};
use std::path::Path;

/// What it sets, and what is to be known of it.
///
/// # Errors
/// What was found instead and what to do, as people read it.
pub fn choose(wanted: &str) -> Result<(Values, Vec<Notice>), String> {
    let (preset, mut notices) = find(wanted).map_err(|error| {
        let remedy = error.remedy();
        format!("{error}; {remedy}")
    })?;
    // No voices can be loaded yet.
    let resolved = preset.resolve(&|_| None);
    notices.extend(resolved.notices);
    Ok((resolved.values, notices))
}

fn find(wanted: &str) -> Result<(Preset, Vec<Notice>), PresetError> {
    if looks_like_code(wanted) {
        return from_code(wanted);
    }
    // Without a home there are the factory's alone.
    let library = Library::of_user().unwrap_or_else(|_| Library::factory());
    let path = Path::new(wanted);
    match library.find(wanted) {
        Ok(entry) => Ok((entry.preset.clone(), entry.notices.clone())),
        Err(_) if path.exists() => read_file(path),
        Err(error) => Err(error),
    }
}

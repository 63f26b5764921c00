//! Which files to work on and what to call the results, before any of them is touched.

use super::failure::Failure;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Extensions of the files taken from a folder.
const READABLE: [&str; 6] = ["wav", "wave", "flac", "mp3", "ogg", "oga"];

/// One file to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) input: PathBuf,
    pub(super) output: PathBuf,
}

/// What kinds of files a command puts out.
pub(super) trait Outputs {
    /// Whether a name is that of such a file, as against that of a folder.
    fn is_file_name(&self, output: &Path) -> bool;

    /// Refuses a name for the one file that is written.
    fn check_file(&self, output: &Path) -> Result<(), Failure>;

    /// The extension of what is written for an input.
    fn extension(&self, input: &Path) -> &'static str;
}

/// What to plan for.
pub(super) struct Request<'a> {
    pub(super) inputs: &'a [PathBuf],
    pub(super) output: &'a Path,
    pub(super) recursive: bool,
    pub(super) outputs: &'a dyn Outputs,
}

/// A file found, and its place below the folder it was found in.
struct Found {
    path: PathBuf,
    relative: PathBuf,
}

/// Finds the inputs and names the outputs.
///
/// One file named alone goes to the file OUT; anything else goes into the folder OUT under its own
/// name, and files of sub-folders into sub-folders of the same names.
pub(super) fn plan(request: &Request<'_>) -> Result<Vec<Job>, Failure> {
    let mut found = Vec::new();
    let mut several = request.inputs.len() > 1;
    for input in request.inputs {
        several |= input.is_dir() || !input.exists();
        find(input, request.recursive, &mut found)?;
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|file| seen.insert(identity(&file.path)));
    let jobs = match wants_folder(request.output, several) {
        true => into_folder(request, found)?,
        false => into_file(request, found)?,
    };
    refuse_clashes(&jobs)?;
    Ok(jobs)
}

fn find(input: &Path, recursive: bool, found: &mut Vec<Found>) -> Result<(), Failure> {
    if input.is_dir() {
        let before = found.len();
        walk(input, Path::new(""), recursive, found)?;
        if found.len() == before {
            let deeper = if recursive {
                ""
            } else {
                " (sub-folders are read with --recursive)"
            };
            return Err(Failure::work(
                format!(
                    "expected audio files in {}, found none{deeper}",
                    input.display()
                ),
                format!(
                    "name a folder with files of these kinds: {}",
                    READABLE.join(", ")
                ),
            ));
        }
        return Ok(());
    }
    if input.exists() {
        found.push(Found {
            path: input.to_owned(),
            relative: file_name(input),
        });
        return Ok(());
    }
    glob_into(input, recursive, found)
}

/// A name that is no file may be a pattern that the shell did not expand.
fn glob_into(input: &Path, recursive: bool, found: &mut Vec<Found>) -> Result<(), Failure> {
    let pattern = input.to_string_lossy();
    if !pattern.contains(['*', '?', '[']) {
        return Err(Failure::work(
            format!(
                "expected a file or folder, found nothing at {}",
                input.display()
            ),
            "check the name",
        ));
    }
    let like_a_shell = glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::default()
    };
    let paths = glob::glob_with(&pattern, like_a_shell).map_err(|error| {
        Failure::usage(
            format!("expected a pattern, got {pattern}: {error}"),
            "write it like \"takes/*.wav\"",
        )
    })?;
    let mut matched = false;
    for path in paths.flatten() {
        // A pattern names files: a folder among them is entered only when asked to.
        if path.is_file() || recursive {
            matched = true;
            find(&path, recursive, found)?;
        }
    }
    match matched {
        true => Ok(()),
        false => Err(Failure::work(
            format!("expected files that match {pattern}, found none"),
            "check the pattern",
        )),
    }
}

fn walk(
    folder: &Path,
    relative: &Path,
    recursive: bool,
    found: &mut Vec<Found>,
) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::work(
            format!(
                "expected a readable folder, found {}: {error}",
                folder.display()
            ),
            "check that the folder may be read",
        )
    };
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        // Hidden files are not takes; macOS leaves "._take.wav" beside every one.
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            // A link to a folder is not followed: it may lead back up.
            if recursive {
                walk(&path, &relative.join(&name), recursive, found)?;
            }
        } else if is_readable_kind(&path) && path.is_file() {
            found.push(Found {
                relative: relative.join(&name),
                path,
            });
        }
    }
    Ok(())
}

fn is_readable_kind(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        READABLE
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn wants_folder(output: &Path, several: bool) -> bool {
    several || output.is_dir() || output.to_string_lossy().ends_with(std::path::is_separator)
}

fn into_file(request: &Request<'_>, found: Vec<Found>) -> Result<Vec<Job>, Failure> {
    request.outputs.check_file(request.output)?;
    Ok(found
        .into_iter()
        .map(|file| Job {
            input: file.path,
            output: request.output.to_owned(),
        })
        .collect())
}

fn into_folder(request: &Request<'_>, found: Vec<Found>) -> Result<Vec<Job>, Failure> {
    let (output, outputs) = (request.output, request.outputs);
    if output.is_file() || (outputs.is_file_name(output) && !output.is_dir()) {
        return Err(Failure::usage(
            format!(
                "expected a folder to put {} file(s) into, got {}",
                found.len(),
                output.display()
            ),
            "name a folder instead",
        ));
    }
    Ok(found
        .into_iter()
        .map(|file| {
            let extension = outputs.extension(&file.path);
            Job {
                output: output.join(file.relative.with_extension(extension)),
                input: file.path,
            }
        })
        .collect())
}

/// Makes the folder that an output goes into.
pub(super) fn make_folder(output: &Path) -> Result<(), Failure> {
    let Some(folder) = output.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|error| {
        Failure::work(
            format!("expected a folder at {}, found: {error}", folder.display()),
            "check the name and that its parent may be written to",
        )
    })
}

/// Refuses outputs that would overwrite an input or each other, whatever `--force` says.
fn refuse_clashes(jobs: &[Job]) -> Result<(), Failure> {
    let inputs: HashMap<_, _> = jobs
        .iter()
        .map(|job| (identity(&job.input), &job.input))
        .collect();
    let mut outputs: HashMap<Identity, &Path> = HashMap::new();
    for job in jobs {
        let output = identity(&job.output);
        if let Some(input) = inputs.get(&output) {
            return Err(Failure::usage(
                format!(
                    "expected an output apart from the inputs, got {}, which is the input {}",
                    job.output.display(),
                    input.display()
                ),
                "choose another name or folder",
            ));
        }
        if let Some(other) = outputs.insert(output, &job.input) {
            return Err(Failure::usage(
                format!(
                    "expected a name of its own for each output, but {} and {} would both be {}",
                    other.display(),
                    job.input.display(),
                    job.output.display()
                ),
                "put them into different folders",
            ));
        }
    }
    Ok(())
}

/// What makes two paths the same file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    #[cfg(unix)]
    Node(u64, u64),
    Path(PathBuf),
}

fn identity(path: &Path) -> Identity {
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path) {
        use std::os::unix::fs::MetadataExt as _;
        return Identity::Node(metadata.dev(), metadata.ino());
    }
    if let Ok(real) = fs::canonicalize(path) {
        return Identity::Path(real);
    }
    // Not there yet: the folder may be, under another name.
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let real = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    Identity::Path(real.map_or_else(|_| path.to_owned(), |real| real.join(file_name(path))))
}

fn file_name(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_default()
}

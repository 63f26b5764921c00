//! What drivers made of the kernels, in files of the user's folder. Whoever opens a card waits for it; what
//! cannot be kept is compiled again at the next start, and nobody is told.

use std::fmt::Write as _;
use std::path::PathBuf;

use autovoice_kernels::gpu::{Build, Builds};
use sha2::{Digest as _, Sha256};

use crate::io::KeptFiles;

/// How names of files end.
const END: &str = ".cubin";
/// The most files: all kernels of four cards or versions of this program.
const MOST: usize = 128;

/// A folder of images, which are known by kernels, card, driver and the SHA-256 of the PTX. Those of other
/// drivers go when one is kept: a driver that was replaced does not come back.
#[derive(Debug)]
pub struct KernelFiles {
    files: KeptFiles,
}

impl KernelFiles {
    /// In a folder, which is made when there is something to keep.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            files: KeptFiles::new(folder, MOST),
        }
    }
}

impl Builds for KernelFiles {
    fn find(&self, build: &Build<'_>) -> Option<Vec<u8>> {
        self.files.read(&name(build))
    }

    fn keep(&self, build: &Build<'_>, image: &[u8]) {
        let driver = driver(build);
        let is_stale = |name: &str| name.ends_with(END) && !name.contains(&driver);
        // A folder that cannot be written costs the next start its time, and no more.
        let _ = self.files.write(&name(build), image, is_stale);
    }
}

/// What says which driver it was in the name of a file.
fn driver(build: &Build<'_>) -> String {
    let (major, minor) = build.driver;
    format!("-cuda{major}.{minor}-")
}

fn name(build: &Build<'_>) -> String {
    let (major, minor) = build.compute;
    let (stem, driver) = (build.module.stem(), driver(build));
    let mut name = format!("{stem}-sm{major}.{minor}{driver}");
    for byte in Sha256::digest(build.ptx) {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + END
}

#[cfg(test)]
mod tests {
    use super::*;
    use autovoice_kernels::gpu::{Module, load_built};
    use std::fs;
    use std::path::Path;

    const BUILD: Build<'_> = Build {
        module: Module::Matmul,
        ptx: ".version 8.2",
        compute: (8, 9),
        driver: (12, 4),
    };

    /// What a driver would make of it.
    fn image(build: &Build<'_>) -> Vec<u8> {
        format!("{build:?}").into_bytes()
    }

    /// Opens kernels as a program that starts does, with a compiler that counts; whether it was asked.
    fn compiles(folder: &Path, build: &Build<'_>) -> bool {
        let mut is_asked = false;
        let compile = || {
            is_asked = true;
            Ok(image(build))
        };
        let load = |found: &[u8]| match found == image(build) {
            true => Ok("loaded"),
            false => Err("an image of something else"),
        };
        let files = KernelFiles::new(folder.to_owned());
        let loaded = load_built(&files, build, compile, load);
        assert_eq!(loaded, Some("loaded"));
        is_asked
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("readable");
        entries
            .map(|entry| entry.expect("readable").path())
            .collect()
    }

    #[test]
    fn what_was_compiled_is_not_compiled_again() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("kernels");
        for build in [
            BUILD,
            Build {
                module: Module::Gru,
                ..BUILD
            },
            Build {
                ptx: ".version 8.3",
                ..BUILD
            },
            Build {
                compute: (9, 0),
                ..BUILD
            },
        ] {
            assert!(compiles(&folder, &build), "{build:?}");
            assert!(!compiles(&folder, &build), "{build:?}");
        }
        assert!(!compiles(&folder, &BUILD));
        assert_eq!(files(&folder).len(), 4);
        // Of another driver all is new, and what the old one made is gone.
        let newer = Build {
            driver: (13, 0),
            ..BUILD
        };
        assert!(compiles(&folder, &newer));
        assert!(!compiles(&folder, &newer));
        assert_eq!(files(&folder), [folder.join(name(&newer))]);
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let home = tempfile::tempdir().expect("a temporary folder");
        assert!(compiles(home.path(), &BUILD));
        let path = home.path().join(name(&BUILD));
        let whole = fs::read(&path).expect("readable");
        for at in [0, 9, 20, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            for damaged in [&changed[..], &whole[..at]] {
                fs::write(&path, damaged).expect("writable");
                assert!(compiles(home.path(), &BUILD), "byte {at}");
                assert!(!compiles(home.path(), &BUILD), "byte {at}");
            }
        }
        // Whole, and of no use to the driver.
        KernelFiles::new(home.path().to_owned()).keep(&BUILD, b"nothing");
        assert!(compiles(home.path(), &BUILD));
        assert!(!compiles(home.path(), &BUILD));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = home.path().join("file");
        fs::write(&file, "").expect("writable");
        for _ in 0..2 {
            assert!(compiles(&file.join("kernels"), &BUILD));
        }
    }

    #[test]
    fn what_does_not_link_or_load_is_left_to_the_driver_and_not_kept() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let files = KernelFiles::new(home.path().to_owned());
        let does_not_link = load_built(&files, &BUILD, || Err("no"), |_| Ok(()));
        let does_not_load = load_built(&files, &BUILD, || Ok(vec![1]), |_| Err::<(), _>("no"));
        assert_eq!([does_not_link, does_not_load], [None; 2]);
        assert_eq!(files.find(&BUILD), None);
    }
}

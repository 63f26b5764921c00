//! What machine this is, as far as files and the processor itself tell. Everything is read below a
//! root folder, so that tests can bring a machine of their own.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A machine seen through its file system.
pub(super) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The one we run on.
    pub(super) fn here() -> Self {
        Self::below(Path::new("/"))
    }

    /// The one described below this folder.
    pub(super) fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Where an absolute path lies on this machine.
    pub(super) fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// A text file, or `None`.
    pub(super) fn text(&self, absolute: &str) -> Option<String> {
        fs::read_to_string(self.path(absolute)).ok()
    }

    /// Names in a folder, sorted; none where it is missing.
    pub(super) fn names(&self, absolute: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(absolute)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Name of the processor.
    pub(super) fn cpu(&self) -> String {
        let info = self.text("/proc/cpuinfo").unwrap_or_default();
        let name = info
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(field, _)| matches!(field.trim(), "model name" | "Model"))
            .map(|(_, name)| name.trim().to_owned());
        name.unwrap_or_else(|| format!("unknown {} processor", std::env::consts::ARCH))
    }

    /// Seconds that all processors have worked for this process.
    pub(super) fn own_cpu_s(&self) -> Option<f64> {
        /// Of the times that Linux tells programs.
        const TICKS_PER_S: f64 = 100.0;
        let stat = self.text("/proc/self/stat")?;
        // The name of the program, in brackets, may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<f64>().ok();
        Some((ticks()? + ticks()?) / TICKS_PER_S)
    }

    /// Bytes of memory that this process holds.
    pub(super) fn own_memory(&self) -> Option<u64> {
        let status = self.text("/proc/self/status")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }

    /// Where a shared library of this name (up to its version) lies.
    pub(super) fn library(&self, name: &str) -> Option<PathBuf> {
        const FOLDERS: [&str; 7] = [
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
            "/usr/local/lib",
            "/usr/lib/wsl/lib",
            "/usr/local/cuda/compat",
        ];
        FOLDERS.iter().find_map(|folder| {
            let found = self.names(folder).into_iter().find(|file| {
                file.strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })?;
            Some(PathBuf::from(folder).join(found))
        })
    }
}

/// Instruction sets of this processor that our kernels know.
pub(super) fn cpu_features() -> Vec<&'static str> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        // The macro takes literals only.
        for (present, name) in [
            (is_x86_feature_detected!("sse4.2"), "sse4.2"),
            (is_x86_feature_detected!("avx"), "avx"),
            (is_x86_feature_detected!("avx2"), "avx2"),
            (is_x86_feature_detected!("fma"), "fma"),
            (is_x86_feature_detected!("avx512f"), "avx512f"),
        ] {
            if present {
                found.push(name);
            }
        }
    }
    #[cfg(target_arch = "aarch64")]
    found.push("neon");
    found
}

/// Threads that run at once.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How this program was built.
pub(super) fn build() -> &'static str {
    match cfg!(debug_assertions) {
        true => "debug",
        false => "release",
    }
}

/// The machine and the build, for reports.
pub(super) fn json(machine: &Machine) -> Value {
    json!({
        "cpu": machine.cpu(),
        "cpu_features": cpu_features(),
        "cores": cores(),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "build": build(),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read_below_its_root() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let machine = Machine::below(root.path());
        assert!(machine.cpu().starts_with("unknown"));
        assert_eq!(machine.library("libjack.so"), None);

        let write = |name: &str, text: &str| {
            let path = machine.path(name);
            fs::create_dir_all(path.parent().expect("has one")).expect("writable");
            fs::write(path, text).expect("writable");
        };
        write("/proc/cpuinfo", "processor : 0\nmodel name\t: Fast One\n");
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 400 0 0 0 250 50 9 9 20 0 1";
        write("/proc/self/stat", stat);
        write("/proc/self/status", "Name:\ta\nVmRSS:\t    2048 kB\n");
        write("/usr/lib64/libjack.so.0", "");
        write("/usr/lib64/libjackserver.so.0", "");
        assert_eq!(machine.cpu(), "Fast One");
        assert_eq!(machine.own_cpu_s(), Some(3.0));
        assert_eq!(machine.own_memory(), Some(2 << 20));
        let found = machine.library("libjack.so");
        assert_eq!(found, Some(PathBuf::from("/usr/lib64/libjack.so.0")));
        assert_eq!(machine.library("libja"), None, "a prefix is no name");
    }
}

//! The processor, its clock, real-time scheduling and the graphics processor.

use super::Finding;
use crate::cli::machine::{self, Machine, cpu_features};

/// Priority that leaves room below the kernel's own threads and above everything else.
const WANTED_PRIORITY: u64 = 50;

pub(super) fn build() -> Finding {
    let found = format!(
        "autovoice {}, {} build, app: {}",
        env!("CARGO_PKG_VERSION"),
        machine::build(),
        match cfg!(feature = "app") {
            true => "yes",
            false => "not in this build",
        }
    );
    match cfg!(debug_assertions) {
        true => Finding::note(
            "build",
            found,
            "a debug build is many times slower: cargo build --release",
        ),
        false => Finding::ok("build", found),
    }
}

pub(super) fn cpu(machine: &Machine) -> Finding {
    let features = cpu_features();
    let listed = match features.is_empty() {
        true => "no known vector instructions".to_owned(),
        false => features.join(" "),
    };
    let found = format!("{}, {} threads, {listed}", machine.cpu(), machine::cores());
    match features.iter().any(|f| matches!(*f, "avx2" | "neon")) {
        true => Finding::ok("cpu", found),
        false => Finding::note(
            "cpu",
            found,
            "the shift engine runs everywhere; models want AVX2 or NEON to keep up",
        ),
    }
}

/// A clock that drops between blocks makes the first ones late.
pub(super) fn governor(machine: &Machine) -> Finding {
    const FILE: &str = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    match machine.text(FILE).as_deref().map(str::trim) {
        None => Finding::ok(
            "clock",
            "the system does not say how it clocks the processor",
        ),
        Some("powersave") => Finding::note(
            "clock",
            "the processor saves power: governor \"powersave\"",
            "for playing live at short blocks: sudo cpupower frequency-set -g performance",
        ),
        Some(other) => Finding::ok("clock", format!("governor \"{other}\"")),
    }
}

/// Whether a worker thread may ask for real-time priority.
pub(super) fn realtime(machine: &Machine) -> Finding {
    const ID: &str = "realtime";
    let Some(limits) = machine.text("/proc/self/limits") else {
        return Finding::ok(ID, "this system keeps no such limit");
    };
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max realtime priority"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    let priority = match soft {
        Some("unlimited") => 99,
        Some(number) => number.parse().unwrap_or(0),
        None => 0,
    };
    let found = format!("real-time priority up to {priority} of {WANTED_PRIORITY} wanted");
    if WANTED_PRIORITY <= priority {
        return Finding::ok(ID, found);
    }
    Finding::note(
        ID,
        found,
        "sudo usermod -aG audio $USER; put \"@audio - rtprio 95\" into \
         /etc/security/limits.d/audio.conf; log in again",
    )
}

/// Whether a graphics processor could run models. Links nothing, loads nothing.
pub(super) fn gpu(machine: &Machine) -> Finding {
    const ID: &str = "gpu";
    let library = machine.library("libcuda.so");
    let devices = machine
        .names("/dev")
        .iter()
        .filter_map(|name| name.strip_prefix("nvidia"))
        .filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        .count();
    let version = machine
        .text("/proc/driver/nvidia/version")
        .and_then(|text| text.lines().next().map(str::to_owned));
    match (library, devices) {
        (Some(library), 1..) => Finding::ok(
            ID,
            format!(
                "{devices} NVIDIA device(s), {}{}",
                library.display(),
                version.map(|v| format!(", {v}")).unwrap_or_default()
            ),
        ),
        (None, 1..) => Finding::note(
            ID,
            format!("{devices} NVIDIA device(s), but no libcuda.so"),
            "install the driver's CUDA library: sudo apt install libcuda1, or the package of \
             your driver's version",
        ),
        (Some(library), 0) => Finding::note(
            ID,
            format!("{}, but no /dev/nvidia0", library.display()),
            "load the driver (sudo modprobe nvidia) or pass the device into the container",
        ),
        (None, 0) => Finding::ok(ID, "no NVIDIA driver, and nothing here that needs one"),
    }
}

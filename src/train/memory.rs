//! How much memory is free, asked before it is needed: a program that asks for too much is ended by
//! the system without a word. Linux tells; elsewhere nothing is known, and training just begins.

use std::path::Path;

/// Bytes that can still be had: of the machine, or of the group of processes that this is one of.
/// `None` where nobody tells.
pub fn free() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).ok();
    let machine = read("/proc/meminfo").and_then(|text| of_machine(&text));
    let group = |kind: &str| read(&format!("/sys/fs/cgroup/memory.{kind}"));
    let group = of_group(["max", "current", "stat"].map(|kind| group(kind).unwrap_or_default()));
    machine.into_iter().chain(group).min()
}

/// A line `MemAvailable:  123 kB` of Linux's.
fn of_machine(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    let rest = lines.find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// What a group may have, `max` for no limit, less what it has; files that are kept in memory and
/// were not asked for lately make room.
fn of_group([most, used, parts]: [String; 3]) -> Option<u64> {
    let most: u64 = most.trim().parse().ok()?;
    let used: u64 = used.trim().parse().ok()?;
    let files = parts
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "));
    let files = files
        .and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0);
    Some(most.saturating_sub(used.saturating_sub(files)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_understood() {
        let text = "MemTotal:       24000 kB\nMemAvailable:   1000 kB\nBuffers: 3 kB\n";
        assert_eq!(of_machine(text), Some(1_024_000));
        for text in ["", "MemAvailable: lots", "MemAvailable: 7 MB"] {
            assert_eq!(of_machine(text), None, "{text}");
        }
        let table = [
            (["5000\n", "4000\n", ""], Some(1_000)),
            (["5000", "6000", ""], Some(0)),
            (["5000", "6000", "anon 9\ninactive_file 1500\n"], Some(500)),
            (["max\n", "4000", ""], None),
            (["", "4000", ""], None),
        ];
        for (files, wanted) in table {
            assert_eq!(of_group(files.map(str::to_owned)), wanted, "{files:?}");
        }
        if cfg!(target_os = "linux") {
            assert!(free().is_some_and(|free| 1 << 20 < free));
        }
    }
}

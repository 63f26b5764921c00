//! Machines that are not there, examined.

use super::*;
use std::fs;
use std::path::Path;

/// A machine with these files, examined in this environment.
fn examined(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<Finding> {
    let root = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = root.path().join(name.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("has one")).expect("writable");
        fs::write(path, text).expect("writable");
    }
    examined_at(root.path(), variables)
}

fn examined_at(root: &Path, variables: &[(&str, &str)]) -> Vec<Finding> {
    examine(&Patient {
        machine: Machine::below(root),
        variable: &|name| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| OsString::from(value))
        },
    })
}

fn finding<'a>(findings: &'a [Finding], id: &str) -> &'a Finding {
    let found = findings.iter().find(|finding| finding.id == id);
    found.expect("every id is reported")
}

/// Finding, files, environment, and what is expected of its status and its text.
type Case<'a> = (&'a str, Pairs<'a>, Pairs<'a>, Status, &'a str);
type Pairs<'a> = &'a [(&'a str, &'a str)];

#[test]
fn each_finding_depends_on_what_is_there() {
    const LIMITS: &str = "Max realtime priority";
    const HOME: &[(&str, &str)] = &[("HOME", "/h")];
    const SESSION: &[(&str, &str)] = &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/1")];
    let table: &[Case] = &[
        (
            "realtime",
            &[("/proc/self/limits", "Max realtime priority     95    95")],
            HOME,
            Status::Ok,
            "up to 95",
        ),
        (
            "realtime",
            &[("/proc/self/limits", "Max realtime priority     0     0")],
            HOME,
            Status::Note,
            "up to 0",
        ),
        (
            "realtime",
            &[("/proc/self/limits", LIMITS)],
            HOME,
            Status::Note,
            "up to 0",
        ),
        ("realtime", &[], HOME, Status::Ok, "no such limit"),
        (
            "clock",
            &[(
                "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "powersave\n",
            )],
            HOME,
            Status::Note,
            "powersave",
        ),
        (
            "clock",
            &[(
                "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "performance\n",
            )],
            HOME,
            Status::Ok,
            "performance",
        ),
        ("gpu", &[], HOME, Status::Ok, "no NVIDIA driver"),
        (
            "gpu",
            &[("/dev/nvidia0", ""), ("/dev/nvidiactl", "")],
            HOME,
            Status::Note,
            "no libcuda.so",
        ),
        (
            "gpu",
            &[("/usr/lib64/libcuda.so.1", "")],
            HOME,
            Status::Note,
            "no /dev/nvidia0",
        ),
        (
            "gpu",
            &[("/dev/nvidia0", ""), ("/usr/lib64/libcuda.so.1", "")],
            HOME,
            Status::Ok,
            "1 NVIDIA device",
        ),
        ("alsa", &[], HOME, Status::Note, "no sound system"),
        (
            "alsa",
            &[("/proc/asound/cards", "")],
            HOME,
            Status::Note,
            "has no devices",
        ),
        (
            "alsa",
            &[
                ("/proc/asound/pcm", "00-00: A : A : playback 1\n"),
                ("/dev/snd/p", ""),
            ],
            HOME,
            Status::Note,
            "0 capture",
        ),
        (
            "alsa",
            &[(
                "/proc/asound/pcm",
                "00-00: A : A : playback 1 : capture 1\n",
            )],
            HOME,
            Status::Note,
            "no nodes",
        ),
        (
            "alsa",
            &[
                (
                    "/proc/asound/pcm",
                    "00-00: A : A : playback 1 : capture 1\n",
                ),
                ("/dev/snd/p", ""),
            ],
            HOME,
            Status::Ok,
            "1 playback and 1 capture",
        ),
        ("jack", &[], HOME, Status::Note, "no libjack.so"),
        (
            "jack",
            &[("/usr/lib/libjack.so.0", "")],
            HOME,
            Status::Note,
            "neither",
        ),
        (
            "jack",
            &[
                ("/usr/lib/libjack.so.0", ""),
                ("/dev/shm/jack_default_0_0", ""),
            ],
            HOME,
            Status::Ok,
            "JACK runs",
        ),
        (
            "jack",
            &[
                ("/usr/lib/pipewire-0.3/jack/libjack.so.0", ""),
                ("/run/user/1/pipewire-0", ""),
            ],
            SESSION,
            Status::Ok,
            "PipeWire runs",
        ),
        ("home", &[], &[], Status::Problem, "expected a home folder"),
        ("home", &[("/h/x", "")], HOME, Status::Ok, "made when"),
        (
            "home",
            &[("/h/x", "")],
            &[("AUTOVOICE_HOME", "/h")],
            Status::Ok,
            "/h, writable",
        ),
        (
            "home",
            &[("/h/x", "")],
            &[("AUTOVOICE_HOME", "/h/x/y")],
            Status::Problem,
            "x is not a folder",
        ),
        ("clap", &[], HOME, Status::Note, "in no folder"),
        (
            "clap",
            &[("/h/.clap/AutoVoice.clap", "")],
            HOME,
            Status::Ok,
            ".clap/AutoVoice.clap",
        ),
        (
            "clap",
            &[
                ("/h/.clap/AutoVoice.clap", ""),
                ("/usr/lib/clap/AutoVoice.clap", ""),
            ],
            HOME,
            Status::Note,
            "2 copies",
        ),
        (
            "vst3",
            &[("/h/.vst3/AutoVoice.vst3/Contents/x", "")],
            HOME,
            Status::Ok,
            ".vst3/AutoVoice.vst3",
        ),
    ];
    if !cfg!(target_os = "linux") {
        return;
    }
    for (id, files, variables, status, expected) in table {
        let findings = examined(files, variables);
        let got = finding(&findings, id);
        assert_eq!(got.status, *status, "{id} with {files:?}: {got:?}");
        assert!(got.found.contains(expected), "{id} with {files:?}: {got:?}");
        assert_eq!(got.remedy.is_empty(), *status == Status::Ok, "{got:?}");
    }
}

#[test]
fn looking_leaves_nothing_behind() {
    let root = tempfile::tempdir().expect("a temporary folder");
    examined_at(root.path(), &[("HOME", "/h")]);
    let left = fs::read_dir(root.path()).expect("readable").count();
    assert_eq!(left, 0);
}

//! Machines that are not there, examined.

use super::*;
use autovoice_kernels::gpu::GpuError;
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
        cards: Err(Absence::NotBuilt),
        choice: Ok(Choice::Auto),
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

#[test]
fn cards_are_listed_and_what_would_run_on_which_is_said() {
    let card = |ordinal, name: &str, compute: (u32, u32)| Card {
        ordinal,
        name: name.to_owned(),
        compute,
        total_bytes: 24_000_000_000,
        free_bytes: 6_000_000_000,
        driver: (12, 4),
        unfit: (compute < (7, 5)).then(|| format!("{name} is too old")),
    };
    let two = Ok(vec![card(0, "Old", (6, 1)), card(1, "New", (8, 9))]);
    let listed = device::cards(&two);
    let statuses: Vec<Status> = listed.iter().map(|finding| finding.status).collect();
    assert_eq!(statuses, [Status::Note, Status::Ok]);
    assert!(listed[0].remedy.contains("too old"), "{listed:?}");
    let expected = "cuda:1 New, 6.0 of 24.0 GB free, compute capability 8.9, driver for CUDA 12.4";
    assert_eq!(listed[1].found, expected);
    let none = Err(Absence::Gpu(GpuError::NoDriver));
    for (choice, cards, status, expected) in [
        (
            Choice::Auto,
            &two,
            Status::Ok,
            "run on cuda:1 New: it is the best of 2",
        ),
        (
            Choice::Cpu,
            &two,
            Status::Ok,
            "run on the CPU: it was asked for",
        ),
        (
            Choice::Cuda(Some(0)),
            &two,
            Status::Problem,
            "cuda:0 was asked for: Old is too old",
        ),
        (
            Choice::Auto,
            &none,
            Status::Ok,
            "run on the CPU: no NVIDIA driver",
        ),
        (
            Choice::Cuda(None),
            &none,
            Status::Problem,
            "cuda was asked for: expected a card",
        ),
    ] {
        let finding = device::device(Ok(choice), cards);
        assert_eq!(finding.status, status, "{choice}");
        assert!(finding.found.contains(expected), "{}", finding.found);
    }
    let error = "toaster".parse::<Choice>().unwrap_err();
    let finding = device::device(Err(&error), &none);
    assert_eq!(finding.status, Status::Problem);
    assert!(finding.found.contains("toaster"), "{}", finding.found);
}

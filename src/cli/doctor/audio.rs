//! Ways for sound to get in and out: ALSA devices, JACK and PipeWire. Needed for the app alone;
//! files and plugins in a host do without.

use super::{Finding, Patient};
use std::path::PathBuf;

pub(super) fn backends(patient: &Patient<'_>) -> Vec<Finding> {
    if !cfg!(target_os = "linux") {
        return vec![Finding::ok("audio", "the system's own audio is used")];
    }
    vec![alsa(patient), server(patient)]
}

/// Cards that can play and record, from the kernel's own list.
fn alsa(patient: &Patient<'_>) -> Finding {
    const ID: &str = "alsa";
    let machine = &patient.machine;
    let Some(devices) = machine.text("/proc/asound/pcm") else {
        let reason = match machine.path("/proc/asound").is_dir() {
            true => "the kernel's sound system runs, but has no devices",
            false => "no sound system in this kernel (a container or a server?)",
        };
        return Finding::note(
            ID,
            reason,
            "connect an audio interface, or load its driver; files need none",
        );
    };
    let count = |direction: &str| {
        let lines = devices.lines();
        lines.filter(|line| line.contains(direction)).count()
    };
    let (playback, capture) = (count("playback"), count("capture"));
    let found = format!("{playback} playback and {capture} capture device(s)");
    if playback == 0 || capture == 0 {
        return Finding::note(
            ID,
            found,
            "singing live takes both: connect an interface with an input and an output",
        );
    }
    // Nodes may be there and still be closed to us.
    let nodes = machine.names("/dev/snd");
    if nodes.is_empty() {
        return Finding::note(
            ID,
            format!("{found}, but no nodes in /dev/snd"),
            "pass /dev/snd into the container, or check udev",
        );
    }
    Finding::ok(ID, found)
}

/// A JACK server, or PipeWire speaking for one.
fn server(patient: &Patient<'_>) -> Finding {
    const ID: &str = "jack";
    let machine = &patient.machine;
    let library = machine
        .library("libjack.so")
        .or_else(|| pipewire_library(patient));
    let runtime = (patient.variable)("XDG_RUNTIME_DIR").map(PathBuf::from);
    let pipewire = runtime.is_some_and(|folder| {
        let socket = folder.join("pipewire-0");
        machine.path(&socket.to_string_lossy()).exists()
    });
    let jack = machine
        .names("/dev/shm")
        .iter()
        .any(|name| name.starts_with("jack_default_") || name.starts_with("jack-shm-registry"));
    let running = match (jack, pipewire) {
        (true, true) => "JACK and PipeWire run",
        (true, false) => "JACK runs",
        (false, true) => "PipeWire runs",
        (false, false) => "neither JACK nor PipeWire runs",
    };
    match library {
        Some(library) if jack || pipewire => {
            Finding::ok(ID, format!("{running}, {}", library.display()))
        }
        Some(library) => Finding::note(
            ID,
            format!("{running}; {}", library.display()),
            "for the app over JACK start one, for instance: jackd -d alsa -r 48000 -p 64",
        ),
        None => Finding::note(
            ID,
            format!("{running}; no libjack.so"),
            "for the app over JACK: sudo apt install pipewire-jack (or jackd2); ALSA needs neither",
        ),
    }
}

/// PipeWire keeps its stand-in for libjack in a folder of its own.
fn pipewire_library(patient: &Patient<'_>) -> Option<PathBuf> {
    [
        "/usr/lib/x86_64-linux-gnu/pipewire-0.3/jack/libjack.so.0",
        "/usr/lib/aarch64-linux-gnu/pipewire-0.3/jack/libjack.so.0",
        "/usr/lib64/pipewire-0.3/jack/libjack.so.0",
        "/usr/lib/pipewire-0.3/jack/libjack.so.0",
    ]
    .into_iter()
    .find(|path| patient.machine.path(path).exists())
    .map(PathBuf::from)
}

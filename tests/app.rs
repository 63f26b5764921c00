//! The app without sound and without a window: the dummy backend in virtual time, from the source
//! to what goes out, through everything a device or a hand can do to it; and the program itself.

mod fake_voices;

use assert_no_alloc::{AllocDisabler, assert_no_alloc, reset_violation_count, violation_count};
use autovoice::app::backend::dummy::Dummy;
use autovoice::app::backend::{Backend, Backends, Choice, Source};
use autovoice::app::host::Host;
use autovoice::app::status::{State, Status};
use autovoice::app::supervisor::{Command, Shared, Supervisor};
use autovoice::plugin::AutoVoiceParams;
use fake_voices::{Kind, fake, stock, until};
use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const BLOCK: usize = 256;

/// The app between a dummy device and a hand.
struct Rig {
    dummy: Dummy,
    shared: Shared,
    host: Host,
    supervisor: Supervisor,
    now: Duration,
    folder: tempfile::TempDir,
}

impl Rig {
    fn new(choice: Choice) -> Self {
        Self::with(Shared::default(), choice)
    }

    fn with(shared: Shared, choice: Choice) -> Self {
        let backends = Backends {
            dummy: Dummy::in_virtual_time(),
        };
        let dummy = backends.dummy.clone();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let takes = folder.path().join("takes");
        let supervisor = Supervisor::new(backends, shared.clone(), Some(choice), takes);
        let mut rig = Self {
            dummy,
            host: Host::new(shared.params.clone()),
            shared,
            supervisor,
            now: Duration::ZERO,
            folder,
        };
        rig.supervisor.tick(rig.now);
        rig
    }

    fn singing(input: &str) -> Self {
        Self::new(Choice {
            backend: Backend::Dummy,
            input: Some(input.to_owned()),
            buffer: Some(BLOCK as u32),
            ..Choice::default()
        })
    }

    fn set(&self, id: &str, text: &str) {
        self.host.set_text(id, text).expect("a value");
    }

    fn ask(&mut self, command: Command) {
        self.supervisor.obey(command, self.now);
    }

    fn status(&self) -> Status {
        self.shared.status()
    }

    /// Lets time pass; returns the left channel of what went out.
    fn run(&mut self, seconds: f64) -> Vec<f32> {
        let mut out = Vec::new();
        let until = self.now + Duration::from_secs_f64(seconds);
        while self.now < until {
            let rate_hz = self.status().format.map_or(48_000, |format| format.rate_hz);
            let [left, right] = self.dummy.run(4);
            assert_eq!(left, right, "one channel is heard on both sides");
            out.extend(left);
            self.now += Duration::from_secs_f64(4.0 * BLOCK as f64 / f64::from(rate_hz));
            self.supervisor.tick(self.now);
        }
        out
    }
}

/// Amplitude of a sine in a signal.
fn level(signal: &[f32], hz: f64, rate_hz: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (at, x) in signal.iter().enumerate() {
        let (s, c) = (TAU * hz * at as f64 / f64::from(rate_hz)).sin_cos();
        re += c * f64::from(*x);
        im += s * f64::from(*x);
    }
    2.0 * re.hypot(im) / signal.len() as f64
}

fn steepest(signal: &[f32]) -> f32 {
    let steps = signal.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    steps.fold(0.0, f32::max)
}

#[test]
fn a_voice_comes_out_an_octave_higher_at_every_rate() {
    for rate_hz in [44_100, 48_000, 96_000] {
        for source in [Source::Channel(0), Source::Stereo] {
            let mut rig = Rig::new(Choice {
                backend: Backend::Dummy,
                input: Some("voice".to_owned()),
                rate_hz: Some(rate_hz),
                source,
                ..Choice::default()
            });
            rig.set("pitch", "12");
            rig.run(0.5);
            let out = rig.run(0.5);
            let (up, down) = (level(&out, 300.0, rate_hz), level(&out, 150.0, rate_hz));
            assert!(
                up > 0.05 && up > 10.0 * down,
                "{rate_hz} {source:?}: {up} {down}"
            );
            let status = rig.status();
            assert_eq!((status.state, status.opened), (State::Running, 1));
            assert_eq!(status.latency.total(), status.latency.engine);
        }
    }
}

#[test]
fn a_voice_put_into_a_slot_is_heard_without_a_break() {
    let ada = fake("Ada", Kind::Gain(0.5));
    let mut shared = Shared::default();
    shared.params = Arc::new(AutoVoiceParams::with_voices(stock(&[ada]).0));
    let mut rig = Rig::with(
        shared,
        Choice {
            backend: Backend::Dummy,
            input: Some("sine".to_owned()),
            buffer: Some(BLOCK as u32),
            ..Choice::default()
        },
    );
    rig.run(0.2);
    let before = rig.status().latency.engine;
    rig.set("slot", "Voice 1");
    rig.shared.params.rack.put(1, Some(ada.voice()));
    let mut heard = Vec::new();
    until("the voice", || {
        heard.extend(rig.run(0.02));
        rig.shared.feed.newest().slot == 1
    });
    assert!(
        before < rig.status().latency.engine,
        "another path was built"
    );
    assert_eq!(rig.status().opened, 1, "and nothing was opened again");
    // A sine whose own steps are below 0.01, and fades.
    assert!(steepest(&heard) < 0.05, "{}", steepest(&heard));
    // It is remembered with the sound.
    let sound = rig.host.text();
    let host = Host::new(Arc::new(AutoVoiceParams::with_voices(stock(&[ada]).0)));
    let file = rig.folder.path().join("sound.json");
    std::fs::write(&file, sound).expect("writable");
    host.load(&file).expect("a sound");
    assert_eq!(host.rack().voice_in(1), Some(ada.voice()));
}

#[test]
fn an_unplugged_device_is_waited_for_and_comes_back_by_itself() {
    let mut rig = Rig::singing("sine");
    rig.run(0.5);
    rig.dummy.plug(false);
    assert!(rig.run(3.0).is_empty());
    let status = rig.status();
    assert_eq!(status.state, State::Waiting);
    let problem = status.problem.expect("said");
    assert!(
        problem.contains("sine") && problem.contains("connect"),
        "{problem}"
    );
    rig.dummy.plug(true);
    rig.run(1.0);
    let status = rig.status();
    assert_eq!((status.state, status.opened), (State::Running, 2));
    assert_eq!(status.problem, None);
    assert!(level(&rig.run(0.5), 220.0, 48_000) > 0.2);
}

#[test]
fn a_device_that_no_longer_calls_is_opened_again() {
    let mut rig = Rig::singing("sine");
    rig.run(0.5);
    // Time passes without a block.
    rig.now += Duration::from_secs(2);
    rig.supervisor.tick(rig.now);
    assert_eq!(rig.status().state, State::Waiting);
    rig.now += Duration::from_secs(1);
    rig.supervisor.tick(rig.now);
    assert_eq!(
        (rig.status().state, rig.status().opened),
        (State::Running, 2)
    );
}

#[test]
fn a_rate_that_changes_is_followed() {
    let mut rig = Rig::singing("voice");
    rig.set("pitch", "12");
    for rate_hz in [44_100, 96_000, 48_000] {
        rig.run(0.5);
        rig.dummy.set_rate(rate_hz);
        rig.run(1.0);
        let status = rig.status();
        assert_eq!(status.format.expect("open").rate_hz, rate_hz);
        assert!(status.notice.expect("said").contains("rate"));
        let out = rig.run(0.5);
        let (up, down) = (level(&out, 300.0, rate_hz), level(&out, 150.0, rate_hz));
        assert!(up > 0.05 && up > 10.0 * down, "{rate_hz}: {up} {down}");
    }
}

#[test]
fn another_device_is_taken_at_run_time() {
    let mut rig = Rig::singing("sine");
    rig.run(0.3);
    let choice = |input: &str| Choice {
        input: Some(input.to_owned()),
        buffer: Some(64),
        ..rig.status().choice
    };
    let (silence, unknown, sine) = (choice("silence"), choice("harp"), choice("sine"));
    rig.ask(Command::Choose(silence));
    rig.run(0.2);
    assert!(level(&rig.run(0.3), 220.0, 48_000) < 1e-3);
    assert_eq!(rig.status().format.expect("open").max_block, 64);
    rig.ask(Command::Choose(unknown));
    rig.run(0.2);
    let problem = rig.status().problem.expect("said");
    assert!(
        problem.contains("harp") && problem.contains("sine"),
        "{problem}"
    );
    rig.ask(Command::Choose(sine));
    rig.run(0.3);
    assert!(level(&rig.run(0.3), 220.0, 48_000) > 0.2);
}

#[test]
fn a_latency_that_changes_is_followed_without_a_click_or_a_gap() {
    let mut rig = Rig::singing("sine");
    rig.run(0.5);
    let calm = steepest(&rig.run(0.5));
    let mut latencies = vec![rig.status().latency.engine];
    for range in ["Soprano", "Bass", "Low"] {
        rig.set("range", range);
        let out = rig.run(0.6);
        assert!(
            steepest(&out) < 1.6 * calm,
            "{range}: {} {calm}",
            steepest(&out)
        );
        for piece in out.chunks_exact(2_400) {
            assert!(level(piece, 220.0, 48_000) > 0.05, "{range}: a gap");
        }
        let status = rig.status();
        assert_eq!(status.opened, 1, "nothing was opened for it");
        let shown = rig.shared.feed.newest().latency.total();
        assert_eq!(status.latency.engine, shown);
        latencies.push(shown);
    }
    assert_eq!(latencies[0], latencies[3]);
    assert!(
        latencies[1] < latencies[0] && latencies[0] < latencies[2],
        "{latencies:?}"
    );
}

#[test]
fn push_to_talk_and_monitoring_open_and_close_without_a_click() {
    let mut rig = Rig::singing("sine");
    rig.set("bypass", "on");
    rig.run(0.5);
    let calm = steepest(&rig.run(0.5));
    let switches = rig.shared.switches.clone();
    let turn = |rig: &mut Rig, push_to_talk, talking, monitor, is_heard: bool| {
        switches.push_to_talk.store(push_to_talk, Ordering::Relaxed);
        switches.talking.store(talking, Ordering::Relaxed);
        switches.monitor.store(monitor, Ordering::Relaxed);
        let change = rig.run(0.2);
        assert!(steepest(&change) < 1.5 * calm, "{}", steepest(&change));
        let level = level(&rig.run(0.2), 220.0, 48_000);
        assert_eq!(level > 0.25, is_heard, "{level}");
        assert_eq!(level < 1e-6, !is_heard, "{level}");
    };
    turn(&mut rig, true, false, true, false);
    turn(&mut rig, true, true, true, true);
    turn(&mut rig, true, true, false, false);
    turn(&mut rig, false, false, false, false);
    turn(&mut rig, false, false, true, true);
}

fn read(path: &Path) -> (u32, u16, Vec<f32>) {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    let (rate_hz, channels) = (reader.spec().sample_rate, reader.spec().channels);
    let samples = reader.samples::<f32>().map(|x| x.expect("whole"));
    (rate_hz, channels, samples.collect())
}

/// The writer is a thread of its own: this waits for it, by asking.
fn finished_take(rig: &mut Rig) -> autovoice::app::record::Take {
    for _ in 0..2_000 {
        rig.supervisor.tick(rig.now);
        if let Some(take) = rig.status().takes.first() {
            return take.clone();
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("the take was not finished in 10 s");
}

#[test]
fn a_take_holds_what_was_sung_and_what_came_out_in_step() {
    for how in ["stopped", "unplugged", "closed"] {
        let mut rig = Rig::singing("voice");
        // Bypassed, what comes out is what was sung, later by the delay reported.
        rig.set("bypass", "on");
        rig.run(0.5);
        rig.ask(Command::Record(true));
        rig.run(1.0);
        assert!(rig.status().recording_s.is_some());
        match how {
            "stopped" => rig.ask(Command::Record(false)),
            "unplugged" => rig.dummy.plug(false),
            _ => rig.supervisor.close(),
        }
        if how == "stopped" {
            rig.run(0.1);
        }
        let take = finished_take(&mut rig);
        assert_eq!((take.lost_frames, &take.failure), (0, &None), "{how}");
        let ((dry_hz, 1, dry), (wet_hz, 2, wet)) = (read(&take.dry), read(&take.wet)) else {
            panic!("one channel sung, two out");
        };
        assert_eq!((dry_hz, wet_hz), (48_000, 48_000));
        assert!(take.dry.starts_with(rig.folder.path()));
        assert!((take.seconds - 1.0).abs() < 0.1, "{how}: {}", take.seconds);
        let wet: Vec<f32> = wet.into_iter().step_by(2).collect();
        assert_eq!(dry.len(), wet.len());
        let off = dry.iter().zip(&wet).map(|(d, w)| (d - w).abs());
        let off = off.fold(0.0, f32::max);
        assert!(
            off < 1e-6,
            "{how}: {off}, delay {}",
            rig.status().latency.engine
        );
        assert!(level(&dry, 150.0, 48_000) > 0.1);
    }
}

#[test]
fn a_folder_that_vanishes_during_a_take_is_said() {
    let mut rig = Rig::singing("voice");
    rig.ask(Command::Record(true));
    rig.run(0.3);
    std::fs::remove_dir_all(rig.folder.path().join("takes")).expect("there");
    rig.ask(Command::Record(false));
    rig.run(0.1);
    let failure = finished_take(&mut rig).failure.expect("said");
    assert!(failure.contains("--record"), "{failure}");
    assert_eq!(rig.status().notice, Some(failure));
    assert!(
        level(&rig.run(0.3), 150.0, 48_000) > 0.1,
        "the sound goes on"
    );
}

#[test]
fn the_way_around_is_measured_and_refused_where_there_is_none() {
    let mut rig = Rig::singing("loopback");
    rig.run(0.2);
    rig.ask(Command::Measure);
    assert!(rig.status().is_measuring);
    rig.run(2.5);
    let status = rig.status();
    let found = status.measured.clone().expect("an answer").expect("a loop");
    let reported = status.latency.without_engine();
    assert!(
        found.frames.abs_diff(reported) <= 1,
        "{found:?}, reported {reported}"
    );

    let mut rig = Rig::singing("voice");
    rig.run(0.2);
    rig.ask(Command::Measure);
    rig.run(2.5);
    let refused = rig
        .status()
        .measured
        .expect("an answer")
        .expect_err("no loop");
    assert!(refused.contains("connect the output"), "{refused}");
    assert!(level(&rig.run(0.3), 150.0, 48_000) > 0.1, "it sounds again");
}

static VIOLATIONS: AtomicU32 = AtomicU32::new(0);
static CALLS: AtomicU32 = AtomicU32::new(0);

#[test]
fn the_audio_thread_neither_allocates_nor_frees() {
    reset_violation_count();
    assert_no_alloc(|| drop(vec![1u8; 64]));
    assert_ne!(violation_count(), 0, "the counter counts");
    for source in [Source::Channel(0), Source::Stereo] {
        let mut rig = Rig::new(Choice {
            backend: Backend::Dummy,
            input: Some("voice".to_owned()),
            source,
            ..Choice::default()
        });
        rig.dummy.watch(|call| {
            reset_violation_count();
            assert_no_alloc(&mut *call);
            VIOLATIONS.fetch_add(violation_count(), Ordering::Relaxed);
            CALLS.fetch_add(1, Ordering::Relaxed);
        });
        rig.run(0.2);
        for (id, value) in [
            ("range", "High"),
            ("pitch", "7"),
            ("correct", "on"),
            ("range", "Low"),
        ] {
            rig.set(id, value);
            rig.ask(Command::Record(true));
            rig.run(0.3);
            rig.ask(Command::Record(false));
            rig.run(0.3);
        }
        let sentence = rig.folder.path().join(format!("{source:?}.wav"));
        rig.ask(Command::RecordDry(sentence));
        rig.run(0.3);
        rig.ask(Command::EndDry);
        rig.ask(Command::Measure);
        rig.run(2.5);
        assert!(rig.status().measured.is_some());
        assert!(0.0 < rig.shared.ear.take_peak());
    }
    assert!(CALLS.load(Ordering::Relaxed) > 500);
    assert_eq!(VIOLATIONS.load(Ordering::Relaxed), 0);
}

fn program(home: &Path, arguments: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_autovoice"))
        .args(arguments)
        .env("AUTOVOICE_HOME", home)
        .output()
        .expect("the program runs")
}

#[test]
fn the_program_runs_without_a_window_and_remembers() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let takes = home.path().join("here");
    let first = program(
        home.path(),
        &[
            "app",
            "--backend",
            "dummy",
            "--input",
            "voice",
            "--no-window",
            "--seconds",
            "1.5",
            "--set",
            "pitch=+3 st",
            "--record",
            &takes.to_string_lossy(),
        ],
    );
    let said = String::from_utf8_lossy(&first.stdout);
    assert!(first.status.success(), "{said} {:?}", first.stderr);
    assert!(said.contains("voice -> null, 48000 Hz"), "{said}");
    let files = std::fs::read_dir(&takes).expect("made").count();
    assert_eq!(files, 2, "{said}");
    // Without flags it goes on where it was.
    let again = program(home.path(), &["app", "--no-window", "--seconds", "0.5"]);
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(said.contains("voice -> null"), "{said}");
    let sound = std::fs::read_to_string(home.path().join("settings/app-sound.json"));
    assert!(
        sound
            .expect("remembered")
            .contains("\"pitch\":{\"f32\":3.0}")
    );
    let flags = ["app", "--no-window", "--seconds", "0.2", "--preset", "Airy"];
    assert!(program(home.path(), &flags).status.success());
    let sound = std::fs::read(home.path().join("settings/app-sound.json")).expect("remembered");
    let sound: serde_json::Value = serde_json::from_slice(&sound).expect("JSON");
    let formant = sound["params"]["formant"]["f32"]
        .as_f64()
        .expect("a number");
    assert!((formant - 1.2).abs() < 0.005, "{formant}");
    let measured = program(
        home.path(),
        &[
            "app",
            "--backend",
            "dummy",
            "--input",
            "loopback",
            "--no-window",
            "--measure-latency",
        ],
    );
    let said = String::from_utf8_lossy(&measured.stdout);
    assert!(said.contains("measured 480 frames"), "{said}");
}

/// A limit on the size of files stands for a disk that is full.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_ends_the_take_and_keeps_what_was_written() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let limited = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_autovoice"))
        .args([
            "app",
            "--backend",
            "dummy",
            "--input",
            "voice",
            "--no-window",
        ])
        .args(["--seconds", "2", "--record", "takes"])
        .current_dir(home.path())
        .env("AUTOVOICE_HOME", home.path())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&limited.stderr);
    assert_eq!(limited.status.code(), Some(1), "{said}");
    assert!(said.contains("free some space"), "{said}");
    let takes = std::fs::read_dir(home.path().join("takes")).expect("made");
    let files: Vec<_> = takes.map(|take| take.expect("readable").path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        let (_, channels, samples) = read(&file);
        let seconds = samples.len() as f64 / f64::from(channels) / 48_000.0;
        assert!(seconds > 0.4, "{file:?}: {seconds} s");
    }
}

#[test]
fn the_program_says_what_it_does_not_understand() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for (arguments, code, expected) in [
        (&["app", "--backend", "harp"][..], 2, "jack"),
        (&["app", "--channel", "0"], 2, "stereo"),
        (&["app", "--talk-key", "harp"], 2, "Space"),
        (&["app", "--preset", "No such sound"], 1, "No such sound"),
        (&["app", "--set", "pitch"], 1, "ID=VALUE"),
        (&["app", "--set", "harp=3"], 1, "formant"),
        (&["app", "--set", "pitch=loud"], 1, "pitch"),
        (&["app", "--rate", "1"], 2, "8000"),
    ] {
        let run = program(home.path(), arguments);
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let listed = program(home.path(), &["devices", "--json"]);
    let all: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let dummy = all
        .as_array()
        .expect("a list")
        .iter()
        .find(|b| b["backend"] == "dummy");
    assert_eq!(dummy.expect("listed")["available"], true);
}

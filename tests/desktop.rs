//! The whole program: its window under Xvfb, its sound through jackd's dummy driver, a hand made of
//! xdotool. A client of ours sings into it and listens.

mod on_screen;

use jack::{
    AsyncClient, AudioIn, AudioOut, Client, ClientOptions, Control, Port, ProcessHandler,
    ProcessScope,
};
use on_screen::{Display, PATIENCE, Process, is_missing, wait_for};
use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const RATE_HZ: u32 = 48_000;
/// Pitch of what is sung on the two ports.
const TONES_HZ: [f64; 2] = [150.0, 210.0];
/// As much is listened to at a time.
const HEARD: usize = 12_000;

/// A JACK server of its own, under the name that the environment gives it.
struct Server(Option<Process>);

impl Server {
    fn start() -> Self {
        tidy_up();
        let mut server = Self(None);
        server.restart();
        server
    }

    fn restart(&mut self) {
        let child = Command::new("jackd")
            .args(["--no-realtime", "-d", "dummy", "-r", "48000", "-p", "256"])
            .env("JACK_NO_AUDIO_RESERVATION", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.0 = Some(Process(child.expect("jackd starts")));
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}

/// Where no server runs, the database of JACK's that a killed program left in disorder goes: every
/// client would wait for it, again and again.
fn tidy_up() {
    let runs = Command::new("pgrep").args(["-x", "jackd"]).output();
    if runs.is_ok_and(|found| found.stdout.is_empty()) {
        for entry in std::fs::read_dir("/dev/shm")
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with("jack_db-") {
                // Another user's is not ours to remove.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn signal(process: &Process, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &process.0.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

fn app(home: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autovoice"));
    command
        .args([
            "app",
            "--backend",
            "jack",
            "--forget",
            "--input",
            "Singer",
            "--output",
            "Singer",
        ])
        .args(arguments)
        .env("AUTOVOICE_HOME", home)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .stdin(Stdio::null());
    command
}

/// Sings two tones and listens.
struct Singer {
    _client: AsyncClient<(), Song>,
    heard: Arc<Mutex<VecDeque<f32>>>,
}

struct Song {
    sung: Vec<Port<AudioOut>>,
    ear: Port<AudioIn>,
    at: u64,
    heard: Arc<Mutex<VecDeque<f32>>>,
}

impl ProcessHandler for Song {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let from = self.at;
        for (port, hz) in self.sung.iter_mut().zip(TONES_HZ) {
            for (at, x) in port.as_mut_slice(scope).iter_mut().enumerate() {
                let time_s = (from + at as u64) as f64 / f64::from(RATE_HZ);
                // A buzz has the formants that a voice keeps when it is transposed.
                *x = 0.4 - 0.8 * (hz * time_s).fract() as f32;
            }
        }
        self.at += u64::from(scope.n_frames());
        // A lock is nothing for an audio thread, but here nobody listens to the clicks.
        if let Ok(mut heard) = self.heard.lock() {
            heard.extend(self.ear.as_slice(scope));
            let old = heard.len().saturating_sub(HEARD);
            heard.drain(..old);
        }
        Control::Continue
    }
}

impl Singer {
    fn start() -> Self {
        let mut opened = None;
        wait_for("a JACK server", || {
            opened = Client::new("Singer", ClientOptions::NO_START_SERVER).ok();
            opened.is_some()
        });
        let (client, _) = opened.expect("waited for");
        let heard = Arc::<Mutex<VecDeque<f32>>>::default();
        let sung = ["out_1", "out_2"].map(|name| {
            let port = client.register_port(name, AudioOut::default());
            port.expect("a free name")
        });
        let ear = client.register_port("in_1", AudioIn::default());
        let song = Song {
            sung: sung.into(),
            ear: ear.expect("a free name"),
            at: 0,
            heard: heard.clone(),
        };
        let client = client.activate_async((), song).expect("active");
        Self {
            _client: client,
            heard,
        }
    }

    /// Level of a tone in what was heard last.
    fn level(&self, hz: f64) -> f64 {
        let heard = self.heard.lock().expect("no panic there");
        if heard.len() < HEARD {
            return 0.0;
        }
        let (mut re, mut im) = (0.0, 0.0);
        for (at, x) in heard.iter().enumerate() {
            let (s, c) = (TAU * hz * at as f64 / f64::from(RATE_HZ)).sin_cos();
            re += c * f64::from(*x);
            im += s * f64::from(*x);
        }
        2.0 * re.hypot(im) / HEARD as f64
    }

    fn wait_for_tone(&self, hz: f64) {
        wait_for(&format!("{hz} Hz"), || {
            self.level(hz) > 0.05 && self.level(0.5 * hz) < 0.02
        });
    }

    fn wait_for_silence(&self) {
        wait_for("silence", || {
            let heard = self.heard.lock().expect("no panic there");
            heard.len() == HEARD && heard.iter().all(|x| x.abs() < 1e-4)
        });
    }
}

/// Where the audio bar has its switches, in pixels of the window. `src/app/panel.rs` gives them
/// fixed widths.
const MONITOR: (u32, u32) = (242, 50);
const CHANNEL: (u32, u32) = (352, 20);
const SECOND_CHANNEL: (u32, u32) = (352, 72);

/// Runs this test again in a process of its own, whose environment names a JACK server of its own:
/// to set a variable of a running process is not safe.
fn in_own_process(test: &str) -> bool {
    const INNER: &str = "AUTOVOICE_DESKTOP_INNER";
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    if ["jackd", "Xvfb", "xdotool"].into_iter().any(is_missing) {
        return false;
    }
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INNER, "1")
        .env(
            "JACK_DEFAULT_SERVER",
            // Short: it becomes part of the names of sockets.
            format!("av{}-{}", test.len(), std::process::id()),
        )
        .status();
    assert!(status.expect("runs").success(), "see above");
    false
}

#[test]
fn the_window_converts_obeys_the_hand_and_survives_its_server() {
    if !in_own_process("the_window_converts_obeys_the_hand_and_survives_its_server") {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let (mut server, display) = (Server::start(), Display::open());
    let singer = Singer::start();
    let window = app(home.path(), &["--set", "pitch=12", "--push-to-talk"])
        .env("DISPLAY", &display.name)
        .spawn();
    let mut window = Process(window.expect("the app starts"));
    wait_for("a window", || !display.window().is_empty());

    // Nobody talks.
    singer.wait_for_silence();
    let id = display.window();
    display.hand(&format!("windowfocus {id}"));
    display.hand("keydown space");
    singer.wait_for_tone(2.0 * TONES_HZ[0]);
    display.click(MONITOR);
    singer.wait_for_silence();
    display.click(MONITOR);
    singer.wait_for_tone(2.0 * TONES_HZ[0]);
    display.click(CHANNEL);
    display.click(SECOND_CHANNEL);
    singer.wait_for_tone(2.0 * TONES_HZ[1]);
    display.hand("keyup space");
    singer.wait_for_silence();

    // The server goes, the window stays; the server comes back, and so does the sound.
    display.hand("keydown space");
    singer.wait_for_tone(2.0 * TONES_HZ[1]);
    server.stop();
    drop(singer);
    std::thread::park_timeout(Duration::from_secs(3));
    assert!(window.0.try_wait().expect("ours").is_none(), "it stays up");
    server.restart();
    let singer = Singer::start();
    singer.wait_for_tone(2.0 * TONES_HZ[1]);

    // It ends in peace.
    signal(&window, "-INT");
    let mut status = None;
    wait_for("the end", || {
        status = window.0.try_wait().expect("ours");
        status.is_some()
    });
    assert!(status.expect("waited for").success());
}

/// JACK itself puts one block into a loop of a client's own ports.
#[test]
fn a_loop_through_the_server_is_measured_to_the_frame() {
    if !in_own_process("a_loop_through_the_server_is_measured_to_the_frame") {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let _server = Server::start();
    drop(Singer::start());
    let measured = Command::new(env!("CARGO_BIN_EXE_autovoice"))
        .args([
            "app",
            "--backend",
            "jack",
            "--forget",
            "--no-window",
            "--measure-latency",
        ])
        .args(["--input", "AutoVoice", "--output", ""])
        .env("AUTOVOICE_HOME", home.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&measured.stdout);
    assert!(said.contains("measured 256 frames"), "{said} {measured:?}");
}

#[test]
fn without_a_window_it_says_that_the_server_went_and_came_back() {
    if !in_own_process("without_a_window_it_says_that_the_server_went_and_came_back") {
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start();
    let singer = Singer::start();
    let program = app(home.path(), &["--no-window"])
        .stdout(Stdio::piped())
        .spawn();
    let mut program = Process(program.expect("the app starts"));
    let output = program.0.stdout.take().expect("piped");
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.for_each(|line| drop(tell.send(line)));
    });
    let expect = |part: &str| loop {
        let line = told.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|_| panic!("it never said {part:?}"));
        if line.contains(part) {
            return;
        }
    };
    expect("Singer -> Singer, 48000 Hz, 256 frames");
    singer.wait_for_tone(TONES_HZ[0]);
    server.stop();
    drop(singer);
    expect("start it again");
    server.restart();
    let singer = Singer::start();
    expect("Singer -> Singer");
    singer.wait_for_tone(TONES_HZ[0]);
    signal(&program, "-INT");
    let status = program.0.wait().expect("ours");
    assert!(status.success());
}

//! Programs with a window, under an X display of their own. What is missing is said loudly, and is
//! an error where AUTOVOICE_REQUIRE_HOSTS is set.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long processes may take for what is asked of them.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A process that does not outlive its test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Asked before it is killed: what is killed leaves shared memory behind, at which every
        // later client of JACK stops for seconds. Nothing is lost if it is already gone.
        let id = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a program is not there.
pub fn is_missing(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !there {
        let why = format!("no {program}; `cargo xtask test` installs it");
        assert!(
            std::env::var_os("AUTOVOICE_REQUIRE_HOSTS").is_none(),
            "{why}"
        );
        eprintln!("SKIPPED, nothing was tested: {why}");
    }
    !there
}

/// Waits until something is so.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(
            Instant::now() < deadline,
            "{what} did not happen in {PATIENCE:?}"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// An X display without a screen.
pub struct Display {
    _server: Process,
    /// What DISPLAY is set to.
    pub name: String,
}

impl Display {
    /// A display that no other test has.
    pub fn open() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x1000x24"])
            // It would start anew whenever its last client goes, under the feet of the next.
            .args(["+extension", "GLX", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut said = String::new();
        let output = server.stdout.take().expect("piped");
        BufReader::new(output)
            .read_line(&mut said)
            .expect("it says its number");
        Self {
            _server: Process(server),
            name: format!(":{}", said.trim()),
        }
    }

    /// What a hand does, in xdotool's words, and what it answers.
    pub fn hand(&self, words: &str) -> String {
        let output = Command::new("xdotool")
            .args(words.split_whitespace())
            .env("DISPLAY", &self.name)
            .output()
            .expect("xdotool runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Clicks at a point of the app's window.
    pub fn click(&self, (x, y): (u32, u32)) {
        let window = self.window();
        self.hand(&format!("mousemove --window {window} {x} {y}"));
        // The window draws between the two: what is under the hand must know it.
        std::thread::park_timeout(Duration::from_millis(150));
        self.hand("mousedown 1");
        std::thread::park_timeout(Duration::from_millis(150));
        self.hand("mouseup 1");
        std::thread::park_timeout(Duration::from_millis(150));
    }

    /// The app's window.
    pub fn window(&self) -> String {
        let found = self.hand("search --name ^AutoVoice$");
        found.lines().next().unwrap_or_default().to_owned()
    }
}

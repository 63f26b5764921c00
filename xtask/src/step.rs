//! Says what a chore is doing, as it does it, and how long it took. Main thread.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The steps of one chore, counted.
pub struct Steps {
    total: usize,
    begun: usize,
    started: Instant,
    step_started: Instant,
}

impl Steps {
    /// A chore of this many steps.
    pub fn new(total: usize) -> Self {
        let now = Instant::now();
        Self {
            total,
            begun: 0,
            started: now,
            step_started: now,
        }
    }

    /// Announces the next step; the time of the one before is told with it.
    pub fn next(&mut self, what: &str) {
        if self.begun > 0 {
            self.done();
        }
        self.begun += 1;
        self.step_started = Instant::now();
        let elapsed = self.started.elapsed();
        println!(
            "\n==> {}/{} {what} (at {})",
            self.begun,
            self.total,
            clock(elapsed)
        );
    }

    /// Tells the time of the step just done.
    pub fn done(&self) {
        println!("    done in {}", clock(self.step_started.elapsed()));
    }

    /// The time since the chore began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A duration as people read it.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// A command from a line without quotes in it.
pub fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Runs a command in sight of the user, naming it first.
///
/// # Errors
/// When it cannot start or fails; the line to repeat it is in the message.
pub fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("    $ {line}");
    let status = command
        .status()
        .with_context(|| format!("`{line}` did not start; is it installed?"))?;
    if !status.success() {
        bail!("`{line}` failed with {status}");
    }
    Ok(())
}

/// Whether a command runs and succeeds; its output is dropped.
pub fn succeeds(line: &str) -> bool {
    command(line)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn line(command: &Command) -> String {
    let environment = command.get_envs().filter_map(|(key, value)| {
        Some(format!(
            "{}={}",
            key.to_string_lossy(),
            value?.to_string_lossy()
        ))
    });
    let program = std::iter::once(command.get_program().to_string_lossy().into_owned());
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    environment
        .chain(program)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

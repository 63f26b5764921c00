//! An X display without a screen, with OpenGL in software. For chores that open windows.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// The server, ended on drop.
pub struct Display {
    server: Child,
    number: u32,
}

impl Display {
    /// Starts Xvfb on a free display; it says which.
    ///
    /// # Errors
    /// When it does not start.
    pub fn open() -> Result<Self> {
        println!("    starting Xvfb");
        let screen = ["-displayfd", "1", "-screen", "0", "4096x2160x24"];
        let mut server = Command::new("Xvfb")
            .args(screen)
            .args(["+extension", "GLX"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb did not start")?;
        let mut said = String::new();
        if let Some(output) = server.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let number = said.trim().parse();
        let number = number.with_context(|| format!("expected a display number, got {said:?}"))?;
        Ok(Self { server, number })
    }

    /// What programs need to open their windows there.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("DISPLAY", format!(":{}", self.number)),
            ("LIBGL_ALWAYS_SOFTWARE", "1".to_owned()),
        ]
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Nothing is lost if it is already gone.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

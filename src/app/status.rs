//! What the app knows of itself, for whoever draws or prints it. Written by the control thread a
//! few times a second, read by the window's.

use super::backend::{Backend, Choice, Format, Offer};
use super::loopback::RoundTrip;
use super::record::{DryTake, Take};
use crate::units::{Frames, frames_to_ms};
use std::path::PathBuf;

/// Whether sound flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Not tried yet.
    #[default]
    Starting,
    /// It flows.
    Running,
    /// It does not; it is tried again and again. [`Status::problem`] says why.
    Waiting,
}

/// The way from the air through the program and back, in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTripParts {
    /// The input device, as it reports it.
    pub input: Frames,
    /// Waiting so that two callbacks can meet.
    pub duplex: Frames,
    /// The conversion.
    pub engine: Frames,
    /// The output device, as it reports it.
    pub output: Frames,
}

impl RoundTripParts {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Frames {
        self.input + self.duplex + self.engine + self.output
    }

    /// The parts a loopback measures.
    #[must_use]
    pub fn without_engine(&self) -> Frames {
        self.total() - self.engine
    }
}

/// How a recording of what is sung alone is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DryStatus {
    /// There was none.
    #[default]
    Idle,
    /// Seconds recorded.
    Recording(f64),
    /// The last one is over.
    Done(DryTake),
}

/// Everything at one moment.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What was asked for.
    pub choice: Choice,
    /// Whether sound flows.
    pub state: State,
    /// What it is connected to; empty while nothing is open.
    pub input: String,
    /// As `input`.
    pub output: String,
    /// How the stream runs, if one is open.
    pub format: Option<Format>,
    /// The delay, part by part.
    pub latency: RoundTripParts,
    /// Blocks processed by this stream.
    pub blocks: u64,
    /// Times a device ran out of data or room, since the program started.
    pub xruns: u64,
    /// Times the input was late for the output, since the program started.
    pub dropouts: u64,
    /// Streams opened since the program started.
    pub opened: u64,
    /// What is wrong, and what to do.
    pub problem: Option<String>,
    /// What happened last that one may want to know.
    pub notice: Option<String>,
    /// What each backend offers, or why it does not.
    pub offers: Vec<(Backend, Result<Offer, String>)>,
    /// Seconds recorded, while a take is.
    pub recording_s: Option<f64>,
    /// What is recorded of what is sung alone.
    pub dry: DryStatus,
    /// Takes of this run, the newest first.
    pub takes: Vec<Take>,
    /// Where takes go.
    pub takes_folder: PathBuf,
    /// Whether a measurement runs.
    pub is_measuring: bool,
    /// The last measurement of this stream.
    pub measured: Option<Result<RoundTrip, String>>,
    /// Whether other programs see our microphone.
    pub virtual_mic: bool,
}

impl Status {
    /// What the backend in use offers.
    #[must_use]
    pub fn offer(&self) -> Option<&Offer> {
        let mut offers = self.offers.iter();
        let (_, offer) = offers.find(|(backend, _)| *backend == self.choice.backend)?;
        offer.as_ref().ok()
    }

    /// Milliseconds of the round trip; `None` while nothing is open. Where the way through the
    /// devices was measured, that counts: what they report is often not the truth.
    #[must_use]
    pub fn total_ms(&self) -> Option<f64> {
        let format = self.format?;
        let total = match &self.measured {
            Some(Ok(found)) => found.frames + self.latency.engine,
            _ => self.latency.total(),
        };
        Some(frames_to_ms(total, format.rate_hz))
    }

    /// One line for a terminal.
    #[must_use]
    pub fn line(&self) -> String {
        let backend = self.choice.backend.label();
        let (Some(format), State::Running) = (self.format, self.state) else {
            let why = self.problem.as_deref().unwrap_or("opening");
            return format!("{backend}: no sound: {why}");
        };
        let ms = |frames| frames_to_ms(frames, format.rate_hz);
        let parts = self.latency;
        let mut line = format!(
            "{backend}: {} -> {}, {} Hz, {} frames, {:.1} ms (input {:.1}, buffers {:.1}, \
             conversion {:.1}, output {:.1}), {} xruns, {} dropouts",
            self.input,
            self.output,
            format.rate_hz,
            format.max_block,
            ms(parts.total()),
            ms(parts.input),
            ms(parts.duplex),
            ms(parts.engine),
            ms(parts.output),
            self.xruns,
            self.dropouts,
        );
        if let Some(seconds) = self.recording_s {
            line.push_str(&format!(", recording {seconds:.0} s"));
        }
        if let Some(problem) = &self.problem {
            line.push_str("; ");
            line.push_str(problem);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_counts_more_than_what_is_reported() {
        let mut status = Status {
            latency: RoundTripParts {
                input: 100,
                duplex: 200,
                engine: 480,
                output: 300,
            },
            ..Status::default()
        };
        assert_eq!(status.total_ms(), None, "nothing is open");
        status.format = Some(Format {
            rate_hz: 48_000,
            max_block: 64,
            channels: 1,
        });
        assert_eq!(status.total_ms(), Some(22.5));
        status.measured = Some(Err("no loop".to_owned()));
        assert_eq!(status.total_ms(), Some(22.5));
        let frames = 960;
        status.measured = Some(Ok(RoundTrip {
            frames,
            certainty: 40.0,
            gain: 1.0,
        }));
        assert_eq!(status.total_ms(), Some(30.0));
    }
}

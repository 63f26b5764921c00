//! Ways for sound to get in and out: what each offers, and an open stream of it. A stream calls a
//! [`Callback`] on its audio thread and tells what happens to it through [`Health`]. Everything
//! else here runs on the control thread and may block.

pub mod cpal;
pub mod dummy;
mod error;
pub mod jack;

pub use crate::plugin::audio::Note;
pub use error::OpenError;

use crate::units::Frames;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// A way for sound to get in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// JACK, or PipeWire speaking for it.
    Jack,
    /// The PulseAudio protocol, which PipeWire serves as well.
    Pulse,
    /// The kernel's devices.
    Alsa,
    /// No sound: a test source in, nothing out.
    Dummy,
}

impl Backend {
    /// Every backend, the one with the shortest delay first.
    pub const ALL: [Self; 4] = [Self::Jack, Self::Pulse, Self::Alsa, Self::Dummy];

    /// The name in settings and on the command line.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Jack => "jack",
            Self::Pulse => "pulse",
            Self::Alsa => "alsa",
            Self::Dummy => "dummy",
        }
    }

    /// The backend of that name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|backend| backend.id() == id)
    }

    /// What people call it here: with PipeWire in JACK's or PulseAudio's place, it says so.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Jack if jack::is_pipewire() => "PipeWire (JACK)",
            Self::Jack => "JACK",
            Self::Pulse if cpal::pulse_is_pipewire() => "PipeWire (Pulse)",
            Self::Pulse => "PulseAudio",
            Self::Alsa => "ALSA",
            Self::Dummy => "No sound (test)",
        }
    }
}

/// What of an input device is sung into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// One channel, counted from 0, heard on both sides.
    Channel(usize),
    /// The first two, left and right.
    Stereo,
}

impl Default for Source {
    fn default() -> Self {
        Self::Channel(0)
    }
}

impl Source {
    /// Channels that are processed.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Channel(_) => 1,
            Self::Stereo => 2,
        }
    }

    /// The place of a processed channel among those of the device; a device with fewer channels
    /// gives its last one. Real-time safe.
    #[must_use]
    pub fn pick(self, channel: usize, of: usize) -> usize {
        let wanted = match self {
            Self::Channel(only) => only,
            Self::Stereo => channel,
        };
        wanted.min(of.saturating_sub(1))
    }
}

/// What to open. What is `None` is left to the backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// The way in and out.
    pub backend: Backend,
    /// Id of the input device.
    pub input: Option<String>,
    /// Id of the output device.
    pub output: Option<String>,
    /// Sample rate in Hz.
    pub rate_hz: Option<u32>,
    /// Frames per block.
    pub buffer: Option<u32>,
    /// What of the input is sung into.
    pub source: Source,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            backend: Backend::Jack,
            input: None,
            output: None,
            rate_hz: None,
            buffer: None,
            source: Source::default(),
        }
    }
}

/// A device, or the ports of one JACK client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// What [`Choice`] names it by.
    pub id: String,
    /// What people read.
    pub label: String,
    /// Channels; 0 where only opening it would tell.
    pub channels: usize,
}

/// What a backend offers now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The backend.
    pub backend: Backend,
    /// Devices to sing into.
    pub inputs: Vec<Device>,
    /// Devices to hear.
    pub outputs: Vec<Device>,
    /// Rates in Hz that can be asked for; one alone is the server's.
    pub rates: Vec<u32>,
    /// Block lengths in frames that can be asked for.
    pub buffers: Vec<u32>,
}

/// How a stream runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// The longest block expected; longer ones may come and are processed in pieces.
    pub max_block: Frames,
    /// Channels processed, 1 or 2.
    pub channels: usize,
}

/// The delay of a stream without what is done between its ends, in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceLatency {
    /// From the air to the program, as the device reports it.
    pub input: Frames,
    /// Waiting in the program so that two callbacks can meet.
    pub duplex: Frames,
    /// From the program to the air, as the device reports it.
    pub output: Frames,
}

/// What a stream calls on its audio thread.
pub trait Callback: Send {
    /// Two channels of the same length, in place: the first [`Format::channels`] hold the input,
    /// both take the output. Notes are in order of time. Real-time safe.
    fn process(&mut self, audio: [&mut [f32]; 2], notes: &[Note]);
}

/// Makes the callback once the format is known.
pub type MakeCallback<'a> = &'a mut dyn FnMut(Format) -> Result<Box<dyn Callback>, OpenError>;

/// An open stream; dropping it closes it.
pub trait Stream {
    /// How it runs.
    fn format(&self) -> Format;
    /// Its delays now.
    fn latency(&self) -> DeviceLatency;
    /// What it is connected to, input and output, as people read it.
    fn names(&self) -> (String, String);
    /// Looks after connections; says what is missing, with the remedy. Called a few times a second.
    fn tend(&mut self) -> Option<String> {
        None
    }
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Loss {
    /// The device is gone.
    Gone = 1,
    /// The sound server ended.
    Server = 2,
    /// It must be opened anew.
    Invalid = 3,
    /// It no longer calls.
    Silent = 4,
}

/// What happens to a stream, written by its threads, read by the control thread. All counts start
/// at 0 with the stream.
#[derive(Debug, Default)]
pub struct Health {
    cycles: AtomicU64,
    xruns: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU8,
    rate_hz: AtomicU32,
    block: AtomicU32,
}

impl Health {
    /// A new stream's.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// One more block was processed. Real-time safe, as all here.
    pub fn beat(&self) {
        self.cycles.fetch_add(1, Ordering::Relaxed);
    }

    /// Blocks processed.
    #[must_use]
    pub fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }

    /// The device ran out of data or of room.
    pub fn note_xrun(&self) {
        self.xruns.fetch_add(1, Ordering::Relaxed);
    }

    /// Times the device ran out of data or of room.
    #[must_use]
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }

    /// The input did not arrive in time.
    pub fn note_dropout(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Times the input did not arrive in time.
    #[must_use]
    pub fn dropouts(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The stream ended.
    pub fn lose(&self, loss: Loss) {
        self.lost.store(loss as u8, Ordering::Relaxed);
    }

    /// Whether and why the stream ended.
    #[must_use]
    pub fn lost(&self) -> Option<Loss> {
        [Loss::Gone, Loss::Server, Loss::Invalid, Loss::Silent]
            .into_iter()
            .find(|loss| *loss as u8 == self.lost.load(Ordering::Relaxed))
    }

    /// The device's rate in Hz is this now.
    pub fn announce_rate(&self, rate_hz: u32) {
        self.rate_hz.store(rate_hz, Ordering::Relaxed);
    }

    /// The device's blocks are this long now.
    pub fn announce_block(&self, frames: u32) {
        self.block.store(frames, Ordering::Relaxed);
    }

    /// Whether rate or block are no longer those the stream was opened with.
    #[must_use]
    pub fn differs_from(&self, format: Format) -> bool {
        let rate_hz = self.rate_hz.load(Ordering::Relaxed);
        let block = self.block.load(Ordering::Relaxed) as Frames;
        (rate_hz != 0 && rate_hz != format.rate_hz) || (block != 0 && block != format.max_block)
    }
}

/// Every backend there is.
#[derive(Clone, Default)]
pub struct Backends {
    /// The one without sound.
    pub dummy: dummy::Dummy,
}

impl Backends {
    /// What a backend offers.
    ///
    /// # Errors
    /// [`OpenError`] when it is not there, with what to do.
    pub fn offer(&self, backend: Backend) -> Result<Offer, OpenError> {
        match backend {
            Backend::Jack => jack::offer(),
            Backend::Pulse | Backend::Alsa => cpal::offer(backend),
            Backend::Dummy => Ok(self.dummy.offer()),
        }
    }

    /// Opens a stream and starts it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        &self,
        choice: &Choice,
        health: &Arc<Health>,
        make: MakeCallback<'_>,
    ) -> Result<Box<dyn Stream>, OpenError> {
        match choice.backend {
            Backend::Jack => jack::open(choice, health, make),
            Backend::Pulse | Backend::Alsa => cpal::open(choice, health, make),
            Backend::Dummy => self.dummy.open(choice, health, make),
        }
    }
}

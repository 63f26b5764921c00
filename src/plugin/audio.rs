//! One activation's audio path between the host's buffer and the bridge: channel layout, notes,
//! the tail, and what only a restart can change. [`Path::new`] runs on the main thread, the rest
//! on the audio thread: it never allocates, locks, blocks or logs.

use super::feed::Feed;
use super::params::Wanted;
use super::voices::{Connection, Rack, VoiceSetup};
use crate::bridge::{HostConfig, MetersIn, Processor, Settings};
use crate::engine::shift::ShiftEngine;
use crate::engine::through::Through;
use crate::engine::{Engine, EngineError, MAX_CHANNELS};
use crate::pitch::HeldNotes;
use crate::units::Frames;

/// Everything an audio path is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// How the host runs us; `channels` are those processed.
    pub host: HostConfig,
    /// Whether the one processed channel is copied to a second one.
    pub spread: bool,
    /// What only a restart can change.
    pub wanted: Wanted,
}

/// A note going down or up, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Frames from the start of the block.
    pub at: Frames,
    /// MIDI note; `None` means every one.
    pub key: Option<u8>,
    /// Down or up.
    pub down: bool,
}

/// The audio path of one activation.
pub struct Path {
    setup: Setup,
    processor: Processor,
    notes: HeldNotes,
    silent_frames: Frames,
    restarts: u64,
}

impl Path {
    /// Builds the path, with a worker if a slot holds a voice, and tells the rack of it: its voices
    /// come in when they are loaded. Allocates, and reads what is known of the voices.
    ///
    /// # Errors
    /// [`EngineError`] when the rate is no rate or the channel count is outside what the engine
    /// supports. At a rate at which no voice can be converted, the dry voice is passed on.
    pub fn new(setup: Setup, feed: &Feed, rack: &Rack) -> Result<Self, EngineError> {
        let HostConfig {
            rate_hz, channels, ..
        } = setup.host;
        let engine: Box<dyn Engine> = if rate_hz == 0 || HostConfig::converts_at(rate_hz) {
            let Wanted { range, tracker, .. } = setup.wanted;
            Box::new(ShiftEngine::choose(rate_hz, channels, range, tracker)?)
        } else {
            // A host that tries such a rate should go on playing; the editor says why.
            Box::new(Through::new(rate_hz, channels))
        };
        // Before the voices are counted: one that comes in between asks once more.
        let restarts = rack.restarts();
        let meters = feed.connect(setup.wanted);
        Ok(Self {
            setup,
            processor: connected(setup, engine, meters, rack),
            notes: HeldNotes::default(),
            silent_frames: 0,
            restarts,
        })
    }

    /// What [`Rack::restarts`] was when this path was built: it suffices while that stays so.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// What this path was built for.
    pub fn setup(&self) -> Setup {
        self.setup
    }

    /// The delay from input to output.
    pub fn latency(&self) -> Frames {
        self.processor.latency().total()
    }

    /// Forgets all signal history and lifts all keys.
    pub fn reset(&mut self) {
        self.processor.reset();
        self.notes.clear();
        self.silent_frames = 0;
    }

    /// Processes a block in place. `audio` holds every channel of the host's main output, the
    /// input already in it; `next_note` gives the block's notes in order of time; `settings` are
    /// read anew after each of them.
    pub fn process(
        &mut self,
        audio: &mut [&mut [f32]],
        mut next_note: impl FnMut() -> Option<Note>,
        settings: impl Fn(HeldNotes) -> Settings,
    ) {
        let frames = audio.first().map_or(0, |channel| channel.len());
        self.listen(audio, frames);
        let mut start = 0;
        loop {
            let note = next_note();
            let end = note.map_or(frames, |note| note.at.clamp(start, frames));
            if start < end {
                self.process_span(audio, start..end, &settings(self.notes));
                start = end;
            }
            let Some(Note { key, down, .. }) = note else {
                break;
            };
            match (key, down) {
                (Some(key), true) => self.notes.press(key),
                (Some(key), false) => self.notes.release(key),
                (None, true) => {}
                (None, false) => self.notes.clear(),
            }
        }
        if let (true, [first, second, ..]) = (self.setup.spread, audio) {
            second.copy_from_slice(first);
        }
    }

    /// Whether the input has been silent for so long that the output is, too.
    pub fn has_rung_out(&self) -> bool {
        let one_second = self.setup.host.rate_hz as Frames;
        self.latency() + one_second < self.silent_frames
    }

    fn listen(&mut self, audio: &[&mut [f32]], frames: Frames) {
        let inputs = audio.iter().take(self.setup.host.channels);
        let last_heard = inputs
            .filter_map(|channel| channel.iter().rposition(|x| *x != 0.0))
            .max();
        self.silent_frames = match last_heard {
            Some(at) => frames - 1 - at,
            None => self.silent_frames.saturating_add(frames),
        };
    }

    fn process_span(
        &mut self,
        audio: &mut [&mut [f32]],
        span: std::ops::Range<Frames>,
        settings: &Settings,
    ) {
        let mut channels = audio.iter_mut();
        let mut parts: [&mut [f32]; MAX_CHANNELS] = std::array::from_fn(|_| {
            channels
                .next()
                .map_or(&mut [][..], |channel| &mut channel[span.clone()])
        });
        self.processor
            .process(&mut parts[..self.setup.host.channels], settings);
    }
}

/// A processor for the voices of this rack, which is told of it.
fn connected(setup: Setup, engine: Box<dyn Engine>, meters: MetersIn, rack: &Rack) -> Processor {
    let host = setup.host;
    let direct = engine.spec();
    let voice_setup = VoiceSetup {
        quality: setup.wanted.quality,
        threads: setup.wanted.threads,
    };
    let specs = match HostConfig::converts_at(host.rate_hz) {
        true => rack.specs(&voice_setup),
        false => Vec::new(),
    };
    let (processor, voices) = if specs.is_empty() {
        (Processor::new(host, engine, meters), None)
    } else {
        let (mut processor, worker, voices) = Processor::with_worker(host, engine, &specs, meters);
        if host.offline {
            processor.run_inline(worker);
        } else if let Err(error) = processor.run_on_thread(worker) {
            rack.say_error(format!(
                "expected a thread for voices, found: {error}; close other programs and switch \
                 the plugin off and on"
            ));
        }
        (processor, Some(voices))
    };
    rack.connect(Connection {
        host,
        direct,
        setup: voice_setup,
        voices,
    });
    processor
}

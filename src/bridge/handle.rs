//! The audio thread's side of the worker: sends input, takes what is due, and keeps the books on
//! what is late. Audio thread: never allocates, locks or waits (but see [`Handle::run_inline`]).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::{Consumer, Producer};

use super::lane::Lane;
use super::latency::Latency;
use super::settings::HostConfig;
use super::shared::{Shared, Stamped};
use super::stream::{Receiver, Sender, stream};
use super::thread::WorkerThread;
use super::worker::{Command, Progress, Rings, Spans, Worker};
use crate::dsp::history::History;
use crate::engine::{Controls, MAX_CHANNELS};
use crate::units::Frames;

/// Changes of controls that can be on their way. Full, a change waits for the next block, and
/// the newest one wins.
const CONTROL_CAPACITY: usize = 1024;
/// Voices that can be on their way in or out. Full, the loader is told to try again.
pub(super) const VOICE_CAPACITY: usize = 8;

/// Who runs the worker.
enum Driver {
    /// Somebody else, or nobody.
    Detached,
    /// The caller of `exchange`, which waits for it: offline rendering.
    Inline(Box<Worker>),
    /// Its own thread, stopped and joined when this is dropped.
    Thread { _thread: WorkerThread },
}

/// What the audio thread counts, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropouts {
    /// Times that sound which was due was not there.
    pub count: u64,
    /// Frames that were due and not there.
    pub missed_frames: u64,
    /// Frames that came after their time and were discarded. Every one was missed before.
    pub late_frames: u64,
    /// Input frames that could not be sent because the worker took none.
    pub unsent_frames: u64,
}

/// See the module.
pub struct Handle {
    input: Sender,
    output: Receiver,
    controls: Producer<Stamped>,
    shared: Arc<Shared>,
    driver: Driver,
    spans: Spans,
    /// Instant of the next frame in and out.
    now: u64,
    /// Instant from which output is owed.
    due: u64,
    /// Instant up to which input has been sent; `None` while the worker is not wanted.
    sent: Option<u64>,
    last_controls: Option<(usize, Controls)>,
    missing: bool,
    dropouts: Dropouts,
}

/// The rings of one bridge, and what the loader keeps of them.
pub(super) struct Bridge {
    pub handle: Handle,
    pub worker: Worker,
    pub commands: Producer<Command>,
    pub graveyard: Consumer<Box<Lane>>,
}

/// Connects an audio thread and a worker. Allocates.
pub(super) fn bridge(host: HostConfig, latency: Latency) -> Bridge {
    let spans = Spans {
        latency: latency.total(),
        oldest: latency.total() + latency.budget + host.max_block,
        // With so much of the past, the first result is due right after the block that asks.
        history: latency.total().saturating_sub(host.max_block),
    };
    // Both rings hold what may be in flight and one block more, so nothing grows old in them.
    let capacity = spans.oldest + host.max_block;
    let (input, input_out) = stream(host.channels, capacity);
    let (output_in, output) = stream(host.channels, 2 * capacity);
    let (controls, controls_out) = rtrb::RingBuffer::new(CONTROL_CAPACITY);
    let (commands, commands_out) = rtrb::RingBuffer::new(VOICE_CAPACITY);
    let (graveyard_in, graveyard) = rtrb::RingBuffer::new(2 * VOICE_CAPACITY);
    let shared = Arc::new(Shared::default());
    let rings = Rings {
        input: input_out,
        output: output_in,
        controls: controls_out,
        commands: commands_out,
        graveyard: graveyard_in,
    };
    let worker = Worker::new(
        rings,
        spans,
        Arc::clone(&shared),
        host.rate_hz,
        host.channels,
    );
    let handle = Handle {
        input,
        output,
        controls,
        shared,
        driver: Driver::Detached,
        spans,
        now: 0,
        due: 0,
        sent: None,
        last_controls: None,
        missing: false,
        dropouts: Dropouts::default(),
    };
    Bridge {
        handle,
        worker,
        commands,
        graveyard,
    }
}

impl Handle {
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Counters since the handle was made.
    pub fn dropouts(&self) -> Dropouts {
        self.dropouts
    }

    /// Whether the worker's thread has real-time priority; `None` when it has no thread.
    pub fn realtime_priority(&self) -> Option<bool> {
        match self.driver {
            Driver::Thread { .. } => Some(self.shared.realtime_priority.load(Ordering::Acquire)),
            Driver::Detached | Driver::Inline(_) => None,
        }
    }

    /// Frames of input that a history must keep for [`Self::exchange`], a block included.
    pub fn remembers(&self, max_block: Frames) -> Frames {
        self.spans.history + max_block
    }

    /// Lets `exchange` run the worker itself: it then waits for every result, so that an offline
    /// bounce has no dropouts at any speed. Not real-time safe from here on.
    pub fn run_inline(&mut self, worker: Worker) {
        self.driver = Driver::Inline(Box::new(worker));
    }

    /// Runs the worker on a thread of its own. Allocates.
    pub fn run_on_thread(&mut self, thread: WorkerThread) {
        self.driver = Driver::Thread { _thread: thread };
    }

    /// Takes in voices where nobody else does. Real-time safe where the worker has a thread.
    pub fn take_voices(&mut self) {
        if let Driver::Inline(worker) = &mut self.driver {
            worker.obey_commands();
        }
    }

    /// Forgets all history: whatever is still under way becomes worthless.
    pub fn reset(&mut self) {
        // No result for a time before this can be in time any more.
        self.advance_clock(2 * (self.spans.oldest + self.spans.latency) as u64);
    }

    /// Moves the clock on without sound.
    pub fn advance_clock(&mut self, frames: u64) {
        self.now += frames;
        self.shared.now.store(self.now, Ordering::Release);
        self.sent = None;
        self.missing = false;
    }

    /// One block without the worker: it hears nothing and owes nothing.
    pub fn rest(&mut self, frames: Frames) {
        self.sent = None;
        self.missing = false;
        self.now += frames as u64;
        self.discard_late();
        self.shared.now.store(self.now, Ordering::Release);
    }

    /// One block: sends the newest `frames` frames of `dry` (and as much before them as the
    /// worker lacks), then fills `output` and `present` with what is due now. Where `present` is
    /// false, `output` is 0.
    pub fn exchange(
        &mut self,
        dry: &[History],
        slot: usize,
        controls: &Controls,
        output: &mut [&mut [f32]],
        present: &mut [bool],
    ) {
        let frames = present.len();
        self.send(dry, frames, slot, controls);
        if let Driver::Inline(worker) = &mut self.driver {
            // What was sent in this block is not due before the next one.
            while worker.run_hop() != Progress::Idle {}
        }
        self.receive(output, present);
        self.now += frames as u64;
        self.shared.now.store(self.now, Ordering::Release);
    }

    fn send(&mut self, dry: &[History], frames: Frames, slot: usize, controls: &Controls) {
        let end = self.now + frames as u64;
        let earliest = self.now.saturating_sub(self.spans.history as u64);
        let from = match self.sent {
            Some(sent) => sent.max(earliest),
            None => {
                // It may well be heard sooner; but nothing is owed before the delay is over.
                self.due = self.now + self.spans.latency as u64;
                earliest
            }
        };
        if let Some(sent) = self.sent {
            self.dropouts.unsent_frames += from - sent;
        }
        if self.last_controls != Some((slot, *controls)) || self.sent.is_none() {
            let stamped = Stamped {
                time: from,
                slot,
                controls: *controls,
            };
            if self.controls.push(stamped).is_ok() {
                self.last_controls = Some((slot, *controls));
            }
        }
        let count = (end - from) as Frames;
        let newest: [&[f32]; MAX_CHANNELS] = std::array::from_fn(|channel| {
            dry.get(channel).map_or(&[][..], |line| line.past(0, count))
        });
        let sent = self.input.send(from, &newest[..dry.len()]);
        self.sent = Some(if sent { end } else { from });
    }

    fn receive(&mut self, output: &mut [&mut [f32]], present: &mut [bool]) {
        present.fill(false);
        for channel in output.iter_mut() {
            channel.fill(0.0);
        }
        let end = self.now + present.len() as u64;
        while let Some((time, frames)) = self.output.peek().filter(|(time, _)| *time < end) {
            // At every turn: the worker may be sending while this reads.
            if time < self.now {
                self.discard_late();
                continue;
            }
            let at = (time - self.now) as Frames;
            let count = frames.min((end - time) as Frames);
            self.output.read(count, output, at);
            present[at..at + count].fill(true);
        }
        for (i, present) in present.iter().enumerate() {
            let missing = !present && self.due <= self.now + i as u64;
            self.dropouts.missed_frames += u64::from(missing);
            self.dropouts.count += u64::from(missing && !self.missing);
            self.missing = missing;
        }
    }

    /// Discards exactly what came too late.
    fn discard_late(&mut self) {
        while let Some((time, frames)) = self.output.peek().filter(|(time, _)| *time < self.now) {
            let count = frames.min((self.now - time) as Frames);
            self.output.skip(count);
            let owed = (time + count as u64).saturating_sub(self.due.max(time));
            self.dropouts.late_frames += owed;
        }
    }
}

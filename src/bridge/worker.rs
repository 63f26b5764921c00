//! The worker: takes input hop by hop, runs the voices, sends results with their instants.
//! Runs on the inference thread, or on the caller's for offline rendering and tests: it is only
//! ever stepped, and knows no clock but the positions the audio thread publishes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::{Consumer, Producer};

use super::lane::Lane;
use super::shared::{Shared, Stamped, VOICES};
use super::stream::{Receiver, Sender, slices};
use crate::engine::{Controls, MAX_CHANNELS};
use crate::units::{Frames, ms_to_frames};

/// Crossfade between two voices.
const FADE_MS: f64 = 20.0;

/// What the loader tells the worker.
pub enum Command {
    /// Put a voice into a slot, 1..=4.
    Install(usize, Box<Lane>),
    /// Empty a slot, 1..=4.
    Remove(usize),
}

/// What one call of [`Worker::run_hop`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There was nothing to do.
    Idle,
    /// One hop was computed; its length in host frames is the time it may take.
    Hop(Frames),
}

/// The ends of the rings that the worker holds.
pub(super) struct Rings {
    pub input: Receiver,
    pub output: Sender,
    pub controls: Consumer<Stamped>,
    pub commands: Consumer<Command>,
    pub graveyard: Producer<Box<Lane>>,
}

/// How long things are, in host frames.
#[derive(Clone, Copy)]
pub(super) struct Spans {
    /// The delay D.
    pub latency: Frames,
    /// Input older than this is thrown away.
    pub oldest: Frames,
    /// How much of it is kept then: what the engine needs to be back in time at once.
    pub history: Frames,
}

/// See the module.
pub struct Worker {
    rings: Rings,
    spans: Spans,
    shared: Arc<Shared>,
    channels: usize,
    /// The voices in slots 1..=4, less the outgoing one.
    lanes: [Option<Box<Lane>>; VOICES],
    /// Index of the lane that is heard or fading in.
    current: Option<usize>,
    /// The lane heard before, until the current one has faded in.
    outgoing: Option<Outgoing>,
    fade_frames: Frames,
    fade_done: Frames,
    /// Lanes that wait for room in the graveyard.
    #[expect(
        clippy::vec_box,
        reason = "the graveyard takes them boxed, and boxes move fast"
    )]
    retired: Vec<Box<Lane>>,
    controls: Controls,
    /// Index of the lane the audio thread asks for.
    wanted: Option<usize>,
    /// Instant of the next input frame.
    position: u64,
    scratch: [Vec<f32>; MAX_CHANNELS],
}

struct Outgoing {
    lane: Box<Lane>,
    /// The slot it goes back to; `None` when another voice has taken it.
    home: Option<usize>,
}

impl Worker {
    pub(super) fn new(
        rings: Rings,
        spans: Spans,
        shared: Arc<Shared>,
        rate_hz: u32,
        channels: usize,
    ) -> Self {
        Self {
            rings,
            spans,
            shared,
            channels,
            lanes: Default::default(),
            current: None,
            outgoing: None,
            fade_frames: ms_to_frames(FADE_MS, rate_hz).max(1),
            fade_done: 0,
            retired: Vec::with_capacity(VOICES),
            controls: Controls::default(),
            wanted: None,
            position: 0,
            scratch: std::array::from_fn(|_| vec![0.0; spans.oldest]),
        }
    }

    /// The state it shares with the audio thread.
    #[must_use]
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Works until one hop is computed or the input is used up.
    pub fn run_hop(&mut self) -> Progress {
        self.obey_commands();
        while let Some((time, frames)) = self.next_input() {
            if time != self.position {
                self.restart(time);
            }
            let frames = frames.min(self.follow_controls());
            self.feed(frames);
            if let Some(period) = self.step() {
                self.emit();
                return Progress::Hop(period);
            }
        }
        Progress::Idle
    }

    /// The next packet of input that is still worth computing.
    fn next_input(&mut self) -> Option<(u64, Frames)> {
        let input = &mut self.rings.input;
        let (first, _) = input.peek()?;
        let now = self.shared.now.load(Ordering::Acquire);
        if now.saturating_sub(first) > self.spans.oldest as u64 {
            let keep = now.saturating_sub(self.spans.history as u64);
            while let Some((time, frames)) = input.peek().filter(|(time, _)| *time < keep) {
                let skip = frames.min((keep - time) as Frames);
                input.skip(skip);
                self.shared
                    .skipped_frames
                    .fetch_add(skip as u64, Ordering::Relaxed);
            }
        }
        input.peek()
    }

    /// Input does not continue where it left off: what the lanes remember is of another time,
    /// so the one that is wanted starts at once, with nothing to fade from.
    fn restart(&mut self, time: u64) {
        self.position = time;
        self.end_fade();
        self.follow_controls();
        if let Some(index) = self.wanted_lane() {
            self.current = Some(index);
        }
        if let Some(index) = self.current {
            self.begin(index);
        }
    }

    /// Takes the controls that hold from here on; the frames until they change again.
    fn follow_controls(&mut self) -> Frames {
        while let Some(next) = self.rings.controls.peek().ok().copied() {
            if self.position < next.time {
                return (next.time - self.position) as Frames;
            }
            self.controls = next.controls;
            self.wanted = next.slot.checked_sub(1).filter(|&index| index < VOICES);
            // It was there a moment ago, and only this end takes.
            let _ = self.rings.controls.pop();
        }
        Frames::MAX
    }

    fn feed(&mut self, frames: Frames) {
        if self.outgoing.is_none() && self.wanted != self.current {
            self.switch();
        }
        let Self {
            lanes,
            current,
            outgoing,
            ..
        } = self;
        let current = current.and_then(|index| lanes[index].as_mut());
        let mut running: [Option<&mut Box<Lane>>; 2] =
            [current, outgoing.as_mut().map(|o| &mut o.lane)];
        let frames = running
            .iter()
            .flatten()
            .fold(frames.min(self.spans.oldest), |n, lane| n.min(lane.wants()));

        let [left, right] = &mut self.scratch;
        let mut buffers = [&mut left[..], &mut right[..]];
        self.rings
            .input
            .read(frames, &mut buffers[..self.channels], 0);
        let input = slices(&self.scratch, frames);
        for lane in running.iter_mut().flatten() {
            lane.feed(&input[..self.channels]);
        }
        self.position += frames as u64;
    }

    /// Begins to hear the lane that is wanted, if there is one.
    fn switch(&mut self) {
        let Some(index) = self.wanted_lane() else {
            return;
        };
        let before = self.current.replace(index);
        self.outgoing = before.and_then(|home| {
            let lane = self.lanes[home].take()?;
            Some(Outgoing {
                lane,
                home: Some(home),
            })
        });
        self.begin(index);
    }

    fn wanted_lane(&self) -> Option<usize> {
        self.wanted.filter(|&index| self.lanes[index].is_some())
    }

    fn begin(&mut self, index: usize) {
        self.fade_done = 0;
        let (start, latency) = (self.position, self.spans.latency);
        let lane = self.lanes[index].as_mut();
        if let Some(Err(message)) = lane.map(|lane| lane.restart(start, latency)) {
            self.fail(index, message);
        }
    }

    /// Runs every running lane that has a full hop; the longest of the hops, if any.
    fn step(&mut self) -> Option<Frames> {
        let mut period = None;
        if let Some(index) = self.current {
            let result = self.lanes[index]
                .as_mut()
                .map(|lane| (lane.step(&self.controls), lane.hop_frames()));
            match result {
                Some((Ok(true), frames)) => period = period.max(Some(frames)),
                Some((Err(message), _)) => self.fail(index, message),
                _ => {}
            }
        }
        if let Some(outgoing) = &mut self.outgoing {
            match outgoing.lane.step(&self.controls) {
                Ok(true) => period = period.max(Some(outgoing.lane.hop_frames())),
                Ok(false) => {}
                Err(message) => {
                    let home = outgoing.home.take();
                    self.end_fade();
                    self.shared.report(home.map(|index| index + 1), message);
                    if let Some(home) = home {
                        self.shared.set_playable(home + 1, false);
                    }
                }
            }
        }
        period
    }

    /// The voice in a slot cannot go on: the audio thread hears of it and falls back.
    fn fail(&mut self, index: usize, message: String) {
        self.shared.report(Some(index + 1), message);
        self.shared.set_playable(index + 1, false);
        self.end_fade();
        self.current = None;
        if let Some(lane) = self.lanes[index].take() {
            self.retire(lane);
        }
    }

    /// Sends what can be heard. What the ring does not take is lost, and told by the gap.
    fn emit(&mut self) {
        let Some(lane) = self.current.and_then(|index| self.lanes[index].as_mut()) else {
            return;
        };
        if let Some(Outgoing { lane: old, .. }) = &mut self.outgoing {
            let (start, _) = lane.ready();
            let (time, frames) = old.ready();
            let alone = frames.min(start.saturating_sub(time) as Frames);
            send(&mut self.rings.output, self.channels, old, alone);
            let (time, frames) = old.ready();
            if time < start {
                return;
            }
            let both = frames
                .min(lane.ready().1)
                .min(self.fade_frames - self.fade_done);
            lane.fade_from(old, both, self.fade_done, self.fade_frames);
            old.consume(both);
            self.fade_done += both;
            send(&mut self.rings.output, self.channels, lane, both);
            if self.fade_done < self.fade_frames {
                return;
            }
        }
        let (_, frames) = lane.ready();
        send(&mut self.rings.output, self.channels, lane, frames);
        self.end_fade();
    }

    /// The outgoing lane goes back to its slot, or to the graveyard.
    fn end_fade(&mut self) {
        match self.outgoing.take() {
            Some(Outgoing {
                lane,
                home: Some(home),
            }) => self.lanes[home] = Some(lane),
            Some(Outgoing { lane, home: None }) => self.retire(lane),
            None => {}
        }
    }

    /// Takes in voices that came, lets go those that are to leave.
    pub(super) fn obey_commands(&mut self) {
        while let Some(lane) = self.retired.pop() {
            if let Err(rtrb::PushError::Full(lane)) = self.rings.graveyard.push(lane) {
                self.retired.push(lane);
                break;
            }
        }
        while let Ok(command) = self.rings.commands.pop() {
            match command {
                Command::Install(slot, lane) => {
                    self.vacate(slot - 1);
                    self.lanes[slot - 1] = Some(lane);
                    self.shared.forget(slot);
                    self.shared.set_playable(slot, true);
                    if self.current == Some(slot - 1) {
                        self.begin(slot - 1);
                    }
                }
                Command::Remove(slot) => {
                    self.shared.set_playable(slot, false);
                    self.vacate(slot - 1);
                    if self.current == Some(slot - 1) {
                        self.end_fade();
                        self.current = None;
                    }
                }
            }
        }
    }

    /// Empties a slot. A voice that is heard stays until the next has faded in.
    fn vacate(&mut self, index: usize) {
        if let Some(outgoing) = &mut self.outgoing
            && outgoing.home == Some(index)
        {
            outgoing.home = None;
        }
        match self.lanes[index].take() {
            Some(lane) if self.current == Some(index) && self.outgoing.is_none() => {
                self.outgoing = Some(Outgoing { lane, home: None });
            }
            Some(lane) => self.retire(lane),
            None => {}
        }
    }

    fn retire(&mut self, lane: Box<Lane>) {
        if let Err(rtrb::PushError::Full(lane)) = self.rings.graveyard.push(lane) {
            self.retired.push(lane);
        }
    }
}

/// Sends the first `frames` ready frames of a lane, and takes them from it whether or not the
/// ring had room.
fn send(output: &mut Sender, channels: usize, lane: &mut Lane, frames: Frames) {
    let (time, _) = lane.ready();
    let ready = slices(lane.ready_frames(), frames);
    output.send(time, &ready[..channels]);
    lane.consume(frames);
}

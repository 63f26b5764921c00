//! The audio thread's side of the app: the plugin's own audio path between the device's buffers,
//! push-to-talk before it, monitoring after it, and taps for takes and measurements. Everything
//! new comes ready made through a ring and everything old goes back through another: the audio
//! thread never allocates, frees, locks, blocks, logs or panics.

use super::backend::{Callback, Note};
use super::loopback::Probe;
use super::record::Tap;
use crate::dsp::ramp::Ramp;
use crate::plugin::audio::Path;
use crate::plugin::{AutoVoiceParams, Feed};
use crate::units::{Frames, ms_to_frames};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Orders and what comes back wait in rings this long; a full one makes the control thread wait.
const RING: usize = 16;
/// Push-to-talk and monitoring open and close in this time.
const GATE_MS: f64 = 5.0;
/// One path gives way to the next in this time.
const CROSSFADE_MS: f64 = 10.0;
/// What a new path hears beyond its delay before it is heard: its tracker finds its feet.
const WARM_UP_MS: f64 = 60.0;

/// What the window and the flags switch, read once per block.
#[derive(Debug)]
pub struct Switches {
    /// Whether what is converted goes out.
    pub monitor: AtomicBool,
    /// Whether one is heard only while talking.
    pub push_to_talk: AtomicBool,
    /// Whether the key is down.
    pub talking: AtomicBool,
    /// Whether the key turns talking on and off, instead of being held. Not for the audio thread.
    pub talk_toggles: AtomicBool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            monitor: AtomicBool::new(true),
            push_to_talk: AtomicBool::new(false),
            talking: AtomicBool::new(false),
            talk_toggles: AtomicBool::new(false),
        }
    }
}

impl Switches {
    /// Whether the input is heard. Real-time safe.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.push_to_talk.load(Ordering::Relaxed) || self.talking.load(Ordering::Relaxed)
    }
}

/// How loud the input is before anything is done to it: push-to-talk and the input's gain come
/// later.
#[derive(Debug, Default)]
pub struct Ear {
    /// The bits of the highest peak since it was last taken: they are in the order of their values.
    peak: AtomicU32,
}

impl Ear {
    /// Hears a block. Real-time safe.
    fn hear(&self, channels: &[&[f32]]) {
        let samples = channels.iter().flat_map(|channel| *channel);
        // What is no number is no peak.
        let peak = samples.fold(0.0f32, |peak, x| peak.max(x.abs()));
        self.peak.fetch_max(peak.to_bits(), Ordering::Relaxed);
    }

    /// The highest peak since the last call; full scale is 1.
    pub fn take_peak(&self) -> f32 {
        f32::from_bits(self.peak.swap(0, Ordering::Relaxed))
    }
}

/// What the control thread sends, and gets back when it is done with.
pub enum Order {
    /// Another path; the old one comes back.
    Path(Box<Path>),
    /// Record from now on; comes back when it ends.
    Tap(Box<Tap>),
    /// End the recording.
    EndTap,
    /// Measure; comes back full.
    Probe(Box<Probe>),
}

/// The control thread's ends of the rings.
pub struct Remote {
    orders: rtrb::Producer<Order>,
    returns: rtrb::Consumer<Order>,
}

impl Remote {
    /// Sends an order.
    ///
    /// # Errors
    /// The order, when the audio thread has not taken the last ones yet.
    pub fn send(&mut self, order: Order) -> Result<(), Order> {
        let sent = self.orders.push(order);
        sent.map_err(|rtrb::PushError::Full(order)| order)
    }

    /// What came back, if anything.
    pub fn receive(&mut self) -> Option<Order> {
        self.returns.pop().ok()
    }
}

/// The audio thread's side.
pub struct Engine {
    params: Arc<AutoVoiceParams>,
    feed: Arc<Feed>,
    switches: Arc<Switches>,
    ear: Arc<Ear>,
    path: Option<Box<Path>>,
    next: Option<Next>,
    gate: Ramp,
    monitor: Ramp,
    dry: [Vec<f32>; 2],
    other: [Vec<f32>; 2],
    tap: Option<Box<Tap>>,
    probe: Option<Box<Probe>>,
    orders: rtrb::Consumer<Order>,
    returns: rtrb::Producer<Order>,
    channels: usize,
    max_block: Frames,
    rate_hz: u32,
}

/// A path that is not heard yet.
struct Next {
    path: Box<Path>,
    /// Frames until it is faded in.
    wait: Frames,
    fade: Ramp,
}

impl Engine {
    /// Around a first path. Allocates.
    #[must_use]
    pub fn new(
        path: Box<Path>,
        params: Arc<AutoVoiceParams>,
        feed: Arc<Feed>,
        (switches, ear): (Arc<Switches>, Arc<Ear>),
    ) -> (Self, Remote) {
        let host = path.setup().host;
        let (order_in, orders) = rtrb::RingBuffer::new(RING);
        let (returns, return_out) = rtrb::RingBuffer::new(RING);
        let gate_frames = ms_to_frames(GATE_MS, host.rate_hz);
        let open = |is_open: bool| Ramp::new(f32::from(u8::from(is_open)), gate_frames);
        let buffers = || [(); 2].map(|()| vec![0.0; host.max_block]);
        let engine = Self {
            gate: open(switches.is_open()),
            monitor: open(switches.monitor.load(Ordering::Relaxed)),
            params,
            feed,
            switches,
            ear,
            path: Some(path),
            next: None,
            dry: buffers(),
            other: buffers(),
            tap: None,
            probe: None,
            orders,
            returns,
            channels: host.channels,
            max_block: host.max_block,
            rate_hz: host.rate_hz,
        };
        let remote = Remote {
            orders: order_in,
            returns: return_out,
        };
        (engine, remote)
    }

    fn run(&mut self, audio: [&mut [f32]; 2], notes: &[Note]) {
        self.obey();
        let [mut left, mut right] = audio;
        let (mut start, mut notes) = (0, notes);
        while !left.is_empty() {
            let frames = left.len().min(self.max_block);
            let now = std::mem::take(&mut left).split_at_mut(frames);
            let other = std::mem::take(&mut right).split_at_mut(frames);
            let here = notes.iter().take_while(|note| note.at < start + frames);
            let (due, later) = notes.split_at(here.count());
            self.run_piece([now.0, other.0], due, start);
            (left, right, notes) = (now.1, other.1, later);
            start += frames;
        }
    }

    /// Takes what was sent. What comes back needs room; without it the order stays in its ring.
    fn obey(&mut self) {
        while self.returns.slots() > 2 && self.next.is_none() {
            let Ok(order) = self.orders.pop() else { return };
            let old = match order {
                Order::Path(path) => {
                    let fade = ms_to_frames(CROSSFADE_MS, self.rate_hz);
                    self.next = Some(Next {
                        wait: path.latency() + ms_to_frames(WARM_UP_MS, self.rate_hz),
                        fade: Ramp::new(0.0, fade),
                        path,
                    });
                    None
                }
                Order::Tap(tap) => self.tap.replace(tap).map(Order::Tap),
                Order::EndTap => self.tap.take().map(Order::Tap),
                Order::Probe(probe) => self.probe.replace(probe).map(Order::Probe),
            };
            self.give_back(old);
        }
    }

    fn give_back(&mut self, old: Option<Order>) {
        let Some(old) = old else { return };
        if let Err(rtrb::PushError::Full(old)) = self.returns.push(old) {
            // Room was asked for before. A leak is the lesser evil than a free on this thread.
            std::mem::forget(old);
        }
    }

    fn run_piece(&mut self, audio: [&mut [f32]; 2], notes: &[Note], start: Frames) {
        let [left, right] = audio;
        let frames = left.len();
        if let Some(probe) = &mut self.probe {
            probe.hear(left);
        }
        for (dry, channel) in self.dry.iter_mut().zip([&*left, &*right]) {
            dry[..frames].copy_from_slice(channel);
        }
        let dry = [&self.dry[0][..frames], &self.dry[1][..frames]];
        self.ear.hear(&dry[..self.channels]);
        self.gate.set(f32::from(u8::from(self.switches.is_open())));
        for at in 0..frames {
            let gain = self.gate.next();
            left[at] *= gain;
            right[at] *= gain;
        }
        self.convert([&mut *left, &mut *right], notes, start);
        if let Some(tap) = &mut self.tap {
            let dry = [&self.dry[0][..frames], &self.dry[1][..frames]];
            tap.write(&dry[..self.channels], [left, right]);
        }
        let is_heard = self.switches.monitor.load(Ordering::Relaxed);
        self.monitor.set(f32::from(u8::from(is_heard)));
        for at in 0..frames {
            let gain = self.monitor.next();
            left[at] *= gain;
            right[at] *= gain;
        }
        if let Some(probe) = &mut self.probe {
            probe.play([left, right]);
            if probe.is_done() && self.returns.slots() > 0 {
                let done = self.probe.take().map(Order::Probe);
                self.give_back(done);
            }
        }
    }

    /// Runs the path, and the next one beside it until it takes over.
    fn convert(&mut self, audio: [&mut [f32]; 2], notes: &[Note], start: Frames) {
        let [left, right] = audio;
        let frames = left.len();
        let [other_left, other_right] = &mut self.other;
        let (other_left, other_right) = (&mut other_left[..frames], &mut other_right[..frames]);
        if self.next.is_some() {
            other_left.copy_from_slice(left);
            other_right.copy_from_slice(right);
        }
        let params = &self.params;
        let run = |path: &mut Path, audio: &mut [&mut [f32]]| {
            let mut notes = notes.iter();
            path.process(
                audio,
                || {
                    notes.next().map(|note| Note {
                        at: note.at.saturating_sub(start),
                        ..*note
                    })
                },
                |held| params.settings(held),
            );
        };
        if let Some(path) = &mut self.path {
            run(path, &mut [&mut *left, &mut *right]);
        }
        let Some(next) = &mut self.next else { return };
        run(&mut next.path, &mut [&mut *other_left, &mut *other_right]);
        for at in 0..frames {
            match next.wait {
                0 => next.fade.set(1.0),
                _ => next.wait -= 1,
            }
            let share = next.fade.next();
            left[at] += share * (other_left[at] - left[at]);
            right[at] += share * (other_right[at] - right[at]);
        }
        if next.fade.value() >= 1.0
            && let Some(next) = self.next.take()
        {
            let old = self.path.replace(next.path).map(Order::Path);
            self.give_back(old);
        }
    }
}

impl Callback for Engine {
    fn process(&mut self, audio: [&mut [f32]; 2], notes: &[Note]) {
        let [left, right] = audio;
        let run = AssertUnwindSafe(|| self.run([&mut *left, &mut *right], notes));
        if let Err(payload) = catch_unwind(run) {
            // Freeing it could allocate or panic again; a few bytes are lost instead.
            std::mem::forget(payload);
            self.feed.note_panic();
            left.fill(0.0);
            right.fill(0.0);
        }
    }
}

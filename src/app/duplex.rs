//! Joins an input that calls when it has frames with an output that calls when it needs some, each
//! on a clock of its own: a ring between them, and reading that follows the drift. The delay from
//! the air to the reader is a target, fixed and known; a stall of any length is over as soon as
//! there is input again. Both ends run on audio threads: no allocation, lock or log. The clock is
//! handed in, so that tests need none.
//!
//! The delay is measured rather than the fill: frames in the ring plus the time since the last of
//! them came. That has no sawtooth, whatever the two block lengths are. A second-order loop turns
//! its deviation into a reading speed (Adriaensen, "Using a DLL to filter time", LAC 2005).

use crate::dsp::interpolate::{Kernel, Kernels};
use crate::units::{Frames, ms_to_frames};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Channels that cross at most.
const CHANNELS: usize = 2;
/// Reading is never faster or slower than this: 3 cents, which nobody hears.
const MOST_DRIFT: f64 = 0.002;
/// The loop's bandwidth in radians per second: it settles in about 20 s.
const BANDWIDTH: f64 = 0.25;
/// Deviations are smoothed over this time before the loop sees them.
const SMOOTHING_S: f64 = 0.5;
/// Callbacks may be late by this much before frames are missed.
const JITTER_MS: f64 = 2.0;
/// A jump in the stream is a crossfade of this length, an end or a start a fade.
const FADE_MS: f64 = 5.0;
/// What the interpolation reads ahead, and the frame that rounding may take.
const LOOKAHEAD: Frames = 14;
/// How often the deviation is beyond [`Plan::tolerance`] before it counts as lost time.
const PATIENCE: u32 = 8;

/// How the two ends run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rate of both in Hz.
    pub rate_hz: u32,
    /// Frames the input brings at a time.
    pub input_block: Frames,
    /// Frames the output asks for at a time.
    pub output_block: Frames,
    /// Channels that cross, 1 or 2.
    pub channels: usize,
}

impl Plan {
    /// The delay in frames from the air at the input to the reader: a block that must fill, a block
    /// that is asked for, what the interpolation looks ahead, and room for late callbacks.
    #[must_use]
    pub fn delay(&self) -> Frames {
        self.input_block + self.output_block + LOOKAHEAD + ms_to_frames(JITTER_MS, self.rate_hz)
    }

    /// Deviations beyond this are lost time, not jitter.
    fn tolerance(&self) -> f64 {
        ms_to_frames(JITTER_MS, self.rate_hz) as f64
    }

    fn capacity(&self) -> Frames {
        // Half a second beyond the target: what is older is thrown away anyway.
        self.delay() + self.rate_hz as Frames / 2
    }
}

/// What the writer tells the reader, in one word so that it is never seen half: the count of frames
/// brought, and the frame of the clock at which the last came, both modulo 2^32.
#[derive(Default)]
struct Mark(AtomicU64);

impl Mark {
    fn set(&self, count: u32, at: u32) {
        let word = u64::from(at) << 32 | u64::from(count);
        self.0.store(word, Ordering::Release);
    }

    fn get(&self) -> (u32, u32) {
        let word = self.0.load(Ordering::Acquire);
        (word as u32, (word >> 32) as u32)
    }
}

/// The input callback's end.
pub struct Writer {
    mark: Arc<Mark>,
    ring: rtrb::Producer<[f32; CHANNELS]>,
    count: u32,
    rate_hz: u32,
}

impl Writer {
    /// Brings frames that arrived at `now`; `frame` gives the channels of each. What does not fit
    /// is lost: the reader sleeps, and would throw it away for being old.
    pub fn push(
        &mut self,
        frames: Frames,
        now: Duration,
        frame: impl Fn(Frames) -> [f32; CHANNELS],
    ) {
        let room = frames.min(self.ring.slots());
        if let Ok(chunk) = self.ring.write_chunk_uninit(room) {
            chunk.fill_from_iter((frames - room..frames).map(frame));
        }
        self.count = self.count.wrapping_add(room as u32);
        self.mark.set(self.count, clock(now, self.rate_hz));
    }
}

/// A moment as a count of frames, modulo 2^32.
fn clock(now: Duration, rate_hz: u32) -> u32 {
    let whole = now.as_secs().wrapping_mul(u64::from(rate_hz));
    let rest = u64::from(now.subsec_nanos()) * u64::from(rate_hz) / 1_000_000_000;
    whole.wrapping_add(rest) as u32
}

/// What happened in a [`Reader::pull`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Frames were missing and silence stands for them; said once per gap.
    pub is_dropout: bool,
    /// Frames too old, passed over.
    pub skipped: Frames,
}

/// The output callback's end.
pub struct Reader {
    mark: Arc<Mark>,
    ring: rtrb::Consumer<[f32; CHANNELS]>,
    plan: Plan,
    kernel: Kernel,
    /// Frames taken from the ring and still needed, by channel.
    window: [Vec<f32>; CHANNELS],
    /// The reading position in it.
    at: f64,
    /// Frames taken from the ring in all, modulo 2^32.
    taken: u32,
    is_flowing: bool,
    /// Deviation from the target delay in frames, smoothed.
    deviation: f64,
    /// How much faster the input's clock is, as found so far.
    drift: f64,
    speed: f64,
    /// Pulls in a row beyond the tolerance.
    strikes: u32,
    /// What was read before a jump or an end, fading out.
    tail: [Vec<f32>; CHANNELS],
    tail_at: Frames,
    last: [f32; CHANNELS],
}

/// A pair of ends. Allocates.
#[must_use]
pub fn duplex(plan: Plan) -> (Writer, Reader) {
    let (ring_in, ring) = rtrb::RingBuffer::new(plan.capacity());
    let mark = Arc::<Mark>::default();
    let kernel = Kernels::new().for_speed(1.0).clone();
    let taps = kernel.taps();
    debug_assert_eq!(kernel.half() + 2, LOOKAHEAD);
    let fade = ms_to_frames(FADE_MS, plan.rate_hz).max(1);
    let writer = Writer {
        mark: mark.clone(),
        ring: ring_in,
        count: 0,
        rate_hz: plan.rate_hz,
    };
    let mut window = [(); CHANNELS].map(|()| Vec::with_capacity(2 * plan.capacity() + taps));
    for channel in &mut window {
        channel.resize(taps, 0.0);
    }
    let reader = Reader {
        mark,
        ring,
        plan,
        kernel,
        window,
        at: taps as f64,
        taken: 0,
        is_flowing: false,
        deviation: 0.0,
        drift: 0.0,
        speed: 1.0,
        strikes: 0,
        tail: [(); CHANNELS].map(|()| vec![0.0; fade]),
        tail_at: fade,
        last: [0.0; CHANNELS],
    };
    (writer, reader)
}

impl Reader {
    /// Fills the output with what is due at `now`.
    pub fn pull(&mut self, output: &mut [&mut [f32]], now: Duration) -> Pulled {
        let frames = output.first().map_or(0, |channel| channel.len());
        let mut pulled = Pulled::default();
        let (count, came_at) = self.mark.get();
        let age = f64::from(clock(now, self.plan.rate_hz).wrapping_sub(came_at) as i32).max(0.0);
        let waiting = f64::from(count.wrapping_sub(self.taken));
        let unread = self.window[0].len() as f64 - self.at + waiting;
        let delay = unread + age;
        let deviation = delay - self.plan.delay() as f64;
        let needed = self.speed * frames as f64 + self.half() as f64 + 1.0;
        // A full ring has lost what came since: all in it is old.
        let is_stale = self.plan.capacity() < waiting as Frames + self.plan.input_block;
        if self.is_flowing {
            self.judge(deviation);
            if is_stale || unread < needed || self.is_too_short(deviation) {
                self.stop();
                pulled.is_dropout = true;
            } else if self.is_too_long(deviation) {
                pulled.skipped = deviation as Frames;
                self.jump(deviation);
            } else {
                self.follow(deviation, frames);
            }
        } else if is_stale {
            self.stop();
        } else if count != 0 && deviation >= 0.0 && unread - deviation >= needed {
            self.start(deviation);
        }
        self.read(output);
        pulled
    }

    /// How much faster the input's clock was found to be, as a share.
    #[must_use]
    pub fn drift(&self) -> f64 {
        self.drift
    }

    /// The smoothed deviation from [`Plan::delay`] in frames.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    fn half(&self) -> Frames {
        self.kernel.half()
    }

    fn judge(&mut self, deviation: f64) {
        let is_far = self.plan.tolerance() < deviation.abs();
        self.strikes = if is_far { self.strikes + 1 } else { 0 };
    }

    /// Lost time shows in every pull, a late callback in one; whole blocks leave no doubt.
    fn is_too_long(&self, deviation: f64) -> bool {
        let blocks = (self.plan.input_block + self.plan.output_block) as f64;
        let no_doubt = blocks + self.plan.tolerance();
        deviation > 0.0 && (PATIENCE < self.strikes || no_doubt < deviation)
    }

    fn is_too_short(&self, deviation: f64) -> bool {
        PATIENCE < self.strikes && deviation < 0.0
    }

    /// The loop: deviation in, speed out.
    fn follow(&mut self, deviation: f64, frames: Frames) {
        let rate_hz = f64::from(self.plan.rate_hz);
        let time_s = frames as f64 / rate_hz;
        self.deviation += (deviation - self.deviation) * (time_s / (SMOOTHING_S + time_s));
        let pull = self.deviation / rate_hz;
        let drift = self.drift + BANDWIDTH * BANDWIDTH * pull * time_s;
        self.drift = drift.clamp(-MOST_DRIFT, MOST_DRIFT);
        let speed = self.drift + 2.0 * BANDWIDTH * pull;
        self.speed = 1.0 + speed.clamp(-MOST_DRIFT, MOST_DRIFT);
    }

    fn start(&mut self, skip: f64) {
        self.at += skip;
        self.is_flowing = true;
        self.settle();
        // Fades in over a tail of silence.
        self.tail.iter_mut().for_each(|channel| channel.fill(0.0));
        self.tail_at = 0;
    }

    fn settle(&mut self) {
        self.deviation = 0.0;
        self.strikes = 0;
        self.speed = 1.0 + self.drift;
    }

    /// The last frame fades out, silence follows. What still waits is thrown away: heard after the
    /// gap it would be a piece of the past.
    fn stop(&mut self) {
        self.is_flowing = false;
        let waiting = self.ring.slots();
        if let Ok(chunk) = self.ring.read_chunk(waiting) {
            chunk.commit_all();
            self.taken = self.taken.wrapping_add(waiting as u32);
        }
        self.at = self.window[0].len() as f64;
        let fade = self.tail[0].len();
        for (channel, last) in self.tail.iter_mut().zip(self.last) {
            for (at, x) in channel.iter_mut().enumerate() {
                *x = last * (1.0 - at as f32 / fade as f32);
            }
        }
        self.tail_at = 0;
    }

    /// Goes on `skip` frames later; what would have come fades out meanwhile.
    fn jump(&mut self, skip: f64) {
        let (before, fade) = (self.at, self.tail[0].len());
        self.take(fade);
        for at in 0..fade {
            for channel in 0..self.plan.channels {
                self.tail[channel][at] = self.interpolate(channel);
            }
            self.at += self.speed;
        }
        self.at = before + skip;
        self.tail_at = 0;
        self.settle();
    }

    /// Makes sure that the window reaches far enough for this many frames.
    fn take(&mut self, frames: Frames) {
        let end = self.at + self.speed * frames as f64;
        let end = end.ceil() as Frames + self.half() + 1;
        let missing = end.saturating_sub(self.window[0].len());
        let missing = missing.min(self.ring.slots());
        let Ok(chunk) = self.ring.read_chunk(missing) else {
            return;
        };
        for frame in chunk {
            for (channel, x) in self.window.iter_mut().zip(frame) {
                channel.push(x);
            }
        }
        self.taken = self.taken.wrapping_add(missing as u32);
    }

    fn read(&mut self, output: &mut [&mut [f32]]) {
        let frames = output.first().map_or(0, |channel| channel.len());
        if self.is_flowing {
            self.take(frames);
        }
        let fade = self.tail[0].len();
        for at in 0..frames {
            let tail_at = self.tail_at;
            let share = tail_at as f32 / fade as f32;
            for channel in 0..self.plan.channels.min(output.len()) {
                let tail = if tail_at < fade {
                    self.tail[channel][tail_at]
                } else {
                    0.0
                };
                let now = if self.is_flowing {
                    self.interpolate(channel)
                } else {
                    0.0
                };
                self.last[channel] = match (self.is_flowing, tail_at < fade) {
                    (true, true) => now * share + tail * (1.0 - share),
                    (true, false) => now,
                    // The tail of an end is a fade already.
                    (false, _) => tail,
                };
                output[channel][at] = self.last[channel];
            }
            self.tail_at = (tail_at + 1).min(fade);
            if self.is_flowing {
                self.at += self.speed;
            }
        }
        self.forget();
    }

    fn interpolate(&self, channel: usize) -> f32 {
        let kernel = &self.kernel;
        let floor = self.at.floor();
        let window = &self.window[channel];
        let first = kernel.first(floor as i64);
        let frames = usize::try_from(first)
            .ok()
            .and_then(|first| window.get(first..first + kernel.taps()));
        // Only missing where an output asks for far more than it said.
        frames.map_or(0.0, |frames| kernel.read(frames, (self.at - floor) as f32))
    }

    /// Drops what lies before everything that will be read.
    fn forget(&mut self) {
        let keep = self.half() + 1;
        let done = (self.at as Frames).saturating_sub(keep);
        let done = done.min(self.window[0].len());
        for channel in &mut self.window {
            channel.drain(..done);
        }
        self.at -= done as f64;
    }
}

#[cfg(test)]
mod tests;

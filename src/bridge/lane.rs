//! One voice on the worker: resample, engine, resample, with the instant of every frame that
//! comes out. Worker thread, after being built on a loader thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::HostConfig;
use super::latency::{in_host_frames, signal_delay};
use crate::dsp::resample::Resampler;
use crate::engine::{Controls, Engine, EngineError, EngineSpec, MAX_CHANNELS};
use crate::units::Frames;

/// What an engine says it is.
///
/// # Errors
/// Its panic, in words.
pub fn spec_of(engine: &dyn Engine) -> Result<EngineSpec, String> {
    caught("of the voice", || Ok(engine.spec()))
}

/// Lets an engine do something. It may be made of a stranger's file: should it panic, that is its
/// own failure, and the thread goes on.
fn caught<T>(
    engine: &'static str,
    work: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, String> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or(Err(EngineError::Step {
        engine,
        reason: "it panicked; load the voice again, and report it if it happens twice",
    }))
    .map_err(|error| error.to_string())
}

/// A voice and what stands around it.
pub struct Lane {
    engine: Box<dyn Engine>,
    spec: EngineSpec,
    host: HostConfig,
    /// One per host channel and direction; empty where the rates are the same.
    into_engine: Vec<Resampler>,
    out_of_engine: Vec<Resampler>,
    /// Host channels at the engine's rate, until a hop is full.
    filling: [Vec<f32>; MAX_CHANNELS],
    hop_in: [Vec<f32>; MAX_CHANNELS],
    hop_out: [Vec<f32>; MAX_CHANNELS],
    /// Host channels at the host's rate, ready to be heard.
    ready: [Vec<f32>; MAX_CHANNELS],
    /// Instant of the first ready frame.
    ready_time: u64,
    /// Frames still to be dropped after a restart: the filters and the engine answer for times
    /// before it.
    warming: Frames,
}

impl Lane {
    /// A lane for this host, warmed up: the engine has run once, so that its first real hop
    /// pays for no first use. `spec` is the engine's own. Allocates.
    ///
    /// # Errors
    /// What the engine's first step says; its panic, in words.
    pub fn new(
        host: HostConfig,
        engine: Box<dyn Engine>,
        spec: EngineSpec,
    ) -> Result<Self, String> {
        let resampled = host.rate_hz != spec.rate_hz;
        let per_channel = if resampled { host.channels } else { 0 };
        let before = Resampler::delay_between(host.rate_hz, spec.rate_hz, 0) + spec.lookahead;
        let into = Resampler::new(host.rate_hz, spec.rate_hz, 0);
        let out = Resampler::new(spec.rate_hz, host.rate_hz, before);
        let hops = |n: usize| std::array::from_fn(|_| vec![0.0; n]);
        let mut lane = Self {
            engine,
            spec,
            host,
            into_engine: vec![into; per_channel],
            out_of_engine: vec![out; per_channel],
            filling: Default::default(),
            hop_in: hops(spec.hop),
            hop_out: hops(spec.hop),
            ready: Default::default(),
            ready_time: 0,
            warming: 0,
        };
        for channel in &mut lane.filling[..host.channels] {
            channel.resize(spec.hop, 0.0);
        }
        lane.step(&Controls::default())?;
        lane.restart(0, 0)?;
        Ok(lane)
    }

    /// Whole host frames by which the signal lags inside the lane.
    pub fn signal_delay(&self) -> Frames {
        signal_delay(&self.host, &self.spec)
    }

    /// Starts anew with input of instant `start`, to be heard `latency` later.
    ///
    /// # Errors
    /// The engine's panic, in words; the lane is of no use then.
    pub fn restart(&mut self, start: u64, latency: Frames) -> Result<(), String> {
        caught(self.spec.name, || {
            self.engine.reset();
            Ok(())
        })?;
        for resampler in self.into_engine.iter_mut().chain(&mut self.out_of_engine) {
            resampler.reset();
        }
        for buffer in self.filling.iter_mut().chain(&mut self.ready) {
            buffer.clear();
        }
        self.warming = self.signal_delay();
        self.ready_time = start + latency as u64;
        Ok(())
    }

    /// The most host frames to feed before the next [`Self::step`], at least 1.
    pub fn wants(&self) -> Frames {
        let missing = self.spec.hop.saturating_sub(self.filling[0].len());
        let frames = missing as u64 * u64::from(self.host.rate_hz) / u64::from(self.spec.rate_hz);
        (frames as Frames).max(1)
    }

    /// Length of a hop in host frames, for measuring load.
    pub fn hop_frames(&self) -> Frames {
        in_host_frames(self.spec.hop, &self.host, &self.spec)
    }

    /// Takes input, one slice per host channel.
    pub fn feed(&mut self, input: &[&[f32]]) {
        for (channel, (filling, x)) in self.filling.iter_mut().zip(input).enumerate() {
            match self.into_engine.get_mut(channel) {
                Some(resampler) => resampler.process(x, filling),
                None => filling.extend_from_slice(x),
            }
        }
    }

    /// Runs the engine if a hop is full; says whether it did.
    ///
    /// # Errors
    /// The engine's own error or its panic, in words.
    pub fn step(&mut self, controls: &Controls) -> Result<bool, String> {
        let hop = self.spec.hop;
        if self.filling[0].len() < hop {
            return Ok(false);
        }
        self.mix_into_hop();
        let [left, right] = &self.hop_in;
        let input = [&left[..], &right[..]];
        let [left, right] = &mut self.hop_out;
        let mut output = [&mut left[..], &mut right[..]];
        let channels = self.spec.channels;
        let engine = &mut self.engine;
        caught(self.spec.name, || {
            engine.step(&input[..channels], &mut output[..channels], controls)
        })?;
        self.spread_hop();
        Ok(true)
    }

    /// Engine channels from host channels: the mean where there are fewer, copies where more.
    fn mix_into_hop(&mut self) {
        let hop = self.spec.hop;
        let host = &self.filling[..self.host.channels];
        for (channel, hop_in) in self.hop_in[..self.spec.channels].iter_mut().enumerate() {
            if self.spec.channels < host.len() {
                for (i, x) in hop_in.iter_mut().enumerate() {
                    *x = host.iter().map(|c| c[i]).sum::<f32>() / host.len() as f32;
                }
            } else {
                hop_in.copy_from_slice(&host[channel.min(host.len() - 1)][..hop]);
            }
        }
        for filling in &mut self.filling[..self.host.channels] {
            filling.drain(..hop);
        }
    }

    /// Host channels from engine channels, resampled, less what is still warming up.
    fn spread_hop(&mut self) {
        for channel in 0..self.host.channels {
            let hop_out = &self.hop_out[channel.min(self.spec.channels - 1)];
            let ready = &mut self.ready[channel];
            match self.out_of_engine.get_mut(channel) {
                Some(resampler) => resampler.process(hop_out, ready),
                None => ready.extend_from_slice(hop_out),
            }
        }
        let cold = self.warming.min(self.ready[0].len());
        if cold > 0 {
            self.warming -= cold;
            for ready in &mut self.ready[..self.host.channels] {
                ready.drain(..cold);
            }
        }
    }

    /// Instant of the first frame that can be heard, and how many there are.
    pub fn ready(&self) -> (u64, Frames) {
        (self.ready_time, self.ready[0].len())
    }

    /// The frames that can be heard, one vector per channel.
    pub fn ready_frames(&self) -> &[Vec<f32>; MAX_CHANNELS] {
        &self.ready
    }

    /// Crossfades the first `frames` ready frames from another lane's, which lie at the same
    /// instants, being `done` frames into a fade of `length`.
    pub fn fade_from(&mut self, other: &Lane, frames: Frames, done: Frames, length: Frames) {
        for (new, old) in self.ready.iter_mut().zip(&other.ready) {
            for (i, (new, old)) in new.iter_mut().zip(old).take(frames).enumerate() {
                let weight = (done + i + 1) as f32 / length as f32;
                *new = old + (*new - old) * weight;
            }
        }
    }

    /// Removes frames that were heard.
    pub fn consume(&mut self, frames: Frames) {
        for ready in &mut self.ready[..self.host.channels] {
            ready.drain(..frames);
        }
        self.ready_time += frames as u64;
    }
}

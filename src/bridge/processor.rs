//! What the audio thread runs between the host's buffers. Audio thread: never allocates, locks,
//! blocks, logs or panics.

use super::{HostConfig, Latency, Meters, MetersIn, Settings};
use crate::engine::{Engine, MAX_CHANNELS};
use crate::units::Frames;

/// The audio path, from input gain to limiter.
pub struct Processor {
    host: HostConfig,
    direct: Box<dyn Engine>,
    meters: MetersIn,
    latency: Latency,
    scratch: [Vec<f32>; MAX_CHANNELS],
}

impl Processor {
    /// A path for this host around an engine that runs on the audio thread. Allocates.
    ///
    /// `direct` runs at the host's rate and channel count.
    #[must_use]
    pub fn new(host: HostConfig, direct: Box<dyn Engine>, meters: MetersIn) -> Self {
        let latency = Latency {
            lookahead: direct.spec().lookahead,
            ..Latency::default()
        };
        let scratch = std::array::from_fn(|_| vec![0.0; host.max_block]);
        Self {
            host,
            direct,
            meters,
            latency,
            scratch,
        }
    }

    /// The delay from input to output, fixed for this processor's life.
    #[must_use]
    pub fn latency(&self) -> Latency {
        self.latency
    }

    /// Gives back the meters for the next processor.
    #[must_use]
    pub fn into_meters(self) -> MetersIn {
        self.meters
    }

    /// Forgets all signal history. Real-time safe.
    pub fn reset(&mut self) {
        self.direct.reset();
    }

    /// Processes one block in place: `audio` holds `host.channels` slices of the same length.
    /// Real-time safe.
    pub fn process(&mut self, audio: &mut [&mut [f32]], settings: &Settings) {
        let frames: Frames = audio.first().map_or(0, |channel| channel.len());
        for start in (0..frames).step_by(self.host.max_block.max(1)) {
            let end = frames.min(start + self.host.max_block);
            for (copy, channel) in self.scratch.iter_mut().zip(audio.iter()) {
                copy[..end - start].copy_from_slice(&channel[start..end]);
            }
            let [left, right] = &self.scratch;
            let input = [&left[..end - start], &right[..end - start]];
            let mut channels = audio.iter_mut();
            let mut output: [&mut [f32]; MAX_CHANNELS] = std::array::from_fn(|_| {
                channels.next().map_or(&mut [][..], |c| &mut c[start..end])
            });
            let n = self.host.channels;
            let _ = self
                .direct
                .step(&input[..n], &mut output[..n], &settings.controls);
        }
        self.meters.write(Meters {
            observation: self.direct.observe(),
            latency: self.latency,
            rate_hz: self.host.rate_hz,
            engine: self.direct.spec().name,
            ..Meters::default()
        });
    }
}

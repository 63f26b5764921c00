//! The latency contract: how the delay D follows from the host and the engines, item by item.
//!
//! The worker sees input only when a host block has arrived, works only on whole hops, and must
//! have a result ready before the block that needs it begins. After `p` frames of input at most
//! `hop - 1` of them are not in a complete hop yet; the block that begins now takes up to
//! `max_block` frames out. So output lags input by `max_block + hop - 1` frames for a worker that
//! needs no time, and by the compute budget more for one that does. Engine lookahead and the
//! resamplers' filters come on top.

use super::HostConfig;
use crate::dsp::resample::Resampler;
use crate::engine::EngineSpec;
use crate::units::Frames;

/// The delay from input to output in host frames, item by item. Computed once per activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Host blocks and engine hops do not fit each other.
    pub misfit: Frames,
    /// One hop must be complete before the worker can start on it.
    pub hop: Frames,
    /// The time the worker may take.
    pub budget: Frames,
    /// Future frames the engine needs.
    pub lookahead: Frames,
    /// Both resamplers' filters, rounded up to whole host frames.
    pub resampling: Frames,
}

impl Latency {
    /// The delay reported to the host.
    #[must_use]
    pub fn total(&self) -> Frames {
        self.misfit + self.hop + self.budget + self.lookahead + self.resampling
    }

    /// The delay of an engine that runs on the audio thread at the host's rate.
    #[must_use]
    pub fn of_direct(spec: &EngineSpec) -> Self {
        Self {
            lookahead: spec.lookahead,
            ..Self::default()
        }
    }

    /// The delay of an engine that runs on the worker.
    #[must_use]
    pub fn of_worker(host: &HostConfig, spec: &EngineSpec) -> Self {
        let hop = in_host_frames(spec.hop, host, spec);
        let lookahead = in_host_frames(spec.lookahead, host, spec);
        Self {
            misfit: host.max_block.max(1) - 1,
            hop,
            budget: in_host_frames(spec.budget, host, spec),
            lookahead,
            resampling: signal_delay(host, spec) - lookahead,
        }
    }

    /// The delay that covers an engine on the audio thread and every voice on the worker: that of
    /// the slowest of them, so that switching between them never moves it.
    #[must_use]
    pub fn covering(host: &HostConfig, direct: &EngineSpec, voices: &[EngineSpec]) -> Self {
        voices.iter().map(|spec| Self::of_worker(host, spec)).fold(
            Self::of_direct(direct),
            |longest, next| {
                if longest.total() < next.total() {
                    next
                } else {
                    longest
                }
            },
        )
    }
}

/// By how many host frames the signal lags inside resample, engine, resample: always whole, see
/// [`Resampler::new`].
pub(super) fn signal_delay(host: &HostConfig, spec: &EngineSpec) -> Frames {
    if host.rate_hz == spec.rate_hz {
        return spec.lookahead;
    }
    let before = Resampler::delay_between(host.rate_hz, spec.rate_hz, 0) + spec.lookahead;
    Resampler::delay_between(spec.rate_hz, host.rate_hz, before)
}

/// Engine frames as host frames, rounded up.
pub(super) fn in_host_frames(frames: Frames, host: &HostConfig, spec: &EngineSpec) -> Frames {
    (frames as u64 * u64::from(host.rate_hz)).div_ceil(u64::from(spec.rate_hz)) as Frames
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(rate_hz: u32, hop: Frames, lookahead: Frames, budget: Frames) -> EngineSpec {
        EngineSpec {
            name: "test",
            rate_hz,
            channels: 1,
            hop,
            lookahead,
            budget,
            realtime_safe: false,
        }
    }

    #[test]
    fn the_table_of_delays() {
        // Host rate, block; engine rate, hop, lookahead, budget; the five items. The resamplers'
        // filters are 32 frames of the lower rate each: 16 kHz in 48 kHz gives 2 * 96, 24 kHz in
        // 48 kHz 2 * 64, 48 kHz in 44.1 kHz 32 + 32 rounded up to engine frames, then back.
        #[rustfmt::skip]
        let table = [
            (48_000,  64, 48_000, 480,   0, 480, [ 63,  480,  480,   0,   0]),
            (48_000,   1, 48_000, 480, 240, 480, [  0,  480,  480, 240,   0]),
            (48_000, 512, 48_000, 256,   0, 512, [511,  256,  512,   0,   0]),
            (48_000,  64, 16_000, 160,   0, 160, [ 63,  480,  480,   0, 192]),
            (48_000,  64, 16_000, 160, 320, 160, [ 63,  480,  480, 960, 192]),
            (48_000, 128, 24_000, 240,   0,  60, [127,  480,  120,   0, 128]),
            (44_100,  64, 48_000, 480,   0, 480, [ 63,  441,  441,   0,  65]),
            (96_000, 256, 48_000, 480, 100, 480, [255,  960,  960, 200, 128]),
        ];
        for (rate_hz, max_block, engine_hz, hop, lookahead, budget, items) in table {
            let host = HostConfig {
                rate_hz,
                max_block,
                channels: 1,
                offline: false,
            };
            let spec = spec(engine_hz, hop, lookahead, budget);
            let got = Latency::of_worker(&host, &spec);
            assert_eq!(
                [
                    got.misfit,
                    got.hop,
                    got.budget,
                    got.lookahead,
                    got.resampling
                ],
                items,
                "{rate_hz}/{max_block} with {engine_hz}/{hop}/{lookahead}/{budget}"
            );
            assert_eq!(got.total(), items.iter().sum::<usize>());
        }
    }

    #[test]
    fn the_slowest_engine_sets_the_delay() {
        let host = HostConfig {
            rate_hz: 48_000,
            max_block: 64,
            channels: 2,
            offline: false,
        };
        let direct = spec(48_000, 1, 948, 1);
        assert_eq!(Latency::covering(&host, &direct, &[]).total(), 948);
        let voices = [spec(48_000, 64, 0, 64), spec(16_000, 160, 0, 160)];
        assert_eq!(
            Latency::covering(&host, &direct, &voices),
            Latency::of_worker(&host, &voices[1])
        );
        assert_eq!(Latency::covering(&host, &direct, &voices[..1]).total(), 948);
    }
}

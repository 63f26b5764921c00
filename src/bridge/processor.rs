//! What the audio thread runs between the host's buffers. Audio thread: never allocates, locks,
//! blocks, logs or panics (but see [`Processor::run_inline`]).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Instant;

use autovoice_kernels::cpu::FlushDenormals;

use super::handle::{Bridge, Handle, bridge};
use super::mixer::{Mixer, Sources};
use super::settings::level;
use super::stream::slices;
use super::thread::WorkerThread;
use super::{Dropouts, HostConfig, Latency, Meters, MetersIn, Settings, Voices, Worker};
use crate::dsp::cut::Cut;
use crate::dsp::gate::Gate;
use crate::dsp::history::History;
use crate::dsp::limiter::Limiter;
use crate::dsp::ramp::Ramp;
use crate::engine::{Engine, EngineSpec, MAX_CHANNELS, Observation};
use crate::units::{Frames, db_to_gain, ms_to_frames};

/// Samples beyond this (+36 dBFS) are clamped, in and out: no voice is that loud, but a broken
/// neighbour in the chain can be.
const LOUDEST: f32 = 64.0;
/// How long a gain takes to its new value.
const SMOOTHING_MS: f64 = 15.0;
/// How fast the peak meters fall.
const METER_FALL_DB_PER_S: f32 = 24.0;
/// Time constant of the load shown. Blocks count by their length: a host may cut them to a frame.
const LOAD_MS: f32 = 100.0;

/// The audio path: gain, gate, engine, cuts, mix, gain, limiter, bypass, all aligned at one delay.
pub struct Processor {
    host: HostConfig,
    latency: Latency,
    path: Path,
    /// The untouched input, pushed before anything can go wrong: what bypass plays, and all that
    /// is left after a panic.
    raw: Vec<History>,
    panicked: bool,
    load: f32,
    meters: MetersIn,
}

/// Everything that a panic may leave half done.
struct Path {
    direct: Box<dyn Engine>,
    engine_name: &'static str,
    /// Frames that the engine on the audio thread is ahead of the delay.
    ahead: Frames,
    worker: Option<Handle>,
    mixer: Mixer,
    dry: Vec<History>,
    early: Vec<History>,
    gate: Gate,
    low_cut: Cut,
    high_cut: Cut,
    limiter: Limiter,
    input_gain: Ramp,
    output_gain: Ramp,
    mix: Ramp,
    bypass: Ramp,
    /// Whether nothing has been heard yet: gains start where they are set.
    fresh: bool,
    buffers: Buffers,
    input_peak: [f32; MAX_CHANNELS],
    output_peak: [f32; MAX_CHANNELS],
    heard_slot: usize,
}

/// Scratch of one block, one vector per channel.
struct Buffers {
    input: [Vec<f32>; MAX_CHANNELS],
    direct: [Vec<f32>; MAX_CHANNELS],
    dry: [Vec<f32>; MAX_CHANNELS],
    voice: [Vec<f32>; MAX_CHANNELS],
    wet: [Vec<f32>; MAX_CHANNELS],
    raw: [Vec<f32>; MAX_CHANNELS],
    present: Vec<bool>,
}

impl Processor {
    /// A path around an engine that runs on the audio thread at the host's rate and channel
    /// count. Allocates.
    #[must_use]
    pub fn new(host: HostConfig, direct: Box<dyn Engine>, meters: MetersIn) -> Self {
        let latency = Latency::of_direct(&direct.spec());
        Self::build(host, direct, latency, None, meters)
    }

    /// The same with a worker for voices, delayed as the slowest of `voices` needs. The worker
    /// is handed out to be run: by [`Self::run_on_thread`], by [`Self::run_inline`], or step by
    /// step. Allocates.
    #[must_use]
    pub fn with_worker(
        host: HostConfig,
        direct: Box<dyn Engine>,
        voices: &[EngineSpec],
        meters: MetersIn,
    ) -> (Self, Worker, Voices) {
        let latency = Latency::covering(&host, &direct.spec(), voices);
        let Bridge {
            handle,
            worker,
            commands,
            graveyard,
        } = bridge(host, latency);
        let voices = Voices {
            host,
            latency,
            commands,
            graveyard,
            shared: handle.shared().clone(),
        };
        let processor = Self::build(host, direct, latency, Some(handle), meters);
        (processor, worker, voices)
    }

    fn build(
        host: HostConfig,
        direct: Box<dyn Engine>,
        latency: Latency,
        worker: Option<Handle>,
        meters: MetersIn,
    ) -> Self {
        let spec = direct.spec();
        debug_assert!(spec.realtime_safe && spec.hop == 1);
        debug_assert_eq!((spec.rate_hz, spec.channels), (host.rate_hz, host.channels));
        let delay = latency.total();
        let block = host.max_block.max(1);
        let remembered = worker.as_ref().map_or(0, |w| w.remembers(block));
        let lines = |frames| vec![History::new(frames); host.channels];
        let channels = || std::array::from_fn(|_| vec![0.0; block]);
        let smoothing = ms_to_frames(SMOOTHING_MS, host.rate_hz);
        let path = Path {
            ahead: delay - spec.lookahead,
            engine_name: spec.name,
            direct,
            worker,
            mixer: Mixer::new(host.rate_hz),
            dry: lines(remembered.max(delay + block)),
            early: lines(delay + block),
            gate: Gate::new(host.rate_hz),
            low_cut: Cut::low(host.rate_hz, host.channels),
            high_cut: Cut::high(host.rate_hz, host.channels),
            limiter: Limiter::new(host.rate_hz),
            input_gain: Ramp::new(1.0, smoothing),
            output_gain: Ramp::new(1.0, smoothing),
            mix: Ramp::new(1.0, smoothing),
            bypass: Ramp::new(0.0, smoothing),
            fresh: true,
            buffers: Buffers {
                input: channels(),
                direct: channels(),
                dry: channels(),
                voice: channels(),
                wet: channels(),
                raw: channels(),
                present: vec![false; block],
            },
            input_peak: [0.0; MAX_CHANNELS],
            output_peak: [0.0; MAX_CHANNELS],
            heard_slot: 0,
        };
        Self {
            host,
            latency,
            path,
            raw: lines(delay + block),
            panicked: false,
            load: 0.0,
            meters,
        }
    }

    /// The delay from input to output, fixed for this processor's life.
    #[must_use]
    pub fn latency(&self) -> Latency {
        self.latency
    }

    /// Runs the worker inside [`Self::process`], which from then on waits for every result and
    /// is no longer real-time safe: for offline rendering.
    pub fn run_inline(&mut self, worker: Worker) {
        if let Some(handle) = &mut self.path.worker {
            handle.run_inline(worker);
        }
    }

    /// Runs the worker on a thread of its own, which ends with this processor. Allocates.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn run_on_thread(&mut self, worker: Worker) -> std::io::Result<()> {
        if let Some(handle) = &mut self.path.worker {
            handle.run_on_thread(WorkerThread::spawn(worker, self.host.rate_hz)?);
        }
        Ok(())
    }

    /// What the worker was late with, since the processor was built.
    #[must_use]
    pub fn dropouts(&self) -> Dropouts {
        self.path
            .worker
            .as_ref()
            .map(Handle::dropouts)
            .unwrap_or_default()
    }

    /// Whether the path panicked; it then passes the dry voice, aligned, until it is rebuilt.
    #[must_use]
    pub fn panicked(&self) -> bool {
        self.panicked
    }

    /// Gives back the meters for the next processor. Frees memory.
    #[must_use]
    pub fn into_meters(self) -> MetersIn {
        self.meters
    }

    /// Forgets all signal history. Real-time safe.
    pub fn reset(&mut self) {
        for line in &mut self.raw {
            line.reset();
        }
        if !self.panicked {
            let path = &mut self.path;
            self.panicked = catch(|| path.reset());
        }
    }

    /// Forgets all signal history, as [`Self::reset`], and moves the clock on by so many frames:
    /// a session of years is tested in seconds. Real-time safe.
    pub fn advance_clock(&mut self, frames: u64) {
        self.reset();
        if let Some(worker) = &mut self.path.worker {
            worker.advance_clock(frames);
        }
    }

    /// Processes one block in place: `audio` holds `host.channels` slices of the same length.
    /// Whatever comes in, what goes out is finite. Real-time safe.
    pub fn process(&mut self, audio: &mut [&mut [f32]], settings: &Settings) {
        let began = Instant::now();
        let _denormals = FlushDenormals::new();
        let settings = settings.clamped();
        let frames = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let block = self.host.max_block.max(1);
        for start in (0..frames).step_by(block) {
            let end = frames.min(start + block);
            let mut channels = audio.iter_mut();
            let mut piece: [&mut [f32]; MAX_CHANNELS] = std::array::from_fn(|_| {
                channels.next().map_or(&mut [][..], |c| &mut c[start..end])
            });
            self.process_piece(&mut piece[..self.host.channels], &settings);
        }
        if 0 < frames {
            let period = frames as f32 / self.host.rate_hz as f32;
            let load = began.elapsed().as_secs_f32() / period;
            let weight = 1.0 - (-period * 1e3 / LOAD_MS).exp();
            self.load += (load - self.load) * weight;
        }
        self.show();
    }

    fn process_piece(&mut self, audio: &mut [&mut [f32]], settings: &Settings) {
        let frames = audio[0].len();
        for (channel, line) in audio.iter_mut().zip(&mut self.raw) {
            for x in channel.iter_mut() {
                *x = tame(*x);
            }
            line.extend(channel);
        }
        if !self.panicked {
            let (path, raw, delay) = (&mut self.path, &self.raw, self.latency.total());
            self.panicked = catch(|| path.process(audio, raw, delay, settings));
        }
        if self.panicked {
            for (channel, line) in audio.iter_mut().zip(&self.raw) {
                channel.copy_from_slice(line.past(self.latency.total(), frames));
            }
        }
    }

    fn show(&mut self) {
        let worker = self.path.worker.as_ref();
        let shared = worker.map(Handle::shared);
        // An engine that panicked is not asked again.
        let observation = match self.panicked {
            true => Observation::default(),
            false => self.path.direct.observe(),
        };
        let meters = Meters {
            input_peak: self.path.input_peak,
            output_peak: self.path.output_peak,
            observation,
            load: self.load,
            worker_load: shared.map_or(0.0, |s| s.worker_load.load(Ordering::Relaxed)),
            dropouts: self.dropouts(),
            latency: self.latency,
            rate_hz: self.host.rate_hz,
            engine: self.path.engine_name,
            slot: self.path.heard_slot,
            panicked: self.panicked,
            realtime_priority: worker.and_then(Handle::realtime_priority),
        };
        self.meters.write(meters);
    }
}

impl Path {
    fn reset(&mut self) {
        self.direct.reset();
        if let Some(worker) = &mut self.worker {
            worker.reset();
        }
        self.mixer.reset();
        for line in self.dry.iter_mut().chain(&mut self.early) {
            line.reset();
        }
        self.gate.reset();
        self.low_cut.reset();
        self.high_cut.reset();
        self.limiter.reset();
        self.fresh = true;
        self.input_peak = [0.0; MAX_CHANNELS];
        self.output_peak = [0.0; MAX_CHANNELS];
    }

    fn process(
        &mut self,
        audio: &mut [&mut [f32]],
        raw: &[History],
        delay: Frames,
        settings: &Settings,
    ) {
        let frames = audio[0].len();
        self.set_gains(settings);
        self.take_input(audio, settings);
        self.run_direct(frames, settings);
        for (line, dry) in self.dry.iter().zip(&mut self.buffers.dry) {
            dry[..frames].copy_from_slice(line.past(delay, frames));
        }
        for (line, buffer) in raw.iter().zip(&mut self.buffers.raw) {
            buffer[..frames].copy_from_slice(line.past(delay, frames));
        }
        self.choose_voice(audio.len(), frames, settings);
        self.cut(audio.len(), frames, settings);
        self.finish(audio, settings);
    }

    fn set_gains(&mut self, settings: &Settings) {
        let gains = [
            (&mut self.input_gain, level(settings.input_db)),
            (&mut self.output_gain, level(settings.output_db)),
            (&mut self.mix, settings.mix),
            (&mut self.bypass, f32::from(u8::from(settings.bypass))),
        ];
        for (ramp, target) in gains {
            match self.fresh {
                true => ramp.jump(target),
                false => ramp.set(target),
            }
        }
        self.fresh = false;
    }

    /// Gain and gate; the result is the dry voice.
    fn take_input(&mut self, audio: &[&mut [f32]], settings: &Settings) {
        let frames = audio[0].len();
        let fall = self.meter_fall(frames);
        for (buffer, channel) in self.buffers.input.iter_mut().zip(audio) {
            buffer[..frames].copy_from_slice(channel);
        }
        let mut input = slices_mut(&mut self.buffers.input, frames);
        let input = &mut input[..audio.len()];
        scale(&mut self.input_gain, input);
        self.gate.process(input, settings.gate_db);
        for ((line, channel), peak) in self
            .dry
            .iter_mut()
            .zip(input.iter())
            .zip(&mut self.input_peak)
        {
            line.extend(channel);
            meter(peak, channel, fall);
        }
    }

    /// The engine on the audio thread, brought to the common delay.
    fn run_direct(&mut self, frames: Frames, settings: &Settings) {
        let channels = self.dry.len();
        let input = slices(&self.buffers.input, frames);
        let mut output = slices_mut(&mut self.buffers.direct, frames);
        let result = self.direct.step(
            &input[..channels],
            &mut output[..channels],
            &settings.controls,
        );
        for (channel, line) in self.early.iter_mut().enumerate() {
            // An engine that cannot go on leaves the dry voice, at its own delay.
            if result.is_err() {
                let dry = self.dry[channel].past(self.direct.spec().lookahead, frames);
                output[channel].copy_from_slice(dry);
            }
            if self.ahead > 0 {
                line.extend(output[channel]);
                output[channel].copy_from_slice(line.past(self.ahead, frames));
            }
        }
    }

    /// Fills the wet buffer with the voice of the slot, or with what stands in for it.
    fn choose_voice(&mut self, channels: usize, frames: Frames, settings: &Settings) {
        let Buffers {
            direct,
            dry,
            voice,
            wet,
            present,
            ..
        } = &mut self.buffers;
        if let Some(worker) = &mut self.worker {
            worker.take_voices();
        }
        let playable = |w: &Handle| w.shared().is_playable(settings.slot);
        let selected = self.worker.as_ref().is_some_and(playable);
        let needed = self.mixer.aim(selected, settings.dropout);
        self.heard_slot = if selected { settings.slot } else { 0 };
        let present = &mut present[..frames];
        match &mut self.worker {
            Some(worker) if needed => {
                let mut output = slices_mut(voice, frames);
                worker.exchange(
                    &self.dry,
                    settings.slot,
                    &settings.controls,
                    &mut output[..channels],
                    present,
                );
            }
            Some(worker) => {
                worker.rest(frames);
                present.fill(false);
            }
            None => present.fill(false),
        }
        if !needed && self.mixer.is_direct() {
            for (wet, direct) in wet.iter_mut().zip(&*direct).take(channels) {
                wet[..frames].copy_from_slice(&direct[..frames]);
            }
            return;
        }
        let sources = Sources {
            direct: &slices(direct, frames)[..channels],
            dry: &slices(dry, frames)[..channels],
            voice: &slices(voice, frames)[..channels],
            present,
        };
        self.mixer
            .mix(&sources, &mut slices_mut(wet, frames)[..channels]);
    }

    /// Low and high cut of the converted voice; what is mixed in of the dry one stays whole.
    fn cut(&mut self, channels: usize, frames: Frames, settings: &Settings) {
        let mut wet = slices_mut(&mut self.buffers.wet, frames);
        let wet = &mut wet[..channels];
        self.low_cut.process(wet, settings.low_cut_hz);
        self.high_cut.process(wet, settings.high_cut_hz);
    }

    /// Dry and wet, output gain, limiter, bypass.
    fn finish(&mut self, audio: &mut [&mut [f32]], settings: &Settings) {
        let frames = audio[0].len();
        let Buffers { dry, wet, raw, .. } = &mut self.buffers;
        crossfade(&mut self.mix, dry, wet, audio);
        scale(&mut self.output_gain, audio);
        if settings.limiter {
            self.limiter.process(audio);
        } else {
            self.limiter.reset();
        }
        if self.bypass.settled() != Some(0.0) {
            for (wet, channel) in wet.iter_mut().zip(audio.iter()) {
                wet[..frames].copy_from_slice(channel);
            }
            crossfade(&mut self.bypass, wet, raw, audio);
        }
        let fall = self.meter_fall(frames);
        for (channel, peak) in audio.iter_mut().zip(&mut self.output_peak) {
            for y in channel.iter_mut() {
                *y = tame(*y);
            }
            meter(peak, channel, fall);
        }
    }

    fn meter_fall(&self, frames: Frames) -> f32 {
        let seconds = frames as f32 / self.direct.spec().rate_hz as f32;
        db_to_gain(-METER_FALL_DB_PER_S * seconds)
    }
}

/// `output = from + weight * (to - from)`, exact at both ends.
fn crossfade(
    weight: &mut Ramp,
    from: &[Vec<f32>; MAX_CHANNELS],
    to: &[Vec<f32>; MAX_CHANNELS],
    output: &mut [&mut [f32]],
) {
    let frames = output[0].len();
    let only = match weight.settled() {
        Some(0.0) => Some(from),
        Some(1.0) => Some(to),
        _ => None,
    };
    if let Some(only) = only {
        for (output, only) in output.iter_mut().zip(only) {
            output.copy_from_slice(&only[..frames]);
        }
        return;
    }
    for i in 0..frames {
        let weight = weight.next();
        for (channel, output) in output.iter_mut().enumerate() {
            output[i] = from[channel][i] + weight * (to[channel][i] - from[channel][i]);
        }
    }
}

/// Multiplies all channels by a gain; at rest on 1 it leaves them untouched.
fn scale(gain: &mut Ramp, channels: &mut [&mut [f32]]) {
    if gain.settled() == Some(1.0) {
        return;
    }
    for i in 0..channels[0].len() {
        let gain = gain.next();
        for channel in channels.iter_mut() {
            channel[i] *= gain;
        }
    }
}

/// Finite, and no louder than anything real.
fn tame(x: f32) -> f32 {
    if x.is_finite() {
        x.clamp(-LOUDEST, LOUDEST)
    } else {
        0.0
    }
}

fn meter(peak: &mut f32, channel: &[f32], fall: f32) {
    *peak = channel
        .iter()
        .fold(*peak * fall, |peak, x| peak.max(x.abs()));
}

fn slices_mut(
    buffers: &mut [Vec<f32>; MAX_CHANNELS],
    frames: Frames,
) -> [&mut [f32]; MAX_CHANNELS] {
    buffers.each_mut().map(|buffer| &mut buffer[..frames])
}

/// Runs `f`; whether it panicked. The payload is leaked: freeing it is not for the audio thread,
/// and it happens once.
fn catch(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(std::mem::forget)
        .is_err()
}

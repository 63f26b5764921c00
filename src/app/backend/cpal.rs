//! ALSA and the PulseAudio protocol through cpal. Its input and output are two callbacks on two
//! threads, perhaps of two devices: [`crate::app::duplex`] joins them. The audio threads convert,
//! copy and call; errors arrive on threads of cpal and become counts in [`Health`].

use super::{
    Backend, Callback, Choice, Device, DeviceLatency, Format, Health, Loss, MakeCallback, Offer,
    OpenError, Source, Stream,
};
use crate::app::duplex::{Plan, Reader, Writer, duplex};
use crate::app::virtual_mic;
use crate::units::Frames;
use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Data, DeviceDirection, ErrorKind, FromSample, HostId, I24, Sample, SampleFormat,
    SizedSample, StreamConfig, StreamInstant, SupportedStreamConfigRange,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const RATES_HZ: [u32; 6] = [44_100, 48_000, 88_200, 96_000, 176_400, 192_000];
const BUFFERS: [u32; 7] = [32, 64, 128, 256, 512, 1024, 2048];
/// Frames per block where nothing was asked for.
const BUFFER: u32 = 256;
/// An output block beyond this is filled in pieces.
const MOST_FRAMES: Frames = 8_192;
/// How long a device may take to give or take its first block.
const PATIENCE: Duration = Duration::from_secs(2);
/// Formats by preference: nothing lost first.
const FORMATS: [SampleFormat; 4] = [
    SampleFormat::F32,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::I16,
];
/// ALSA's names for parts of a device, and plugins that make no sense to sing through.
const ALSA_PARTS: [&str; 14] = [
    "null",
    "surround",
    "front",
    "rear",
    "center_lfe",
    "side",
    "iec958",
    "spdif",
    "hdmi",
    "dmix",
    "dsnoop",
    "usbstream",
    "upmix",
    "vdownmix",
];

/// Whether PipeWire answers in PulseAudio's place, as far as its socket tells.
#[must_use]
pub fn pulse_is_pipewire() -> bool {
    std::env::var_os("XDG_RUNTIME_DIR")
        .is_some_and(|folder| std::path::Path::new(&folder).join("pipewire-0").exists())
}

fn host(backend: Backend) -> Result<cpal::Host, OpenError> {
    let (id, remedy) = match backend {
        Backend::Pulse => (
            HostId::PulseAudio,
            "start PipeWire (pipewire-pulse) or PulseAudio, or choose another backend",
        ),
        _ => (
            HostId::Alsa,
            "install libasound2, or choose another backend",
        ),
    };
    cpal::host_from_id(id).map_err(|error| OpenError::Unavailable {
        backend,
        found: error.to_string(),
        remedy,
    })
}

/// What it offers. ALSA devices are listed, not opened: some do not survive that.
///
/// # Errors
/// [`OpenError`] when the server is not there.
pub fn offer(backend: Backend) -> Result<Offer, OpenError> {
    let host = host(backend)?;
    let all = host.devices().map_err(|error| OpenError::Unavailable {
        backend,
        found: error.to_string(),
        remedy: "connect an interface, or choose another backend",
    })?;
    let mut offer = Offer {
        backend,
        inputs: Vec::new(),
        outputs: Vec::new(),
        rates: RATES_HZ.to_vec(),
        buffers: BUFFERS.to_vec(),
    };
    for device in all {
        let (Ok(id), Ok(about)) = (device.id(), device.description()) else {
            continue;
        };
        let id = id.id().to_owned();
        let is_part = |part: &&str| id.split([':', ',']).next() == Some(*part);
        if backend == Backend::Alsa && ALSA_PARTS.iter().any(is_part) {
            continue;
        }
        let listed = Device {
            label: match backend {
                Backend::Alsa if about.name() != id => format!("{} ({id})", about.name()),
                _ => about.name().to_owned(),
            },
            id,
            channels: 0,
        };
        let direction = about.direction();
        let may = |other| direction != other;
        if may(DeviceDirection::Output) && !virtual_mic::is_ours(&listed.id) {
            offer.inputs.push(listed.clone());
        }
        if may(DeviceDirection::Input) {
            offer.outputs.push(listed);
        }
    }
    if offer.inputs.is_empty() && offer.outputs.is_empty() {
        return Err(OpenError::Unavailable {
            backend,
            found: "no devices".to_owned(),
            remedy: "connect an interface, or choose another backend",
        });
    }
    Ok(offer)
}

/// One end of a stream: a device and how it will run.
struct End {
    way: &'static str,
    device: cpal::Device,
    name: String,
    config: StreamConfig,
    format: SampleFormat,
}

impl End {
    fn find(
        host: &cpal::Host,
        choice: &Choice,
        way: &'static str,
        rate_hz: Option<u32>,
    ) -> Result<Self, OpenError> {
        let is_input = way == "input";
        let wanted = if is_input {
            &choice.input
        } else {
            &choice.output
        };
        let device = match wanted {
            Some(id) => host
                .devices()
                .ok()
                .and_then(|mut all| all.find(|device| has_id(device, id))),
            None if is_input => default_input(host),
            None => host.default_output_device(),
        };
        let Some(device) = device else {
            let offer = offer(choice.backend)?;
            let there = if is_input {
                &offer.inputs
            } else {
                &offer.outputs
            };
            let name = wanted.as_deref().unwrap_or("default");
            return Err(OpenError::no_device(way, name, there));
        };
        let name = match device.description() {
            Ok(about) => about.name().to_owned(),
            Err(_) => wanted.clone().unwrap_or_default(),
        };
        let refused = |error: cpal::Error| refusal(way, &name, &error);
        let (default, ranges): (_, Vec<_>) = match is_input {
            true => (
                device.default_input_config(),
                device.supported_input_configs().map_err(refused)?.collect(),
            ),
            false => (
                device.default_output_config(),
                device
                    .supported_output_configs()
                    .map_err(refused)?
                    .collect(),
            ),
        };
        let rate_hz = match (rate_hz, default) {
            (Some(rate_hz), _) => rate_hz,
            (None, Ok(default)) => default.sample_rate(),
            (None, Err(error)) => return Err(refused(error)),
        };
        let channels = match (is_input, choice.source) {
            (true, Source::Channel(channel)) => channel + 1,
            _ => 2,
        };
        let Some((channels, format)) = fit(&ranges, rate_hz, channels) else {
            return Err(OpenError::Format {
                expected: format!("the {way} \"{name}\" to run at {rate_hz} Hz"),
                found: rates_of(&ranges),
                remedy: "choose another rate, or with ALSA the device's \"plughw\"",
            });
        };
        Ok(Self {
            way,
            device,
            name,
            config: StreamConfig {
                channels,
                sample_rate: rate_hz,
                buffer_size: BufferSize::Fixed(choice.buffer.unwrap_or(BUFFER)),
            },
            format,
        })
    }
}

/// The default input, unless that is our own virtual microphone: a server may take the newest one.
fn default_input(host: &cpal::Host) -> Option<cpal::Device> {
    let is_ours = |device: &cpal::Device| {
        let id = device.id();
        id.is_ok_and(|id| virtual_mic::is_ours(id.id()))
    };
    let default = host.default_input_device();
    default.filter(|device| !is_ours(device)).or_else(|| {
        let mut all = host.input_devices().ok()?;
        all.find(|device| !is_ours(device))
    })
}

fn has_id(device: &cpal::Device, id: &str) -> bool {
    device.id().is_ok_and(|known| known.id() == id)
}

fn rates_of(ranges: &[SupportedStreamConfigRange]) -> String {
    let lowest = ranges.iter().map(|range| range.min_sample_rate()).min();
    let highest = ranges.iter().map(|range| range.max_sample_rate()).max();
    match (lowest, highest) {
        (Some(lowest), Some(highest)) => format!("{lowest} to {highest} Hz"),
        _ => "no format it can run in".to_owned(),
    }
}

/// The fewest channels that are enough, or the most there are, in the best format.
fn fit(
    ranges: &[SupportedStreamConfigRange],
    rate_hz: u32,
    channels: usize,
) -> Option<(u16, SampleFormat)> {
    let usable = ranges.iter().filter_map(|range| {
        let rank = FORMATS.iter().position(|f| *f == range.sample_format())?;
        range
            .contains_rate(rate_hz)
            .then_some((range.channels(), rank))
    });
    let best = usable.min_by_key(|(there, rank)| {
        let there = usize::from(*there);
        let missing = channels.saturating_sub(there);
        (missing, there, *rank)
    });
    best.map(|(channels, rank)| (channels, FORMATS[rank]))
}

fn refusal(way: &'static str, name: &str, error: &cpal::Error) -> OpenError {
    OpenError::Refused {
        way,
        name: name.to_owned(),
        found: error.to_string(),
        remedy: match error.kind() {
            ErrorKind::DeviceBusy => "close the program that uses it, or choose another",
            ErrorKind::PermissionDenied => "add yourself to the group audio and log in again",
            ErrorKind::UnsupportedConfig => "choose another rate or buffer",
            _ => "connect it, or choose another",
        },
    }
}

/// Opens both ends and joins them.
///
/// # Errors
/// [`OpenError`].
pub(super) fn open(
    choice: &Choice,
    health: &Arc<Health>,
    make: MakeCallback<'_>,
) -> Result<Box<dyn Stream>, OpenError> {
    let host = host(choice.backend)?;
    let output = End::find(&host, choice, "output", choice.rate_hz)?;
    let rate_hz = output.config.sample_rate;
    let input = End::find(&host, choice, "input", Some(rate_hz))?;
    let block = choice.buffer.unwrap_or(BUFFER) as Frames;
    let mut plan = Plan {
        rate_hz,
        input_block: block,
        output_block: block,
        channels: choice.source.channels(),
    };
    // A device may round what it is asked for; then the delay must be planned for its own length.
    for _ in 0..2 {
        let format = Format {
            rate_hz,
            max_block: plan.output_block,
            channels: plan.channels,
        };
        let callback = make(format)?;
        let opened =
            CpalStream::start(choice, (&input, &output), (plan, format), health, callback)?;
        let blocks = opened.blocks();
        if blocks == (plan.input_block, plan.output_block) {
            return Ok(Box::new(opened));
        }
        (plan.input_block, plan.output_block) = blocks;
    }
    Err(OpenError::Format {
        expected: format!("blocks of {block} frames"),
        found: "a device that changes its mind".to_owned(),
        remedy: "choose another buffer",
    })
}

/// Delays in frames as the callbacks see them, smoothed.
#[derive(Default)]
struct Delays {
    input: AtomicUsize,
    output: AtomicUsize,
}

/// Moves an average a little; the first value counts as it is. Real-time safe.
fn smooth(average: &AtomicUsize, delay: Duration, rate_hz: u32, less: Frames) {
    let frames = (delay.as_secs_f64() * f64::from(rate_hz)).round() as usize;
    let frames = frames.saturating_sub(less);
    let before = average.load(Ordering::Relaxed);
    let after = match before {
        0 => frames,
        before => (before * 31 + frames + 16) / 32,
    };
    average.store(after, Ordering::Relaxed);
}

fn between(earlier: StreamInstant, later: StreamInstant) -> Duration {
    later.saturating_duration_since(earlier)
}

struct CpalStream {
    // In this order: nobody asks once the output is gone.
    output: cpal::Stream,
    input: cpal::Stream,
    plan: Plan,
    format: Format,
    names: (String, String),
    delays: Arc<Delays>,
}

impl CpalStream {
    fn start(
        choice: &Choice,
        (from, to): (&End, &End),
        (plan, format): (Plan, Format),
        health: &Arc<Health>,
        callback: Box<dyn Callback>,
    ) -> Result<Self, OpenError> {
        let clock = Instant::now();
        let delays = Arc::<Delays>::default();
        let (writer, reader) = duplex(plan);
        let mut ear = Ear {
            writer,
            clock,
            source: choice.source,
            channels: usize::from(from.config.channels),
            rate_hz: plan.rate_hz,
            delays: delays.clone(),
        };
        let mut mouth = Mouth {
            reader,
            clock,
            callback,
            health: health.clone(),
            channels: usize::from(to.config.channels),
            buffers: [vec![0.0; MOST_FRAMES], vec![0.0; MOST_FRAMES]],
            rate_hz: plan.rate_hz,
            delays: delays.clone(),
        };
        let input = from.device.build_input_stream_raw(
            from.config,
            from.format,
            move |data, info| {
                let time = info.timestamp();
                ear.hear(data, between(time.capture, time.callback));
            },
            report(health),
            Some(PATIENCE),
        );
        let input = input.map_err(|error| refusal(from.way, &from.name, &error))?;
        let output = to.device.build_output_stream_raw(
            to.config,
            to.format,
            move |data, info| {
                let time = info.timestamp();
                mouth.speak(data, between(time.callback, time.playback));
            },
            report(health),
            Some(PATIENCE),
        );
        let output = output.map_err(|error| refusal(to.way, &to.name, &error))?;
        input
            .play()
            .map_err(|error| refusal(from.way, &from.name, &error))?;
        output
            .play()
            .map_err(|error| refusal(to.way, &to.name, &error))?;
        Ok(Self {
            output,
            input,
            plan,
            format,
            names: (from.name.clone(), to.name.clone()),
            delays,
        })
    }

    /// The blocks the devices settled on, input and output.
    fn blocks(&self) -> (Frames, Frames) {
        let block = |stream: &cpal::Stream, planned: Frames| match stream.buffer_size() {
            Ok(frames) if frames > 0 => frames as Frames,
            _ => planned,
        };
        (
            block(&self.input, self.plan.input_block),
            block(&self.output, self.plan.output_block),
        )
    }
}

impl Stream for CpalStream {
    fn format(&self) -> Format {
        self.format
    }

    fn latency(&self) -> DeviceLatency {
        DeviceLatency {
            input: self.delays.input.load(Ordering::Relaxed),
            duplex: self.plan.delay(),
            output: self.delays.output.load(Ordering::Relaxed),
        }
    }

    fn names(&self) -> (String, String) {
        self.names.clone()
    }
}

fn report(health: &Arc<Health>) -> impl FnMut(cpal::Error) + Send + 'static {
    let health = health.clone();
    move |error| match error.kind() {
        ErrorKind::Xrun => health.note_xrun(),
        // It plays on, at most with less priority.
        ErrorKind::RealtimeDenied => {}
        ErrorKind::HostUnavailable => health.lose(Loss::Server),
        ErrorKind::DeviceNotAvailable | ErrorKind::PermissionDenied => health.lose(Loss::Gone),
        _ => health.lose(Loss::Invalid),
    }
}

/// The input callback.
struct Ear {
    writer: Writer,
    clock: Instant,
    source: Source,
    channels: usize,
    rate_hz: u32,
    delays: Arc<Delays>,
}

impl Ear {
    fn hear(&mut self, data: &Data, delay: Duration) {
        match data.sample_format() {
            SampleFormat::F32 => self.take::<f32>(data, delay),
            SampleFormat::I32 => self.take::<i32>(data, delay),
            SampleFormat::I24 => self.take::<I24>(data, delay),
            _ => self.take::<i16>(data, delay),
        }
    }

    fn take<T: SizedSample>(&mut self, data: &Data, delay: Duration)
    where
        f32: FromSample<T>,
    {
        let Some(samples) = data.as_slice::<T>() else {
            return;
        };
        let (source, channels) = (self.source, self.channels);
        let frames = samples.len() / channels.max(1);
        // The block itself is part of what the ring between the ends is planned for.
        smooth(&self.delays.input, delay, self.rate_hz, frames);
        self.writer.push(frames, self.clock.elapsed(), |frame| {
            [0, 1].map(|channel| {
                let channel = source.pick(channel, channels);
                f32::from_sample(samples[frame * channels + channel])
            })
        });
    }
}

/// The output callback, on which everything is done.
struct Mouth {
    reader: Reader,
    clock: Instant,
    callback: Box<dyn Callback>,
    health: Arc<Health>,
    channels: usize,
    buffers: [Vec<f32>; 2],
    rate_hz: u32,
    delays: Arc<Delays>,
}

impl Mouth {
    fn speak(&mut self, data: &mut Data, delay: Duration) {
        smooth(&self.delays.output, delay, self.rate_hz, 0);
        match data.sample_format() {
            SampleFormat::F32 => self.give::<f32>(data),
            SampleFormat::I32 => self.give::<i32>(data),
            SampleFormat::I24 => self.give::<I24>(data),
            _ => self.give::<i16>(data),
        }
    }

    fn give<T: SizedSample + FromSample<f32>>(&mut self, data: &mut Data) {
        let Some(samples) = data.as_slice_mut::<T>() else {
            return;
        };
        for samples in samples.chunks_mut(MOST_FRAMES * self.channels.max(1)) {
            let frames = samples.len() / self.channels.max(1);
            let [left, right] = &mut self.buffers;
            let (left, right) = (&mut left[..frames], &mut right[..frames]);
            let now = self.clock.elapsed();
            if self
                .reader
                .pull(&mut [&mut *left, &mut *right], now)
                .is_dropout
            {
                self.health.note_dropout();
            }
            self.callback.process([&mut *left, &mut *right], &[]);
            for (frame, out) in samples.chunks_exact_mut(self.channels.max(1)).enumerate() {
                let both = [left[frame], right[frame]];
                for (channel, sample) in out.iter_mut().enumerate() {
                    // On a device with one channel both sides are heard, on more the first two.
                    let value = match (self.channels, both.get(channel)) {
                        (1, _) => 0.5 * (both[0] + both[1]),
                        (_, value) => value.copied().unwrap_or(0.0),
                    };
                    *sample = T::from_sample(value.clamp(-1.0, 1.0));
                }
            }
        }
        self.health.beat();
    }
}

//! No sound: test sources in, nothing out. A thread paces blocks by the clock, or a test steps
//! them in virtual time. Devices can be unplugged, change their rate and stall. The callback runs
//! under a lock nobody else holds for long; there is no device whose deadline could be missed.

use super::{
    Backend, Callback, Choice, Device, DeviceLatency, Format, Health, Loss, MakeCallback, Offer,
    OpenError, Stream,
};
use crate::units::Frames;
use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Input devices: what is sung.
const INPUTS: [(&str, &str); 4] = [
    ("sine", "Sine, 220 Hz"),
    ("voice", "Buzz, 150 Hz"),
    ("silence", "Silence"),
    ("loopback", "What goes out"),
];
const OUTPUT: (&str, &str) = ("null", "Nowhere");
const RATES_HZ: [u32; 3] = [44_100, 48_000, 96_000];
const BUFFERS: [u32; 6] = [32, 64, 128, 256, 512, 1024];
/// How long the loop of `loopback` is beyond the block it cannot avoid.
const LOOP_FRAMES: Frames = 480;

/// What a test puts around every callback, to count what happens in it.
pub type Around = fn(&mut dyn FnMut());

/// The world outside the program.
struct World {
    is_plugged: bool,
    around: Around,
    rate_hz: u32,
    open: Option<Open>,
    serial: u64,
}

struct Open {
    callback: Box<dyn Callback>,
    health: Arc<Health>,
    format: Format,
    source: String,
    at: u64,
    on_air: VecDeque<f32>,
    serial: u64,
}

/// A handle on the world; clones share it.
#[derive(Clone)]
pub struct Dummy {
    world: Arc<Mutex<World>>,
    paced: bool,
}

impl Default for Dummy {
    fn default() -> Self {
        Self {
            world: Arc::new(Mutex::new(World {
                is_plugged: true,
                around: |call| call(),
                rate_hz: 48_000,
                open: None,
                serial: 0,
            })),
            paced: true,
        }
    }
}

impl Dummy {
    /// A world without a clock: [`Self::run`] is what makes time pass.
    #[must_use]
    pub fn in_virtual_time() -> Self {
        Self {
            paced: false,
            ..Self::default()
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pulls the device out or plugs it in again.
    pub fn plug(&self, is_plugged: bool) {
        let mut world = self.world();
        world.is_plugged = is_plugged;
        if let (false, Some(open)) = (is_plugged, &world.open) {
            open.health.lose(Loss::Gone);
        }
    }

    /// Puts this around every callback from now on.
    pub fn watch(&self, around: Around) {
        self.world().around = around;
    }

    /// Turns the device's clock to another rate, as another program would.
    pub fn set_rate(&self, rate_hz: u32) {
        let mut world = self.world();
        world.rate_hz = rate_hz;
        if let Some(open) = &world.open {
            open.health.announce_rate(rate_hz);
        }
    }

    /// Lets this many blocks pass; returns what went out, left and right. Nothing passes while no
    /// stream is open or the device is unplugged.
    pub fn run(&self, blocks: usize) -> [Vec<f32>; 2] {
        let mut out = [Vec::new(), Vec::new()];
        for _ in 0..blocks {
            let mut world = self.world();
            let (is_plugged, around) = (world.is_plugged, world.around);
            let Some(open) = world.open.as_mut().filter(|_| is_plugged) else {
                break;
            };
            let (left, right) = open.step(around);
            out[0].extend(left);
            out[1].extend(right);
        }
        out
    }

    /// What it offers.
    #[must_use]
    pub fn offer(&self) -> Offer {
        let device = |(id, label): (&str, &str), channels| Device {
            id: id.to_owned(),
            label: label.to_owned(),
            channels,
        };
        Offer {
            backend: Backend::Dummy,
            inputs: INPUTS.iter().map(|input| device(*input, 2)).collect(),
            outputs: vec![device(OUTPUT, 2)],
            rates: RATES_HZ.to_vec(),
            buffers: BUFFERS.to_vec(),
        }
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// [`OpenError`] while the device is unplugged, or when there is no such device.
    pub fn open(
        &self,
        choice: &Choice,
        health: &Arc<Health>,
        make: MakeCallback<'_>,
    ) -> Result<Box<dyn Stream>, OpenError> {
        let offer = self.offer();
        let source = choice.input.as_deref().unwrap_or("sine");
        if !offer.inputs.iter().any(|device| device.id == source) {
            return Err(OpenError::no_device("input", source, &offer.inputs));
        }
        if let Some(name) = choice.output.as_deref().filter(|name| *name != OUTPUT.0) {
            return Err(OpenError::no_device("output", name, &offer.outputs));
        }
        let (is_plugged, device_hz) = {
            let world = self.world();
            (world.is_plugged, world.rate_hz)
        };
        if !is_plugged {
            return Err(OpenError::no_device("input", source, &[]));
        }
        let format = Format {
            rate_hz: choice.rate_hz.unwrap_or(device_hz),
            max_block: choice.buffer.unwrap_or(256) as Frames,
            channels: choice.source.channels(),
        };
        let callback = make(format)?;
        let mut world = self.world();
        world.rate_hz = format.rate_hz;
        world.serial += 1;
        let serial = world.serial;
        world.open = Some(Open {
            callback,
            health: health.clone(),
            format,
            source: source.to_owned(),
            at: 0,
            on_air: std::iter::repeat_n(0.0, LOOP_FRAMES).collect(),
            serial,
        });
        drop(world);
        let clock = self.paced.then(|| Clock::start(self.clone(), format));
        Ok(Box::new(DummyStream {
            dummy: self.clone(),
            format,
            serial,
            source: source.to_owned(),
            _clock: clock,
        }))
    }
}

impl Open {
    fn step(&mut self, around: Around) -> (Vec<f32>, Vec<f32>) {
        let Format {
            rate_hz, max_block, ..
        } = self.format;
        let mut left: Vec<f32> = (0..max_block)
            .map(|_| {
                let time_s = self.at as f64 / f64::from(rate_hz);
                self.at += 1;
                match self.source.as_str() {
                    "sine" => 0.3 * (TAU * 220.0 * time_s).sin() as f32,
                    "voice" => 0.3 - 0.6 * (150.0 * time_s).fract() as f32,
                    "loopback" => self.on_air.pop_front().unwrap_or(0.0),
                    _ => 0.0,
                }
            })
            .collect();
        let mut right = left.clone();
        around(&mut || self.callback.process([&mut left, &mut right], &[]));
        self.health.beat();
        self.on_air.extend(&left);
        if self.source != "loopback" {
            self.on_air.clear();
        }
        (left, right)
    }
}

struct DummyStream {
    dummy: Dummy,
    format: Format,
    serial: u64,
    source: String,
    _clock: Option<Clock>,
}

impl Stream for DummyStream {
    fn format(&self) -> Format {
        self.format
    }

    fn latency(&self) -> DeviceLatency {
        match self.source.as_str() {
            "loopback" => DeviceLatency {
                output: LOOP_FRAMES,
                ..DeviceLatency::default()
            },
            _ => DeviceLatency::default(),
        }
    }

    fn names(&self) -> (String, String) {
        (self.source.clone(), OUTPUT.0.to_owned())
    }
}

impl Drop for DummyStream {
    fn drop(&mut self) {
        let mut world = self.dummy.world();
        let is_ours = world.open.as_ref().is_some_and(|o| o.serial == self.serial);
        let closed = if is_ours { world.open.take() } else { None };
        drop(world);
        drop(closed);
    }
}

/// A thread that steps the world at the pace of its rate.
struct Clock {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    fn start(dummy: Dummy, format: Format) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let block = Duration::from_secs_f64(format.max_block as f64 / f64::from(format.rate_hz));
        let thread = std::thread::spawn(move || {
            let mut next = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                dummy.run(1);
                next += block;
                let now = Instant::now();
                match next.checked_duration_since(now) {
                    Some(wait) => std::thread::sleep(wait),
                    // After a pause of the machine it goes on from here.
                    None => next = now,
                }
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in it has been reported on stderr already.
            let _ = thread.join();
        }
    }
}

//! A voice of RVC on a device: its weights once, for all its engines, and a stream for each. Threads of
//! keepers: it reads files, allocates, waits for the device.

use std::sync::{Arc, Mutex, PoisonError};

use autovoice_kernels::gpu::{Device, GpuError, Precision};

use crate::bridge::Second;
use crate::compute::{Made, Maker, Obstacle, Opened, Opener, obstacle};
use crate::engine::beside::Beside;
use crate::engine::rvc::{Away, Errand, Reach, Singing};
use crate::model::rvc::{DeviceSynthesizer, RvcConfig, Spans};
use crate::nn::Weights;
use crate::nn::device::DeviceError;

/// Reads the weights of the voice, or says why not.
pub type Load = dyn Fn() -> Result<Arc<Weights>, String> + Send + Sync;

/// A voice on a device, in memory once for all its engines.
pub struct Shelf<O: Opener> {
    opener: O,
    config: RvcConfig,
    load: Box<Load>,
    kept: Mutex<Option<Kept<O>>>,
}

struct Kept<O: Opener> {
    spans: Spans,
    precision: Precision,
    /// Of which change of the choice it is.
    choices: u64,
    voice: DeviceSynthesizer<O::Device>,
}

impl<O: Opener> Shelf<O> {
    /// An empty one, for a voice that is read so.
    pub fn new(opener: O, config: &RvcConfig, load: Box<Load>) -> Self {
        Self {
            opener,
            config: config.clone(),
            load,
            kept: Mutex::new(None),
        }
    }

    /// A stream of the voice. Where there is not the memory for weights as they are, they are kept in half
    /// precision.
    fn stream(&self, reach: Reach) -> Result<(DeviceSynthesizer<O::Device>, Precision), Obstacle> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = reach.device_spans(&self.config);
        let choices = self.opener.choices();
        let is_it = |kept: &&Kept<O>| (kept.spans, kept.choices) == (spans, choices);
        if let Some(found) = kept.as_ref().filter(is_it) {
            let stream = found.voice.another(self.opener.open()?.device);
            let stream = stream.map_err(|error| self.obstacle(&error))?;
            return Ok((stream, found.precision));
        }
        // The old one goes first: there may not be room for both.
        *kept = None;
        let weights = (self.load)().map_err(lasting)?;
        let mut last = None;
        for precision in [Precision::Full, Precision::Half] {
            let devices = (self.opener.open()?.device, self.opener.open()?.device);
            match build(devices, &self.config, (spans, precision), &weights) {
                Ok((voice, stream)) => {
                    *kept = Some(Kept {
                        spans,
                        precision,
                        choices,
                        voice,
                    });
                    return Ok((stream, precision));
                }
                Err(DeviceError::Weights(error)) => return Err(lasting(error.to_string())),
                Err(DeviceError::Gpu(error @ GpuError::OutOfMemory { .. })) => last = Some(error),
                Err(DeviceError::Gpu(error)) => return Err(self.obstacle(&error)),
            }
        }
        Err(last.map_or_else(Obstacle::default, |error| self.obstacle(&error)))
    }

    /// What the device says to a voice. After anything but a lack of memory it is of no use any more.
    fn obstacle(&self, error: &GpuError) -> Obstacle {
        if !matches!(error, GpuError::OutOfMemory { .. }) {
            self.opener.forget();
        }
        obstacle(error)
    }
}

/// A voice, from which others are made, and the first of them.
fn build<D: Device>(
    devices: (D, D),
    config: &RvcConfig,
    (spans, precision): (Spans, Precision),
    weights: &Weights,
) -> Result<(DeviceSynthesizer<D>, DeviceSynthesizer<D>), DeviceError> {
    let voice = DeviceSynthesizer::new(devices.0, config, spans, precision, &weights.root())?;
    let stream = voice.another(devices.1)?;
    Ok((voice, stream))
}

/// What does not go away by itself.
fn lasting(note: String) -> Obstacle {
    Obstacle {
        note: Some(note),
        may_pass: false,
    }
}

/// Makes streams of a voice for one engine.
pub struct StreamMaker<O: Opener> {
    shelf: Arc<Shelf<O>>,
    reach: Reach,
    waiter: Waiter,
}

/// Finds somebody who waits for the device.
type Waiter = fn() -> std::io::Result<Box<dyn Beside<Box<Errand<Singing>>>>>;

impl<O: Opener> StreamMaker<O> {
    /// For an engine that looks so far.
    pub fn new(shelf: Arc<Shelf<O>>, reach: Reach) -> Self {
        Self {
            shelf,
            reach,
            waiter: || Ok(Box::new(Second::spawn_detached()?)),
        }
    }

    /// The same with somebody else to wait for the device than threads: for tests.
    #[must_use]
    pub fn with(self, waiter: Waiter) -> Self {
        Self { waiter, ..self }
    }
}

impl<O: Opener> Maker for StreamMaker<O> {
    type Task = Singing;

    fn make(&mut self) -> Result<Made<Singing>, Obstacle> {
        let shelf = &self.shelf;
        let Opened { name, meter, .. } = shelf.opener.open()?;
        let (voice, precision) = shelf.stream(self.reach)?;
        let beside = (self.waiter)().map_err(|error| Obstacle {
            note: Some(format!(
                "expected a thread for the device, found: {error}; singing on the CPU"
            )),
            may_pass: true,
        })?;
        let task = Singing::new(Box::new(voice), self.reach, &shelf.config);
        let away = Away::new(task, beside);
        let away = away.map_err(|error| shelf.obstacle(&error))?;
        let (used, limit) = (meter.used(), meter.limit());
        let (half, note) = match precision {
            Precision::Full => ("", None),
            Precision::Half => (
                ", half precision",
                Some(format!(
                    "the device has no room for the voice as it is: {limit} bytes for this process; it \
                     is there in half precision"
                )),
            ),
        };
        let gigabytes = |bytes: usize| bytes as f64 / 1e9;
        Ok(Made {
            away,
            device: format!(
                "{name}{half}, {:.1} of {:.1} GB",
                gigabytes(used),
                gigabytes(limit)
            ),
            note,
        })
    }

    fn forget(&mut self) {
        *self
            .shelf
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        self.shelf.opener.forget();
    }

    fn choices(&self) -> u64 {
        self.shelf.opener.choices()
    }
}

//! Networks on a device: their weights once, for all engines that use them, and a stream for each. Threads
//! of keepers: it reads files, allocates, waits for the device.

use std::sync::{Arc, Mutex, PoisonError};

use autovoice_kernels::gpu::{GpuError, Precision};

use super::kinds::Kind;
use crate::bridge::Second;
use crate::compute::{Made, Maker, Obstacle, Opened, Opener, obstacle};
use crate::engine::away::{Away, Errand};
use crate::engine::beside::Beside;
use crate::nn::Weights;
use crate::nn::device::DeviceError;

/// Reads the weights, or says why not.
pub type Load = dyn Fn() -> Result<Arc<Weights>, String> + Send + Sync;

/// Networks on a device, in memory once for all engines that use them.
pub struct Shelf<O: Opener, K: Kind> {
    opener: O,
    kind: K,
    load: Box<Load>,
    kept: Mutex<Option<Kept<O, K>>>,
}

struct Kept<O: Opener, K: Kind> {
    sizes: K::Sizes,
    precision: Precision,
    /// Of which change of the choice it is.
    choices: u64,
    /// From which the streams of engines are made.
    first: K::Stream<O::Device>,
}

/// What there is for an engine.
type Found<O, K> = (<K as Kind>::Stream<<O as Opener>::Device>, Precision);

impl<O: Opener, K: Kind> Shelf<O, K> {
    /// An empty one, for networks that are read so.
    pub fn new(opener: O, kind: K, load: Box<Load>) -> Self {
        Self {
            opener,
            kind,
            load,
            kept: Mutex::new(None),
        }
    }

    /// A stream. Where there is not the memory for weights as they are, they are kept in half precision.
    fn stream(&self, reach: K::Reach) -> Result<Found<O, K>, Obstacle> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let sizes = self.kind.sizes(reach);
        let choices = self.opener.choices();
        let is_it = |kept: &&Kept<O, K>| kept.sizes == sizes && kept.choices == choices;
        if let Some(found) = kept.as_ref().filter(is_it) {
            let stream = K::another(&found.first, self.opener.open()?.device);
            let stream = stream.map_err(|error| self.obstacle(&error))?;
            return Ok((stream, found.precision));
        }
        // The old one goes first: there may not be room for both.
        *kept = None;
        let weights = (self.load)().map_err(lasting)?;
        let mut last = None;
        for precision in [Precision::Full, Precision::Half] {
            // From one others are made, and an engine has the first of these.
            let (device, other) = (self.opener.open()?.device, self.opener.open()?.device);
            let built = self.kind.build(device, (sizes, precision), &weights);
            let built = built.and_then(|first| {
                let stream = K::another(&first, other)?;
                Ok((first, stream))
            });
            match built {
                Ok((first, stream)) => {
                    *kept = Some(Kept {
                        sizes,
                        precision,
                        choices,
                        first,
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

    /// What the device says. After anything but a lack of memory it is of no use any more.
    fn obstacle(&self, error: &GpuError) -> Obstacle {
        if !matches!(error, GpuError::OutOfMemory { .. }) {
            self.opener.forget();
        }
        obstacle(error)
    }
}

/// What does not go away by itself.
fn lasting(note: String) -> Obstacle {
    Obstacle {
        note: Some(note),
        may_pass: false,
    }
}

/// Makes streams for one engine.
pub struct StreamMaker<O: Opener, K: Kind> {
    shelf: Arc<Shelf<O, K>>,
    reach: K::Reach,
    waiter: Waiter<K>,
}

/// Finds somebody who waits for the device.
type Waiter<K> = fn() -> std::io::Result<Box<dyn Beside<Box<Errand<<K as Kind>::Task>>>>>;

impl<O: Opener, K: Kind> StreamMaker<O, K> {
    /// For an engine that looks so far.
    pub fn new(shelf: Arc<Shelf<O, K>>, reach: K::Reach) -> Self {
        Self {
            shelf,
            reach,
            waiter: || Ok(Box::new(Second::spawn_detached()?)),
        }
    }

    /// The same with somebody else to wait for the device than threads: for tests.
    #[must_use]
    pub fn with(self, waiter: Waiter<K>) -> Self {
        Self { waiter, ..self }
    }
}

impl<O: Opener, K: Kind> Maker for StreamMaker<O, K> {
    type Task = K::Task;

    fn make(&mut self) -> Result<Made<K::Task>, Obstacle> {
        let shelf = &self.shelf;
        let Opened { name, meter, .. } = shelf.opener.open()?;
        let (stream, precision) = shelf.stream(self.reach)?;
        let beside = (self.waiter)().map_err(|error| Obstacle {
            note: Some(format!(
                "expected a thread for the device, found: {error}; on the CPU instead"
            )),
            may_pass: true,
        })?;
        let task = shelf.kind.task(stream, self.reach);
        let away = Away::new(task, beside);
        let away = away.map_err(|error| shelf.obstacle(&error))?;
        let limit = meter.limit();
        let (half, note) = match precision {
            Precision::Full => ("", None),
            Precision::Half => (
                ", half precision",
                Some(format!(
                    "the device has no room for {} as it is: {limit} bytes for this process; it is there \
                     in half precision",
                    K::NAME
                )),
            ),
        };
        Ok(Made {
            away,
            device: format!("{name}{half}"),
            meter: Some(meter),
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
